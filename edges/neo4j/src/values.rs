//! Cells as Neo4j has them, and the hash by which an edit is noticed.

use lehr_domain::ids::stable_hash;
use lehr_domain::table::Cell;
use neo4rs::{BoltMap, BoltNull, BoltType};
use std::collections::BTreeMap;

/// Properties by name. What is null is not there.
pub(crate) type Properties = BTreeMap<String, Cell>;

pub(crate) fn bolt(cell: &Cell) -> BoltType {
    match cell {
        Cell::Null => BoltType::Null(BoltNull),
        Cell::Bool(value) => (*value).into(),
        Cell::Int(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(value) => value.as_str().into(),
        Cell::Time(value) => value.to_string().into(),
    }
}

/// Kinds of values that Lehr does not write are shown as text.
pub(crate) fn cell(value: &BoltType) -> Cell {
    match value {
        BoltType::Null(_) => Cell::Null,
        BoltType::Boolean(value) => Cell::Bool(value.value),
        BoltType::Integer(value) => Cell::Int(value.value),
        BoltType::Float(value) => Cell::Float(value.value),
        BoltType::String(value) => Cell::Text(value.value.clone()),
        other => Cell::Text(format!("{other:?}")),
    }
}

pub(crate) fn properties(value: &BoltType) -> Properties {
    let BoltType::Map(map) = value else { return Properties::new() };
    let cells = map.value.iter().map(|(name, value)| (name.value.clone(), cell(value)));
    cells.filter(|(_, cell)| *cell != Cell::Null).collect()
}

pub(crate) fn map<'n>(entries: impl IntoIterator<Item = (&'n str, BoltType)>) -> BoltType {
    BoltType::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect::<BoltMap>())
}

/// Whether a reader takes them for the same: whole numbers are written in either way, and times as text.
pub(crate) fn alike(one: &Cell, other: &Cell) -> bool {
    plain(one) == plain(other)
}

/// Of what Lehr has columns for; other properties do not count. Kept in the mirror: whoever changes how it is made
/// changes [`crate::cypher::FORMAT`].
pub(crate) fn hash(properties: &Properties, columns: &[String]) -> i64 {
    let mut parts = Vec::new();
    let mut sorted: Vec<&String> = columns.iter().collect();
    sorted.sort();
    for (name, cell) in sorted.into_iter().filter_map(|name| Some((name, properties.get(name)?))) {
        add_text(&mut parts, name);
        match plain(cell) {
            Plain::Null => parts.push(0),
            Plain::Bool(value) => parts.extend([1, u64::from(value)]),
            Plain::Number(bits) => parts.extend([2, bits]),
            Plain::Text(text) => {
                parts.push(3);
                add_text(&mut parts, &text);
            }
        }
    }
    stable_hash(&parts) as i64
}

fn add_text(parts: &mut Vec<u64>, text: &str) {
    parts.push(text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        parts.push(u64::from_le_bytes(word));
    }
}

#[derive(PartialEq)]
enum Plain {
    Null,
    Bool(bool),
    /// Bits of a float. Zero has two signs, and NaN many bit patterns.
    Number(u64),
    Text(String),
}

fn plain(cell: &Cell) -> Plain {
    match cell {
        Cell::Null => Plain::Null,
        Cell::Bool(value) => Plain::Bool(*value),
        Cell::Int(value) => Plain::Number((*value as f64 + 0.0).to_bits()),
        Cell::Float(value) if value.is_nan() => Plain::Number(f64::NAN.to_bits()),
        Cell::Float(value) => Plain::Number((value + 0.0).to_bits()),
        Cell::Text(value) => Plain::Text(value.clone()),
        Cell::Time(value) => Plain::Text(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;

    fn hash_of(cells: &[(&str, Cell)]) -> i64 {
        let properties = cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect();
        hash(&properties, &["a".to_owned(), "b".to_owned()])
    }

    fn text(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }

    #[test]
    fn an_edit_changes_the_hash_and_another_way_to_write_a_number_does_not() {
        let different: [&[(&str, Cell)]; 7] = [
            &[],
            &[("a", Cell::Int(1))],
            &[("b", Cell::Int(1))],
            &[("a", text("1"))],
            &[("a", text("1\0"))],
            &[("a", Cell::Bool(true))],
            &[("a", text("x")), ("b", text("y"))],
        ];
        for (place, one) in different.iter().enumerate() {
            for other in &different[..place] {
                assert_ne!(hash_of(one), hash_of(other), "{one:?} {other:?}");
            }
        }
        assert_eq!(hash_of(&[("a", Cell::Int(1))]), hash_of(&[("a", Cell::Float(1.0)), ("note", text("mine"))]));
        assert_eq!(hash_of(&[("a", Cell::Float(-0.0))]), hash_of(&[("a", Cell::Int(0))]));
        let at = EventMs(1_767_225_600_000);
        assert!(alike(&Cell::Time(at), &text(&at.to_string())));
    }

    /// Mirrors in the field hold hashes that were made like this.
    #[test]
    fn hashes_are_made_as_they_were() {
        assert_eq!(hash_of(&[("a", text("furnace_temperature")), ("b", Cell::Float(0.85))]), -912_766_266_838_096_505);
    }

    #[test]
    fn cells_come_back_as_they_were() {
        for value in [Cell::Null, Cell::Bool(true), Cell::Int(i64::MIN), Cell::Float(0.1), text("µ° '\"\\ 🔥")] {
            assert_eq!(cell(&bolt(&value)), value);
        }
        let map = map([("a", 1_i64.into()), ("b", BoltType::Null(BoltNull))]);
        assert_eq!(properties(&map), Properties::from([("a".to_owned(), Cell::Int(1))]));
    }
}
