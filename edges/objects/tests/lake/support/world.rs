//! Random tables over ticks, all from a seed, and what a store that follows them must hold.

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_objects::{Config, Days, read};
use lehr_targets::{Change, Delta, Table, TableDelta};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows by what their keys are shown as.
type Rows = BTreeMap<String, Vec<Cell>>;

pub struct World {
    pub tables: Vec<Arc<Table>>,
    /// What each table has, per tick from 0 on.
    ticks: Vec<Vec<Rows>>,
}

/// The first tick.
pub const START: EventMs = EventMs(1_767_225_600_000);
/// Between two ticks: a day has ten.
pub const STEP_MS: i64 = 144 * 60_000;
const DAY_MS: i64 = 86_400_000;

fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, doc: "What's in it, 100 %." }
}

/// Keys of one and of several columns, null ones among them; times in the key and beside it, and none; and a log.
pub fn tables() -> Vec<Arc<Table>> {
    use ColumnType::{Bool, Float, Int, Text, Time};
    let all = vec![
        column("id", Int),
        column("flag", Bool),
        column("count", Int),
        column("value", Float),
        column("note", Text),
        column("at", Time),
        column("later", Time),
    ];
    let panes = vec![column("sensor", Text), column("start", Time), column("level", Float), column("mean", Float)];
    let order = vec![column("user", Text), column("group", Bool)];
    let readings = vec![column("sensor_id", Text), column("at", Time), column("revision", Int), column("value", Float)];
    let table = |name, columns, key, log| Arc::new(Table { name, doc: "One piece of 'ware'.", columns, key, log });
    vec![
        table("ware", all, 1, false),
        table("panes", panes, 3, false),
        table("order", order, 2, false),
        table("readings", readings, 3, true),
    ]
}

pub const TABLES: &str = "tables = [\"ware\", \"panes\", \"order\", \"readings\"]\n";

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
                    change(&mut rng, table, rows, World::now(Tick(tick)));
                }
            }
            history.push(now);
        }
        World { tables, ticks: history }
    }

    /// Nothing, then so many rows of a table, then nothing.
    pub fn large(seed: u64, count: usize) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tables = tables();
        let rows = (0..count).map(|id| {
            let mut row: Vec<Cell> = tables[0].columns.iter().map(|column| cell(&mut rng, column.kind)).collect();
            row[0] = Cell::Int(id as i64);
            row[5] = Cell::Time(EventMs(START.0 + (id % 5) as i64 * DAY_MS));
            (id.to_string(), row)
        });
        let full: Rows = rows.collect();
        let with = |rows| vec![rows, Rows::new(), Rows::new(), Rows::new()];
        World { tables: tables.clone(), ticks: vec![with(Rows::new()), with(full), with(Rows::new())] }
    }

    pub fn last(&self) -> Tick {
        Tick(self.ticks.len() as u64 - 1)
    }

    pub fn now(tick: Tick) -> EventMs {
        EventMs(START.0 + tick.0 as i64 * STEP_MS)
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

    /// Rows of a table at a tick, as they are shown, in order.
    pub fn rows(&self, table: &str, tick: Tick) -> Vec<String> {
        let at = self.tables.iter().position(|known| known.name == table).expect("a table");
        let mut rows: Vec<String> = self.ticks[tick.0 as usize][at].values().map(|row| shown(row)).collect();
        rows.sort();
        rows
    }

    /// Holds the store against the tick. Gives rows, and fails with what is lost and what is too much.
    pub async fn compare(&self, config: &Config, tick: Tick) -> usize {
        let mut count = 0;
        for table in &self.tables {
            let expected = self.rows(table.name, tick);
            let mut held = held(config, table, &Days::All).await;
            held.sort();
            let lost = expected.iter().filter(|row| held.binary_search(row).is_err()).count();
            let wrong = held.iter().filter(|row| expected.binary_search(row).is_err()).count();
            let duplicates = held.windows(2).filter(|pair| pair[0] == pair[1]).count();
            assert_eq!((lost, wrong, duplicates), (0, 0, 0), "{} at tick {}", table.name, tick.0);
            assert_eq!(held, expected);
            count += held.len();
        }
        count
    }
}

/// What is read, bit by bit.
pub async fn held(config: &Config, table: &Table, days: &Days) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in read(config, table.name, days).await.expect("it can be read") {
        let columns: Vec<_> =
            table.columns.iter().map(|column| batch.column_by_name(column.name).expect("there")).collect();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| cell_at(column.as_ref(), row)).collect::<Vec<_>>();
            rows.push(shown(&cells));
        }
    }
    rows
}

fn cell_at(column: &dyn Array, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    macro_rules! of {
        ($array:ty, |$value:ident| $cell:expr) => {
            if let Some(array) = column.as_any().downcast_ref::<$array>() {
                let $value = array.value(row);
                return $cell;
            }
        };
    }
    of!(BooleanArray, |value| Cell::Bool(value));
    of!(Int64Array, |value| Cell::Int(value));
    of!(Float64Array, |value| Cell::Float(value));
    of!(StringArray, |value| Cell::Text(value.to_owned()));
    of!(TimestampMillisecondArray, |value| Cell::Time(EventMs(value)));
    panic!("a column of {}", column.data_type())
}

/// A row as text, bit by bit.
pub fn shown(row: &[Cell]) -> String {
    let cells = row.iter().map(|cell| match cell {
        Cell::Null => "~".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => format!("{:016x}", value.to_bits()),
        Cell::Text(value) => value.bytes().map(|byte| format!("{byte:02x}")).collect(),
        Cell::Time(value) => format!("@{}", value.0),
    });
    cells.collect::<Vec<_>>().join(",")
}

fn change(rng: &mut impl Rng, table: &Table, rows: &mut Rows, now: EventMs) {
    if table.log {
        // Mostly of now, at times late.
        let at = EventMs(now.0 - if rng.random_bool(0.1) { 3 * DAY_MS } else { 0 });
        let sensor = Cell::Text(format!("s{}", rng.random_range(0..30)));
        let row = vec![sensor, Cell::Time(at), Cell::Int(rng.random_range(0..2)), cell(rng, ColumnType::Float)];
        rows.entry(shown(table.key_of(&row))).or_insert(row);
        return;
    }
    if !rows.is_empty() && rng.random_bool(0.3) {
        let key = rows.keys().nth(rng.random_range(0..rows.len())).expect("in range").clone();
        rows.remove(&key);
        return;
    }
    let mut row: Vec<Cell> = table.columns.iter().map(|column| cell(rng, column.kind)).collect();
    for (place, column) in table.columns.iter().enumerate().take(table.key) {
        row[place] = key_cell(rng, column.kind);
    }
    rows.insert(shown(table.key_of(&row)), row);
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
        ColumnType::Text if number == 0 => Cell::Text("long ".repeat(800)),
        ColumnType::Text => Cell::Text(format!("s{}", number % 5)),
        ColumnType::Time => Cell::Time(EventMs(START.0 + number % 4 * DAY_MS)),
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
            let mut parts = ["\0", "'", "\"", "\\", "\t", "\n", "{", ",", "NULL", "µ°", "🔥", "a", ""];
            parts.shuffle(rng);
            Cell::Text(parts[..rng.random_range(0..parts.len())].concat())
        }
        ColumnType::Time => {
            let near = START.0 + rng.random_range(0..4) * DAY_MS;
            Cell::Time(EventMs(*[-1, i64::MAX, i64::MIN, near, near, near].choose(rng).expect("some")))
        }
    }
}
