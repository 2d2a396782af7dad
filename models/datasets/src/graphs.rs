//! A line's sensors as a graph: how each behaves, how they go together, and which of them are not to be believed.
//!
//! An example is two hours of the [`SENSORS`] sensors that the models read: for each a node with [`FEATURES`] features, for each pair a
//! correlation; and whether each sensor has failed, and whether what it measures is off.

mod generate;

pub use generate::{generate, generate_test};
pub use lehr_features::{FEATURES, describe};

use crate::DatasetError;
use crate::sequences::{Origin, SENSORS, days, lines, sensors};
use lehr_domain::catalogue::DEFAULT;
use lehr_domain::ids::stable_hash;
use lehr_plant::COUPLED;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Examples, in order of seed, line and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graphs {
    /// [`SENSORS`] × [`FEATURES`] an example.
    pub nodes: Vec<f32>,
    /// [`SENSORS`] × [`SENSORS`] an example: Pearson's correlation of the minute means; 1 on the diagonal, 0 with a sensor that
    /// does not move.
    pub edges: Vec<f32>,
    /// The instrument has been failing for [`FAILING_MINUTES`] at least when the window ends.
    pub failure: Vec<[bool; SENSORS]>,
    /// The quantity itself is more than [`ANOMALY_SIGMAS`] from where it ought to be when the window ends.
    pub anomaly: Vec<[bool; SENSORS]>,
    pub origins: Vec<Origin>,
}

/// A fault of fewer minutes leaves nothing in two hours.
pub const FAILING_MINUTES: i64 = 10;
/// In the catalogue's sigma of minute means, of which normal operation shows less than half in the true value.
pub const ANOMALY_SIGMAS: f64 = 3.0;

impl Graphs {
    pub fn len(&self) -> usize {
        self.failure.len()
    }

    pub fn is_empty(&self) -> bool {
        self.failure.is_empty()
    }

    /// Puts others behind these.
    fn append(&mut self, other: Graphs) {
        self.nodes.extend(other.nodes);
        self.edges.extend(other.edges);
        self.failure.extend(other.failure);
        self.anomaly.extend(other.anomaly);
        self.origins.extend(other.origins);
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

/// The same recipe, the same set. Plants have faults of all kinds at random, of process and of instruments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphRecipe {
    pub train: Range<u64>,
    pub validation: Range<u64>,
    pub test: Range<u64>,
    pub days: u32,
    pub every_minutes: u32,
    pub faults_per_day: f64,
}

impl GraphRecipe {
    /// Ten thousand snapshots of lines at which something is wrong half of the time.
    pub fn full() -> GraphRecipe {
        GraphRecipe {
            train: 1001..1022,
            validation: 1022..1025,
            test: 1025..1029,
            days: 10,
            every_minutes: 120,
            faults_per_day: 20.0,
        }
    }

    /// Seeds that follow each other: a fifth of the plants, and one at least, each for validation and for the test, the
    /// rest for training. Few plants make a set for trying things out, of no figures that mean anything.
    pub fn of_plants(plants: u64, days: u32, every_minutes: u32) -> GraphRecipe {
        const FIRST: u64 = 1001;
        let part = (plants / 5).max(1);
        let validation = FIRST + plants.saturating_sub(2 * part);
        GraphRecipe {
            train: FIRST..validation,
            validation: validation..validation + part,
            test: validation + part..validation + 2 * part,
            days,
            every_minutes,
            faults_per_day: 20.0,
        }
    }

    /// Some two thousand snapshots, for trying things out.
    pub fn small() -> GraphRecipe {
        GraphRecipe::of_plants(10, 5, 120)
    }

    /// # Errors
    ///
    /// Names the field that makes no set.
    pub fn check(&self) -> Result<(), DatasetError> {
        let bad = |field, why: &str| Err(DatasetError::Recipe { field, why: why.into() });
        let parts = [&self.train, &self.validation, &self.test];
        if self.every_minutes == 0 {
            return bad("every_minutes", "is 0; windows must be at least a minute apart");
        }
        if !(1..=400).contains(&self.days) {
            return bad("days", "must lie in 1 to 400");
        }
        if parts.iter().any(|part| part.is_empty()) {
            return bad("seeds", "give each part one plant at least");
        }
        for (index, part) in parts.iter().enumerate() {
            if parts[..index].iter().any(|other| part.start < other.end && other.start < part.end) {
                return bad("seeds", "parts share plants; they must have their own");
            }
        }
        Ok(())
    }

    /// Names the set.
    pub fn hash(&self) -> String {
        const VERSION: u64 = 1;
        let text = serde_json::to_string(self).expect("numbers and names are always JSON");
        let bytes = text.bytes().chain(DEFAULT.bytes()).map(u64::from);
        format!("{:016x}", stable_hash(&std::iter::once(VERSION).chain(bytes).collect::<Vec<_>>()))
    }
}

/// Which sensors' quantities act on each other in the plant, directly and either way: what edges are to be found.
pub fn adjacency() -> [[bool; SENSORS]; SENSORS] {
    let mut coupled = [[false; SENSORS]; SENSORS];
    let place = |name: &str| sensors().iter().position(|other| *other == name);
    for (one, other) in COUPLED {
        if let (Some(one), Some(other)) = (place(one), place(other)) {
            coupled[one][other] = true;
            coupled[other][one] = true;
        }
    }
    coupled
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphSplit {
    pub train: Graphs,
    pub validation: Graphs,
    pub test: Graphs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacency_is_symmetric_and_leaves_nothing_alone_but_what_nothing_acts_on() {
        let coupled = adjacency();
        let mut alone = Vec::new();
        for (one, row) in coupled.iter().enumerate() {
            assert!(!row[one]);
            assert!(row.iter().zip(&coupled).all(|(edge, other)| *edge == other[one]));
            if row.iter().all(|edge| !edge) {
                alone.push(sensors()[one]);
            }
        }
        assert_eq!(alone, ["furnace_pressure", "lehr_zone_1_temperature", "lehr_zone_3_temperature"]);
    }

    #[test]
    fn recipes_that_make_no_set_are_refused() {
        GraphRecipe::full().check().unwrap();
        GraphRecipe::small().check().unwrap();
        assert!(GraphRecipe::of_plants(2, 5, 120).check().is_err(), "none is left for training");
        let refused = |recipe: GraphRecipe| recipe.check().unwrap_err().to_string();
        assert!(refused(GraphRecipe { test: 1000..1003, ..GraphRecipe::full() }).contains("share plants"));
        assert!(refused(GraphRecipe { days: 0, ..GraphRecipe::full() }).contains("days"));
        assert!(refused(GraphRecipe { train: 5..5, ..GraphRecipe::full() }).contains("seeds"));
    }
}
