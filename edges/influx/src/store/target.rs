//! Follows Lehr's tables.

use super::answer::Meaning;
use super::client::Client;
use super::config::Config;
use super::lines::lines;
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, Target, TargetError};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a batch, before it is packed.
const BATCH_BYTES: usize = 1 << 20;

pub(super) struct InfluxTarget {
    config: Config,
    /// None before the first connection and after a failure.
    client: Option<Client>,
    /// Until then the server wants to be left alone.
    not_before: Option<Instant>,
}

impl InfluxTarget {
    pub fn new(config: Config) -> InfluxTarget {
        InfluxTarget { config, client: None, not_before: None }
    }

    fn rested(&self) -> Result<(), TargetError> {
        let left = self.not_before.and_then(|until| until.checked_duration_since(Instant::now()));
        match left {
            Some(left) if !left.is_zero() => {
                Err(TargetError::Away(format!("the server wants {:.1} s more of rest", left.as_secs_f64())))
            }
            _ => Ok(()),
        }
    }

    /// Writes a batch; halves of it where the server takes no more.
    async fn write(&mut self, client: &Client, batch: Vec<String>) -> Result<(), TargetError> {
        let mut batches = vec![batch];
        while let Some(batch) = batches.pop() {
            match client.write(&batch).await?.meaning(&batch) {
                Meaning::Taken => {}
                Meaning::TooOld(why) => {
                    tracing::warn!("store {}: points are older than the bucket keeps any: {why}", self.config.name);
                }
                Meaning::TooLarge => {
                    let mut first = batch;
                    let second = first.split_off(first.len() / 2);
                    // In their order.
                    batches.extend([second, first]);
                }
                Meaning::Pause(pause, error) => {
                    self.not_before = Some(Instant::now() + pause);
                    return Err(error);
                }
                Meaning::Failed(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Target for InfluxTarget {
    async fn connect(&mut self, _: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.client = None;
        self.rested()?;
        let client = Client::new(&self.config)?;
        match may_write(&client).await? {
            Meaning::Pause(pause, error) => {
                self.not_before = Some(Instant::now() + pause);
                Err(error)
            }
            Meaning::Failed(error) => Err(error),
            _ => {
                self.client = Some(client);
                Ok(None)
            }
        }
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        self.rested()?;
        let Some(client) = self.client.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        for of in &delta.tables {
            if !self.config.follows(&of.table) {
                continue;
            }
            let found = lines(of, delta.now);
            if found.left_out > 0 {
                let (store, table, count) = (&self.config.name, of.table.name, found.left_out);
                tracing::warn!(
                    "store {store}: {count} points of {table} have no value, or a time that InfluxDB cannot say"
                );
            }
            let (mut batch, mut bytes) = (Vec::new(), 0);
            for line in found.lines {
                if batch.len() >= self.config.batch || bytes + line.len() > BATCH_BYTES && !batch.is_empty() {
                    self.write(&client, std::mem::take(&mut batch)).await?;
                    bytes = 0;
                }
                bytes += line.len() + 1;
                batch.push(line);
            }
            if !batch.is_empty() {
                self.write(&client, batch).await?;
            }
        }
        self.client = Some(client);
        Ok(())
    }
}

/// Asks by writing nothing: InfluxDB looks at the token and the bucket first, and then misses points.
async fn may_write(client: &Client) -> Result<Meaning, TargetError> {
    let answer = client.write(&[]).await?;
    Ok(if answer.status == 400 { Meaning::Taken } else { answer.meaning(&[]) })
}

/// Whether the bucket can be written to. Writes nothing. An error when the store cannot be reached or used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    let client = Client::new(config).map_err(|error| error.to_string())?;
    match may_write(&client).await.map_err(|error| format!("{}: {error}", config.address()))? {
        Meaning::Pause(_, error) | Meaning::Failed(error) => Err(format!("{}: {error}", config.address())),
        _ => Ok(vec![format!("{} takes points", config.address())]),
    }
}
