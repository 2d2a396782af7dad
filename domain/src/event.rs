//! The inputs of Lehr: updates of its base collections, and the group in which they become durable.
//!
//! **Form.** Events are journalled, and rows sent between workers, in formats that do not describe themselves:
//! the serde form of everything in this crate is positional, without `tag`, `flatten`, `untagged` or skipped
//! fields, and the order of variants and fields is the disk format. New variants go at the end; anything else
//! needs a new payload version in the journal, whose tests pin the bytes. What people read and write (TOML, the
//! API) has types of its own.

use crate::calendar::Calendar;
use crate::causal::Edge;
use crate::machine::{Product, Setpoint, StateChange};
use crate::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use crate::operator::{AuditEntry, OperatorEvent};
use crate::picture::Picture;
use crate::recommendation::{Decision, Recommendation};
use crate::rule::Rule;
use crate::scenario::Scenario;
use crate::unit::Unit;
use crate::{
    EdgeId, EquipmentId, EventMs, LineId, Micro, ParameterId, ProductId, Reading, ReadingBatch, RecommendationId,
    RuleId, ScenarioId, SensorId, SpanMs, Status, Tick, UnitId,
};
use serde::{Deserialize, Serialize};

/// A sensor: what it measures, where, how often, and what is normal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SensorDef {
    /// Unique text, for instance `Line_A.furnace_temperature`.
    pub name: String,
    pub line: LineId,
    pub equipment: EquipmentId,
    pub parameter: ParameterId,
    pub unit: String,
    pub period: SpanMs,
    /// Calibrated span of the instrument; a value outside is uncertain, not wrong.
    pub span: (Micro, Micro),
    /// Set-point when none was ever given.
    pub target: Option<Micro>,
    /// Standard deviation of pane means in normal operation. `None`: estimated from the first panes.
    pub sigma: Option<Micro>,
}

/// A piece of equipment and the stage of the line where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EquipmentDef {
    pub name: String,
    pub stage: String,
    /// How long after passing here a unit is inspected, at least and at most.
    pub lag_min: SpanMs,
    pub lag_max: SpanMs,
}

/// An input that could not be taken, kept so that somebody can find out why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ErrorRow {
    pub id: u64,
    /// Plant time of arrival.
    pub at: EventMs,
    pub source: String,
    /// Which field was wrong, and how to mend it.
    pub reason: String,
    /// Hash of the offending input, so that repeats are seen as such.
    pub hash: u64,
    /// Its beginning, at most 200 characters.
    pub sample: String,
}

/// A reading that came after its pane had left by retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LateRow {
    pub sensor: SensorId,
    pub at: EventMs,
    pub value: Micro,
    /// Plant time of arrival.
    pub arrived: EventMs,
    pub status: Status,
    /// Of the reading.
    pub revision: u64,
}

impl LateRow {
    /// The reading that came too late.
    pub fn reading(&self) -> Reading {
        let LateRow { sensor, at, value, status, revision, .. } = *self;
        Reading { sensor, at, revision, value, status }
    }
}

/// An update of a base collection. The row with the highest revision holds for its [`EventKey`]; among
/// equal revisions the greatest, so that the order of arrival never matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    Line(LineId, String),
    Parameter(ParameterId, String),
    Equipment(EquipmentId, EquipmentDef),
    Product(ProductId, Product),
    Sensor(SensorId, SensorDef),
    Calendar(Calendar),
    /// `None`: the rule is gone.
    Rule(RuleId, Option<Rule>),
    /// `None`: the edge is gone.
    Edge(EdgeId, Option<Edge>),
    Setpoint(Setpoint),
    State(StateChange),
    Unit(Unit),
    Operator(OperatorEvent),
    Audit(AuditEntry),
    Error(ErrorRow),
    Late(LateRow),
    /// `None`: the scenario is gone.
    Scenario(ScenarioId, Option<Scenario>),
    /// Boxed, like others below, because it is large and rare: every event takes the room of the largest.
    Recommendation(RecommendationId, Box<Recommendation>),
    Decision(Decision),
    Model(ModelKind, ModelVersion, Box<Registration>),
    Deployment(Box<Deployment>),
    Picture(Picture),
}

/// What identifies a row of a base collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKey {
    Line(LineId),
    Parameter(ParameterId),
    Equipment(EquipmentId),
    Product(ProductId),
    Sensor(SensorId),
    Calendar,
    Rule(RuleId),
    Edge(EdgeId),
    Setpoint(SensorId, EventMs),
    State(LineId, EventMs),
    Unit(UnitId),
    Operator(u64),
    Audit(u64),
    Error(u64),
    Late(SensorId, EventMs, EventMs),
    Scenario(ScenarioId),
    Recommendation(RecommendationId),
    Decision(u64),
    Model(ModelKind, ModelVersion),
    Deployment(ModelKind, Alias, EventMs),
    Picture(UnitId),
}

impl Event {
    pub fn key(&self) -> EventKey {
        match self {
            Event::Line(id, _) => EventKey::Line(*id),
            Event::Parameter(id, _) => EventKey::Parameter(*id),
            Event::Equipment(id, _) => EventKey::Equipment(*id),
            Event::Product(id, _) => EventKey::Product(*id),
            Event::Sensor(id, _) => EventKey::Sensor(*id),
            Event::Calendar(_) => EventKey::Calendar,
            Event::Rule(id, _) => EventKey::Rule(*id),
            Event::Edge(id, _) => EventKey::Edge(*id),
            Event::Setpoint(row) => EventKey::Setpoint(row.sensor, row.at),
            Event::State(row) => EventKey::State(row.line, row.at),
            Event::Unit(row) => EventKey::Unit(row.unit),
            Event::Operator(row) => EventKey::Operator(row.id),
            Event::Audit(row) => EventKey::Audit(row.id),
            Event::Error(row) => EventKey::Error(row.id),
            Event::Late(row) => EventKey::Late(row.sensor, row.at, row.arrived),
            Event::Scenario(id, _) => EventKey::Scenario(*id),
            Event::Recommendation(id, _) => EventKey::Recommendation(*id),
            Event::Decision(row) => EventKey::Decision(row.id),
            Event::Model(kind, version, _) => EventKey::Model(*kind, *version),
            Event::Deployment(row) => EventKey::Deployment(row.model, row.alias, row.at),
            Event::Picture(row) => EventKey::Picture(row.unit),
        }
    }

    /// Which base collection it belongs to.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Line(..) => "line",
            Event::Parameter(..) => "parameter",
            Event::Equipment(..) => "equipment",
            Event::Product(..) => "product",
            Event::Sensor(..) => "sensor",
            Event::Calendar(_) => "calendar",
            Event::Rule(..) => "rule",
            Event::Edge(..) => "edge",
            Event::Setpoint(_) => "setpoint",
            Event::State(_) => "state",
            Event::Unit(_) => "unit",
            Event::Operator(_) => "operator",
            Event::Audit(_) => "audit",
            Event::Error(_) => "error",
            Event::Late(_) => "late",
            Event::Scenario(..) => "scenario",
            Event::Recommendation(..) => "recommendation",
            Event::Decision(_) => "decision",
            Event::Model(..) => "model",
            Event::Deployment(_) => "deployment",
            Event::Picture(_) => "picture",
        }
    }

    /// Whether it gives a name to an id, or takes one: what [`crate::names::Names`] keeps.
    pub fn registers(&self) -> bool {
        matches!(
            self,
            Event::Line(..)
                | Event::Parameter(..)
                | Event::Equipment(..)
                | Event::Product(..)
                | Event::Sensor(..)
                | Event::Edge(..)
        )
    }

    /// When it happened, for rows that leave by retention; `None` for configuration, which stays.
    /// Set-points, machine states and deployments stay too: they hold until the next one, and are few.
    pub fn event_time(&self) -> Option<EventMs> {
        match self {
            Event::Unit(row) => Some(row.at),
            Event::Operator(row) => Some(row.at),
            Event::Error(row) => Some(row.at),
            Event::Late(row) => Some(row.arrived),
            Event::Recommendation(_, row) => Some(row.made_at),
            Event::Decision(row) => Some(row.at),
            Event::Picture(row) => Some(row.at),
            _ => None,
        }
    }
}

/// An event and its revision: given by its source, else the tick in which it was journalled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revised {
    pub revision: u64,
    pub event: Event,
}

/// One tick's inputs, in the form in which they are journalled and replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    pub tick: Tick,
    /// Plant time when the tick closed: wall time for a real plant, simulated time for a simulated one.
    pub now: EventMs,
    /// Wall time when the tick closed.
    pub wall: EventMs,
    /// Event time below which rows may leave, before the retention of each collection is subtracted.
    /// Never falls from tick to tick.
    pub low_water: EventMs,
    pub readings: ReadingBatch,
    pub events: Vec<Revised>,
    /// How far each source was read, for sources that can be asked again.
    pub offsets: Vec<(String, u64)>,
}
