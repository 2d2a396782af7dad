//! Where the mirror and Lehr differ, and edits as Lehr could import them.

use crate::config::{Config, Shape, TABLE, shape};
use crate::link::Link;
use crate::mirror::{CAUSE, DIRECTION, EDGE, EFFECT, Found, Mirror, Position};
use crate::plan::not_null;
use crate::values::{Properties, alike, hash};
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_targets::{Table, TargetError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(60);

/// Why they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A relationship that Lehr wrote has other values.
    Edited,
    /// A relationship that Lehr did not write.
    Added,
    /// A relationship that Lehr wrote is gone.
    Removed,
    /// Nobody edited it: the mirror holds another tick than the rows are of.
    Behind,
}

/// A column that is not the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub column: String,
    /// Null where Lehr has none, or not this edge.
    pub lehr: Cell,
    /// Null where the mirror has none, or not this edge.
    pub mirror: Cell,
}

/// An edge, or what was drawn by hand, that is not the same in the mirror and in Lehr.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// None where a relationship drawn by hand has no number.
    pub edge_id: Option<i64>,
    pub cause: String,
    pub effect: String,
    pub what: What,
    /// In order of the table's columns.
    pub fields: Vec<Difference>,
}

/// What Lehr knows of an edge: the fields of a request to add or replace one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    pub cause: String,
    pub effect: String,
    /// high, low or variation.
    pub direction: String,
    pub threshold: Option<f64>,
    /// 0 to 1.
    pub confidence: f64,
    pub lag_min_s: f64,
    pub lag_max_s: f64,
    pub mechanism: String,
    pub advice: String,
}

/// An edit made in the mirror, to be imported or not. Whether Lehr takes it, such as a confidence of 2, Lehr says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// To replace the edge with.
    Changed {
        edge_id: i64,
        edge: Edge,
    },
    /// To add.
    Added {
        edge: Edge,
    },
    Removed {
        edge_id: i64,
    },
    /// What no edge can be made of, and why.
    Unusable {
        edge_id: Option<i64>,
        why: String,
    },
    /// Lehr has gone on since, and the mirror comes to what Lehr says as soon as it follows: nothing is left to import.
    Overtaken {
        edge_id: Option<i64>,
        why: String,
    },
}

/// The mirror as it was at one moment, to be held against what Lehr says later.
pub struct Seen(Mirror);

impl Seen {
    /// Bounded in time.
    pub async fn of(config: &Config) -> Result<Seen, TargetError> {
        Ok(Seen(look(config).await?))
    }

    /// That the mirror holds.
    pub fn tick(&self) -> Tick {
        self.0.position.tick
    }

    /// Held against `rows` of `table`, Lehr's table of edges: cells in order of columns.
    pub fn drift(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<Vec<Drift>, TargetError> {
        compare(&self.0, table, rows)
    }

    /// Edits in the order of [`edits`], whether Lehr has gone on since or not.
    pub fn all_edits(&self) -> Vec<Edit> {
        edits_in(&self.0)
    }

    /// The same, of which those are told apart that `rows`, as above, have overtaken: so that none
    /// is imported twice, or over what somebody changed in Lehr since.
    pub fn edits(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<Vec<Edit>, TargetError> {
        let lehrs = by_number(table, rows)?;
        let shape = shape_of(table)?;
        // An edge whose ends were edited is another one to who drew in the mirror, though its number was written there.
        let is_new = |edge: &i64, row: &[Cell]| {
            let (cause, effect) = (&row[shape.cause], &row[shape.effect]);
            let there = self.0.edges.get(edge).is_some_and(|found| match (cause, effect) {
                (Cell::Text(cause), Cell::Text(effect)) => found.joins(cause, effect),
                _ => false,
            });
            !there && overtaken(&self.0.position, table, *edge, Some(row)).is_some()
        };
        let mut unmirrored: Vec<&[Cell]> =
            lehrs.iter().filter(|(edge, row)| is_new(edge, row)).map(|(_, row)| *row).collect();
        let edits = self.all_edits().into_iter().map(|edit| match &edit {
            Edit::Changed { edge_id, .. } | Edit::Removed { edge_id } => {
                match overtaken(&self.0.position, table, *edge_id, lehrs.get(edge_id).copied()) {
                    Some(why) => Edit::Overtaken { edge_id: Some(*edge_id), why: why.to_owned() },
                    None => edit,
                }
            }
            // As the mirror does when it follows: each edge takes one relationship over.
            Edit::Added { edge } => match unmirrored.iter().position(|row| is_drawn(table, shape, row, edge)) {
                Some(place) => {
                    let why = "Lehr has such an edge, which the mirror does not hold yet".to_owned();
                    let row = unmirrored.remove(place);
                    let edge_id = if let Cell::Int(edge_id) = row[shape.edge] { Some(edge_id) } else { None };
                    Edit::Overtaken { edge_id, why }
                }
                None => edit,
            },
            Edit::Unusable { .. } | Edit::Overtaken { .. } => edit,
        });
        Ok(edits.collect())
    }
}

/// Why an edit of an edge is of no effect any more; `None` when Lehr's row is what the mirror was given.
fn overtaken(position: &Position, table: &Table, edge: i64, row: Option<&[Cell]>) -> Option<&'static str> {
    let Some(row) = row else { return Some("Lehr has removed the edge since") };
    let cells = table.columns.iter().zip(row);
    let properties: Properties = cells.map(|(column, cell)| (column.name.to_owned(), cell.clone())).collect();
    let same = position.written.get(&edge) == Some(&hash(&not_null(&properties), &position.columns));
    (!same).then_some("Lehr has changed the edge since")
}

/// Whether a row is the edge that was drawn by hand, whatever else it says.
fn is_drawn(table: &Table, shape: Shape, row: &[Cell], edge: &Edge) -> bool {
    let is = |place: usize, text: &str| matches!(&row[place], Cell::Text(cell) if cell == text);
    let direction = table.columns.iter().position(|column| column.name == DIRECTION);
    is(shape.cause, &edge.cause)
        && is(shape.effect, &edge.effect)
        && direction.is_none_or(|place| is(place, &edge.direction))
}

/// Holds the mirror against `rows` of `table`, Lehr's table of edges: cells in order of columns. Bounded in time.
pub async fn drift(config: &Config, table: &Table, rows: &[Vec<Cell>]) -> Result<Vec<Drift>, TargetError> {
    Seen::of(config).await?.drift(table, rows)
}

/// What was edited by hand and not overwritten since, in order of edges. Bounded in time.
pub async fn edits(config: &Config) -> Result<Vec<Edit>, TargetError> {
    Ok(Seen::of(config).await?.all_edits())
}

async fn look(config: &Config) -> Result<Mirror, TargetError> {
    let looked = tokio::time::timeout(LIMIT, async {
        let link = Link::open(config).await?;
        read(&link, &config.name).await
    });
    match looked.await {
        Ok(mirror) => mirror?.ok_or_else(|| TargetError::Away("the database mirrors nothing yet".to_owned())),
        Err(_) => Err(TargetError::Away(format!("{}: no answer within {} s", config.address(), LIMIT.as_secs()))),
    }
}

/// The mirror as it is; `None` before the first delta. Changes nothing.
pub(crate) async fn read(link: &Link, store: &str) -> Result<Option<Mirror>, TargetError> {
    let mut transaction = link.begin().await?;
    let Some(position) = Position::read(&mut transaction, store).await? else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let mirror = Mirror::read(&mut transaction, position).await?;
    transaction.rollback().await?;
    Ok(Some(mirror))
}

fn shape_of(table: &Table) -> Result<Shape, TargetError> {
    shape(table).map_err(|why| TargetError::Refused(format!("drift of {TABLE} {why}")))
}

fn by_number<'r>(table: &Table, rows: &'r [Vec<Cell>]) -> Result<BTreeMap<i64, &'r [Cell]>, TargetError> {
    let shape = shape_of(table)?;
    let numbered = rows.iter().map(|row| match row[shape.edge] {
        Cell::Int(edge) => Ok((edge, row.as_slice())),
        _ => Err(TargetError::Refused(format!("an edge lacks its number: {row:?}"))),
    });
    numbered.collect()
}

fn compare(mirror: &Mirror, table: &Table, rows: &[Vec<Cell>]) -> Result<Vec<Drift>, TargetError> {
    let lehrs = by_number(table, rows)?;
    let mut drifts = Vec::new();
    for edge in lehrs.keys().chain(mirror.position.written.keys()).collect::<BTreeSet<_>>() {
        let (row, found) = (lehrs.get(edge).copied(), mirror.edges.get(edge));
        let fields = differences(table, row, found);
        if fields.is_empty() {
            continue;
        }
        let what = match found {
            Some(found) if mirror.is_edited(found) => What::Edited,
            None if mirror.position.written.contains_key(edge) => What::Removed,
            _ => What::Behind,
        };
        drifts.push(drifted(Some(*edge), what, table, row, found, fields));
    }
    for found in &mirror.by_hand {
        let number = match found.get(EDGE) {
            Cell::Int(edge) => Some(*edge),
            _ => None,
        };
        let fields = differences(table, None, Some(found));
        drifts.push(drifted(number, What::Added, table, None, Some(found), fields));
    }
    Ok(drifts)
}

fn drifted(
    edge_id: Option<i64>,
    what: What,
    table: &Table,
    row: Option<&[Cell]>,
    found: Option<&Found>,
    fields: Vec<Difference>,
) -> Drift {
    let [cause, effect] = [CAUSE, EFFECT].map(|name| {
        let end = found.and_then(|found| end(found, name));
        let place = table.columns.iter().position(|column| column.name == name);
        match (end, row.zip(place).map(|(row, place)| &row[place])) {
            (Some(end), _) => end.to_owned(),
            (None, Some(Cell::Text(text))) => text.clone(),
            _ => String::new(),
        }
    });
    Drift { edge_id, cause, effect, what, fields }
}

/// Where it begins or ends.
fn end<'f>(found: &'f Found, name: &str) -> Option<&'f str> {
    if name == CAUSE { found.cause.as_deref() } else { found.effect.as_deref() }
}

/// Where a relationship begins and ends counts more than what it says of that.
fn differences(table: &Table, row: Option<&[Cell]>, found: Option<&Found>) -> Vec<Difference> {
    let columns = table.columns.iter().enumerate();
    let all = columns.map(|(place, column)| {
        let said = found.map_or(Cell::Null, |found| match column.name {
            name @ (CAUSE | EFFECT) => match end(found, name) {
                Some(end) if row.is_none_or(|row| row[place] != Cell::Text(end.to_owned())) => {
                    Cell::Text(end.to_owned())
                }
                _ => found.get(name).clone(),
            },
            name => found.get(name).clone(),
        });
        let lehr = row.map_or(Cell::Null, |row| row[place].clone());
        Difference { column: column.name.to_owned(), lehr, mirror: said }
    });
    all.filter(|field| !alike(&field.lehr, &field.mirror)).collect()
}

fn edits_in(mirror: &Mirror) -> Vec<Edit> {
    let changed =
        mirror.edges.iter().filter(|(_, found)| mirror.is_edited(found)).map(|(edge_id, found)| match edge_of(found) {
            Ok(edge) => Edit::Changed { edge_id: *edge_id, edge },
            Err(why) => Edit::Unusable { edge_id: Some(*edge_id), why },
        });
    let removed = mirror.removed().map(|edge_id| Edit::Removed { edge_id });
    let added = mirror.by_hand.iter().map(|found| match edge_of(found) {
        Ok(edge) => Edit::Added { edge },
        Err(why) => Edit::Unusable { edge_id: None, why },
    });
    changed.chain(removed).chain(added).collect()
}

fn edge_of(found: &Found) -> Result<Edge, String> {
    let shown = |end: &Option<String>| end.clone().unwrap_or_else(|| "?".to_owned());
    let title = format!("{} → {}", shown(&found.cause), shown(&found.effect));
    let joined = |name| {
        let end = end(found, name).ok_or_else(|| format!("{title}: the node of the {name} has no id that is text"))?;
        match found.get(name) {
            Cell::Null => Ok(end.to_owned()),
            Cell::Text(text) if text == end => Ok(end.to_owned()),
            _ => {
                Err(format!("{title}: {name} is another than the node: draw a relationship from and to the right ones"))
            }
        }
    };
    let (cause, effect) = (joined(CAUSE)?, joined(EFFECT)?);
    let number = |name: &str| match found.get(name) {
        Cell::Int(value) => Ok(Some(*value as f64)),
        Cell::Float(value) if value.is_finite() => Ok(Some(*value)),
        Cell::Null => Ok(None),
        _ => Err(format!("{title}: {name} must be a number")),
    };
    let needed = |name: &str| number(name)?.ok_or_else(|| format!("{title}: {name} is missing; it must be a number"));
    let text = |name: &str| match found.get(name) {
        Cell::Text(value) => Ok(value.clone()),
        Cell::Null => Ok(String::new()),
        _ => Err(format!("{title}: {name} must be text")),
    };
    let direction = text("direction")?;
    if !["high", "low", "variation"].contains(&direction.as_str()) {
        return Err(format!("{title}: direction is '{direction}'; it must be high, low or variation"));
    }
    Ok(Edge {
        cause,
        effect,
        direction,
        threshold: number("threshold")?,
        confidence: needed("confidence")?,
        lag_min_s: needed("lag_min_s")?,
        lag_max_s: needed("lag_max_s")?,
        mechanism: text("mechanism")?,
        advice: text("advice")?,
    })
}
