//! What people decide about recommendations. A decision sets nothing on the plant: an approved change is to be carried
//! out by hand.

use super::App;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::recommendations::{find, in_force, is_large, recommendation_json, recommendation_schema};
use super::route::{Answer, Call, Route};
use super::schema::{self, HEX_ID, TEXT_MOST, answer};
use crate::auth::{APPROVES_LARGE, Principal, Role};
use lehr_dataflows::tables::RecommendationRow;
use lehr_domain::recommendation::{Decision, RecommendationState, Resolution};
use lehr_domain::{Event, RecommendationId};
use lehr_queries::Snapshot;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use warp::http::Method;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Given {
    /// It may be carried out, by hand. A large one needs the role engineer.
    Approve,
    /// It is not to be carried out; needs a reason.
    Reject,
    /// Whoever proposed it takes it back.
    Withdraw,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decide {
    decision: Given,
    /// Why; needed to reject.
    #[schemars(length(max = TEXT_MOST))]
    reason: Option<String>,
}

impl From<Given> for Resolution {
    fn from(given: Given) -> Resolution {
        match given {
            Given::Approve => Resolution::Approve,
            Given::Reject => Resolution::Reject,
            Given::Withdraw => Resolution::Withdraw,
        }
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::change(
            Method::POST,
            "/api/recommendations/{id}/decision",
            "recommendations",
            "Approves, rejects or withdraws an open recommendation. Changes nothing on the plant.",
            Role::Operator,
            decide,
        )
        .segment("id", Kind::Pattern(HEX_ID), "The recommendation.")
        .body(schema::of::<Decide>())
        .answers(answer([("recommendation", recommendation_schema())]))
        .problems(&[Problem::Conflict])
        .heavy(),
    ]
}

async fn decide(app: App, call: Call) -> Answer {
    let body: Decide = call.json()?;
    let (resolution, reason) = (Resolution::from(body.decision), body.reason.unwrap_or_default().trim().to_owned());
    let unknown = |_| ApiError::not_found(format!("recommendation {}", call.path[0]));
    let id = u64::from_str_radix(&call.path[0], 16).map(RecommendationId).map_err(unknown)?;
    let _edit = app.edits().lock().await;
    let snapshot = app.runtime().snapshot();
    let row = find(&snapshot, id)?;
    is_open(row)?;
    match resolution {
        Resolution::Reject if reason.is_empty() => {
            return Err(ApiError::bad("reason", "reason is missing; say why it is rejected"));
        }
        Resolution::Withdraw if row.by != call.by() => {
            let message = format!("{} proposed it and alone may withdraw it; reject it instead", row.by);
            return Err(ApiError::field(Problem::Forbidden, "decision", message));
        }
        Resolution::Approve => may_approve(&app, &snapshot, row, call.who.as_ref()).await?,
        Resolution::Reject | Resolution::Withdraw => {}
    }
    let decision = Decision {
        id: 0,
        recommendation: id,
        at: app.runtime().now(),
        resolution,
        by: call.by(),
        reason: reason.clone(),
    };
    let audit = Audit {
        by: call.by(),
        action: format!("recommendation.{}", resolution.text()),
        subject: format!("recommendation {id}"),
        before: row.state.text().into(),
        after: resolution.state().text().into(),
        reason,
    };
    apply(&app, vec![Event::Decision(decision)], audit).await?;
    let after = app.runtime().snapshot();
    let shown = recommendation_json(find(&after, id)?, &after.names);
    Ok(look::answer(&after, json!({ "recommendation": shown })).into())
}

/// What is decided stays decided.
fn is_open(row: &RecommendationRow) -> Result<(), ApiError> {
    if row.state == RecommendationState::Proposed {
        return Ok(());
    }
    let by = row.decided_by.as_deref().unwrap_or_default();
    let message = format!("the recommendation is {} by {by} already; propose the change anew", row.state.text());
    Err(ApiError { code: "state", ..ApiError::field(Problem::Conflict, "decision", message) })
}

/// A change that is large needs a person with the right to approve it: one that was large when it was proposed, and one
/// that is by now, because set-points have moved since.
async fn may_approve(
    app: &App,
    snapshot: &Arc<Snapshot>,
    row: &RecommendationRow,
    who: Option<&Principal>,
) -> Result<(), ApiError> {
    if who.is_some_and(|who| who.may(APPROVES_LARGE)) {
        return Ok(());
    }
    let (twins, at, steps, line) = (app.clone(), snapshot.clone(), row.steps.clone(), row.production_line);
    let looked = tokio::task::spawn_blocking(move || -> Result<bool, ApiError> {
        let state = twins.twins().state(&at, line)?;
        Ok(steps.iter().any(|step| {
            let name = at.names.parameter(step.parameter);
            in_force(&state, name).is_some_and(|from| is_large(name, from, step.to))
        }))
    });
    let large = row.large || looked.await.map_err(ApiError::internal)??;
    if !large {
        return Ok(());
    }
    let message = format!("the change is large: role {} is needed to approve it", APPROVES_LARGE.text());
    Err(ApiError::field(Problem::Forbidden, "decision", message))
}
