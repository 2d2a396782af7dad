//! Objects of a day as one: of each key the line of the latest tick, in order of keys, a bounded number of rows at a time.

use crate::cells::{APPEARED, TICK, fit};
use crate::file::{BATCH_ROWS, Batches, unreadable};
use crate::pieces::sortable;
use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::row::Rows;
use lehr_targets::TargetError;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is to be merged.
pub(crate) struct Source {
    pub object: String,
    pub batches: Batches,
}

/// Where a source stands in what it has given.
struct Standing {
    source: Source,
    batch: RecordBatch,
    keys: Rows,
    ticks: Int64Array,
    appeared: BooleanArray,
    /// Place of the batch among those held.
    held: usize,
    row: usize,
}

/// The least key first; of a key, the latest tick.
type Head = Reverse<(Box<[u8]>, Reverse<i64>, usize)>;

pub(crate) struct Merge {
    schema: SchemaRef,
    key: Vec<String>,
    /// Rows that are gone stay as such: older objects that are not merged may have them.
    keep_gone: bool,
    standings: Vec<Option<Standing>>,
    heads: BinaryHeap<Head>,
    /// Batches that rows were picked from, or will be.
    held: Vec<RecordBatch>,
    picked: Vec<(usize, usize)>,
    last: Option<Box<[u8]>>,
}

impl Merge {
    /// Each source is sorted by key and has each key once. All become of this schema.
    pub fn of(sources: Vec<Source>, schema: SchemaRef, key: &[String], keep_gone: bool) -> Result<Merge, TargetError> {
        let mut merge = Merge {
            schema,
            key: key.to_vec(),
            keep_gone,
            standings: Vec::new(),
            heads: BinaryHeap::new(),
            held: Vec::new(),
            picked: Vec::new(),
            last: None,
        };
        for source in sources {
            let standing = merge.go_on(source)?;
            merge.standings.push(standing);
            merge.show(merge.standings.len() - 1);
        }
        Ok(merge)
    }

    /// Takes the next batch of a source; `None` when there is none.
    fn go_on(&mut self, mut source: Source) -> Result<Option<Standing>, TargetError> {
        let batch = loop {
            match source.batches.next() {
                None => return Ok(None),
                Some(Err(error)) => return Err(unreadable(&source.object, &error.to_string())),
                Some(Ok(batch)) if batch.num_rows() > 0 => break fit(&batch, &self.schema)?,
                Some(Ok(_)) => {}
            }
        };
        let columns = self.key.iter().map(|name| batch.column_by_name(name).cloned());
        let columns: Option<Vec<ArrayRef>> = columns.collect();
        let columns = columns.ok_or_else(|| unreadable(&source.object, "a column of the key is missing"))?;
        let keys = sortable(&columns).map_err(|error| unreadable(&source.object, &error.to_string()))?;
        let own = own_columns(&batch).ok_or_else(|| unreadable(&source.object, "it lacks what each object has"))?;
        let (ticks, appeared) = own;
        self.held.push(batch.clone());
        Ok(Some(Standing { source, batch, keys, ticks, appeared, held: self.held.len() - 1, row: 0 }))
    }

    /// Puts the row at which a source stands among the heads.
    fn show(&mut self, at: usize) {
        let Some(standing) = &self.standings[at] else { return };
        let key = standing.keys.row(standing.row).as_ref().into();
        self.heads.push(Reverse((key, Reverse(standing.ticks.value(standing.row)), at)));
    }

    fn advance(&mut self, at: usize) -> Result<(), TargetError> {
        let Some(mut standing) = self.standings[at].take() else { return Ok(()) };
        standing.row += 1;
        self.standings[at] =
            if standing.row < standing.batch.num_rows() { Some(standing) } else { self.go_on(standing.source)? };
        self.show(at);
        Ok(())
    }

    /// The next rows, `None` at the end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>, TargetError> {
        while self.picked.len() < BATCH_ROWS {
            let Some(Reverse((key, _, at))) = self.heads.pop() else { break };
            if self.last.as_ref() != Some(&key)
                && let Some(standing) = &self.standings[at]
            {
                if self.keep_gone || standing.appeared.value(standing.row) {
                    self.picked.push((standing.held, standing.row));
                }
                self.last = Some(key);
            }
            self.advance(at)?;
            // Rows picked are few where most are gone; what they were picked from must not pile up.
            if self.held.len() > 4 * self.standings.len() + 64 {
                break;
            }
        }
        if self.picked.is_empty() && self.heads.is_empty() {
            return Ok(None);
        }
        let held: Vec<&RecordBatch> = self.held.iter().collect();
        let batch = interleave_record_batch(&held, &self.picked).map_err(|error| {
            TargetError::Refused(format!("rows cannot be merged: {error}: report this as a fault of Lehr"))
        })?;
        self.picked.clear();
        self.held.clear();
        for standing in self.standings.iter_mut().flatten() {
            self.held.push(standing.batch.clone());
            standing.held = self.held.len() - 1;
        }
        Ok(Some(batch))
    }
}

fn own_columns(batch: &RecordBatch) -> Option<(Int64Array, BooleanArray)> {
    let ticks = batch.column_by_name(TICK)?.as_any().downcast_ref::<Int64Array>()?;
    let appeared = batch.column_by_name(APPEARED)?.as_any().downcast_ref::<BooleanArray>()?;
    (ticks.null_count() == 0 && appeared.null_count() == 0).then(|| (ticks.clone(), appeared.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::{batch, schema};
    use lehr_domain::Tick;
    use lehr_domain::table::{Cell, Column, ColumnType};
    use lehr_targets::{Change, Table};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeMap;

    fn table() -> Table {
        let column = |name| Column { name, kind: ColumnType::Int, doc: "What." };
        Table { name: "ware", doc: "Ware.", columns: vec![column("id"), column("weight")], key: 1, log: false }
    }

    /// Objects that overlap, in batches of any size, against a map.
    #[test]
    fn of_each_key_the_latest_line_is_left() {
        for seed in 0..40 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let table = table();
            let mut expected: BTreeMap<i64, (i64, i64, bool)> = BTreeMap::new();
            let mut sources = Vec::new();
            for tick in 1..=rng.random_range(1..8_i64) {
                let mut ids: Vec<i64> = (0..rng.random_range(0..400)).map(|_| rng.random_range(0..1000)).collect();
                ids.sort_unstable();
                ids.dedup();
                let changes: Vec<Change> = ids
                    .iter()
                    .map(|id| Change { appeared: rng.random_bool(0.6), row: vec![Cell::Int(*id), Cell::Int(tick * 7)] })
                    .collect();
                expected.extend(ids.iter().zip(&changes).map(|(id, change)| (*id, (tick * 7, tick, change.appeared))));
                let size = rng.random_range(1..50);
                let batches: Vec<_> = changes
                    .chunks(size)
                    .map(|part| Ok(batch(&table, &part.iter().collect::<Vec<_>>(), Tick(tick as u64)).unwrap()))
                    .collect();
                sources.push(Source { object: tick.to_string(), batches: Box::new(batches.into_iter()) });
            }
            let keep_gone = rng.random();
            let mut merge = Merge::of(sources, schema(&table), &["id".to_owned()], keep_gone).unwrap();
            let mut seen = Vec::new();
            while let Some(batch) = merge.next().unwrap() {
                let appeared = own_columns(&batch).unwrap().1;
                for row in 0..batch.num_rows() {
                    let at =
                        |place: usize| batch.column(place).as_any().downcast_ref::<Int64Array>().unwrap().value(row);
                    seen.push((at(0), (at(1), at(2), appeared.value(row))));
                }
            }
            expected.retain(|_, (_, _, appeared)| keep_gone || *appeared);
            assert_eq!(seen, expected.into_iter().collect::<Vec<_>>(), "seed {seed}");
        }
    }
}
