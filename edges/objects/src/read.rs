//! Rows out of the store, for training.

use crate::cells::{APPEARED, TICK, fit};
use crate::compact::sources;
use crate::config::Config;
use crate::day::Day;
use crate::merge::{Merge, Source};
use crate::place::Place;
use crate::position::Position;
use crate::target::standing;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use lehr_domain::EventMs;
use lehr_targets::TargetError;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How often it is begun anew when the store moves on meanwhile and deletes what is being read.
const TRIES: usize = 5;

/// Days of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// All, and rows without a time.
    All,
    /// Those that have these instants, and those between.
    Of(RangeInclusive<EventMs>),
}

impl Days {
    fn has(&self, day: Day) -> bool {
        match self {
            Days::All => true,
            Days::Of(range) => day != Day::NONE && (Day::of(*range.start())..=Day::of(*range.end())).contains(&day),
        }
    }
}

/// A table's rows of some days, as they are at the tick that the store holds: whole days, in order of days and in each in
/// order of keys. Columns are those that any of the rows has: `Boolean`, `Int64`, `Float64`, `Utf8` or `Timestamp(ms, UTC)`,
/// all of which may be null. Nothing when there are no rows, or no such table.
pub async fn read(config: &Config, table: &str, days: &Days) -> Result<Vec<RecordBatch>, TargetError> {
    let place = Place::open(config)?;
    let (mut position, _) = standing(&place).await?;
    for _ in 1..TRIES {
        match rows(&place, &position, table, days).await {
            Err(error) => {
                let before = position;
                (position, _) = standing(&place).await?;
                if position == before {
                    return Err(error);
                }
            }
            rows => return rows,
        }
    }
    rows(&place, &position, table, days).await
}

async fn rows(place: &Place, position: &Position, table: &str, days: &Days) -> Result<Vec<RecordBatch>, TargetError> {
    let mut batches = Vec::new();
    let Some(kept) = position.tables.get(table) else { return Ok(batches) };
    for (_, objects) in kept.days.iter().filter(|(day, _)| days.has(**day)) {
        let mut sources = sources(place, objects).await?;
        let Some(schema) = schema_of(&mut sources)? else { continue };
        let mut merge = Merge::of(sources, schema, &kept.key, false)?;
        while let Some(batch) = merge.next()? {
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
    }
    alike(&batches)
}

/// The columns of all objects, those of the latest first. Each source's first batch is looked at, and put back.
fn schema_of(sources: &mut [Source]) -> Result<Option<SchemaRef>, TargetError> {
    let mut fields: Vec<FieldRef> = Vec::new();
    for source in sources.iter_mut().rev() {
        let Some(first) = source.batches.next() else { continue };
        if let Ok(batch) = &first {
            add(&mut fields, &batch.schema());
        }
        let rest = std::mem::replace(&mut source.batches, Box::new(std::iter::empty()));
        source.batches = Box::new(std::iter::once(first).chain(rest));
    }
    Ok((!fields.is_empty()).then(|| Arc::new(Schema::new(fields))))
}

fn add(fields: &mut Vec<FieldRef>, schema: &Schema) {
    for field in schema.fields() {
        if !fields.iter().any(|known| known.name() == field.name()) {
            fields.push(field.clone());
        }
    }
}

/// Of one schema, without the columns that are the store's own.
fn alike(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, TargetError> {
    let mut fields: Vec<FieldRef> = Vec::new();
    batches.iter().rev().for_each(|batch| add(&mut fields, &batch.schema()));
    fields.retain(|field| ![TICK, APPEARED].contains(&field.name().as_str()));
    let schema = Arc::new(Schema::new(fields));
    batches.iter().map(|batch| fit(batch, &schema)).collect()
}
