//! Merges the objects of a day when they are many, or when the day is over.

use crate::cells::schema;
use crate::day::Day;
use crate::file::{FileWriter, decode, unreadable};
use crate::merge::{Merge, Source};
use crate::place::Place;
use crate::position::{Object, folder};
use crate::target::{AT_ONCE, Following};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lehr_domain::{EventMs, SpanMs};
use lehr_targets::{Table, TargetError};
use std::sync::Arc;

/// Objects of changes that a day of a table may have: an hour of minutes.
const CHANGES_MOST: usize = 60;

/// How long after the end of a day, and after its last change, it is merged for good. Late readings come before that.
const QUIET: SpanMs = SpanMs::hours(1);

/// Days that are merged behind one delta, so that it takes a bounded time. The others have their turn behind the next.
const DAYS_MOST: usize = 4;

/// Rows of a merged object: some 100 MB in memory, decoded, while others are smaller.
const ROWS_MOST: usize = 1_000_000;

struct Due {
    table: Arc<Table>,
    day: Day,
    objects: Vec<Object>,
    /// Nothing older of the day is left out, so what is gone is forgotten.
    whole: bool,
}

/// Merges what is due. The position names the merged objects before the old ones are deleted.
pub(crate) async fn compact(following: &mut Following) -> Result<(), TargetError> {
    let due = due(following);
    if due.is_empty() {
        return Ok(());
    }
    let mut next = following.position.clone();
    let mut old = Vec::new();
    for due in &due {
        let merged = merge(following, due).await?;
        next.replace(due.table.name, due.day, &due.objects, merged);
        old.extend(due.objects.iter().map(|object| object.object.clone()));
    }
    following.swap(next).await?;
    if let Err(error) = following.place.delete(&old).await {
        tracing::warn!("{error}; {} objects that do not count stay until the next connection", old.len());
    }
    Ok(())
}

fn due(following: &Following) -> Vec<Due> {
    let position = &following.position;
    let Some(now) = position.now() else { return Vec::new() };
    let mut due = Vec::new();
    for table in &following.tables {
        let Some(kept) = position.tables.get(table.name) else { continue };
        for (day, objects) in &kept.days {
            let changes = objects.iter().filter(|object| object.is_changes()).count();
            let last = objects.iter().map(|object| object.now_ms).max().unwrap_or(i64::MIN);
            let quiet = day.over(now, QUIET) && EventMs(last) + QUIET <= now;
            if changes > CHANGES_MOST || (quiet && changes > 0) {
                // Of a log, what was merged before has other rows: it is not written again.
                let objects = objects.iter().filter(|object| !table.log || object.is_changes()).cloned();
                due.push(Due { table: table.clone(), day: *day, objects: objects.collect(), whole: !table.log });
            }
        }
    }
    due.sort_by_key(|due| due.day);
    due.truncate(DAYS_MOST);
    due
}

async fn merge(following: &Following, due: &Due) -> Result<Vec<Object>, TargetError> {
    let sources = sources(&following.place, &due.objects).await?;
    let key: Vec<String> = due.table.columns[..due.table.key].iter().map(|column| column.name.to_owned()).collect();
    let mut merge = Merge::of(sources, schema(&due.table), &key, !due.whole)?;
    let last = due.objects.iter().map(|object| object.now_ms).max().unwrap_or_default();
    let (mut merged, mut file) = (Vec::new(), None::<FileWriter>);
    loop {
        let batch = merge.next()?;
        if let Some(full) = file.take_if(|file| batch.is_none() || file.rows >= ROWS_MOST) {
            let rows = full.rows as u64;
            let bytes = full.end()?;
            let (tick, claim, part) = (following.position.tick, following.position.claim, merged.len());
            let name = format!("{}/rows-{tick}.{claim}-{part}.parquet", folder(due.table.name, due.day));
            let object = Object { object: name, rows, bytes: bytes.len() as u64, now_ms: last };
            following.place.write(&object.object, bytes).await?;
            merged.push(object);
        }
        let Some(batch) = batch else { return Ok(merged) };
        if batch.num_rows() > 0 {
            let mut writer = file.take().map_or_else(|| FileWriter::begin(&batch), Ok)?;
            writer.write(&batch)?;
            file = Some(writer);
        }
    }
}

/// Whole objects, compressed as they are; they are decoded bit by bit.
pub(crate) async fn sources(place: &Place, objects: &[Object]) -> Result<Vec<Source>, TargetError> {
    let reading = stream::iter(objects.iter().cloned().map(|object| async move {
        let bytes = whole(place, &object).await?;
        Ok::<_, TargetError>(Source { batches: decode(&object.object, bytes)?, object: object.object })
    }));
    reading.buffered(AT_ONCE).try_collect().await
}

async fn whole(place: &Place, object: &Object) -> Result<Bytes, TargetError> {
    let Some((bytes, _)) = place.read(&object.object).await? else {
        return Err(unreadable(&object.object, "it is missing"));
    };
    if bytes.len() as u64 != object.bytes {
        return Err(unreadable(&object.object, "it has another length"));
    }
    Ok(bytes)
}
