//! Random tables over ticks, all from a seed, and what a store that follows them must hold.

use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_targets::{Change, Delta, Table, TableDelta};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A store, as another program than Lehr reads it.
pub trait Store {
    /// What it says it holds, and of when that is.
    fn position(&self) -> (Tick, EventMs);
    fn rows(&self, table: &Table) -> Vec<String>;
    /// A row as `rows` gives it, bit by bit.
    fn shown(&self, row: &[Cell]) -> String;
}

/// Rows by what their keys are written as.
type Rows = BTreeMap<String, Vec<Cell>>;

pub struct World {
    pub tables: Vec<Arc<Table>>,
    /// What each table has, per tick from 0 on.
    ticks: Vec<Vec<Rows>>,
}

fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, doc: "What's in it, 100 %." }
}

/// Keys of one and of several columns, null ones among them; a name that SQL reserves.
pub fn tables() -> Vec<Arc<Table>> {
    use ColumnType::{Bool, Float, Int, Text, Time};
    let all = vec![
        column("id", Int),
        column("flag", Bool),
        column("count", Int),
        column("value", Float),
        column("note", Text),
        column("at", Time),
    ];
    let panes = vec![column("sensor", Text), column("start", Time), column("level", Float), column("mean", Float)];
    let order = vec![column("user", Text), column("group", Bool)];
    let table = |name, columns, key| Arc::new(Table { name, doc: "One piece of 'ware'.", columns, key, log: false });
    vec![table("ware", all, 1), table("panes", panes, 3), table("order", order, 2)]
}

impl World {
    /// Of so many ticks behind 0, each of which changes up to `changes` rows of a table.
    pub fn new(seed: u64, ticks: u64, changes: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tables = tables();
        let mut history: Vec<Vec<Rows>> = vec![vec![Rows::new(); tables.len()]];
        for _ in 0..ticks {
            let mut now = history.last().expect("tick 0").clone();
            for (table, rows) in tables.iter().zip(&mut now) {
                for _ in 0..rng.random_range(0..=changes) {
                    change(&mut rng, table, rows);
                }
            }
            history.push(now);
        }
        World { tables, ticks: history }
    }

    /// Nothing, then so many rows of a table, then nothing, then one of them.
    pub fn large(seed: u64, count: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tables = tables();
        let rows = (0..count).map(|id| {
            let mut row: Vec<Cell> = tables[0].columns.iter().map(|column| cell(&mut rng, column.kind)).collect();
            row[0] = Cell::Int(id as i64);
            (id.to_string(), row)
        });
        let full: Rows = rows.collect();
        let one = full.iter().take(1).map(|(key, row)| (key.clone(), row.clone())).collect();
        let ticks = [Rows::new(), full, Rows::new(), one];
        World { tables, ticks: ticks.map(|rows| vec![rows, Rows::new(), Rows::new()]).into() }
    }

    pub fn last(&self) -> Tick {
        Tick(self.ticks.len() as u64 - 1)
    }

    pub fn now(tick: Tick) -> EventMs {
        EventMs(1_767_225_600_000 + tick.0 as i64 * 250)
    }

    pub fn delta(&self, after: Tick, tick: Tick) -> Delta {
        let (old, new) = (&self.ticks[after.0 as usize], &self.ticks[tick.0 as usize]);
        let tables = self.tables.iter().zip(old.iter().zip(new)).filter_map(|(table, (old, new))| {
            let differs = |one: &Rows, other: &Rows| {
                let rows =
                    one.iter().filter(|(key, row)| other.get(*key).is_none_or(|other| written(other) != written(row)));
                rows.map(|(_, row)| row.clone()).collect::<Vec<_>>()
            };
            let gone = differs(old, new).into_iter().map(|row| Change { appeared: false, row });
            let come = differs(new, old).into_iter().map(|row| Change { appeared: true, row });
            let changes: Vec<Change> = gone.chain(come).collect();
            (!changes.is_empty()).then(|| TableDelta { table: table.clone(), changes })
        });
        Delta { after, tick, now: World::now(tick), tables: tables.collect() }
    }

    /// Holds the store against the tick. Gives rows, and fails with what is lost and what is too much.
    pub fn compare(&self, store: &impl Store, tick: Tick) -> usize {
        let (holds, now) = store.position();
        // At tick 0 nothing has been sent.
        assert!(holds == tick && (tick == Tick(0) || now == World::now(tick)), "{holds:?} of {now:?}, not {tick:?}");
        let mut count = 0;
        for (table, rows) in self.tables.iter().zip(&self.ticks[tick.0 as usize]) {
            let mut expected: Vec<String> = rows.values().map(|row| store.shown(row)).collect();
            let mut held = store.rows(table);
            expected.sort();
            held.sort();
            let lost: Vec<_> = expected.iter().filter(|row| held.binary_search(row).is_err()).collect();
            let wrong: Vec<_> = held.iter().filter(|row| expected.binary_search(row).is_err()).collect();
            let duplicates = held.windows(2).filter(|pair| pair[0] == pair[1]).count();
            let differs = !lost.is_empty() || !wrong.is_empty() || duplicates > 0;
            assert!(!differs, "{} at {tick:?}: lost {lost:?}, wrong {wrong:?}, twice {duplicates}", table.name);
            assert_eq!(held, expected);
            count += held.len();
        }
        count
    }
}

/// Rows that differ in a bit differ.
fn written(row: &[Cell]) -> String {
    format!("{row:?}")
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
    rows.insert(written(table.key_of(&row)), row);
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
        // Longer than an index takes.
        ColumnType::Text if number == 0 => {
            Cell::Text((0..4000).map(|at| char::from(b'!' + (at * at % 89) as u8)).collect())
        }
        ColumnType::Text => Cell::Text(format!("s{}", number % 5)),
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
            let values =
                [0.0, -0.0, 0.1, f64::MAX, f64::MIN_POSITIVE / 3.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, finite];
            Cell::Float(*values.choose(rng).expect("some"))
        }
        ColumnType::Text => {
            let mut parts =
                ["\0", "'", "\"", "\\N", "\\", "\t", "\n", "{", "}", ",", "NULL", "$1", "µ°", "🔥", "a", ""];
            parts.shuffle(rng);
            Cell::Text(parts[..rng.random_range(0..parts.len())].concat())
        }
        ColumnType::Time => {
            let any = rng.random_range(-62_135_596_800_000..253_402_300_800_000_i64);
            Cell::Time(EventMs(*[0, -1, i64::MAX, i64::MIN, any].choose(rng).expect("some")))
        }
    }
}
