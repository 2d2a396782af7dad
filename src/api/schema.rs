//! JSON schemas: written once, used to describe the API and to check what it is sent.
//!
//! Bodies are checked against the same schema that the description shows, so the two cannot differ. Only the
//! keywords below are known; a schema that uses another one fails a test.

pub use super::body::check::{Wrong, check, matches, with_whole_numbers};
pub use super::body::{HASH, HEX_ID, NOT_BLANK, PERSON, PLAIN_NAME, SPAN, TEXT_MOST, UNIT, of};

use lehr_domain::table::{ColumnType, Row};
use serde_json::{Map, Value, json};

pub fn nullable(mut schema: Value) -> Value {
    if let Some(kind @ Value::String(_)) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
        return schema;
    }
    json!({ "anyOf": [schema, { "type": "null" }] })
}

pub fn text() -> Value {
    json!({ "type": "string" })
}

pub fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub fn integer() -> Value {
    json!({ "type": "integer" })
}

pub fn number() -> Value {
    json!({ "type": "number" })
}

pub fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object that has all of these members and may have more.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).into(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// An answer about the state at a tick.
pub fn answer<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut schema = object(members);
    let tick = json!({ "type": "integer", "minimum": 0, "description": "What Lehr knew by this tick." });
    let now = json!({ "type": "string", "format": "date-time", "description": "Plant time of the tick." });
    schema["properties"]["tick"] = tick;
    schema["properties"]["now"] = now;
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(["tick".into(), "now".into()]);
    }
    schema
}

/// The name under which the rows of a table are described.
pub fn row_name<R: Row>() -> String {
    let words = R::TABLE.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect::<String>() + "Row"
}

/// A row of a table, by reference to its description among the components.
pub fn row<R: Row>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", row_name::<R>()) })
}

/// The description of a table's rows.
pub fn row_schema<R: Row>() -> Value {
    let mut properties = Map::new();
    for column in R::columns() {
        let mut schema = nullable(match column.kind {
            ColumnType::Bool => boolean(),
            ColumnType::Int => integer(),
            ColumnType::Float => number(),
            ColumnType::Text => text(),
            ColumnType::Time => time(),
        });
        schema["description"] = column.doc.trim().into();
        properties.insert(column.name.into(), schema);
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({ "type": "object", "description": R::DOC.trim(), "properties": properties, "required": required })
}

macro_rules! declare_components {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// The rows of every table, and the error.
        pub fn components() -> Map<String, Value> {
            use lehr_dataflows::tables::*;
            let mut components = Map::new();
            $( components.insert(row_name::<$row>(), row_schema::<$row>()); )*
            let error = object([("code", text()), ("message", text())]);
            components.insert("Error".into(), object([("error", error)]));
            components
        }
    };
}
lehr_dataflows::for_all_tables!(declare_components);
