//! What an OPC UA server offers, for whoever maps its variables to sensors.

use super::App;
use super::error::{ApiError, Problem};
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{self, answer, boolean, list, nullable, object, text};
use crate::auth::Role;
use lehr_opcua::{Bounds, Kind, Proposal, browse, proposed};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use warp::http::Method;

/// Nodes of an answer. What is beyond is found by a start further down.
const BOUNDS: Bounds = Bounds { depth: 12, nodes: 5_000 };
/// For all of it: whoever asks looks at a screen.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Characters of an endpoint or a node.
const TEXT_MOST: usize = 500;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Of the server, without a login: opc.tcp://host:port/path.
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = "^opc\\.tcp://[^ ]+$"))]
    endpoint: String,
    /// The node below which to look; the server's objects when absent.
    #[schemars(length(min = 1, max = TEXT_MOST))]
    start: Option<String>,
}

pub fn routes() -> Vec<Route> {
    let variable = object([
        ("node", text()),
        ("path", list(text())),
        ("type", text()),
        ("array", boolean()),
        ("unit", nullable(text())),
        ("sensor_id", nullable(text())),
    ]);
    vec![
        // Whoever may do it makes Lehr knock at addresses of the plant's network.
        Route::change(
            Method::POST,
            "/api/sources/browse",
            "system",
            "The variables of an OPC UA server, each with the sensor that its name suggests.",
            Role::Admin,
            offered,
        )
        .body(schema::of::<Wanted>())
        .answers(answer([("endpoint", text()), ("variables", list(variable))]))
        .problems(&[Problem::BadRequest]),
    ]
}

async fn offered(app: App, call: Call) -> Answer {
    let Wanted { endpoint, start } = call.json()?;
    let snapshot = app.runtime().snapshot();
    let config = lehr_opcua::Config::anonymous("browse", &endpoint);
    let looked = tokio::time::timeout(ANSWER_WITHIN, browse(&config, start.as_deref(), BOUNDS)).await;
    let found = match looked {
        Ok(found) => found.map_err(|error| ApiError::bad("endpoint", error.to_string()))?,
        Err(_) => {
            let message = format!("no whole answer within {} s; give a start further down", ANSWER_WITHIN.as_secs());
            return Err(ApiError::bad("endpoint", message));
        }
    };
    let shown = proposed(&found, &snapshot.names).into_iter().filter_map(|Proposal { path, variable, sensor }| {
        let Kind::Variable { data_type, array, unit } = &variable.kind else { return None };
        Some(json!({
            "node": variable.node,
            "path": path,
            "type": data_type,
            "array": array.is_some(),
            "unit": unit,
            "sensor_id": sensor.ok().map(|def| &def.name),
        }))
    });
    let shown: Vec<Value> = shown.collect();
    Ok(look::answer(&snapshot, json!({ "endpoint": endpoint, "variables": shown })).into())
}
