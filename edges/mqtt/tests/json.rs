//! JSON over Mosquitto, published by others: what arrives, and what happens when things fail.

mod support;

use lehr_domain::{EventMs, Micro, Status};
use lehr_mqtt::{Config, probe};
use lehr_tags::Link;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::*;

const TEMPERATURE: &str = "Line_A.furnace_temperature";

fn config(port: u16, version: u8, more: &str) -> String {
    format!("name = \"broker\"\naddress = \"127.0.0.1:{port}\"\nversion = {version}\n{more}")
}

/// Numbers of the load, by their own time.
const COUNTED: &str = r#"
[[tag]]
topic = "load/counter"
value = "/n"
time = "/t"
to = { sensor = "Line_A.furnace_temperature" }
"#;

fn load<'a>(port: &'a str, count: &'a str, version: &'a str, per_second: &'a str) -> Peer {
    Peer::start(&["publish", port, "load/counter", count, version, per_second])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_unit_time_and_quality_arrive_over_both_versions() {
    for version in [4, 5] {
        let (broker, intake) = (Broker::start(), Memory::new());
        let tags = r#"
            [[tag]]
            topic = "plant/a/furnace"
            value = "/temp"
            time = "/ts"
            quality = "/q"
            to = { sensor = "Line_A.furnace_temperature", unit = "°F" }
            [[tag]]
            topic = "plant/a/furnace"
            value = "/zone/0"
            to = { sensor = "Line_A.throat_temperature" }
        "#;
        let source = Source::start(&config(broker.port, version, tags), &intake).await;
        let at = EventMs(wall().0 - 5000);
        broker.publish("plant/a/furnace", &format!(r#"{{"temp":2768,"zone":[1150.5],"ts":{},"q":"uncertain"}}"#, at.0));
        until("both readings", || intake.count() == 2).await;
        let temperature = intake.of(TEMPERATURE)[0];
        assert_eq!((temperature.value, temperature.at, temperature.status), (Micro::units(1520), at, Status::Warning));
        assert_eq!(intake.values("Line_A.throat_temperature"), [1150.5]);

        // A bad message and a bad field are counted and named, and take nothing along.
        broker.publish("plant/a/furnace", "{broken");
        broker.publish("plant/a/furnace", r#"{"temp":"hot","zone":[1151]}"#);
        until("the next reading", || intake.count() == 3).await;
        let errors = intake.errors.lock().unwrap().clone();
        assert!(errors[0].contains("topic plant/a/furnace: the payload is no JSON"), "{errors:?}");
        assert!(errors[1].contains("/temp is \"hot\"; it must be a number"), "{errors:?}");
        let standing = source.status.standing();
        assert_eq!((standing.messages, standing.readings, standing.connections), (3, 3, 1));
        assert_eq!(standing.refused, 2, "{standing:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "paho, which loads the broker, at times never tells of its last acknowledgements when the broker was killed"]
async fn a_broker_that_is_killed_under_load_loses_and_repeats_nothing() {
    for version in ["4", "5"] {
        let (mut broker, intake) = (Broker::durable(), Memory::new());
        let source = Source::start(&config(broker.port, version.parse().unwrap(), COUNTED), &intake).await;
        let port = broker.port.to_string();
        let peer = load(&port, "3000", version, "600");
        for part in 1..=2 {
            until("part of the load", || intake.count() >= part * 800).await;
            broker.kill();
            broker.up();
        }
        peer.says("all is acknowledged", |said| said["done"] == 3000).await;
        until("all arrives", || Fate::of(3000, &intake.values(TEMPERATURE)).lost == 0).await;
        let fate = Fate::of(3000, &intake.values(TEMPERATURE));
        fate.print(&format!("MQTT {version}, broker killed -9 twice"));
        assert!(source.status.standing().connections >= 3);
        assert_eq!(fate.lost, 0);
        // The publisher's own repeats, of what the dying broker had not acknowledged to it, are the same readings by their time.
        let mut readings = intake.of(TEMPERATURE);
        readings.sort();
        readings.dedup();
        assert_eq!(readings.len(), 3000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_loses_and_repeats_nothing_and_keeps_the_order() {
    for version in ["4", "5"] {
        let (broker, intake) = (Broker::start(), Memory::new());
        let proxy = Proxy::to(broker.port);
        // Slow enough that acknowledgements are under way whenever it is cut.
        *intake.delay.lock().unwrap() = Duration::from_millis(20);
        let source = Source::start(&config(proxy.port, version.parse().unwrap(), COUNTED), &intake).await;
        let port = broker.port.to_string();
        let peer = load(&port, "5000", version, "1500");
        for part in 1..=4 {
            until("part of the load", || intake.count() >= part * 700).await;
            proxy.cut();
        }
        peer.says("all is acknowledged", |said| said["done"] == 5000).await;
        until("all arrives", || Fate::of(5000, &intake.values(TEMPERATURE)).lost == 0).await;
        let fate = Fate::of(5000, &intake.values(TEMPERATURE));
        fate.print(&format!("MQTT {version}, connection cut {} times, slow intake", proxy.cuts.load(Ordering::SeqCst)));
        assert!(source.status.standing().connections >= 3, "{:?}", source.status.standing());
        assert_eq!(fate, Fate { sent: 5000, arrived: 5000, repeated: 0, lost: 0, in_order: true });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_killed_gets_what_it_had_not_taken() {
    for version in ["4", "5"] {
        let (broker, intake) = (Broker::start(), Memory::new());
        *intake.delay.lock().unwrap() = Duration::from_millis(20);
        let text = config(broker.port, version.parse().unwrap(), COUNTED);
        let mut source = Source::start(&text, &intake).await;
        let port = broker.port.to_string();
        let peer = load(&port, "5000", version, "2000");
        for part in 1..=4 {
            until("part of the load", || 5000 - Fate::of(5000, &intake.values(TEMPERATURE)).lost >= part * 1000).await;
            source.kill().await;
            source = Source::start(&text, &intake).await;
        }
        peer.says("all is acknowledged", |said| said["done"] == 5000).await;
        until("all arrives", || Fate::of(5000, &intake.values(TEMPERATURE)).lost == 0).await;
        let fate = Fate::of(5000, &intake.values(TEMPERATURE));
        fate.print(&format!("MQTT {version}, source killed 4 times"));
        assert_eq!(fate.lost, 0);
        // What was taken and not acknowledged comes again, and is the same reading.
        let mut readings = intake.of(TEMPERATURE);
        readings.sort();
        readings.dedup();
        assert_eq!(readings.len(), 5000);
        drop(source);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_intake_holds_the_broker_up_and_nothing_gathers_without_bound() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let source = Source::start(&config(broker.port, 5, &format!("receive_maximum = 50\n{COUNTED}")), &intake).await;
    let held = intake.hold().await;
    let port = broker.port.to_string();
    let peer = load(&port, "3000", "5", "100000");
    peer.says("all is acknowledged", |said| said["done"] == 3000).await;
    let heard = source.status.standing().messages;
    assert!((1..=50).contains(&heard), "{heard} messages heard while nothing is taken; the broker may send 50");
    drop(held);
    until("all arrives", || intake.count() == 3000).await;
    let fate = Fate::of(3000, &intake.values(TEMPERATURE));
    fate.print("MQTT 5, intake held for 3000 messages");
    assert_eq!(fate, Fate { sent: 3000, arrived: 3000, repeated: 0, lost: 0, in_order: true });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_acknowledgements_a_slow_intake_stops_the_reading() {
    // 3.1.1 and QoS 0 have no bound but the connection itself.
    let (broker, intake) = (Broker::start(), Memory::new());
    let source = Source::start(&config(broker.port, 4, &format!("qos = 0\n{COUNTED}")), &intake).await;
    let held = intake.hold().await;
    let port = broker.port.to_string();
    let peer = load(&port, "10000", "4", "100000");
    peer.says("all is acknowledged", |said| said["done"] == 10000).await;
    until("the bound is reached", || source.status.standing().messages >= 4096).await;
    let heard = source.status.standing().messages;
    // What is being taken, what gathers, and what one read brings.
    assert!(heard <= 4096 * 2 + 64, "{heard}");
    drop(held);
    until("the rest arrives", || intake.count() >= 8000).await;
    assert!(Fate::of(10000, &intake.values(TEMPERATURE)).in_order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_kept_is_uncertain_unless_it_says_its_time() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let at = EventMs(wall().0 - 60_000);
    for (topic, payload) in [("load/counter", format!("{{\"n\":1,\"t\":{}}}", at.0)), ("kept/plain", "1330".into())] {
        let arguments = ["-p", &broker.port.to_string(), "-r", "-q", "1", "-t", topic, "-m", &payload];
        assert!(Command::new("mosquitto_pub").args(arguments).status().unwrap().success());
    }
    let plain = "[[tag]]\ntopic = \"kept/plain\"\nto = { sensor = \"Line_A.throat_temperature\" }\n";
    let _source = Source::start(&config(broker.port, 5, &format!("{COUNTED}{plain}")), &intake).await;
    until("both readings", || intake.count() == 2).await;
    let (timed, untimed) = (intake.of(TEMPERATURE)[0], intake.of("Line_A.throat_temperature")[0]);
    assert_eq!((timed.at, timed.status, untimed.status), (at, Status::Ok, Status::Warning));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_is_refused_once_and_not_for_ever() {
    for version in [4, 5] {
        let (broker, intake) = (Broker::start(), Memory::new());
        let text = config(broker.port, version, &format!("largest_message_kib = 1\n{COUNTED}"));
        let source = Source::start(&text, &intake).await;
        broker.publish("load/counter", &format!("{{\"n\":1,\"x\":\"{}\"}}", "x".repeat(50_000)));
        broker.publish("load/counter", &format!("{{\"n\":2,\"t\":{}}}", wall().0));
        until("the next reading", || intake.count() == 1).await;
        assert_eq!(intake.values(TEMPERATURE), [2.0]);
        assert!(intake.errors.lock().unwrap()[0].contains("are more than largest_message_kib allows"));
        source.kill().await;
        let again = Source::start(&text, &intake).await;
        broker.publish("load/counter", &format!("{{\"n\":3,\"t\":{}}}", wall().0));
        until("the next reading", || intake.count() == 2).await;
        assert_eq!(again.status.standing().refused, 0, "it was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_intake_stops_the_source_ends() {
    let (broker, intake) = (Broker::start(), Memory::new());
    let source = Source::start(&config(broker.port, 5, COUNTED), &intake).await;
    intake.stopped.store(true, Ordering::SeqCst);
    broker.publish("load/counter", &format!("{{\"n\":1,\"t\":{}}}", wall().0));
    let ended = tokio::time::timeout(DEADLINE, source.task).await.expect("it ends").unwrap();
    assert_eq!(ended.unwrap().to_string(), "input is no longer taken: the test is over");
}

/// Certificates of an authority and of a broker, made for this test.
fn certificates(folder: &std::path::Path) {
    let run = |arguments: &str| {
        let done = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().expect("openssl");
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Authority");
    run("req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj /CN=broker");
    run("x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.pem -days 2 -extfile names");
    run("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=Stranger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_with_a_password_or_not_at_all() {
    let mut broker = Broker::start();
    broker.kill();
    let folder = broker.folder.path().to_owned();
    certificates(&folder);
    let made = Command::new("mosquitto_passwd")
        .args(["-b", "-c", &folder.join("users").display().to_string(), "lehr", "s3cret"])
        .status()
        .expect("mosquitto_passwd is installed: run `make test-setup`");
    assert!(made.success());
    std::fs::write(folder.join("password"), "s3cret\n").unwrap();
    std::fs::write(folder.join("wrong"), "guessed\n").unwrap();
    std::fs::write(folder.join("access"), "user lehr\ntopic read load/#\ntopic read $SYS/#\n").unwrap();
    let path = folder.display();
    let file = folder.join("mosquitto.conf");
    let text = std::fs::read_to_string(&file).unwrap().replace("allow_anonymous true", "allow_anonymous false");
    let text = format!(
        "{text}password_file {path}/users\nacl_file {path}/access\ncafile {path}/ca.pem\ncertfile {path}/broker.pem\nkeyfile {path}/broker.key\n"
    );
    std::fs::write(file, text).unwrap();
    broker.up();

    let with = |ca: &str, password: &str, topic: &str| {
        let secret =
            format!("username = \"lehr\"\npassword = {{ file = \"{path}/{password}\" }}\nca = \"{path}/{ca}\"\n");
        config(broker.port, 5, &format!("{secret}{}", COUNTED.replace("load/counter", topic)))
    };
    let intake = Memory::new();
    let good = with("ca.pem", "password", "load/counter");
    let source = Source::start(&good, &intake).await;
    assert!(matches!(source.status.standing().link, Link::Connected { .. }));
    let lines = probe(&toml::from_str::<Config>(&good).unwrap()).await.unwrap();
    assert!(lines[0].ends_with("speaks MQTT 5, encrypted"), "{lines:?}");

    for (ca, password, topic, part) in
        [("ca.pem", "wrong", "load/counter", "NotAuthorized"), ("other.pem", "password", "load/counter", "certificate")]
    {
        let text = with(ca, password, topic);
        let failing = Source::spawn(&text, &intake);
        let why = || match failing.status.standing().link {
            Link::Away { why, .. } => why,
            _ => String::new(),
        };
        until("it says why", || why().contains(part)).await;
        assert!(!why().contains("guessed"), "{}", why());
        let error = probe(&toml::from_str::<Config>(&text).unwrap()).await.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("are address, version, username and ca right?"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_says_what_is_there_and_what_is_not() {
    let broker = Broker::start();
    let done = Command::new("mosquitto_pub")
        .args(["-p", &broker.port.to_string(), "-r", "-q", "1", "-t", "load/counter", "-m", "{}"])
        .status();
    assert!(done.unwrap().success());
    let more = format!("{COUNTED}{}", COUNTED.replace("load/counter", "load/other"));
    let lines = probe(&toml::from_str::<Config>(&config(broker.port, 4, &more)).unwrap()).await.unwrap();
    let text = lines.join("\n");
    assert!(text.contains("speaks MQTT 3.1.1") && text.contains("the broker is mosquitto version 2"), "{text}");
    assert!(text.contains("load/counter: heard") && text.contains("load/other: nothing in 2 s"), "{text}");
    let nobody = config(free_port(), 5, COUNTED);
    let error = probe(&toml::from_str::<Config>(&nobody).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}
