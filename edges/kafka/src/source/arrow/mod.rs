//! Rows out of Arrow IPC streams. Pure.
//!
//! ```text
//! payload → [frames: metadata and bodies] → [layout: where the wanted columns lie] → [column: cells] → rows
//! ```
//!
//! The format's own reader, of the crate `arrow-ipc`, asserts what metadata says, allocates what it asks for, and takes or
//! leaves a record batch whole. Payloads come from anywhere, so here the metadata is that crate's, which checks it, and
//! the cells are read in place: each number of it is held against the bytes that there are, nothing is allocated by what
//! it says, and a cell that cannot be read is that of one row.

mod column;
mod frames;
mod layout;

#[cfg(test)]
mod tests;

use super::fields::Fields;
use arrow_ipc::{MessageHeader, RecordBatch};
use column::{Column, Dictionary};
use frames::{Frame, Frames};
use layout::{Place, Start};
use lehr_tags::json::TimeUnit;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// Rows of a message. At a reading of some ten bytes it is the largest message by default.
const ROWS_MOST: usize = 100_000;

/// The columns that are wanted of a topic's messages: pointers, and the names of columns that they stand for.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Vec<(String, String)>);

impl Wanted {
    /// Wants one more.
    pub fn add(&mut self, at: &str) {
        if !self.0.iter().any(|(known, _)| known == at)
            && let Some(column) = column_at(at)
        {
            self.0.push((at.to_owned(), column));
        }
    }
}

/// The column that a pointer stands for, when it stands for one: they have no parts.
pub fn column_at(pointer: &str) -> Option<String> {
    let name = pointer.strip_prefix('/').filter(|name| !name.contains('/'))?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

/// The record batches of a stream, up to the first that cannot be read.
pub struct Tables<'m, 'w> {
    frames: Frames<'m>,
    wanted: &'w Wanted,
    places: Option<Vec<Place<'w>>>,
    dictionaries: HashMap<i64, Rc<Dictionary<'m>>>,
    rows: usize,
    failed: bool,
}

/// The wanted columns of a record batch.
#[derive(Debug)]
pub struct Table<'m, 'w> {
    columns: Vec<(&'w str, Column<'m>)>,
    rows: usize,
}

/// A row of a record batch.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    table: &'t Table<'t, 't>,
    row: usize,
}

impl<'m, 'w> Tables<'m, 'w> {
    pub fn new(payload: &'m [u8], wanted: &'w Wanted) -> Tables<'m, 'w> {
        Tables {
            frames: Frames::new(payload),
            wanted,
            places: None,
            dictionaries: HashMap::new(),
            rows: 0,
            failed: false,
        }
    }

    fn table(&mut self) -> Result<Option<Table<'m, 'w>>, String> {
        while let Some(frame) = self.frames.next().transpose()? {
            match frame.message.header_type() {
                MessageHeader::Schema => self.schema(&frame)?,
                MessageHeader::DictionaryBatch => self.dictionary(&frame)?,
                MessageHeader::RecordBatch => return self.record_batch(&frame).map(Some),
                other => return Err(format!("it has a {} in it", other.variant_name().unwrap_or("strange message"))),
            }
        }
        if self.places.is_none() { Err("it has no schema".into()) } else { Ok(None) }
    }

    fn schema(&mut self, frame: &Frame<'m>) -> Result<(), String> {
        let schema = frame.message.header_as_schema().ok_or("it has no schema")?;
        if self.places.is_some() {
            return Err("it has a second schema".into());
        }
        self.places = Some(layout::places(&schema, frame.message.version(), &self.wanted.0)?);
        Ok(())
    }

    fn dictionary(&mut self, frame: &Frame<'m>) -> Result<(), String> {
        let places = self.places.as_ref().ok_or("a dictionary comes before the schema")?;
        let said = frame.message.header_as_dictionary_batch().ok_or("a dictionary is empty")?;
        let kind = places.iter().filter_map(|place| place.dictionary).find(|(id, _)| *id == said.id());
        // That of a column which is not wanted.
        let Some((id, kind)) = kind else { return Ok(()) };
        let (batch, rows) = checked(said.data(), "a dictionary")?;
        let place = Place { at: "", kind, dictionary: None, start: Start::default() };
        let values = Column::new(&batch, frame.body, &place, rows, None);
        let of = |why| format!("a dictionary cannot be read: {why}");
        let known = self.dictionaries.entry(id).or_insert_with(|| Rc::new(Dictionary::new(kind)));
        if !said.isDelta() {
            *known = Rc::new(Dictionary::new(kind));
        }
        Rc::make_mut(known).add(values.map_err(of)?, rows).map_err(of)
    }

    fn record_batch(&mut self, frame: &Frame<'m>) -> Result<Table<'m, 'w>, String> {
        let places = self.places.as_ref().ok_or("a record batch comes before the schema")?;
        let (batch, rows) = checked(frame.message.header_as_record_batch(), "a record batch")?;
        self.rows = self.rows.saturating_add(rows);
        if self.rows > ROWS_MOST {
            return Err(format!(
                "it has {} rows, and {ROWS_MOST} are read of a message; send more messages",
                self.rows
            ));
        }
        // So that the work is that of its bytes: a row takes a bit at least.
        if rows > frame.body.len().saturating_mul(8) {
            return Err(format!("it has {rows} rows in {} bytes", frame.body.len()));
        }
        let column = |place: &Place<'w>| {
            let dictionary = place.dictionary.map(|(id, kind)| {
                // One that did not come has no values: all rows are null.
                self.dictionaries.get(&id).cloned().unwrap_or_else(|| Rc::new(Dictionary::new(kind)))
            });
            let column = Column::new(&batch, frame.body, place, rows, dictionary);
            Ok((place.at, column.map_err(|why| format!("column {} cannot be read: {why}", place.at))?))
        };
        Ok(Table { columns: places.iter().map(column).collect::<Result<_, String>>()?, rows })
    }
}

impl<'m, 'w> Iterator for Tables<'m, 'w> {
    type Item = Result<Table<'m, 'w>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let table = self.table();
        self.failed = table.is_err();
        table.transpose()
    }
}

/// What all batches have to be, and their rows.
fn checked<'m>(batch: Option<RecordBatch<'m>>, what: &str) -> Result<(RecordBatch<'m>, usize), String> {
    let batch = batch.ok_or_else(|| format!("{what} is empty"))?;
    if batch.compression().is_some() {
        return Err("its buffers are compressed; write them as they are, and let Kafka compress".into());
    }
    let rows = usize::try_from(batch.length()).map_err(|_| format!("{what} has {} rows", batch.length()))?;
    Ok((batch, rows))
}

impl<'m: 't, 'w: 't, 't> Table<'m, 'w> {
    pub fn rows(&'t self) -> impl Iterator<Item = Row<'t>> {
        (0..self.rows).map(move |row| Row { table: self, row })
    }

    /// Whether there is such a column.
    pub fn has(&self, at: &str) -> bool {
        self.column(at).is_some()
    }

    fn column(&self, at: &str) -> Option<&Column<'m>> {
        self.columns.iter().find(|(known, _)| *known == at).map(|(_, column)| column)
    }
}

impl Fields for Row<'_> {
    fn find(&self, at: &str) -> Result<Option<Cow<'_, Value>>, String> {
        let of = |why| format!("{at}: {why}");
        let cell = self.table.column(at).map(|column| column.cell(self.row));
        Ok(cell.transpose().map_err(of)?.map(Cow::Owned))
    }

    fn time_unit(&self, at: &str) -> Option<TimeUnit> {
        self.table.column(at)?.time_unit()
    }

    /// The wanted columns, as JSON.
    fn shown(&self) -> String {
        let cell = |column: &Column<'_>| column.cell(self.row).unwrap_or_else(|why| Value::String(format!("({why})")));
        let cells = self.table.columns.iter().map(|(at, column)| (at[1..].to_owned(), cell(column)));
        Value::Object(cells.collect::<Map<String, Value>>()).to_string()
    }
}
