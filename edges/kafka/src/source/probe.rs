//! Are the brokers there, and the topics?

use super::config::Config;
use crate::client;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProbeError {
    #[error("{address}: {why}; is a broker running there, does it listen without encryption, and is bootstrap right?")]
    Unreachable { address: String, why: String },
}

/// Asks the brokers once what there is. Says what it found, line by line. Checks no sensor: for that is
/// [`Config::check`].
///
/// # Errors
/// No broker answers within ten seconds.
pub async fn probe(config: &Config) -> Result<Vec<String>, ProbeError> {
    let config = config.clone();
    let address = config.bootstrap.join(",");
    let failed = move |why: String| ProbeError::Unreachable { address: address.clone(), why };
    let asked = tokio::task::spawn_blocking(move || ask(&config)).await;
    asked.map_err(|error| error.to_string()).flatten().map_err(failed)
}

fn ask(config: &Config) -> Result<Vec<String>, String> {
    let (_, library) = rdkafka::util::get_rdkafka_version();
    let said = |error| client::said(&error);
    let asking: BaseConsumer = client::settings(&config.bootstrap, "lehr-probe")
        .set("allow.auto.create.topics", "false")
        .create()
        .map_err(said)?;
    let metadata = asking.fetch_metadata(None, ANSWER_WITHIN).map_err(said)?;
    let brokers: Vec<String> =
        metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
    let mut lines = vec![format!("{} brokers: {} (librdkafka {library})", brokers.len(), brokers.join(", "))];
    for (topic, partitions) in client::topics(&metadata, config.topics()) {
        lines.push(match partitions {
            Some(partitions) => format!("topic {topic}: {partitions} partitions"),
            None => format!("topic {topic}: not there; create it, or correct topic"),
        });
    }
    Ok(lines)
}
