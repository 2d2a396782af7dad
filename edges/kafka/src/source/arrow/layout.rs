//! Where the columns that are wanted lie in the record batches of a stream: what its schema says.
//!
//! A record batch has a node (rows, and how many are null) for each column and each part of a nested one, and the buffers
//! of all, one behind the other. So the place of a column depends on all before it, whatever they are.

use super::column::Kind;
use arrow_ipc::{Endianness, Field, MetadataVersion, Schema, Type, UnionMode};

/// A column that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Place<'w> {
    /// The pointer by which it is wanted.
    pub at: &'w str,
    pub kind: Kind,
    /// Of a column that holds places in a dictionary: which, and of what.
    pub dictionary: Option<(i64, Kind)>,
    pub start: Start,
}

/// How much lies before a column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    pub nodes: usize,
    /// Without those whose number each record batch says.
    pub buffers: usize,
    /// Columns before it that have such buffers.
    pub views: usize,
}

/// The places of the columns that there are. The error names what cannot be read.
pub fn places<'w>(
    schema: &Schema<'_>,
    version: MetadataVersion,
    wanted: &'w [(String, String)],
) -> Result<Vec<Place<'w>>, String> {
    if schema.endianness() != Endianness::Little {
        return Err("its numbers are big-endian; write them little-endian".into());
    }
    let (mut found, mut start) = (Vec::<Place<'w>>::new(), Start::default());
    for field in schema.fields().into_iter().flatten() {
        let name = field.name().unwrap_or_default();
        for (at, _) in wanted.iter().filter(|(_, column)| column == name) {
            if found.iter().any(|place| place.at == at) {
                return Err(format!("it has two columns {name}"));
            }
            let of = |kind: Option<Kind>| {
                kind.ok_or_else(|| {
                    let what = field.type_type().variant_name().unwrap_or("something else");
                    format!("column {name} is {what}; it must hold numbers, truth values, text or timestamps")
                })
            };
            let plain = of(Kind::of(&field))?;
            let (kind, dictionary) = match field.dictionary() {
                None => (plain, None),
                // Without a type they are signed, of 32 bits.
                Some(coded) => {
                    let keys = coded.indexType().map_or(Some(Kind::INDEX), |keys| Kind::of_int(&keys));
                    (of(keys)?, Some((coded.id(), plain)))
                }
            };
            found.push(Place { at, kind, dictionary, start });
        }
        start.pass(&field, version)?;
    }
    Ok(found)
}

impl Start {
    /// Goes behind a column. Nested ones are not deeper than metadata may be.
    fn pass(&mut self, field: &Field<'_>, version: MetadataVersion) -> Result<(), String> {
        self.nodes += 1;
        if field.dictionary().is_some() {
            self.buffers += 2;
            return Ok(());
        }
        match field.type_type() {
            Type::Null | Type::RunEndEncoded => {}
            Type::FixedSizeList | Type::Struct_ => self.buffers += 1,
            Type::Bool
            | Type::Int
            | Type::FloatingPoint
            | Type::Decimal
            | Type::Date
            | Type::Time
            | Type::Timestamp
            | Type::Duration
            | Type::Interval
            | Type::FixedSizeBinary
            | Type::List
            | Type::LargeList
            | Type::Map => self.buffers += 2,
            Type::Utf8 | Type::LargeUtf8 | Type::Binary | Type::LargeBinary | Type::ListView | Type::LargeListView => {
                self.buffers += 3
            }
            Type::Utf8View | Type::BinaryView => {
                self.buffers += 2;
                self.views += 1;
            }
            Type::Union => {
                let dense = field.type_as_union().is_some_and(|union| union.mode() == UnionMode::Dense);
                // Nulls of their own had they up to the fourth version.
                self.buffers += 1 + usize::from(dense) + usize::from(version < MetadataVersion::V5);
            }
            other => return Err(format!("column {} is of type {}, which is not known", shown(field), other.0)),
        }
        field.children().into_iter().flatten().try_for_each(|child| self.pass(&child, version))
    }
}

fn shown<'f>(field: &Field<'f>) -> &'f str {
    field.name().unwrap_or_default()
}
