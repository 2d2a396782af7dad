//! The host's state machine against an edge node's, without a broker: every rule, and any order of arrival.

use lehr_domain::EventMs;
use lehr_mqtt::sparkplug::{
    Command, DataType, EdgeNode, Host, HostOptions, Metric, MetricAddress, MetricDef, MetricValue, Moment, NodeId,
    Outgoing, Payload, Reaction, Update,
};
use lehr_tags::{Quality, Sample};
use proptest::prelude::*;
use std::time::Duration;

const START: i64 = 1_800_000_000_000;
const TIMEOUT: Duration = Duration::from_secs(2);
const EVERY: Duration = Duration::from_secs(10);

fn node_id() -> NodeId {
    NodeId { group: "Plant".into(), node: "Furnace".into() }
}

fn asked() -> Vec<Command> {
    vec![Command::Rebirth(node_id())]
}

/// After so many milliseconds, by both clocks.
fn after(ms: u64) -> Moment {
    Moment { plant: EventMs(START + ms as i64), clock: Duration::from_millis(ms) }
}

fn at(ms: u64) -> EventMs {
    after(ms).plant
}

fn host() -> Host {
    let tags =
        ["Plant/Furnace/Crown/Temperature", "Plant/Furnace/Crown/Pressure", "Plant/Furnace/Forehearth/Temperature"];
    let tags = tags.map(|tag| tag.parse::<MetricAddress>().unwrap());
    Host::new(HostOptions { reorder_timeout: TIMEOUT, rebirth_every: EVERY }, tags)
}

const METRICS: [(&str, &str); 3] = [("Crown", "Temperature"), ("Crown", "Pressure"), ("Forehearth", "Temperature")];

fn node() -> EdgeNode {
    let metrics = METRICS.map(|(device, metric)| MetricDef {
        device: device.into(),
        metric: metric.into(),
        unit: None,
        writable: false,
    });
    let mut node = EdgeNode::new("Plant", "Furnace", metrics.to_vec()).unwrap();
    node.begin();
    node
}

fn update(metric: usize, value: f64, ms: u64) -> Update {
    Update { metric, value, at: at(ms), quality: Quality::Good, historical: false }
}

fn data(node: &mut EdgeNode, metric: usize, value: f64, ms: u64) -> Outgoing {
    node.data(&[update(metric, value, ms)], at(ms)).remove(0)
}

fn hear(host: &mut Host, message: &Outgoing, ms: u64) -> Reaction {
    host.hear(&message.topic, &message.payload, after(ms))
}

fn born(host: &mut Host, node: &mut EdgeNode, ms: u64) {
    for message in node.births(at(ms)) {
        let reaction = hear(host, &message, ms);
        assert_eq!((reaction.refused, reaction.commands), (vec![], vec![]));
    }
}

fn values(samples: &[Sample]) -> Vec<(usize, f64, Quality)> {
    samples.iter().map(|sample| (sample.tag, sample.value, sample.quality)).collect()
}

/// A payload as another edge node might send it.
fn raw(kind: &str, payload: Payload) -> Outgoing {
    let device = if kind.starts_with('D') { "/Crown" } else { "" };
    Outgoing { topic: format!("spBv1.0/Plant/{kind}/Furnace{device}"), payload: payload.write() }
}

#[test]
fn values_come_by_alias_with_time_and_quality() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    let bad = Update { quality: Quality::Uncertain, ..update(1, 3.25, 11) };
    let message = node.data(&[update(0, 1500.5, 10), bad], at(12)).remove(0);
    let reaction = hear(&mut host, &message, 15);
    assert_eq!(values(&reaction.samples), [(0, 1500.5, Quality::Good), (1, 3.25, Quality::Uncertain)]);
    assert_eq!(reaction.samples[0].times.source, Some(at(10)));
    assert_eq!(reaction.samples[0].times.server, Some(at(12)));
    let payload = Payload::read(&message.payload).unwrap();
    assert!(payload.metrics.iter().all(|metric| metric.name.is_none() && metric.alias.is_some()));
}

#[test]
fn without_a_birth_one_is_asked_for_at_most_so_often_and_not_for_ever() {
    let (mut host, mut node) = (host(), node());
    node.births(at(0));
    let reaction = hear(&mut host, &data(&mut node, 0, 1.0, 1), 1);
    assert_eq!((reaction.samples.len(), reaction.commands, reaction.refused.len()), (0, asked(), 1));
    assert!(reaction.refused[0].contains("no birth has named it"), "{:?}", reaction.refused);
    let again = hear(&mut host, &data(&mut node, 0, 2.0, 2), 2);
    assert_eq!(again.commands, [], "too soon");
    let asked: Vec<u64> = (0..200).filter(|second| !host.tick(after(second * 1000)).commands.is_empty()).collect();
    assert_eq!(asked, [11, 21, 31, 41, 51], "every ten seconds, five times after what was heard last");
    born(&mut host, &mut node, 200_000);
    assert_eq!(host.tick(after(300_000)), Reaction::default(), "an answer ends it");
}

#[test]
fn a_gap_is_waited_for_and_then_a_birth_is_asked_for_and_nothing_that_came_is_lost() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    let _lost = data(&mut node, 0, 1.0, 1);
    for (value, ms) in [(2.0, 2), (3.0, 3)] {
        let held = hear(&mut host, &data(&mut node, 0, value, ms), ms);
        assert_eq!(held, Reaction::default(), "it is not its turn");
    }
    assert_eq!(host.tick(after(2001)), Reaction::default(), "not yet");
    let reaction = host.tick(after(2002));
    assert_eq!(values(&reaction.samples), [(0, 2.0, Quality::Good), (0, 3.0, Quality::Good)]);
    assert_eq!((reaction.commands, host.counts().gaps), (asked(), 1));
    assert_eq!(hear(&mut host, &data(&mut node, 0, 4.0, 2010), 2010).samples.len(), 1, "it goes on meanwhile");
}

#[test]
fn what_comes_out_of_order_in_time_is_put_in_order() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    let messages: Vec<Outgoing> = (1..=3).map(|n| data(&mut node, 0, n as f64, n)).collect();
    assert_eq!(hear(&mut host, &messages[2], 10), Reaction::default());
    assert_eq!(hear(&mut host, &messages[1], 11), Reaction::default());
    let reaction = hear(&mut host, &messages[0], 12);
    assert_eq!(values(&reaction.samples).iter().map(|(_, value, _)| *value).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    assert_eq!(host.tick(after(60_000)), Reaction::default(), "the waiting has ended");
}

#[test]
fn what_is_later_than_it_was_waited_for_is_taken_as_history() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    let late = data(&mut node, 0, 1.0, 1);
    hear(&mut host, &data(&mut node, 0, 2.0, 2), 2);
    host.tick(after(5000));
    let reaction = hear(&mut host, &late, 5001);
    assert_eq!((reaction.samples[0].value, reaction.samples[0].historical), (1.0, true));
    let known = host.known();
    let temperature =
        known.iter().find(|known| known.address.to_string() == "Plant/Furnace/Crown/Temperature").unwrap();
    assert_eq!(
        (temperature.value, temperature.tagged, temperature.online),
        (Some(2.0), true, true),
        "the live value stays"
    );
}

#[test]
fn a_death_makes_all_stale_at_the_hosts_time_with_the_last_value() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    hear(&mut host, &data(&mut node, 0, 1500.0, 10), 10);
    hear(&mut host, &data(&mut node, 2, 1100.0, 20), 20);
    let reaction = hear(&mut host, &node.leave(at(0)), 5000);
    assert_eq!(values(&reaction.samples), [(0, 1500.0, Quality::Uncertain), (2, 1100.0, Quality::Uncertain)]);
    assert!(reaction.samples.iter().all(|sample| sample.times.source == Some(at(5000))));
    for device in [None, Some("Crown"), Some("Forehearth")] {
        assert!(!host.is_online(&node_id(), device), "{device:?}");
    }
    assert!(host.known().iter().all(|known| !known.online && known.quality != Quality::Good));
}

#[test]
fn a_death_of_a_session_that_is_over_is_not_believed() {
    let (mut host, mut node) = (host(), node());
    let old_will = node.leave(at(0));
    born(&mut host, &mut node, 0);
    node.begin();
    born(&mut host, &mut node, 100);
    let reaction = hear(&mut host, &old_will, 200);
    assert_eq!(reaction, Reaction::default());
    assert!(host.is_online(&node_id(), Some("Crown")));
    assert_eq!((host.counts().other_deaths, host.counts().deaths), (1, 0));
}

#[test]
fn a_birth_that_only_repeats_old_values_ends_their_staleness() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    hear(&mut host, &data(&mut node, 0, 1500.0, 10), 10);
    hear(&mut host, &node.leave(at(0)), 5000);
    node.begin();
    let births: Vec<Reaction> = node.births(at(6000)).iter().map(|message| hear(&mut host, message, 6005)).collect();
    let samples: Vec<Sample> =
        births.into_iter().flat_map(|reaction| reaction.samples).filter(|sample| sample.tag == 0).collect();
    let [history, live] = samples.as_slice() else { panic!("{samples:?}") };
    assert_eq!((history.times.source, history.historical), (Some(at(10)), true));
    assert_eq!((live.times.source, live.quality, live.historical), (Some(at(6000)), Quality::Good, false));
}

#[test]
fn a_device_dies_alone() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    hear(&mut host, &data(&mut node, 0, 1500.0, 10), 10);
    hear(&mut host, &data(&mut node, 2, 1100.0, 20), 20);
    let reaction = hear(&mut host, &node.device_gone("Crown", at(30)), 30);
    assert_eq!(values(&reaction.samples), [(0, 1500.0, Quality::Uncertain)]);
    assert!(!host.is_online(&node_id(), Some("Crown")) && host.is_online(&node_id(), Some("Forehearth")));
    assert!(host.is_online(&node_id(), None));
}

#[test]
fn flags_are_heeded() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    let births = node.births(at(0)).len() as u64;
    let metric =
        |alias, value| Metric { alias: Some(alias), timestamp: Some(START as u64 + 5), value, ..Metric::default() };
    let payload = Payload {
        timestamp: Some(START as u64 + 6),
        seq: Some(births),
        metrics: vec![
            Metric { is_historical: Some(true), ..metric(1, Some(MetricValue::Double(1.0))) },
            Metric { is_transient: Some(true), ..metric(1, Some(MetricValue::Double(2.0))) },
            Metric { is_null: Some(true), ..metric(2, None) },
            metric(1, Some(MetricValue::Text("hot".into()))),
            metric(1, Some(MetricValue::Template(vec![1, 2, 3]))),
        ],
    };
    let reaction = hear(&mut host, &raw("DDATA", payload), 10);
    let [history, null] = reaction.samples.as_slice() else { panic!("{reaction:?}") };
    assert_eq!((history.value, history.historical), (1.0, true));
    assert!(null.tag == 1 && null.quality == Quality::Bad && null.value.is_nan());
    assert_eq!((reaction.refused.len(), host.counts().unread, host.counts().transient), (2, 2, 1));
}

#[test]
fn a_host_that_was_away_trusts_nothing_and_asks_all() {
    let (mut host, mut node) = (host(), node());
    assert_eq!(host.connected(after(0)).commands, asked(), "tags name edge nodes that were never heard");
    born(&mut host, &mut node, 100);
    hear(&mut host, &data(&mut node, 0, 1500.0, 110), 110);
    let reaction = host.disconnected(after(200));
    assert_eq!(values(&reaction.samples), [(0, 1500.0, Quality::Uncertain)]);
    assert_eq!(host.connected(after(300)).commands, asked(), "whatever was asked before");
    let by_alias = hear(&mut host, &data(&mut node, 0, 1501.0, 310), 310);
    assert_eq!(by_alias.samples.len(), 0, "an alias may have been given anew meanwhile");
    born(&mut host, &mut node, 400);
    assert_eq!(hear(&mut host, &data(&mut node, 0, 1502.0, 410), 410).samples.len(), 1);
}

#[test]
fn what_is_wrong_is_refused_and_named() {
    let (mut host, mut node) = (host(), node());
    born(&mut host, &mut node, 0);
    for (message, part) in [
        (raw("NBIRTH", Payload::default()), "NBIRTH: seq is missing"),
        (raw("DDATA", Payload { seq: Some(256), ..Payload::default() }), "DDATA: seq is missing or above 255"),
        (
            Outgoing { topic: "spBv1.0/Plant/NDATA/Furnace".into(), payload: vec![0xff; 9] },
            "the payload is no Sparkplug B",
        ),
        (Outgoing { topic: "spBv1.0/Plant/NOISE/Furnace".into(), payload: vec![] }, "its type is not known"),
    ] {
        let refused = hear(&mut host, &message, 10).refused;
        assert!(refused[0].contains(part), "{refused:?}");
    }
    let long = Metric::named(&"x".repeat(1001), DataType::Double);
    let birth = raw("NBIRTH", Payload { seq: Some(0), metrics: vec![long], timestamp: None });
    assert!(hear(&mut host, &birth, 15).refused[0].contains("name is longer than 1000 bytes"));
    let twice = Metric { alias: Some(7), ..Metric::named("A", DataType::Double) };
    let other = Metric { name: Some("B".into()), ..twice.clone() };
    let birth = raw("NBIRTH", Payload { seq: Some(0), metrics: vec![twice, other], timestamp: None });
    let refused = hear(&mut host, &birth, 20).refused;
    assert!(refused[0].contains("alias 7 is of A and of B"), "{refused:?}");
}

/// A neighbourhood in which a message of `seq` may arrive: no further from its place than `by`.
fn shuffled(count: usize, by: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..=by, count).prop_map(|shifts| {
        let mut order: Vec<(usize, usize)> =
            shifts.iter().enumerate().map(|(place, shift)| (place + shift, place)).collect();
        order.sort();
        order.into_iter().map(|(_, place)| place).collect()
    })
}

proptest! {
    /// 600 messages are more than two rounds of the sequence number.
    #[test]
    fn whatever_the_order_of_arrival_values_come_in_the_order_of_sending(order in shuffled(600, 100)) {
        let (mut host, mut node) = (host(), node());
        born(&mut host, &mut node, 0);
        let messages: Vec<Outgoing> = (0..600).map(|n| data(&mut node, 0, n as f64, n)).collect();
        let mut heard = Vec::new();
        for place in order {
            let reaction = hear(&mut host, &messages[place], 1000);
            prop_assert!(reaction.commands.is_empty() && reaction.refused.is_empty(), "{reaction:?}");
            heard.extend(reaction.samples.into_iter().map(|sample| sample.value as usize));
        }
        prop_assert_eq!(heard, (0..600).collect::<Vec<_>>());
    }

    /// Of any messages that are lost the others come, each once; and a birth is asked for if one is missing.
    #[test]
    fn what_arrives_is_taken_once_whatever_else_is_lost(lost in prop::collection::vec(prop::bool::weighted(0.1), 300)) {
        let (mut host, mut node) = (host(), node());
        born(&mut host, &mut node, 0);
        let (mut heard, mut commands, mut sent) = (Vec::new(), 0, Vec::new());
        for (n, lost) in lost.iter().enumerate() {
            let message = data(&mut node, 0, n as f64, n as u64);
            let now = n as u64 * 500;
            let mut reactions = vec![host.tick(after(now))];
            if !lost {
                sent.push(n);
                reactions.push(hear(&mut host, &message, now));
            }
            for reaction in reactions {
                heard.extend(reaction.samples.iter().map(|sample| sample.value as usize));
                commands += reaction.commands.len();
            }
        }
        let last = host.tick(after(10_000_000));
        heard.extend(last.samples.iter().map(|sample| sample.value as usize));
        prop_assert_eq!(&heard, &sent);
        let inner_gap = lost.iter().skip_while(|lost| !**lost).any(|lost| !lost) && lost.contains(&true);
        prop_assert_eq!(commands + last.commands.len() > 0, inner_gap);
    }

    /// Hostile or damaged bytes, on any topic, amid a living session: nothing panics, and the session goes on after a birth.
    #[test]
    fn hostile_bytes_are_refused_and_forgotten(
        junk in prop::collection::vec((0usize..7, prop::collection::vec(any::<u8>(), 0..80), any::<Option<u8>>()), 0..40)
    ) {
        let (mut host, mut node) = (host(), node());
        born(&mut host, &mut node, 0);
        for (n, (kind, bytes, flip)) in junk.into_iter().enumerate() {
            let topic = ["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA", "NCMD"][kind];
            let device = if topic.starts_with('D') { "/Crown" } else { "" };
            let mut payload = match flip {
                Some(_) => data(&mut node, 0, 1.0, 1).payload,
                None => bytes,
            };
            if let (Some(at), false) = (flip, payload.is_empty()) {
                let place = usize::from(at) % payload.len();
                payload[place] ^= at | 1;
            }
            host.hear(&format!("spBv1.0/Plant/{topic}/Furnace{device}"), &payload, after(n as u64 * 100));
            host.tick(after(n as u64 * 100 + 50));
        }
        node.begin();
        for message in node.births(at(100_000)) {
            hear(&mut host, &message, 100_000);
        }
        let reaction = hear(&mut host, &data(&mut node, 0, 7.0, 100_001), 100_001);
        prop_assert_eq!(values(&reaction.samples), vec![(0, 7.0, Quality::Good)]);
    }
}
