//! Addresses of brokers and names of topics: what can be said of them before connecting.

/// Why a list of brokers cannot be used. An entry may itself be a list, as `KAFKA_BOOTSTRAP_SERVERS` is.
pub fn check_bootstrap(bootstrap: &[String]) -> Result<(), (String, &'static str)> {
    let must = "it is a host and a port, as \"10.0.0.7:9092\"";
    if bootstrap.is_empty() {
        return Err(("empty".into(), "name at least one broker, as [\"10.0.0.7:9092\"]"));
    }
    for address in bootstrap.iter().flat_map(|entry| entry.split(',')) {
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
        if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
            return Err((address.to_owned(), must));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_and_topics_are_told_from_what_is_none() {
        let check = |address: &str| check_bootstrap(&[address.to_owned()]);
        assert!(check("10.0.0.7:9092").is_ok() && check("[::1]:9092").is_ok() && check("a:1,b:2").is_ok());
        for wrong in ["10.0.0.7", ":9092", "kafka://a:9092", "a:0", "a:b", "a:1,b", "a:1,", ","] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert!(check_bootstrap(&[]).is_err());
        assert!(check_topic("plant.line-a_1").is_ok());
        for wrong in ["", "..", "plant/a", "é", &"x".repeat(250)] {
            assert!(check_topic(wrong).is_err(), "{wrong}");
        }
    }
}
