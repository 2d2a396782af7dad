//! Two hours of a line's sensors, and whether a defect event follows.
//!
//! An example is a window of [`MINUTES`] minute means of [`SENSORS`] sensors that ends at its origin, and says whether a
//! minute of a defect event ([`EventRule`]) comes within the next 1, 4 and 24 hours.

mod altered;
mod cache;
mod event;
mod generate;
mod recipe;
mod scaler;
mod series;

pub use event::EventRule;
pub use generate::{Progress, generate, generate_test};
pub use lehr_features::{MINUTES, SENSORS, WINDOW, fill, sensors};
pub use recipe::{Part, Recipe};
pub use scaler::Scaler;
pub use series::{CAUSES, LineSeries, simulate};
pub(crate) use series::{branches, names};

use lehr_domain::{EventMs, LineId};
use lehr_plant::{Branch, Cause};
use std::ops::Range;

/// How far labels look ahead, in minutes.
pub const HORIZONS: [usize; 3] = [60, 240, 1440];

/// Where an example comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Of the plant.
    pub seed: u64,
    pub line: LineId,
    /// The end of the window and the beginning of what is foretold: start of the first minute that is no longer seen, in
    /// minutes since the epoch.
    pub minute: i64,
    /// What makes the first event within the longest horizon; `None` when there is none.
    pub cause: Option<Cause>,
}

impl Origin {
    pub fn at(&self) -> EventMs {
        EventMs(self.minute * 60_000)
    }
}

/// Examples, in order of seed, line and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    /// [`WINDOW`] values an example, in engineering units, none missing.
    pub inputs: Vec<f32>,
    /// By horizon, as the line itself would learn them: from inspection, which misses defects and sees some that are not
    /// there. What is trained on.
    pub labels: Vec<[bool; HORIZONS.len()]>,
    /// By horizon, from the ware as it really was. For evaluation beside `labels`.
    pub truths: Vec<[bool; HORIZONS.len()]>,
    pub origins: Vec<Origin>,
    /// The levels of the slow causes ([`Branch::SLOW`]) when the window begins and when it ends. The truth, for ceilings alone: no
    /// model may read it.
    pub levels: Vec<[[f32; Branch::SLOW]; 2]>,
}

impl Sequences {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The values of one example.
    pub fn window(&self, index: usize) -> &[f32] {
        &self.inputs[index * WINDOW..(index + 1) * WINDOW]
    }

    /// Share of positives at each horizon, of `labels`; zeros for no examples.
    pub fn prevalence(&self) -> [f64; HORIZONS.len()] {
        let n = self.len().max(1) as f64;
        std::array::from_fn(|horizon| self.labels.iter().filter(|label| label[horizon]).count() as f64 / n)
    }

    /// Examples of the same plant, line and day: what depends on each other, for intervals by blocks.
    pub fn days(&self) -> Vec<Range<usize>> {
        days(&self.origins)
    }

    /// Examples of the same plant and line, in order of time.
    pub fn lines(&self) -> Vec<Range<usize>> {
        lines(&self.origins)
    }
}

/// Runs of origins of the same plant, line and day.
pub(crate) fn days(origins: &[Origin]) -> Vec<Range<usize>> {
    runs(origins, |origin| (origin.seed, origin.line, origin.minute.div_euclid(1440)))
}

/// Runs of origins of the same plant and line.
pub(crate) fn lines(origins: &[Origin]) -> Vec<Range<usize>> {
    runs(origins, |origin| (origin.seed, origin.line))
}

fn runs<K: PartialEq>(origins: &[Origin], key: impl Fn(&Origin) -> K) -> Vec<Range<usize>> {
    let mut end = 0;
    let run = |run: &[Origin]| {
        let begin = end;
        end += run.len();
        begin..end
    };
    origins.chunk_by(|a, b| key(a) == key(b)).map(run).collect()
}

/// A set, cut so that nothing of one part can be known from another: parts have plants of their own (seeds) and times of their
/// own, a day and more apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    pub train: Sequences,
    /// For when to stop, and for choices.
    pub validation: Sequences,
    /// For calibration and thresholds.
    pub calibration: Sequences,
    /// For the final figures alone. Holds a cause of events that no other part has.
    pub test: Sequences,
    scaler: Scaler,
}

impl Split {
    /// Fit on the training part's readings, those that were there.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }
}
