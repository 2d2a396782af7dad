use std::ops::Range;

use super::shuffled::{Pupil, Said, TRAINING, VALIDATION};
use crate::error::NeuralError;
use crate::fitting::{Quiet, order};
use crate::graph::{FeatureScaler, GraphSettings, Graphs, Snapshot, train};

/// The graph network, trained anew each time. In place of truths that are shuffled it learns truths by lot, of all sensors
/// and of all pairs, half of them so: those of another snapshot would still tell which sensors fail more often than
/// others, and failures and links are so rare that few steps teach little else of them.
#[derive(Debug)]
pub struct GraphPupil<'a, G> {
    pub training: &'a G,
    pub validation: &'a G,
    pub test: &'a G,
    /// The test's snapshots that depend on each other.
    pub lines: Vec<Range<usize>>,
    pub scaler: FeatureScaler,
    pub settings: GraphSettings,
}

/// Graphs with the truths of others.
struct Relabelled<'a, G> {
    graphs: &'a G,
    failures: Vec<bool>,
    anomalies: Vec<bool>,
    /// Each pair once, as in [`pairs`].
    linked: Vec<bool>,
}

/// Places of each pair once, below the diagonal.
fn pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes).flat_map(|one| (0..one).map(move |other| (one, other)))
}

impl<'a, G: Graphs> Relabelled<'a, G> {
    fn new(graphs: &'a G, shuffle: Option<u64>, part: usize) -> Self {
        let count = graphs.nodes();
        let all: Vec<Snapshot> = (0..graphs.len()).map(|index| graphs.snapshot(index)).collect();
        let failures: Vec<bool> = all.iter().flat_map(|snapshot| &snapshot.failures).copied().collect();
        let anomalies: Vec<bool> = all.iter().flat_map(|snapshot| &snapshot.anomalies).copied().collect();
        let linked = |snapshot: &Snapshot| -> Vec<bool> {
            pairs(count).map(|(one, other)| snapshot.linked[one * count + other]).collect()
        };
        let linked: Vec<bool> = all.iter().flat_map(linked).collect();
        let by_lot = |truths: Vec<bool>, which: usize| match shuffle {
            Some(seed) => order(seed, 3 * part + which, truths.len()).iter().map(|place| place % 2 == 0).collect(),
            None => truths,
        };
        Self { graphs, failures: by_lot(failures, 0), anomalies: by_lot(anomalies, 1), linked: by_lot(linked, 2) }
    }
}

impl<G: Graphs> Graphs for Relabelled<'_, G> {
    fn len(&self) -> usize {
        self.graphs.len()
    }

    fn nodes(&self) -> usize {
        self.graphs.nodes()
    }

    fn features(&self) -> usize {
        self.graphs.features()
    }

    fn snapshot(&self, index: usize) -> Snapshot {
        let count = self.nodes();
        let part = |all: &[bool], size: usize| all[index * size..(index + 1) * size].to_vec();
        let of_pairs = part(&self.linked, count * (count - 1) / 2);
        let mut linked = vec![false; count * count];
        for ((one, other), is_linked) in pairs(count).zip(of_pairs) {
            linked[one * count + other] = is_linked;
            linked[other * count + one] = is_linked;
        }
        Snapshot {
            failures: part(&self.failures, count),
            anomalies: part(&self.anomalies, count),
            linked,
            ..self.graphs.snapshot(index)
        }
    }
}

impl<G: Graphs> Pupil for GraphPupil<'_, G> {
    fn name(&self) -> &str {
        "graph network"
    }

    fn learn(&mut self, shuffle: Option<u64>) -> Result<Vec<Said>, NeuralError> {
        let training = Relabelled::new(self.training, shuffle, TRAINING);
        let validation = Relabelled::new(self.validation, shuffle, VALIDATION);
        let mut settings = self.settings.clone();
        settings.seed += shuffle.map_or(0, |seed| seed + 1);
        let trained = train(&training, &validation, self.scaler.clone(), &settings, &mut Quiet)?;
        let scores = trained.scores(self.test);
        let count = self.test.nodes();
        let said = |of: &str, pairs: Vec<(f64, bool)>, threshold: f64, each: usize| {
            let (scores, truths) = pairs.into_iter().unzip();
            let blocks = self.lines.iter().map(|line| line.start * each..line.end * each).collect();
            Said { of: of.to_owned(), scores, truths, threshold, blocks }
        };
        Ok(vec![
            said("failure", scores.failures, trained.thresholds.failure, count),
            said("anomaly", scores.anomalies, trained.thresholds.anomaly, count),
            said("links", scores.links, trained.thresholds.link, count * (count - 1) / 2),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two snapshots of three sensors: the first of each has failed, and the first two belong together.
    struct Two;

    impl Graphs for Two {
        fn len(&self) -> usize {
            2
        }

        fn nodes(&self) -> usize {
            3
        }

        fn features(&self) -> usize {
            1
        }

        fn snapshot(&self, _: usize) -> Snapshot {
            let linked = [[false, true, false], [true, false, false], [false; 3]].concat();
            Snapshot {
                nodes: vec![1.0, 2.0, 3.0],
                edges: vec![1.0; 9],
                failures: vec![true, false, false],
                anomalies: vec![false; 3],
                memory: vec![1.0; 9],
                linked,
            }
        }
    }

    #[test]
    fn truths_are_drawn_and_what_was_measured_stays() {
        assert_eq!(Relabelled::new(&Two, None, 0).snapshot(1), Two.snapshot(1));
        let mut places = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let other = Relabelled::new(&Two, Some(seed), 0);
            let all: Vec<Snapshot> = (0..2).map(|index| other.snapshot(index)).collect();
            let failed: Vec<bool> = all.iter().flat_map(|snapshot| snapshot.failures.clone()).collect();
            assert_eq!(failed.iter().filter(|failed| **failed).count(), 3, "a half");
            places.insert(failed);
            for snapshot in &all {
                let turned: Vec<bool> = (0..9).map(|at| snapshot.linked[at % 3 * 3 + at / 3]).collect();
                assert_eq!(turned, snapshot.linked, "what belongs together does so either way");
                assert_eq!((&snapshot.nodes, &snapshot.edges), (&Two.snapshot(0).nodes, &Two.snapshot(0).edges));
            }
        }
        assert!(places.len() > 5, "{} ways", places.len());
    }
}
