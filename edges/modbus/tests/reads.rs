//! What a device of another make holds arrives as it is.

mod support;

use lehr_domain::Status;
use lehr_modbus::{Config, probe};
use serde_json::{Value, json};
use support::{Pymodbus, Running, in_order, names, now};

fn tags(tags: &[(&str, &str)]) -> String {
    let one = |(number, (register, rest)): (usize, &(&str, &str))| {
        format!("[[tag]]\nregister = \"{register}\"\nto = {{ sensor = \"s{number}\" }}\n{rest}\n")
    };
    tags.iter().enumerate().map(one).collect()
}

fn head(device: &Pymodbus, more: &str) -> String {
    format!("name = \"plc\"\naddress = \"{}\"\nevery_ms = 50\n{more}\n", device.address())
}

#[tokio::test]
async fn values_of_every_type_table_and_order_are_right() {
    let cases: &[(&str, &str, Value, f64)] = &[
        ("UINT16", "u16", json!(54_321), 54_321.0),
        ("INT16", "i16", json!(-1234), -1234.0),
        ("UINT32", "u32", json!(70_000_000), 70_000_000.0),
        ("INT32", "i32", json!(-70_000_000), -70_000_000.0),
        ("UINT64", "u64", json!(99_999_999), 99_999_999.0),
        ("INT64", "i64", json!(-99_999_999), -99_999_999.0),
        ("FLOAT32", "f32", json!(1520.5), 1520.5),
        ("FLOAT64", "f64", json!(1520.123456), 1520.123456),
        // By Python's struct: all bytes backwards is both orders little.
        ("<f", "f32 both", json!(-3.25), -3.25),
        ("<d", "f64 both", json!(2.125), 2.125),
        ("<i", "i32 both", json!(-65_537), -65_537.0),
        ("<H", "u16 both", json!(258), 258.0),
        // 1.5 as a float of 32 bits is 3F C0 00 00.
        ("REGISTERS", "f32 word", json!([0x0000, 0x3FC0]), 1.5),
        ("REGISTERS", "f32 byte", json!([0xC03F, 0x0000]), 1.5),
    ];
    let (mut held, mut mapped, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (theirs, ours, value, is)) in cases.iter().enumerate() {
        let address = 100 + 4 * number;
        let values = if value.is_array() { value.clone() } else { json!([value]) };
        held.push(json!([address, theirs, values]));
        let (kind, order) = ours.split_once(' ').unwrap_or((ours, ""));
        let orders = match order {
            "both" => "word_order = \"little\"\nbyte_order = \"little\"",
            "word" => "word_order = \"little\"",
            "byte" => "byte_order = \"little\"",
            _ => "",
        };
        for table in ["holding", "input"] {
            mapped.push((format!("{table}:{address}"), format!("type = \"{kind}\"\n{orders}")));
            expected.push(*is);
        }
    }
    for (address, is) in [(3, 1.0), (4, 0.0), (18, 1.0)] {
        for table in ["coil", "discrete"] {
            mapped.push((format!("{table}:{address}"), String::new()));
            expected.push(is);
        }
    }
    let mut bits = vec![false; 16];
    (bits[0], bits[15]) = (true, true);
    let bits = json!([[3, bits]]);
    let device = Pymodbus::start(&json!({
        "port": 0, "units": [{ "unit": 1, "holding": held, "input": held, "coil": bits, "discrete": bits }],
    }));
    let mapped: Vec<(&str, &str)> = mapped.iter().map(|(register, rest)| (register.as_str(), rest.as_str())).collect();
    let before = now();
    let source = Running::start(&(head(&device, "") + &tags(&mapped)), names(expected.len(), "1"));
    source.polled(expected.len() as u32 - 1, 1).await;
    for (sensor, expected) in expected.iter().enumerate() {
        let reading = source.kept.of(sensor as u32)[0];
        let (register, _) = mapped[sensor];
        assert_eq!((reading.value.to_f64(), reading.status), (*expected, Status::Ok), "{register}");
        assert!(reading.at >= before && reading.at <= now(), "by Lehr's clock");
    }
    assert_eq!(source.kept.errors(), []);
    println!("{} values in {} answers a poll", expected.len(), 4);
    source.stopped().await;
}

#[tokio::test]
async fn units_scales_and_qualities_are_those_of_the_sensor() {
    let device = Pymodbus::start(&json!({
        "port": 0,
        "units": [{ "unit": 1, "holding": [
            [0, "FLOAT32", [2768.0]], [2, "INT16", [15_200]], [4, "REGISTERS", [0x7FC0, 0]], [6, "FLOAT32", [1500.0]],
        ]}],
    }));
    let tag = |register: u16, kind: &str, sensor: u32, to: &str| {
        format!(
            "[[tag]]\nregister = \"holding:{register}\"\ntype = \"{kind}\"\nto = {{ sensor = \"s{sensor}\"{to} }}\n"
        )
    };
    let text = head(&device, "")
        + &tag(0, "f32", 0, ", unit = \"°F\"")
        + &tag(2, "i16", 1, ", scale = 0.1")
        + &tag(4, "f32", 2, "")
        + &tag(6, "f32", 3, ", deadband = 1.0, at_least_every_s = 86400.0");
    let source = Running::start(&text, names(4, "°C"));
    source.polled(0, 5).await;
    let first = |sensor| source.kept.of(sensor)[0];
    assert_eq!((first(0).value.to_f64(), first(1).value.to_f64()), (1520.0, 1520.0));
    assert_eq!(first(2).status, Status::Error, "a float that is no number is no measurement");
    assert_eq!(source.kept.of(3).len(), 1, "what changes too little is withheld");
    assert!(source.status.standing().unchanged >= 4);
    assert_eq!(source.kept.errors(), []);
}

#[tokio::test]
async fn a_tag_that_the_device_does_not_have_is_found_and_the_others_go_on() {
    // Registers 10, 11 and 30, 31 are holes.
    let device = Pymodbus::start(&json!({
        "port": 0,
        "units": [{ "unit": 1, "holding": [
            [0, "FLOAT32", [0.0, 2.0, 4.0, 6.0, 8.0]], [12, "FLOAT32", [12.0, 14.0, 16.0, 18.0]],
            [20, "FLOAT32", [20.0, 22.0, 24.0, 26.0, 28.0]], [32, "FLOAT32", [32.0, 34.0]],
        ]}],
    }));
    // One hole is nobody's, the other is a tag's.
    let addresses: Vec<u16> = (0..18).map(|n| 2 * n).filter(|&address| address != 10).collect();
    let registers: Vec<String> = addresses.iter().map(|address| format!("holding:{address}")).collect();
    let mapped: Vec<(&str, &str)> = registers.iter().map(|register| (register.as_str(), "type = \"f32\"")).collect();
    let text = head(&device, "") + &tags(&mapped);
    let source = Running::start(&text, names(addresses.len(), "1"));
    source.polled(0, 1).await;
    let diagnosis = source.status.standing().messages;
    let bad = addresses.iter().position(|&address| address == 30).unwrap();
    for (sensor, &address) in addresses.iter().enumerate() {
        let reading = source.kept.of(sensor as u32)[0];
        if sensor == bad {
            assert_eq!(reading.status, Status::Error);
        } else {
            assert_eq!((reading.value.to_f64(), reading.status), (f64::from(address), Status::Ok), "{address}");
        }
    }
    let errors = source.kept.errors();
    assert_eq!(errors.len(), 1);
    let expected = "tag holding:30: the device has no such address; check the tag's register and type (exception 2)";
    assert_eq!(errors[0].reason, expected);
    let of_tags = addresses.len();
    source.polled(0, 11).await;
    let (standing, polls) = (source.status.standing(), source.kept.of(0).len() as u64);
    let each = (standing.messages - diagnosis) / (polls - 1);
    println!("{of_tags} tags with two holes: {diagnosis} answers to find them, then {each} a poll");
    assert!(diagnosis <= 12 && each <= 5, "{diagnosis} {each}");
    assert_eq!(
        source.kept.of(bad as u32).len() as u64,
        standing.refused,
        "asked again now and then, counted each time"
    );

    let config: Config = toml::from_str(&text).unwrap();
    let said = probe(&config).await.unwrap();
    assert_eq!(said[said.len() - 2], format!("unit 1: {} of {of_tags} tags can be read; requests: 5", of_tags - 1));
    assert!(
        said[said.len() - 1].starts_with("tag holding:30 cannot be read: the device has no such address"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_device_that_is_up_again_is_read_in_few_requests_again() {
    let held: Vec<u16> = (0..100).collect();
    let units = json!([{ "unit": 1, "holding": [[0, "UINT16", held]] }]);
    let mut device = Pymodbus::start(&json!({ "port": 0, "units": units }));
    let registers: Vec<String> = (0..100).map(|address| format!("holding:{address}")).collect();
    let mapped: Vec<(&str, &str)> = registers.iter().map(|register| (register.as_str(), "type = \"u16\"")).collect();
    let source = Running::start(&(head(&device, "") + &tags(&mapped)), names(100, "1"));
    source.polled(0, 2).await;
    device.order(&json!({ "holes": [[0, 99]] }));
    let bad = |it: &Running| it.kept.readings().iter().filter(|reading| reading.status == Status::Error).count();
    source.until("each tag refused alone", |it| bad(it) >= 100).await;
    let asked = source.status.standing().messages;
    device.order(&json!({ "holes": [] }));
    let good = |it: &Running| {
        let last = |sensor| it.kept.of(sensor).last().is_some_and(|reading| reading.status == Status::Ok);
        (0..100).all(last)
    };
    source.until("all read again", good).await;
    let (heard, polls) = (source.status.standing().messages, source.kept.count(0));
    source.polled(0, polls + 10).await;
    let each = (source.status.standing().messages - heard) as usize / (source.kept.count(0) - polls);
    println!("100 tags refused and up again: {} answers meanwhile, then {each} a poll", heard - asked);
    assert_eq!(each, 1);
    in_order(&source.kept.readings());
}

#[tokio::test]
async fn units_at_one_address_share_a_connection_and_each_has_its_pace() {
    let unit = |unit: u8| json!({ "unit": unit, "holding": [[0, "UINT16", [unit]]] });
    let device = Pymodbus::start(&json!({ "port": 0, "units": [unit(1), unit(2), unit(3)] }));
    let further = |unit: u8, every: u64| {
        format!(
            "[[device]]\nunit = {unit}\nevery_ms = {every}\n[[device.tag]]\nregister = \"holding:0\"\ntype = \"u16\"\nto = {{ sensor = \"s{unit}\" }}\n"
        )
    };
    // Nobody is unit 9, which pymodbus calls a failure of the device.
    let text = head(&device, "") + &further(1, 20) + &further(2, 100) + &further(3, 40) + &further(9, 20);
    let source = Running::start(&text, names(10, "1"));
    source.until("ten slow polls", |it| it.kept.of(2).len() >= 10).await;
    let count = |sensor| source.kept.of(sensor).len();
    println!("polls in one time: every 20 ms {}, 40 ms {}, 100 ms {}", count(1), count(3), count(2));
    for sensor in 1..=3 {
        assert!(source.kept.of(sensor).iter().all(|reading| reading.value.to_f64() == f64::from(sensor)));
    }
    assert!(count(1) > count(3) && count(3) > count(2), "{} {} {}", count(1), count(3), count(2));
    let (nine, errors) = (source.kept.of(9), source.kept.errors());
    assert!(nine.iter().all(|reading| reading.status == Status::Error));
    assert_eq!(nine.len(), errors.len(), "it is asked ever more seldom, and each time counted");
    assert!((1..=3).contains(&nine.len()), "{errors:?}");
    assert!(
        errors[0].reason.starts_with("tag unit 9 holding:0: the device has failed, or has no such unit"),
        "{errors:?}"
    );
    assert_eq!(source.status.standing().connections, 1);
    in_order(&source.kept.readings());
}

#[tokio::test]
async fn a_busy_device_is_named_and_asked_again() {
    let mut device =
        Pymodbus::start(&json!({ "port": 0, "units": [{ "unit": 1, "holding": [[0, "UINT16", [7, 8]]] }] }));
    let mapped = tags(&[("holding:0", "type = \"u16\""), ("holding:1", "type = \"u16\"")]);
    let source = Running::start(&(head(&device, "") + &mapped), names(2, "1"));
    source.polled(1, 2).await;
    device.order(&json!({ "exception": 6 }));
    source.until("an error", |it| !it.kept.errors().is_empty()).await;
    device.order(&json!({ "exception": null }));
    let good = |it: &Running| it.kept.of(1).last().is_some_and(|reading| reading.status == Status::Ok);
    source.until("good again", good).await;
    let expected = "2 tags, holding:0 to holding:1: the device is busy; it is asked again";
    assert!(source.kept.errors()[0].reason.starts_with(expected), "{:?}", source.kept.errors());
    let statuses: Vec<Status> = source.kept.of(0).iter().map(|reading| reading.status).collect();
    assert!(statuses.contains(&Status::Error) && source.connected());
    assert_eq!(source.status.standing().connections, 1, "an exception is an answer");
    in_order(&source.kept.readings());
}

#[tokio::test]
async fn a_probe_says_who_answers_or_what_is_wrong() {
    let device = Pymodbus::start(&json!({ "port": 0, "units": [{ "unit": 1, "holding": [[0, "UINT16", [7]]] }] }));
    let text = head(&device, "") + &tags(&[("holding:0", "type = \"u16\"")]);
    let mut config: Config = toml::from_str(&text).unwrap();
    let said = probe(&config).await.unwrap();
    println!("{said:?}");
    assert_eq!(said.last().unwrap(), "unit 1: 1 of 1 tags can be read; requests: 1");
    drop(device);
    config.timeout_ms = 500;
    let error = probe(&config).await.unwrap_err().to_string();
    assert!(error.contains("cannot connect to") && error.contains("check the address"), "{error}");
}
