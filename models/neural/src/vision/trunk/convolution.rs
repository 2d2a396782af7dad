use std::ops::Range;

use crate::kernels::{Matrix, Precision, add, multiply};

/// Along a side, places.
const KERNEL: usize = 3;

/// Places whose fields are written out at once: so few that they stay in a processor's second cache.
const STRIP: usize = 256;

/// A convolution of 3 × 3 with a border of zeros, then what is above 0. `weight` `[9 inputs, outputs]`, in the order of
/// the kernel's rows, columns, channels; `bias` `[outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvolutionWeights {
    pub inputs: usize,
    pub outputs: usize,
    /// 2 halves a picture. 1 keeps its size, and what comes out is added to what went in.
    pub step: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// What went into a convolution, `[side, side, inputs]`, and what came of it.
#[derive(Clone, Copy)]
pub struct Passed<'a> {
    pub from: &'a [f32],
    pub side: usize,
    pub came: &'a [f32],
}

impl ConvolutionWeights {
    /// The same sizes, all 0.
    pub fn zero(&self) -> Self {
        Self { weight: vec![0.0; self.weight.len()], bias: vec![0.0; self.bias.len()], ..*self }
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.weight, &other.weight);
        add(&mut self.bias, &other.bias);
    }

    /// Whether what comes out is added to what went in.
    pub fn adds(&self) -> bool {
        self.step == 1
    }

    /// From `[side, side, inputs]` to `[side / step, side / step, outputs]`. `fields` is room, used up.
    pub fn forward(&self, precision: Precision, from: &[f32], side: usize, fields: &mut Vec<f32>, to: &mut [f32]) {
        for (strip, to) in self.strips(side).zip(to.chunks_mut(STRIP * self.outputs)) {
            self.gather(from, side, strip, fields);
            for place in to.chunks_exact_mut(self.outputs) {
                place.copy_from_slice(&self.bias);
            }
            multiply(precision, to, self.fields(fields), self.weight(), true);
            for value in to {
                *value = value.max(0.0);
            }
        }
    }

    /// Given what was passed and the loss's gradient at what came of it, which is used up, adds that at the weights to
    /// `gradients` and, where it is asked for, that at what went in to `input_gradient`.
    pub fn backward(
        &self,
        precision: Precision,
        Passed { from, side, came }: Passed<'_>,
        gradient: &mut [f32],
        fields: &mut Vec<f32>,
        gradients: &mut Self,
        mut input_gradient: Option<&mut [f32]>,
    ) {
        for (gradient, came) in gradient.iter_mut().zip(came) {
            *gradient = if *came > 0.0 { *gradient } else { 0.0 };
        }
        for place in gradient.chunks_exact(self.outputs) {
            add(&mut gradients.bias, place);
        }
        for (strip, gradient) in self.strips(side).zip(gradient.chunks(STRIP * self.outputs)) {
            self.gather(from, side, strip.clone(), fields);
            let places = Matrix::new(gradient, gradient.len() / self.outputs, self.outputs);
            multiply(precision, &mut gradients.weight, self.fields(fields).transposed(), places, true);
            if let Some(input_gradient) = &mut input_gradient {
                multiply(precision, fields, places, self.weight().transposed(), false);
                self.scatter(fields, side, strip, input_gradient);
            }
        }
    }

    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, KERNEL * KERNEL * self.inputs, self.outputs)
    }

    fn fields<'a>(&self, fields: &'a [f32]) -> Matrix<'a> {
        let field = KERNEL * KERNEL * self.inputs;
        Matrix::new(fields, fields.len() / field, field)
    }

    /// The places of what comes out, row by row, a few at a time.
    fn strips(&self, side: usize) -> impl Iterator<Item = Range<usize>> {
        let places = (side / self.step).pow(2);
        (0..places).step_by(STRIP).map(move |first| first..places.min(first + STRIP))
    }

    /// For each row of a field and each of the places: where among a picture's numbers the row lies, and where in the
    /// fields. What the border has is left out.
    fn rows(&self, side: usize, places: Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> {
        let (step, channels) = (self.step, self.inputs);
        let (across, first_place) = (side / step, places.start);
        places.flat_map(move |place| {
            let (line, column) = (step * (place / across), step * (place % across));
            // The field's first line and column are one before these.
            let (left, right) = (usize::from(column == 0), usize::from(column + 2 > side));
            let (start, length) = ((column + left - 1) * channels, (KERNEL - left - right) * channels);
            (0..KERNEL).filter_map(move |kernel_row| {
                let line = (line + kernel_row).checked_sub(1).filter(|line| *line < side)?;
                let lies = line * side * channels + start;
                let at = ((place - first_place) * KERNEL + kernel_row) * KERNEL + left;
                Some((lies..lies + length, at * channels))
            })
        })
    }

    /// The fields of some places, `[places, 9 inputs]`.
    fn gather(&self, from: &[f32], side: usize, places: Range<usize>, fields: &mut Vec<f32>) {
        assert_eq!(from.len(), side * side * self.inputs, "a picture fills its slice");
        fields.resize(places.len() * KERNEL * KERNEL * self.inputs, 0.0);
        let mut filled = 0;
        for (lies, at) in self.rows(side, places) {
            let end = at + lies.len();
            fields[filled..at].fill(0.0);
            fields[at..end].copy_from_slice(&from[lies]);
            filled = end;
        }
        fields[filled..].fill(0.0);
    }

    /// The inverse of [`Self::gather`]: adds what fields say of each number.
    fn scatter(&self, fields: &[f32], side: usize, places: Range<usize>, to: &mut [f32]) {
        for (lies, at) in self.rows(side, places) {
            let length = lies.len();
            add(&mut to[lies], &fields[at..at + length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More places than a strip has, with steps of 1.
    const SIDE: usize = 18;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * step).sin()).collect()
    }

    fn weights(step: usize) -> ConvolutionWeights {
        ConvolutionWeights { inputs: 2, outputs: 3, step, weight: wave(54, 0.37), bias: vec![0.1, -0.2, 0.3] }
    }

    fn came(weights: &ConvolutionWeights, from: &[f32]) -> Vec<f32> {
        let mut to = vec![0.0; (SIDE / weights.step).pow(2) * weights.outputs];
        weights.forward(Precision::Single, from, SIDE, &mut vec![], &mut to);
        to
    }

    #[test]
    fn a_place_is_the_sum_over_its_field() {
        for step in [1, 2] {
            let (weights, from) = (weights(step), wave(SIDE * SIDE * 2, 0.9));
            let to = came(&weights, &from);
            for (at, found) in to.iter().enumerate() {
                let (place, output) = (at / 3, at % 3);
                let (down, across) = (place / (SIDE / step), place % (SIDE / step));
                let mut sum = weights.bias[output];
                for kernel in 0..9 {
                    let line = (step * down + kernel / 3) as i64 - 1;
                    let column = (step * across + kernel % 3) as i64 - 1;
                    let within = 0..SIDE as i64;
                    if within.contains(&line) && within.contains(&column) {
                        for channel in 0..2 {
                            let value = from[(line as usize * SIDE + column as usize) * 2 + channel];
                            sum += value * weights.weight[(kernel * 2 + channel) * 3 + output];
                        }
                    }
                }
                assert!((found - sum.max(0.0)).abs() < 1e-5, "step {step}, {at}: {found}, not {sum}");
            }
        }
    }

    #[test]
    fn the_gradients_are_the_slopes() {
        for step in [1, 2] {
            let (weights, from) = (weights(step), wave(SIDE * SIDE * 2, 0.9));
            let to = came(&weights, &from);
            // Summed in double precision, as the slopes are of small differences.
            let towards = wave(to.len(), 1.9);
            let loss = |weights: &ConvolutionWeights, from: &[f32]| -> f64 {
                came(weights, from).iter().zip(&towards).map(|(came, towards)| f64::from(came * towards)).sum()
            };
            let (mut gradients, mut of_input) = (weights.zero(), vec![0.0; from.len()]);
            let mut gradient = towards.clone();
            let passed = Passed { from: &from, side: SIDE, came: &to };
            weights.backward(
                Precision::Single,
                passed,
                &mut gradient,
                &mut vec![],
                &mut gradients,
                Some(&mut of_input),
            );
            let close = |found: f32, slope: f64, what: &str| {
                let found = f64::from(found);
                assert!((found - slope).abs() < 3e-2 * (1.0 + slope.abs()), "{step}, {what}: {found} is not {slope}");
            };
            for at in 0..54 {
                let moved = |by: f32| {
                    let mut weights = weights.clone();
                    weights.weight[at] += by;
                    loss(&weights, &from)
                };
                close(gradients.weight[at], (moved(0.001) - moved(-0.001)) / 0.002, "weight");
            }
            for at in 0..from.len() {
                let moved = |by: f32| {
                    let mut from = from.clone();
                    from[at] += by;
                    loss(&weights, &from)
                };
                close(of_input[at], (moved(0.001) - moved(-0.001)) / 0.002, "input");
            }
        }
    }
}
