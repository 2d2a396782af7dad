//! Detection rules: what counts as abnormal, how long it must last, how grave it is. Rules are rows, so a
//! changed limit corrects what was detected with the old one.

use crate::finding::FindingKind;
use crate::machine::MachineState;
use crate::unit::DefectType;
use crate::{Micro, ParameterId, PerMille, SensorId, SpanMs};
use serde::{Deserialize, Serialize};

/// How grave an alert is. Higher is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Severity {
    Low = 0,
    Medium = 1,
    High = 2,
    Critical = 3,
}

impl Severity {
    pub const ALL: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    pub fn text(self) -> &'static str {
        match self {
            Severity::Low => "LOW",
            Severity::Medium => "MEDIUM",
            Severity::High => "HIGH",
            Severity::Critical => "CRITICAL",
        }
    }

    pub fn parse(text: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.text().eq_ignore_ascii_case(text))
    }
}

/// What a rule watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One sensor.
    Sensor(SensorId),
    /// The sensor of this parameter on every line.
    Parameter(ParameterId),
    /// Every sensor.
    EverySensor,
    /// Every line as a whole: its defects and machine states.
    EveryLine,
}

/// The condition. A pane is a fixed stretch of event time (one minute unless the plant says otherwise); a
/// control-chart point is the mean of a pane; σ is the sensor's standard deviation of pane means in normal
/// operation and the centre its set-point. Every check looks back over finitely many panes, so that a
/// corrected reading touches finitely many verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Check {
    /// A value above `limit`; then it lasts until the pane's maximum is at or below `limit − deadband`.
    High { limit: Micro, deadband: Micro },
    /// A value below `limit`; then it lasts until the pane's minimum is at or above `limit + deadband`.
    Low { limit: Micro, deadband: Micro },
    /// The mean moved by more than `per_minute` against the pane before.
    RateOfChange { per_minute: Micro },
    /// Greatest minus least value within a pane is above `limit`.
    Variation { limit: Micro },
    /// Nelson's rule 1–8 on the control chart.
    Nelson { rule: u8 },
    /// Western Electric's rule 1–4 on the control chart.
    WesternElectric { rule: u8 },
    /// Exponentially weighted mean with weight `lambda` is beyond `width`·σ·√(λ/(2−λ)) (Roberts 1959).
    Ewma { lambda: PerMille, width: PerMille },
    /// A one-sided cumulative sum with slack `slack`·σ is above `threshold`·σ (Page 1954).
    Cusum { slack: PerMille, threshold: PerMille },
    /// The mean of the last 15 panes is more than `band` away from the set-point.
    Drift { band: Micro },
    /// No reading for `after`, while others of the same line came in.
    Stale { after: SpanMs },
    /// The same value in every reading of `panes` consecutive panes.
    Stuck { panes: u16 },
    /// More than `share` of the readings of a pane were bad.
    BadQuality { share: PerMille },
    /// Share of defective units over the last `minutes` is above `limit`, of at least `min_units`.
    DefectRate { limit: PerMille, minutes: u16, min_units: u16 },
    /// More than `per_minute` defects of one type, averaged over the last `minutes`.
    DefectCount { defect: DefectType, per_minute: Micro, minutes: u16 },
    /// Share of good units over the last `minutes` is below `limit`, of at least `min_units`.
    QualityScore { limit: PerMille, minutes: u16, min_units: u16 },
    /// The line is in this state.
    LineState { state: MachineState },
    /// The twin of the line finds a deviation of which this is the likelier cause.
    Twin { kind: FindingKind },
}

/// A rule. Unique by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    pub enabled: bool,
    pub subject: Subject,
    pub check: Check,
    pub severity: Severity,
    /// Consecutive panes for which the condition must hold before it counts; at least 1.
    pub on_delay: u16,
    /// Consecutive panes for which it must not hold before it is over; at least 1.
    pub off_delay: u16,
    /// Not annunciated while the line is stopped (suppression by design).
    pub suppress_when_stopped: bool,
    /// Shown to the operator.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Check {
    /// Whether it watches a line as a whole rather than a sensor.
    pub fn of_line(&self) -> bool {
        matches!(
            self,
            Check::DefectRate { .. }
                | Check::DefectCount { .. }
                | Check::QualityScore { .. }
                | Check::LineState { .. }
                | Check::Twin { .. }
        )
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Check::High { limit, deadband } => write!(f, "above {limit}, deadband {deadband}"),
            Check::Low { limit, deadband } => write!(f, "below {limit}, deadband {deadband}"),
            Check::RateOfChange { per_minute } => write!(f, "moves by more than {per_minute} per minute"),
            Check::Variation { limit } => write!(f, "varies by more than {limit} within a pane"),
            Check::Nelson { rule } => write!(f, "Nelson rule {rule}"),
            Check::WesternElectric { rule } => write!(f, "Western Electric rule {rule}"),
            Check::Ewma { lambda, width } => {
                write!(f, "EWMA with weight {} beyond {} sigma", lambda.to_f64(), width.to_f64())
            }
            Check::Cusum { slack, threshold } => {
                write!(f, "CUSUM with slack {} above {} sigma", slack.to_f64(), threshold.to_f64())
            }
            Check::Drift { band } => write!(f, "15-pane mean more than {band} off the set-point"),
            Check::Stale { after } => write!(f, "silent for {} s", after.0 / 1000),
            Check::Stuck { panes } => write!(f, "unmoved for {panes} panes"),
            Check::BadQuality { share } => write!(f, "more than {} of the readings bad", share.to_f64()),
            Check::DefectRate { limit, minutes, min_units } => {
                write!(f, "defect rate above {} over {minutes} min of at least {min_units} units", limit.to_f64())
            }
            Check::DefectCount { defect, per_minute, minutes } => {
                write!(f, "more than {per_minute} {} per minute over {minutes} min", defect.text())
            }
            Check::QualityScore { limit, minutes, min_units } => {
                write!(f, "good share below {} over {minutes} min of at least {min_units} units", limit.to_f64())
            }
            Check::LineState { state } => write!(f, "line state {}", state.text()),
            Check::Twin { kind } => write!(f, "the twin finds {}", kind.text()),
        }
    }
}
