//! Topics and filters, as MQTT has them.

/// Bytes of a topic at most, by the protocol.
const LONGEST: usize = 65_535;

/// Whether a filter may be subscribed to. Says what is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), &'static str> {
    check_length(filter)?;
    let levels: Vec<&str> = filter.split('/').collect();
    for (position, level) in levels.iter().enumerate() {
        if level.contains('#') && (*level != "#" || position + 1 != levels.len()) {
            return Err("# must stand alone, as the last level");
        }
        if level.contains('+') && *level != "+" {
            return Err("+ must stand alone between slashes");
        }
    }
    Ok(())
}

/// Whether a topic may be published to.
pub fn check_topic(topic: &str) -> Result<(), &'static str> {
    check_length(topic)?;
    if has_wildcard(topic) {
        return Err("a topic that is published to has no + and no #");
    }
    Ok(())
}

fn check_length(topic: &str) -> Result<(), &'static str> {
    match topic.len() {
        0 => Err("it is empty"),
        length if length > LONGEST => Err("it is longer than 65535 bytes"),
        _ if topic.contains('\0') => Err("it holds a zero character"),
        _ => Ok(()),
    }
}

pub fn has_wildcard(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether a topic is one of the filter's. Topics that begin with `$` are a broker's own: no leading wildcard has them.
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut levels, mut names) = (filter.split('/'), topic.split('/'));
    loop {
        match (levels.next(), names.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(level), Some(name)) if level == name => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_match_as_the_standard_says() {
        for (filter, topic, expected) in [
            ("plant/+/furnace", "plant/a/furnace", true),
            ("plant/+/furnace", "plant/a/b/furnace", false),
            ("plant/#", "plant", true),
            ("plant/#", "plant/a/b", true),
            ("#", "$SYS/broker/load", false),
            ("+/broker", "$SYS/broker", false),
            ("$SYS/#", "$SYS/broker/load", true),
            ("plant/+", "plant/", true),
            ("plant", "plant/", false),
            ("+/+", "/furnace", true),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn bad_filters_are_named() {
        assert!(check_filter("plant/+/#").is_ok());
        for filter in ["", "a#", "a/#/b", "a+/b", "#/a", "a\0b"] {
            assert!(check_filter(filter).is_err(), "{filter:?}");
        }
        assert!(check_topic("a/+").is_err() && check_topic("a/b").is_ok());
    }

    proptest! {
        #[test]
        fn a_topic_matches_itself_and_all_that_hides_a_level(levels in prop::collection::vec("[a-z]{0,3}", 1..6), at in 0usize..6) {
            let topic = levels.join("/");
            prop_assume!(!topic.is_empty());
            let mut hidden = levels.clone();
            let at = at % hidden.len();
            hidden[at] = "+".into();
            prop_assert!(matches(&topic, &topic));
            prop_assert!(matches(&hidden.join("/"), &topic));
            prop_assert!(matches(&[&levels[..at], &["#".to_owned()]].concat().join("/"), &topic));
        }
    }
}
