//! Protocols, seen alike.

use async_trait::async_trait;
use lehr_domain::names::Names;
use lehr_tags::{Intake, SourceStatus};
use std::fmt::Debug;
use std::sync::Arc;

/// A configured peer of some protocol.
#[async_trait]
pub trait Peer: Debug + Send + Sync + 'static {
    /// Unique among the sources of a system.
    fn name(&self) -> &str;

    fn protocol(&self) -> &'static str;

    /// Whom it speaks to, without secrets.
    fn address(&self) -> String;

    /// What is wrong with the configuration, as far as that can be said without the peer.
    fn check(&self, names: &Names) -> Result<(), String>;

    /// Hands on what the peer says, until the intake stops; a peer that is away is tried again and again. Says why it
    /// ended. It may be dropped at any moment.
    async fn run(&self, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> String;

    /// Reaches the peer once, within a bounded time: what was found, or what is wrong and how to mend it.
    async fn probe(&self) -> Result<Vec<String>, String>;
}

/// Crates in edges/ have the same functions, and each a type of its own for a peer.
macro_rules! peer {
    ($edge:ident, $protocol:literal, |$config:ident| $address:expr) => {
        #[async_trait]
        impl Peer for $edge::Config {
            fn name(&self) -> &str {
                &self.name
            }

            fn protocol(&self) -> &'static str {
                $protocol
            }

            fn address(&self) -> String {
                let $config = self;
                $address
            }

            fn check(&self, names: &Names) -> Result<(), String> {
                $edge::Config::check(self, names).map_err(|error| error.to_string())
            }

            async fn run(&self, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> String {
                match $edge::run(self.clone(), intake, status).await {
                    Ok(stopped) => stopped.to_string(),
                    Err(error) => error.to_string(),
                }
            }

            async fn probe(&self) -> Result<Vec<String>, String> {
                $edge::probe(self).await.map_err(|error| error.to_string())
            }
        }
    };
}

peer!(lehr_kafka, "kafka", |config| config.bootstrap.join(","));
peer!(lehr_modbus, "modbus", |config| config.address.clone());
peer!(lehr_mqtt, "mqtt", |config| config.address.clone());
peer!(lehr_opcua, "opcua", |config| config.endpoint.clone());
