//! What sinks promise, apart from crashes, which the simulation plays.

use super::{Batch, ChangeLog, Delivery, Followers, Sink, SinkError, change_log, position, tables};
use crate::journal::simulated::SimDisk;
use crate::journal::storage::Storage;
use crate::journal::{Journal, JournalError, Options};
use crate::runtime::{Runtime, RuntimeOptions, Submission};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::tables::*;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::event::ErrorRow;
use lehr_domain::table::Row;
use lehr_domain::{Event, EventMs, LineId, SpanMs, Tick};
use lehr_plant::{FaultSpec, PlantConfig, PlantSim};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The clock of a line goes on by one each tick.
fn batch(tick: u64) -> Batch {
    let row = |at: u64| ClockRow { production_line: LineId(0), at: EventMs(at as i64) };
    let mut changes = Changes::default();
    changes.clocks.push((row(tick), 1));
    if tick > 1 {
        changes.clocks.push((row(tick - 1), -1));
    }
    changes.consolidate();
    let (after, tick) = (Tick(tick - 1), Tick(tick));
    Batch { after, tick, now: EventMs(0), names: Arc::default(), changes: Arc::new(changes) }
}

/// A file of changes of several batches.
fn written(disk: &SimDisk, ticks: std::ops::RangeInclusive<u64>) -> ChangeLog<SimDisk> {
    let mut log = ChangeLog::recover(disk.clone(), 1 << 20).unwrap();
    ticks.for_each(|tick| log.apply(&batch(tick)).unwrap());
    log
}

fn clock(disk: &SimDisk) -> (Tick, Vec<(String, String)>) {
    change_log::added_up(&disk.image()).unwrap()
}

#[test]
fn what_waits_is_joined_beyond_its_bound_and_the_first_batch_never_changes() {
    let mut delivery = Delivery::new(Tick(0), 3, Vec::new());
    (1..=2).for_each(|tick| delivery.offer(&batch(tick)).unwrap());
    let first = delivery.next().unwrap();
    (3..=100).for_each(|tick| delivery.offer(&batch(tick)).unwrap());
    assert_eq!(delivery.waiting(), 3);
    assert_eq!(delivery.next().unwrap().changes, first.changes);

    let disk = SimDisk::default();
    let mut log = ChangeLog::recover(disk.clone(), 1 << 20).unwrap();
    let mut spans = Vec::new();
    while let Some(batch) = delivery.next() {
        spans.push((batch.after.0, batch.tick.0, batch.changes.clocks.len()));
        log.apply(&batch).unwrap();
        delivery.applied(batch.tick);
    }
    assert_eq!(spans, [(0, 1, 1), (1, 2, 2), (2, 100, 2)], "98 ticks change one row");
    let rows = vec![("clocks".to_owned(), r#"{"at":"1970-01-01T00:00:00.100Z","production_line":"?"}"#.to_owned())];
    assert_eq!(clock(&disk), (Tick(100), rows));
}

#[test]
fn a_delivery_leaves_out_what_the_target_holds_and_refuses_gaps() {
    let mut delivery = Delivery::new(Tick(5), 3, Vec::new());
    (1..=5).for_each(|tick| delivery.offer(&batch(tick)).unwrap());
    assert!(delivery.next().is_none());
    assert!(matches!(delivery.offer(&batch(7)), Err(SinkError::Gap { at: 5, after: 6, tick: 7 })));
    delivery.offer(&batch(6)).unwrap();
    assert_eq!(delivery.next().unwrap().tick, Tick(6));
}

#[test]
fn a_log_of_changes_takes_each_batch_once() {
    let disk = SimDisk::default();
    let mut log = written(&disk, 1..=3);
    let before = disk.image();
    log.apply(&batch(2)).unwrap();
    log.apply(&batch(3)).unwrap();
    assert!(matches!(log.apply(&batch(5)), Err(SinkError::Gap { .. })));
    assert_eq!(disk.image(), before);
    assert_eq!(log.position().unwrap(), Tick(3));
}

/// Wherever the file ends, or whichever byte is wrong, the log goes on behind the last batch that is whole.
#[test]
fn a_log_of_changes_goes_on_from_any_torn_end() {
    let disk = SimDisk::default();
    drop(written(&disk, 1..=3));
    let (name, whole) = disk.image().pop_first().unwrap();
    let ends: Vec<usize> = (1..=3)
        .map(|tick| {
            let disk = SimDisk::default();
            drop(written(&disk, 1..=tick));
            disk.used()
        })
        .collect();
    for cut in 0..=whole.len() {
        for bytes in [whole[..cut].to_vec(), [&whole[..cut], &[0; 7], whole.get(cut + 7..).unwrap_or(&[])].concat()] {
            let kept = ends.iter().filter(|end| **end <= cut).count() as u64;
            let same = bytes == whole;
            let disk = SimDisk::from_image(&BTreeMap::from([(name.clone(), bytes)]));
            let mut log = ChangeLog::recover(disk.clone(), 1 << 20).unwrap();
            assert_eq!(log.position().unwrap(), Tick(if same { 3 } else { kept }), "cut at {cut}");
            (1..=3).for_each(|tick| log.apply(&batch(tick)).unwrap());
            assert_eq!(disk.image()[&name], whole, "cut at {cut}");
        }
    }
}

#[test]
fn a_log_of_changes_goes_on_in_new_files_and_leaves_those_of_others_alone() {
    let mut disk = SimDisk::default();
    disk.create("notes.txt").unwrap();
    for tick in 1..=5 {
        let mut log = ChangeLog::recover(disk.clone(), 1).unwrap();
        assert_eq!(log.position().unwrap(), Tick(tick - 1));
        log.apply(&batch(tick)).unwrap();
    }
    assert_eq!(disk.image().len(), 6);
}

#[test]
fn a_target_ahead_of_the_journal_is_refused() {
    let mut log = written(&SimDisk::default(), 1..=3);
    assert_eq!(position(&mut log, Tick(3)).unwrap(), Tick(3));
    assert!(matches!(position(&mut log, Tick(2)), Err(SinkError::Ahead { at: 3, durable: 2, .. })));
}

fn options(data: &Path) -> RuntimeOptions {
    RuntimeOptions {
        data: data.to_owned(),
        workers: 2,
        graph: GraphConfig::default(),
        catalogue: Catalogue::parse(lehr_domain::catalogue::DEFAULT).unwrap(),
        knowledge: String::new(),
        simulated_clock: true,
        salvage: false,
        sizes: Default::default(),
    }
}

/// So that no row leaves by retention.
const LONG_AFTER: EventMs = EventMs(4_000_000_000_000);

fn error(text: &str) -> Submission {
    let (source, reason, sample) = (text.to_owned(), String::new(), String::new());
    let events = vec![Event::Error(ErrorRow { id: 0, at: LONG_AFTER, source, reason, hash: 0, sample })];
    Submission { events, ..Submission::default() }
}

/// The threads and a real folder: lives with the sink, without it, and with it again.
#[test]
fn a_sink_catches_up_with_what_happened_while_it_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("changes"));
    for life in 0..4 {
        let mut followers = Followers::default();
        if life != 1 {
            followers.sinks.push(Box::new(ChangeLog::open(&out).unwrap()));
        }
        let followed = !followers.sinks.is_empty();
        wait_for_journal(&data);
        let runtime = Runtime::start_with(options(&data), followers, |_| {}).unwrap();
        let receipt = runtime.submit_blocking(error(&format!("life {life}"))).unwrap();
        let closed = receipt.wait().unwrap();
        while followed && runtime.sinks()[0].position < closed.tick {
            std::thread::yield_now();
        }
        let snapshot = runtime.snapshot();
        drop(runtime);
        if followed {
            let held = wait_for_lock(&out);
            let (position, rows) = change_log::added_up(&held).unwrap();
            assert_eq!(position, closed.tick);
            let views = snapshot.tables();
            let shown: Vec<&str> = tables::Tables::new().list().iter().map(|table| table.name).collect();
            let shown = views.iter().filter(|table| shown.contains(&table.name())).map(|table| table.rows());
            assert_eq!(rows.len(), shown.sum::<usize>());
            assert_eq!(rows.iter().filter(|(table, _)| table == "errors").count(), life + 1);
        }
    }
}

/// A runtime that was dropped lets go of its journal when its thread has ended.
fn wait_for_journal(data: &Path) {
    while let Err(JournalError::Locked { .. }) = Journal::open(data, Options::default()) {
        std::thread::yield_now();
    }
}

/// The files of a log, once its thread has let go of it.
fn wait_for_lock(out: &Path) -> BTreeMap<String, Vec<u8>> {
    while let Err(SinkError::Locked { .. }) = ChangeLog::open(out) {
        std::thread::yield_now();
    }
    let files = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())).collect()
}

macro_rules! declare_keys {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Tables of which two rows share what should tell them apart, with the rows of each that does not.
        fn shared_keys(snapshot: &lehr_queries::Snapshot) -> (Vec<String>, usize) {
            let (mut shared, mut seen) = (Vec::new(), 0);
            $( if $row::KEY > 0 {
                let mut keys = std::collections::BTreeSet::new();
                for row in snapshot.$field.iter() {
                    let key = format!("{:?}", &row.cells(&snapshot.names)[..$row::KEY]);
                    if !keys.insert(key.clone()) {
                        shared.push(format!("{}: {key}", $row::TABLE));
                    }
                }
                seen += usize::from(keys.len() > 1);
            } )*
            (shared, seen)
        }
    };
}
lehr_dataflows::for_all_tables!(declare_keys);

#[test]
fn keys_tell_the_rows_of_a_plants_tables_apart() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.graph.twin = Some(crate::twin::MODEL);
    options.simulated_clock = true;
    let runtime = Runtime::start(options, |_| {}).unwrap();
    let start = runtime.now().floor(SpanMs::minutes(1)) + SpanMs::minutes(1);
    let config = PlantConfig { seed: 11, start, ..PlantConfig::default() };
    let mut sim = PlantSim::new(&runtime.snapshot().names, config).unwrap();
    sim.inject(FaultSpec::parse("furnace_overheat:Line_A@1h").unwrap()).unwrap();
    for step in 1..=24 {
        let now = start + SpanMs::minutes(15 * step);
        let output = sim.advance(now);
        let submission =
            Submission { readings: output.readings, events: output.events, now: Some(now), ..Submission::default() };
        runtime.submit_blocking(submission).unwrap().wait().unwrap();
    }
    let (shared, seen) = shared_keys(&runtime.snapshot());
    assert!(shared.is_empty(), "{shared:#?}");
    assert!(seen > 15, "vacuous: only {seen} tables have rows");
}
