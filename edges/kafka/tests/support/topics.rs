//! Tables in topics, held against what they must be.

use super::model::{World, tables};
use super::{DEADLINE, Reached, records};
use lehr_kafka::store::Config;
use lehr_targets::{TableDelta, Target, cell_to_json, row_to_json};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub fn config(brokers: &(impl Reached + ?Sized), transactions: bool) -> Config {
    let bootstrap: Vec<String> = brokers.bootstrap().split(',').map(str::to_owned).collect();
    let config: Config = toml::from_str(&format!(
        "name = \"log\"\nbootstrap = {bootstrap:?}\ntransactions = {transactions}\ntimeout_s = 5\n\
         tables = [\"wares\", \"alarms\", \"readings\"]"
    ))
    .unwrap();
    config.check(&tables()).unwrap();
    config
}

/// The last value of each key, and how many records there are.
pub fn folded(brokers: &(impl Reached + ?Sized), topic: &str) -> (BTreeMap<String, Value>, usize) {
    let all = records(&brokers.bootstrap(), topic);
    let count = all.len();
    let mut last = BTreeMap::new();
    for (_, key, value) in all {
        match value {
            Some(value) => last.insert(key, serde_json::from_str(&value).unwrap()),
            None => last.remove(&key),
        };
    }
    (last, count)
}

/// Records that changes come to: one for each key, or of a log one for each row.
pub fn records_of(delta: &TableDelta) -> usize {
    let key = |row| delta.table.key_of(row).iter().map(|cell| cell_to_json(cell).to_string()).collect::<Vec<_>>();
    match delta.table.log {
        true => delta.changes.len(),
        false => delta.changes.iter().map(|change| key(&change.row)).collect::<BTreeSet<_>>().len(),
    }
}

/// What a world must look like.
fn expected(world: &World, place: usize) -> BTreeMap<String, Value> {
    let table = &tables()[place];
    let key = |row| Value::Array(table.key_of(row).iter().map(cell_to_json).collect()).to_string();
    world.rows[place].values().map(|row| (key(row), Value::Object(row_to_json(table, row)))).collect()
}

/// What arrived, after having held it against the world.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrived {
    pub records: usize,
    /// Rows of the log, each counted once.
    pub logged: usize,
    /// Rows of the log that are there once more.
    pub again: usize,
}

pub fn compared(brokers: &(impl Reached + ?Sized), world: &World) -> Arrived {
    let mut arrived = Arrived::default();
    for (place, table) in tables().iter().enumerate().filter(|(_, table)| !table.log) {
        let (found, records) = folded(brokers, &format!("lehr.{}", table.name));
        let expected = expected(world, place);
        assert!(!expected.is_empty(), "nothing to compare of {}", table.name);
        assert_eq!(found, expected, "{} at tick {}", table.name, world.tick);
        arrived.records += records;
    }
    let (position, _) = folded(brokers, "lehr.position");
    assert_eq!(position["position"]["tick"], world.tick);
    log_compared(brokers, world, &mut arrived);
    arrived
}

/// Each row is there, under its sensor; where the last of each are taken, in order of ticks.
fn log_compared(brokers: &(impl Reached + ?Sized), world: &World, arrived: &mut Arrived) {
    let table = tables().into_iter().find(|table| table.log).unwrap();
    let all = records(&brokers.bootstrap(), "lehr.readings");
    arrived.records += all.len();
    let mut last: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (place, (_, key, value)) in all.iter().enumerate() {
        let row: Value = serde_json::from_str(value.as_deref().expect("a log has no tombstones")).unwrap();
        last.insert((key.clone(), row.to_string()), place);
    }
    let wanted: Vec<(String, String)> = (1..=world.tick)
        .flat_map(|tick| World::logged(world.seed, tick))
        .map(|row| {
            (Value::from(vec![cell_to_json(&row[0])]).to_string(), Value::Object(row_to_json(&table, &row)).to_string())
        })
        .collect();
    let mut before: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &wanted {
        let place = *last.get(row).unwrap_or_else(|| panic!("lost: {row:?}"));
        let before = before.insert(&row.0, place);
        assert!(before.is_none_or(|before| before < place), "out of order: {row:?}");
    }
    assert_eq!(last.len(), wanted.len(), "rows that never were");
    arrived.logged = wanted.len();
    arrived.again = all.len() - wanted.len();
}

pub async fn connected(target: &mut dyn Target) -> u64 {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match target.connect(&tables()).await {
            Ok(holds) => return holds.unwrap().0,
            Err(error) => assert!(Instant::now() < deadline, "never connected: {error}"),
        }
    }
}
