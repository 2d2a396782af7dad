//! What trained models must be able to do to score lines. Graphs know no networks: the scorer is handed in.

use crate::twin::MINUTE;
use lehr_domain::defect_event::{DefectEvent, HORIZONS};
use lehr_domain::model::ModelVersion;
use lehr_domain::{Micro, SpanMs};
use serde::{Deserialize, Serialize};

/// What is looked at, and what is foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Minutes of a window.
    pub window: usize,
    /// A window is scored when so many of its minutes say something.
    pub heard_least: usize,
    /// Ascending.
    pub horizons: [SpanMs; HORIZONS],
    pub event: DefectEvent,
}

impl Terms {
    /// Two hours, of which an hour and a half must say something.
    pub const PLANT: Terms =
        Terms { window: 120, heard_least: 90, horizons: DefectEvent::HORIZONS, event: DefectEvent::RULE };

    /// From the first minute of a window to its last.
    pub fn reach(&self) -> SpanMs {
        SpanMs((self.window as i64 - 1) * MINUTE.0)
    }
}

/// Trained models, all versions of them.
///
/// **Contract:** what is scored is a function of the versions and the window, whatever else is scored with it, before it
/// or beside it. A version that is not there, or fails, gives `None`, and says so elsewhere.
pub trait Scorer: Sync + std::fmt::Debug {
    /// Names of the parameters that windows hold, column by column: 255 at most.
    fn columns(&self) -> &'static [&'static str];

    fn terms(&self) -> Terms;

    /// One answer a window.
    fn score(&self, versions: Versions, windows: &[Window]) -> Vec<Option<Scored>>;
}

/// Which versions score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versions {
    pub forecaster: ModelVersion,
    pub graph: Option<ModelVersion>,
    pub ensemble: Option<ModelVersion>,
}

/// Minute means of a line, oldest minute first, all columns of a minute together; `None` where there was no good
/// reading. Minutes × columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window(pub Vec<Option<Micro>>);

/// What is foretold for each horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Forecast {
    pub probability: [Micro; HORIZONS],
    /// Whether it reaches the threshold that the model's training chose.
    pub expected: [bool; HORIZONS],
}

/// What is foretold of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Said {
    pub forecaster: Forecast,
    pub ensemble: Option<Forecast>,
}

/// Probabilities of one sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verdict {
    /// That the instrument has failed.
    pub failure: Micro,
    /// That what it measures is off.
    pub anomaly: Micro,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    pub said: Said,
    /// By column, where a graph model scored.
    pub verdicts: Option<Vec<Verdict>>,
}
