//! What the rules say of the sensors: one operator, keyed by sensor, over the sensor's panes.
//!
//! - `sensor`: one sensor's state, and which verdicts a tick's changes touch
//! - `seen`: its panes, set-points and normal behaviour
//! - `checks`, `chart`: a verdict is a pure function of the last *k* panes, *k* fixed by the check
//! - `watched`: one rule on one sensor
//! - `silence`: the one check of the panes that are *not* there
//! - `departure`: panes that deviate, as evidence for root causes
//! - `closed`: closed panes of modelled sensors, for the twins
//! - `carried`: what is remembered of panes that left
//!
//! **Retention.** A sensor's oldest panes that are retracted without replacement have left by retention. What
//! they said stands: later verdicts still look back on them (see [`seen::CONTEXT_PANES`]), an open condition
//! keeps its start, and only conditions that ended with them leave. So an alert neither changes its identity
//! nor is raised anew because it grows old. All else is a function of the rows that are there. A rule, a
//! definition or a set-point edited later restates the panes that are there, no others.
//!
//! Cost of a tick: for the newest pane of a sensor one verdict a rule, each O(k); a late pane touches *k*
//! verdicts of each rule.

mod carried;
mod chart;
mod checks;
mod closed;
mod departure;
mod seen;
mod sensor;
mod silence;
mod watched;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace;

pub use carried::Carried;

use crate::Rows;
use crate::deviations::DeviatingPane;
use crate::operators::per_key;
use crate::tables::{ConditionRow, PaneRow};
use crate::twin::{ClosedPane, Modelled};
use lehr_domain::event::SensorDef;
use lehr_domain::machine::Setpoint;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::{EventMs, LineId, Micro, ParameterId, RuleId, SensorId, SpanMs};
use sensor::Sensor;
use serde::{Deserialize, Serialize};

/// A pane, as far as checks read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pane {
    start: EventMs,
    last_reading: EventMs,
    /// Good and uncertain readings. When there is none, `mean`, `min` and `max` say nothing.
    n: i64,
    bad: u32,
    mean: Micro,
    min: Micro,
    max: Micro,
}

impl Pane {
    fn is_good(&self) -> bool {
        self.n > 0
    }

    /// Greatest minus least value.
    fn spread(&self) -> i64 {
        self.max.0.saturating_sub(self.min.0)
    }
}

impl From<&PaneRow> for Pane {
    fn from(row: &PaneRow) -> Pane {
        Pane {
            start: row.start,
            last_reading: row.last_reading,
            n: row.moments.n,
            bad: row.bad,
            mean: row.moments.mean().unwrap_or_default(),
            min: row.moments.min,
            max: row.moments.max,
        }
    }
}

/// A sensor's definition, as far as checks read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Def {
    line: LineId,
    parameter: ParameterId,
    target: Option<Micro>,
    sigma: Option<Micro>,
}

/// An enabled rule that applies to a sensor, as far as its verdicts go: a new message restates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Watch {
    rule: RuleId,
    check: Check,
    on_delay: u16,
    off_delay: u16,
}

/// Everything that a sensor's verdicts depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Row {
    Def(Def),
    Watch(Watch),
    Setpoint(EventMs, Micro),
    /// End of the line's latest pane.
    Clock(EventMs),
    Pane(Pane),
    Carried(Carried),
    /// A twin follows it: of which line, and at which place.
    Modelled(LineId, u8),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Condition(ConditionRow),
    Deviating(DeviatingPane),
    Carried(SensorId, Carried),
    Closed(ClosedPane),
}

/// What the detectors say.
pub struct Detected<'s> {
    /// Conditions that hold or held on sensors.
    pub conditions: Rows<'s, ConditionRow>,
    /// Panes that deviate from normal.
    pub deviating: Rows<'s, DeviatingPane>,
    /// What is to be given back as `carried` after a restart.
    pub carried: Rows<'s, (SensorId, Carried)>,
    /// Panes of modelled sensors, those that the line's clock has not closed withheld.
    pub closed: Rows<'s, ClosedPane>,
}

/// What detectors are told.
pub struct Told<'s> {
    pub panes: Rows<'s, PaneRow>,
    pub sensors: Rows<'s, (SensorId, SensorDef)>,
    /// Rules that watch a line ([`Check::of_line`]) are not evaluated here.
    pub rules: Rows<'s, (RuleId, Rule)>,
    pub setpoints: Rows<'s, Setpoint>,
    /// Per line the end of its latest pane.
    pub line_clocks: Rows<'s, (LineId, EventMs)>,
    /// What was remembered before a restart; it comes in the tick of the panes and rules that were there, and never
    /// later.
    pub carried: Rows<'s, (SensorId, Carried)>,
    pub modelled: Rows<'s, Modelled>,
}

/// The conditions that hold or held on sensors, and the panes that deviate from normal.
pub fn detectors<'s>(told: Told<'s>, pane_width: SpanMs) -> Detected<'s> {
    let Told { panes, sensors, rules, setpoints, line_clocks, carried, modelled } = told;
    assert!(pane_width.0 > 0, "a pane has a width");
    let sensors = sensors.map(|(sensor, def)| {
        let SensorDef { line, parameter, target, sigma, .. } = def;
        (sensor, Def { line, parameter, target, sigma })
    });
    let watches = watches(sensors.clone(), rules).map(|(sensor, watch)| (sensor, Row::Watch(watch)));
    let clocks = sensors
        .clone()
        .map(|(sensor, def)| (def.line, sensor))
        .join_map(line_clocks, |_, sensor, clock| (*sensor, Row::Clock(*clock)));
    let rows = panes.map(|pane| (pane.sensor_id, Row::Pane(Pane::from(&pane)))).concatenate([
        sensors.map(|(sensor, def)| (sensor, Row::Def(def))),
        watches,
        setpoints.map(|row| (row.sensor, Row::Setpoint(row.at, row.value))),
        clocks,
        carried.map(|(sensor, row)| (sensor, Row::Carried(row))),
        modelled.map(|(sensor, (line, place))| (sensor, Row::Modelled(line, place))),
    ]);
    let found = per_key(rows, "detectors", move |sensor: &SensorId, state: &mut Sensor, changes, out| {
        state.step(*sensor, pane_width, changes, out);
    });
    macro_rules! only {
        ($pattern:pat => $row:expr) => {
            found.clone().flat_map(|found| if let $pattern = found { Some($row) } else { None })
        };
    }
    Detected {
        conditions: only!(Found::Condition(row) => row),
        deviating: only!(Found::Deviating(row) => row),
        carried: only!(Found::Carried(sensor, row) => (sensor, row)),
        closed: only!(Found::Closed(pane) => pane),
    }
}

/// The enabled rules about sensors, each with every sensor that it watches.
fn watches<'s>(sensors: Rows<'s, (SensorId, Def)>, rules: Rows<'s, (RuleId, Rule)>) -> Rows<'s, (SensorId, Watch)> {
    let watching = rules.flat_map(|(rule, def)| {
        let Rule { check, on_delay, off_delay, .. } = def;
        (def.enabled && !check.of_line()).then_some((def.subject, Watch { rule, check, on_delay, off_delay }))
    });
    let subjects = sensors.flat_map(|(sensor, def)| {
        [Subject::Sensor(sensor), Subject::Parameter(def.parameter), Subject::EverySensor]
            .map(|subject| (subject, sensor))
    });
    subjects.join_map(watching, |_, sensor, watch| (*sensor, *watch))
}
