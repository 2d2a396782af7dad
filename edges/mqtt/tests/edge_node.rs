//! The edge node's messages, as the specification wants them, without a broker.

use lehr_domain::EventMs;
use lehr_mqtt::sparkplug::{Commanded, DataType, EdgeNode, Metric, MetricDef, MetricValue, Payload, Topic, Update};
use lehr_tags::Quality;
use proptest::prelude::*;

const NOW: EventMs = EventMs(1_800_000_000_000);

fn node() -> EdgeNode {
    let def = |device: &str, metric: &str, unit: Option<&str>, writable| MetricDef {
        device: device.into(),
        metric: metric.into(),
        unit: unit.map(str::to_owned),
        writable,
    };
    let metrics = vec![
        def("Crown", "Temperature", Some("°C"), false),
        def("Crown", "Set/Temperature", None, true),
        def("Lehr", "Speed", None, false),
    ];
    EdgeNode::new("Plant", "Furnace", metrics).unwrap()
}

fn update(metric: usize, value: f64) -> Update {
    Update { metric, value, at: NOW, quality: Quality::Good, historical: false }
}

fn bd_seq(payload: &[u8]) -> Option<MetricValue> {
    Payload::read(payload).unwrap().metric("bdSeq").unwrap().value.clone()
}

#[test]
fn a_birth_has_all_metrics_with_names_types_and_values() {
    let mut node = node();
    node.begin();
    node.note(update(0, 1500.0));
    let births = node.births(NOW);
    let topics: Vec<&str> = births.iter().map(|message| message.topic.as_str()).collect();
    assert_eq!(
        topics,
        ["spBv1.0/Plant/NBIRTH/Furnace", "spBv1.0/Plant/DBIRTH/Furnace/Crown", "spBv1.0/Plant/DBIRTH/Furnace/Lehr"]
    );
    let payloads: Vec<Payload> = births.iter().map(|message| Payload::read(&message.payload).unwrap()).collect();
    assert_eq!(payloads.iter().map(|payload| payload.seq).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    assert!(payloads.iter().all(|payload| payload.timestamp == Some(NOW.0 as u64)));
    let metrics: Vec<&Metric> = payloads.iter().flat_map(|payload| &payload.metrics).collect();
    for metric in &metrics {
        assert!(metric.name.is_some() && metric.datatype.is_some() && metric.timestamp.is_some(), "{metric:?}");
        assert!(metric.value.is_some() != metric.is_null.unwrap_or(false), "a value, or null: {metric:?}");
    }
    let rebirth = payloads[0].metric("Node Control/Rebirth").unwrap();
    assert_eq!((&rebirth.value, rebirth.alias, rebirth.datatype), (&Some(MetricValue::Boolean(false)), None, Some(11)));
    let aliases: std::collections::BTreeSet<u64> = metrics.iter().filter_map(|metric| metric.alias).collect();
    assert_eq!(aliases.len(), 3, "each its own, over all devices");
    let temperature = payloads[1].metric("Temperature").unwrap();
    assert_eq!(
        (&temperature.value, temperature.property("engUnit").unwrap().text.as_deref()),
        (&Some(MetricValue::Double(1500.0)), Some("°C"))
    );
}

#[test]
fn births_and_deaths_of_a_session_have_its_number_and_the_next_session_the_next() {
    let mut node = node();
    for session in 0..600u64 {
        let will = node.begin();
        assert_eq!(will.topic, "spBv1.0/Plant/NDEATH/Furnace");
        let death = Payload::read(&will.payload).unwrap();
        assert_eq!((death.seq, death.metrics.len()), (None, 1), "a death has no sequence number and nothing else");
        let expected = Some(MetricValue::Long(session % 256));
        assert_eq!(bd_seq(&will.payload), expected);
        assert_eq!(bd_seq(&node.births(NOW)[0].payload), expected);
        assert_eq!(bd_seq(&node.births(NOW)[0].payload), expected, "a rebirth is of the same session");
        assert_eq!(bd_seq(&node.leave(NOW).payload), expected);
    }
}

#[test]
fn data_is_by_alias_and_counted_round_to_255() {
    let mut node = node();
    node.begin();
    let births = node.births(NOW).len();
    let mut expected = births as u64;
    for n in 0..600 {
        for message in node.data(&[update(0, f64::from(n)), update(2, 1.0)], NOW) {
            let payload = Payload::read(&message.payload).unwrap();
            assert_eq!(payload.seq, Some(expected % 256));
            expected += 1;
            for metric in payload.metrics {
                assert!(
                    metric.name.is_none()
                        && metric.datatype.is_none()
                        && metric.alias.is_some()
                        && metric.timestamp.is_some()
                );
            }
        }
    }
    assert_eq!(Payload::read(&node.births(NOW)[0].payload).unwrap().seq, Some(0), "a birth begins at 0 again");
}

#[test]
fn quality_and_history_are_said() {
    let mut node = node();
    node.begin();
    let updates = [
        Update { quality: Quality::Uncertain, ..update(0, 1.0) },
        Update { quality: Quality::Bad, historical: true, ..update(0, f64::NAN) },
    ];
    let payload = Payload::read(&node.data(&updates, NOW)[0].payload).unwrap();
    let [stale, bad] = payload.metrics.as_slice() else { panic!("{payload:?}") };
    assert_eq!(
        (stale.quality(), stale.property("Quality").unwrap().int, stale.is_historical),
        (Quality::Uncertain, Some(500), None)
    );
    assert_eq!((bad.quality(), bad.is_null, bad.is_historical), (Quality::Bad, Some(true), Some(true)));
}

#[test]
fn commands_are_taken_by_name_or_alias_or_refused() {
    let node = node();
    let command = |topic: &str, metrics: Vec<Metric>| {
        node.command(topic, &Payload { timestamp: None, metrics, seq: None }.write()).remove(0)
    };
    let named = |name: &str, value| Metric { value: Some(value), ..Metric::named(name, DataType::Double) };
    let (own, crown) = ("spBv1.0/Plant/NCMD/Furnace", "spBv1.0/Plant/DCMD/Furnace/Crown");
    assert_eq!(command(own, vec![named("Node Control/Rebirth", MetricValue::Boolean(true))]), Commanded::Rebirth);
    let write = Commanded::Write { metric: 1, value: 1510.0 };
    assert_eq!(command(crown, vec![named("Set/Temperature", MetricValue::Double(1510.0))]), write);
    let by_alias = Metric { alias: Some(2), value: Some(MetricValue::Float(1510.0)), ..Metric::default() };
    assert_eq!(command(crown, vec![by_alias]), write);
    for (topic, metric, part) in [
        (crown, named("Temperature", MetricValue::Double(1.0)), "cannot be written"),
        (crown, named("Set/Temperature", MetricValue::Text("hot".into())), "no number"),
        (crown, named("Set/Temperature", MetricValue::Double(f64::NAN)), "no number"),
        (crown, named("Nothing", MetricValue::Double(1.0)), "no metric"),
        (crown, Metric { alias: Some(3), value: Some(MetricValue::Double(1.0)), ..Metric::default() }, "no metric"),
        (
            crown,
            Metric { alias: Some(u64::MAX), value: Some(MetricValue::Double(1.0)), ..Metric::default() },
            "no metric",
        ),
        (own, named("Node Control/Reboot", MetricValue::Boolean(true)), "Rebirth = true alone"),
        ("spBv1.0/Plant/DCMD/Other/Crown", named("Set/Temperature", MetricValue::Double(1.0)), "another edge node"),
    ] {
        let Commanded::Refused(why) = command(topic, vec![metric]) else { panic!("{topic} {part}") };
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn names_that_make_no_topic_are_refused() {
    assert!(EdgeNode::new("Plant/A", "Furnace", Vec::new()).unwrap_err().contains("group Plant/A: it must hold no /"));
    let twice = MetricDef { device: "D".into(), metric: "M".into(), unit: None, writable: false };
    assert!(EdgeNode::new("P", "F", vec![twice.clone(), twice]).unwrap_err().contains("is there twice"));
}

proptest! {
    #[test]
    fn hostile_commands_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), device in "[A-Za-z]{0,6}") {
        let node = node();
        let _ = node.command(&format!("spBv1.0/Plant/DCMD/Furnace/{device}"), &bytes);
        let _ = node.command("spBv1.0/Plant/NCMD/Furnace", &bytes);
        let topic = format!("spBv1.0/Plant/DCMD/Furnace/{device}");
        if topic.parse::<Topic>().is_err() {
            prop_assert!(matches!(node.command(&topic, &bytes)[0], Commanded::Refused(_)));
        }
    }
}
