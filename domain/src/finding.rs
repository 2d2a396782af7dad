//! What is found when a line departs from what it should do.

use serde::{Deserialize, Serialize};

/// What is the likelier cause of a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The process does what its set-points do not ask, and several instruments agree on it.
    Equipment,
    /// The line behaves otherwise than the model has learned, slowly and in one relation.
    ModelDrift,
    /// One instrument alone contradicts all others.
    Sensor,
}

impl FindingKind {
    pub const ALL: [FindingKind; 3] = [FindingKind::Equipment, FindingKind::ModelDrift, FindingKind::Sensor];

    pub fn text(self) -> &'static str {
        match self {
            FindingKind::Equipment => "equipment",
            FindingKind::ModelDrift => "model_drift",
            FindingKind::Sensor => "sensor",
        }
    }
}
