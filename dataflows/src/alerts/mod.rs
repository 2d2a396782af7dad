//! Alerts: conditions, and what people did about them, as a life after ISA-18.2.
//!
//! ```text
//! conditions × rules ─┬──────────────────────────────┐
//!                     ├ × machine states → stopped ──┤
//!                     ├ per rule and subject → chattering
//!                     └ × sensors ───────────────────┤ facts by alert → one row
//! operator events ────┬──────────────────────────────┤
//!                     └ × clocks → shelf over, forgotten
//! ```
//!
//! Every condition is an alert, and everything known of an alert is a fact under its id, so that its row is a
//! function of a handful of facts. An operator event without a condition tells of an alert that corrected data
//! took away: it stays as *withdrawn*, with everything that was done and noted. Panes leave earlier than
//! operator events, so a withdrawn alert is kept for [`WITHDRAWN_KEPT`] only; after that nobody could tell a
//! correction from retention.
//!
//! State: per condition and operator event a few facts and one row.

mod chattering;
mod due;
mod life;
#[cfg(test)]
mod oracle;
mod stopped;
#[cfg(test)]
mod tests;

use crate::Rows;
use crate::operators::{Known, greatest, row_of_facts};
use crate::tables::{AlertRow, ConditionRow, MachineStateRow};
use differential_dataflow::operators::ThresholdTotal;
use lehr_domain::event::SensorDef;
use lehr_domain::operator::{AlertSubject, OperatorAction, OperatorEvent};
use lehr_domain::rule::{Check, Rule};
use lehr_domain::{AlertId, EventMs, LineId, RuleId, SensorId, SpanMs};
use life::{Fact, Raised};

pub use chattering::{CHATTERING_ACTIVATIONS, CHATTERING_WITHIN};

/// How long a withdrawn alert stays after it was raised, by the clock of the line that is furthest on. Less
/// than panes are kept (eight days), so that an alert never looks withdrawn because its panes left.
pub const WITHDRAWN_KEPT: SpanMs = SpanMs::days(7);

/// Conditions × operator events → alerts with their life. An alert stays, also as `Normal`, until its
/// condition leaves.
pub fn alerts<'s>(
    conditions: Rows<'s, ConditionRow>,
    rules: Rows<'s, (RuleId, Rule)>,
    sensors: Rows<'s, (SensorId, SensorDef)>,
    states: Rows<'s, MachineStateRow>,
    operator: Rows<'s, OperatorEvent>,
    clocks: Rows<'s, (LineId, EventMs)>,
) -> Rows<'s, AlertRow> {
    let raised = conditions
        .map(|row| (row.rule_id, row))
        .join_map(rules, |_, condition, rule| (raised(condition, rule), rule.suppress_when_stopped));

    let suppressible = raised.clone().filter(|(_, suppressible)| *suppressible);
    let suppressible = suppressible.map(|(condition, _)| (condition.line, (condition.start, condition.id())));
    let stopped = stopped::raised_while_stopped(states, suppressible).map(|alert| (alert, Fact::Stopped));

    let activations = raised.clone().map(|(row, _)| ((row.rule, row.line, row.sensor), row.start));
    let chattering = chattering::chattering(activations).map(|alert| (alert, Fact::Chattering));

    let watched = raised.clone().flat_map(|(condition, _)| Some((condition.sensor?, condition.id())));
    let acted_upon = operator.clone().flat_map(|event| Some((event.about.sensor?, event.alert)));
    let places = sensors.map(|(id, def)| (id, (def.equipment, def.parameter)));
    let places = watched
        .concat(acted_upon)
        .distinct_total()
        .join_map(places, |_, alert, (equipment, parameter)| (*alert, Fact::Sensor(*equipment, *parameter)));

    let deadlines = operator.clone().flat_map(deadlines);
    let furthest = greatest(clocks.clone().map(|(_, at)| (LineId::ALL, at)), "furthest clock");
    let due = due::due(deadlines, clocks.concat(furthest));

    let facts = raised.map(|(condition, _)| (condition.id(), Fact::Raised(condition))).concatenate([
        stopped,
        chattering,
        places,
        due,
        operator.map(|event| (event.alert, Fact::Done(event))),
    ]);
    row_of_facts(facts, "alerts", |alert: &AlertId, known: &Known<Fact>| life::row(*alert, known.facts()))
}

fn raised(condition: &ConditionRow, rule: &Rule) -> Raised {
    let compares = !matches!(rule.check, Check::LineState { .. } | Check::Twin { .. });
    Raised {
        rule: condition.rule_id,
        line: condition.production_line,
        sensor: condition.sensor_id,
        start: condition.start,
        end: condition.end,
        extreme: compares.then_some((condition.peak, condition.limit)),
        severity: rule.severity,
        message: rule.message.clone(),
        advice: rule.advice.clone(),
    }
}

impl Raised {
    fn id(&self) -> AlertId {
        let Raised { rule, line, sensor, start: raised_at, severity, .. } = *self;
        AlertSubject { rule, line, sensor, raised_at, severity }.alert_id()
    }
}

/// By which line's clock, when, and what is then known of which alert.
type Deadline = (LineId, (EventMs, (AlertId, Fact)));

/// When what was done ends by itself: shelving by the clock of the alert's line, a withdrawn alert by the
/// plant's.
fn deadlines(event: OperatorEvent) -> Vec<Deadline> {
    let mut deadlines = vec![(LineId::ALL, (event.about.raised_at + WITHDRAWN_KEPT, (event.alert, Fact::Forgotten)))];
    if let OperatorAction::Shelve { until } | OperatorAction::ShelveOneShot { until } = event.action {
        deadlines.push((event.about.line, (until, (event.alert, Fact::ShelfOver(event.id)))));
    }
    deadlines
}
