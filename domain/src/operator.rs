//! What people do about alerts. Operator events are inputs like any other: journalled, replayed, audited.

use crate::ids::stable_hash;
use crate::rule::Severity;
use crate::{AlertId, EventMs, LineId, RuleId, SensorId};
use serde::{Deserialize, Serialize};

/// What an alert was about when somebody acted on it. The event keeps it, so that the alert can still be
/// told of after corrected data took its condition away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertSubject {
    pub rule: RuleId,
    pub line: LineId,
    /// `None` for rules that watch a line.
    pub sensor: Option<SensorId>,
    pub raised_at: EventMs,
    /// As it was shown.
    pub severity: Severity,
}

impl AlertSubject {
    /// The alert's id: rule, what it watches, and since when. Lines are numbered above all sensors.
    pub fn alert_id(&self) -> AlertId {
        let watched = self.sensor.map_or((1 << 32) + u64::from(self.line.0), |sensor| u64::from(sensor.0));
        AlertId(stable_hash(&[u64::from(self.rule.0), watched, self.raised_at.0 as u64]))
    }
}

/// An action on an alert, in the terms of ISA-18.2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OperatorAction {
    Acknowledge,
    /// Hidden until `until`; evaluation goes on underneath.
    Shelve {
        until: EventMs,
    },
    /// Hidden until the condition returns to normal once.
    ShelveOneShot {
        until: EventMs,
    },
    Unshelve,
    /// Taken out of service for maintenance, until returned.
    OutOfService,
    ReturnToService,
    /// Judged to need no action; the justification is the event's `reason`.
    Dismiss,
    /// A note; changes no state.
    Note,
    /// A corrective action was begun: stops the response-time clock.
    Respond,
}

/// Who did what to which alert, when and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperatorEvent {
    /// Unique; a repeated delivery of the same event has the same id.
    pub id: u64,
    pub alert: AlertId,
    /// What `alert` was about.
    pub about: AlertSubject,
    /// Plant time at which it was done.
    pub at: EventMs,
    pub action: OperatorAction,
    pub by: String,
    /// Mandatory for shelving, out of service and dismissal.
    pub reason: String,
}

/// One line of the audit trail: a change of configuration or state, with what was there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: u64,
    pub at: EventMs,
    pub by: String,
    /// What was done, for instance `edge.update`.
    pub action: String,
    /// To what, for instance `edge 3`.
    pub subject: String,
    pub before: String,
    pub after: String,
    pub reason: String,
}
