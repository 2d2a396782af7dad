//! Holds a store against what it must have.

use super::server::Server;
use super::world::World;
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_targets::{cell_to_json, row_to_json};
use serde_json::Value;
use std::collections::BTreeMap;

/// Fails with what is lost and what is too much. Gives rows, and entries of logs.
pub fn compare(world: &World, server: &Server, tick: Tick) -> (usize, usize) {
    let position = server.cli(&["HMGET", "lehr:position", "tick", "now"]);
    // A store that holds nothing has no time.
    let now = (tick > Tick(0)).then(|| World::now(tick).to_string());
    let expected: Vec<String> = [tick.0.to_string()].into_iter().chain(now).collect();
    assert_eq!(position, expected, "the position");
    let (mut count, mut entries) = (0, 0);
    for (table, rows) in world.at(tick) {
        if table.log {
            entries += compare_log(server, table.name, rows.values(), tick);
            continue;
        }
        // As texts: not every parser reads a number back bit by bit.
        let text = |row: &Vec<Cell>| Value::Object(row_to_json(table, row)).to_string();
        let expected: BTreeMap<String, String> = rows.iter().map(|(key, row)| (key.clone(), text(row))).collect();
        let held = hash(server, &format!("lehr:{}", table.name));
        let lost = expected.keys().filter(|key| !held.contains_key(*key)).count();
        let wrong = held.iter().filter(|(key, row)| expected.get(*key) != Some(row)).count();
        assert_eq!((lost, wrong), (0, 0), "{} at tick {}", table.name, tick.0);
        count += held.len();
    }
    (count, entries)
}

fn hash(server: &Server, key: &str) -> BTreeMap<String, String> {
    // JSON has no line breaks of its own.
    let lines = server.cli(&["HGETALL", key]);
    let held: BTreeMap<String, String> = lines.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    assert_eq!(held.len() * 2, lines.len());
    held
}

/// Each reading once, and per sensor in order of ticks.
fn compare_log<'r>(server: &Server, table: &str, rows: impl Iterator<Item = &'r Vec<Cell>>, tick: Tick) -> usize {
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let Cell::Text(sensor) = &row[0] else { panic!("{row:?}") };
        let said: Vec<String> = row[1..]
            .iter()
            .map(|cell| match cell_to_json(cell) {
                Value::String(text) => text,
                other => other.to_string(),
            })
            .collect();
        expected.entry(sensor.clone()).or_default().push(said.join("|"));
    }
    let mut streams = server.cli(&["SMEMBERS", &format!("lehr:{table}")]);
    streams.sort();
    assert_eq!(streams, expected.keys().cloned().collect::<Vec<_>>(), "streams at tick {}", tick.0);
    let mut count = 0;
    for (sensor, mut rows) in expected {
        let lines = server.cli(&["XRANGE", &format!("lehr:{table}:{sensor}"), "-", "+"]);
        let mut held: Vec<String> = lines
            .chunks_exact(9)
            .map(|entry| {
                assert_eq!([&entry[1], &entry[3], &entry[5], &entry[7]], ["at", "revision", "value", "status"]);
                [&entry[2], &entry[4], &entry[6], &entry[8]].map(String::as_str).join("|")
            })
            .collect();
        assert_eq!(held.len() * 9, lines.len());
        rows.sort();
        held.sort();
        assert_eq!(held, rows, "{sensor} at tick {}", tick.0);
        count += held.len();
    }
    count
}
