use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::lines::LineGraphs;
use super::links::partial;
use super::task::{GraphScores, Graphs, scored};
use super::train::GraphThresholds;
use crate::error::NeuralError;
use crate::judging::{Figure, Judged, judge, with_intervals};
use crate::writing::values;

/// How many snapshots of its line a link is judged by: two hours, a day, five days and ten days of such snapshots.
const REMEMBERED: [usize; 4] = [1, 12, 60, 120];

/// How good a graph network is, on snapshots that it has never seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphReport {
    pub snapshots: usize,
    /// Share of nodes of which both is said rightly: whether they have failed, and whether what they see is off.
    pub node_accuracy: Figure,
    /// The same share for whoever always says that nothing is wrong.
    pub nothing_wrong: f64,
    /// Of nodes with which nothing is wrong, the share of which that is said.
    pub recall_of_sound: f64,
    pub failure: Judged,
    pub anomaly: Judged,
    /// By memory, shortest first.
    pub links: Vec<LinkReport>,
}

/// Links as judged by a memory of so many snapshots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    pub snapshots: usize,
    pub judged: Judged,
    /// Areas of plain judges of the same pairs: the correlation's size, and that of the partial correlation.
    pub auc_of_correlation: Option<f64>,
    pub auc_of_partial: Option<f64>,
}

/// Judges what a network said of graphs.
///
/// # Errors
/// Scores that are no probabilities; no snapshots.
pub fn report(
    scores: &GraphScores,
    graphs: &LineGraphs<'_>,
    thresholds: &GraphThresholds,
) -> Result<GraphReport, NeuralError> {
    if graphs.is_empty() {
        return Err(NeuralError::TooFew { split: "test", found: 0, needed: 1 });
    }
    let count = graphs.nodes();
    let days: Vec<Range<usize>> = graphs.days().iter().map(|day| day.start * count..day.end * count).collect();
    let nodes = |pairs: &[(f64, bool)], threshold: f64| {
        let (scores, truths): (Vec<f64>, Vec<bool>) = pairs.iter().copied().unzip();
        judge(&scores, &truths, &days, threshold)
    };
    let right = right(scores, thresholds);
    let share = |drawn: &[usize]| [Some(drawn.iter().filter(|&&node| right[node]).count() as f64 / drawn.len() as f64)];
    let all: Vec<usize> = (0..right.len()).collect();
    let [node_accuracy] = with_intervals(share(&all), &days, share);
    let sound = |node: usize| !scores.failures[node].1 && !scores.anomalies[node].1;
    let sound: Vec<usize> = (0..right.len()).filter(|&node| sound(node)).collect();
    let said_sound = sound.iter().filter(|&&node| right[node]).count();
    Ok(GraphReport {
        snapshots: graphs.len(),
        node_accuracy: node_accuracy.expect("there are days"),
        nothing_wrong: sound.len() as f64 / right.len() as f64,
        recall_of_sound: said_sound as f64 / sound.len().max(1) as f64,
        failure: nodes(&scores.failures, thresholds.failure)?,
        anomaly: nodes(&scores.anomalies, thresholds.anomaly)?,
        links: links(scores, graphs, thresholds.link)?,
    })
}

/// Whether both is said rightly of each node.
pub fn right(scores: &GraphScores, thresholds: &GraphThresholds) -> Vec<bool> {
    let ok = |(p, truth): &(f64, bool), threshold: f64| (*p >= threshold) == *truth;
    let both = scores.failures.iter().zip(&scores.anomalies);
    both.map(|(failure, anomaly)| ok(failure, thresholds.failure) && ok(anomaly, thresholds.anomaly)).collect()
}

fn links(scores: &GraphScores, graphs: &LineGraphs<'_>, threshold: f64) -> Result<Vec<LinkReport>, NeuralError> {
    let count = graphs.nodes();
    let pairs = count * (count - 1) / 2;
    let mut reports = Vec::new();
    for remembered in REMEMBERED {
        let long = graphs.lines().iter().filter(|line| line.len() >= remembered);
        let at: Vec<usize> = long.map(|line| line.start + remembered - 1).collect();
        if at.is_empty() {
            continue;
        }
        let said: Vec<(f64, bool)> =
            at.iter().flat_map(|&index| scores.links[index * pairs..(index + 1) * pairs].iter().copied()).collect();
        let (of_network, truths): (Vec<f64>, Vec<bool>) = said.into_iter().unzip();
        let lines: Vec<Range<usize>> = (0..at.len()).map(|line| line * pairs..(line + 1) * pairs).collect();
        let memory: Vec<f32> = at.iter().flat_map(|&index| graphs.snapshot(index).memory).collect();
        let memory: Tensor<3> = Tensor::from_data(TensorData::new(memory, [at.len(), count, count]), &Device::flex());
        let area = |matrix: Tensor<3>| -> Result<Option<f64>, NeuralError> {
            let sizes = below_diagonals(&values(matrix.abs()), count);
            Ok(scored(&sizes.into_iter().zip(truths.iter().copied()).collect::<Vec<_>>())?.auc())
        };
        reports.push(LinkReport {
            snapshots: remembered,
            judged: judge(&of_network, &truths, &lines, threshold)?,
            auc_of_correlation: area(memory.clone())?,
            auc_of_partial: area(partial(memory))?,
        });
    }
    Ok(reports)
}

/// Each pair once, in the order of [`GraphScores`].
fn below_diagonals(matrices: &[f32], count: usize) -> Vec<f64> {
    let below = |matrix: &[f32]| -> Vec<f64> {
        (0..count).flat_map(|i| (0..i).map(move |j| i * count + j)).map(|at| f64::from(matrix[at])).collect()
    };
    matrices.chunks_exact(count * count).flat_map(below).collect()
}
