//! How a request changes something: events and their audit entry in one submission, answered when the tick
//! in which they became durable is visible.

use super::App;
use super::error::ApiError;
use crate::runtime::{Closed, Submission};
use lehr_domain::Event;
use lehr_domain::operator::AuditEntry;
use serde_json::Value;

/// Who changed what, and why.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    pub by: String,
    /// For instance `edge.update`.
    pub action: String,
    /// For instance `edge 3`.
    pub subject: String,
    pub before: Value,
    pub after: Value,
    pub reason: String,
}

/// Makes the change and waits until it shows.
pub async fn apply(app: &App, mut events: Vec<Event>, audit: Audit) -> Result<Closed, ApiError> {
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    events.push(Event::Audit(AuditEntry {
        id: 0,
        at: app.runtime().now(),
        by: audit.by,
        action: audit.action,
        subject: audit.subject,
        before: text(audit.before),
        after: text(audit.after),
        reason: audit.reason,
    }));
    let submission = Submission { source: "api".into(), events, ..Submission::default() };
    Ok(app.runtime().apply(submission).await?)
}
