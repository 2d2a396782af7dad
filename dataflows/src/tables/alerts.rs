//! What is watched, what was wrong, and what became of it.

use lehr_domain::names::Names;
use lehr_domain::operator::AlertSubject;
use lehr_domain::rule::{Check, Severity, Subject};
use lehr_domain::table::{Cell, ColumnType, Publish};
use lehr_domain::{AlertId, EquipmentId, EventMs, LineId, Micro, ParameterId, RuleId, SensorId, table};
use serde::{Deserialize, Serialize};

table! {
    /// Detection rules.
    pub struct RuleRow in "rules" {
        /// Number.
        pub rule_id: RuleId,
        /// Name.
        pub name: String,
        /// Whether it is evaluated.
        pub enabled: bool,
        /// What it watches.
        pub subject: Subject,
        /// The condition.
        pub condition: Check,
        /// LOW, MEDIUM, HIGH or CRITICAL.
        pub severity: Severity,
        /// Consecutive panes before it counts.
        pub on_delay: u16,
        /// Consecutive panes before it is over.
        pub off_delay: u16,
        /// Not annunciated while the line is stopped.
        pub suppress_when_stopped: bool,
        /// Message to the operator.
        pub message: String,
        /// What to do.
        pub advice: String,
    }
}

table! {
    /// Intervals of event time in which a rule's condition held, delays applied.
    pub struct ConditionRow in "conditions" {
        /// Rule.
        pub rule_id: RuleId,
        /// Production line.
        pub production_line: LineId,
        /// Sensor; null for rules that watch a line.
        pub sensor_id: Option<SensorId>,
        /// Start of the first pane in which it held.
        pub start: EventMs,
        /// End of the last pane in which it held; null while it holds or its off-delay runs.
        pub end: Option<EventMs>,
        /// Panes in which it held.
        pub panes: i64,
        /// The most extreme value.
        pub peak: Micro,
        /// The limit that it passed, in the same unit.
        pub limit: Micro,
    }
}

/// The state of an alert after ISA-18.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds and nobody acknowledged it.
    ActiveUnacknowledged,
    ActiveAcknowledged,
    /// The condition is over, but nobody acknowledged it.
    ReturnedUnacknowledged,
    /// Over and acknowledged.
    Normal,
    /// Hidden by an operator for a time; evaluation goes on.
    Shelved,
    /// Hidden by design, because the line stood still when it was raised.
    Suppressed,
    OutOfService,
    /// Judged to need no action.
    Dismissed,
    /// Corrected data took the condition away after somebody had acted on it.
    Withdrawn,
}

impl AlertState {
    pub const ALL: [AlertState; 9] = [
        AlertState::ActiveUnacknowledged,
        AlertState::ActiveAcknowledged,
        AlertState::ReturnedUnacknowledged,
        AlertState::Normal,
        AlertState::Shelved,
        AlertState::Suppressed,
        AlertState::OutOfService,
        AlertState::Dismissed,
        AlertState::Withdrawn,
    ];

    pub fn text(self) -> &'static str {
        match self {
            AlertState::ActiveUnacknowledged => "active_unacknowledged",
            AlertState::ActiveAcknowledged => "active_acknowledged",
            AlertState::ReturnedUnacknowledged => "returned_unacknowledged",
            AlertState::Normal => "normal",
            AlertState::Shelved => "shelved",
            AlertState::Suppressed => "suppressed",
            AlertState::OutOfService => "out_of_service",
            AlertState::Dismissed => "dismissed",
            AlertState::Withdrawn => "withdrawn",
        }
    }
}

impl Publish for AlertState {
    const KIND: ColumnType = ColumnType::Text;
    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.text().to_owned())
    }
}

table! {
    /// Alerts and their life.
    pub struct AlertRow in "alerts" {
        /// Made from rule, subject and start, so that the same inputs give the same id.
        pub alert_id: AlertId,
        /// When the condition began.
        pub raised_at: EventMs,
        /// When it ended; null while it lasts.
        pub cleared_at: Option<EventMs>,
        /// LOW, MEDIUM, HIGH or CRITICAL.
        pub severity: Severity,
        /// State after ISA-18.2.
        pub state: AlertState,
        /// Production line.
        pub production_line: LineId,
        /// Sensor; null when a line is watched.
        pub sensor_id: Option<SensorId>,
        /// Equipment; null when a line is watched.
        pub equipment_id: Option<EquipmentId>,
        /// What is measured; null when a line is watched.
        pub parameter_name: Option<ParameterId>,
        /// Rule.
        pub rule_id: RuleId,
        /// What is wrong.
        pub message: String,
        /// What to do.
        pub recommended_action: String,
        /// The most extreme value so far.
        pub peak: Option<Micro>,
        /// The limit that it passed.
        pub limit: Option<Micro>,
        /// Whether somebody acknowledged it.
        pub acknowledged: bool,
        /// When.
        pub acknowledged_at: Option<EventMs>,
        /// Who.
        pub acknowledged_by: Option<String>,
        /// Until when it is shelved.
        pub shelved_until: Option<EventMs>,
        /// When a corrective action was begun.
        pub responded_at: Option<EventMs>,
        /// The last reason or note that somebody gave.
        pub note: Option<String>,
        /// Operator events that name it.
        pub events: i64,
        /// Third or later activation of this rule and subject within five minutes.
        pub chattering: bool,
    }
    derived {
        /// Seconds from raising to the begin of a corrective action.
        response_s: f64 = |row, _| Some((row.responded_at?.0 - row.raised_at.0) as f64 / 1000.0),
    }
}

impl AlertRow {
    /// What it is about.
    pub fn subject(&self) -> AlertSubject {
        AlertSubject {
            rule: self.rule_id,
            line: self.production_line,
            sensor: self.sensor_id,
            raised_at: self.raised_at,
            severity: self.severity,
        }
    }
}

table! {
    /// Alarm performance per line and hour of event time, after ISA-18.2 and EEMUA 191.
    pub struct AlertMetricRow in "alert_metrics" {
        /// Production line.
        pub production_line: LineId,
        /// Start of the hour.
        pub start: EventMs,
        /// Alerts raised and annunciated.
        pub raised: i64,
        /// Of these CRITICAL.
        pub critical: i64,
        /// Of these HIGH.
        pub high: i64,
        /// Of these MEDIUM.
        pub medium: i64,
        /// Of these LOW.
        pub low: i64,
        /// Of these chattering.
        pub chattering: i64,
        /// Most alerts within one aligned stretch of ten minutes.
        pub peak_10_min: i64,
        /// Whether there was a flood: ten or more within ten minutes.
        pub flood: bool,
        /// Suppressed by design: not annunciated.
        pub suppressed: i64,
    }
}
