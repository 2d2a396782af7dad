//! Any request to the simulated plant as a device: an answer that fits a frame, and nothing written beyond its limits.
#![no_main]

use lehr_modbus::fuzzing::{Values, answer};
use lehr_modbus::{Map, Point, Role};
use std::sync::LazyLock;

const LOW: f64 = 1400.0;
const HIGH: f64 = 1600.0;
/// Of Modbus: what stands behind the header of a frame.
const ANSWER_MOST: usize = 253;

static MAP: LazyLock<Map> = LazyLock::new(|| {
    let point = |name: String, role| Point { name, unit: "°C".to_owned(), role };
    let sensors = (0..100).map(|at| point(format!("sensor {at}"), Role::Sensor));
    let set_points = (0..20).map(|at| point(format!("set-point {at}"), Role::SetPoint { low: LOW, high: HIGH }));
    Map::new(sensors.chain(set_points)).expect("a good map")
});

libfuzzer_sys::fuzz_target!(|request: &[u8]| {
    let values = Values::of(&MAP);
    let write = |name: &str, value: f64| {
        assert!((LOW..=HIGH).contains(&value), "{name} was written: {value}");
        if value < 1500.0 { Ok(()) } else { Err("the plant does not take it".to_owned()) }
    };
    let answered = answer(&MAP, &values, &write, request);
    assert!((2..=ANSWER_MOST).contains(&answered.len()), "{answered:?}");
    let asked = request.first().copied().unwrap_or(0);
    assert_eq!(answered[0] & 0x7F, asked & 0x7F, "the answer is to what was asked");
});
