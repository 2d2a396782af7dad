//! Tables that change with every tick, all by a seed: what a store must hold.

use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_targets::{Change, Delta, Table, TableDelta};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One step of SplitMix64.
pub fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Keys of a table.
const KEYS: u64 = 40;
/// Changes of a table at a tick, at most.
const CHANGES: u64 = 12;
/// Sensors of the log, each with a row a tick.
const SENSORS: u64 = 3;

pub fn tables() -> Vec<Arc<Table>> {
    let column = |name, kind| Column { name, kind, doc: "" };
    let wares = vec![
        column("line", ColumnType::Text),
        column("number", ColumnType::Int),
        column("weight", ColumnType::Float),
        column("since", ColumnType::Time),
    ];
    let alarms =
        vec![column("id", ColumnType::Text), column("open", ColumnType::Bool), column("note", ColumnType::Text)];
    let readings = vec![
        column("sensor_id", ColumnType::Text),
        column("at", ColumnType::Time),
        column("revision", ColumnType::Int),
        column("value", ColumnType::Float),
    ];
    vec![
        Arc::new(Table { name: "wares", doc: "", columns: wares, key: 2, log: false }),
        Arc::new(Table { name: "alarms", doc: "", columns: alarms, key: 1, log: false }),
        Arc::new(Table { name: "readings", doc: "", columns: readings, key: 3, log: true }),
    ]
}

/// What there is at a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub seed: u64,
    pub tick: u64,
    /// Of each table that is no log, by the number of their key.
    pub rows: [BTreeMap<u64, Vec<Cell>>; 2],
}

impl World {
    pub fn new(seed: u64) -> World {
        World { seed, tick: 0, rows: Default::default() }
    }

    pub fn at(seed: u64, tick: u64) -> World {
        let mut world = World::new(seed);
        (0..tick).for_each(|_| world.step());
        world
    }

    /// Rows that the log gets at a tick.
    pub fn logged(seed: u64, tick: u64) -> impl Iterator<Item = Vec<Cell>> {
        (0..SENSORS).map(move |sensor| {
            let value = mix(seed ^ mix(tick) ^ sensor) % 1000;
            vec![
                Cell::Text(format!("s{sensor}")),
                Cell::Time(EventMs(tick as i64 * 1000)),
                Cell::Int(0),
                Cell::Float(value as f64 / 8.0),
            ]
        })
    }

    pub fn step(&mut self) {
        self.tick += 1;
        let mut state = mix(self.seed ^ mix(self.tick));
        let mut draw = |bound: u64| {
            state = mix(state);
            state % bound
        };
        for (table, rows) in self.rows.iter_mut().enumerate() {
            for _ in 0..draw(CHANGES) {
                let key = draw(KEYS);
                match draw(4) {
                    0 => drop(rows.remove(&key)),
                    _ => drop(rows.insert(key, row(table, key, draw(1000), self.tick))),
                }
            }
        }
    }
}

fn row(table: usize, key: u64, value: u64, tick: u64) -> Vec<Cell> {
    match table {
        0 => vec![
            Cell::Text(format!("Line \"{}\"", key % 3)),
            Cell::Int(key as i64),
            Cell::Float(value as f64 / 8.0),
            Cell::Time(EventMs(tick as i64 * 1000)),
        ],
        _ => {
            let note = if value.is_multiple_of(5) { Cell::Null } else { Cell::Text(format!("ü{value}\n{tick}")) };
            vec![Cell::Text(format!("{key:04x}")), Cell::Bool(value.is_multiple_of(2)), note]
        }
    }
}

/// What changed from one to the other.
pub fn delta(from: &World, to: &World) -> Delta {
    let changes = |table: usize| {
        let (before, after) = (&from.rows[table], &to.rows[table]);
        let gone = before.iter().filter(|(key, row)| after.get(key) != Some(row));
        let come = after.iter().filter(|(key, row)| before.get(key) != Some(row));
        let gone = gone.map(|(_, row)| Change { appeared: false, row: row.clone() });
        gone.chain(come.map(|(_, row)| Change { appeared: true, row: row.clone() })).collect::<Vec<Change>>()
    };
    let logged = (from.tick + 1..=to.tick).flat_map(|tick| World::logged(to.seed, tick));
    let logged = logged.map(|row| Change { appeared: true, row }).collect();
    let changes = [changes(0), changes(1), logged];
    let tables = tables().into_iter().zip(changes).map(|(table, changes)| TableDelta { table, changes });
    Delta {
        after: Tick(from.tick),
        tick: Tick(to.tick),
        now: EventMs(to.tick as i64 * 1000),
        tables: tables.filter(|table| !table.changes.is_empty()).collect(),
    }
}
