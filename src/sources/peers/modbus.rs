use super::Peer;
use async_trait::async_trait;
use lehr_domain::names::Names;
use lehr_modbus::Config;
use lehr_tags::{Intake, SourceStatus};
use std::sync::Arc;

#[async_trait]
impl Peer for Config {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> &'static str {
        "modbus"
    }

    fn address(&self) -> String {
        self.address.clone()
    }

    fn check(&self, names: &Names) -> Result<(), String> {
        Config::check(self, names).map_err(|error| error.to_string())
    }

    async fn run(&self, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> String {
        match lehr_modbus::run(self.clone(), intake, status).await {
            Ok(stopped) => stopped.to_string(),
            Err(error) => error.to_string(),
        }
    }

    async fn probe(&self) -> Result<Vec<String>, String> {
        lehr_modbus::probe(self).await.map_err(|error| error.to_string())
    }
}
