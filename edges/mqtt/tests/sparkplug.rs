//! Sparkplug B over Mosquitto, with pysparkplug on the other side.

mod support;

use lehr_domain::{EventMs, Micro, Status};
use lehr_mqtt::sparkplug::{EdgeNode, HostState, MetricDef, NodeId, Payload, Update};
use lehr_mqtt::{Config, Endpoint, SparkplugPlant, WriteBack, probe, serve_sparkplug};
use lehr_tags::Quality;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::*;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const TEMPERATURE: &str = "Line_A.furnace_temperature";
const THROAT: &str = "Line_A.throat_temperature";
const CROWN: &str = "Line_A.crown_temperature";

fn host(port: u16, version: u8) -> String {
    format!(
        r#"
        name = "plant"
        address = "127.0.0.1:{port}"
        version = {version}
        keep_alive_s = 5
        [[sparkplug]]
        host_id = "lehr"
        reorder_timeout_ms = 300
        rebirth_every_s = 1
        [[sparkplug.tag]]
        metric = "Plant/Kiln/Crown/Temperature"
        to = {{ sensor = "{TEMPERATURE}", unit = "K" }}
        [[sparkplug.tag]]
        metric = "Plant/Kiln/Crown/Count"
        to = {{ sensor = "{THROAT}" }}
        [[sparkplug.tag]]
        metric = "Plant/Kiln//Load"
        to = {{ sensor = "{CROWN}" }}
        "#
    )
}

fn state(broker: &Broker) -> Option<HostState> {
    broker.retained("spBv1.0/STATE/lehr").and_then(|text| HostState::read(text.as_bytes()))
}

async fn edge(port: u16) -> Peer {
    let mut peer = Peer::start(&["edge", &port.to_string()]);
    peer.tell("hello");
    peer.says("the edge node is there", |said| said["did"] == "hello").await;
    peer
}

/// Whose births were said before anybody else came.
async fn born_edge(port: u16) -> Peer {
    let listener = Peer::start(&["listen", &port.to_string(), "spBv1.0/Plant/DBIRTH/Kiln/+", "births"]);
    listener.says("it listens", |said| said["subscribed"].is_string()).await;
    let peer = edge(port).await;
    listener.says("the births", |said| said["topic"].is_string()).await;
    peer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_node_of_others_is_heard_with_value_unit_time_and_quality() {
    for version in [4, 5] {
        let (broker, intake) = (Broker::start(), Memory::new());
        let source = Source::start(&host(broker.port, version), &intake).await;
        let mut peer = edge(broker.port).await;
        until("the births", || intake.count() >= 3).await;
        assert_eq!(intake.of(THROAT)[0].value, Micro::units(-7), "a negative Int32");
        assert_eq!(intake.values(CROWN), [0.5], "the edge node's own metric");
        assert_eq!(intake.of(TEMPERATURE)[0].value.to_f64(), 1500.0 - 273.15);

        let at = EventMs(wall().0 - 1000);
        peer.tell(&format!("device 1773.15 {}", at.0));
        peer.tell("count -100000");
        until("the data", || intake.of(THROAT).len() >= 2).await;
        let temperature = *intake.of(TEMPERATURE).last().unwrap();
        assert_eq!((temperature.at, temperature.value, temperature.status), (at, Micro::units(1500), Status::Ok));
        assert_eq!(intake.values(THROAT), [-7.0, -100_000.0]);

        let known = source.known.snapshot();
        let names: Vec<String> = known["lehr"].iter().map(|metric| metric.address.to_string()).collect();
        assert!(names.contains(&"Plant/Kiln/Crown/Temperature".to_owned()), "{names:?}");
        assert!(known["lehr"].iter().any(|metric| !metric.tagged), "what has no tag is known too");
        assert_eq!(intake.errors.lock().unwrap().len(), 0, "{:?}", intake.errors.lock().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_node_that_is_killed_makes_its_values_uncertain() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let source = Source::start(&host(broker.port, 5), &intake).await;
    let peer = edge(broker.port).await;
    until("the births", || intake.count() >= 3).await;
    let before = wall();
    drop(peer);
    until("the death", || intake.count() >= 6).await;
    for (sensor, value) in [(TEMPERATURE, 1500.0 - 273.15), (THROAT, -7.0), (CROWN, 0.5)] {
        let last = *intake.of(sensor).last().unwrap();
        assert_eq!((last.value.to_f64(), last.status), (value, Status::Warning), "{sensor}");
        assert!(last.at >= before, "by the host's time");
    }
    assert!(source.known.snapshot()["lehr"].iter().all(|metric| !metric.online));

    // And its next birth makes them good again.
    let _again = edge(broker.port).await;
    let last_is_good = |sensor| intake.of(sensor).iter().max().is_some_and(|last| last.status == Status::Ok);
    until("the next birth", || [TEMPERATURE, THROAT, CROWN].into_iter().all(last_is_good)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_gone_is_uncertain_alone() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let _source = Source::start(&host(broker.port, 5), &intake).await;
    let mut peer = edge(broker.port).await;
    until("the births", || intake.count() >= 3).await;
    peer.tell("drop");
    until("the device's death", || intake.count() >= 5).await;
    assert_eq!(intake.of(TEMPERATURE).last().unwrap().status, Status::Warning);
    assert_eq!(intake.of(CROWN).last().unwrap().status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_comes_late_or_misses_a_message_asks_for_a_birth() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let mut peer = born_edge(broker.port).await;
    let source = Source::start(&host(broker.port, 5), &intake).await;
    let rebirth = |said: &Value| said["commanded"][0] == "Node Control/Rebirth" && said["values"][0] == true;
    peer.says("it is asked for a birth", rebirth).await;
    peer.tell("again");
    until("the births", || intake.count() >= 3).await;

    let asked = peer.said().iter().filter(|said| rebirth(said)).count();
    peer.tell("skip");
    peer.tell(&format!("device 1600 {}", wall().0));
    until("what came is not lost", || intake.values(TEMPERATURE).contains(&(1600.0 - 273.15))).await;
    until("it is asked again", || peer.said().iter().filter(|said| rebirth(said)).count() > asked).await;
    let counts = source.known.counts()["lehr"];
    assert_eq!((counts.gaps, counts.late), (1, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_says_that_it_is_there_and_the_broker_that_it_is_gone() {
    for version in [4, 5] {
        let (mut broker, intake) = (Broker::start(), Memory::new());
        let source = Source::start(&host(broker.port, version), &intake).await;
        until("the state", || state(&broker).is_some_and(|state| state.online)).await;
        let first = state(&broker).unwrap();
        assert!((wall().0 - first.timestamp).abs() < 60_000);

        // Somebody else says that this host is gone.
        let mut listener = Peer::start(&["listen", &broker.port.to_string(), "spBv1.0/STATE/#", "watch"]);
        listener.says("it listens", |said| said["subscribed"].is_string()).await;
        broker.publish("spBv1.0/STATE/lehr", r#"{"online":false,"timestamp":1}"#);
        let online = String::from_utf8(first.write()).unwrap();
        let hex: String = online.bytes().map(|byte| format!("{byte:02x}")).collect();
        let answers = |said: &[Value]| said.iter().filter(|said| said["payload"] == hex.as_str()).count();
        until("it is contradicted", || answers(&listener.said()) >= 1).await;
        let answer = listener.said().into_iter().find(|said| said["payload"] == hex.as_str()).unwrap();
        assert_eq!((&answer["qos"], &answer["retain"]), (&Value::from(1), &Value::from(true)));
        let _ = &mut listener;

        // The broker dies and comes again: a new connection, a newer time.
        broker.kill();
        broker.up();
        until("it connects again", || source.status.standing().connections >= 2).await;
        until("a newer state", || {
            state(&broker).is_some_and(|state| state.online && state.timestamp > first.timestamp)
        })
        .await;
        let last = state(&broker).unwrap();

        // The host dies: its will, of the same connection.
        source.kill().await;
        until("the will", || state(&broker).is_some_and(|state| !state.online)).await;
        assert_eq!(state(&broker).unwrap().timestamp, last.timestamp);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_says_goodbye() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let source = Source::start(&host(broker.port, 5), &intake).await;
    let listener = Peer::start(&["listen", &broker.port.to_string(), "spBv1.0/STATE/lehr", "watch"]);
    listener.says("it listens", |said| said["retain"] == true).await;
    intake.stopped.store(true, Ordering::SeqCst);
    let _peer = edge(broker.port).await;
    tokio::time::timeout(DEADLINE, source.task).await.expect("it ends").unwrap().unwrap();
    let offline = |said: &Value| {
        let payload = said["payload"].as_str().unwrap_or_default();
        HostState::read(&bytes(payload)).is_some_and(|state| !state.online)
    };
    listener.says("it says that it is gone", offline).await;
    // The broker would have said it a second time.
    assert_eq!(listener.said().iter().filter(|said| offline(said)).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_names_edge_nodes_and_metrics() {
    let broker = Broker::start();
    let mut peer = born_edge(broker.port).await;
    let config: Config = toml::from_str(&host(broker.port, 5)).unwrap();
    let probing = tokio::spawn(async move { probe(&config).await });
    // Data by name: pysparkplug sends no aliases.
    while !probing.is_finished() {
        peer.tell(&format!("device 1600 {}", wall().0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let text = probing.await.unwrap().unwrap().join("\n");
    assert!(text.contains("Sparkplug edge nodes: Plant/Kiln"), "{text}");
    assert!(text.contains("Plant/Kiln/Crown/Temperature: heard"), "{text}");
    assert!(text.contains("Plant/Kiln//Load: not named in 2 s"), "{text}");
}

// Lehr as an edge node.

struct Plant {
    feed: mpsc::Sender<Vec<Update>>,
    task: JoinHandle<u64>,
    written: Arc<Mutex<Vec<(String, f64)>>>,
}

/// A set-point that must lie between 1400 and 1600.
fn plant(port: u16, version: u8) -> Plant {
    let def = |metric: &str, unit: &str, writable| MetricDef {
        device: "Furnace".into(),
        metric: metric.into(),
        unit: Some(unit.into()),
        writable,
    };
    let metrics = vec![def("Temperature", "°C", false), def("Set/Temperature", "°C", true)];
    let written: Arc<Mutex<Vec<(String, f64)>>> = Arc::default();
    let heard = written.clone();
    let write: WriteBack = Arc::new(move |name, value| {
        if !(1400.0..=1600.0).contains(&value) {
            return Err(format!("{value} is outside 1400 to 1600"));
        }
        heard.lock().unwrap().push((name.to_owned(), value));
        Ok(())
    });
    let plant = SparkplugPlant {
        endpoint: Endpoint { keep_alive: Duration::from_secs(5), ..Endpoint::plain("127.0.0.1", port, version) },
        client_id: "plant".into(),
        node: EdgeNode::new("Plant", "Lehr", metrics).unwrap(),
        set_points: vec![(1, "furnace_set".into())],
    };
    let (feed, updates) = mpsc::channel(64);
    Plant { feed, task: tokio::spawn(serve_sparkplug(plant, updates, write)), written }
}

fn update(metric: usize, value: f64, at: EventMs) -> Update {
    Update { metric, value, at, quality: Quality::Good, historical: false }
}

fn kinds(said: &[Value], kind: &str) -> Vec<Value> {
    said.iter().filter(|said| said["kind"] == kind).cloned().collect()
}

async fn host_of_others(port: u16) -> Peer {
    let peer = Peer::start(&["sparkplug", &port.to_string()]);
    peer.says("the host is connected", |said| said["connected"] == true).await;
    peer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_of_others_understands_the_plant_and_writes_set_points_within_limits() {
    for version in [4, 5] {
        let broker = Broker::start();
        let mut peer = host_of_others(broker.port).await;
        let plant = plant(broker.port, version);
        let said = peer.says("the births", |said| said["kind"] == "DBIRTH").await;
        let (node, device) = (&kinds(&said, "NBIRTH")[0], &kinds(&said, "DBIRTH")[0]);
        assert_eq!((&node["seq"], &device["seq"]), (&Value::from(0), &Value::from(1)));
        let metric = |of: &Value, name: &str| {
            of["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == name).unwrap().clone()
        };
        assert_eq!(metric(node, "bdSeq")["value"], 0);
        assert_eq!(metric(node, "Node Control/Rebirth")["value"], false);
        assert_eq!(metric(device, "Temperature")["datatype"], "DOUBLE");

        let at = wall();
        plant.feed.send(vec![update(0, 1520.25, at), update(1, 1520.0, at)]).await.unwrap();
        let said = peer.says("the data", |said| said["kind"] == "DDATA").await;
        let data = &kinds(&said, "DDATA")[0];
        assert_eq!((&data["seq"], &data["metrics"][0]["value"]), (&Value::from(2), &Value::from(1520.25)));
        assert_eq!(data["metrics"][0]["timestamp"], at.0);

        let count = |peer: &Peer| kinds(&peer.said(), "DDATA").len();
        peer.tell("device|Set/Temperature|1530.5");
        until("the answer", || count(&peer) >= 2).await;
        peer.tell("device|Set/Temperature|1700");
        until("the answer", || count(&peer) >= 3).await;
        assert_eq!(*plant.written.lock().unwrap(), [("furnace_set".to_owned(), 1530.5)], "1700 is beyond its limit");
        let answers: Vec<Value> =
            kinds(&peer.said(), "DDATA").iter().skip(1).map(|said| said["metrics"][0]["value"].clone()).collect();
        assert_eq!(answers, [1530.5, 1530.5], "it stays what it is");

        peer.tell("node|Node Control/Rebirth|true");
        until("the rebirth", || kinds(&peer.said(), "DBIRTH").len() >= 2).await;
        let said = peer.said();
        let again = &kinds(&said, "NBIRTH")[1];
        assert_eq!(
            (&again["seq"], &metric(again, "bdSeq")["value"]),
            (&Value::from(0), &Value::from(0)),
            "of the same session"
        );
        assert_eq!(metric(&kinds(&said, "DBIRTH")[1], "Set/Temperature")["value"], 1530.5);

        // The feed ends: the edge node says itself that it is gone, once.
        drop(plant.feed);
        assert_eq!(plant.task.await.unwrap(), 0);
        let said = peer.says("the death", |said| said["kind"] == "NDEATH").await;
        let deaths = kinds(&said, "NDEATH");
        assert_eq!((deaths.len(), &deaths[0]["bd_seq"]), (1, &Value::from(0)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_says_when_the_plant_is_killed_and_messages_have_the_flags_they_must() {
    let broker = Broker::start();
    let listener = Peer::start(&["listen", &broker.port.to_string(), "spBv1.0/#", "flags"]);
    listener.says("it listens", |said| said["subscribed"].is_string()).await;
    let plant = plant(broker.port, 5);
    plant.feed.send(vec![update(0, 1520.0, wall())]).await.unwrap();
    let is = |said: &Value, kind: &str| said["topic"].as_str().is_some_and(|topic| topic.contains(kind));
    listener.says("the birth", |said| is(said, "/DBIRTH/")).await;
    plant.feed.send(vec![update(0, 1521.0, wall())]).await.unwrap();
    listener.says("data", |said| is(said, "/DDATA/")).await;
    plant.task.abort();
    let said = listener.says("the will", |said| is(said, "/NDEATH/")).await;
    for message in said.iter().filter(|said| said["topic"].is_string()) {
        let qos = if is(message, "/NDEATH/") { 1 } else { 0 };
        assert_eq!((&message["qos"], &message["retain"]), (&Value::from(qos), &Value::from(false)), "{message}");
    }
    let death = said.iter().find(|said| is(said, "/NDEATH/")).unwrap()["payload"].as_str().unwrap();
    let payload = Payload::read(&bytes(death)).unwrap();
    assert_eq!((payload.seq, payload.metrics.len(), payload.metrics[0].name.as_deref()), (None, 1, Some("bdSeq")));
    let first = said.iter().find(|said| said["topic"].is_string()).unwrap();
    assert!(is(first, "/NBIRTH/"), "the birth is first of all: {first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plant_and_host_find_each_other_again_after_every_failure() {
    let (mut broker, intake) = (Broker::start(), Memory::new());
    let proxy = Proxy::to(broker.port);
    let plant = plant(proxy.port, 5);
    let text = format!(
        "name = \"own\"\naddress = \"127.0.0.1:{}\"\n[[sparkplug]]\nhost_id = \"lehr\"\nrebirth_every_s = 1\n\
         [[sparkplug.tag]]\nmetric = \"Plant/Lehr/Furnace/Temperature\"\nto = {{ sensor = \"{TEMPERATURE}\" }}\n",
        broker.port
    );
    let source = Source::start(&text, &intake).await;
    let node = NodeId { group: "Plant".into(), node: "Lehr".into() };
    let online = || {
        source.known.snapshot()["lehr"]
            .iter()
            .any(|metric| metric.online && metric.address.node == node && metric.address.device.is_some())
    };
    until("the first birth", online).await;
    let mut number = 0.0;
    let first = wall().0 - 100_000;
    let mut sent = async |count: usize| {
        for _ in 0..count {
            plant.feed.send(vec![update(0, number, EventMs(first + number as i64))]).await.unwrap();
            number += 1.0;
        }
    };
    let has = |number: f64| intake.values(TEMPERATURE).contains(&number);
    sent(500).await;
    until("values", || has(499.0)).await;

    // The plant is cut off, and measures on: that comes as history.
    proxy.bar(true);
    proxy.cut();
    until("it is gone", || !online()).await;
    sent(500).await;
    proxy.bar(false);
    until("what was kept", || has(999.0) && online()).await;

    // The broker dies. Both are back, and what is measured then arrives.
    broker.kill();
    broker.up();
    until("it is connected again", || source.status.standing().connections >= 2 && online()).await;
    sent(500).await;
    until("values", || has(1499.0)).await;

    // Readings that became stale repeat a value at a later time; the measured ones are each once.
    let measured: Vec<f64> = {
        let all = intake.of(TEMPERATURE);
        let mut seen: Vec<_> =
            all.iter().filter(|reading| reading.at.0 == first + reading.value.to_f64() as i64).collect();
        seen.sort();
        seen.dedup();
        seen.iter().map(|reading| reading.value.to_f64()).collect()
    };
    let fate = Fate::of(1500, &measured);
    fate.print("Sparkplug, plant cut off and broker killed -9");
    assert_eq!(fate.lost, 0);
}
