//! Random edges over ticks, all from a seed, and what a mirror that follows them must hold.

use super::seen::Seen;
use super::server::Server;
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_targets::{Change, Delta, Table, TableDelta};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows by their first cell.
pub type Rows = BTreeMap<i64, Vec<Cell>>;

pub struct World {
    /// Edges, and a table that is none of the mirror's business.
    pub tables: Vec<Arc<Table>>,
    /// What each table has, per tick from 0 on.
    ticks: Vec<[Rows; 2]>,
}

fn table(name: &'static str, columns: &[(&'static str, ColumnType)]) -> Arc<Table> {
    let columns = columns.iter().map(|(name, kind)| Column { name, kind: *kind, doc: "What's in it." }).collect();
    Arc::new(Table { name, doc: "One of them.", columns, key: 1, log: false })
}

pub fn tables() -> Vec<Arc<Table>> {
    use ColumnType::{Float, Int, Text};
    let ware = table("ware", &[("id", Int), ("weight", Float)]);
    let edges = [
        ("edge_id", Int),
        ("cause", Text),
        ("effect", Text),
        ("direction", Text),
        ("threshold", Float),
        ("confidence", Float),
        ("lag_min_s", Float),
        ("lag_max_s", Float),
        ("mechanism", Text),
        ("advice", Text),
    ];
    vec![ware, table("edges", &edges)]
}

pub fn edge(id: i64, cause: &str, effect: &str, direction: &str, confidence: f64) -> Vec<Cell> {
    let text = |value: &str| Cell::Text(value.to_owned());
    vec![
        Cell::Int(id),
        text(cause),
        text(effect),
        text(direction),
        Cell::Float(1600.0),
        Cell::Float(confidence),
        Cell::Float(900.0),
        Cell::Float(1800.0),
        text("thermal stress"),
        text("lower it"),
    ]
}

impl World {
    /// Of so many ticks behind 0, some of which change up to `changes` edges.
    pub fn new(seed: u64, ticks: u64, changes: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut history: Vec<[Rows; 2]> = vec![Default::default()];
        for tick in 0..ticks {
            let mut now = history.last().expect("tick 0").clone();
            now[0].insert(tick as i64 % 5, vec![Cell::Int(tick as i64 % 5), Cell::Float(tick as f64)]);
            for _ in 0..rng.random_range(0..=changes) {
                change(&mut rng, &mut now[1]);
            }
            history.push(now);
        }
        World { tables: tables(), ticks: history }
    }

    /// These edges, tick for tick, after none.
    pub fn of(ticks: &[&[Vec<Cell>]]) -> World {
        let rows = |rows: &[Vec<Cell>]| -> Rows {
            let numbered = rows.iter().map(|row| match row[0] {
                Cell::Int(id) => (id, row.clone()),
                _ => panic!("a number"),
            });
            numbered.collect()
        };
        let ticks = std::iter::once(&[][..]).chain(ticks.iter().copied()).map(|edges| [Rows::new(), rows(edges)]);
        World { tables: tables(), ticks: ticks.collect() }
    }

    /// Many edges, then none.
    pub fn large(seed: u64, count: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let full: Rows = (0..count as i64).map(|id| (id, random_edge(&mut rng, id, 300))).collect();
        World { tables: tables(), ticks: vec![Default::default(), [Rows::new(), full], Default::default()] }
    }

    pub fn last(&self) -> Tick {
        Tick(self.ticks.len() as u64 - 1)
    }

    pub fn now(tick: Tick) -> EventMs {
        EventMs(1_767_225_600_000 + tick.0 as i64 * 250)
    }

    pub fn edges(&self, tick: Tick) -> Vec<Vec<Cell>> {
        self.ticks[tick.0 as usize][1].values().cloned().collect()
    }

    pub fn delta(&self, after: Tick, tick: Tick) -> Delta {
        let (old, new) = (&self.ticks[after.0 as usize], &self.ticks[tick.0 as usize]);
        let tables = self.tables.iter().zip(old.iter().zip(new)).filter_map(|(table, (old, new))| {
            let differs = |one: &Rows, other: &Rows| {
                let rows = one.iter().filter(|(key, row)| other.get(*key) != Some(*row));
                rows.map(|(_, row)| row.clone()).collect::<Vec<_>>()
            };
            let gone = differs(old, new).into_iter().map(|row| Change { appeared: false, row });
            let come = differs(new, old).into_iter().map(|row| Change { appeared: true, row });
            let changes: Vec<Change> = gone.chain(come).collect();
            (!changes.is_empty()).then(|| TableDelta { table: table.clone(), changes })
        });
        Delta { after, tick, now: World::now(tick), tables: tables.collect() }
    }

    /// Holds the mirror against the tick. Gives relationships, and fails with what is lost and what is too much.
    pub async fn compare(&self, server: &Server, tick: Tick) -> usize {
        self.hold_against(&Seen::of(server).await, tick)
    }

    /// As `compare` does, with what was seen before.
    pub fn hold_against(&self, seen: &Seen, tick: Tick) -> usize {
        let now = (tick > Tick(0)).then(|| World::now(tick).to_string());
        assert_eq!(seen.positions, [("graph".to_owned(), tick, now)]);
        let edges = &self.ticks[tick.0 as usize][1];
        let mut expected: Vec<String> = edges.values().map(|row| self.shown(row)).collect();
        expected.sort();
        let held = &seen.edges;
        let lost = expected.iter().filter(|row| held.binary_search(row).is_err()).count();
        let wrong = held.iter().filter(|row| expected.binary_search(row).is_err()).count();
        let duplicates = held.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert_eq!((lost, wrong, duplicates), (0, 0, 0), "at tick {}: {expected:#?} {held:#?}", tick.0);
        assert_eq!(*held, expected);
        let ends = edges.values().flat_map(|row| [text(&row[1]), text(&row[2])]);
        let ends: BTreeSet<String> = ends.collect();
        // Each once.
        assert_eq!(seen.nodes, Vec::from_iter(ends), "nodes at tick {}", tick.0);
        held.len()
    }

    fn shown(&self, row: &[Cell]) -> String {
        let cells = self.tables[1].columns.iter().zip(row).filter(|(_, cell)| **cell != Cell::Null);
        let cells: BTreeMap<&str, String> = cells.map(|(column, cell)| (column.name, format!("{cell:?}"))).collect();
        format!("({})-[LEADS_TO {cells:?}]->({})", text(&row[1]), text(&row[2]))
    }
}

fn text(cell: &Cell) -> String {
    if let Cell::Text(text) = cell { text.clone() } else { panic!("text") }
}

/// Few edges and nodes, so that edges change, go and come again, and nodes lose their last one.
fn change(rng: &mut impl Rng, rows: &mut Rows) {
    let id = rng.random_range(0..25);
    if rng.random_bool(0.35) {
        rows.remove(&id);
        return;
    }
    match rows.get_mut(&id).filter(|_| rng.random_bool(0.6)) {
        Some(row) => row[5] = Cell::Float(f64::from(rng.random_range(0..=1000)) / 1000.0),
        None => drop(rows.insert(id, random_edge(rng, id, 12))),
    }
}

fn random_edge(rng: &mut impl Rng, id: i64, nodes: usize) -> Vec<Cell> {
    let from = rng.random_range(0..nodes);
    let to = rng.random_range(from + 1..=nodes);
    let name = |place: usize| match place {
        0 => "furnace_burner".to_owned(),
        place if place == nodes => "crack".to_owned(),
        place => format!("parameter_{place} µ'\"\\"),
    };
    let mut row = edge(id, &name(from), &name(to), ["high", "low", "variation"].choose(rng).expect("some"), 0.0);
    row[4] = if rng.random_bool(0.3) { Cell::Null } else { Cell::Float(rng.random_range(-1e6..1e6)) };
    row[5] = Cell::Float(f64::from(rng.random_range(0..=1000)) / 1000.0);
    row[6] = Cell::Float(f64::from(rng.random_range(0..=1000)));
    let mut parts = ["'", "\"", "\\", "\n", "{", "}", "$rows", "µ°", "🔥", "a", "", "//"];
    parts.shuffle(rng);
    row[8] = Cell::Text(parts[..rng.random_range(0..parts.len())].concat());
    row
}
