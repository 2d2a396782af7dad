use super::fixture::{changes, names, now, pick, snapshot};
use crate::live::{CHUNK_JOIN_ROWS, CHUNK_ROWS, LiveTable, PAGE_JOIN_ROWS, PAGE_ROWS};
use crate::{QueryError, Snapshot};
use lehr_dataflows::Diff;
use lehr_dataflows::tables::{Changes, SetpointRow};
use lehr_domain::event::Event;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, LineId, Micro, SensorId, Tick};
use std::collections::BTreeSet;
use std::sync::Arc;

fn row(number: u64) -> SetpointRow {
    let sensor_id = SensorId((number / 1000) as u32);
    SetpointRow { sensor_id, start: EventMs((number % 1000) as i64), value: Micro(number as i64 % 3) }
}

fn check(table: &LiveTable<SetpointRow>, oracle: &BTreeSet<SetpointRow>, context: &str) {
    assert_eq!(table.len(), oracle.len(), "{context}");
    assert!(table.iter().eq(oracle.iter()), "rows differ, {context}");
    assert!(table.iter().rev().eq(oracle.iter().rev()), "rows differ backwards, {context}");
    let lengths: Vec<usize> = table.pages().iter().map(|page| page.rows()).collect();
    bounded(&lengths, PAGE_ROWS, PAGE_JOIN_ROWS, context);
    for page in table.pages() {
        let lengths: Vec<usize> = page.chunks().iter().map(|chunk| chunk.len()).collect();
        assert_eq!(page.rows(), lengths.iter().sum::<usize>(), "{context}");
        bounded(&lengths, CHUNK_ROWS, CHUNK_JOIN_ROWS, context);
    }
}

fn bounded(lengths: &[usize], most: usize, join: usize, context: &str) {
    assert!(lengths.iter().all(|length| (1..=most).contains(length)), "{lengths:?}, {context}");
    assert!(lengths.windows(2).all(|pair| pair[0] + pair[1] > join), "{lengths:?}, {context}");
}

#[test]
fn random_changes_give_the_rows_of_a_set() {
    for seed in 0..4 {
        let mut table = LiveTable::default();
        let mut oracle = BTreeSet::new();
        let mut most = 0;
        for step in 0..60_u64 {
            let context = format!("seed {seed}, step {step}");
            // Grows for some steps, then shrinks to nothing.
            let (touched, growing) = (pick(&[seed, step], 3000), step < 35);
            let mut changes: Vec<(SetpointRow, Diff)> = Vec::new();
            let mut seen = BTreeSet::new();
            for index in 0..touched {
                let row = row(pick(&[seed, step, index], 20_000));
                if !seen.insert(row.clone()) {
                    continue;
                }
                if oracle.contains(&row) {
                    if !growing || index % 4 == 0 {
                        oracle.remove(&row);
                        changes.push((row, -1));
                    }
                } else if growing {
                    oracle.insert(row.clone());
                    changes.push((row, 1));
                }
            }
            if step % 2 == 0 {
                changes.sort();
            }
            if step == 59 {
                changes.extend(std::mem::take(&mut oracle).into_iter().map(|row| (row, -1)));
            }
            table = table.apply(&changes).unwrap_or_else(|error| panic!("{error}, {context}"));
            check(&table, &oracle, &context);
            most = most.max(table.len());
            let sensor = SensorId(pick(&[seed, step, 9], 21) as u32);
            let found = table.range(|row| row.sensor_id.cmp(&sensor));
            assert!(found.eq(oracle.iter().filter(|row| row.sensor_id == sensor)), "{sensor:?}, {context}");
            let newest = table.range(|row| row.sensor_id.cmp(&sensor)).next_back();
            assert_eq!(newest, oracle.iter().rfind(|row| row.sensor_id == sensor), "{context}");
            let sought = row(pick(&[seed, step, 10], 20_000));
            assert_eq!(table.contains(&sought), oracle.contains(&sought), "{sought:?}, {context}");
        }
        assert!(most > 4 * PAGE_ROWS, "seed {seed}: the table never grew beyond {most} rows");
        assert!(table.is_empty() && table.pages().is_empty(), "seed {seed}");
    }
}

/// The pieces of `after` that `before` had too, of all.
fn shared<T: ?Sized>(before: &[Arc<T>], after: &[Arc<T>]) -> usize {
    after.iter().filter(|piece| before.iter().any(|old| Arc::ptr_eq(old, piece))).count()
}

#[test]
fn a_tick_shares_all_pages_and_chunks_that_it_does_not_touch() {
    let rows: Vec<(SetpointRow, Diff)> = (0..20_000).map(|number| (row(number), 1)).collect();
    let before = LiveTable::default().apply(&rows).unwrap();
    let after = before.apply(&[(row(7_000), -1), (row(7_900), -1)]).unwrap();
    assert!(shared(before.pages(), after.pages()) >= before.pages().len() - 2);
    let chunks = |table: &LiveTable<SetpointRow>| -> Vec<Arc<[SetpointRow]>> {
        table.pages().iter().flat_map(|page| page.chunks().iter().cloned()).collect()
    };
    let (before, after) = (chunks(&before), chunks(&after));
    assert!(before.len() > 250 && shared(&before, &after) >= before.len() - 2, "of {}", before.len());
}

#[test]
fn a_hot_row_does_not_break_its_page_into_crumbs() {
    let rows: Vec<(SetpointRow, Diff)> = (0..20_000).map(|number| (row(number), 1)).collect();
    let mut table = LiveTable::default().apply(&rows).unwrap();
    let mut oracle: BTreeSet<SetpointRow> = table.iter().cloned().collect();
    // As a sensor's newest pane: restated many times, then followed by the next.
    for step in 0..2_000_u64 {
        let new = SetpointRow { value: Micro(100 + step as i64), ..row(7_000 + step / 20) };
        let old = oracle.range(row(7_000 + step / 20)..).next().unwrap().clone();
        assert!(oracle.remove(&old) && oracle.insert(new.clone()));
        table = table.apply(&[(old, -1), (new, 1)]).unwrap();
    }
    check(&table, &oracle, "2000 restatements");
}

#[test]
fn changes_of_one_row_add_up_whatever_their_order() {
    let table = LiveTable::default().apply(&[(row(1), 1), (row(1), -1), (row(0), 2), (row(0), -1)]).unwrap();
    assert!(table.iter().eq([&row(0)]));
}

#[test]
fn a_row_that_is_not_there_exactly_once_is_an_error_that_names_it() {
    let table = LiveTable::default().apply(&[(row(5), 1)]).unwrap();
    for (changes, expected) in [([(row(5), 1)], 2), ([(row(6), -1)], -1), ([(row(6), 2)], 2), ([(row(5), -2)], -1)] {
        let error = table.apply(&changes).unwrap_err();
        assert!(matches!(error, QueryError::Multiplicity { table: "setpoints", weight, .. } if weight == expected));
        assert!(error.to_string().contains("SetpointRow"), "{error}");
    }
    assert!(table.iter().eq([&row(5)]), "a refused change leaves the table as it was");
}

#[test]
fn arrow_forms_are_kept_until_a_name_changes() {
    let before = snapshot();
    let buffer = |snapshot: &Snapshot| snapshot.panes.batch(0).unwrap().column(0).to_data().buffers()[1].as_ptr();
    let later = before.apply(Tick(8), now(), now(), &names(), &Changes::default()).unwrap();
    assert_eq!(buffer(&before), buffer(&later), "the same chunk is converted once");

    let mut renamed = Names::clone(&names());
    renamed.apply(&Event::Line(LineId(0), "Line_Z".to_owned()));
    let later = later.apply(Tick(9), now(), now(), &Arc::new(renamed), &Changes::default()).unwrap();
    let text = format!("{:?}", later.panes.batch(0).unwrap());
    assert!(text.contains("Line_Z") && !text.contains("Line_A\""), "old names in {text:.300}");
}

#[test]
fn the_same_changes_in_parts_give_the_same_snapshot() {
    let names = names();
    let whole = snapshot();
    let mut parts = Snapshot::empty();
    for parity in 0..2 {
        let mut part = changes();
        macro_rules! keep_half {
            ($(($field:ident, $row:ident)),* $(,)?) => {$({
                let mut index = 0;
                part.$field.retain(|_| {
                    index += 1;
                    index % 2 == parity
                });
            })*};
        }
        lehr_dataflows::for_all_tables!(keep_half);
        parts = parts.apply(Tick(7), now(), whole.wall, &names, &part).unwrap();
    }
    assert!(parts == *whole);
    assert_eq!(parts.rows(), changes().len());
}

#[test]
fn a_snapshot_never_goes_back() {
    let error = snapshot().apply(Tick(6), now(), now(), &names(), &Changes::default()).unwrap_err();
    assert!(matches!(error, QueryError::Backwards { at: 7, to: 6 }));
}
