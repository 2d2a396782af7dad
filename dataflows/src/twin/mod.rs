//! The twin of each line beside the line: a model that follows it minute by minute, says what is believed and
//! expected, how that held, and what is likely wrong.
//!
//! ```text
//! panes → detectors ── closed minutes of modelled sensors ─┐
//! set-points, machine states, units per minute ────────────┤ per line: fold ─┬→ values and forecasts, scores
//! line clocks, rules ──────────────────────────────────────┘                 ├→ findings → conditions → alerts
//!                                                                            └→ states put by
//! ```
//!
//! - `model`: what a model must be able to do; it is handed in
//! - `chronicle`: what was told of a line, minute by minute
//! - `fold`: minutes folded, with states on the way
//! - `findings`: what is found, as stretches and as conditions
//! - `line`: one line's state, and how a tick's changes reach it
//!
//! **What it is a function of.** A minute is folded once the line's clock is a minute past its end; a value, unit,
//! set-point or state that comes or is corrected later restates everything from its minute on. So what is said is a
//! function of the minutes that are there, and of the state that was put by.
//!
//! **Retention.** What the model knew at the *edge* is put by in `twin_states`, and minutes before the edge are not
//! looked at again: the edge passes a minute before its first pane leaves, at most an eighth of the retention before
//! (a day of eight). A line whose sensors are defined otherwise begins anew at the edge.
//!
//! State per line: the minutes from the edge on, a state each three hours, and what was found.

mod chronicle;
mod findings;
mod fold;
mod line;
mod model;

pub use chronicle::{Chronicle, Inspected, LineMinute, MINUTE, Value};
pub use findings::Stretch;
pub use fold::{Begin, Fold, Place, Reached};
pub use model::{About, Expected, Finding, Following, HORIZONS, LineModel, Outlook, Score};

use crate::base::Retention;
use crate::operators::{empty, per_key};
use crate::tables::{ConditionRow, MachineStateRow, TwinFindingRow, TwinRow, TwinScoreRow, TwinStateRow};
use crate::{Diff, Rows};
use differential_dataflow::operators::CountTotal;
use lehr_domain::event::SensorDef;
use lehr_domain::finding::FindingKind;
use lehr_domain::machine::{MachineState, Product, Setpoint};
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::unit::Unit;
use lehr_domain::{EventMs, LineId, Micro, ParameterId, ProductId, RuleId, SensorId, SpanMs};
use line::Line;
use serde::{Deserialize, Serialize};

/// How a rule watches findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Watching {
    kind: FindingKind,
    on_delay: u16,
    off_delay: u16,
}

/// Everything that the twin of a line depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Place(u8, Place),
    Value(EventMs, u8, Value),
    Inspected(EventMs, Inspected),
    Setpoint(EventMs, u8, Micro),
    State(EventMs, MachineState, ProductId),
    Planned(ProductId, SpanMs),
    Rule(RuleId, Watching),
    Clock(EventMs),
    Edge(EventMs),
    /// After a restart, once, and before the edge.
    Remembered(Begin),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Value(TwinRow),
    Score(TwinScoreRow),
    Finding(TwinFindingRow),
    Condition(ConditionRow),
    State(TwinStateRow),
}

/// What the twins say.
pub struct Twins<'s> {
    pub values: Rows<'s, TwinRow>,
    pub scores: Rows<'s, TwinScoreRow>,
    pub findings: Rows<'s, TwinFindingRow>,
    /// Conditions of rules that watch findings.
    pub conditions: Rows<'s, ConditionRow>,
    /// What is to be given back as `remembered` after a restart.
    pub states: Rows<'s, TwinStateRow>,
}

impl<'s> Twins<'s> {
    /// Where nothing runs beside the lines.
    pub fn none(scope: timely::dataflow::Scope<'s, crate::Ts>) -> Twins<'s> {
        Twins {
            values: empty(scope),
            scores: empty(scope),
            findings: empty(scope),
            conditions: empty(scope),
            states: empty(scope),
        }
    }
}

/// A sensor that is modelled: of which line, and at which place.
pub type Modelled = (SensorId, (LineId, u8));

/// A pane of a modelled sensor that is closed: line, start, place and value.
pub type ClosedPane = (LineId, EventMs, u8, Value);

/// The sensors that measure what the model has: of several for the same, the first counts.
pub fn modelled<'s>(
    model: &'static dyn LineModel,
    sensors: Rows<'s, (SensorId, SensorDef)>,
    parameters: Rows<'s, (ParameterId, String)>,
) -> Rows<'s, Modelled> {
    let places = parameters.flat_map(|(id, name)| Some((id, model.place(&name)?)));
    sensors
        .map(|(sensor, def)| (def.parameter, (sensor, def.line)))
        .join_map(places, |_, (sensor, line), place| ((*line, *place), *sensor))
        .reduce(|_, sensors, first| first.push((*sensors[0].0, 1)))
        .map(|((line, place), sensor)| (sensor, (line, place)))
}

/// What was inspected of each line in each minute.
pub fn inspected<'s>(units: Rows<'s, Unit>) -> Rows<'s, ((LineId, EventMs), Inspected)> {
    units.explode(|unit| Some(((unit.line, unit.at.floor(MINUTE)), Inspected::of_unit(&unit)))).count_total()
}

/// What the twins are told.
pub struct Told<'s> {
    pub modelled: Rows<'s, Modelled>,
    pub sensors: Rows<'s, (SensorId, SensorDef)>,
    /// Whatever of this is not closed by the line's clock is not looked at yet.
    pub panes: Rows<'s, ClosedPane>,
    pub setpoints: Rows<'s, Setpoint>,
    pub states: Rows<'s, MachineStateRow>,
    pub inspected: Rows<'s, ((LineId, EventMs), Inspected)>,
    pub products: Rows<'s, (ProductId, Product)>,
    pub rules: Rows<'s, (RuleId, Rule)>,
    pub lines: Rows<'s, LineId>,
    pub clocks: Rows<'s, (LineId, EventMs)>,
    /// One row; see [`edge`].
    pub edge: Rows<'s, EventMs>,
    pub remembered: Rows<'s, TwinStateRow>,
}

/// Minutes before this are not looked at again once a tick with this low-water mark is through.
pub fn edge(low_water: EventMs, retention: Retention) -> EventMs {
    let keeps = retention.panes.min(retention.events);
    let left = low_water - keeps;
    if left <= EventMs(0) {
        return EventMs(0);
    }
    let step = SpanMs(keeps.0 / 8).clamp(MINUTE, SpanMs::days(1));
    let step = SpanMs(step.0 / MINUTE.0 * MINUTE.0);
    (left - SpanMs(1)).floor(step) + step
}

/// The twin of every line that has modelled sensors.
pub fn twins<'s>(model: &'static dyn LineModel, told: Told<'s>) -> Twins<'s> {
    let Told {
        modelled,
        sensors,
        panes,
        setpoints,
        states,
        inspected,
        products,
        rules,
        lines,
        clocks,
        edge,
        remembered,
    } = told;
    let places = modelled.clone().join_map(sensors, |sensor, (line, place), def| {
        let about = About { target: def.target, sigma: def.sigma };
        (*line, Fact::Place(*place, Place { sensor: *sensor, about }))
    });
    let setpoints = setpoints.map(|row| (row.sensor, (row.at, row.value)));
    let setpoints =
        setpoints.join_map(modelled, |_, (at, value), (line, place)| (*line, Fact::Setpoint(*at, *place, *value)));
    let inspected = inspected.map(|((line, minute), inspected)| (line, Fact::Inspected(minute, inspected)));
    let watching = rules.flat_map(|(id, rule)| {
        let Rule { enabled, subject: Subject::EveryLine, check: Check::Twin { kind }, on_delay, off_delay, .. } = rule
        else {
            return None;
        };
        enabled.then_some(Fact::Rule(id, Watching { kind, on_delay, off_delay }))
    });
    let planned = products.map(|(id, def)| Fact::Planned(id, def.planned_run_time));
    let of_every_line = watching.concat(planned).concat(edge.map(Fact::Edge)).map(|fact| ((), fact));
    let of_every_line = of_every_line.join_map(lines.map(|line| ((), line)), |_, fact, line| (*line, fact.clone()));
    let facts = places.concatenate([
        setpoints,
        inspected,
        of_every_line,
        panes.map(|(line, at, place, value)| (line, Fact::Value(at, place, value))),
        states.map(|row| (row.production_line, Fact::State(row.start, row.state, row.product))),
        clocks.map(|(line, at)| (line, Fact::Clock(at))),
        remembered.map(|row| (row.production_line, Fact::Remembered(row.begin))),
    ]);
    let said = per_key(facts, "twins", move |line: &LineId, state: &mut Line, changes: &[(Fact, Diff)], out| {
        state.step(*line, model, changes, out);
    });
    macro_rules! only {
        ($kind:ident) => {
            said.clone().flat_map(|said| if let Said::$kind(row) = said { Some(row) } else { None })
        };
    }
    Twins {
        values: only!(Value),
        scores: only!(Score),
        findings: only!(Finding),
        conditions: only!(Condition),
        states: only!(State),
    }
}
