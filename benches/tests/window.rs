//! The window job against a recomputation from scratch.

use lehr_benches::window::{WIDTH, WindowError, WindowJob, run};
use lehr_domain::{EventMs, Micro, SpanMs};
use parquet::data_type::{DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::RowAccessor;
use parquet::schema::parser::parse_message_type;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const SENSORS: i32 = 7;
const ROWS: usize = 3_000;
const GROUP: usize = 190;

#[derive(Clone, Copy)]
struct Row {
    sensor: i32,
    at: i64,
    value: f64,
}

/// Sensor and start of the window to count, mean, standard deviation, least and greatest.
type Results = BTreeMap<(i32, i64), (i64, f64, Option<f64>, f64, f64)>;

fn random_rows(rng: &mut ChaCha8Rng) -> Vec<Row> {
    let row = |rng: &mut ChaCha8Rng| Row {
        sensor: rng.random_range(0..SENSORS),
        at: rng.random_range(-60..120) * 500,
        value: f64::from(rng.random_range(-5_000..5_000)) / 8.0,
    };
    let mut rows: Vec<Row> = (0..ROWS).map(|_| row(rng)).collect();
    rows.sort_by_key(|row| row.at);
    // Late ones, repetitions, and what is no measurement.
    let (start, end) = (ROWS / 4, ROWS / 2);
    rows[start..end].shuffle(rng);
    rows.extend_from_within(..ROWS / 10);
    for (value, sensor) in [(f64::NAN, 1), (f64::INFINITY, 2), (1e9, 3), (1.0, -4), (1.0, i32::MAX)] {
        let place = rng.random_range(0..rows.len());
        rows.insert(place, Row { sensor, at: 0, value });
    }
    rows
}

/// The results from scratch: of several readings of a time the greatest value holds.
fn oracle(rows: &[Row]) -> Results {
    let mut holds: BTreeMap<(i32, i64), Micro> = BTreeMap::new();
    for row in rows.iter().filter(|row| (0..SENSORS).contains(&row.sensor)) {
        if let Ok(value) = Micro::from_f64(row.value) {
            let held = holds.entry((row.sensor, row.at)).or_insert(value);
            *held = value.max(*held);
        }
    }
    let mut windows: BTreeMap<(i32, i64), Vec<f64>> = BTreeMap::new();
    for ((sensor, at), value) in holds {
        windows.entry((sensor, at.div_euclid(10_000) * 10_000)).or_default().push(value.to_f64());
    }
    windows
        .into_iter()
        .map(|(window, values)| {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let std = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (window, (values.len() as i64, mean, std, least, greatest))
        })
        .collect()
}

fn write_rows(path: &Path, rows: &[Row]) {
    fn column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, File>, values: Vec<T::T>) {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let schema = "message reading { required int32 sensor; required int64 at; required double value; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group().unwrap();
        column::<Int32Type>(&mut group, rows.iter().map(|row| row.sensor).collect());
        column::<Int64Type>(&mut group, rows.iter().map(|row| row.at).collect());
        column::<DoubleType>(&mut group, rows.iter().map(|row| row.value).collect());
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn read_results(folder: &Path) -> Results {
    let mut results = Results::new();
    for part in std::fs::read_dir(folder).unwrap() {
        let reader = SerializedFileReader::new(File::open(part.unwrap().path()).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let key = (row.get_int(0).unwrap(), row.get_long(1).unwrap());
            let double = |column| row.get_double(column).unwrap();
            let std = Some(double(4)).filter(|std| !std.is_nan());
            let answer = (row.get_long(2).unwrap(), double(3), std, double(5), double(6));
            assert!(results.insert(key, answer).is_none(), "{key:?} is there once");
        }
    }
    results
}

fn assert_close(one: f64, other: f64, what: &str) {
    assert!((one - other).abs() <= 1e-9 * other.abs().max(1.0), "{what}: {one} is not {other}");
}

#[test]
fn results_equal_a_recomputation_for_any_number_of_workers_and_size_of_ticks() {
    for seed in 0..6 {
        let rows = random_rows(&mut ChaCha8Rng::seed_from_u64(seed));
        let expected = oracle(&rows);
        assert!(expected.len() > 50, "seed {seed}: hardly a window, so hardly a test");
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("rows.parquet");
        write_rows(&input, &rows);
        for (workers, groups_per_tick) in [(1, 1), (2, 1), (2, 3), (3, 4), (2, 1_000)] {
            let case = format!("seed {seed}, {workers} workers, {groups_per_tick} row groups a tick");
            let output = folder.path().join(&case);
            let job = WindowJob { input: input.clone(), output, workers, groups_per_tick, lateness: SpanMs::hours(1) };
            let report = run(&job).unwrap();
            assert_eq!((report.readings, report.refused, report.answers), (rows.len(), 5, expected.len()), "{case}");
            let results = read_results(&job.output);
            assert!(results.keys().eq(expected.keys()), "{case}");
            for (window, (n, mean, std, least, greatest)) in &expected {
                let found = results[window];
                assert_eq!((found.0, found.3, found.4), (*n, *least, *greatest), "{case}, {window:?}");
                assert_close(found.1, *mean, &case);
                assert_eq!(found.2.is_some(), std.is_some(), "{case}, {window:?}");
                assert_close(found.2.unwrap_or(0.0), std.unwrap_or(0.0), &case);
            }
        }
    }
}

#[test]
fn windows_are_sealed_once_the_lateness_has_passed_and_a_later_reading_is_named() {
    // Ten windows of one sensor, a row group each, then a reading of the first one.
    let mut rows: Vec<Row> =
        (0..10 * GROUP as i64).map(|index| Row { sensor: 3, at: index * WIDTH.0 / GROUP as i64, value: 1.0 }).collect();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.parquet");
    let job = WindowJob { input, output: folder.path().join("out"), workers: 1, groups_per_tick: 1, lateness: WIDTH };
    write_rows(&job.input, &rows);
    assert_eq!(run(&job).unwrap().answers, 10);
    rows.push(Row { sensor: 3, at: 7, value: 1.0 });
    write_rows(&job.input, &rows);
    assert!(matches!(run(&job), Err(WindowError::TooLate { at: EventMs(7), .. })));
}

#[test]
fn an_input_that_is_no_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("text.parquet");
    std::fs::write(&input, "no parquet").unwrap();
    let (output, lateness) = (folder.path().join("out"), SpanMs::FOREVER);
    let job = WindowJob { input, output, workers: 2, groups_per_tick: 1, lateness };
    assert!(run(&job).unwrap_err().to_string().contains("text.parquet"));
}
