//! What a delta makes of the mirror. Lehr's rows win over edits of the same edges; all other edits stay.

use crate::config::Shape;
use crate::mirror::{DIRECTION, Found, Mirror};
use crate::values::{Properties, alike, hash};
use lehr_domain::table::Cell;
use lehr_domain::unit::DefectType;
use lehr_targets::{Table, TableDelta, TargetError};
use std::collections::{BTreeMap, BTreeSet};

/// A relationship to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Write {
    pub cause: String,
    pub effect: String,
    /// What is there to be changed; else it is made.
    pub at: Option<i64>,
    /// Of every column; null where there is none.
    pub properties: Properties,
}

/// In order: delete, write, kinds, forget, and what is written then.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Numbers of edges, and of the relationships.
    pub deleted: Vec<(i64, i64)>,
    pub writes: Vec<Write>,
    /// Of nodes.
    pub kinds: BTreeMap<String, String>,
    /// Nodes that may have lost their last relationship.
    pub left: BTreeSet<String>,
    pub written: BTreeMap<i64, i64>,
    /// Edits that Lehr's rows overwrite, for people to read.
    pub overwritten: Vec<String>,
}

struct Row<'d> {
    edge: i64,
    cause: &'d str,
    effect: &'d str,
    cells: &'d [Cell],
}

impl<'d> Row<'d> {
    fn of(shape: Shape, cells: &'d [Cell]) -> Result<Row<'d>, TargetError> {
        match (&cells[shape.edge], &cells[shape.cause], &cells[shape.effect]) {
            (Cell::Int(edge), Cell::Text(cause), Cell::Text(effect)) => Ok(Row { edge: *edge, cause, effect, cells }),
            _ => Err(TargetError::Refused(format!("an edge lacks number, cause or effect: {cells:?}"))),
        }
    }

    /// Columns of this Lehr and of former ones, which are null now.
    fn properties(&self, table: &Table, columns: &[String]) -> Properties {
        let mut all: Properties = columns.iter().map(|name| (name.clone(), Cell::Null)).collect();
        all.extend(table.columns.iter().zip(self.cells).map(|(column, cell)| (column.name.to_owned(), cell.clone())));
        all
    }
}

impl Plan {
    /// From what appears and disappears of the table of edges. Of a row that does both, what appears is left.
    pub fn of(mirror: &Mirror, delta: &TableDelta, shape: Shape) -> Result<Plan, TargetError> {
        let mut rows: BTreeMap<i64, (Row, Option<Row>)> = BTreeMap::new();
        for change in &delta.changes {
            let of = |cells| Row::of(shape, cells);
            let row = of(&change.row)?;
            let entry = rows.entry(row.edge).or_insert((row, None));
            if change.appeared {
                entry.1 = Some(of(&change.row)?);
            }
        }
        let mut plan = Plan { written: mirror.position.written.clone(), ..Plan::default() };
        let mut drawn: Vec<Option<&Found>> = mirror.by_hand.iter().map(Some).collect();
        for (edge, (old, new)) in &rows {
            plan.left.extend([old.cause.to_owned(), old.effect.to_owned()]);
            let there = mirror.edges.get(edge);
            match new {
                Some(row) => plan.write(mirror, &delta.table, there, row, &mut drawn),
                None => plan.remove(mirror, *edge, there),
            }
        }
        for write in &plan.writes {
            plan.left.remove(&write.cause);
            plan.left.remove(&write.effect);
        }
        Ok(plan)
    }

    fn remove(&mut self, mirror: &Mirror, edge: i64, there: Option<&Found>) {
        self.written.remove(&edge);
        let Some(found) = there else { return };
        if mirror.is_edited(found) {
            self.overwritten.push(format!("edge {edge} was edited by hand, and is removed now: Lehr removed it"));
        }
        self.delete(edge, found);
    }

    fn delete(&mut self, edge: i64, found: &Found) {
        self.deleted.push((edge, found.at));
        self.left.extend([&found.cause, &found.effect].into_iter().flatten().cloned());
    }

    fn write(
        &mut self,
        mirror: &Mirror,
        table: &Table,
        there: Option<&Found>,
        row: &Row,
        drawn: &mut [Option<&Found>],
    ) {
        let properties = row.properties(table, &mirror.position.columns);
        self.written.insert(row.edge, hash(&not_null(&properties), &mirror.position.columns));
        let mut at = None;
        if let Some(found) = there {
            if mirror.is_edited(found) {
                self.overwritten.extend(lost(found, row, &properties));
            }
            match found.joins(row.cause, row.effect) {
                true => at = Some(found.at),
                // Another edge has the number now, or this one has other ends.
                false => self.delete(row.edge, found),
            }
        }
        // What was drawn by hand and then came to Lehr becomes the edge, else it would be there twice.
        if at.is_none() {
            let direction = properties.get(DIRECTION).unwrap_or(&Cell::Null);
            let same = |found: &&Found| found.joins(row.cause, row.effect) && alike(found.get(DIRECTION), direction);
            if let Some(place) = drawn.iter().position(|found| found.as_ref().is_some_and(same)) {
                at = drawn[place].take().map(|found| found.at);
            }
        }
        for (name, column, is_effect) in [(row.cause, "cause_kind", false), (row.effect, "effect_kind", true)] {
            if let Some(kind) = kind_of(name, properties.get(column), is_effect) {
                self.kinds.insert(name.to_owned(), kind);
            }
        }
        self.writes.push(Write { cause: row.cause.to_owned(), effect: row.effect.to_owned(), at, properties });
    }
}

/// What an edit says that Lehr's row does not; nothing when Lehr took the edit over.
fn lost(found: &Found, row: &Row, properties: &Properties) -> Option<String> {
    let differ = properties.iter().filter(|(name, cell)| !alike(found.get(name), cell));
    let fields: Vec<String> = differ.map(|(name, _)| format!("{name} {:?}", found.get(name))).collect();
    (!fields.is_empty()).then(|| {
        let fields = fields.join(", ");
        format!("edge {} was edited by hand, and is overwritten now: Lehr changed it. It had {fields}", row.edge)
    })
}

pub(crate) fn not_null(properties: &Properties) -> Properties {
    properties
        .iter()
        .filter(|(_, cell)| **cell != Cell::Null)
        .map(|(name, cell)| (name.clone(), cell.clone()))
        .collect()
}

/// As the table says, where it has such columns. Else defects are known by name, and what is an effect and no defect is
/// a parameter; a cause may as well be equipment.
fn kind_of(name: &str, said: Option<&Cell>, is_effect: bool) -> Option<String> {
    match said {
        Some(Cell::Text(kind)) => Some(kind.clone()),
        _ if DefectType::parse(name).is_some() => Some("defect".to_owned()),
        _ => is_effect.then(|| "parameter".to_owned()),
    }
}

#[cfg(test)]
mod tests;
