//! The cells of a column, each read when it is asked for.

use super::layout::Place;
use arrow_ipc::{Field, Int, Precision, RecordBatch, Type};
use lehr_tags::json::TimeUnit;
use serde_json::Value;
use std::rc::Rc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    /// Of so many bytes.
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    /// Ends that have so many bytes, and then the text of all rows.
    Text(usize),
    /// Text that is short, or lies in one of some buffers.
    View,
    Time(TimeUnit),
}

impl Kind {
    pub const INDEX: Kind = Kind::Signed(4);

    pub fn of(field: &Field<'_>) -> Option<Kind> {
        match field.type_type() {
            Type::Null => Some(Kind::Null),
            Type::Bool => Some(Kind::Bool),
            Type::Int => Kind::of_int(&field.type_as_int()?),
            Type::FloatingPoint => match field.type_as_floating_point()?.precision() {
                Precision::SINGLE => Some(Kind::Float(4)),
                Precision::DOUBLE => Some(Kind::Float(8)),
                _ => None,
            },
            Type::Utf8 => Some(Kind::Text(4)),
            Type::LargeUtf8 => Some(Kind::Text(8)),
            Type::Utf8View => Some(Kind::View),
            // With a time zone or without: what is stored counts from 1970 in UTC.
            Type::Timestamp => match field.type_as_timestamp()?.unit() {
                arrow_ipc::TimeUnit::SECOND => Some(Kind::Time(TimeUnit::S)),
                arrow_ipc::TimeUnit::MILLISECOND => Some(Kind::Time(TimeUnit::Ms)),
                arrow_ipc::TimeUnit::MICROSECOND => Some(Kind::Time(TimeUnit::Us)),
                arrow_ipc::TimeUnit::NANOSECOND => Some(Kind::Time(TimeUnit::Ns)),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn of_int(int: &Int<'_>) -> Option<Kind> {
        let bytes = match int.bitWidth() {
            8 => 1,
            16 => 2,
            32 => 4,
            64 => 8,
            _ => return None,
        };
        Some(if int.is_signed() { Kind::Signed(bytes) } else { Kind::Unsigned(bytes) })
    }

    /// Bytes that the rows take in the buffer behind that of the nulls.
    fn bytes(self, rows: usize) -> Option<usize> {
        match self {
            Kind::Null => Some(0),
            Kind::Bool => Some(rows.div_ceil(8)),
            Kind::Signed(each) | Kind::Unsigned(each) | Kind::Float(each) => rows.checked_mul(each),
            Kind::Time(_) => rows.checked_mul(8),
            Kind::View => rows.checked_mul(VIEW),
            // No rows may have no ends.
            Kind::Text(each) => rows.checked_add(usize::from(rows > 0))?.checked_mul(each),
        }
    }
}

/// Bytes of a row of [`Kind::View`]: its length, and then all of it, or its first four bytes, the buffer and the place.
const VIEW: usize = 16;
/// Text up to here is in the view.
const SHORT: usize = 12;

/// A column of a record batch.
#[derive(Clone, Debug)]
pub struct Column<'m> {
    kind: Kind,
    /// A bit for each row that is not null; nothing when none is.
    valid: Option<&'m [u8]>,
    cells: &'m [u8],
    texts: Vec<&'m [u8]>,
    dictionary: Option<Rc<Dictionary<'m>>>,
}

impl<'m> Column<'m> {
    /// Checks that there is as much as `rows` need.
    pub fn new(
        batch: &RecordBatch<'m>,
        body: &'m [u8],
        place: &Place<'_>,
        rows: usize,
        dictionary: Option<Rc<Dictionary<'m>>>,
    ) -> Result<Column<'m>, &'static str> {
        let nodes = batch.nodes().ok_or("it has no nodes")?;
        if place.start.nodes >= nodes.len() {
            return Err("it has too few nodes");
        }
        let node = nodes.get(place.start.nodes);
        if usize::try_from(node.length()) != Ok(rows) {
            return Err("it has another number of rows");
        }
        // Columns of views have as many buffers as each record batch says.
        let said = batch.variadicBufferCounts();
        let views = place.start.views + usize::from(place.kind == Kind::View);
        if said.map_or(0, |said| said.len()) < views {
            return Err("it does not say how many buffers it has");
        }
        let mut more = said.into_iter().flatten().map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let before = more.by_ref().take(place.start.views);
        let mut next = before.fold(place.start.buffers, |next, more| next.saturating_add(more));
        let mut buffer = || {
            let found = buffer(batch, body, next);
            next = next.saturating_add(1);
            found
        };
        let mut column = Column { kind: place.kind, valid: None, cells: &[], texts: Vec::new(), dictionary };
        if place.kind == Kind::Null {
            return Ok(column);
        }
        let valid = buffer()?;
        if node.null_count() != 0 {
            if valid.len() < rows.div_ceil(8) {
                return Err("it does not say which rows are null");
            }
            column.valid = Some(valid);
        }
        column.cells = buffer()?;
        if place.kind.bytes(rows).is_none_or(|least| column.cells.len() < least) {
            return Err("it has fewer bytes than its rows need");
        }
        match place.kind {
            Kind::Text(_) => column.texts.push(buffer()?),
            // There is not more of them than there are buffers.
            Kind::View => {
                for _ in 0..more.next().unwrap_or(0) {
                    column.texts.push(buffer()?);
                }
            }
            _ => {}
        }
        Ok(column)
    }

    /// The cell of a row below the number of rows that was said.
    pub fn cell(&self, row: usize) -> Result<Value, String> {
        let null = self.kind == Kind::Null || self.valid.is_some_and(|valid| !bit(valid, row));
        match &self.dictionary {
            _ if null => Ok(Value::Null),
            None => self.value(row),
            Some(dictionary) => {
                let key = self.value(row)?;
                let key =
                    key.as_u64().and_then(|key| usize::try_from(key).ok()).ok_or("a place below 0 in a dictionary");
                dictionary.cell(key?)
            }
        }
    }

    /// The unit of its times.
    pub fn time_unit(&self) -> Option<TimeUnit> {
        match self.dictionary.as_ref().map_or(self.kind, |dictionary| dictionary.kind) {
            Kind::Time(unit) => Some(unit),
            _ => None,
        }
    }

    fn value(&self, row: usize) -> Result<Value, String> {
        Ok(match self.kind {
            Kind::Null => Value::Null,
            Kind::Bool => bit(self.cells, row).into(),
            Kind::Signed(each) => signed(self.cells, row, each).into(),
            Kind::Unsigned(each) => unsigned(self.cells, row, each).into(),
            Kind::Time(_) => signed(self.cells, row, 8).into(),
            Kind::Float(4) => float(f64::from(f32::from_bits(unsigned(self.cells, row, 4) as u32))),
            Kind::Float(_) => float(f64::from_bits(unsigned(self.cells, row, 8))),
            Kind::Text(each) => text(self.text(row, each))?,
            Kind::View => text(self.view(row))?,
        })
    }

    fn text(&self, row: usize, each: usize) -> Option<&'m [u8]> {
        let end = |row| usize::try_from(signed(self.cells, row, each)).ok();
        self.texts.first()?.get(end(row)?..end(row + 1)?)
    }

    fn view(&self, row: usize) -> Option<&'m [u8]> {
        let word = |place: usize| unsigned(self.cells, row * (VIEW / 4) + place, 4) as usize;
        let length = word(0);
        if length <= SHORT {
            let start = row * VIEW + 4;
            return self.cells.get(start..start + length);
        }
        let (buffer, start) = (self.texts.get(word(2))?, word(3));
        buffer.get(start..start.checked_add(length)?)
    }
}

/// The values of a dictionary, in the pieces in which they came.
#[derive(Clone, Debug)]
pub struct Dictionary<'m> {
    kind: Kind,
    /// Each with the place behind its last value.
    pieces: Vec<(usize, Column<'m>)>,
}

impl<'m> Dictionary<'m> {
    pub fn new(kind: Kind) -> Dictionary<'m> {
        Dictionary { kind, pieces: Vec::new() }
    }

    pub fn add(&mut self, values: Column<'m>, rows: usize) -> Result<(), &'static str> {
        let end = self.pieces.last().map_or(0, |(end, _)| *end).checked_add(rows);
        self.pieces.push((end.ok_or("a dictionary has too many values")?, values));
        Ok(())
    }

    fn cell(&self, key: usize) -> Result<Value, String> {
        let piece = self.pieces.partition_point(|(end, _)| *end <= key);
        let (_, values) = self.pieces.get(piece).ok_or_else(|| format!("a dictionary has no place {key}"))?;
        let start = if piece == 0 { 0 } else { self.pieces[piece - 1].0 };
        values.cell(key - start)
    }
}

fn buffer<'m>(batch: &RecordBatch<'m>, body: &'m [u8], place: usize) -> Result<&'m [u8], &'static str> {
    let buffers = batch.buffers().filter(|buffers| place < buffers.len()).ok_or("it has too few buffers")?;
    let buffer = buffers.get(place);
    let start = usize::try_from(buffer.offset()).ok();
    let end = start.and_then(|start| start.checked_add(usize::try_from(buffer.length()).ok()?));
    start.zip(end).and_then(|(start, end)| body.get(start..end)).ok_or("a buffer lies beyond its body")
}

fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 == 1
}

/// A number of so many bytes, little-endian.
fn unsigned(cells: &[u8], row: usize, each: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..each].copy_from_slice(&cells[row * each..(row + 1) * each]);
    u64::from_le_bytes(bytes)
}

fn signed(cells: &[u8], row: usize, each: usize) -> i64 {
    let above = 64 - 8 * each as u32;
    (unsigned(cells, row, each) << above).cast_signed() >> above
}

/// JSON has no number that is none.
fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}

fn text(bytes: Option<&[u8]>) -> Result<Value, String> {
    let bytes = bytes.ok_or("a text lies beyond its buffer")?;
    let text = std::str::from_utf8(bytes).map_err(|_| "a text is no UTF-8")?;
    Ok(Value::String(text.to_owned()))
}
