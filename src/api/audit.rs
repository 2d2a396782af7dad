//! Who changed what, when and why.

use super::App;
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, row};
use lehr_dataflows::tables::AuditRow;
use lehr_domain::SpanMs;
use serde_json::json;

/// Entries of an answer.
const ENTRIES_MOST: i64 = 1_000;
const ENTRIES: i64 = 200;
/// How far back when the request does not say.
const OVER: SpanMs = SpanMs::days(30);

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/audit", "audit", "Changes of configuration and state, newest first.", entries)
            .query("by", Kind::Text(64), "Changes by this person alone.")
            .query("action", Kind::Text(64), "This action alone, or all that begin with it: `rule`, `rule.update`.")
            .query("limit", Kind::Int(1, ENTRIES_MOST), "The most entries; 200 when absent.")
            .range("Start of the time range; 30 days before its end when absent.")
            .answers(answer([("audit", list(row::<AuditRow>())), ("total", integer())])),
    ]
}

async fn entries(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let query = &call.query;
    let (from, to) = look::range(query, snapshot.now, OVER);
    let of_action = |row: &AuditRow, action: &str| {
        row.action.strip_prefix(action).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let wanted = |row: &&AuditRow| {
        // What was done in this very millisecond belongs to "until now".
        let within = row.at >= from && row.at <= to;
        within
            && query.text("by").is_none_or(|by| row.by == by)
            && query.text("action").is_none_or(|action| of_action(row, action))
    };
    let rows: Vec<&AuditRow> = snapshot.audit.iter().rev().filter(wanted).collect();
    let most = query.int("limit").unwrap_or(ENTRIES).unsigned_abs() as usize;
    let shown = look::rows(rows.iter().copied().take(most), &snapshot.names);
    Ok(look::answer(&snapshot, json!({ "audit": shown, "total": rows.len() })).into())
}
