use std::ops::Range;
use std::sync::LazyLock;

use lehr_datasets::graphs::{FEATURES, Graphs as Set, adjacency};
use lehr_datasets::sequences::SENSORS;

use super::task::{Graphs, Snapshot};

const PAIRS: usize = SENSORS * SENSORS;

/// Snapshots of the simulated plant, each with what its line has shown so far.
#[derive(Debug)]
pub struct LineGraphs<'a> {
    set: &'a Set,
    /// `[SENSORS, SENSORS]` a snapshot: the mean of the correlations of its line up to it.
    memory: Vec<f32>,
    lines: Vec<Range<usize>>,
}

impl<'a> LineGraphs<'a> {
    pub fn new(set: &'a Set) -> Self {
        let lines = set.lines();
        let mut memory = Vec::with_capacity(set.edges.len());
        for line in &lines {
            let mut sums = vec![0.0f64; PAIRS];
            for (before, index) in line.clone().enumerate() {
                let edges = &set.edges[index * PAIRS..(index + 1) * PAIRS];
                sums.iter_mut().zip(edges).for_each(|(sum, r)| *sum += f64::from(*r));
                memory.extend(sums.iter().map(|sum| (sum / (before + 1) as f64) as f32));
            }
        }
        Self { set, memory, lines }
    }

    /// The snapshots of each line, in order of time.
    pub fn lines(&self) -> &[Range<usize>] {
        &self.lines
    }

    /// The snapshots of each day of a line.
    pub fn days(&self) -> Vec<Range<usize>> {
        self.set.days()
    }
}

impl Graphs for LineGraphs<'_> {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn nodes(&self) -> usize {
        SENSORS
    }

    fn features(&self) -> usize {
        FEATURES
    }

    fn snapshot(&self, index: usize) -> Snapshot {
        static LINKED: LazyLock<Vec<bool>> = LazyLock::new(|| adjacency().into_iter().flatten().collect());
        let part = |values: &[f32], size: usize| values[index * size..(index + 1) * size].to_vec();
        Snapshot {
            nodes: part(&self.set.nodes, SENSORS * FEATURES),
            edges: part(&self.set.edges, PAIRS),
            failures: self.set.failure[index].to_vec(),
            anomalies: self.set.anomaly[index].to_vec(),
            memory: part(&self.memory, PAIRS),
            linked: LINKED.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use lehr_datasets::sequences::Origin;
    use lehr_domain::LineId;

    use super::*;

    #[test]
    fn memory_is_of_the_line_and_of_nothing_that_is_to_come() {
        let origin = |line: u16, minute: i64| Origin { seed: 1, line: LineId(line), minute, cause: None };
        let origins = vec![origin(0, 120), origin(0, 240), origin(1, 120)];
        let edges = [0.2f32, 0.6, -1.0].into_iter().flat_map(|r| [r; PAIRS]).collect();
        let set = Set {
            nodes: vec![0.0; 3 * SENSORS * FEATURES],
            edges,
            failure: vec![[false; SENSORS]; 3],
            anomaly: vec![[false; SENSORS]; 3],
            origins,
        };
        let graphs = LineGraphs::new(&set);
        let remembered: Vec<f32> = (0..3).map(|index| graphs.snapshot(index).memory[5]).collect();
        assert_eq!(remembered, [0.2, 0.4, -1.0]);
        assert_eq!(graphs.lines(), [0..2, 2..3]);
    }
}
