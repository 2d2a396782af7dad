//! A broker as a store of Lehr's tables.

use super::config::Config;
use super::messages::{messages, position, tick};
use super::session::{Session, retained};
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, Target, TargetError};
use std::sync::Arc;

pub(super) struct MqttTarget {
    config: Config,
    /// None before the first connection and after a failure.
    session: Option<Session>,
    holds: Tick,
}

impl MqttTarget {
    pub fn new(config: Config) -> MqttTarget {
        MqttTarget { config, session: None, holds: Tick(0) }
    }
}

#[async_trait]
impl Target for MqttTarget {
    async fn connect(&mut self, _: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.session = None;
        let endpoint = self.config.endpoint().map_err(|error| TargetError::Refused(error.to_string()))?;
        // First, so that nothing of an earlier connection comes after the position is read.
        let session = Session::open(&endpoint, &self.config.client_id(), self.config.patience()).await?;
        self.holds = standing(&self.config).await?;
        self.session = Some(session);
        Ok(Some(self.holds))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        if delta.tick <= self.holds {
            return Ok(());
        }
        // Taken out, so that a connection that failed, or whose delta nobody waited for, is not used again.
        let Some(mut session) = self.session.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        let prefix = self.config.prefix.clone();
        for of in delta.tables.iter().filter(|of| self.config.follows(&of.table)) {
            for message in messages(&prefix, of) {
                session.publish(message).await?;
            }
        }
        // The position says what is there.
        session.settle().await?;
        session.publish(position(&prefix, delta)).await?;
        session.settle().await?;
        (self.session, self.holds) = (Some(session), delta.tick);
        Ok(())
    }
}

/// The tick that the broker holds; 0 when it holds none.
pub(super) async fn standing(config: &Config) -> Result<Tick, TargetError> {
    let endpoint = config.endpoint().map_err(|error| TargetError::Refused(error.to_string()))?;
    let topic = config.position();
    let Some(heard) = retained(&endpoint, &format!("{}-position", config.client_id()), &topic).await? else {
        return Ok(Tick(0));
    };
    match tick(&heard.payload) {
        Some(tick) => Ok(Tick(tick)),
        None => {
            Err(TargetError::Refused(format!("{topic} holds what is not Lehr's: delete it, or choose another prefix")))
        }
    }
}
