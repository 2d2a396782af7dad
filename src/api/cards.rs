//! The key figures that stand on the first page.

use super::App;
use super::lines::is_unacknowledged;
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, text, time};
use crate::registry::{Aliases, quality};
use lehr_dataflows::forecasts::Hits;
use lehr_dataflows::tables::{AlertRow, KpiRow};
use lehr_domain::calendar::Scope;
use lehr_domain::model::ModelKind;
use lehr_domain::rule::Severity;
use lehr_domain::{LineId, ProductId, Ratio, SpanMs};
use lehr_queries::Snapshot;
use serde_json::{Map, Value, json};

/// Response times are of alerts raised within this long.
const RESPONSES_OVER: SpanMs = SpanMs::hours(24);
/// From an alert to a corrective action: less than ten minutes.
const RESPONSE_TARGET_S: i64 = 600;
/// Upper bounds of the histogram's bins, seconds; the last bin has none.
const RESPONSE_BINS_S: [i64; 7] = [60, 120, 300, 600, 1200, 1800, 3600];
/// Hours of the sparkline.
const SPARKLINE_HOURS: i64 = 24;

pub fn routes() -> Vec<Route> {
    let schema = answer([("cards", cards_schema()), ("by_line", json!({ "type": "object" }))]);
    vec![
        Route::get("/api/kpis/cards", "kpis", "The cards of the overview, for the plant and each line.", cards)
            .answers(schema),
    ]
}

fn cards_schema() -> Value {
    let maybe = || nullable(number());
    object([
        (
            "total_defects",
            object([("value", maybe()), ("previous", maybe()), ("trend", maybe()), ("shift_start", nullable(time()))]),
        ),
        (
            "quality_rate",
            object([("value", maybe()), ("sparkline", list(object([("start", time()), ("value", maybe())])))]),
        ),
        ("critical_alerts", object([("value", integer())])),
        ("prediction_accuracy", object([("value", maybe()), ("previous", maybe()), ("why", nullable(text()))])),
        ("production_rate", object([("value", maybe()), ("target", maybe())])),
        (
            "response_time",
            object([
                ("value_s", maybe()),
                ("target_s", integer()),
                ("histogram", list(object([("upto_s", nullable(integer())), ("count", integer())]))),
            ]),
        ),
    ])
}

async fn cards(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let lines: Vec<LineId> = snapshot.names.lines().map(|(line, _)| line).collect();
    let by_line: Map<String, Value> = lines
        .iter()
        .map(|line| (snapshot.names.line(*line).to_owned(), cards_of(&snapshot, *line, &[*line])))
        .collect();
    let members = json!({ "cards": cards_of(&snapshot, LineId::ALL, &lines), "by_line": by_line });
    Ok(look::answer(&snapshot, members).into())
}

/// The cards of a line, or of the plant, whose lines are `parts`.
fn cards_of(snapshot: &Snapshot, line: LineId, parts: &[LineId]) -> Value {
    let concerned = |alert: &&AlertRow| line == LineId::ALL || alert.production_line == line;
    let alerts: Vec<&AlertRow> = snapshot.alerts.iter().filter(concerned).collect();
    let critical = alerts.iter().filter(|row| row.severity == Severity::Critical && is_unacknowledged(row)).count();
    json!({
        "total_defects": total_defects(snapshot, line),
        "quality_rate": quality_rate(snapshot, line),
        "critical_alerts": { "value": critical },
        "prediction_accuracy": prediction_accuracy(snapshot, line),
        "production_rate": production_rate(snapshot, parts),
        "response_time": response_time(snapshot, &alerts),
    })
}

/// This shift's defects, against those of the shift before.
fn total_defects(snapshot: &Snapshot, line: LineId) -> Value {
    let now = look::kpi(snapshot, Scope::Shift, line, snapshot.now);
    let before = now.and_then(|row| look::kpi(snapshot, Scope::Shift, line, row.start - SpanMs(1)));
    let (value, previous) = (now.map(KpiRow::defects), before.map(KpiRow::defects));
    let trend = match (value, previous) {
        (Some(value), Some(previous)) => Ratio::new(value - previous, previous).to_f64(),
        _ => None,
    };
    json!({ "value": value, "previous": previous, "trend": trend, "shift_start": now.map(|row| row.start.to_string()) })
}

/// Good over inspected units of the last 24 hours; hour by hour beside it.
fn quality_rate(snapshot: &Snapshot, line: LineId) -> Value {
    let hour = SpanMs::hours(1);
    let first = snapshot.now.floor(hour) - SpanMs::hours(SPARKLINE_HOURS - 1);
    let rows = snapshot.kpis.range(|row| row.scope.cmp(&Scope::Hour));
    let wanted = |row: &&KpiRow| {
        let within = row.start >= first && row.start <= snapshot.now;
        within && row.production_line == line && row.product == ProductId::ALL
    };
    let hours: Vec<&KpiRow> = rows.filter(wanted).collect();
    let sums = hours.iter().fold((0, 0), |(good, all), row| (good + row.good, all + row.inspected));
    let point = |row: &&KpiRow| json!({ "start": row.start.to_string(), "value": row.quality().to_f64() });
    let sparkline: Vec<Value> = hours.iter().map(point).collect();
    json!({ "value": Ratio::new(sums.0, sums.1).to_f64(), "sparkline": sparkline })
}

/// Share of forecasts of the last day that were right, against the last week, over all horizons.
fn prediction_accuracy(snapshot: &Snapshot, line: LineId) -> Value {
    let foretells = [ModelKind::Ensemble, ModelKind::Forecaster];
    let scores = |model: ModelKind| Some((model, Aliases::of(snapshot, model).production?));
    let Some(scoring) = foretells.into_iter().find_map(scores) else {
        return json!({ "value": null, "previous": null, "why": "no model is in production" });
    };
    let line = Some(line).filter(|line| *line != LineId::ALL);
    let accuracy = |over: SpanMs| {
        let mut all = Hits::default();
        let first = quality::first_day(snapshot.now, over);
        quality::since(snapshot, scoring, line, first).values().for_each(|hits| all.merge(hits));
        all.accuracy().to_f64()
    };
    let (value, previous) = (accuracy(SpanMs::days(1)), accuracy(SpanMs::days(7)));
    let why = value.is_none().then_some("of no forecast of the last day is it known yet what came");
    json!({ "value": value, "previous": previous, "why": why })
}

/// Units per planned hour of this shift. Rates of lines that run side by side add up.
fn production_rate(snapshot: &Snapshot, parts: &[LineId]) -> Value {
    let rows: Vec<&KpiRow> =
        parts.iter().filter_map(|line| look::kpi(snapshot, Scope::Shift, *line, snapshot.now)).collect();
    let sum = |rate: fn(&KpiRow) -> Ratio| -> Option<f64> {
        let rates: Vec<f64> = rows.iter().filter_map(|row| rate(row).to_f64()).collect();
        (!rates.is_empty()).then(|| rates.iter().sum())
    };
    json!({ "value": sum(KpiRow::rate), "target": sum(KpiRow::target_rate) })
}

/// The median time from an alert to the begin of a corrective action.
fn response_time(snapshot: &Snapshot, alerts: &[&AlertRow]) -> Value {
    let since = snapshot.now - RESPONSES_OVER;
    let recent = alerts.iter().filter(|row| row.raised_at >= since);
    let mut responses_ms: Vec<i64> = recent.filter_map(|row| Some((row.responded_at? - row.raised_at).0)).collect();
    responses_ms.sort_unstable();
    let middle = responses_ms.len() / 2;
    let median_ms = match responses_ms.len() {
        0 => None,
        n if n % 2 == 0 => Some((responses_ms[middle - 1] + responses_ms[middle]) as f64 / 2.0),
        _ => Some(responses_ms[middle] as f64),
    };
    let below = |bound_s: i64| responses_ms.partition_point(|response| *response <= bound_s * 1000);
    let mut counted = 0;
    let mut histogram = Vec::new();
    for bound in RESPONSE_BINS_S {
        histogram.push(json!({ "upto_s": bound, "count": below(bound) - counted }));
        counted = below(bound);
    }
    histogram.push(json!({ "upto_s": null, "count": responses_ms.len() - counted }));
    json!({ "value_s": median_ms.map(|ms| ms / 1000.0), "target_s": RESPONSE_TARGET_S, "histogram": histogram })
}
