//! The best combination of set-points within ranges and constraints, and the compromises around it.
//!
//! Nelder & Mead's simplex (J. A. Nelder & R. Mead, Comput. J. 7 (1965) 308) from several starts, in the unit cube of
//! the ranges; constraints enter as penalties. All that was tried on the way is where compromises are chosen from.

use super::answer::settled;
use super::ask::{Answer, Compromise, Constraint, Outcome, Range, ScenarioError, Setting, Weights};
use super::limits::{adjustable, within};
use super::outcome::tally;
use super::path::ahead;
use crate::parameter::Parameter;
use crate::quality::Law;
use crate::state::State;
use argmin::core::{CostFunction, Error, Executor};
use argmin::solver::neldermead::NelderMead;
use std::cell::RefCell;

/// Laws and minutes per step while searching: coarse, because only differences count there.
const LAWS: usize = 12;
const STEP_MIN: usize = 5;
/// Iterations from each start, and the size of a simplex at the start.
const ITERATIONS: u64 = 60;
const SPREAD: f64 = 0.25;
/// Loss for a constraint that is missed by all of its bound.
const PENALTY: f64 = 1e3;
/// By what share of its bound a constraint may be missed.
const TOLERANCE: f64 = 1e-3;
/// The most ranges at once; the search grows with each.
pub const MOST_RANGES: usize = 8;
/// The most compromises told.
const MOST_COMPROMISES: usize = 20;

pub fn best(
    state: &State,
    over: &[Range],
    weights: &Weights,
    constraints: &[Constraint],
    minutes: usize,
) -> Result<Answer, ScenarioError> {
    let search = Search::new(state, over, weights, constraints, minutes)?;
    let starts = search.starts();
    let tastes = [
        *weights,
        Weights { defects: 100.0, rate: 1e-6, energy: 1e-6 },
        Weights { defects: 1e-3, rate: 1e-2, energy: 1e-6 },
        Weights { defects: 1e-3, rate: 1e-6, energy: 1e-2 },
    ];
    for start in &starts {
        search.from(start, &tastes[0]);
    }
    for taste in &tastes[1..] {
        search.from(&starts[0], taste);
    }
    let tried = search.tried.into_inner();
    let (place, _) = tried
        .iter()
        .enumerate()
        .map(|(place, tried)| (place, tried.loss(weights)))
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .expect("every start is tried");
    let chosen = &tried[place];
    if chosen.missed > TOLERANCE {
        return Err(ScenarioError::Infeasible { which: chosen.worst, by: chosen.missed });
    }
    let settings = |at: &[f64]| -> Vec<Setting> {
        let pairs = search.ranges.iter().zip(at);
        pairs.map(|(range, at)| Setting { parameter: range.0.text().to_owned(), value: place_in(range, *at) }).collect()
    };
    let mut answer = settled(state, &settings(&chosen.at), minutes)?;
    let compromises = front(&tried);
    let told = compromises.iter().map(|tried| Compromise { settings: settings(&tried.at), outcome: tried.outcome });
    answer.front = told.collect();
    answer.assumptions.push(format!("{} combinations were tried; there may be better ones between them", tried.len()));
    Ok(answer)
}

/// A combination and what came out.
#[derive(Clone)]
struct Tried {
    /// In the unit cube.
    at: Vec<f64>,
    outcome: Outcome,
    /// By what share of its bound the worst constraint is missed, and which it is.
    missed: f64,
    worst: &'static str,
}

impl Tried {
    fn loss(&self, weights: &Weights) -> f64 {
        let Outcome { defect_rate, rate_per_h, energy_kw, .. } = self.outcome;
        let loss = weights.defects * defect_rate - weights.rate * rate_per_h + weights.energy * energy_kw;
        loss + PENALTY * (self.missed - 0.5 * TOLERANCE).max(0.0)
    }

    fn beats(&self, other: &Tried) -> bool {
        let [this, that] =
            [self, other].map(|tried| [tried.outcome.defect_rate, -tried.outcome.rate_per_h, tried.outcome.energy_kw]);
        this.iter().zip(&that).all(|(this, that)| this <= that)
            && this.iter().zip(&that).any(|(this, that)| this < that)
    }
}

struct Search<'a> {
    state: &'a State,
    ranges: Vec<(Parameter, f64, f64)>,
    constraints: &'a [Constraint],
    minutes: usize,
    laws: Vec<Law>,
    tried: RefCell<Vec<Tried>>,
}

fn place_in((_, low, high): &(Parameter, f64, f64), at: f64) -> f64 {
    low + at.clamp(0.0, 1.0) * (high - low)
}

impl<'a> Search<'a> {
    fn new(
        state: &'a State,
        over: &[Range],
        weights: &Weights,
        constraints: &'a [Constraint],
        minutes: usize,
    ) -> Result<Search<'a>, ScenarioError> {
        if over.is_empty() {
            return Err(ScenarioError::Empty("over"));
        }
        if over.len() > MOST_RANGES {
            return Err(ScenarioError::TooMany { field: "over", most: MOST_RANGES });
        }
        let mut ranges: Vec<(Parameter, f64, f64)> = Vec::with_capacity(over.len());
        for range in over {
            let parameter = adjustable(&range.parameter)?;
            if ranges.iter().any(|(other, ..)| *other == parameter) {
                return Err(ScenarioError::Twice(parameter.text()));
            }
            let (low, high) = (within("low", parameter, range.low)?, within("high", parameter, range.high)?);
            if low >= high {
                return Err(ScenarioError::EmptyRange { parameter: parameter.text(), low, high });
            }
            ranges.push((parameter, low, high));
        }
        let good = |value: f64| value.is_finite() && value >= 0.0;
        for (name, weight) in [("defects", weights.defects), ("rate", weights.rate), ("energy", weights.energy)] {
            if !good(weight) {
                return Err(ScenarioError::Weight(name));
            }
        }
        for constraint in constraints {
            let (name, bound) = named(constraint);
            if !good(bound) {
                return Err(ScenarioError::Constraint(name));
            }
        }
        let laws = state.quality.draw(LAWS);
        Ok(Search { state, ranges, constraints, minutes, laws, tried: RefCell::default() })
    }

    /// Where things stand, the middle, and the middles of the cube's halves.
    fn starts(&self) -> Vec<Vec<f64>> {
        let now = self.ranges.iter().map(|(parameter, low, high)| {
            ((self.state.drive.setpoints[parameter.index()] - low) / (high - low)).clamp(0.0, 1.0)
        });
        let mut starts = vec![now.collect(), vec![0.5; self.ranges.len()]];
        for side in [0.1, 0.9] {
            starts.push(vec![side; self.ranges.len()]);
        }
        starts
    }

    fn from(&self, start: &[f64], weights: &Weights) {
        let mut simplex = vec![start.to_vec()];
        for dimension in 0..start.len() {
            let mut corner = start.to_vec();
            // Towards the inside, so that the simplex is not flat.
            corner[dimension] += if corner[dimension] > 0.5 { -SPREAD } else { SPREAD };
            simplex.push(corner);
        }
        let problem = Problem { search: self, weights: *weights };
        let solver = NelderMead::new(simplex).with_sd_tolerance(1e-7);
        let Ok(solver) = solver else { return };
        // All that matters is in `tried`. A search that ends early has still tried its start.
        let _ = Executor::new(problem, solver).configure(|state| state.max_iters(ITERATIONS)).timer(false).run();
    }

    fn try_at(&self, at: &[f64]) -> Tried {
        let mut drive = self.state.drive;
        for (range, at) in self.ranges.iter().zip(at) {
            drive.setpoints[range.0.index()] = place_in(range, *at);
        }
        let path = ahead(self.state, &drive, self.minutes, STEP_MIN.min(self.minutes));
        let outcome = tally(self.state, &path, &self.laws).outcome();
        let (mut missed, mut worst) = (0.0, "");
        for constraint in self.constraints {
            let (name, bound) = named(constraint);
            let by = match constraint {
                Constraint::DefectRateAtMost(_) => outcome.defect_rate - bound,
                Constraint::RateAtLeast(_) => bound - outcome.rate_per_h,
                Constraint::EnergyAtMost(_) => outcome.energy_kw - bound,
            };
            let share = by / bound.max(1e-6);
            if share > missed {
                (missed, worst) = (share, name);
            }
        }
        Tried { at: at.iter().map(|at| at.clamp(0.0, 1.0)).collect(), outcome, missed, worst }
    }
}

fn named(constraint: &Constraint) -> (&'static str, f64) {
    match constraint {
        Constraint::DefectRateAtMost(bound) => ("defect_rate_at_most", *bound),
        Constraint::RateAtLeast(bound) => ("rate_at_least", *bound),
        Constraint::EnergyAtMost(bound) => ("energy_at_most", *bound),
    }
}

struct Problem<'a, 'b> {
    search: &'a Search<'b>,
    weights: Weights,
}

impl CostFunction for Problem<'_, '_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        let tried = self.search.try_at(at);
        let outside: f64 = at.iter().map(|at| (at - at.clamp(0.0, 1.0)).abs()).sum();
        let loss = tried.loss(&self.weights) + outside;
        self.search.tried.borrow_mut().push(tried);
        Ok(loss)
    }
}

/// What no other beats, by rising defect rate, thinned out evenly.
fn front(tried: &[Tried]) -> Vec<&Tried> {
    let feasible: Vec<&Tried> = tried.iter().filter(|tried| tried.missed <= TOLERANCE).collect();
    let unbeaten = |one: &&&Tried| !feasible.iter().any(|other| other.beats(one));
    let mut front: Vec<&Tried> = feasible.iter().filter(unbeaten).copied().collect();
    front.sort_by(|one, other| one.outcome.defect_rate.total_cmp(&other.outcome.defect_rate));
    front.dedup_by(|one, other| one.at == other.at);
    let every = front.len().div_ceil(MOST_COMPROMISES).max(1);
    front.into_iter().step_by(every).collect()
}
