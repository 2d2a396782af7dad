//! Tokens: made, listed and revoked by admins.

use super::App;
use super::change::{Audit, apply};
use super::error::Problem;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, list, object, text};
use crate::auth::{NAME_MOST, Role, TokenInfo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use warp::http::Method;

/// Letters, digits, blanks and some signs; not blank.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose it is: shown in the audit trail.
    #[schemars(length(min = 1, max = NAME_MOST), regex(pattern = schema::PERSON))]
    name: String,
    role: Role,
}

pub fn routes() -> Vec<Route> {
    let info = || object([("id", text()), ("name", text()), ("role", text())]);
    let made = object([("id", text()), ("name", text()), ("role", text()), ("token", text())]);
    vec![
        Route::get("/api/tokens", "tokens", "Tokens, without what they are.", tokens)
            .needs(Role::Admin)
            .answers(object([("tokens", list(info()))])),
        Route::change(
            Method::POST,
            "/api/tokens",
            "tokens",
            "Makes a token, and shows it this once.",
            Role::Admin,
            make,
        )
        .body(schema::of::<Wanted>())
        .answers(made)
        .problems(&[Problem::Conflict]),
        Route::change(Method::DELETE, "/api/tokens/{id}", "tokens", "Revokes a token.", Role::Admin, revoke)
            .segment("id", Kind::Text(64), "The token's id.")
            .answers(info())
            .problems(&[Problem::Conflict]),
    ]
}

fn info_json(info: &TokenInfo) -> Value {
    json!({ "id": info.id, "name": info.name, "role": info.role.text() })
}

async fn tokens(app: App, _call: Call) -> Answer {
    let tokens: Vec<Value> = app.auth().list().iter().map(info_json).collect();
    Ok(json!({ "tokens": tokens }).into())
}

async fn make(app: App, call: Call) -> Answer {
    let wanted: Wanted = call.json()?;
    let auth = app.auth().clone();
    let (info, token) = blocking(move || auth.create(&wanted.name, wanted.role)).await??;
    let audit = Audit {
        by: call.by(),
        action: "token.create".into(),
        subject: format!("token {}", info.id),
        after: info_json(&info),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    let mut json = info_json(&info);
    json["token"] = token.into();
    Ok(json.into())
}

async fn revoke(app: App, call: Call) -> Answer {
    let (auth, id) = (app.auth().clone(), call.path[0].clone());
    let info = blocking(move || auth.revoke(&id)).await??;
    let audit = Audit {
        by: call.by(),
        action: "token.revoke".into(),
        subject: format!("token {}", info.id),
        before: info_json(&info),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(info_json(&info).into())
}

/// Writing the list of tokens waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, super::ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(super::ApiError::internal)
}
