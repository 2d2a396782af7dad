//! Any body of the requests that push readings and units, in JSON, one a line or as points, and of those that ask in SQL;
//! plain or compressed. Every row is taken or has a reason, what is taken is said again so that it reads the same, and
//! what passes has the limits that it promises.
#![no_main]

use lehr_domain::unit::Unit;
use lehr_domain::{EventMs, Reading, SpanMs};
use lehr_fuzz::NAMES;
use lehr_fuzz::http::body::check::{check, with_whole_numbers};
use lehr_fuzz::http::body::query::{Moment, Query, ROWS_MOST, SECONDS_MOST};
use lehr_fuzz::http::body::{Inflation, array, inflated, lines, of, reading, row, unit};
use lehr_influx::Precision;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

const NOW: EventMs = EventMs(1_800_000_000_000);
const KEPT: SpanMs = SpanMs::hours(24);
/// Bytes of a body that was compressed: so that some are more.
const MOST: usize = 2000;

static READING: LazyLock<Value> = LazyLock::new(of::<reading::Row>);
static UNIT: LazyLock<Value> = LazyLock::new(of::<unit::Row>);
static QUERY: LazyLock<Value> = LazyLock::new(of::<Query>);

fn read_reading(value: &Value) -> Option<Reading> {
    let read =
        |refusal: Option<String>| row(&READING, value).and_then(|row: reading::Row| row.reading(&NAMES, |_| refusal));
    match read(None) {
        Ok(taken) => {
            let refused = read(Some("not now".to_owned())).expect_err("it is refused");
            assert_eq!(refused.message, "not now");
            Some(taken)
        }
        Err(wrong) => {
            assert!(!wrong.message.is_empty());
            None
        }
    }
}

fn reading_again(reading: &Reading) -> Value {
    json!({
        "sensor_id": NAMES.sensor(reading.sensor),
        "timestamp": reading.at.to_string(),
        "value": reading.value.to_f64(),
        "status": reading.status.text(),
        "revision": reading.revision,
    })
}

fn read_unit(value: &Value) -> Option<Unit> {
    match row(&UNIT, value).and_then(|row: unit::Row| row.unit(&NAMES, NOW, NOW - KEPT)) {
        Ok(unit) => {
            assert!(NOW - KEPT <= unit.at && unit.at <= NOW + unit::AHEAD_MOST, "{unit:?}");
            assert!(unit.defects.len() <= Unit::MAX_DEFECTS && unit.defects.is_sorted(), "{unit:?}");
            Some(unit)
        }
        Err(wrong) => {
            assert!(!wrong.message.is_empty());
            None
        }
    }
}

fn unit_again(unit: &Unit) -> Value {
    let defects = unit
        .defects
        .iter()
        .map(|defect| json!({ "type": defect.defect.text(), "score": defect.score.to_f64(), "box": defect.bounds }));
    json!({
        "unit_id": unit.unit.0,
        "line": NAMES.line(unit.line),
        "timestamp": unit.at.to_string(),
        "product": NAMES.product(unit.product),
        "verdict": unit.verdict.text(),
        "defects": defects.collect::<Vec<Value>>(),
    })
}

fn rows(text: &str) {
    let mut all: Vec<Value> = lines(text).into_iter().flatten().collect();
    if let Ok(rows) = array(text) {
        let one_a_line: Vec<String> = rows.iter().map(Value::to_string).collect();
        let again = lines(&one_a_line.join("\n"));
        assert!(again.len() == rows.len() && again.iter().all(Result::is_ok), "an array is lines too");
        all.extend(rows);
    }
    for value in &all {
        if let Some(reading) = read_reading(value) {
            assert_eq!(read_reading(&reading_again(&reading)), Some(reading));
        }
        if let Some(unit) = read_unit(value) {
            assert_eq!(read_unit(&unit_again(&unit)), Some(unit));
        }
    }
}

fn query(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    if check(&QUERY, &value, &Map::new()).is_err() {
        return;
    }
    // What a schema cannot say, such as a tick beyond all.
    let Ok(query) = serde_json::from_value::<Query>(with_whole_numbers(value)) else { return };
    assert!(!query.query.trim().is_empty());
    if let Some(Moment::Time { time }) = &query.as_of {
        EventMs::parse(time).expect("a time was checked");
    }
    if let Some(asked) = query.limits {
        assert!(asked.rows.is_none_or(|rows| (1..=ROWS_MOST).contains(&rows)));
        assert!(asked.time().is_none_or(|time| !time.is_zero() && time.as_secs_f64() <= SECONDS_MOST));
    }
}

fn points(text: &str) {
    let taken = lehr_influx::read(text, Precision::default(), &NAMES, NOW, |_| None);
    assert!(taken.readings.iter().all(|reading| NAMES.sensor_def(reading.sensor).is_some()));
}

fn take(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    rows(text);
    query(text);
    points(text);
}

libfuzzer_sys::fuzz_target!(|sent: &[u8]| {
    take(sent);
    match inflated(sent, MOST) {
        Ok(body) => {
            assert!(body.len() <= MOST);
            take(&body);
        }
        Err(Inflation::Broken(why)) => assert!(!why.is_empty()),
        Err(Inflation::TooLarge) => {}
    }
});
