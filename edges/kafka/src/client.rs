//! What all connections to brokers have in common.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

/// Settings of a client that finds its brokers again by itself, within seconds.
pub fn settings(bootstrap: &[String], client_id: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", bootstrap.join(","))
        .set("client.id", client_id)
        .set("socket.keepalive.enable", "true")
        .set("socket.connection.setup.timeout.ms", "10000")
        .set("reconnect.backoff.max.ms", "5000")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("log.connection.close", "false");
    settings
}

/// What librdkafka says of itself, as the rest of Lehr does. It repeats what it cannot mend, so errors are warnings here.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(target: "lehr_kafka", "{facility}: {message}");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(target: "lehr_kafka", "{facility}: {message}");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "lehr_kafka", "{facility}: {message}");
        }
    }
}

pub fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        error => error.rdkafka_error_code(),
    }
}

/// What happened, in a sentence without names of the library.
pub fn said(error: &KafkaError) -> String {
    match (error, code(error)) {
        (KafkaError::Transaction(error), _) => error.string(),
        (_, Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure)) => {
            "no broker can be reached".into()
        }
        (_, Some(code)) => code.to_string(),
        (error, None) => error.to_string(),
    }
}

/// Brokers, and the topics among `wanted` that there are, with their partitions.
pub fn topics<'w>(metadata: &Metadata, wanted: impl IntoIterator<Item = &'w str>) -> Vec<(&'w str, Option<usize>)> {
    let partitions = |name: &str| {
        let found = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
        found.map(|topic| topic.partitions().len())
    };
    wanted.into_iter().map(|name| (name, partitions(name))).collect()
}
