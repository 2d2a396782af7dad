//! The device, asked by asyncua.

use crate::support::{LIMIT, now, peer};
use lehr_domain::{EventMs, SpanMs};
use lehr_opcua::{Device, DeviceConfig, DeviceError, Login, Point, Setpoint, Variable, WriteSetpoint};
use lehr_tags::{Quality, Secret, SecretFrom};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

fn variables() -> Vec<Variable> {
    let variable = |name: &str, unit: &str, range| Variable { name: name.into(), unit: unit.into(), range };
    vec![
        variable("Line_A.furnace_temperature", "°C", Some((1000.0, 1700.0))),
        variable("Line_B.belt_speed", "m/min", None),
    ]
}

fn setpoints() -> Vec<Setpoint> {
    vec![Setpoint {
        name: "Line_A.furnace_setpoint".into(),
        unit: "°C".into(),
        low: 1400.0,
        high: 1600.0,
        value: 1500.0,
    }]
}

fn config(pki: &Path) -> DeviceConfig {
    DeviceConfig { listen: "127.0.0.1:0".parse().unwrap(), pki: pki.to_owned(), ..DeviceConfig::default() }
}

type Written = Arc<Mutex<Vec<(String, f64)>>>;

/// Takes all but 1555, and remembers.
fn remembering() -> (Written, WriteSetpoint) {
    let written = Written::default();
    let into = written.clone();
    let write = move |name: &str, value: f64| {
        if value == 1555.0 {
            return Err("interlocked".to_owned());
        }
        into.lock().unwrap().push((name.to_owned(), value));
        Ok(())
    };
    (written, Arc::new(write))
}

/// The answers of `client.py`, as JSON.
async fn ask(arguments: &[&str]) -> String {
    let mut client = peer("client.py").args(arguments).spawn().expect("Python starts");
    let mut lines = BufReader::new(client.stdout.take().expect("asked for")).lines();
    let mut last = String::new();
    while let Some(line) = timeout(LIMIT, lines.next_line()).await.expect("in time").expect("text") {
        last = line;
    }
    assert!(timeout(LIMIT, client.wait()).await.expect("in time").expect("it ran").success(), "{last}");
    last
}

const FURNACE: &str = "ns=2;s=Line_A.furnace_temperature";
const SETPOINT: &str = "ns=2;s=Line_A.furnace_setpoint";

#[tokio::test(flavor = "multi_thread")]
async fn lines_units_ranges_values_and_limits_are_what_another_client_sees() {
    let pki = tempfile::tempdir().unwrap();
    let (written, write) = remembering();
    let device = Device::start(&config(pki.path()), &variables(), &setpoints(), write).await.unwrap();
    let at = EventMs(1_790_000_000_123);
    let point = Point { variable: 0, value: 1512.5, quality: Quality::Uncertain, at };
    device.set(&[point]).unwrap();
    let said = ask(&[
        &device.endpoint(),
        "--write",
        SETPOINT,
        "1450.5",
        "--write",
        SETPOINT,
        "1601",
        "--write",
        SETPOINT,
        "nan",
        "--write",
        SETPOINT,
        "1555",
        "--write",
        FURNACE,
        "1",
        "--read",
        SETPOINT,
        "--read",
        FURNACE,
        "--read",
        "ns=2;s=Line_B.belt_speed",
    ])
    .await;
    println!("{said}");
    for expected in [
        r#""writes": ["Good", "BadOutOfRange", "BadOutOfRange", "BadInvalidState", "BadUserAccessDenied"]"#,
        r#""furnace_temperature": {"unit": "\u00b0C", "range": [1000.0, 1700.0]}"#,
        r#""furnace_setpoint": {"unit": "\u00b0C", "range": [1400.0, 1600.0]}"#,
        r#""Line_B": {"belt_speed": {"unit": "m/min"}}"#,
        r#"{"value": 1450.5, "status": "Good""#,
        r#"{"value": 1512.5, "status": "Uncertain", "time": "2026-09-21T14:13:20.123+00:00""#,
        r#""status": "BadWaitingForInitialData""#,
    ] {
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
    }
    assert_eq!(*written.lock().unwrap(), [("Line_A.furnace_setpoint".to_owned(), 1450.5)]);
    device.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_told_all_values_in_order() {
    let pki = tempfile::tempdir().unwrap();
    let device = Device::start(&config(pki.path()), &variables(), &[], remembering().1).await.unwrap();
    device.set(&[Point { variable: 0, value: 0.0, quality: Quality::Good, at: now() }]).unwrap();
    let mut client = peer("client.py")
        .args([&device.endpoint(), "--watch", FURNACE, "--values", "51"])
        .spawn()
        .expect("Python starts");
    let mut lines = BufReader::new(client.stdout.take().expect("asked for")).lines();
    let watching = timeout(LIMIT, lines.next_line()).await.expect("in time").unwrap().unwrap();
    assert!(watching.contains("watching"), "{watching}");
    let from = now();
    // One at a time, and then several at once.
    let point =
        |value: i64| Point { variable: 0, value: value as f64, quality: Quality::Good, at: from + SpanMs(10 * value) };
    (1..=20).for_each(|value| device.set(&[point(value)]).unwrap());
    device.set(&(21..=50).map(point).collect::<Vec<_>>()).unwrap();
    let said = timeout(LIMIT, lines.next_line()).await.expect("in time").unwrap().unwrap();
    let values = (0..=50).map(|value| format!("{value}.0")).collect::<Vec<_>>().join(", ");
    assert!(said.contains(&format!("\"watched\": [{values}]")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_clients_must_be_trusted_and_log_in() {
    let folders = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folders.path().join("device"), folders.path().join("client"));
    let password = folders.path().join("password");
    std::fs::write(&password, "s3cret\n").unwrap();
    let password: Secret = SecretFrom::File(password).read().unwrap();
    let config =
        DeviceConfig { secure: true, logins: vec![Login { user: "operator".into(), password }], ..config(&ours) };
    let device = Device::start(&config, &variables(), &setpoints(), remembering().1).await.unwrap();
    let (endpoint, certificate) = (device.endpoint(), ours.join("own/cert.der"));
    let asks = |password: &'static str| {
        let mut client = peer("client.py");
        client.args([endpoint.as_str(), "--user", "operator", "--password", password, "--write", SETPOINT, "1500"]);
        client
            .arg("--pki")
            .arg(&theirs)
            .arg("--server-certificate")
            .arg(&certificate)
            .stderr(std::process::Stdio::piped());
        async move { timeout(LIMIT, client.output()).await.expect("in time").expect("Python starts") }
    };
    let unknown = asks("s3cret").await;
    assert!(!unknown.status.success(), "a certificate that nobody trusted");
    let rejected: Vec<_> = std::fs::read_dir(ours.join("rejected")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(rejected.len(), 1);
    std::fs::rename(rejected[0].path(), ours.join("trusted").join(rejected[0].file_name())).unwrap();
    let wrong = asks("guess").await;
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("Bad"));
    let right = asks("s3cret").await;
    let said = String::from_utf8_lossy(&right.stdout).into_owned();
    assert!(said.contains(r#""writes": ["Good"]"#), "{said}{}", String::from_utf8_lossy(&right.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_named() {
    let pki = tempfile::tempdir().unwrap();
    let fails = |variables: Vec<Variable>, setpoints: Vec<Setpoint>, listen: SocketAddr| {
        let config = DeviceConfig { listen, ..config(pki.path()) };
        async move {
            match Device::start(&config, &variables, &setpoints, remembering().1).await {
                Err(error) => error.to_string(),
                Ok(_) => panic!("it starts"),
            }
        }
    };
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let twice = [variables(), variables()].concat();
    assert!(fails(twice, Vec::new(), free).await.starts_with("Line_A.furnace_temperature: a name must be"));
    let beyond = Setpoint { value: 1.0, ..setpoints().remove(0) };
    assert!(fails(variables(), vec![beyond], free).await.starts_with("Line_A.furnace_setpoint: its value must lie"));
    let taken = std::net::TcpListener::bind(free).unwrap();
    let address = taken.local_addr().unwrap();
    assert!(fails(variables(), Vec::new(), address).await.starts_with(&format!("cannot listen on {address}")));
    let device = Device::start(&config(pki.path()), &variables(), &[], remembering().1).await.unwrap();
    let beyond = Point { variable: 2, value: 0.0, quality: Quality::Good, at: now() };
    assert!(matches!(device.set(&[beyond]), Err(DeviceError::Variable(2))));
    assert!(device.endpoint().starts_with("opc.tcp://127.0.0.1:"));
    assert!(DeviceConfig::default().listen.ip().is_loopback());
}
