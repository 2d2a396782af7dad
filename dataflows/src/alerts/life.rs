//! The life of one alert after ISA-18.2: a pure function of its condition and of what was done about it.
//!
//! ```text
//!                    condition holds          condition over
//! unacknowledged     ActiveUnacknowledged     ReturnedUnacknowledged
//! acknowledged       ActiveAcknowledged       Normal
//! ```
//!
//! Over these lie, the first that applies: dismissed, out of service, shelved, suppressed. They hide the state
//! below and do not stop it. A condition that comes back is another alert, since its start is another.

use crate::tables::{AlertRow, AlertState};
use lehr_domain::operator::{OperatorAction, OperatorEvent};
use lehr_domain::rule::Severity;
use lehr_domain::{AlertId, EquipmentId, EventMs, LineId, Micro, ParameterId, RuleId, SensorId};
use serde::{Deserialize, Serialize};

/// What a withdrawn alert says in the place of its rule's message.
pub const WITHDRAWN_MESSAGE: &str = "withdrawn by corrected data";
/// And in the place of its rule's advice.
pub const WITHDRAWN_ADVICE: &str = "nothing to do: what was reported did not happen";

/// A condition as its rule describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Raised {
    pub rule: RuleId,
    pub line: LineId,
    pub sensor: Option<SensorId>,
    pub start: EventMs,
    pub end: Option<EventMs>,
    /// The most extreme value and the limit; `None` where the check compares no values.
    pub extreme: Option<(Micro, Micro)>,
    pub severity: Severity,
    pub message: String,
    pub advice: String,
}

/// Something that is known of an alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fact {
    Raised(Raised),
    /// Where its sensor is and what it measures.
    Sensor(EquipmentId, ParameterId),
    /// Its rule is silent while the line is stopped, and the line was when it was raised.
    Stopped,
    Chattering,
    Done(OperatorEvent),
    /// The time is over for which the operator event with this id shelved it.
    ShelfOver(u64),
    /// If its condition is gone, it is too long ago to tell corrected data from data that left by retention.
    Forgotten,
}

/// What is in force of all that was done.
#[derive(Default)]
struct Handling {
    acknowledged: Option<(EventMs, String)>,
    shelf: Option<Shelf>,
    out_of_service: bool,
    dismissed: bool,
    responded_at: Option<EventMs>,
    note: Option<String>,
}

struct Shelf {
    event: u64,
    until: EventMs,
    one_shot: bool,
}

impl Handling {
    fn of(events: &[&OperatorEvent]) -> Handling {
        let mut handling = Handling::default();
        for event in events {
            handling.apply(event);
        }
        handling
    }

    fn apply(&mut self, event: &OperatorEvent) {
        match event.action {
            OperatorAction::Acknowledge => drop(self.acknowledged.get_or_insert_with(|| (event.at, event.by.clone()))),
            OperatorAction::Shelve { until } => self.shelf = Some(Shelf { event: event.id, until, one_shot: false }),
            OperatorAction::ShelveOneShot { until } => {
                self.shelf = Some(Shelf { event: event.id, until, one_shot: true });
            }
            OperatorAction::Unshelve => self.shelf = None,
            OperatorAction::OutOfService => self.out_of_service = true,
            OperatorAction::ReturnToService => self.out_of_service = false,
            OperatorAction::Dismiss => self.dismissed = true,
            OperatorAction::Note => {}
            OperatorAction::Respond => drop(self.responded_at.get_or_insert(event.at)),
        }
        if !event.reason.is_empty() {
            self.note = Some(event.reason.clone());
        }
    }

    fn state(&self, active: bool, stopped: bool) -> AlertState {
        match (active, self.acknowledged.is_some()) {
            _ if self.dismissed => AlertState::Dismissed,
            _ if self.out_of_service => AlertState::OutOfService,
            _ if self.shelf.is_some() => AlertState::Shelved,
            _ if stopped => AlertState::Suppressed,
            (true, false) => AlertState::ActiveUnacknowledged,
            (true, true) => AlertState::ActiveAcknowledged,
            (false, false) => AlertState::ReturnedUnacknowledged,
            (false, true) => AlertState::Normal,
        }
    }
}

/// The alert's row. `None` when there is nothing to tell: no condition, and nobody did anything lately.
pub fn row<'a>(id: AlertId, facts: impl Iterator<Item = &'a Fact>) -> Option<AlertRow> {
    let (mut raised, mut sensor, mut events, mut over) = (None, None, Vec::new(), Vec::new());
    let (mut stopped, mut chattering, mut forgotten) = (false, false, false);
    for fact in facts {
        match fact {
            Fact::Raised(condition) => raised = Some(condition),
            Fact::Sensor(equipment, parameter) => sensor = Some((*equipment, *parameter)),
            Fact::Stopped => stopped = true,
            Fact::Chattering => chattering = true,
            Fact::Done(event) => events.push(event),
            Fact::ShelfOver(event) => over.push(*event),
            Fact::Forgotten => forgotten = true,
        }
    }
    events.sort_by_key(|event| (event.at, event.id));
    let mut handling = Handling::of(&events);
    let active = raised.is_some_and(|condition| condition.end.is_none());
    handling.shelf = handling.shelf.filter(|shelf| !over.contains(&shelf.event) && (active || !shelf.one_shot));
    let mut row = match (raised, events.first()) {
        (Some(condition), _) => of_condition(id, condition, handling.state(active, stopped)),
        (None, Some(first)) if !forgotten => withdrawn(id, first),
        _ => return None,
    };
    row.equipment_id = sensor.map(|(equipment, _)| equipment);
    row.parameter_name = sensor.map(|(_, parameter)| parameter);
    row.acknowledged = handling.acknowledged.is_some();
    (row.acknowledged_at, row.acknowledged_by) = handling.acknowledged.unzip();
    row.shelved_until = handling.shelf.filter(|_| row.state == AlertState::Shelved).map(|shelf| shelf.until);
    row.responded_at = handling.responded_at;
    row.note = handling.note;
    row.events = events.len() as i64;
    row.chattering = chattering;
    Some(row)
}

fn of_condition(id: AlertId, condition: &Raised, state: AlertState) -> AlertRow {
    AlertRow {
        alert_id: id,
        raised_at: condition.start,
        cleared_at: condition.end,
        severity: condition.severity,
        state,
        production_line: condition.line,
        sensor_id: condition.sensor,
        equipment_id: None,
        parameter_name: None,
        rule_id: condition.rule,
        message: condition.message.clone(),
        recommended_action: condition.advice.clone(),
        peak: condition.extreme.map(|(peak, _)| peak),
        limit: condition.extreme.map(|(_, limit)| limit),
        acknowledged: false,
        acknowledged_at: None,
        acknowledged_by: None,
        shelved_until: None,
        responded_at: None,
        note: None,
        events: 0,
        chattering: false,
    }
}

/// Told from what the first event says of it. It ended when it began: it never was.
fn withdrawn(id: AlertId, first: &OperatorEvent) -> AlertRow {
    let about = first.about;
    let condition = Raised {
        rule: about.rule,
        line: about.line,
        sensor: about.sensor,
        start: about.raised_at,
        end: Some(about.raised_at),
        extreme: None,
        severity: about.severity,
        message: WITHDRAWN_MESSAGE.into(),
        advice: WITHDRAWN_ADVICE.into(),
    };
    of_condition(id, &condition, AlertState::Withdrawn)
}
