//! Rows as messages. Pure.

use super::config::POSITION;
use crate::publisher::Message;
use lehr_domain::table::Cell;
use lehr_targets::{Delta, Table, TableDelta, cell_to_json, row_to_json};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt::Write;

/// What a delta comes to, in its order. Of a key that is there no more than its row, and an empty message of one that is not.
pub(super) fn messages<'d>(prefix: &'d str, delta: &'d TableDelta) -> impl Iterator<Item = Message> + Send + 'd {
    let table = delta.table.as_ref();
    let appeared = delta.changes.iter().filter(|change| change.appeared);
    let there: HashSet<String> = match table.log {
        true => HashSet::new(),
        false => appeared.map(|change| topic(prefix, table, &change.row)).collect(),
    };
    delta.changes.iter().filter_map(move |change| {
        let topic = topic(prefix, table, &change.row);
        match (change.appeared, table.log) {
            (true, log) => Some(Message { topic, payload: payload(table, &change.row), retain: !log }),
            // Nothing disappears of a log.
            (false, true) => None,
            // One that changed is not gone in between.
            (false, false) => (!there.contains(&topic)).then(|| Message { topic, payload: Vec::new(), retain: true }),
        }
    })
}

/// That all up to the delta's tick is there.
pub(super) fn position(prefix: &str, delta: &Delta) -> Message {
    let payload = json!({"after": delta.after.0, "now": delta.now.to_string(), "tick": delta.tick.0});
    Message { topic: format!("{prefix}/{POSITION}"), payload: payload.to_string().into_bytes(), retain: true }
}

/// The tick of a position.
pub(super) fn tick(payload: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(payload).ok()?.get("tick")?.as_u64()
}

fn payload(table: &Table, row: &[Cell]) -> Vec<u8> {
    Value::Object(row_to_json(table, row)).to_string().into_bytes()
}

/// A level for each cell of the key; of a log for the first alone.
fn topic(prefix: &str, table: &Table, row: &[Cell]) -> String {
    let cells = match table.log {
        true => &row[..1.min(row.len())],
        false => table.key_of(row),
    };
    let mut topic = format!("{prefix}/{}", table.name);
    for cell in cells {
        topic.push('/');
        match cell {
            // No text is written like this.
            Cell::Null => topic.push_str("%null"),
            Cell::Text(text) => push_level(&mut topic, text),
            // Zero has two signs and is equal to itself.
            Cell::Float(value) => push_level(&mut topic, &Value::from(value + 0.0).to_string()),
            Cell::Time(value) => push_level(&mut topic, &value.to_string()),
            other => push_level(&mut topic, &cell_to_json(other).to_string()),
        }
    }
    topic
}

/// What would part or mask a level, and what brokers do not take in a topic, is written as percent signs and the codes of its
/// bytes.
fn push_level(topic: &mut String, text: &str) {
    for character in text.chars() {
        let code = u32::from(character);
        let no_character = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
        if matches!(character, '/' | '+' | '#' | '%') || character.is_control() || no_character {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(topic, "%{byte:02X}");
            }
        } else {
            topic.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::check_topic;
    use lehr_domain::table::{Column, ColumnType};
    use lehr_domain::{EventMs, Tick};
    use lehr_targets::Change;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn table(log: bool) -> Arc<Table> {
        let column = |name, kind| Column { name, kind, doc: "" };
        let columns = vec![
            column("sensor", ColumnType::Text),
            column("at", ColumnType::Time),
            column("value", ColumnType::Float),
        ];
        Arc::new(Table { name: "ware", doc: "", columns, key: 2, log })
    }

    fn change(appeared: bool, sensor: &str, value: f64) -> Change {
        Change { appeared, row: vec![Cell::Text(sensor.into()), Cell::Time(EventMs(0)), Cell::Float(value)] }
    }

    fn said(messages: impl Iterator<Item = Message>) -> Vec<(String, String, bool)> {
        let text = |payload| String::from_utf8(payload).unwrap();
        messages.map(|message| (message.topic, text(message.payload), message.retain)).collect()
    }

    #[test]
    fn what_is_there_is_retained_and_what_is_gone_is_empty() {
        let changes = vec![change(false, "a/1", 1.0), change(false, "b", 1.0), change(true, "b", 2.0)];
        let delta = TableDelta { table: table(false), changes };
        let found = said(messages("plant", &delta));
        let topics: Vec<(&str, bool)> = found.iter().map(|(topic, ..)| (topic.as_str(), true)).collect();
        assert_eq!(
            topics,
            [("plant/ware/a%2F1/1970-01-01T00:00:00.000Z", true), ("plant/ware/b/1970-01-01T00:00:00.000Z", true)]
        );
        assert_eq!(found[0].1, "");
        let row: Value = serde_json::from_str(&found[1].1).unwrap();
        assert_eq!(row, json!({"sensor": "b", "at": "1970-01-01T00:00:00.000Z", "value": 2.0}));
    }

    #[test]
    fn what_happened_is_said_once_and_not_retained() {
        let changes = vec![change(true, "a", 1.0), change(true, "a", 2.0), change(false, "b", 1.0)];
        let delta = TableDelta { table: table(true), changes };
        let found = said(messages("plant", &delta));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|(topic, _, retain)| topic == "plant/ware/a" && !retain));
    }

    #[test]
    fn a_position_is_read_back() {
        let delta = Delta { after: Tick(3), tick: Tick(7), now: EventMs(0), tables: Vec::new() };
        let message = position("plant", &delta);
        assert_eq!((message.topic.as_str(), tick(&message.payload)), ("plant/position", Some(7)));
        assert_eq!((tick(b""), tick(b"7"), tick(br#"{"tick":-1}"#)), (None, None, None));
    }

    proptest! {
        #[test]
        fn keys_have_topics_of_their_own(one in any::<String>(), other in any::<String>()) {
            let topic = |text: &str| topic("plant", &table(true), &[Cell::Text(text.to_owned())]);
            prop_assert_eq!(check_topic(&topic(&one)), Ok(()));
            prop_assert_eq!(topic(&one).matches('/').count(), 2);
            prop_assert_eq!(one == other, topic(&one) == topic(&other));
            prop_assert!(!topic(&one).ends_with("%null"));
        }
    }
}
