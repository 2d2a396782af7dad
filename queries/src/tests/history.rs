use super::fixture::{answer, names, now, rows_of, snapshot};
use crate::history::{ReadingBatches, ReadingsScan, ReadingsSource, reading_batch_to_arrow, readings_schema};
use crate::{ErrorKind, QueryError, Source};
use lehr_domain::{EventMs, Micro, Reading, ReadingBatch, SensorId, SpanMs, Status};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const BATCH: i64 = 100;

/// Readings once a second, backwards in time without end; remembers what it was asked.
#[derive(Debug, Default)]
struct Endless {
    scans: Mutex<Vec<ReadingsScan>>,
    batches: Arc<AtomicUsize>,
}

fn reading(second: i64) -> Reading {
    Reading {
        sensor: SensorId((second % 2) as u32),
        at: now() - SpanMs::seconds(second),
        revision: 1,
        value: Micro::units(second),
        status: Status::Ok,
    }
}

impl ReadingsSource for Endless {
    fn scan(&self, scan: &ReadingsScan) -> ReadingBatches {
        self.scans.lock().unwrap().push(scan.clone());
        let from = scan.from.unwrap_or(EventMs::MIN);
        let made = self.batches.clone();
        let batches = (0..)
            .map(|batch| (batch * BATCH..(batch + 1) * BATCH).map(reading).collect::<ReadingBatch>())
            .take_while(move |batch| batch.at[0] >= from.0)
            .inspect(move |_| {
                made.fetch_add(1, Ordering::Relaxed);
            });
        let scan = scan.clone();
        Box::new(batches.map(move |batch| reading_batch_to_arrow(&batch, &names(), &scan)))
    }
}

fn endless() -> (Arc<Endless>, Source) {
    let history = Arc::new(Endless::default());
    (history.clone(), Source { snapshot: snapshot(), history: Some(history) })
}

#[test]
fn readings_have_their_names() {
    let (_, source) = endless();
    let first = names().sensor(SensorId(0)).to_owned();
    let expected = json!([first, now().to_string(), 0.0, "OK", 1, "Line_A", "furnace_temperature", "°C"]);
    assert_eq!(rows_of("SELECT * FROM readings LIMIT 1", &source), [expected]);
    let mut unknown = ReadingBatch::default();
    unknown.push(Reading { sensor: SensorId(9999), ..reading(0) });
    let batch = reading_batch_to_arrow(&unknown, &names(), &ReadingsScan::default()).unwrap();
    assert_eq!(batch.schema(), readings_schema());
    assert!(batch.column_by_name("unit").unwrap().is_null(0));
}

#[test]
fn a_limit_stops_an_endless_history() {
    let (history, source) = endless();
    let rows = rows_of("SELECT at FROM readings WHERE value >= 7 LIMIT 150", &source);
    assert_eq!(rows.len(), 150);
    let made = history.batches.load(Ordering::Relaxed);
    // The engine gathers 8 192 rows a partition ahead of a filter; an unbounded scan would never end.
    assert!(made < 400, "{made} batches for 150 rows");
    rows_of("SELECT at FROM readings LIMIT 5", &source);
    assert_eq!(history.scans.lock().unwrap().last().unwrap().limit, Some(5));
}

#[test]
fn time_and_sensor_of_a_filter_reach_the_source() {
    let at = |text: &str| Some(EventMs::parse(text).unwrap());
    let noon = "TIMESTAMP '2026-03-10T11:59:00Z'";
    let cases = [
        (format!("at >= {noon}"), at("2026-03-10T11:59:00Z"), None),
        (format!("at > {noon}"), at("2026-03-10T11:59:00.001Z"), None),
        (format!("{noon} < at"), at("2026-03-10T11:59:00.001Z"), None),
        (format!("at BETWEEN {noon} AND now()"), at("2026-03-10T11:59:00Z"), at("2026-03-10T12:00:00.001Z")),
        (format!("at = {noon}"), at("2026-03-10T11:59:00Z"), at("2026-03-10T11:59:00.001Z")),
        (
            format!("at >= now() - INTERVAL '1 hour' AND at < {noon} AND value > 3"),
            at("2026-03-10T11:00:00Z"),
            at("2026-03-10T11:59:00Z"),
        ),
    ];
    for (filter, from, to) in cases {
        let (history, source) = endless();
        let found = rows_of(&format!("SELECT at FROM readings WHERE {filter} ORDER BY at"), &source);
        let scan = history.scans.lock().unwrap().pop().unwrap();
        assert_eq!((scan.from, scan.to), (from, to), "{filter}");
        // The source ignores `to` and gives whole batches: the query filters once more.
        let inside = |second: &i64| {
            let at = reading(*second).at;
            from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)
        };
        let expected = (0..4_000).filter(inside).filter(|second| !filter.contains("value > 3") || *second > 3).count();
        assert_eq!(found.len(), expected, "{filter}");
    }
    let (history, source) = endless();
    let name = names().sensor(SensorId(1)).to_owned();
    let sql = format!("SELECT count(*) FROM readings WHERE sensor_id = '{name}' AND at >= {noon}");
    assert_eq!(rows_of(&sql, &source), [json!([30])]);
    assert_eq!(history.scans.lock().unwrap().pop().unwrap().sensor_id, Some(name));
}

#[test]
fn only_the_columns_that_a_query_reads_are_asked_for() {
    let noon = "TIMESTAMP '2026-03-10T11:59:00Z'";
    for (select, columns) in [("avg(value)", vec![1, 2]), ("count(*)", vec![1]), ("max(unit)", vec![1, 7])] {
        let (history, source) = endless();
        rows_of(&format!("SELECT {select} FROM readings WHERE at >= {noon}"), &source);
        assert_eq!(history.scans.lock().unwrap().pop().unwrap().columns, Some(columns), "{select}");
    }
    let (history, source) = endless();
    assert_eq!(rows_of("SELECT count(*) FROM (SELECT * FROM readings LIMIT 250)", &source), [json!([250])]);
    assert_eq!(history.scans.lock().unwrap().pop().unwrap().columns, Some(vec![]));
}

#[test]
fn a_filter_that_is_not_understood_narrows_nothing() {
    let noon = "TIMESTAMP '2026-03-10T11:59:00Z'";
    for filter in
        [format!("at >= {noon} OR value = 1"), format!("NOT (at BETWEEN {noon} AND now())"), format!("at <> {noon}")]
    {
        let (history, source) = endless();
        rows_of(&format!("SELECT at FROM readings WHERE {filter} LIMIT 1"), &source);
        let scan = history.scans.lock().unwrap().pop().unwrap();
        assert_eq!((scan.from, scan.to), (None, None), "{filter}");
    }
}

#[derive(Debug)]
struct Broken;

impl ReadingsSource for Broken {
    fn scan(&self, _scan: &ReadingsScan) -> ReadingBatches {
        Box::new([Err(QueryError::Internal("segment 3 is damaged".to_owned()))].into_iter())
    }
}

#[test]
fn a_history_that_cannot_be_read_is_an_error_not_an_empty_answer() {
    let source = Source { snapshot: snapshot(), history: Some(Arc::new(Broken)) };
    let error = answer("SELECT count(*) FROM readings", &source).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("segment 3 is damaged"), "{error}");
}
