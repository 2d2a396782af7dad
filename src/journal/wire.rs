//! Events as they lie on disk.
//!
//! The domain's own serde form is made for people (tagged and flattened enums), which a compact format that does
//! not describe itself cannot read back. The mirrors here give the same data a positional form. They are the
//! disk format: the order of variants and fields must never change, new variants go at the end, and anything
//! else needs a new payload version. A variant added to the domain does not compile until it is mirrored.

use lehr_domain::calendar::Calendar;
use lehr_domain::causal::Edge;
use lehr_domain::event::{EquipmentDef, ErrorRow, LateRow, Revised, SensorDef};
use lehr_domain::machine::{MachineState, Product, Setpoint, StateChange};
use lehr_domain::operator::{AlertSubject, AuditEntry, OperatorAction, OperatorEvent};
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::unit::{DefectType, Unit};
use lehr_domain::{
    AlertId, EdgeId, EquipmentId, Event, EventMs, LineId, Micro, ParameterId, PerMille, ProductId, RuleId, SensorId,
    SpanMs, Status,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event on its way to disk.
pub struct Out<'a>(pub &'a Revised);

impl Serialize for Out<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RevisedWire::serialize(self.0, serializer)
    }
}

/// An event on its way back.
#[derive(Deserialize)]
pub struct In(#[serde(with = "RevisedWire")] pub Revised);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Revised")]
struct RevisedWire {
    revision: u64,
    #[serde(with = "EventWire")]
    event: Event,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Event")]
enum EventWire {
    Line(LineId, String),
    Parameter(ParameterId, String),
    Equipment(EquipmentId, EquipmentDef),
    Product(ProductId, Product),
    Sensor(SensorId, SensorDef),
    Calendar(Calendar),
    Rule(RuleId, #[serde(with = "optional_rule")] Option<Rule>),
    Edge(EdgeId, Option<Edge>),
    Setpoint(Setpoint),
    State(StateChange),
    Unit(Unit),
    Operator(#[serde(with = "OperatorEventWire")] OperatorEvent),
    Audit(AuditEntry),
    Error(ErrorRow),
    Late(#[serde(with = "LateWire")] LateRow),
}

/// Status and revision are kept apart from it: see [`super::codec`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "LateRow")]
struct LateWire {
    sensor: SensorId,
    at: EventMs,
    value: Micro,
    arrived: EventMs,
    #[serde(skip)]
    status: Status,
    #[serde(skip)]
    revision: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OperatorEvent")]
struct OperatorEventWire {
    id: u64,
    alert: AlertId,
    about: AlertSubject,
    at: EventMs,
    #[serde(with = "OperatorActionWire")]
    action: OperatorAction,
    by: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OperatorAction")]
enum OperatorActionWire {
    Acknowledge,
    Shelve { until: EventMs },
    ShelveOneShot { until: EventMs },
    Unshelve,
    OutOfService,
    ReturnToService,
    Dismiss,
    Note,
    Respond,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rule")]
struct RuleWire {
    name: String,
    enabled: bool,
    subject: Subject,
    #[serde(with = "CheckWire")]
    check: Check,
    severity: Severity,
    on_delay: u16,
    off_delay: u16,
    suppress_when_stopped: bool,
    message: String,
    advice: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Check")]
enum CheckWire {
    High { limit: Micro, deadband: Micro },
    Low { limit: Micro, deadband: Micro },
    RateOfChange { per_minute: Micro },
    Variation { limit: Micro },
    Nelson { rule: u8 },
    WesternElectric { rule: u8 },
    Ewma { lambda: PerMille, width: PerMille },
    Cusum { slack: PerMille, threshold: PerMille },
    Drift { band: Micro },
    Stale { after: SpanMs },
    Stuck { panes: u16 },
    BadQuality { share: PerMille },
    DefectRate { limit: PerMille, minutes: u16, min_units: u16 },
    DefectCount { defect: DefectType, per_minute: Micro, minutes: u16 },
    QualityScore { limit: PerMille, minutes: u16, min_units: u16 },
    LineState { state: MachineState },
}

mod optional_rule {
    use super::*;

    struct OutRule<'a>(&'a Rule);

    impl Serialize for OutRule<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            RuleWire::serialize(self.0, serializer)
        }
    }

    #[derive(Deserialize)]
    struct InRule(#[serde(with = "RuleWire")] Rule);

    pub fn serialize<S: Serializer>(rule: &Option<Rule>, serializer: S) -> Result<S::Ok, S::Error> {
        rule.as_ref().map(OutRule).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rule>, D::Error> {
        Ok(Option::<InRule>::deserialize(deserializer)?.map(|rule| rule.0))
    }
}
