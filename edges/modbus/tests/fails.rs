//! Devices that go away, cut, lag and lie; and an intake that holds up.

mod support;

use lehr_domain::{EventMs, Reading, Status};
use lehr_tags::Link;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Between, Meddle, Pymodbus, Running, in_order, names, now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Each register holds its own address, so that no answer can pass for another's; beside them the device's clock.
const SENSORS: u16 = 300;

fn device(port: u16, epoch: EventMs) -> Value {
    let held: Vec<u16> = (0..SENSORS).collect();
    json!({
        "port": port, "epoch_ms": epoch.0,
        "units": [{ "unit": 1, "holding": [[0, "UINT16", held]], "input": [[0, "UINT32", [0]]], "clock": 0 }],
    })
}

fn config(address: &str, more: &str) -> String {
    let tag = |sensor: u16, register: &str, kind: &str| {
        format!("[[tag]]\nregister = \"{register}\"\ntype = \"{kind}\"\nto = {{ sensor = \"s{sensor}\" }}\n")
    };
    let own: String = (0..SENSORS).map(|sensor| tag(sensor, &format!("holding:{sensor}"), "u16")).collect();
    format!("name = \"plc\"\naddress = \"{address}\"\n{more}\n{own}{}", tag(SENSORS, "input:0", "u32"))
}

fn start(address: &str, more: &str) -> Running {
    Running::start(&config(address, more), names(usize::from(SENSORS) + 1, "1"))
}

/// Every good value is its own sensor's, in order, once. The device's clock ascends with it, and is that of the answer.
/// Says how many were good, and how many said that there is none.
fn hold(readings: &[Reading], epoch: EventMs) -> (usize, usize) {
    in_order(readings);
    let good = |reading: &&Reading| reading.status == Status::Ok;
    let mut clock = 0.0;
    for reading in readings.iter().filter(good) {
        let value = reading.value.to_f64();
        if reading.sensor.0 < u32::from(SENSORS) {
            assert_eq!(value, f64::from(reading.sensor.0), "another register's");
        } else {
            assert!(value > clock, "the device's clock went from {clock} to {value}");
            clock = value;
            let behind = (reading.at - epoch).0 as f64 - value;
            assert!(behind >= 0.0, "read {behind} ms before the device said it");
        }
    }
    let goods = readings.iter().filter(good).count();
    (goods, readings.len() - goods)
}

fn clocks(source: &Running) -> usize {
    source.kept.of(u32::from(SENSORS)).iter().filter(|reading| reading.status == Status::Ok).count()
}

#[tokio::test]
async fn a_device_that_is_killed_under_load_is_found_again() {
    let epoch = now();
    let mut peer = Pymodbus::start(&device(0, epoch));
    let port = peer.port;
    let source = start(&peer.address(), "every_ms = 20\ntimeout_ms = 5000");
    source.until("ten polls", |it| clocks(it) >= 10).await;
    for kill in 1..=3 {
        drop(peer);
        source.until("away", |it| matches!(it.status.standing().link, Link::Away { .. })).await;
        let lost = |it: &Running| {
            (0..=SENSORS).all(|sensor| {
                it.kept.of(u32::from(sensor)).last().is_some_and(|reading| reading.status == Status::Error)
            })
        };
        source.until("said of every sensor that there is no value", lost).await;
        let before = clocks(&source);
        peer = Pymodbus::start(&device(port, epoch));
        source.until(&format!("polled after kill {kill}"), |it| clocks(it) >= before + 10 && it.connected()).await;
    }
    let (readings, standing) = (source.kept.readings(), source.status.standing());
    let (good, bad) = hold(&readings, epoch);
    assert_eq!(bad, 3 * (usize::from(SENSORS) + 1), "each sensor once each time");
    assert_eq!(standing.readings as usize, readings.len());
    assert_eq!(source.kept.errors().len(), 3, "{:?}", source.kept.errors());
    println!(
        "killed 3 times: {good} good readings and {bad} that say there is none, none twice, none out of order; {} connections, {} polls missed",
        standing.connections, standing.missed
    );
    drop(peer);
}

#[tokio::test]
async fn connections_cut_anywhere_cost_no_reading_and_mix_up_none() {
    let epoch = now();
    let peer = Pymodbus::start(&device(0, epoch));
    // Answers of the fourth kind each: cut at every length in turn, so within the header, the count and the values.
    let meddle = |number: usize, _: &[u8]| match number % 4 {
        1 => Meddle::Cut(number / 4 % 40),
        3 => Meddle::PassAndClose,
        _ => Meddle::Pass,
    };
    let between = Between::start(peer.port, meddle).await;
    let source = start(&between.address, "every_ms = 20");
    source.until("50 polls", |it| clocks(it) >= 50).await;
    let (good, bad) = hold(&source.kept.readings(), epoch);
    let standing = source.status.standing();
    println!(
        "cut at every length: {good} good readings, {bad} that say there is none; {} connections",
        standing.connections
    );
    // A request that was cut is put again over a new connection.
    assert_eq!((bad, source.kept.errors().len()), (0, 0), "{:?}", source.kept.errors().last());
    assert!(standing.connections >= 50);
}

#[tokio::test]
async fn answers_that_come_too_late_are_nobodys() {
    let epoch = now();
    let peer = Pymodbus::start(&device(0, epoch));
    let meddle = |number: usize, _: &[u8]| match number % 25 {
        7 => Meddle::Late(300),
        15 => Meddle::Swallow,
        _ => Meddle::Pass,
    };
    let between = Between::start(peer.port, meddle).await;
    let source = start(&between.address, "every_ms = 20\ntimeout_ms = 150");
    source.until("30 polls and 4 silences", |it| clocks(it) >= 30 && it.kept.errors().len() >= 4).await;
    let (good, bad) = hold(&source.kept.readings(), epoch);
    let reason = &source.kept.errors()[0].reason;
    assert!(reason.contains("did not answer within 150ms; check unit, or raise timeout_ms"), "{reason}");
    println!(
        "late or never: {good} good readings, {bad} that say there is none, {} silences",
        source.kept.errors().len()
    );
    assert!(bad > 0);
}

#[tokio::test]
async fn polls_of_a_slow_device_are_missed_and_do_not_pile_up() {
    let epoch = now();
    let mut peer = Pymodbus::start(&device(0, epoch));
    peer.order(&json!({ "delay_ms": 40 }));
    let source = start(&peer.address(), "every_ms = 50\ntimeout_ms = 5000");
    source.until("missed polls", |it| clocks(it) >= 8 && it.status.standing().missed >= 8).await;
    peer.order(&json!({ "delay_ms": 0 }));
    let (missed, polls) = (source.status.standing().missed, clocks(&source));
    source.until("twenty polls at pace", |it| clocks(it) >= polls + 20).await;
    let readings = source.kept.readings();
    let (good, bad) = hold(&readings, epoch);
    let mut answers: Vec<Reading> = source.kept.of(u32::from(SENSORS));
    answers.retain(|reading| reading.at > answers_before(&readings, polls));
    println!("a slow device: {polls} polls made and {missed} missed; {good} good readings, {bad} bad");
    assert_eq!((bad, source.kept.errors().len()), (0, 0));
    let span = answers.last().unwrap().at - answers.first().unwrap().at;
    assert!(span.0 >= 50 * (answers.len() as i64 - 3), "polls that were missed are not made up for");
}

fn answers_before(readings: &[Reading], polls: usize) -> EventMs {
    let clock = |reading: &&Reading| reading.sensor.0 == u32::from(SENSORS);
    readings.iter().filter(clock).nth(polls).map_or(EventMs(0), |reading| reading.at)
}

#[tokio::test]
async fn an_intake_that_holds_up_holds_the_device_up() {
    let epoch = now();
    let peer = Pymodbus::start(&device(0, epoch));
    let source = Running::let_in(&config(&peer.address(), "every_ms = 20"), names(usize::from(SENSORS) + 1, "1"), 2);
    // The third poll is read and waits to be taken; nothing is asked after it.
    source.until("waiting", |it| clocks(it) == 2 && it.status.standing().messages >= 3 * 4).await;
    let began = now();
    let waits = |it: &Running| {
        assert_eq!((clocks(it), it.status.standing().messages), (2, 12), "nothing is asked meanwhile");
        (now() - began).0 >= 300
    };
    source.until("held up for long", waits).await;
    source.kept.let_in(tokio::sync::Semaphore::MAX_PERMITS - 10);
    source.until("ten more", |it| clocks(it) >= 12).await;
    let (good, bad) = hold(&source.kept.readings(), epoch);
    let missed = source.status.standing().missed;
    println!("held up for 300 ms: {good} good readings, {bad} bad, {missed} polls missed");
    assert!(missed >= 13 && bad == 0, "{missed} {bad}");
    assert_eq!(source.stopped().await.to_string(), "input is no longer taken: the test is over");
}

#[tokio::test]
async fn a_unit_that_says_nothing_does_not_stop_its_neighbours() {
    let unit = |unit: u8| json!({ "unit": unit, "holding": [[0, "UINT16", [unit]]] });
    let peer = Pymodbus::start(&json!({ "port": 0, "units": [unit(1), unit(2), unit(7)] }));
    let mute = |_: usize, answer: &[u8]| if answer[6] == 7 { Meddle::Swallow } else { Meddle::Pass };
    let gateway = Between::start(peer.port, mute).await;
    let tag = |unit: u8| {
        format!(
            "[[device]]\nunit = {unit}\n[[device.tag]]\nregister = \"holding:0\"\ntype = \"u16\"\nto = {{ sensor = \"s{unit}\" }}\n"
        )
    };
    let text = format!("name = \"gateway\"\naddress = \"{}\"\nevery_ms = 20\ntimeout_ms = 100\n", gateway.address);
    let source = Running::start(&(text + &tag(1) + &tag(7) + &tag(2)), names(8, "1"));
    source.until("two silences of unit 7", |it| it.status.standing().connections >= 3).await;
    let (one, two, seven) = (source.kept.of(1), source.kept.of(2), source.kept.of(7));
    println!("unit 7 is mute: {} and {} readings of its neighbours", one.len(), two.len());
    assert!(one.len() > 20 && two.len() > 20);
    assert!(one.iter().chain(&two).all(|reading| reading.status == Status::Ok));
    assert_eq!((seven.len(), seven[0].status, source.kept.errors().len()), (1, Status::Error, 1));
}

/// A peer that answers with anything: nothing panics, nothing is taken for a value, and an honest answer is taken after.
#[tokio::test]
async fn any_bytes_are_survived_and_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seed: u64 = now().0 as u64;
    println!("seed {seed}");
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let lies = tokio::spawn(async move {
        let mut random = seed;
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = [0; 12];
            while client.read_exact(&mut request).await.is_ok() {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                let mut answer: Vec<u8> = (0..next(&mut random) % 300).map(|_| next(&mut random) as u8).collect();
                let closes = number % 3 == 2;
                if number % 2 == 1 {
                    // A good header, so that the rest is looked at, and at times a good function.
                    let length = (answer.len() as u16 + 1).to_be_bytes();
                    let header = [request[0], request[1], 0, 0, length[0], length[1], request[6]];
                    if number % 4 == 1 && !answer.is_empty() {
                        answer[0] = request[7];
                    }
                    answer.splice(0..0, header);
                }
                if client.write_all(&answer).await.is_err() || closes {
                    break;
                }
            }
        }
    });
    // Of many units each is asked at once, however silent those before it were.
    let tag = |unit: u16| {
        let tag = |register: &str, kind: &str, sensor: u16| {
            format!("[[device.tag]]\nregister = \"{register}\"\ntype = \"{kind}\"\nto = {{ sensor = \"s{sensor}\" }}\n")
        };
        format!("[[device]]\nunit = {unit}\n") + &tag("holding:0", "f64", unit) + &tag("holding:7", "i16", unit + 250)
    };
    let units: String = (1..=247).map(tag).collect();
    let text = format!("name = \"liar\"\naddress = \"{address}\"\nevery_ms = 10\ntimeout_ms = 20\n{units}");
    let source = Running::start(&text, names(500, "1"));
    source.until("400 lies", |_| asked.load(Ordering::Relaxed) >= 400).await;
    lies.abort();
    let (standing, errors) = (source.status.standing(), source.kept.errors().len());
    let good = source.kept.readings().iter().filter(|reading| reading.status == Status::Ok).count();
    println!("400 lies: {errors} errors kept, {} tags refused, {good} values believed", standing.refused);
    assert!(errors >= 247 && standing.refused >= 2 * 247);
    in_order(&source.kept.readings());
}

/// The numbers of a seed (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}
