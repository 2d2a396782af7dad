//! Rows out, and the plant's JSON: over a broker that dies and a connection that is cut.

mod support;

use lehr_domain::{Micro, Status};
use lehr_mqtt::{Endpoint, JsonPlant, Measured, Message, PublishError, Publisher, Told, row_topic, serve_json};
use lehr_tags::Quality;
use serde_json::Value;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::*;
use tokio::sync::mpsc;

fn text(hex: &str) -> String {
    String::from_utf8(bytes(hex)).unwrap()
}

fn endpoint(port: u16, version: u8) -> Endpoint {
    Endpoint { keep_alive: Duration::from_secs(5), ..Endpoint::plain("127.0.0.1", port, version) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_published_in_order_and_none_is_lost_whatever_fails() {
    const ROWS: usize = 2000;
    for version in [4, 5] {
        let mut broker = Broker::durable();
        let proxy = Proxy::to(broker.port);
        let listener = Peer::start(&["listen", &broker.port.to_string(), "lehr/rows/+", "rows"]);
        listener.says("it listens", |said| said["subscribed"].is_string()).await;
        let publisher = Arc::new(Publisher::connect(endpoint(proxy.port, version), "sink", |_| {}));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (count, own) = (acknowledged.clone(), publisher.clone());
        let publishing = tokio::spawn(async move {
            for batch in 0..ROWS / 50 {
                let rows = (batch * 50..batch * 50 + 50).map(|n| Message {
                    topic: row_topic("lehr", "rows", &format!("Line_A/{}", n % 7)),
                    payload: format!("{{\"n\":{n}}}").into_bytes(),
                    retain: true,
                });
                own.publish(rows.collect()).await.unwrap();
                count.fetch_add(50, Ordering::SeqCst);
            }
        });
        for (part, killed) in [(1, false), (2, true), (3, false)] {
            until("part of the rows", || acknowledged.load(Ordering::SeqCst) >= part * 400).await;
            if killed {
                broker.kill();
                broker.up();
            } else {
                proxy.cut();
            }
        }
        publishing.await.unwrap();
        let numbers = || -> Vec<f64> {
            let said = listener.said();
            let payloads = said.iter().filter_map(|said| said["payload"].as_str());
            payloads.map(|hex| serde_json::from_str::<Value>(&text(hex)).unwrap()["n"].as_f64().unwrap()).collect()
        };
        until("all rows", || Fate::of(ROWS, &numbers()).lost == 0).await;
        let fate = Fate::of(ROWS, &numbers());
        fate.print(&format!("MQTT {version} rows out, connection cut twice, broker killed -9"));
        assert!(fate.in_order, "{fate:?}");
        assert!(fate.repeated <= 300, "no more than was under way: {fate:?}");
        assert_eq!(
            broker.retained("lehr/rows/Line_A%2F3").unwrap(),
            format!("{{\"n\":{}}}", (0..ROWS).filter(|n| n % 7 == 3).max().unwrap())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_cannot_be_is_named_and_one_that_is_refused_too() {
    let broker = Broker::start();
    let publisher = Publisher::connect(endpoint(broker.port, 5), "sink", |_| {});
    let message = |topic: &str| vec![Message { topic: topic.into(), payload: b"1".to_vec(), retain: false }];
    let why = "a topic that is published to has no + and no #";
    assert_eq!(publisher.publish(message("a/+")).await, Err(PublishError::Topic { topic: "a/+".into(), why }));
    assert_eq!(publisher.publish(message("a/b")).await, Ok(()));
    drop(broker);

    let mut strict = Broker::start();
    strict.kill();
    let folder = strict.folder.path().to_owned();
    std::fs::write(folder.join("access"), "topic readwrite open/#\n").unwrap();
    let file = folder.join("mosquitto.conf");
    let conf = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{conf}acl_file {}/access\n", folder.display())).unwrap();
    strict.up();
    let publisher = Publisher::connect(endpoint(strict.port, 5), "sink", |_| {});
    let refused = publisher.publish([message("closed/a"), message("open/a")].concat()).await.unwrap_err();
    assert!(matches!(&refused, PublishError::Refused { topic, .. } if topic == "closed/a"), "{refused}");
    assert_eq!(publisher.publish(message("open/b")).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plants_json_is_read_back_and_its_set_points_are_written_within_limits() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let written: Arc<Mutex<Vec<(String, f64)>>> = Arc::default();
    let heard = written.clone();
    let write: lehr_mqtt::WriteBack = Arc::new(move |name, value| match (1400.0..=1600.0).contains(&value) {
        true => {
            heard.lock().unwrap().push((name.to_owned(), value));
            Ok(())
        }
        false => Err(format!("{value} is outside 1400 to 1600")),
    });
    let plant = JsonPlant { endpoint: endpoint(broker.port, 5), client_id: "plant".into(), prefix: "glass".into() };
    let topic = plant.topic("Line_A.furnace_temperature");
    let text = format!(
        "name = \"own\"\naddress = \"127.0.0.1:{}\"\n[[tag]]\ntopic = \"{topic}\"\nvalue = \"/value\"\ntime = \"/time\"\nquality = \"/quality\"\n\
         to = {{ sensor = \"Line_A.furnace_temperature\" }}\n",
        broker.port
    );
    let _source = Source::start(&text, &intake).await;
    let (feed, updates) = mpsc::channel(4);
    let serving = tokio::spawn(serve_json(plant, updates, write));
    let at = wall();
    let measured =
        Measured { sensor: "Line_A.furnace_temperature".into(), value: 1520.5, at, quality: Quality::Uncertain };
    feed.send(Told { measured: vec![measured], reported: Vec::new() }).await.unwrap();
    until("the reading", || intake.count() == 1).await;
    let reading = intake.readings.lock().unwrap()[0];
    assert_eq!((reading.value, reading.at, reading.status), (Micro::from_f64(1520.5).unwrap(), at, Status::Warning));

    let answers = Peer::start(&["listen", &broker.port.to_string(), "glass/set/+/done", "answers"]);
    answers.says("it listens", |said| said["subscribed"].is_string()).await;
    let set = |value: &str| {
        let arguments = ["-p", &broker.port.to_string(), "-q", "1", "-t", "glass/set/furnace_set", "-m", value];
        assert!(Command::new("mosquitto_pub").args(arguments).status().unwrap().success());
    };
    let said = |count: usize| {
        let answers = &answers;
        async move {
            let of = || {
                answers.said().iter().filter_map(|said| said["payload"].as_str()).map(self::text).collect::<Vec<_>>()
            };
            until("an answer", || of().len() >= count).await;
            of().pop().unwrap()
        }
    };
    set("1510");
    assert_eq!(said(1).await, r#"{"ok":true}"#);
    set("1700");
    assert!(said(2).await.contains("1700 is outside 1400 to 1600"));
    set("hot");
    assert!(said(3).await.contains("the payload must be a number"));
    assert_eq!(*written.lock().unwrap(), [("furnace_set".to_owned(), 1510.0)]);
    drop(feed);
    assert_eq!(tokio::time::timeout(DEADLINE, serving).await.expect("it ends").unwrap(), Ok(()));
}
