//! What a defect or an alerted parameter comes from, and what to do about it.

use super::App;
use super::error::ApiError;
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, boolean, list, number, object, row, text, time};
use lehr_causal::KnowledgeBase;
use lehr_dataflows::tables::{PaneRow, RootCauseRow};
use lehr_domain::causal::Node;
use lehr_domain::names::Names;
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, Micro, ParameterId, PerMille, SpanMs};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Length of an incident's bucket of event time.
pub const INCIDENT: SpanMs = SpanMs::minutes(15);
/// Causes of an answer.
pub const CAUSES_MOST: usize = 20;
/// How long before the time asked about incidents are looked at.
const INCIDENTS_OVER: SpanMs = SpanMs::hours(4);
/// What is shown of a signal around the evidence.
const EVIDENCE_AROUND: SpanMs = SpanMs::minutes(15);
/// Points of evidence: two hours of one-minute panes.
const EVIDENCE_MOST: usize = 120;

pub fn routes() -> Vec<Route> {
    let effect = "Defect type, or a parameter that has alerts.";
    let intervention = object([
        ("defect_type", text()),
        ("trigger", text()),
        ("parameter_name", text()),
        ("current", number()),
        ("new_value_min", number()),
        ("new_value_max", number()),
        ("expected_reduction", number()),
        ("effect_min_s", number()),
        ("effect_max_s", number()),
        ("clipped", boolean()),
        ("needs_approval", boolean()),
    ]);
    vec![
        Route::get(
            "/api/knowledge-graph/root-cause",
            "knowledge graph",
            "Likely causes, ranked, with evidence.",
            causes,
        )
        .query("defect_type", Kind::Text(64), effect)
        .query("timestamp", Kind::Time, "The four hours before this are looked at; plant time now when absent.")
        .query("min_confidence", Kind::Number(0.0, 1.0), "Leaves out less likely ones.")
        .line()
        .answers(answer([("root_causes", list(root_cause_schema()))])),
        Route::get(
            "/api/knowledge-graph/intervention",
            "knowledge graph",
            "What to do about a defect, best first.",
            interventions,
        )
        .required("defect_type", Kind::OneOf(DEFECTS), "Defect type.")
        .query(
            "current_parameters",
            Kind::Numbers,
            "Values of parameters; else their last ones, the mean over the lines.",
        )
        .line()
        .answers(answer([("interventions", list(intervention))])),
    ]
}

pub const DEFECTS: &[&str] = &["crack", "bubble", "chip", "cloudiness", "deformation", "stain", "stress_fracture"];

pub fn root_cause_schema() -> Value {
    let point = object([("at", time()), ("value", super::schema::nullable(number()))]);
    let evidence = object([("sensor_id", text()), ("points", list(point))]);
    let more = object([("parameter_name", text()), ("deviation_magnitude", number()), ("evidence", list(evidence))]);
    json!({ "allOf": [row::<RootCauseRow>(), more] })
}

/// The node that a defect type or a parameter's name stands for.
pub fn effect(field: &str, name: &str, names: &Names) -> Result<Node, ApiError> {
    let parameter = || names.parameter_id(name).map(Node::Parameter);
    let node = DefectType::parse(name).map(Node::Defect).or_else(parameter);
    node.ok_or_else(|| ApiError::unknown(field, "defect type or parameter", name))
}

/// Likeliest first; then the latest incident, then by rank.
pub fn order(row: &RootCauseRow) -> (Reverse<PerMille>, Reverse<EventMs>, u8, u64) {
    (Reverse(row.confidence), Reverse(row.incident), row.rank, row.root_cause_id.0)
}

async fn causes(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let query = &call.query;
    let line = look::line(query, &snapshot.names)?;
    let effect = query.text("defect_type").map(|name| effect("defect_type", name, &snapshot.names)).transpose()?;
    let until = query.time("timestamp").unwrap_or(snapshot.now);
    let from = (until - INCIDENTS_OVER).floor(INCIDENT);
    let least = PerMille::from_f64(query.number("min_confidence").unwrap_or(0.0));
    let wanted = |row: &&RootCauseRow| {
        let within = row.incident >= from && row.incident <= until;
        within
            && row.confidence >= least
            && line.is_none_or(|line| row.production_line == line)
            && effect.is_none_or(|effect| row.effect == effect)
    };
    let mut rows: Vec<&RootCauseRow> = snapshot.root_causes.iter().filter(wanted).collect();
    rows.sort_by_key(|row| order(row));
    rows.truncate(CAUSES_MOST);
    let width = app.runtime().options().graph.pane_width;
    let causes: Vec<Value> = rows.into_iter().map(|row| cause_json(&snapshot, row, width)).collect();
    Ok(look::answer(&snapshot, json!({ "root_causes": causes })).into())
}

/// A cause with the panes that show it.
pub fn cause_json(snapshot: &Snapshot, row: &RootCauseRow, pane_width: SpanMs) -> Value {
    let (from, to) = (row.evidence_from - EVIDENCE_AROUND, row.evidence_to + EVIDENCE_AROUND);
    let position = |pane: &PaneRow| {
        let within = match pane.start {
            start if start + pane_width <= from => std::cmp::Ordering::Less,
            start if start >= to => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        };
        pane.sensor_id.cmp(&row.sensor_id).then(within)
    };
    let point = |pane: &PaneRow| json!({ "at": pane.start.to_string(), "value": pane.moments.mean_f64() });
    let points: Vec<Value> = snapshot.panes.range(position).take(EVIDENCE_MOST).map(point).collect();
    let names = &*snapshot.names;
    let mut json = row_to_json(row, names);
    json["parameter_name"] = json["cause"].clone();
    json["deviation_magnitude"] = row.deviation_sigmas.to_f64().into();
    json["evidence"] = json!([{ "sensor_id": names.sensor(row.sensor_id), "points": points }]);
    json
}

async fn interventions(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let names = &*snapshot.names;
    let defect = call.query.text("defect_type").and_then(DefectType::parse);
    let defect = defect.ok_or_else(|| ApiError::bad("defect_type", "parameter defect_type is missing"))?;
    let line = look::line(&call.query, names)?;
    let mut current = present_values(&snapshot, line);
    if let Some(given) = call.query.numbers("current_parameters") {
        current.extend(known_values(given, names)?);
    }
    let knowledge = KnowledgeBase::parse(&app.runtime().options().knowledge, names)?;
    let proposals = knowledge.interventions(defect, &current);
    let proposals: Vec<Value> = proposals
        .into_iter()
        .map(|proposal| {
            let known = &proposal.intervention;
            json!({
                "defect_type": known.defect.text(),
                "trigger": known.trigger,
                "parameter_name": names.parameter(known.parameter),
                "current": proposal.current.to_f64(),
                "new_value_min": proposal.new_values.0.to_f64(),
                "new_value_max": proposal.new_values.1.to_f64(),
                "expected_reduction": known.reduction.to_f64(),
                "effect_min_s": known.effect_min.0 as f64 / 1000.0,
                "effect_max_s": known.effect_max.0 as f64 / 1000.0,
                "clipped": proposal.clipped,
                "needs_approval": proposal.needs_approval,
            })
        })
        .collect();
    Ok(look::answer(&snapshot, json!({ "interventions": proposals })).into())
}

/// The last value of each parameter; the mean where several sensors measure it.
fn present_values(snapshot: &Snapshot, line: Option<lehr_domain::LineId>) -> BTreeMap<ParameterId, Micro> {
    let mut sums: BTreeMap<ParameterId, (i128, i128)> = BTreeMap::new();
    for row in snapshot.latest.iter() {
        let Some(def) = snapshot.names.sensor_def(row.sensor_id) else { continue };
        let (Some(value), true) = (row.value, line.is_none_or(|line| def.line == line)) else { continue };
        let (sum, n) = sums.entry(def.parameter).or_default();
        *sum += i128::from(value.0);
        *n += 1;
    }
    sums.into_iter().map(|(parameter, (sum, n))| (parameter, Micro((sum / n) as i64))).collect()
}

fn known_values(given: &BTreeMap<String, f64>, names: &Names) -> Result<BTreeMap<ParameterId, Micro>, ApiError> {
    let field = "current_parameters";
    given
        .iter()
        .map(|(name, number)| {
            let id = names.parameter_id(name).ok_or_else(|| ApiError::unknown(field, "parameter", name))?;
            let value = Micro::from_f64(*number).map_err(|error| ApiError::bad(field, format!("{name} {error}")))?;
            Ok((id, value))
        })
        .collect()
}
