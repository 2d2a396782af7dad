//! Where a mechanism sets in, and how steeply: a probability over a grid, sharpened by every inspected unit.
//!
//! Probability of a defect = ceiling / (1 + e^((middle − load)/width)). Middle and width are positive on the grid, so
//! that more load never means fewer defects. The grid holds what a normal approximation cannot: a line that was never
//! near its limit knows an upper bound alone.

use super::normal;
use serde::{Deserialize, Serialize};

/// Half of the affected ware fails at this load. The knowledge base gives the load at which the effect is established,
/// which is beyond half way.
const MIDDLES: usize = 25;
const MIDDLE_FIRST: f64 = 0.5;
const MIDDLE_STEP: f64 = 0.03;
const MIDDLE_MEAN: f64 = 0.85;
const MIDDLE_SD: f64 = 0.08;
/// Natural logarithms of widths.
const WIDTHS: usize = 7;
const WIDTH_FIRST: f64 = -3.2;
const WIDTH_STEP: f64 = 0.25;
const WIDTH_MEAN: f64 = -2.2;
const WIDTH_SD: f64 = 0.25;
const CELLS: usize = MIDDLES * WIDTHS;
/// Operation is called normal because a mechanism has no more than about this share in it.
const IN_NORMAL: f64 = 7e-4;
/// What a unit counts in the likelihood: below one, because neighbours share causes and the way to inspection is known
/// to some minutes only.
const TRUST: f64 = 0.3;
/// What remains open however much was learned: the middle and the logarithm of the width, standard deviations.
const OPEN_MIDDLE: f64 = 0.008;
const OPEN_WIDTH: f64 = 0.05;
/// Of what was learned this much is kept from block to block of five minutes: half after a month.
const KEPT: f64 = 1.0 - 8e-5;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// Logarithms of likelihoods, relative to the greatest; single floats because there are many.
    gathered: Vec<f32>,
    /// The mean, for what needs one number.
    pub point: Curve,
    pub middle_sd: f64,
}

/// A curve of probability over load, without its ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub middle: f64,
    pub width: f64,
}

impl Curve {
    #[inline]
    pub fn at(&self, load: f64) -> f64 {
        1.0 / (1.0 + ((self.middle - load) / self.width).exp())
    }
}

fn curve(cell: usize) -> Curve {
    let (middle, width) = (cell / WIDTHS, cell % WIDTHS);
    Curve { middle: MIDDLE_FIRST + MIDDLE_STEP * middle as f64, width: (WIDTH_FIRST + WIDTH_STEP * width as f64).exp() }
}

fn prior(cell: usize) -> f64 {
    let curve = curve(cell);
    let middle = (curve.middle - MIDDLE_MEAN) / MIDDLE_SD;
    let width = (curve.width.ln() - WIDTH_MEAN) / WIDTH_SD;
    -0.5 * (middle * middle + width * width) - curve.at(0.0) / IN_NORMAL
}

/// What a block of ware tells: loads on its way, units, and how many had the defect.
pub struct Block<'a> {
    pub loads: &'a [f64],
    pub units: f64,
    pub found: f64,
    pub ceiling: f64,
    /// Probability of the defect from all else.
    pub otherwise: f64,
}

impl Default for Belief {
    fn default() -> Belief {
        let mut belief = Belief {
            gathered: vec![0.0; CELLS],
            point: Curve { middle: MIDDLE_MEAN, width: WIDTH_MEAN.exp() },
            middle_sd: MIDDLE_SD,
        };
        belief.summarise();
        belief
    }
}

impl Belief {
    pub fn learn(&mut self, block: &Block) {
        let share = block.ceiling / block.loads.len() as f64;
        let mut greatest = f32::MIN;
        for (cell, gathered) in self.gathered.iter_mut().enumerate() {
            let curve = curve(cell);
            let affected: f64 = block.loads.iter().map(|load| curve.at(*load)).sum();
            let probability = (block.otherwise + share * affected).clamp(1e-6, 1.0 - 1e-6);
            let likelihood =
                block.found * probability.ln() + (block.units - block.found).max(0.0) * (-probability).ln_1p();
            *gathered = (f64::from(*gathered) * KEPT + TRUST * likelihood) as f32;
            greatest = greatest.max(*gathered);
        }
        self.gathered.iter_mut().for_each(|gathered| *gathered -= greatest);
        self.summarise();
    }

    fn weights(&self) -> [f64; CELLS] {
        let mut weights = [0.0; CELLS];
        let mut greatest = f64::MIN;
        for (cell, weight) in weights.iter_mut().enumerate() {
            *weight = prior(cell) + f64::from(self.gathered[cell]);
            greatest = greatest.max(*weight);
        }
        let mut total = 0.0;
        for weight in &mut weights {
            *weight = (*weight - greatest).exp();
            total += *weight;
        }
        weights.map(|weight| weight / total)
    }

    fn summarise(&mut self) {
        let (mut middle, mut square, mut width) = (0.0, 0.0, 0.0);
        for (cell, weight) in self.weights().into_iter().enumerate() {
            let curve = curve(cell);
            middle += weight * curve.middle;
            square += weight * curve.middle * curve.middle;
            width += weight * curve.width.ln();
        }
        self.point = Curve { middle, width: width.exp() };
        self.middle_sd = (square - middle * middle).max(0.0).sqrt().hypot(OPEN_MIDDLE);
    }

    /// Curves that stand for the belief, for `ranks` from 0 to 1 with two more numbers each that place them within
    /// their cell.
    pub fn draw(&self, ranks: &[[f64; 3]]) -> Vec<Curve> {
        let mut ends = self.weights();
        let mut so_far = 0.0;
        for end in &mut ends {
            so_far += *end;
            *end = so_far;
        }
        let drawn = ranks.iter().map(|[rank, across, along]| {
            let cell = ends.partition_point(|end| end < rank).min(CELLS - 1);
            let curve = curve(cell);
            Curve {
                middle: curve.middle + OPEN_MIDDLE * normal(*across),
                width: curve.width * (OPEN_WIDTH * normal(*along)).exp(),
            }
        });
        drawn.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_of_overload_teaches_where_the_limit_is() {
        let mut belief = Belief::default();
        let truth = Curve { middle: 0.72, width: 0.08 };
        for step in 0..40 {
            let load = 0.05 * f64::from(step % 28);
            let probability = 0.002 + 0.85 * truth.at(load);
            let block =
                Block { loads: &[load], units: 80.0, found: 80.0 * probability, ceiling: 0.85, otherwise: 0.002 };
            belief.learn(&block);
        }
        assert!((belief.point.middle - 0.72).abs() < 0.015, "{:?}", belief.point);
        assert!((belief.point.width / 0.08 - 1.0).abs() < 0.15, "{:?}", belief.point);
        assert!(belief.middle_sd < 0.04);
    }

    #[test]
    fn before_anything_is_seen_the_limit_is_open_but_normal_operation_is_normal() {
        let belief = Belief::default();
        assert!(belief.point.at(0.0) < 1e-3 && belief.point.at(1.0) > 0.7, "{:?}", belief.point);
        assert!(belief.middle_sd > 0.06, "{}", belief.middle_sd);
    }
}
