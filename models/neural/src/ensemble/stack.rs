use lehr_metrics::{Logistic, Scored};
use lehr_onnx::{Element, Graph, Opset, Shape, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::NeuralError;
use crate::forecaster::{HORIZONS, Horizons, threshold};
use crate::writing::Identity;

/// Probabilities are kept so far from 0 and 1, so that logits are finite.
const CLAMP: f64 = 1e-4;
const STEPS_MAX: usize = 200;
/// Fewer examples than this say nothing of weights.
const EXAMPLES_MIN: usize = 50;

/// What several models said of one moment of a line, and what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// A probability for each member, always in the same order.
    pub members: Vec<f64>,
    pub events: Horizons<bool>,
}

/// One probability for each horizon from those of the members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// Names of the predictions.
    pub members: Vec<String>,
    pub stacks: Horizons<Stack>,
}

/// The weights of one horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    pub weights: Vec<f64>,
    pub bias: f64,
    /// Of the calibration that follows: p = 1 / (1 + e^-(slope z + shift)).
    pub slope: f64,
    pub shift: f64,
    /// The probability from which on an event is foretold.
    pub threshold: f64,
}

impl Ensemble {
    /// Weights by `stacking`, calibration and thresholds by `calibration`, another split. `diversity` is λ, at least 0.
    ///
    /// # Errors
    /// Too few examples, or other than one probability for each member.
    pub fn fit(
        members: &[&str],
        stacking: &[Example],
        calibration: &[Example],
        diversity: f64,
    ) -> Result<Self, NeuralError> {
        for (split, examples) in [("stacking", stacking), ("calibration", calibration)] {
            if examples.len() < EXAMPLES_MIN {
                return Err(NeuralError::TooFew { split, found: examples.len(), needed: EXAMPLES_MIN });
            }
            if let Some(odd) = examples.iter().find(|example| example.members.len() != members.len()) {
                return Err(NeuralError::Setting {
                    field: "members",
                    found: odd.members.len().to_string(),
                    fix: "give one probability for each member",
                });
            }
        }
        if !(diversity >= 0.0 && diversity.is_finite()) {
            let found = diversity.to_string();
            return Err(NeuralError::Setting { field: "diversity", found, fix: "a number of at least 0" });
        }
        let mut stacks = Vec::with_capacity(HORIZONS);
        for horizon in 0..HORIZONS {
            let of = |examples: &[Example]| -> Vec<Seen> {
                let logits = |example: &Example| example.members.iter().map(|&p| logit(p)).collect();
                examples.iter().map(|e| Seen { logits: logits(e), event: e.events[horizon] }).collect()
            };
            stacks.push(Stack::fit(&of(stacking), &of(calibration), diversity)?);
        }
        Ok(Self {
            members: members.iter().map(|&name| name.to_owned()).collect(),
            stacks: stacks.try_into().expect("a stack for each horizon"),
        })
    }

    /// The calibrated probabilities of an event.
    pub fn probabilities(&self, members: &[f64]) -> Horizons<f64> {
        let logits: Vec<f64> = members.iter().map(|&p| logit(p)).collect();
        self.stacks.each_ref().map(|stack| stack.probability(&logits))
    }

    /// As an ONNX file. Input `predictions` f32 `[batch, members]`, probabilities; output `probability` f32
    /// `[batch, 3]`.
    pub fn export(&self, identity: &Identity) -> Result<Vec<u8>, NeuralError> {
        let mut graph = Graph::new("ensemble", Opset::V17);
        let count = self.members.len();
        let input = graph.input("predictions", Element::F32, Shape::batched([count]))?;
        let low = graph.constant("clamp.low", Tensor::scalar(CLAMP as f32)?)?;
        let high = graph.constant("clamp.high", Tensor::scalar((1.0 - CLAMP) as f32)?)?;
        let above = graph.greater("clamp.above", input, high)?;
        let capped = graph.where_("clamp.capped", above, high, input)?;
        let below = graph.less("clamp.below", capped, low)?;
        let kept = graph.where_("clamp", below, low, capped)?;
        let one = graph.constant("one", Tensor::scalar(1.0)?)?;
        let rest = graph.sub("rest", one, kept)?;
        let odds = graph.div("odds", kept, rest)?;
        let logits = graph.log("logits", odds)?;
        // Stacking and calibration are linear, one after the other: one layer.
        let weights: Vec<f32> = (0..count)
            .flat_map(|member| self.stacks.each_ref().map(|stack| (stack.slope * stack.weights[member]) as f32))
            .collect();
        let bias = self.stacks.each_ref().map(|stack| (stack.slope * stack.bias + stack.shift) as f32);
        let layer = lehr_onnx::Linear {
            weight: Tensor::f32([count, HORIZONS], &weights)?,
            bias: Some(Tensor::f32([HORIZONS], &bias)?),
        };
        let scores = graph.linear("stack", logits, &layer)?;
        let probability = graph.sigmoid("stacked", scores)?;
        graph.output("probability", probability)?;
        identity.write(&mut graph);
        Ok(graph.encode()?)
    }
}

/// Members' logits of one example, and what came within one horizon.
struct Seen {
    logits: Vec<f64>,
    event: bool,
}

impl Stack {
    fn fit(stacking: &[Seen], calibration: &[Seen], diversity: f64) -> Result<Self, NeuralError> {
        let (weights, bias) = stack_of_those_who_help(stacking, diversity);
        let mut fitted = Self { weights, bias, slope: 1.0, shift: 0.0, threshold: 0.5 };
        let pairs: Vec<(f64, bool)> = calibration.iter().map(|seen| (fitted.score(&seen.logits), seen.event)).collect();
        if let Some(fit) = Logistic::fit(&pairs).filter(|fit| fit.slope > 0.0) {
            (fitted.slope, fitted.shift) = (fit.slope, fit.intercept);
        }
        let scores = calibration.iter().map(|seen| fitted.probability(&seen.logits));
        let scored = Scored::new(scores, calibration.iter().map(|seen| seen.event))?;
        fitted.threshold = threshold(&scored);
        Ok(fitted)
    }

    fn probability(&self, logits: &[f64]) -> f64 {
        sigmoid(self.slope * self.score(logits) + self.shift)
    }

    fn score(&self, logits: &[f64]) -> f64 {
        self.bias + self.weights.iter().zip(logits).map(|(weight, logit)| weight * logit).sum::<f64>()
    }
}

/// As [`stack`], with no weight below 0: who would count against himself counts for nothing, one after the other, the
/// worst first. Negative weights are what members that say nearly the same get by chance, and they do not hold on other
/// examples (Breiman, "Stacked regressions", 1996).
fn stack_of_those_who_help(examples: &[Seen], diversity: f64) -> (Vec<f64>, f64) {
    let members = examples.first().map_or(0, |seen| seen.logits.len());
    let mut kept: Vec<usize> = (0..members).collect();
    loop {
        let of_kept = |seen: &Seen| kept.iter().map(|&member| seen.logits[member]).collect();
        let some: Vec<Seen> = examples.iter().map(|seen| Seen { logits: of_kept(seen), event: seen.event }).collect();
        let (found, bias) = stack(&some, diversity);
        let worst = (0..found.len()).min_by(|&a, &b| found[a].total_cmp(&found[b]));
        match worst.filter(|&worst| found[worst] < 0.0) {
            Some(worst) => {
                kept.remove(worst);
            }
            None => {
                let mut weights = vec![0.0; members];
                kept.iter().zip(found).for_each(|(&member, weight)| weights[member] = weight);
                return (weights, bias);
            }
        }
    }
}

/// Minimises mean cross-entropy + λ/2 wᵀ ρ w over weights and bias, by Newton's method with halved steps. Convex, since ρ
/// is a correlation matrix.
fn stack(examples: &[Seen], diversity: f64) -> (Vec<f64>, f64) {
    let members = examples.first().map_or(0, |seen| seen.logits.len());
    let inputs: Vec<Vec<f64>> =
        examples.iter().map(|seen| seen.logits.iter().copied().chain([1.0]).collect()).collect();
    let price = price(members, examples, diversity);
    let width = members + 1;
    let loss = |at: &[f64]| {
        let entropy = |(input, example): (&Vec<f64>, &Seen)| {
            let z: f64 = input.iter().zip(at).map(|(x, w)| x * w).sum();
            z.max(0.0) + (-z.abs()).exp().ln_1p() - if example.event { z } else { 0.0 }
        };
        let mean = inputs.iter().zip(examples).map(entropy).sum::<f64>() / examples.len() as f64;
        mean + quadratic(&price, at) / 2.0
    };
    // The mean of the logits, to begin with.
    let mut at: Vec<f64> = (0..width).map(|k| if k < members { 1.0 / members as f64 } else { 0.0 }).collect();
    for _ in 0..STEPS_MAX {
        let mut gradient: Vec<f64> = price.iter().map(|row| row.iter().zip(&at).map(|(p, w)| p * w).sum()).collect();
        let mut curvature = price.clone();
        for (input, example) in inputs.iter().zip(examples) {
            let p = sigmoid(input.iter().zip(&at).map(|(x, w)| x * w).sum());
            let away = (p - if example.event { 1.0 } else { 0.0 }) / examples.len() as f64;
            let bend = p * (1.0 - p) / examples.len() as f64;
            for k in 0..width {
                gradient[k] += away * input[k];
                for l in 0..width {
                    curvature[k][l] += bend * input[k] * input[l];
                }
            }
        }
        let step = solve(curvature, gradient);
        let before = loss(&at);
        let moved = |share: f64| -> Vec<f64> { at.iter().zip(&step).map(|(w, s)| w - share * s).collect() };
        let Some(next) = (0..30).map(|halved| moved(0.5f64.powi(halved))).find(|next| loss(next) < before) else {
            break;
        };
        at = next;
    }
    let bias = at.pop().expect("the bias is the last");
    (at, bias)
}

/// λ ρ, and 0 for the bias; a little on the diagonal, so that it can be solved for members that are all alike.
fn price(members: usize, examples: &[Seen], diversity: f64) -> Vec<Vec<f64>> {
    let error = |seen: &Seen, k: usize| sigmoid(seen.logits[k]) - if seen.event { 1.0 } else { 0.0 };
    let count = examples.len() as f64;
    let mean: Vec<f64> =
        (0..members).map(|k| examples.iter().map(|example| error(example, k)).sum::<f64>() / count).collect();
    let shared = |k: usize, l: usize| {
        examples.iter().map(|e| (error(e, k) - mean[k]) * (error(e, l) - mean[l])).sum::<f64>() / count
    };
    let spread: Vec<f64> = (0..members).map(|k| shared(k, k).sqrt().max(1e-12)).collect();
    let mut price = vec![vec![0.0; members + 1]; members + 1];
    for k in 0..members {
        for l in 0..members {
            let correlation = if k == l { 1.0 } else { shared(k, l) / (spread[k] * spread[l]) };
            price[k][l] = diversity * correlation;
        }
    }
    for (k, row) in price.iter_mut().enumerate() {
        row[k] += 1e-9;
    }
    price
}

fn quadratic(matrix: &[Vec<f64>], at: &[f64]) -> f64 {
    matrix.iter().zip(at).map(|(row, w)| w * row.iter().zip(at).map(|(m, v)| m * v).sum::<f64>()).sum()
}

/// Gauss's elimination with pivots; the matrix is positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))
            .unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let top = matrix[column].clone();
        for row in column + 1..size {
            let factor = matrix[row][column] / top[column];
            matrix[row].iter_mut().zip(&top).for_each(|(value, above)| *value -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(CLAMP, 1.0 - CLAMP);
    (p / (1.0 - p)).ln()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use lehr_metrics::Binning;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    /// Three models see the same event, each with noise of its own; the fourth repeats the first.
    fn examples(count: usize, seed: u64) -> Vec<Example> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count)
            .map(|_| {
                let event = random.random_bool(0.3);
                let truth = if event { 1.0 } else { -1.0 };
                let mut seen = |noise: f64| {
                    let sum: f64 = (0..12).map(|_| random.random_range(-0.5..0.5)).sum();
                    sigmoid(truth + noise * sum)
                };
                let first = seen(1.0);
                let members = vec![first, seen(1.0), seen(3.0), first];
                // The longest horizon has events that no member sees. Few: a logistic curve has no floor, and where a tenth of
                // the quiet moments ended in one, its probabilities would be off by more than a twentieth.
                let later = event || random.random_bool(0.03);
                Example { members, events: [event, event, later] }
            })
            .collect()
    }

    const NAMES: [&str; 4] = ["a", "b", "c", "a again"];

    #[test]
    fn it_ranks_better_than_each_of_its_members_and_is_calibrated() {
        let ensemble = Ensemble::fit(&NAMES, &examples(4000, 1), &examples(4000, 2), 0.01).unwrap();
        let test = examples(8000, 3);
        for horizon in 0..HORIZONS {
            let scored = |score: &dyn Fn(&Example) -> f64| {
                Scored::new(test.iter().map(score), test.iter().map(|e| e.events[horizon])).unwrap()
            };
            let best = (0..4).map(|k| scored(&|e| e.members[k]).auc().unwrap()).fold(0.0, f64::max);
            let stacked = scored(&|e| ensemble.probabilities(&e.members)[horizon]);
            // Events that nobody sees make every gain smaller.
            let gain = [0.02, 0.02, 0.01][horizon];
            assert!(stacked.auc().unwrap() > best + gain, "horizon {horizon}: {} of {best}", stacked.auc().unwrap());
            let error = stacked.ece(Binning::USUAL).unwrap();
            assert!(error < 0.03, "horizon {horizon}: {error}");
        }
    }

    #[test]
    fn who_repeats_another_shares_its_weight() {
        let ensemble = Ensemble::fit(&NAMES, &examples(4000, 4), &examples(1000, 5), 0.05).unwrap();
        let [a, b, c, again] = ensemble.stacks[0].weights[..] else { panic!("a weight for each member") };
        assert!((a - again).abs() < 1e-3, "{a} and {again}");
        assert!(c.abs() < b, "noise counts less: {c} against {b}");
        assert!(a + again < 1.6 * b, "two that err together are not counted twice: {a} + {again} against {b}");
    }

    #[test]
    fn who_says_the_contrary_counts_for_nothing() {
        let contrary = |seed: u64| {
            let mut all = examples(3000, seed);
            all.iter_mut().for_each(|example| example.members[2] = 1.0 - example.members[1]);
            all
        };
        let ensemble = Ensemble::fit(&NAMES, &contrary(11), &contrary(12), 0.01).unwrap();
        for stack in &ensemble.stacks {
            assert!(stack.weights.iter().all(|weight| *weight >= 0.0), "{:?}", stack.weights);
            assert!(stack.weights[2] == 0.0 && stack.weights[1] > 0.1, "{:?}", stack.weights);
        }
    }

    #[test]
    fn events_of_other_moments_teach_nothing_but_how_many_there_are() {
        // The members say what they say, and what came is that of another moment.
        let shifted = |seed: u64| {
            let mut all = examples(4000, seed);
            let mut events: Vec<_> = all.iter().map(|example| example.events).collect();
            events.rotate_right(1);
            all.iter_mut().zip(events).for_each(|(example, of_another)| example.events = of_another);
            all
        };
        let ensemble = Ensemble::fit(&NAMES, &shifted(8), &shifted(9), 0.01).unwrap();
        let test = shifted(10);
        for horizon in 0..HORIZONS {
            let scores = test.iter().map(|e| ensemble.probabilities(&e.members)[horizon]);
            let scored = Scored::new(scores, test.iter().map(|e| e.events[horizon])).unwrap();
            assert!((scored.auc().unwrap() - 0.5).abs() < 0.03, "horizon {horizon}: {:?}", scored.auc());
            assert!(scored.brier_skill().unwrap().unwrap() < 0.005, "horizon {horizon}");
        }
    }

    #[test]
    fn a_missing_probability_is_refused() {
        let mut short = examples(100, 6);
        short[7].members.pop();
        let error = Ensemble::fit(&NAMES, &short, &examples(100, 7), 0.0).unwrap_err().to_string();
        assert!(error.contains("members"), "{error}");
    }
}
