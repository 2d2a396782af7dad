use crate::kernels::{Matrix, add, multiply};

/// Along a side, places.
const KERNEL: usize = 3;

/// A convolution of 3 × 3 in steps of 2 with a border of zeros, then what is above 0. `weight` `[9 inputs, outputs]`, in
/// the order of the kernel's rows, columns, channels; `bias` `[outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvolutionWeights {
    pub inputs: usize,
    pub outputs: usize,
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

    /// From `[side, side, inputs]` to `[side / 2, side / 2, outputs]`. `fields` is room, used up.
    pub fn forward(&self, from: &[f32], side: usize, fields: &mut Vec<f32>, to: &mut [f32]) {
        gather(from, side, self.inputs, fields);
        for place in to.chunks_exact_mut(self.outputs) {
            place.copy_from_slice(&self.bias);
        }
        multiply(to, self.fields(fields), self.weight(), true);
        for value in to {
            *value = value.max(0.0);
        }
    }

    /// Given what was passed and the loss's gradient at what came of it, which is used up, adds that at the weights to `gradients` and,
    /// where it is asked for, writes that at what went in.
    pub fn backward(
        &self,
        Passed { from, side, came }: Passed<'_>,
        gradient: &mut [f32],
        fields: &mut Vec<f32>,
        gradients: &mut Self,
        input_gradient: Option<&mut [f32]>,
    ) {
        for (gradient, came) in gradient.iter_mut().zip(came) {
            *gradient = if *came > 0.0 { *gradient } else { 0.0 };
        }
        for place in gradient.chunks_exact(self.outputs) {
            add(&mut gradients.bias, place);
        }
        gather(from, side, self.inputs, fields);
        let places = Matrix::new(gradient, gradient.len() / self.outputs, self.outputs);
        multiply(&mut gradients.weight, self.fields(fields).transposed(), places, true);
        if let Some(input_gradient) = input_gradient {
            multiply(fields, places, self.weight().transposed(), false);
            scatter(fields, side, self.inputs, input_gradient);
        }
    }

    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, KERNEL * KERNEL * self.inputs, self.outputs)
    }

    fn fields<'a>(&self, fields: &'a [f32]) -> Matrix<'a> {
        let field = KERNEL * KERNEL * self.inputs;
        Matrix::new(fields, fields.len() / field, field)
    }
}

/// For each row of a field and each place: where in `from` the row's numbers lie, and where in the field.
fn rows(side: usize, channels: usize) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> {
    let half = side / 2;
    let row = KERNEL * channels;
    (0..half * half * KERNEL).filter_map(move |at| {
        let (place, kernel_row) = (at / KERNEL, at % KERNEL);
        let (down, across) = (place / half, place % half);
        // The border is above and to the left alone: the side is even and steps are of 2.
        let line = (2 * down + kernel_row).checked_sub(1)?;
        let first = (2 * across).checked_sub(1);
        let missing = if first.is_none() { channels } else { 0 };
        let start = (line * side + first.unwrap_or(0)) * channels;
        Some((start..start + row - missing, at * row + missing))
    })
}

/// The field of each place, `[places, 9 channels]`.
fn gather(from: &[f32], side: usize, channels: usize, fields: &mut Vec<f32>) {
    assert_eq!(from.len(), side * side * channels, "a picture fills its slice");
    fields.clear();
    fields.resize(side * side / 4 * KERNEL * KERNEL * channels, 0.0);
    for (lies, at) in rows(side, channels) {
        let length = lies.len();
        fields[at..at + length].copy_from_slice(&from[lies]);
    }
}

/// The inverse of [`gather`]: sums what fields say of each number.
fn scatter(fields: &[f32], side: usize, channels: usize, to: &mut [f32]) {
    to.fill(0.0);
    for (lies, at) in rows(side, channels) {
        let length = lies.len();
        add(&mut to[lies], &fields[at..at + length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 6;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * step).sin()).collect()
    }

    fn weights() -> ConvolutionWeights {
        ConvolutionWeights { inputs: 2, outputs: 3, weight: wave(54, 0.37), bias: vec![0.1, -0.2, 0.3] }
    }

    fn came(weights: &ConvolutionWeights, from: &[f32]) -> Vec<f32> {
        let mut to = vec![0.0; SIDE * SIDE / 4 * weights.outputs];
        weights.forward(from, SIDE, &mut vec![], &mut to);
        to
    }

    #[test]
    fn a_place_is_the_sum_over_its_field() {
        let (weights, from) = (weights(), wave(SIDE * SIDE * 2, 0.9));
        let to = came(&weights, &from);
        for (at, found) in to.iter().enumerate() {
            let (place, output) = (at / 3, at % 3);
            let (down, across) = (place / 3, place % 3);
            let mut sum = weights.bias[output];
            for kernel in 0..9 {
                let (line, column) = ((2 * down + kernel / 3) as i64 - 1, (2 * across + kernel % 3) as i64 - 1);
                let within = 0..SIDE as i64;
                if within.contains(&line) && within.contains(&column) {
                    for channel in 0..2 {
                        let value = from[(line as usize * SIDE + column as usize) * 2 + channel];
                        sum += value * weights.weight[(kernel * 2 + channel) * 3 + output];
                    }
                }
            }
            assert!((found - sum.max(0.0)).abs() < 1e-5, "{at}: {found}, not {sum}");
        }
    }

    #[test]
    fn the_gradients_are_the_slopes() {
        let (weights, from) = (weights(), wave(SIDE * SIDE * 2, 0.9));
        let towards = wave(27, 1.9);
        let loss = |weights: &ConvolutionWeights, from: &[f32]| -> f32 {
            came(weights, from).iter().zip(&towards).map(|(came, towards)| came * towards).sum()
        };
        let (mut gradients, mut of_input) = (weights.zero(), vec![9.0; from.len()]);
        let (to, mut gradient) = (came(&weights, &from), towards.clone());
        let passed = Passed { from: &from, side: SIDE, came: &to };
        weights.backward(passed, &mut gradient, &mut vec![], &mut gradients, Some(&mut of_input));
        let close = |found: f32, slope: f32, what: &str| {
            assert!((found - slope).abs() < 2e-2 * (1.0 + slope.abs()), "{what}: {found} is not {slope}");
        };
        for at in 0..54 {
            let moved = |by: f32| {
                let mut weights = weights.clone();
                weights.weight[at] += by;
                loss(&weights, &from)
            };
            close(gradients.weight[at], (moved(0.002) - moved(-0.002)) / 0.004, "weight");
        }
        for at in 0..from.len() {
            let moved = |by: f32| {
                let mut from = from.clone();
                from[at] += by;
                loss(&weights, &from)
            };
            close(of_input[at], (moved(0.002) - moved(-0.002)) / 0.004, "input");
        }
    }
}
