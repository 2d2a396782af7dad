//! Rows as points of the line protocol. Pure.

use lehr_domain::EventMs;
use lehr_domain::table::{Cell, ColumnType};
use lehr_targets::{Table, TableDelta};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Of a row that is no longer there. Written as false with each that is.
const GONE: &str = "gone";

/// Times that InfluxDB can say, in milliseconds: it counts nanoseconds in 64 bits.
const FARTHEST_MS: i64 = 9_223_372_036_854;

/// What a delta comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub lines: Vec<String>,
    /// Points that the protocol cannot say: their time is too far away, or they have no value at all.
    pub left_out: usize,
}

/// `now` is the plant time of the delta's tick.
pub(super) fn lines(delta: &TableDelta, now: EventMs) -> Lines {
    match delta.table.log {
        true => of_log(delta),
        false => of_rows(delta, now),
    }
}

/// An entry is a point of its own time. Of several of the same series and time, as revisions are, the last by its key is
/// left: the store has room for one.
fn of_log(delta: &TableDelta) -> Lines {
    let table = &delta.table;
    let when = table.columns.iter().position(|column| column.kind == ColumnType::Time);
    let mut points: BTreeMap<(String, i64), &[Cell]> = BTreeMap::new();
    let mut found = Lines::default();
    // Nothing disappears of a log.
    for change in delta.changes.iter().filter(|change| change.appeared) {
        let Some(Cell::Time(at)) = when.and_then(|when| change.row.get(when)) else {
            found.left_out += 1;
            continue;
        };
        let place = (series(table, &change.row), at.0);
        let row = change.row.as_slice();
        match points.get(&place) {
            Some(other) if later(table, other, row) => {}
            _ => _ = points.insert(place, row),
        }
    }
    for ((series, at), row) in points {
        let other = |place: usize| Some(place) != when && !(place < table.key && is_text(table, place));
        found.push(&series, &fields(table, row, other), at);
    }
    found
}

/// Whether `one` comes after `other`, which is of the same series and time.
fn later(table: &Table, one: &[Cell], other: &[Cell]) -> bool {
    let number = |row: &[Cell]| -> Vec<i64> {
        let numbers = table.key_of(row).iter().map(|cell| if let Cell::Int(value) = cell { *value } else { 0 });
        numbers.collect()
    };
    number(one) > number(other)
}

/// A row that changed is a point of the tick's time, in the series of its key: what it was before is history.
fn of_rows(delta: &TableDelta, now: EventMs) -> Lines {
    let table = &delta.table;
    let mut points: BTreeMap<String, Option<&[Cell]>> = BTreeMap::new();
    for change in &delta.changes {
        let row = points.entry(series(table, &change.row)).or_default();
        // Of a row that disappears and appears, what appears is left.
        if change.appeared {
            *row = Some(&change.row);
        }
    }
    let mut found = Lines::default();
    for (series, row) in points {
        let said = match row {
            Some(row) => {
                let values = fields(table, row, |place| place >= table.key);
                let parted = if values.is_empty() { "" } else { "," };
                format!("{GONE}=false{parted}{values}")
            }
            None => format!("{GONE}=true"),
        };
        found.push(&series, &said, now.0);
    }
    found
}

impl Lines {
    fn push(&mut self, series: &str, fields: &str, at_ms: i64) {
        if fields.is_empty() || !(-FARTHEST_MS..=FARTHEST_MS).contains(&at_ms) {
            self.left_out += 1;
            return;
        }
        self.lines.push(format!("{series} {fields} {at_ms}"));
    }
}

fn is_text(table: &Table, place: usize) -> bool {
    table.columns[place].kind == ColumnType::Text
}

/// Measurement and tags: the key without its time, and of a log its texts alone.
fn series(table: &Table, row: &[Cell]) -> String {
    let mut series = escaped(table.name);
    for (place, (column, cell)) in table.columns.iter().zip(table.key_of(row)).enumerate() {
        if table.log && !is_text(table, place) {
            continue;
        }
        let value = match cell {
            Cell::Null => continue,
            // A tag without a value is none.
            Cell::Text(text) if text.is_empty() => continue,
            Cell::Text(text) => escaped(text),
            Cell::Bool(value) => value.to_string(),
            Cell::Int(value) => value.to_string(),
            Cell::Float(value) => format!("{:?}", value + 0.0),
            Cell::Time(value) => escaped(&value.to_string()),
        };
        let _ = write!(series, ",{}={value}", escaped(column.name));
    }
    series
}

/// The columns at the wanted places. What is null, or a number that the protocol has not, is left out.
fn fields(table: &Table, row: &[Cell], wanted: impl Fn(usize) -> bool) -> String {
    let mut fields = String::new();
    for (place, (column, cell)) in table.columns.iter().zip(row).enumerate() {
        let value = match cell {
            _ if !wanted(place) => continue,
            Cell::Null => continue,
            Cell::Float(value) if !value.is_finite() => continue,
            Cell::Float(value) => format!("{value:?}"),
            Cell::Int(value) => format!("{value}i"),
            Cell::Bool(value) => value.to_string(),
            Cell::Text(text) => quoted(text),
            Cell::Time(value) => format!("{}i", value.0),
        };
        let parted = if fields.is_empty() { "" } else { "," };
        let _ = write!(fields, "{parted}{}={value}", escaped(column.name));
    }
    fields
}

/// Line breaks end a point, wherever they stand, and the character 0 is none of the protocol's. Their symbols stand for them.
fn shown(character: char) -> char {
    match character {
        '\n' => '\u{240A}',
        '\r' => '\u{240D}',
        '\0' => '\u{2400}',
        other => other,
    }
}

/// A name or the value of a tag.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().map(shown) {
        match character {
            ',' | ' ' | '=' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // It cannot be escaped itself, and would escape what follows the value.
            '\\' => escaped.push('\u{FF3C}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The value of a field.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().map(shown) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use influxdb_line_protocol::{FieldValue, parse_lines};
    use lehr_domain::table::Column;
    use lehr_targets::Change;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn column(name: &'static str, kind: ColumnType) -> Column {
        Column { name, kind, doc: "" }
    }

    fn readings() -> Arc<Table> {
        use ColumnType::{Float, Int, Text, Time};
        let columns = vec![
            column("sensor_id", Text),
            column("at", Time),
            column("revision", Int),
            column("value", Float),
            column("status", Text),
        ];
        Arc::new(Table { name: "readings", doc: "", columns, key: 3, log: true })
    }

    fn kpis() -> Arc<Table> {
        use ColumnType::{Bool, Float, Text, Time};
        let columns = vec![column("line", Text), column("oee", Float), column("stopped", Bool), column("since", Time)];
        Arc::new(Table { name: "kpis", doc: "", columns, key: 1, log: false })
    }

    fn text(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }

    fn reading(sensor: &str, at: i64, revision: i64, value: f64) -> Change {
        let row = vec![text(sensor), Cell::Time(EventMs(at)), Cell::Int(revision), Cell::Float(value), text("good")];
        Change { appeared: true, row }
    }

    #[test]
    fn a_reading_is_a_point_of_its_time_and_the_last_revision_is_left() {
        let changes = vec![
            reading("Line A,b=c", 7, 2, 2.5),
            reading("Line A,b=c", 7, 1, 1.5),
            reading("b", -5, 0, 1e300),
            reading("b", i64::MAX, 0, 1.0),
            reading("c", 0, 0, f64::NAN),
        ];
        let found = lines(&TableDelta { table: readings(), changes }, EventMs(99));
        assert_eq!(
            found.lines,
            [
                r#"readings,sensor_id=Line\ A\,b\=c revision=2i,value=2.5,status="good" 7"#,
                r#"readings,sensor_id=b revision=0i,value=1e300,status="good" -5"#,
                r#"readings,sensor_id=c revision=0i,status="good" 0"#,
            ]
        );
        assert_eq!(found.left_out, 1);
    }

    #[test]
    fn a_row_is_a_point_of_the_tick_and_says_whether_it_is_gone() {
        let row = |line: &str, oee| vec![text(line), Cell::Float(oee), Cell::Bool(true), Cell::Time(EventMs(1))];
        let changes = vec![
            Change { appeared: false, row: row("a", 0.5) },
            Change { appeared: false, row: row("b", 0.5) },
            Change { appeared: true, row: row("b", 0.6) },
            Change { appeared: true, row: vec![Cell::Null, Cell::Null, Cell::Null, Cell::Null] },
        ];
        let found = lines(&TableDelta { table: kpis(), changes }, EventMs(99));
        assert_eq!(
            found.lines,
            [
                "kpis gone=false 99",
                "kpis,line=a gone=true 99",
                "kpis,line=b gone=false,oee=0.6,stopped=true,since=1i 99"
            ]
        );
    }

    proptest! {
        /// What another parser reads is what was said, whatever the texts are.
        #[test]
        fn texts_are_read_back(sensor in "\\PC{1,12}|[ ,=\"\\\\\n\r\0a]{1,6}", status in "\\PC{0,12}|[ ,=\"\\\\\n\r\0a]{0,6}", at in -FARTHEST_MS..FARTHEST_MS, value in any::<f64>()) {
            let row = vec![text(&sensor), Cell::Time(EventMs(at)), Cell::Int(i64::MIN), Cell::Float(value), text(&status)];
            let found = lines(&TableDelta { table: readings(), changes: vec![Change { appeared: true, row }] }, EventMs(0));
            prop_assert_eq!(found.lines.len(), 1);
            let all: Vec<_> = parse_lines(&found.lines[0]).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(all.len(), 1);
            let visible = |text: &str| text.chars().map(shown).collect::<String>();
            prop_assert_eq!(all[0].timestamp, Some(at));
            prop_assert_eq!(all[0].tag_value("sensor_id").map(|value| value.to_string()), Some(visible(&sensor).replace('\\', "\u{FF3C}")));
            let read = |name: &str| all[0].field_value(name).cloned();
            prop_assert_eq!(read("revision"), Some(FieldValue::I64(i64::MIN)));
            prop_assert_eq!(read("value"), value.is_finite().then_some(FieldValue::F64(value)));
            let Some(FieldValue::String(read)) = read("status") else { panic!("no status") };
            prop_assert_eq!(read.to_string(), visible(&status));
        }
    }
}
