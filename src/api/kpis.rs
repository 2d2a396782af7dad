//! Key figures over time, and alarm performance.

use super::App;
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, row};
use lehr_dataflows::tables::{AlertMetricRow, KpiRow};
use lehr_domain::calendar::Scope;
use lehr_domain::{LineId, ProductId, SpanMs};
use serde_json::json;

/// Rows of an answer; the newest are given. 4 lines × 4 products × 24 h × 13 days.
const ROWS_MOST: usize = 5_000;

pub fn routes() -> Vec<Route> {
    let kpis = answer([("kpis", list(row::<KpiRow>())), ("total", integer())]);
    let metrics = answer([("alert_metrics", list(row::<AlertMetricRow>()))]);
    vec![
        Route::get("/api/kpis", "kpis", "Key figures per period, line and product, oldest first.", kpis_over)
            .query("scope", Kind::OneOf(&["hour", "shift", "day", "week"]), "Length of the periods; hour when absent.")
            .query("line", Kind::Text(64), "Production line, or `all` for the sum; every row when absent.")
            .query("product", Kind::Text(64), "Article, or `all` for the sum; every row when absent.")
            .range("Start of the time range; 1, 7, 35 or 70 days before its end when absent.")
            .problems(&[Problem::NotFound])
            .answers(kpis),
        Route::get("/api/alert-metrics", "alerts", "Alarm performance per line and hour, oldest first.", metrics_over)
            .line()
            .range("Start of the time range; 24 hours before its end when absent.")
            .answers(metrics),
    ]
}

async fn kpis_over(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let names = &*snapshot.names;
    let scope = call.query.text("scope").and_then(Scope::parse).unwrap_or(Scope::Hour);
    let line = match call.query.text("line") {
        Some("all") => Some(LineId::ALL),
        _ => look::line(&call.query, names)?,
    };
    let product = match call.query.text("product") {
        None => None,
        Some("all") => Some(ProductId::ALL),
        Some(name) => Some(names.product_id(name).ok_or_else(|| ApiError::unknown("product", "product", name))?),
    };
    let over = match scope {
        Scope::Hour => SpanMs::days(1),
        Scope::Shift => SpanMs::days(7),
        Scope::Day => SpanMs::days(35),
        Scope::Week => SpanMs::days(70),
    };
    let (from, to) = look::range(&call.query, snapshot.now, over);
    let wanted = |row: &&KpiRow| {
        let of = line.is_none_or(|line| row.production_line == line) && product.is_none_or(|p| row.product == p);
        of && row.start < to && row.end > from
    };
    let rows: Vec<&KpiRow> = snapshot.kpis.range(|row| row.scope.cmp(&scope)).filter(wanted).collect();
    let newest = &rows[rows.len().saturating_sub(ROWS_MOST)..];
    let members = json!({ "kpis": look::rows(newest.iter().copied(), names), "total": rows.len() });
    Ok(look::answer(&snapshot, members).into())
}

async fn metrics_over(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let (from, to) = look::range(&call.query, snapshot.now, SpanMs::days(1));
    let wanted = |row: &&AlertMetricRow| {
        let hour = row.start < to && row.start + SpanMs::hours(1) > from;
        hour && line.is_none_or(|line| row.production_line == line)
    };
    let rows: Vec<&AlertMetricRow> = snapshot.alert_metrics.iter().filter(wanted).collect();
    let newest = rows[rows.len().saturating_sub(ROWS_MOST)..].iter().copied();
    let members = json!({ "alert_metrics": look::rows(newest, &snapshot.names) });
    Ok(look::answer(&snapshot, members).into())
}
