//! The causal graph, to look at.

use super::App;
use super::look;
use super::params::Kind;
use super::root_cause::effect;
use super::route::{Answer, Call, Route};
use super::schema::{answer, list, object, row, text};
use lehr_causal::{CausalGraph, label};
use lehr_dataflows::tables::EdgeRow;
use lehr_domain::EdgeId;
use lehr_domain::causal::{Edge, Node};
use lehr_domain::names::Names;
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How far upstream is looked when the request does not say: equipment → parameter → parameter → defect.
const DEPTH: i64 = 3;
const DEPTH_MOST: i64 = 20;

pub fn routes() -> Vec<Route> {
    let node = object([("id", text()), ("kind", text()), ("label", text())]);
    let edge = json!({ "allOf": [row::<EdgeRow>(), object([("source", text()), ("target", text())])] });
    vec![
        Route::get(
            "/api/knowledge-graph/subgraph",
            "knowledge graph",
            "What leads to a defect, or the whole graph.",
            subgraph,
        )
        .query("defect_type", Kind::Text(64), "Defect type or parameter; the whole graph when absent.")
        .query("max_depth", Kind::Int(1, DEPTH_MOST), "Edges upstream; 3 when absent.")
        .problems(&[super::Problem::NotFound])
        .answers(answer([("nodes", list(node)), ("edges", list(edge))])),
    ]
}

/// The edge of a row.
pub fn edge_of(row: &EdgeRow) -> Edge {
    Edge {
        cause: row.cause,
        effect: row.effect,
        direction: row.direction,
        threshold: row.threshold,
        confidence: row.confidence,
        lag_min: row.lag_min_s,
        lag_max: row.lag_max_s,
        mechanism: row.mechanism.clone(),
        advice: row.advice.clone(),
    }
}

/// The graph as the snapshot knows it.
pub fn graph_of(snapshot: &Snapshot) -> Result<CausalGraph, super::ApiError> {
    let edges = snapshot.edges.iter().map(|row| (row.edge_id, edge_of(row)));
    Ok(CausalGraph::from_edges(&snapshot.names, edges)?)
}

fn kind(node: Node) -> &'static str {
    match node {
        Node::Equipment(_) => "equipment",
        Node::Parameter(_) => "parameter",
        Node::Defect(_) => "defect",
    }
}

fn id(node: Node, names: &Names) -> String {
    format!("{}:{}", kind(node), label(node, names))
}

async fn subgraph(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let names = &*snapshot.names;
    let depth = call.query.int("max_depth").unwrap_or(DEPTH).unsigned_abs() as usize;
    let wanted: Option<BTreeSet<EdgeId>> = match call.query.text("defect_type") {
        None => None,
        Some(name) => {
            let part = graph_of(&snapshot)?.subgraph(effect("defect_type", name, names)?, depth);
            Some(part.edges.into_iter().map(|(id, _)| id).collect())
        }
    };
    let rows = snapshot.edges.iter().filter(|row| wanted.as_ref().is_none_or(|wanted| wanted.contains(&row.edge_id)));
    let (mut nodes, mut edges) = (BTreeSet::new(), Vec::new());
    for row in rows {
        nodes.extend([row.cause, row.effect]);
        let mut edge = row_to_json(row, names);
        edge["source"] = id(row.cause, names).into();
        edge["target"] = id(row.effect, names).into();
        edges.push(edge);
    }
    let node = |node: Node| json!({ "id": id(node, names), "kind": kind(node), "label": label(node, names) });
    let nodes: Vec<Value> = nodes.into_iter().map(node).collect();
    Ok(look::answer(&snapshot, json!({ "nodes": nodes, "edges": edges })).into())
}
