//! Causal edges: what, when it deviates, leads to what, after how long, and how sure we are.

use crate::unit::DefectType;
use crate::{EquipmentId, Micro, ParameterId, PerMille, SpanMs};
use serde::{Deserialize, Serialize};

/// A node of the causal graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    Equipment(EquipmentId),
    Parameter(ParameterId),
    Defect(DefectType),
}

/// In which way the cause deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Direction {
    /// Too high.
    High = 0,
    /// Too low.
    Low = 1,
    /// Too unsteady: greatest minus least value within a pane.
    Variation = 2,
}

impl Direction {
    pub fn text(self) -> &'static str {
        match self {
            Direction::High => "high",
            Direction::Low => "low",
            Direction::Variation => "variation",
        }
    }

    pub fn parse(text: &str) -> Option<Direction> {
        [Direction::High, Direction::Low, Direction::Variation].into_iter().find(|d| d.text() == text)
    }
}

/// An edge: `cause`, deviating in `direction`, leads to `effect` between `lag_min` and `lag_max` later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    pub cause: Node,
    pub effect: Node,
    pub direction: Direction,
    /// Value at which the effect is established (for [`Direction::Variation`], of the variation). The
    /// further a deviation goes from the set-point towards it, the stronger the evidence. `None`: judged
    /// in σ alone.
    pub threshold: Option<Micro>,
    /// How sure the knowledge base is, when the deviation reaches the threshold.
    pub confidence: PerMille,
    pub lag_min: SpanMs,
    pub lag_max: SpanMs,
    /// Why the one leads to the other.
    pub mechanism: String,
    /// What to do about it.
    pub advice: String,
}

impl Edge {
    /// The longest lag taken. A day covers every transport in a glass line, and bounds how many buckets of
    /// event time a deviation is compared with.
    pub const MAX_LAG: SpanMs = SpanMs::hours(24);
}
