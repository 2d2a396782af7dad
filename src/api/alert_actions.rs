//! What people do about alerts, after ISA-18.2.

use super::App;
use super::alerts::find;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, HEX_ID, SPAN, TEXT_MOST, answer, row};
use crate::auth::Role;
use lehr_dataflows::tables::{AlertRow, AlertState};
use lehr_domain::operator::{OperatorAction, OperatorEvent};
use lehr_domain::{Event, EventMs, SpanMs};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use warp::http::Method;

/// The longest that an alert may be hidden: a week; what needs longer is out of service.
const SHELVE_MOST: SpanMs = SpanMs::days(7);
/// How long a one-shot shelving lasts at most, when the request does not say.
const ONE_SHOT_OVER: SpanMs = SpanMs::hours(8);

const ACTIONS: &[&str] =
    &["acknowledge", "shelve", "unshelve", "dismiss", "note", "respond", "out-of-service", "return-to-service"];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Act {
    /// Why; needed to shelve, dismiss, note and take out of service.
    #[schemars(length(max = TEXT_MOST))]
    #[serde(default)]
    reason: Option<String>,
    /// How long to shelve, for instance 30m.
    #[schemars(regex(pattern = SPAN))]
    #[serde(default, rename = "for")]
    over: Option<String>,
    /// Shelve until the condition has returned to normal once.
    #[serde(default)]
    one_shot: Option<bool>,
}

pub fn routes() -> Vec<Route> {
    let schema = answer([("alert", row::<AlertRow>())]);
    vec![
        Route::change(
            Method::POST,
            "/api/alerts/{id}/{action}",
            "alerts",
            "Acts on an alert: acknowledge, shelve, dismiss, note, respond, take out of service.",
            Role::Operator,
            act,
        )
        .segment("id", Kind::Pattern(HEX_ID), "The alert.")
        .segment("action", Kind::OneOf(ACTIONS), "What is done.")
        .body(schema::of::<Act>())
        .answers(schema)
        .problems(&[Problem::Conflict]),
    ]
}

async fn act(app: App, call: Call) -> Answer {
    let body: Act = call.json()?;
    let _edit = app.edits().lock().await;
    let before = app.runtime().snapshot();
    let alert = find(&before, &call.path[0])?;
    let now = app.runtime().now();
    let reason = body.reason.as_deref().unwrap_or_default().trim().to_owned();
    let action = action(&call.path[1], &body, &reason, now)?;
    check(alert, &action)?;
    let event = OperatorEvent {
        id: 0,
        alert: alert.alert_id,
        about: alert.subject(),
        at: now,
        action,
        by: call.by(),
        reason: reason.clone(),
    };
    let audit = Audit {
        by: call.by(),
        action: format!("alert.{}", call.path[1]),
        subject: format!("alert {}", call.path[0]),
        before: alert.state.text().into(),
        after: call.path[1].as_str().into(),
        reason,
    };
    apply(&app, vec![Event::Operator(event)], audit).await?;
    let after = app.runtime().snapshot();
    let alert = find(&after, &call.path[0])?;
    Ok(look::answer(&after, json!({ "alert": look::rows([alert], &after.names)[0] })).into())
}

fn action(name: &str, body: &Act, reason: &str, now: EventMs) -> Result<OperatorAction, ApiError> {
    let justified = || match reason.is_empty() {
        true => Err(ApiError::field(Problem::Conflict, "reason", format!("to {name} needs a reason"))),
        false => Ok(()),
    };
    if name != "shelve" && (body.over.is_some() || body.one_shot.is_some()) {
        let field = if body.over.is_some() { "for" } else { "one_shot" };
        return Err(ApiError::field(Problem::Conflict, field, format!("{field} goes with shelve alone")));
    }
    Ok(match name {
        "acknowledge" => OperatorAction::Acknowledge,
        "unshelve" => OperatorAction::Unshelve,
        "respond" => OperatorAction::Respond,
        "return-to-service" => OperatorAction::ReturnToService,
        "note" => {
            justified()?;
            OperatorAction::Note
        }
        "dismiss" => {
            justified()?;
            OperatorAction::Dismiss
        }
        "out-of-service" => {
            justified()?;
            OperatorAction::OutOfService
        }
        _ => {
            justified()?;
            let one_shot = body.one_shot.unwrap_or(false);
            let over = match &body.over {
                Some(text) => SpanMs::parse(text).map_err(|error| ApiError::bad("for", error.to_string()))?,
                None if one_shot => ONE_SHOT_OVER,
                None => return Err(ApiError::field(Problem::Conflict, "for", "to shelve needs a time, such as 30m")),
            };
            if over.0 == 0 || over > SHELVE_MOST {
                let days = SHELVE_MOST.0 / SpanMs::days(1).0;
                let message =
                    format!("for must be longer than nothing and at most {days}d; else take it out of service");
                return Err(ApiError::field(Problem::Conflict, "for", message));
            }
            let until = now + over;
            if one_shot { OperatorAction::ShelveOneShot { until } } else { OperatorAction::Shelve { until } }
        }
    })
}

/// Whether the action means anything in the alert's present state.
fn check(alert: &AlertRow, action: &OperatorAction) -> Result<(), ApiError> {
    let state = alert.state;
    let fits = match action {
        OperatorAction::Acknowledge => !alert.acknowledged && state != AlertState::Withdrawn,
        OperatorAction::Unshelve => state == AlertState::Shelved,
        OperatorAction::ReturnToService => state == AlertState::OutOfService,
        OperatorAction::OutOfService => !matches!(state, AlertState::OutOfService | AlertState::Withdrawn),
        OperatorAction::Dismiss => !matches!(state, AlertState::Dismissed | AlertState::Withdrawn),
        OperatorAction::Shelve { .. } | OperatorAction::ShelveOneShot { .. } => {
            !matches!(state, AlertState::OutOfService | AlertState::Withdrawn | AlertState::Dismissed)
        }
        OperatorAction::Respond => alert.responded_at.is_none() && state != AlertState::Withdrawn,
        OperatorAction::Note => true,
    };
    if fits {
        return Ok(());
    }
    let who = match (alert.acknowledged, &alert.acknowledged_by) {
        (true, Some(by)) => format!(", acknowledged by {by}"),
        _ => String::new(),
    };
    Err(ApiError { code: "state", ..ApiError::conflict(format!("the alert is {}{who}", state.text())) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_knows_every_action() {
        let body = Act { reason: None, over: Some("30m".into()), one_shot: None };
        for name in ACTIONS {
            let given = if *name == "shelve" { &body } else { &Act::default() };
            assert!(action(name, given, "a reason", EventMs(0)).is_ok(), "{name}");
        }
    }

    #[test]
    fn shelving_is_bounded_and_justified() {
        let shelve = |over: Option<&str>, one_shot, reason: &str| {
            let body = Act { reason: None, over: over.map(Into::into), one_shot };
            action("shelve", &body, reason, EventMs(1000)).map_err(|error| error.field.unwrap())
        };
        let until = EventMs(1000) + SpanMs::minutes(30);
        assert_eq!(shelve(Some("30m"), None, "why"), Ok(OperatorAction::Shelve { until }));
        assert_eq!(shelve(Some("30m"), Some(true), "why"), Ok(OperatorAction::ShelveOneShot { until }));
        assert!(shelve(None, Some(true), "why").is_ok());
        assert_eq!(shelve(None, None, "why"), Err("for".into()));
        assert_eq!(shelve(Some("0s"), None, "why"), Err("for".into()));
        assert_eq!(shelve(Some("8d"), None, "why"), Err("for".into()));
        assert_eq!(shelve(Some("30m"), None, ""), Err("reason".into()));
    }
}
