use super::*;
use crate::recording::{GenerateOptions, generate};
use lehr_domain::catalogue::{self, Catalogue};
use lehr_domain::event::{LateRow, Revised};
use lehr_domain::{Event, EventMs, Inputs, Reading, ReadingBatch, SpanMs};
use std::collections::BTreeMap;
use std::path::Path;

/// Journals these ticks in a directory of their own.
fn journal(dir: &Path, ticks: &[Inputs]) {
    let (mut journal, _) =
        Journal::open(dir, Options { segment_bytes: 200_000, salvage: false, ..Options::default() }).unwrap();
    for inputs in ticks {
        journal.append(inputs).unwrap();
        journal.sync().unwrap();
    }
}

/// Some readings turned into late ones of a later tick.
fn held_up(ticks: &[Inputs]) -> Vec<Inputs> {
    let mut ticks = ticks.to_vec();
    let mut held: Vec<LateRow> = Vec::new();
    for (index, inputs) in ticks.iter_mut().enumerate() {
        let arrived = inputs.now;
        let is_held = |row: usize| (index * 31 + row).is_multiple_of(17);
        let readings: Vec<Reading> = inputs.readings.iter().collect();
        for (_, reading) in readings.iter().enumerate().filter(|(row, _)| is_held(*row)) {
            let Reading { sensor, at, revision, value, status } = *reading;
            held.push(LateRow { sensor, at, value, arrived, status, revision });
        }
        let kept = readings.iter().enumerate().filter(|(row, _)| !is_held(*row));
        inputs.readings = kept.map(|(_, reading)| *reading).collect::<ReadingBatch>();
        if index % 5 == 4 {
            let revision = inputs.tick.0;
            inputs.events.extend(held.drain(..).map(|row| Revised { revision, event: Event::Late(row) }));
        }
    }
    let last = ticks.last_mut().unwrap();
    let revision = last.tick.0;
    last.events.extend(held.drain(..).map(|row| Revised { revision, event: Event::Late(row) }));
    ticks
}

fn tables(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(out).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn rebuilt_tables_equal_those_of_a_replay_in_which_nothing_was_late() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let options = GenerateOptions {
        out: path("rec"),
        truth: None,
        seed: 5,
        start: EventMs(1_773_000_000_000),
        duration: SpanMs::minutes(40),
        faults: Vec::new(),
        faults_per_day: 0.0,
        campaign: false,
        pictures: None,
        catalogue: Catalogue::parse(catalogue::DEFAULT).unwrap(),
        knowledge: lehr_causal::DEFAULT.to_owned(),
    };
    generate(&options, |_| {}).unwrap();
    let ticks: Vec<Inputs> = Reader::open(&path("rec")).unwrap().map(Result::unwrap).collect();
    journal(&path("late"), &held_up(&ticks));
    let history = History::open(&path("late")).unwrap();
    let mut names = Names::default();
    ticks.iter().flat_map(|inputs| &inputs.events).for_each(|row| names.apply(&row.event));
    for segment in history.convertible().unwrap() {
        history.convert(segment, &names).unwrap();
    }
    let late = RebuildOptions { data: path("late"), out: path("rebuilt"), workers: 1 };
    let first = rebuild(&late, |_| {}).unwrap();
    assert!(first.folded.readings > 500, "{:?}", first.folded);
    let in_time = ReplayOptions {
        recording: path("rec"),
        out: path("in_time"),
        workers: 1,
        batch: BATCH,
        shuffle: None,
        fold_late: false,
        scorer: None,
        inspector: None,
        deployed: Vec::new(),
    };
    let summary = replay(&in_time, |_| {}).unwrap();
    assert_eq!(first.replayed.readings, summary.readings);
    assert!(summary.rows["panes"] > 100, "{:?}", summary.rows);
    let expected = tables(&path("in_time"));
    assert!(tables(&path("rebuilt")) == expected);
    let again = rebuild(&RebuildOptions { out: path("again"), ..late }, |_| {}).unwrap();
    assert_eq!(again.folded, first.folded);
    assert!(tables(&path("again")) == expected);
}
