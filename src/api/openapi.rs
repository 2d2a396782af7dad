//! The description of the API, OpenAPI 3.1, made from the routes.

use super::App;
use super::params::{Kind, Param};
use super::route::{Access, Answer, Body, Call, ContentType, Route};
use super::schema::components;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

pub fn routes() -> Vec<Route> {
    let schema = json!({ "type": "object", "required": ["openapi", "paths"] });
    vec![Route::get("/api/openapi.json", "system", "This description.", description).answers(schema)]
}

async fn description(_app: App, _call: Call) -> Answer {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Ok(DOCUMENT.get_or_init(document).clone().into())
}

/// The whole description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    for route in super::areas().iter().flatten() {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_ascii_lowercase()] = operation(route);
        if !tags.contains(&route.tag) {
            tags.push(route.tag);
        }
    }
    let about = "Real-time analytics and digital twin for glass production. Times are ISO 8601, UTC. Answers about the \
        state carry the tick and plant time whose truth they are. Frames of changes come over the WebSocket \
        `/ws?channels=sensors,alerts,quality`.";
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Lehr", "version": env!("CARGO_PKG_VERSION"), "description": about },
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<Value>>(),
        "paths": paths,
        "components": {
            "schemas": components(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let segments = route.segments.iter().map(|param| parameter(param, "path"));
    let parameters: Vec<Value> = segments.chain(route.query.iter().map(|param| parameter(param, "query"))).collect();
    let (security, needs) = match route.access {
        Access::Open => (json!([]), "Open to everybody.".to_owned()),
        Access::Needs(role) => (json!([{ "token": [] }]), format!("Needs role {}.", role.text())),
    };
    let words = route.path.split(['/', '-', '{', '}', '.']).filter(|word| !word.is_empty() && *word != "api");
    let name = std::iter::once(route.method.as_str().to_ascii_lowercase()).chain(words.map(str::to_owned));
    let mut operation = json!({
        "operationId": name.collect::<Vec<String>>().join("_"),
        "summary": route.summary,
        "description": needs,
        "tags": [route.tag],
        "security": security,
        "parameters": parameters,
        "responses": responses(route),
    });
    if let Some(body) = &route.body {
        let content = body.takes().iter().map(|content_type| {
            let schema = match (body, content_type) {
                (Body::Value(schema), _) => schema.clone(),
                (Body::Rows(row), ContentType::Json) => rows(row),
                (Body::Rows(_), _) => json!({ "type": "string" }),
                (Body::Lines(about), _) => json!({ "type": "string", "description": about }),
                (Body::File(about) | Body::Picture(about), _) => {
                    json!({ "type": "string", "format": "binary", "description": about })
                }
            };
            (content_type.text().to_owned(), json!({ "schema": schema }))
        });
        operation["requestBody"] = json!({ "required": true, "content": content.collect::<Map<_, _>>() });
    }
    operation
}

fn rows(row: &Value) -> Value {
    let about = "Rows as in x-row; one that is not like that is listed among the errors, and the rest is taken.";
    json!({ "type": "array", "items": { "description": about }, "x-row": row })
}

fn parameter(param: &Param, place: &str) -> Value {
    let mut json = json!({ "name": param.name, "in": place, "required": param.required, "description": param.about });
    match param.kind {
        Kind::Numbers => json["content"] = json!({ "application/json": { "schema": param.kind.schema() } }),
        _ => json["schema"] = param.kind.schema(),
    }
    if matches!(param.kind, Kind::SomeOf(_)) {
        json["style"] = "form".into();
        json["explode"] = false.into();
    }
    json
}

fn responses(route: &Route) -> Value {
    let mut content = Map::new();
    if let Some(schema) = &route.answers.json {
        content.insert("application/json".into(), json!({ "schema": schema }));
    }
    for other in route.answers.other {
        content.insert((*other).into(), json!({ "schema": { "type": "string" } }));
    }
    let mut responses = Map::new();
    match content.is_empty() {
        true => responses.insert("204".into(), json!({ "description": "Done." })),
        false => responses.insert("200".into(), json!({ "description": "As asked.", "content": content })),
    };
    for problem in route.all_problems() {
        let error = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
        let status = problem.status().as_u16().to_string();
        responses.insert(status, json!({ "description": problem.about(), "content": error }));
    }
    responses.into()
}
