//! What the mirror holds, and which of it Lehr wrote.

use crate::cypher::{self, FORMAT, MOST};
use crate::link::{Transaction, value};
use crate::values::{Properties, cell, hash, properties};
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_targets::TargetError;
use neo4rs::{BoltType, Row, query};
use std::collections::BTreeMap;

/// Columns that every edge has.
pub(crate) const EDGE: &str = "edge_id";
pub(crate) const CAUSE: &str = "cause";
pub(crate) const EFFECT: &str = "effect";
/// … and the one by which a relationship of somebody else is known for what became an edge.
pub(crate) const DIRECTION: &str = "direction";

/// `LehrPosition`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub tick: Tick,
    /// Plant time of the tick.
    pub now: Option<String>,
    /// Columns that Lehr has written at any time.
    pub columns: Vec<String>,
    /// Hashes of edges as Lehr wrote them.
    pub written: BTreeMap<i64, i64>,
}

/// A relationship.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Neo4j's number of it.
    pub at: i64,
    /// Ids of the nodes at its ends. Others than Lehr's may have none.
    pub cause: Option<String>,
    pub effect: Option<String>,
    pub properties: Properties,
}

/// All relationships.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mirror {
    pub position: Position,
    /// By number, whether edited or not.
    pub edges: BTreeMap<i64, Found>,
    /// What others drew.
    pub by_hand: Vec<Found>,
}

impl Position {
    /// Of this store; `None` when the database mirrors nothing yet. Refuses a database that mirrors another one.
    pub async fn read(transaction: &mut Transaction, store: &str) -> Result<Option<Position>, TargetError> {
        let rows = transaction.rows("reading the position", query(cypher::POSITIONS)).await?;
        let mut found = None;
        for row in &rows {
            match value(row, "store") {
                BoltType::String(other) if other.value == store => found = Some(Position::of(row)?),
                other => {
                    let other = match other {
                        BoltType::String(name) => name.value,
                        _ => "without a name".to_owned(),
                    };
                    return Err(TargetError::Refused(format!(
                        "the database mirrors the store {other} already: give {store} a database of its own, or remove \
                         what is there (MATCH (n:LehrNode) DETACH DELETE n; MATCH (p:LehrPosition) DELETE p)"
                    )));
                }
            }
        }
        Ok(found)
    }

    fn of(row: &Row) -> Result<Position, TargetError> {
        let broken = || {
            TargetError::Refused(
                "LehrPosition was changed by others: remove what is there (MATCH (n:LehrNode) DETACH DELETE n; MATCH \
                 (p:LehrPosition) DELETE p) and let Lehr fill it anew, under another name"
                    .to_owned(),
            )
        };
        match cell(&value(row, "format")) {
            Cell::Int(FORMAT) => {}
            Cell::Int(other) => {
                return Err(TargetError::Refused(format!(
                    "the mirror has format {other}, and this Lehr writes {FORMAT}: remove what is there (MATCH \
                     (n:LehrNode) DETACH DELETE n; MATCH (p:LehrPosition) DELETE p) and let Lehr fill it anew, under \
                     another name"
                )));
            }
            _ => return Err(broken()),
        }
        let Cell::Int(tick) = cell(&value(row, "tick")) else { return Err(broken()) };
        let now = match cell(&value(row, "now")) {
            Cell::Text(now) => Some(now),
            _ => None,
        };
        let columns = list(&value(row, "columns")).into_iter().map(|name| match name {
            Cell::Text(name) => Some(name),
            _ => None,
        });
        let columns = columns.collect::<Option<Vec<String>>>().ok_or_else(broken)?;
        let [edges, hashes] = ["edges", "hashes"].map(|name| {
            let numbers = list(&value(row, name)).into_iter().map(|number| match number {
                Cell::Int(number) => Some(number),
                _ => None,
            });
            numbers.collect::<Option<Vec<i64>>>()
        });
        match (edges, hashes) {
            (Some(edges), Some(hashes)) if edges.len() == hashes.len() => {
                Ok(Position { tick: Tick(tick as u64), now, columns, written: edges.into_iter().zip(hashes).collect() })
            }
            _ => Err(broken()),
        }
    }
}

fn list(value: &BoltType) -> Vec<Cell> {
    match value {
        BoltType::List(list) => list.iter().map(cell).collect(),
        _ => Vec::new(),
    }
}

impl Found {
    fn of(row: &Row) -> Result<Found, TargetError> {
        let end = |name| match cell(&value(row, name)) {
            Cell::Text(id) => Some(id),
            _ => None,
        };
        let Cell::Int(at) = cell(&value(row, "at")) else {
            return Err(TargetError::Away("reading edges: the server gave no number".to_owned()));
        };
        Ok(Found { at, cause: end(CAUSE), effect: end(EFFECT), properties: properties(&value(row, "properties")) })
    }

    /// Null where it has none.
    pub fn get(&self, name: &str) -> &Cell {
        self.properties.get(name).unwrap_or(&Cell::Null)
    }

    pub fn joins(&self, cause: &str, effect: &str) -> bool {
        self.cause.as_deref() == Some(cause) && self.effect.as_deref() == Some(effect)
    }

    /// As Lehr wrote it, and where Lehr drew it.
    fn is_as_written(&self, position: &Position) -> bool {
        let Cell::Int(edge) = self.get(EDGE) else { return false };
        let end =
            |name, end: &Option<String>| matches!((self.get(name), end), (Cell::Text(text), Some(id)) if text == id);
        position.written.get(edge) == Some(&hash(&self.properties, &position.columns))
            && end(CAUSE, &self.cause)
            && end(EFFECT, &self.effect)
    }
}

impl Mirror {
    /// All of it, as it is in this transaction.
    pub async fn read(transaction: &mut Transaction, position: Position) -> Result<Mirror, TargetError> {
        let read = query(cypher::READ).param("most", MOST as i64 + 1);
        let rows = transaction.rows("reading edges", read).await?;
        if rows.len() > MOST {
            return Err(TargetError::Refused(format!(
                "the database has more than {MOST} relationships LEADS_TO: give others another type, or Lehr a database \
                 of its own"
            )));
        }
        let found = rows.iter().map(Found::of).collect::<Result<Vec<Found>, TargetError>>()?;
        Ok(Mirror::of(position, found))
    }

    /// Of several with an edge's number, which somebody copied, Lehr's is the one that is as it was written, else the
    /// oldest one.
    pub fn of(position: Position, mut found: Vec<Found>) -> Mirror {
        found.sort_by_key(|found| (!found.is_as_written(&position), found.at));
        let mut mirror = Mirror { position, ..Mirror::default() };
        for found in found {
            match *found.get(EDGE) {
                Cell::Int(edge) if mirror.position.written.contains_key(&edge) && !mirror.edges.contains_key(&edge) => {
                    mirror.edges.insert(edge, found);
                }
                _ => mirror.by_hand.push(found),
            }
        }
        mirror.by_hand.sort_by_key(|found| found.at);
        mirror
    }

    pub fn is_edited(&self, edge: &Found) -> bool {
        !edge.is_as_written(&self.position)
    }

    /// Edges that Lehr wrote and somebody removed.
    pub fn removed(&self) -> impl Iterator<Item = i64> {
        self.position.written.keys().copied().filter(|edge| !self.edges.contains_key(edge))
    }

    /// What was changed by hand, in all.
    pub fn edits(&self) -> usize {
        self.edges.values().filter(|edge| self.is_edited(edge)).count() + self.removed().count() + self.by_hand.len()
    }
}
