//! Assertions of the Sparkplug 3.0 specification by their ids, checked on what a broker saw of Lehr as a host and as an edge
//! node. `docs/sources/mqtt.md` lists them, and those that other tests show.

mod support;

use lehr_domain::EventMs;
use lehr_mqtt::sparkplug::{BD_SEQ, EdgeNode, HostState, Metric, MetricDef, MetricValue, Payload, REBIRTH, Update};
use lehr_mqtt::{Endpoint, SparkplugPlant, serve_sparkplug};
use lehr_tags::Quality;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::*;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

struct Seen {
    topic: String,
    payload: Vec<u8>,
    qos: u64,
    retain: bool,
}

/// What a listener heard in its order, and what the broker wrote down.
struct Capture {
    seen: Vec<Seen>,
    log: String,
}

const NODE: &str = "spBv1.0/Plant/{}/Lehr";
const STATE: &str = "spBv1.0/STATE/lehr";

impl Capture {
    fn of(&self, topic: &str) -> Vec<&Seen> {
        let all: Vec<&Seen> = self.seen.iter().filter(|seen| seen.topic == topic).collect();
        assert!(!all.is_empty(), "nothing was seen on {topic}");
        all
    }

    /// Payloads of a kind, of the edge node or of its device.
    fn payloads(&self, kind: &str) -> Vec<Payload> {
        self.of(&topic(kind)).iter().map(|seen| Payload::read(&seen.payload).unwrap()).collect()
    }

    fn all(&self, kind: &str, holds: impl Fn(&Payload) -> bool) -> bool {
        self.payloads(kind).iter().all(holds)
    }

    fn published(&self, kind: &str, qos: u64, retain: bool) -> bool {
        self.of(&topic(kind)).iter().all(|seen| (seen.qos, seen.retain) == (qos, retain))
    }

    fn states(&self, online: bool) -> Vec<(HostState, &Seen)> {
        let states = self.of(STATE).into_iter().filter_map(|seen| Some((HostState::read(&seen.payload)?, seen)));
        states.filter(|(state, _)| state.online == online).collect()
    }

    /// Where a line of the broker's is that holds both.
    fn line(&self, who: &str, what: &str) -> usize {
        let found = self.log.lines().position(|line| line.contains(who) && line.contains(what));
        found.unwrap_or_else(|| panic!("the broker says nothing of {who} and {what}: {}", self.log))
    }

    /// The lines after it.
    fn after(&self, who: &str, what: &str) -> Vec<&str> {
        self.log.lines().skip(self.line(who, what) + 1).collect()
    }

    fn edge(&self) -> Vec<(&str, Payload)> {
        let kinds = ["NBIRTH", "DBIRTH", "DDATA", "NDEATH"];
        let kind = |topic: &str| kinds.into_iter().find(|kind| topic.contains(kind));
        let of = |seen: &Seen| Some((kind(&seen.topic)?, Payload::read(&seen.payload).unwrap()));
        self.seen.iter().filter_map(of).collect()
    }
}

fn topic(kind: &str) -> String {
    let of_node = NODE.replace("{}", kind);
    if kind.starts_with('D') { format!("{of_node}/Furnace") } else { of_node }
}

fn bd_seq(payload: &Payload) -> Option<u64> {
    match payload.metric(BD_SEQ)?.value {
        Some(MetricValue::Long(number)) => Some(number),
        _ => None,
    }
}

fn complete(metric: &Metric) -> bool {
    metric.name.is_some() && metric.datatype.is_some() && (metric.value.is_some() || metric.is_null == Some(true))
}

fn rebirth(payload: &Payload) -> &Metric {
    payload.metric(REBIRTH).expect("it is there")
}

fn alias_alone(metric: &Metric) -> bool {
    metric.alias.is_some() && metric.name.is_none()
}

fn incrementing(capture: &Capture) -> bool {
    let numbers: Vec<(&str, u64)> =
        capture.edge().into_iter().filter_map(|(kind, payload)| Some((kind, payload.seq?))).collect();
    let wraps = numbers.windows(2).filter(|pair| pair[0].1 == 255).count();
    assert!(wraps > 0, "it never came to 255");
    numbers.windows(2).all(|pair| pair[1].0 == "NBIRTH" || pair[1].1 == (pair[0].1 + 1) % 256)
}

/// Births come together, and data only after.
fn births_first(capture: &Capture) -> bool {
    let kinds: Vec<&str> = capture.edge().into_iter().map(|(kind, _)| kind).collect();
    let births = kinds.iter().filter(|kind| **kind == "NBIRTH").count();
    births >= 3 && kinds.windows(2).all(|pair| (pair[0] == "NBIRTH") == (pair[1] == "DBIRTH"))
}

/// Each session's death has the number of its births.
fn deaths_match(capture: &Capture) -> bool {
    let mut session = None;
    capture.edge().iter().all(|(kind, payload)| match *kind {
        "NBIRTH" => {
            session = bd_seq(payload);
            session.is_some()
        }
        "NDEATH" => bd_seq(payload) == session,
        _ => true,
    })
}

fn sessions(capture: &Capture) -> Vec<u64> {
    let mut numbers: Vec<u64> = capture.payloads("NBIRTH").iter().filter_map(bd_seq).collect();
    numbers.dedup();
    numbers
}

/// Will, topic and flags, as the broker wrote them down of a client.
fn will(capture: &Capture, client: &str, flags: &str, topic: &str) -> bool {
    let after = capture.after("New client connected", client);
    after[0].contains("Will message specified") && after[0].contains(flags) && after[1].trim_end().ends_with(topic)
}

fn subscribed_before_state(capture: &Capture) -> bool {
    capture.line("Received SUBSCRIBE from", HOST) < capture.line(&format!("Received PUBLISH from {HOST}"), STATE)
}

fn clean(capture: &Capture, client: &str) -> bool {
    capture
        .log
        .lines()
        .any(|line| line.contains("New client connected") && line.contains(&format!("as {client} (p2, c1")))
}

fn state_flags(capture: &Capture, online: bool) -> bool {
    capture.states(online).iter().all(|(_, seen)| seen.qos == 1 && seen.retain)
}

/// Two keys, and the time of now.
fn state_payload(capture: &Capture, online: bool) -> bool {
    capture.states(online).iter().all(|(state, seen)| {
        let keys: Value = serde_json::from_slice(&seen.payload).unwrap();
        keys.as_object().unwrap().len() == 2 && (wall().0 - state.timestamp).abs() < 600_000
    })
}

fn ncmd(capture: &Capture) -> Vec<Payload> {
    capture.payloads("NCMD")
}

/// After a request all is said anew, and nothing else between.
fn reborn(capture: &Capture) -> bool {
    let kinds: Vec<&str> = capture.seen.iter().map(|seen| seen.topic.split('/').nth(2).unwrap_or_default()).collect();
    // The edge node was there and was asked at least once.
    let asked = kinds.iter().enumerate().filter(|(at, kind)| **kind == "NCMD" && kinds[..*at].contains(&"NBIRTH"));
    let mut count = 0;
    for (at, _) in asked {
        count += 1;
        let rest = &kinds[at + 1..];
        let Some(birth) = rest.iter().position(|kind| *kind == "NBIRTH") else { return false };
        if rest.get(birth + 1) != Some(&"DBIRTH") {
            return false;
        }
    }
    count > 0
}

const PLANT: &str = "plant";
const HOST: &str = "lehr-own-lehr";

type Check = (&'static str, fn(&Capture) -> bool);

const CHECKS: &[Check] = &[
    // The edge node.
    ("topics-nbirth-topic", |c| !c.of("spBv1.0/Plant/NBIRTH/Lehr").is_empty()),
    ("topics-nbirth-mqtt", |c| c.published("NBIRTH", 0, false)),
    ("topics-nbirth-seq-num", |c| c.all("NBIRTH", |payload| payload.seq == Some(0))),
    ("topics-nbirth-timestamp", |c| c.all("NBIRTH", |payload| payload.timestamp.is_some())),
    ("topics-nbirth-metrics", |c| c.all("NBIRTH", |payload| payload.metrics.iter().all(complete))),
    ("topics-nbirth-bdseq-included", |c| c.all("NBIRTH", |payload| bd_seq(payload).is_some())),
    ("topics-nbirth-bdseq-matching", deaths_match),
    ("topics-nbirth-bdseq-increment", |c| sessions(c) == [0, 1]),
    ("topics-nbirth-rebirth-metric", |c| {
        c.all("NBIRTH", |payload| rebirth(payload).value == Some(MetricValue::Boolean(false)))
    }),
    ("topics-ndeath-topic", |c| !c.of("spBv1.0/Plant/NDEATH/Lehr").is_empty()),
    ("topics-ndeath-payload", |c| c.all("NDEATH", |payload| payload.metrics.len() == 1 && bd_seq(payload).is_some())),
    ("topics-ndeath-seq", |c| c.all("NDEATH", |payload| payload.seq.is_none())),
    ("topics-dbirth-topic", |c| !c.of("spBv1.0/Plant/DBIRTH/Lehr/Furnace").is_empty()),
    ("topics-dbirth-mqtt", |c| c.published("DBIRTH", 0, false)),
    ("topics-dbirth-seq", |c| c.all("DBIRTH", |payload| payload.seq == Some(1))),
    ("topics-dbirth-timestamp", |c| c.all("DBIRTH", |payload| payload.timestamp.is_some())),
    ("topics-dbirth-metric-reqs", |c| c.all("DBIRTH", |payload| payload.metrics.len() == 2)),
    ("topics-dbirth-metrics", |c| c.all("DBIRTH", |payload| payload.metrics.iter().all(complete))),
    ("topics-ddata-topic", |c| !c.of("spBv1.0/Plant/DDATA/Lehr/Furnace").is_empty()),
    ("topics-ddata-mqtt", |c| c.published("DDATA", 0, false)),
    ("topics-ddata-seq-num", incrementing),
    ("topics-ddata-timestamp", |c| c.all("DDATA", |payload| payload.timestamp.is_some())),
    ("payloads-sequence-num-always-included", |c| {
        c.edge().iter().all(|(kind, payload)| payload.seq.is_some() != (*kind == "NDEATH"))
    }),
    ("payloads-sequence-num-incrementing", incrementing),
    ("payloads-alias-uniqueness", |c| {
        c.all("DBIRTH", |payload| {
            let aliases: Vec<u64> = payload.metrics.iter().filter_map(|metric| metric.alias).collect();
            aliases.len() == aliases.iter().collect::<BTreeSet<_>>().len()
        })
    }),
    ("payloads-alias-birth-requirement", |c| {
        c.all("DBIRTH", |payload| payload.metrics.iter().all(|metric| metric.name.is_some() && metric.alias.is_some()))
    }),
    ("payloads-alias-data-cmd-requirement", |c| c.all("DDATA", |payload| payload.metrics.iter().all(alias_alone))),
    ("payloads-name-birth-data-requirement", |c| {
        let timed = |payload: &Payload| payload.metrics.iter().all(|metric| metric.timestamp.is_some());
        ["NBIRTH", "DBIRTH", "DDATA"].into_iter().all(|kind| c.all(kind, timed))
    }),
    ("payloads-metric-datatype-req", |c| {
        let typed = |payload: &Payload| payload.metrics.iter().all(|metric| metric.datatype.is_some());
        ["NBIRTH", "DBIRTH"].into_iter().all(|kind| c.all(kind, typed))
    }),
    ("payloads-metric-datatype-not-req", |c| {
        c.all("DDATA", |payload| payload.metrics.iter().all(|metric| metric.datatype.is_none()))
    }),
    ("payloads-dbirth-order", births_first),
    ("payloads-ndeath-seq", |c| c.all("NDEATH", |payload| payload.seq.is_none())),
    ("payloads-ndeath-bdseq", deaths_match),
    ("payloads-ndeath-will-message", |c| will(c, PLANT, "", "NDEATH/Lehr")),
    ("payloads-ndeath-will-message-qos", |c| will(c, PLANT, "q1)", "NDEATH/Lehr")),
    ("payloads-ndeath-will-message-retain", |c| will(c, PLANT, "(r0", "NDEATH/Lehr")),
    ("message-flow-edge-node-birth-publish-will-message-topic", |c| will(c, PLANT, "", "spBv1.0/Plant/NDEATH/Lehr")),
    ("message-flow-edge-node-ncmd-subscribe", |c| c.log.contains("spBv1.0/Plant/NCMD/Lehr (QoS 1)")),
    ("message-flow-device-dcmd-subscribe", |c| c.log.contains("spBv1.0/Plant/DCMD/Lehr/Furnace (QoS 1)")),
    ("message-flow-device-birth-publish-nbirth-wait", births_first),
    ("principles-persistence-clean-session-311", |c| clean(c, PLANT)),
    ("principles-birth-certificates-order", |c| {
        c.line("Received PUBLISH from plant", "NBIRTH") == c.line("Received PUBLISH from plant", "spBv1.0")
    }),
    ("operational-behavior-edge-node-intentional-disconnect-ndeath", |c| {
        c.line("Received PUBLISH from plant", "NDEATH") < c.line("Received DISCONNECT from plant", "")
    }),
    ("operational-behavior-data-commands-rebirth-name", |c| {
        c.all("NBIRTH", |payload| payload.metric("Node Control/Rebirth").is_some())
    }),
    ("operational-behavior-data-commands-rebirth-name-aliases", |c| {
        c.all("NBIRTH", |payload| rebirth(payload).alias.is_none())
    }),
    ("operational-behavior-data-commands-rebirth-datatype", |c| {
        c.all("NBIRTH", |payload| rebirth(payload).datatype == Some(11))
    }),
    ("operational-behavior-data-commands-rebirth-value", |c| {
        c.all("NBIRTH", |payload| rebirth(payload).value == Some(MetricValue::Boolean(false)))
    }),
    ("operational-behavior-data-commands-rebirth-action-2", reborn),
    ("operational-behavior-data-commands-rebirth-action-3", deaths_match),
    // The host.
    ("host-topic-phid-birth-topic", |c| !c.states(true).is_empty()),
    ("host-topic-phid-birth-qos", |c| state_flags(c, true)),
    ("host-topic-phid-birth-retain", |c| state_flags(c, true)),
    ("host-topic-phid-birth-payload", |c| state_payload(c, true)),
    ("host-topic-phid-birth-payload-timestamp", |c| {
        c.states(false).iter().all(|(off, _)| c.states(true).iter().any(|(on, _)| on.timestamp == off.timestamp))
    }),
    ("host-topic-phid-birth-sub-required", subscribed_before_state),
    ("host-topic-phid-birth-required", subscribed_before_state),
    ("host-topic-phid-death-topic", |c| will(c, HOST, "", STATE)),
    ("host-topic-phid-death-qos", |c| will(c, HOST, "q1)", STATE)),
    ("host-topic-phid-death-retain", |c| will(c, HOST, "(r1", STATE)),
    ("host-topic-phid-death-required", |c| will(c, HOST, "", STATE)),
    ("host-topic-phid-death-payload", |c| state_payload(c, false)),
    ("message-flow-phid-sparkplug-clean-session-311", |c| clean(c, HOST)),
    ("message-flow-phid-sparkplug-subscription", subscribed_before_state),
    ("message-flow-phid-sparkplug-state-publish", subscribed_before_state),
    ("message-flow-phid-sparkplug-state-publish-payload", |c| state_payload(c, true)),
    ("operational-behavior-host-application-connect-will", |c| will(c, HOST, "", "")),
    ("operational-behavior-host-application-connect-will-topic", |c| will(c, HOST, "", STATE)),
    ("operational-behavior-host-application-connect-will-qos", |c| will(c, HOST, "q1)", STATE)),
    ("operational-behavior-host-application-connect-will-retained", |c| will(c, HOST, "(r1", STATE)),
    ("operational-behavior-host-application-connect-birth-topic", |c| !c.states(true).is_empty()),
    ("operational-behavior-host-application-connect-birth-payload", |c| state_payload(c, true)),
    ("operational-behavior-host-application-connect-birth-qos", |c| state_flags(c, true)),
    ("operational-behavior-host-application-connect-birth-retained", |c| state_flags(c, true)),
    ("operational-behavior-host-application-death-topic", |c| !c.states(false).is_empty()),
    ("operational-behavior-host-application-death-payload", |c| state_payload(c, false)),
    ("operational-behavior-host-application-death-qos", |c| state_flags(c, false)),
    ("operational-behavior-host-application-death-retained", |c| state_flags(c, false)),
    ("operational-behavior-host-application-termination", |c| {
        let said = |line: &str| line.contains(&format!("Received PUBLISH from {HOST}")) && line.contains(STATE);
        let publications = c.log.lines().filter(|line| said(line)).count();
        publications >= 2 && c.line(&format!("Received DISCONNECT from {HOST}"), "") > 0
    }),
    ("topics-ncmd-topic", |c| !c.of("spBv1.0/Plant/NCMD/Lehr").is_empty()),
    ("topics-ncmd-mqtt", |c| c.published("NCMD", 0, false)),
    ("topics-ncmd-timestamp", |c| ncmd(c).iter().all(|payload| payload.timestamp.is_some())),
    ("payloads-ncmd-timestamp", |c| ncmd(c).iter().all(|payload| payload.timestamp.is_some())),
    ("payloads-ncmd-seq", |c| ncmd(c).iter().all(|payload| payload.seq.is_none())),
    ("payloads-ncmd-qos", |c| c.published("NCMD", 0, false)),
    ("payloads-ncmd-retain", |c| c.published("NCMD", 0, false)),
    ("topics-ncmd-payload", |c| ncmd(c).iter().all(|payload| payload.metrics.len() == 1)),
    ("operational-behavior-data-commands-ncmd-rebirth-verb", |c| !ncmd(c).is_empty()),
    ("operational-behavior-data-commands-ncmd-rebirth-name", |c| {
        ncmd(c).iter().all(|payload| payload.metric("Node Control/Rebirth").is_some())
    }),
    ("operational-behavior-data-commands-ncmd-rebirth-value", |c| {
        ncmd(c).iter().all(|payload| rebirth(payload).value == Some(MetricValue::Boolean(true)))
    }),
];

fn plant(port: u16, node: EdgeNode) -> (mpsc::Sender<Vec<Update>>, JoinHandle<u64>) {
    let plant = SparkplugPlant {
        endpoint: Endpoint { keep_alive: Duration::from_secs(5), ..Endpoint::plain("127.0.0.1", port, 4) },
        client_id: PLANT.into(),
        node,
        set_points: Vec::new(),
    };
    let (feed, updates) = mpsc::channel(512);
    (feed, tokio::spawn(serve_sparkplug(plant, updates, Arc::new(|_, _| Ok(())))))
}

/// The plant is there first; the host comes and asks for a birth; data until the number wraps; the connection is cut, and a
/// second session begins; the plant leaves; the host leaves.
async fn scenario() -> Capture {
    let (broker, intake) = (Broker::talkative(), Memory::new());
    let proxy = Proxy::to(broker.port);
    let listener = Peer::start(&["listen", &broker.port.to_string(), "spBv1.0/#", "capture"]);
    listener.says("it listens", |said| said["subscribed"].is_string()).await;
    let on = |kind: &str| {
        let topic = topic(kind);
        listener.said().iter().filter(|said| said["topic"] == topic.as_str()).count()
    };
    let def = |metric: &str| MetricDef { device: "Furnace".into(), metric: metric.into(), unit: None, writable: true };
    let node = EdgeNode::new("Plant", "Lehr", vec![def("Temperature"), def("Pressure")]).unwrap();
    let (feed, plant) = plant(proxy.port, node);
    until("the first births", || on("DBIRTH") == 1).await;
    let text = format!(
        "name = \"own\"\naddress = \"127.0.0.1:{}\"\nversion = 4\nkeep_alive_s = 5\n[[sparkplug]]\nhost_id = \"lehr\"\n\
         rebirth_every_s = 1\n[[sparkplug.tag]]\nmetric = \"Plant/Lehr/Furnace/Temperature\"\n\
         to = {{ sensor = \"Line_A.furnace_temperature\" }}\n",
        broker.port
    );
    let source = Source::start(&text, &intake).await;
    until("the births that it asked for", || on("DBIRTH") == 2).await;
    let now = wall();
    let send = async |count: usize| {
        for number in 0..count {
            let at = EventMs(now.0 + number as i64);
            let update =
                Update { metric: number % 2, value: number as f64, at, quality: Quality::Good, historical: false };
            feed.send(vec![update]).await.unwrap();
        }
    };
    send(300).await;
    until("the data", || on("DDATA") == 300).await;
    proxy.cut();
    until("the second session", || on("NDEATH") == 1 && on("DBIRTH") >= 3).await;
    // The death makes values uncertain; when it is handed them the intake says that it has stopped.
    intake.stopped.store(true, Ordering::SeqCst);
    drop(feed);
    plant.await.unwrap();
    until("the death", || on("NDEATH") == 2).await;
    tokio::time::timeout(DEADLINE, source.task).await.expect("the host ends").unwrap().unwrap();
    until("the host's death", || {
        listener.said().iter().any(|said| {
            said["topic"] == STATE
                && HostState::read(&bytes(said["payload"].as_str().unwrap())).is_some_and(|state| !state.online)
        })
    })
    .await;
    let heard = listener.said().into_iter().filter(|said| said["topic"].is_string());
    let seen = heard.map(|said| Seen {
        topic: said["topic"].as_str().unwrap().to_owned(),
        payload: bytes(said["payload"].as_str().unwrap()),
        qos: said["qos"].as_u64().unwrap(),
        retain: said["retain"].as_bool().unwrap(),
    });
    Capture { seen: seen.collect(), log: broker.log() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assertions_hold_in_a_plant_of_one_host_and_one_edge_node() {
    let capture = scenario().await;
    let mut failed = Vec::new();
    for (id, holds) in CHECKS {
        let holds = holds(&capture);
        println!("tck-id-{id} {}", if holds { "pass" } else { "fail" });
        if !holds {
            failed.push(id);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// The page's table is what the tests show, no more and no less.
#[test]
fn the_page_claims_what_tests_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../../docs/sources/mqtt.md")).unwrap();
    let tests: String = ["tck.rs", "sparkplug.rs", "sparkplug_host.rs", "edge_node.rs"]
        .into_iter()
        .map(|file| std::fs::read_to_string(root.join("tests").join(file)).unwrap())
        .collect();
    let own = "assertions_hold_in_a_plant_of_one_host_and_one_edge_node";
    let mut claimed = BTreeSet::new();
    let mut checked = BTreeSet::new();
    for line in page.lines().filter(|line| line.contains("tck-id-")) {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
        let (Some(_), Some(id), Some(test), Some(result)) = (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            panic!("no row: {line}")
        };
        assert!(claimed.insert(id.to_owned()), "{id} is there twice");
        assert!(tests.contains(&format!("fn {test}(")), "there is no test {test}");
        assert_eq!(result, "pass", "{id}");
        if test == own {
            checked.insert(id.to_owned());
        }
    }
    let shown: BTreeSet<String> = CHECKS.iter().map(|(id, _)| format!("tck-id-{id}")).collect();
    assert_eq!(shown.len(), CHECKS.len());
    assert_eq!(checked, shown);
}
