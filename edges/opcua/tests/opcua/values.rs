//! Right value, unit, time and quality.

use crate::support::{Memory, Plant, Running, config_of, free_port, names};
use lehr_domain::{EventMs, Status};
use lehr_opcua::probe;

const AT: i64 = 1_790_000_000_123;

const STILL: &str = r#"
[[tag]]
node = "nsu=urn:lehr:test;s=double"
to = { sensor = "Line_A.furnace_temperature", unit = "°F" }
[[tag]]
node = "ns=2;s=float"
to = { sensor = "Line_A.furnace_pressure", scale = 10, offset = 1 }
[[tag]]
node = "ns=2;s=int"
to = { sensor = "Line_A.c0" }
[[tag]]
node = "ns=2;s=word"
to = { sensor = "Line_A.c1" }
[[tag]]
node = "ns=2;s=bool"
to = { sensor = "Line_A.c2" }
[[tag]]
node = "ns=2;s=uncertain"
to = { sensor = "Line_A.c3" }
[[tag]]
node = "ns=2;s=bad"
to = { sensor = "Line_A.c4" }
[[tag]]
node = "ns=2;s=array"
element = 1
to = { sensor = "Line_A.c5" }
[[tag]]
node = "ns=2;s=array"
element = 2
to = { sensor = "Line_A.c6" }
[[tag]]
node = "ns=2;s=text"
to = { sensor = "Line_A.c7" }
[[tag]]
node = "ns=2;s=nowhere"
to = { sensor = "Line_A.c8" }
[[tag]]
node = "nsu=urn:elsewhere;s=double"
to = { sensor = "Line_A.c9" }
"#;

fn source(plant: &Plant, rest: &str) -> String {
    format!("name = \"plc\"\nendpoint = \"{}\"\npublishing_ms = 100\n{rest}\n{STILL}", plant.endpoint())
}

async fn plant() -> Plant {
    Plant::start(free_port().await, &["--at", &AT.to_string()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_with_unit_quality_and_time_and_what_cannot_be_taken_is_named() {
    let plant = plant().await;
    let running = Running::start(&source(&plant, ""), Memory::new(names(10)));
    running.until("all that can come has come", |it| it.status.standing().readings == 9).await;
    running.until("what cannot has been named", |it| it.intake.errors().len() == 3).await;
    let found: Vec<(String, f64, Status, i64)> = running
        .intake
        .by_sensor()
        .into_iter()
        .map(|(name, readings)| {
            assert_eq!(readings.len(), 1, "{name}");
            (name, readings[0].value.to_f64(), readings[0].status, readings[0].at.0)
        })
        .collect();
    let expected = [
        ("Line_A.c0", -7.0, Status::Ok),
        ("Line_A.c1", 65000.0, Status::Ok),
        ("Line_A.c2", 1.0, Status::Ok),
        ("Line_A.c3", 3.0, Status::Warning),
        // A server leaves the value out where it is bad.
        ("Line_A.c4", 0.0, Status::Error),
        ("Line_A.c5", 20.0, Status::Ok),
        ("Line_A.c6", 30.0, Status::Ok),
        ("Line_A.furnace_pressure", 6.0, Status::Ok),
        // 1234.5 °F
        ("Line_A.furnace_temperature", 668.055_556, Status::Ok),
    ];
    assert_eq!(found, expected.map(|(name, value, status)| (name.to_owned(), value, status, AT)));
    let mut reasons: Vec<String> = running.intake.errors().into_iter().map(|error| error.reason).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            "tag ns=2;s=nowhere: cannot be monitored: BadNodeIdUnknown",
            "tag ns=2;s=text: it is a text, not a number",
            "tag nsu=urn:elsewhere;s=double: cannot be monitored: the server has no namespace urn:elsewhere",
        ]
    );
    assert_eq!(running.status.standing().refused, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn arrival_gives_times_of_its_own() {
    let plant = plant().await;
    let before = crate::support::now();
    let running = Running::start(&source(&plant, "timestamps = \"arrival\""), Memory::new(names(10)));
    running.until("values came", |it| it.status.standing().readings == 9).await;
    let after = crate::support::now();
    assert!(running.intake.readings().iter().all(|reading| (before..=after).contains(&reading.at)));
    assert_ne!(before, EventMs(AT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_what_is_there_and_what_is_not() {
    let plant = plant().await;
    let said = probe(&config_of(&source(&plant, ""))).await.unwrap();
    println!("{}", said.join("\n"));
    assert!(said[0].starts_with("server ") && said[0].contains("version"), "{said:?}");
    // The bad one has a value, which is bad.
    assert_eq!(said[1], "8 of 12 tags have a value");
    assert!(said.contains(&"tag nsu=urn:elsewhere;s=double: the server has no namespace urn:elsewhere".to_owned()));
    assert!(said.contains(&"tag ns=2;s=text: it is a text, not a number".to_owned()));
    assert!(said.iter().any(|line| line == "tag ns=2;s=nowhere: BadNodeIdUnknown"), "{said:?}");
    assert!(said.iter().any(|line| line == "tag ns=2;s=bad: BadNotConnected"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_of_nobody_says_so_at_once() {
    let port = free_port().await;
    let config = config_of(&format!("name = \"plc\"\nendpoint = \"opc.tcp://127.0.0.1:{port}\""));
    let said = probe(&config).await.unwrap_err().to_string();
    println!("{said}");
    assert!(said.to_lowercase().contains("refused") || said.contains("BadCommunication"), "{said}");
}
