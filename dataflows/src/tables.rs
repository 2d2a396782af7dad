//! The output collections: one row type a table. This file is the contract between the graphs and
//! everything that shows their results. Rows are exact (integers, and ratios as two sums); floats appear in
//! derived columns only, when a row is published.

use crate::detectors::Carried;
use crate::twin::Begin;
use lehr_domain::calendar::Scope;
use lehr_domain::causal::{Direction, Node};
use lehr_domain::finding::FindingKind;
use lehr_domain::ids::stable_hash;
use lehr_domain::machine::MachineState;
use lehr_domain::moments::Moments;
use lehr_domain::names::Names;
use lehr_domain::operator::AlertSubject;
use lehr_domain::recommendation::{Decision, Expected, Origin, Recommendation, RecommendationState, Step};
use lehr_domain::rule::{Check, Severity, Subject};
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::table::{Cell, ColumnType, Publish};
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{
    AlertId, EdgeId, EquipmentId, Event, EventMs, LineId, Micro, ParameterId, PerMille, ProductId, Ratio,
    RecommendationId, RuleId, ScenarioId, SensorId, SpanMs, Status, UnitId, table,
};
use serde::{Deserialize, Serialize};

fn line_of(sensor: SensorId, names: &Names) -> Option<String> {
    Some(names.line(names.sensor_def(sensor)?.line).to_owned())
}

fn parameter_of(sensor: SensorId, names: &Names) -> Option<String> {
    Some(names.parameter(names.sensor_def(sensor)?.parameter).to_owned())
}

table! {
    /// The sensors that Lehr knows.
    pub struct SensorRow in "sensors" {
        /// Unique name.
        pub sensor_id: SensorId,
        /// Production line.
        pub production_line: LineId,
        /// Equipment that it belongs to.
        pub equipment_id: EquipmentId,
        /// What it measures.
        pub parameter_name: ParameterId,
        /// Unit of measurement.
        pub unit: String,
        /// Seconds between readings.
        pub period_s: SpanMs,
        /// Lower end of the calibrated span.
        pub span_low: Micro,
        /// Upper end of the calibrated span.
        pub span_high: Micro,
        /// Set-point when none was ever given.
        pub target: Option<Micro>,
        /// Standard deviation of pane means in normal operation.
        pub sigma: Option<Micro>,
    }
}

table! {
    /// The last reading of each sensor, by event time.
    pub struct LatestRow in "latest" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// When it was measured.
        pub at: EventMs,
        /// The value; null when the pane held bad readings only.
        pub value: Option<Micro>,
        /// What the device said of it.
        pub status: Status,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// Readings folded into panes of event time, one minute each: the finest live level.
    pub struct PaneRow in "panes" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the pane.
        pub start: EventMs,
        /// Readings with status ERROR: kept out of the statistics.
        pub bad: u32,
        /// Readings with status WARNING: counted, but uncertain.
        pub uncertain: u32,
        /// Event time of the last reading, bad or not.
        pub last_reading: EventMs,
        /// Status of the last reading.
        pub status: Status,
    }
    hidden {
        /// Sums over the good and uncertain readings.
        pub moments: Moments,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
        /// Readings counted.
        n: i64 = |row, _| Some(row.moments.n),
        /// Mean.
        mean: f64 = |row, _| row.moments.mean_f64(),
        /// Sample standard deviation.
        std: f64 = |row, _| row.moments.std_f64(),
        /// Least value.
        min: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.min.to_f64()),
        /// Greatest value.
        max: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.max.to_f64()),
        /// First value.
        first: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.first.to_f64()),
        /// Last value.
        last: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.last.to_f64()),
    }
}

table! {
    /// Windowed statistics of each sensor over 1 min, 15 min and 2 h of event time, aligned at the epoch.
    pub struct FeatureRow in "features" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Length of the window, seconds.
        pub window_s: SpanMs,
        /// Start of the window.
        pub start: EventMs,
        /// Panes in the window that hold at least one good reading.
        pub panes: i64,
    }
    hidden {
        /// Sums over the readings of the window.
        pub moments: Moments,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
        /// Readings counted.
        n: i64 = |row, _| Some(row.moments.n),
        /// Mean.
        mean: f64 = |row, _| row.moments.mean_f64(),
        /// Sample standard deviation.
        std: f64 = |row, _| row.moments.std_f64(),
        /// Least value.
        min: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.min.to_f64()),
        /// Greatest value.
        max: f64 = |row, _| (row.moments.n > 0).then(|| row.moments.max.to_f64()),
        /// Least-squares slope, units per minute.
        slope_per_min: f64 = |row, _| row.moments.slope_f64(),
        /// Correlation of each reading with the next.
        autocorrelation: f64 = |row, _| row.moments.autocorrelation_f64(),
    }
}

table! {
    /// Inspected ware units.
    pub struct UnitRow in "units" {
        /// Unit.
        pub unit_id: UnitId,
        /// Production line.
        pub production_line: LineId,
        /// When it was inspected.
        pub at: EventMs,
        /// Article.
        pub product: ProductId,
        /// good, rework or scrap.
        pub verdict: Verdict,
        /// Number of defects found.
        pub defects: i64,
    }
}

table! {
    /// Defects found on units.
    pub struct DefectRow in "defects" {
        /// Unit.
        pub unit_id: UnitId,
        /// Which of the unit's defects, from 0.
        pub ordinal: i64,
        /// Production line.
        pub production_line: LineId,
        /// When the unit was inspected.
        pub at: EventMs,
        /// Type of defect.
        pub defect_type: DefectType,
        /// How sure the inspection is, 0 to 1.
        pub score: PerMille,
        /// Left edge in the 224 × 224 image, pixels.
        pub x: u8,
        /// Upper edge, pixels.
        pub y: u8,
        /// Width, pixels.
        pub width: u8,
        /// Height, pixels.
        pub height: u8,
    }
}

table! {
    /// What each line was doing, as intervals of event time.
    pub struct MachineStateRow in "machine_states" {
        /// Production line.
        pub production_line: LineId,
        /// When the state began.
        pub start: EventMs,
        /// When it ended; null while it lasts.
        pub end: Option<EventMs>,
        /// production, setup, down or planned.
        pub state: MachineState,
        /// Article.
        pub product: ProductId,
        /// Why.
        pub reason: String,
    }
}

table! {
    /// Set-points: what each controlled quantity ought to be, from when on.
    pub struct SetpointRow in "setpoints" {
        /// Sensor that measures the quantity.
        pub sensor_id: SensorId,
        /// From when on.
        pub start: EventMs,
        /// The value.
        pub value: Micro,
    }
}

table! {
    /// Key figures after ISO 22400-2, from sums, per line (and the plant), product (and all), hour, shift, day and week.
    pub struct KpiRow in "kpis" {
        /// hour, shift, day or week.
        pub scope: Scope,
        /// Start of the period, plant time.
        pub start: EventMs,
        /// End of the period.
        pub end: EventMs,
        /// Production line, or all.
        pub production_line: LineId,
        /// Article, or all.
        pub product: ProductId,
        /// Units inspected (produced quantity PQ, inspected parts IP).
        pub inspected: i64,
        /// Units good at the first pass (GQ, GP).
        pub good: i64,
        /// Units to be reworked (RQ).
        pub rework: i64,
        /// Units scrapped (SQ).
        pub scrap: i64,
        /// Units with at least one defect.
        pub defective: i64,
        /// Cracks.
        pub crack: i64,
        /// Bubbles.
        pub bubble: i64,
        /// Chips.
        pub chip: i64,
        /// Cloudiness.
        pub cloudiness: i64,
        /// Deformations.
        pub deformation: i64,
        /// Stains.
        pub stain: i64,
        /// Stress fractures.
        pub stress_fracture: i64,
        /// Seconds of production (APT).
        pub production_s: SpanMs,
        /// Seconds of set-up (ASUT).
        pub setup_s: SpanMs,
        /// Seconds of unplanned stops (ADET).
        pub down_s: SpanMs,
        /// Seconds of planned stops; no part of the planned busy time.
        pub planned_stop_s: SpanMs,
        /// Seconds that the units should have taken: planned run time per item × produced quantity (PRI × PQ).
        pub planned_run_s: SpanMs,
        /// Seconds that the good units should have taken (PRI × GQ).
        pub planned_good_s: SpanMs,
    }
    derived {
        /// All defects.
        defects: i64 = |row, _| Some(row.defects()),
        /// Good units over produced units (quality ratio).
        quality_ratio: f64 = |row, _| row.quality().to_f64(),
        /// Units right at the first pass over units inspected.
        first_pass_yield: f64 = |row, _| row.quality().to_f64(),
        /// Production time over planned busy time.
        availability: f64 = |row, _| row.availability().to_f64(),
        /// Planned run time of what was produced over production time (effectiveness); above 1: check the planned run time.
        performance: f64 = |row, _| row.performance().to_f64(),
        /// Availability × performance × quality = planned run time of good units over planned busy time.
        oee: f64 = |row, _| row.oee().to_f64(),
        /// Units per hour of planned busy time.
        units_per_hour: f64 = |row, _| row.rate().to_f64(),
        /// Units per hour of planned busy time if every unit took its planned run time without a stop.
        target_units_per_hour: f64 = |row, _| row.target_rate().to_f64(),
        /// Defects per thousand units.
        defects_per_1000: f64 = |row, _| Ratio::new(row.defects() * 1000, row.inspected).to_f64(),
        /// Defective units over inspected units.
        defect_rate: f64 = |row, _| Ratio::new(row.defective, row.inspected).to_f64(),
        /// Unplanned stops over planned busy time.
        downtime_share: f64 = |row, _| Ratio::new(row.down_s.0, row.planned_busy().0).to_f64(),
    }
}

impl KpiRow {
    /// Planned busy time (PBT), milliseconds: production, set-up and unplanned stops.
    pub fn planned_busy(&self) -> SpanMs {
        SpanMs(self.production_s.0 + self.setup_s.0 + self.down_s.0)
    }

    pub fn defects(&self) -> i64 {
        self.crack + self.bubble + self.chip + self.cloudiness + self.deformation + self.stain + self.stress_fracture
    }

    pub fn quality(&self) -> Ratio {
        Ratio::new(self.good, self.inspected)
    }

    pub fn availability(&self) -> Ratio {
        Ratio::new(self.production_s.0, self.planned_busy().0)
    }

    pub fn performance(&self) -> Ratio {
        Ratio::new(self.planned_run_s.0, self.production_s.0)
    }

    /// With several products PRI × GQ is summed per product; for one it is the product of the three factors.
    pub fn oee(&self) -> Ratio {
        Ratio::new(self.planned_good_s.0, self.planned_busy().0)
    }

    pub fn rate(&self) -> Ratio {
        Ratio::new(self.inspected * 3_600_000, self.planned_busy().0)
    }

    pub fn target_rate(&self) -> Ratio {
        Ratio::new(self.inspected * 3_600_000, self.planned_run_s.0)
    }
}

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

table! {
    /// Panes of a sensor that departed from the set-point, summed up per five minutes of event time.
    pub struct DeviationRow in "deviations" {
        /// Production line.
        pub production_line: LineId,
        /// What is measured.
        pub parameter_name: ParameterId,
        /// high, low or variation.
        pub direction: Direction,
        /// Start of the five minutes.
        pub start: EventMs,
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the first deviating pane.
        pub first: EventMs,
        /// End of the last deviating pane.
        pub last: EventMs,
        /// Deviating panes.
        pub panes: i64,
        /// The most extreme pane mean (for variation: the greatest variation).
        pub peak: Micro,
        /// The set-point at that pane (for variation: the normal variation).
        pub centre: Micro,
        /// Greatest deviation, in σ.
        pub sigmas: PerMille,
    }
}

table! {
    /// Defects and alerted parameters to be explained, per line and 15 minutes of event time.
    pub struct IncidentRow in "incidents" {
        /// Production line.
        pub production_line: LineId,
        /// Defect type or parameter.
        pub effect: Node,
        /// Start of the 15 minutes.
        pub start: EventMs,
        /// First occurrence.
        pub first: EventMs,
        /// Last occurrence.
        pub last: EventMs,
        /// Occurrences: defects found, or alerts raised.
        pub count: i64,
    }
}

table! {
    /// The top three likely causes of each incident.
    pub struct RootCauseRow in "root_causes" {
        /// Production line.
        pub production_line: LineId,
        /// Defect type or parameter that is explained.
        pub effect: Node,
        /// Start of the incident's 15 minutes.
        pub incident: EventMs,
        /// 1 is the likeliest.
        pub rank: u8,
        /// The causal edge that was followed.
        pub edge_id: EdgeId,
        /// Made from incident and edge; the same inputs give the same id.
        pub root_cause_id: AlertId,
        /// What deviated.
        pub cause: Node,
        /// In which way.
        pub direction: Direction,
        /// Confidence, 0 to 1.
        pub confidence: PerMille,
        /// Greatest deviation inside the lag window, in σ.
        pub deviation_sigmas: PerMille,
        /// Sensor that shows it.
        pub sensor_id: SensorId,
        /// First deviating pane inside the lag window.
        pub evidence_from: EventMs,
        /// End of the last deviating pane inside the lag window.
        pub evidence_to: EventMs,
        /// Deviating panes inside the lag window.
        pub evidence_panes: i64,
        /// The most extreme value among them.
        pub peak: Micro,
        /// What it should have been.
        pub centre: Micro,
        /// Occurrences explained.
        pub effects: i64,
        /// Why the one leads to the other.
        pub mechanism: String,
        /// What to do.
        pub recommended_action: String,
    }
}

impl RootCauseRow {
    /// The id of what is told of an incident and an edge.
    pub fn id_of(line: LineId, effect: Node, incident: EventMs, edge: EdgeId) -> AlertId {
        let (kind, number) = match effect {
            Node::Equipment(id) => (0, u64::from(id.0)),
            Node::Parameter(id) => (1, u64::from(id.0)),
            Node::Defect(defect) => (2, defect as u64),
        };
        AlertId(stable_hash(&[u64::from(line.0), kind, number, incident.0 as u64, u64::from(edge.0)]))
    }
}

table! {
    /// The causal graph's edges.
    pub struct EdgeRow in "edges" {
        /// Number.
        pub edge_id: EdgeId,
        /// What deviates.
        pub cause: Node,
        /// What it leads to.
        pub effect: Node,
        /// In which way the cause deviates.
        pub direction: Direction,
        /// Value at which the effect is established.
        pub threshold: Option<Micro>,
        /// How sure the knowledge base is, 0 to 1.
        pub confidence: PerMille,
        /// Least seconds from cause to effect.
        pub lag_min_s: SpanMs,
        /// Most seconds from cause to effect.
        pub lag_max_s: SpanMs,
        /// Why.
        pub mechanism: String,
        /// What to do.
        pub advice: String,
    }
}

table! {
    /// How far event time has come on each line.
    pub struct ClockRow in "clocks" {
        /// Production line.
        pub production_line: LineId,
        /// End of the latest pane, or latest event.
        pub at: EventMs,
    }
}

table! {
    /// What people did about alerts.
    pub struct OperatorEventRow in "operator_events" {
        /// Number.
        pub id: u64,
        /// Alert.
        pub alert_id: AlertId,
        /// When.
        pub at: EventMs,
        /// What.
        pub action: String,
        /// Who.
        pub by: String,
        /// Why.
        pub reason: String,
    }
}

table! {
    /// The audit trail: every change of configuration or state.
    pub struct AuditRow in "audit" {
        /// Number.
        pub id: u64,
        /// When, plant time.
        pub at: EventMs,
        /// Who.
        pub by: String,
        /// What was done.
        pub action: String,
        /// To what.
        pub subject: String,
        /// What was there before.
        pub before: String,
        /// What is there now.
        pub after: String,
        /// Why.
        pub reason: String,
    }
}

table! {
    /// Inputs that could not be taken.
    pub struct ErrorTableRow in "errors" {
        /// Number.
        pub id: u64,
        /// Plant time of arrival.
        pub at: EventMs,
        /// Where it came from.
        pub source: String,
        /// What was wrong, and how to mend it.
        pub reason: String,
        /// Its beginning.
        pub sample: String,
    }
}

table! {
    /// Readings that came after their pane had left by retention.
    pub struct LateTableRow in "late" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// When it was measured.
        pub at: EventMs,
        /// Plant time of arrival.
        pub arrived: EventMs,
        /// The value.
        pub value: Micro,
    }
}

table! {
    /// What-if scenarios that are kept.
    pub struct ScenarioRow in "scenarios" {
        /// Number.
        pub scenario_id: ScenarioId,
        /// Name.
        pub name: String,
        /// Production line.
        pub production_line: LineId,
        /// How far ahead, seconds.
        pub duration_s: SpanMs,
        /// Set-points as they would be.
        pub settings: Settings,
        /// Who made it.
        pub by: String,
        /// When, plant time.
        pub made_at: EventMs,
    }
}

impl ScenarioRow {
    pub fn new(id: ScenarioId, def: Scenario) -> ScenarioRow {
        ScenarioRow {
            scenario_id: id,
            name: def.name,
            production_line: def.line,
            duration_s: def.duration,
            settings: def.settings,
            by: def.by,
            made_at: def.made_at,
        }
    }
}

table! {
    /// Changes of set-points that were proposed, and what was decided about them. None of them is made by Lehr: an
    /// approved one is carried out by hand.
    pub struct RecommendationRow in "recommendations" {
        /// Made from what is proposed, where and when, so that the same inputs give the same id.
        pub recommendation_id: RecommendationId,
        /// Production line.
        pub production_line: LineId,
        /// proposed, approved, rejected or withdrawn.
        pub state: RecommendationState,
        /// When it was proposed, plant time.
        pub made_at: EventMs,
        /// Who proposed it.
        pub by: String,
        /// Where it came from: what_if or agent.
        pub origin: Origin,
        /// Why.
        pub reason: String,
        /// Whether a step is greater than one that needs no person with the right to approve it.
        pub large: bool,
        /// When it was decided; null while it waits.
        pub decided_at: Option<EventMs>,
        /// Who decided.
        pub decided_by: Option<String>,
        /// Why so.
        pub decision_reason: Option<String>,
    }
    hidden {
        /// What would change.
        pub steps: Vec<Step>,
        /// What the twin expected of it when it was proposed.
        pub expected: Expected,
    }
    derived {
        /// Set-points as they were and as they would be.
        settings: text = |row, names| Some(settings(row, names)),
        /// How far ahead was looked, seconds.
        duration_s: f64 = |row, _| Some(row.expected.over.0 as f64 / 1000.0),
        /// Expected change of the share of units with a defect.
        defect_rate_change: f64 = |row, _| Some(row.expected.defect_rate.value.to_f64()),
        /// Low end of its 90 % band.
        defect_rate_low: f64 = |row, _| Some(row.expected.defect_rate.low.to_f64()),
        /// High end of its 90 % band.
        defect_rate_high: f64 = |row, _| Some(row.expected.defect_rate.high.to_f64()),
        /// Expected change of the share of units good at the first pass.
        quality_score_change: f64 = |row, _| Some(row.expected.quality_score.value.to_f64()),
        /// Low end of its 90 % band.
        quality_score_low: f64 = |row, _| Some(row.expected.quality_score.low.to_f64()),
        /// High end of its 90 % band.
        quality_score_high: f64 = |row, _| Some(row.expected.quality_score.high.to_f64()),
        /// Expected change of units per hour.
        rate_per_h_change: f64 = |row, _| Some(row.expected.rate_per_h.value.to_f64()),
        /// Low end of its 90 % band.
        rate_per_h_low: f64 = |row, _| Some(row.expected.rate_per_h.low.to_f64()),
        /// High end of its 90 % band.
        rate_per_h_high: f64 = |row, _| Some(row.expected.rate_per_h.high.to_f64()),
        /// Expected change of energy, kW.
        energy_kw_change: f64 = |row, _| Some(row.expected.energy_kw.value.to_f64()),
        /// Low end of its 90 % band.
        energy_kw_low: f64 = |row, _| Some(row.expected.energy_kw.low.to_f64()),
        /// High end of its 90 % band.
        energy_kw_high: f64 = |row, _| Some(row.expected.energy_kw.high.to_f64()),
        /// Minutes until half of the change has come; null where nothing changes.
        effect_min: f64 = |row, _| Some(row.expected.effect_min?.value.to_f64()),
        /// Low end of its band.
        effect_min_low: f64 = |row, _| Some(row.expected.effect_min?.low.to_f64()),
        /// High end of its band.
        effect_min_high: f64 = |row, _| Some(row.expected.effect_min?.high.to_f64()),
        /// Whether a parameter goes beyond what the twin had seen on this line.
        unseen: bool = |row, _| Some(row.expected.unseen),
    }
}

impl RecommendationRow {
    /// What was proposed, and the decision that holds.
    pub fn new(id: RecommendationId, proposed: Recommendation, decision: Option<Decision>) -> RecommendationRow {
        let state = decision.as_ref().map_or(RecommendationState::Proposed, |decision| decision.resolution.state());
        let decided_at = decision.as_ref().map(|decision| decision.at);
        let (decided_by, decision_reason) = decision.map(|decision| (decision.by, decision.reason)).unzip();
        RecommendationRow {
            recommendation_id: id,
            production_line: proposed.line,
            state,
            made_at: proposed.made_at,
            by: proposed.by,
            origin: proposed.origin,
            reason: proposed.reason,
            large: proposed.large,
            decided_at,
            decided_by,
            decision_reason,
            steps: proposed.steps,
            expected: proposed.expected,
        }
    }
}

fn settings(row: &RecommendationRow, names: &Names) -> String {
    let step = |step: &Step| {
        let (name, unit) = (names.parameter(step.parameter), names.unit(row.production_line, step.parameter));
        format!("{name} {} → {} {unit}", step.from, step.to).trim_end().to_owned()
    };
    row.steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

table! {
    /// Articles.
    pub struct ProductRow in "products" {
        /// Article.
        pub product: ProductId,
        /// Planned run time per unit (PRI), seconds.
        pub planned_run_time_s: SpanMs,
    }
}

table! {
    /// Rows of the base collections that hold, with the revision by which they do: what a restart goes on from.
    pub struct FactRow in "facts" {
        /// Given by the source, else the tick in which the row came.
        pub revision: u64,
    }
    hidden {
        /// The row.
        pub event: Event,
    }
    derived {
        /// Which base collection.
        kind: text = |row, _| Some(row.event.kind().to_owned()),
        /// The row, for people.
        detail: text = |row, _| Some(format!("{:?}", row.event)),
    }
}

table! {
    /// Time of the latest event that was ever heard of each line; line clocks stand on it.
    pub struct HeardRow in "heard" {
        /// Production line.
        pub production_line: LineId,
        /// When the event happened.
        pub at: EventMs,
    }
}

table! {
    /// Start of the newest pane that each sensor ever had; line clocks stand on it.
    pub struct NewestRow in "newest" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the pane.
        pub start: EventMs,
    }
}

table! {
    /// What checks remember of panes that left by retention.
    pub struct CarriedRow in "carried" {
        /// Sensor.
        pub sensor_id: SensorId,
    }
    hidden {
        /// What is remembered.
        pub carried: Carried,
    }
    derived {
        /// What kind of thing is remembered.
        kind: text = |row, _| Some(row.carried.kind().to_owned()),
        /// Event time that it is about.
        at: time = |row, _| Some(row.carried.at()),
        /// What is remembered, for people.
        detail: text = |row, _| Some(format!("{:?}", row.carried)),
    }
}

table! {
    /// What the twin of each line believes and expects of every modelled sensor, after the line's last closed minute.
    pub struct TwinRow in "twin" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// End of the last minute that was folded.
        pub at: EventMs,
        /// What is believed now, in the sensor's unit.
        pub believed: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub believed_sd: Micro,
        /// What is expected a minute later.
        pub in_1_min: Micro,
        /// Standard deviation of what the sensor will say around it; the 90 % band is 1.645 of these wide on each side.
        pub in_1_min_sd: Micro,
        /// What is expected 15 minutes later.
        pub in_15_min: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub in_15_min_sd: Micro,
        /// What is expected an hour later.
        pub in_60_min: Micro,
        /// Standard deviation of what the sensor will say around it.
        pub in_60_min_sd: Micro,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// How the forecasts of the twins held, against what came. They forget with a time constant of a day.
    pub struct TwinScoreRow in "twin_scores" {
        /// Sensor.
        pub sensor_id: SensorId,
        /// How far ahead, seconds.
        pub horizon_s: SpanMs,
        /// Forecasts that were held against what came.
        pub n: i64,
        /// Root mean square error.
        pub rmse: Micro,
        /// The same of the last value as the forecast.
        pub rmse_persistence: Micro,
        /// Mean error, positive where the sensor says more than expected.
        pub bias: Micro,
        /// Share of values within the 90 % band.
        pub coverage: PerMille,
    }
    derived {
        /// Production line.
        production_line: text = |row, names| line_of(row.sensor_id, names),
        /// What it measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id, names),
    }
}

table! {
    /// Stretches of time in which a line departed from what its set-points ask, and the likelier cause.
    pub struct TwinFindingRow in "twin_findings" {
        /// Production line.
        pub production_line: LineId,
        /// When it was found.
        pub start: EventMs,
        /// When it was over; null while it lasts.
        pub end: Option<EventMs>,
        /// equipment, model_drift or sensor.
        pub kind: FindingKind,
        /// Equipment concerned.
        pub equipment: String,
        /// Where it showed most when it was found.
        pub sensor_id: Option<SensorId>,
        /// Greatest departure, in standard deviations.
        pub strength: Micro,
        /// How sure that is, 0 to 1.
        pub confidence: PerMille,
    }
    derived {
        /// What the sensor measures.
        parameter_name: text = |row, names| parameter_of(row.sensor_id?, names),
    }
}

table! {
    /// What twins remember of minutes that they no longer look at.
    pub struct TwinStateRow in "twin_states" {
        /// Production line.
        pub production_line: LineId,
    }
    hidden {
        /// What is remembered.
        pub begin: Begin,
    }
    derived {
        /// Minutes before this are not looked at again.
        before: time = |row, _| Some(row.begin.before),
        /// Bytes of the model's state.
        bytes: i64 = |row, _| row.begin.folded.as_ref().map(|(_, state)| state.len() as i64),
    }
}

/// Calls a macro with every table: `(field, RowType)` pairs. One list, so that no table is forgotten.
#[macro_export]
macro_rules! for_all_tables {
    ($callback:ident) => {
        $callback! {
            (sensors, SensorRow),
            (products, ProductRow),
            (latest, LatestRow),
            (panes, PaneRow),
            (features, FeatureRow),
            (units, UnitRow),
            (defects, DefectRow),
            (machine_states, MachineStateRow),
            (setpoints, SetpointRow),
            (kpis, KpiRow),
            (rules, RuleRow),
            (conditions, ConditionRow),
            (alerts, AlertRow),
            (alert_metrics, AlertMetricRow),
            (deviations, DeviationRow),
            (incidents, IncidentRow),
            (root_causes, RootCauseRow),
            (edges, EdgeRow),
            (clocks, ClockRow),
            (operator_events, OperatorEventRow),
            (audit, AuditRow),
            (errors, ErrorTableRow),
            (late, LateTableRow),
            (scenarios, ScenarioRow),
            (recommendations, RecommendationRow),
            (facts, FactRow),
            (heard, HeardRow),
            (newest, NewestRow),
            (carried, CarriedRow),
            (twin, TwinRow),
            (twin_scores, TwinScoreRow),
            (twin_findings, TwinFindingRow),
            (twin_states, TwinStateRow),
        }
    };
}

macro_rules! declare_changes {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// What one tick changed, per table: rows with the change of their multiplicity. Consolidated and
        /// sorted once the changes of all workers are merged.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Changes {
            $( pub $field: Vec<($row, $crate::Diff)>, )*
        }

        impl Changes {
            pub fn is_empty(&self) -> bool {
                true $( && self.$field.is_empty() )*
            }

            /// Number of changed rows.
            pub fn len(&self) -> usize {
                0 $( + self.$field.len() )*
            }

            /// Adds another worker's changes of the same tick.
            pub fn merge(&mut self, other: Changes) {
                $( self.$field.extend(other.$field); )*
            }

            /// Sorts, and cancels what was added and taken away alike.
            pub fn consolidate(&mut self) {
                $( differential_dataflow::consolidation::consolidate(&mut self.$field); )*
            }
        }
    };
}
for_all_tables!(declare_changes);
