//! What a reading costs on disk, and how long SQL and lookups take, before and after a recorded day moved to history.
//!
//! `cargo bench --bench history -- [HOURS] [SENSORS]`; one JSON object a line. Ratios count, not times.

use lehr::history::{History, Range};
use lehr::recording::{GenerateOptions, generate};
use lehr::runtime::KeptReadings;
use lehr_domain::catalogue::{self, Catalogue};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, SensorId, SpanMs, Tick};
use lehr_queries::{Limits, Queries, Resources, Snapshot, Source};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const START: &str = "2026-01-05T00:00:00Z";
/// Of so many runs the median is shown.
const RUNS: usize = 5;
const LOOKUPS: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (hours, sensors) = (numbers.next().unwrap_or(24), numbers.next().unwrap_or(66));
    let scratch = tempfile::tempdir()?;
    let data = scratch.path().join("data");
    let start = EventMs::parse(START)?;
    let catalogue = Catalogue::parse(catalogue::DEFAULT)?.scaled(sensors);
    let options = GenerateOptions {
        out: data.clone(),
        truth: None,
        seed: 7,
        start,
        duration: SpanMs::hours(hours as i64),
        faults: Vec::new(),
        faults_per_day: 0.0,
        campaign: false,
        pictures: None,
        catalogue,
        knowledge: lehr_causal::DEFAULT.to_owned(),
    };
    let readings = generate(&options, |_| {})?.readings;
    let journal = size_of(&data.join("journal"), ".seg")?;
    println!(
        "{}",
        json!({ "readings": readings, "segments_bytes": journal, "bytes_a_reading": per(journal, readings) })
    );

    let mut inputs = lehr::journal::Reader::open(&data)?;
    let (mut names, mut tick) = (Names::default(), Tick(0));
    while let Some(recorded) = inputs.record() {
        let inputs = recorded?.inputs;
        inputs.events.iter().for_each(|row| names.apply(&row.event));
        tick = inputs.tick;
    }
    let names = Arc::new(names);
    let snapshot = Arc::new(Snapshot { tick, now: start, names: names.clone(), ..Snapshot::default() });
    let history = Arc::new(History::open(&data)?);
    ask(&data, &history, &snapshot, "before")?;

    let begun = Instant::now();
    let (mut converted, mut bytes) = (0, 0);
    for segment in history.convertible()? {
        let done = history.convert(segment, &names)?;
        (converted, bytes) = (converted + done.readings, bytes + done.bytes);
    }
    println!(
        "{}",
        json!({
            "converted_readings": converted, "seconds": begun.elapsed().as_secs_f64(),
            "parquet_bytes": bytes, "bytes_a_reading": per(bytes, converted),
            "thin_bytes": size_of(&data.join("journal"), ".thin")?,
        })
    );
    let begun = Instant::now();
    let mut merges = 0;
    while history.compact(start + SpanMs::days(30))?.is_some() {
        merges += 1;
    }
    let bytes: u64 = history.view().files.iter().map(|file| file.bytes).sum();
    println!(
        "{}",
        json!({
            "merges": merges, "seconds": begun.elapsed().as_secs_f64(), "files": history.view().files.len(),
            "parquet_bytes": bytes, "bytes_a_reading": per(bytes, converted),
        })
    );
    ask(&data, &history, &snapshot, "after")?;
    look_up(&history, tick, start, hours, sensors)
}

fn per(bytes: u64, readings: u64) -> f64 {
    bytes as f64 / readings.max(1) as f64
}

fn size_of(folder: &Path, suffix: &str) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn ask(
    data: &Path,
    history: &Arc<History>,
    snapshot: &Arc<Snapshot>,
    when: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let sensor = snapshot.names.sensor(SensorId(3));
    let queries = [
        (
            "sensor hour",
            format!(
                "SELECT sensor_id, avg(value) FROM readings WHERE sensor_id = '{sensor}' \
             AND at >= TIMESTAMP '2026-01-05T01:00:00Z' AND at < TIMESTAMP '2026-01-05T02:00:00Z' GROUP BY sensor_id"
            ),
        ),
        ("everything", "SELECT sensor_id, avg(value) FROM readings GROUP BY sensor_id".to_owned()),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sql = Queries::new(Resources::default())?;
    for (what, query) in queries {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let readings = KeptReadings::new(data.to_owned(), history.clone(), snapshot);
            let source = Source { snapshot: snapshot.clone(), history: Some(Arc::new(readings)) };
            let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
            let begun = Instant::now();
            let rows: usize =
                runtime.block_on(sql.run(&query, &source, limits))?.batches.iter().map(|batch| batch.num_rows()).sum();
            times.push(begun.elapsed());
            assert!(rows > 0, "{what} has an answer");
        }
        println!("{}", json!({ "sql": what, "when": when, "median_ms": median(times).as_secs_f64() * 1e3 }));
    }
    Ok(())
}

/// One minute of one sensor, here and there.
fn look_up(
    history: &History,
    last: Tick,
    start: EventMs,
    hours: usize,
    sensors: usize,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (mut times, mut found) = (Vec::new(), 0);
    // What is read first is slower: footers and checksums.
    for index in 0..LOOKUPS {
        let minute = (index * 7919) % (hours * 60);
        let from = start + SpanMs::minutes(minute as i64);
        let wanted = [Range { sensor: SensorId((index * 31 % sensors) as u32), from, to: from + SpanMs::minutes(1) }];
        let begun = Instant::now();
        found += history.readings(&wanted, last.next())?.len();
        times.push(begun.elapsed());
    }
    let slowest = times.iter().max().copied().unwrap_or_default();
    println!(
        "{}",
        json!({
            "lookups": LOOKUPS, "found": found, "median_ms": median(times).as_secs_f64() * 1e3,
            "slowest_ms": slowest.as_secs_f64() * 1e3,
        })
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
