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

/// Why a list of brokers cannot be used.
pub fn check_bootstrap(bootstrap: &[String]) -> Result<(), (String, &'static str)> {
    let must = "it is a host and a port, as \"10.0.0.7:9092\"";
    if bootstrap.is_empty() {
        return Err(("empty".into(), "name at least one broker, as [\"10.0.0.7:9092\"]"));
    }
    for address in bootstrap {
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(['/', ',']));
        if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
            return Err((address.clone(), must));
        }
    }
    Ok(())
}

/// Why a name cannot be that of a topic.
pub fn check_topic(topic: &str) -> Result<(), &'static str> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if topic.is_empty() || topic.len() > 249 || topic == "." || topic == ".." {
        return Err("a topic has a name of 1 to 249 characters");
    }
    if topic.chars().all(legal) { Ok(()) } else { Err("a topic has letters, digits, '.', '_' and '-'") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_and_topics_are_told_from_what_is_none() {
        let check = |address: &str| check_bootstrap(&[address.to_owned()]);
        assert!(check("10.0.0.7:9092").is_ok() && check("[::1]:9092").is_ok());
        for wrong in ["10.0.0.7", ":9092", "kafka://a:9092", "a:0", "a:b", "a:1,b:2"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert!(check_bootstrap(&[]).is_err());
        assert!(check_topic("plant.line-a_1").is_ok());
        for wrong in ["", "..", "plant/a", "é", &"x".repeat(250)] {
            assert!(check_topic(wrong).is_err(), "{wrong}");
        }
    }
}
