//! Any filter and topic, two lines: what is taken for good matches as the standard says, and names read as they are written.
#![no_main]

use lehr_mqtt::fuzzing::{check_filter, check_topic, matches};
use lehr_mqtt::sparkplug::{MetricAddress, Topic};

/// Level by level, the other way round than the decoder does it.
fn naive(filter: &[&str], topic: &[&str]) -> bool {
    match (filter.split_first(), topic.split_first()) {
        (Some((&"#", _)), _) | (None, None) => true,
        (Some((&"+", filter)), Some((_, topic))) => naive(filter, topic),
        (Some((level, filter)), Some((name, topic))) => level == name && naive(filter, topic),
        _ => false,
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (filter, topic) = text.split_once('\n').unwrap_or((text, text));
    // Levels are walked by recursion.
    if filter.len() <= 1000 && check_filter(filter).is_ok() && check_topic(topic).is_ok() {
        let levels = |text| str::split(text, '/').collect::<Vec<_>>();
        let own = topic.starts_with('$') && filter.starts_with(['+', '#']);
        assert_eq!(matches(filter, topic), !own && naive(&levels(filter), &levels(topic)));
        assert!(matches(topic, topic), "a topic is a filter that matches itself");
    }
    if let Ok(read) = topic.parse::<Topic>() {
        assert_eq!(read.to_string(), topic);
        assert_eq!(check_topic(topic), Ok(()));
    }
    if let Ok(address) = topic.parse::<MetricAddress>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
});
