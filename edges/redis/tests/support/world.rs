//! Random tables over ticks, all from a seed, and what a store that follows them must hold.

use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_targets::{Change, Delta, Table, TableDelta, cell_to_json};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows by the cells of their keys, as JSON.
pub type Rows = BTreeMap<String, Vec<Cell>>;

pub struct World {
    pub tables: Vec<Arc<Table>>,
    /// What each table has, per tick from 0 on. Of a log, what it has had added.
    ticks: Vec<Vec<Rows>>,
}

fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, doc: "What's in it, 100 %." }
}

/// Keys of one and of several columns, null ones among them; and a log of the shape of readings.
pub fn tables() -> Vec<Arc<Table>> {
    use ColumnType::{Bool, Float, Int, Text, Time};
    let ware = vec![
        column("id", Int),
        column("flag", Bool),
        column("count", Int),
        column("value", Float),
        column("note", Text),
        column("at", Time),
    ];
    let panes = vec![column("sensor", Text), column("start", Time), column("level", Float), column("mean", Float)];
    let readings = vec![
        column("sensor_id", Text),
        column("at", Time),
        column("revision", Int),
        column("value", Float),
        column("status", Text),
    ];
    let table = |name, columns, key, log| Arc::new(Table { name, doc: "One piece of 'ware'.", columns, key, log });
    vec![table("ware", ware, 1, false), table("panes", panes, 3, false), table("readings", readings, 3, true)]
}

pub fn key(table: &Table, row: &[Cell]) -> String {
    Value::Array(table.key_of(row).iter().map(cell_to_json).collect()).to_string()
}

impl World {
    /// Of so many ticks behind 0, each of which changes up to `changes` rows of a table.
    pub fn new(seed: u64, ticks: u64, changes: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tables = tables();
        let mut history: Vec<Vec<Rows>> = vec![vec![Rows::new(); tables.len()]];
        for tick in 1..=ticks {
            let mut now = history.last().expect("tick 0").clone();
            for (table, rows) in tables.iter().zip(&mut now) {
                for _ in 0..rng.random_range(0..=changes) {
                    match table.log {
                        true => read(&mut rng, tick, table, rows),
                        false => change(&mut rng, table, rows),
                    }
                }
            }
            history.push(now);
        }
        World { tables, ticks: history }
    }

    /// Nothing, then so many rows of a table and entries of a log, then no rows.
    pub fn large(seed: u64, count: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tables = tables();
        let mut ware = Rows::new();
        for id in 0..count {
            let mut row: Vec<Cell> = tables[0].columns.iter().map(|column| cell(&mut rng, column.kind)).collect();
            row[0] = Cell::Int(id as i64);
            ware.insert(key(&tables[0], &row), row);
        }
        let mut log = Rows::new();
        for at in 0..count as i64 {
            let row = vec![
                Cell::Text(format!("Line_A.sensor_{}", at % 20)),
                Cell::Time(EventMs(1_767_225_600_000 + at)),
                Cell::Int(1),
                Cell::Float(at as f64),
                Cell::Text("good".to_owned()),
            ];
            log.insert(key(&tables[2], &row), row);
        }
        let with = |rows: &Rows, log: &Rows| vec![rows.clone(), Rows::new(), log.clone()];
        let none = Rows::new();
        World { tables, ticks: vec![with(&none, &none), with(&ware, &log), with(&none, &log)] }
    }

    pub fn last(&self) -> Tick {
        Tick(self.ticks.len() as u64 - 1)
    }

    pub fn now(tick: Tick) -> EventMs {
        EventMs(1_767_225_600_000 + tick.0 as i64 * 250)
    }

    /// What the tables have at a tick.
    pub fn at(&self, tick: Tick) -> impl Iterator<Item = (&Arc<Table>, &Rows)> {
        self.tables.iter().zip(&self.ticks[tick.0 as usize])
    }

    pub fn delta(&self, after: Tick, tick: Tick) -> Delta {
        let (old, new) = (&self.ticks[after.0 as usize], &self.ticks[tick.0 as usize]);
        let tables = self.tables.iter().zip(old.iter().zip(new)).filter_map(|(table, (old, new))| {
            let differs = |one: &Rows, other: &Rows| {
                let rows =
                    one.iter().filter(|(key, row)| other.get(*key).is_none_or(|other| shown(other) != shown(row)));
                rows.map(|(_, row)| row.clone()).collect::<Vec<_>>()
            };
            let gone = differs(old, new).into_iter().map(|row| Change { appeared: false, row });
            let come = differs(new, old).into_iter().map(|row| Change { appeared: true, row });
            let changes: Vec<Change> = gone.chain(come).collect();
            (!changes.is_empty()).then(|| TableDelta { table: table.clone(), changes })
        });
        Delta { after, tick, now: World::now(tick), tables: tables.collect() }
    }
}

/// Bit by bit.
fn shown(row: &[Cell]) -> String {
    let cells = row.iter().map(|cell| match cell {
        Cell::Float(value) => format!("{:016x}", value.to_bits()),
        other => format!("{other:?}"),
    });
    cells.collect::<Vec<_>>().join(",")
}

/// A reading of the tick: one of a sensor and a time.
fn read(rng: &mut impl Rng, tick: u64, table: &Table, rows: &mut Rows) {
    let at = 1_767_225_600_000 + tick as i64 * 250 + rng.random_range(0..250_i64);
    let row = vec![
        Cell::Text(format!("Line A/{}.speed,=", rng.random_range(0..3))),
        Cell::Time(EventMs(at)),
        Cell::Int(at % 2),
        Cell::Float(rng.random_range(-1_000_000..1_000_000_i64) as f64 / 1000.0),
        Cell::Text(["good", "uncertain", "bad"].choose(rng).expect("some").to_string()),
    ];
    rows.entry(key(table, &row)).or_insert(row);
}

fn change(rng: &mut impl Rng, table: &Table, rows: &mut Rows) {
    if !rows.is_empty() && rng.random_bool(0.3) {
        let key = rows.keys().nth(rng.random_range(0..rows.len())).expect("in range").clone();
        rows.remove(&key);
        return;
    }
    let mut row: Vec<Cell> = table.columns.iter().map(|column| cell(rng, column.kind)).collect();
    for (place, column) in table.columns.iter().enumerate().take(table.key) {
        row[place] = key_cell(rng, column.kind);
    }
    rows.insert(key(table, &row), row);
}

/// Few values, so that rows change and come again.
fn key_cell(rng: &mut impl Rng, kind: ColumnType) -> Cell {
    if rng.random_bool(0.1) {
        return Cell::Null;
    }
    let number = rng.random_range(0..40_i64);
    match kind {
        ColumnType::Bool => Cell::Bool(number % 2 == 0),
        ColumnType::Int => Cell::Int(number),
        ColumnType::Float => Cell::Float((number % 3) as f64 - 0.5),
        ColumnType::Text if number == 0 => Cell::Text("x".repeat(4000)),
        ColumnType::Text => Cell::Text(format!("s/{} +#%=,", number % 5)),
        ColumnType::Time => Cell::Time(EventMs(number * 1000)),
    }
}

fn cell(rng: &mut impl Rng, kind: ColumnType) -> Cell {
    if rng.random_bool(0.15) {
        return Cell::Null;
    }
    match kind {
        ColumnType::Bool => Cell::Bool(rng.random()),
        ColumnType::Int => Cell::Int(*[0, -1, i64::MAX, i64::MIN, rng.random()].choose(rng).expect("some")),
        ColumnType::Float => {
            let finite = f64::from_bits(rng.random::<u64>() >> 2);
            let values = [0.0, -0.0, 0.1, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, finite];
            Cell::Float(*values.choose(rng).expect("some"))
        }
        ColumnType::Text => {
            let mut parts = ["\0", "'", "\"", "\\", "\t", "\n", "\r\n", "{", "}", ",", "=", " ", "µ°", "🔥", "a", ""];
            parts.shuffle(rng);
            Cell::Text(parts[..rng.random_range(0..parts.len())].concat())
        }
        ColumnType::Time => {
            let any = rng.random_range(-62_135_596_800_000..253_402_300_800_000_i64);
            Cell::Time(EventMs(*[0, -1, any].choose(rng).expect("some")))
        }
    }
}
