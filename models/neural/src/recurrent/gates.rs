//! The element-wise part of a step, written so that the compiler makes SIMD of it for the processor at hand.

use pulp::Arch;

/// One step of many sequences: turns the gates' pre-activations into activations, in place, and gives the new cells
/// and outputs. `gates` is `[rows, 4 width]` in the order input, output, forget, cell; the others `[rows, width]`.
/// Without `cells_before` the cells were 0.
pub fn advance(gates: &mut [f32], cells_before: Option<&[f32]>, cells: &mut [f32], outputs: &mut [f32], width: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, gates) in gates.chunks_exact_mut(4 * width).enumerate() {
                let at = row * width..(row + 1) * width;
                let (input, rest) = gates.split_at_mut(width);
                let (output, rest) = rest.split_at_mut(width);
                let (forget, cell) = rest.split_at_mut(width);
                let (cells, outputs) = (&mut cells[at.clone()], &mut outputs[at.clone()]);
                match cells_before {
                    Some(before) => {
                        let before = &before[at];
                        for k in 0..width {
                            forget[k] = sigmoid(forget[k]);
                            cells[k] = forget[k] * before[k];
                        }
                    }
                    None => {
                        for k in 0..width {
                            forget[k] = sigmoid(forget[k]);
                            cells[k] = 0.0;
                        }
                    }
                }
                for k in 0..width {
                    input[k] = sigmoid(input[k]);
                    cell[k] = tanh(cell[k]);
                    cells[k] += input[k] * cell[k];
                }
                for k in 0..width {
                    output[k] = sigmoid(output[k]);
                    outputs[k] = output[k] * tanh(cells[k]);
                }
            }
        },
    );
}

/// The way back through [`advance`]: turns the activations, in place, into the gradients of the pre-activations.
///
/// `output_gradient` is that of this step's outputs, from all their uses; `cell_gradient` comes in as that of this
/// step's cells from the step after and goes out as that of the cells before.
pub fn retreat(
    gates: &mut [f32],
    cells_before: Option<&[f32]>,
    cells: &[f32],
    output_gradient: &[f32],
    cell_gradient: &mut [f32],
    width: usize,
) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, gates) in gates.chunks_exact_mut(4 * width).enumerate() {
                let at = row * width..(row + 1) * width;
                let (input, rest) = gates.split_at_mut(width);
                let (output, rest) = rest.split_at_mut(width);
                let (forget, cell) = rest.split_at_mut(width);
                let (cells, output_gradient) = (&cells[at.clone()], &output_gradient[at.clone()]);
                let cell_gradient = &mut cell_gradient[at.clone()];
                for k in 0..width {
                    let (o, squashed) = (output[k], tanh(cells[k]));
                    output[k] = output_gradient[k] * squashed * o * (1.0 - o);
                    cell_gradient[k] += output_gradient[k] * o * (1.0 - squashed * squashed);
                }
                for k in 0..width {
                    let (i, g) = (input[k], cell[k]);
                    input[k] = cell_gradient[k] * g * i * (1.0 - i);
                    cell[k] = cell_gradient[k] * i * (1.0 - g * g);
                }
                match cells_before {
                    Some(before) => {
                        let before = &before[at];
                        for k in 0..width {
                            let f = forget[k];
                            forget[k] = cell_gradient[k] * before[k] * f * (1.0 - f);
                            cell_gradient[k] *= f;
                        }
                    }
                    None => forget.fill(0.0),
                }
            }
        },
    );
}

/// 1 / (1 + e^-x).
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Absolute error below 2e-7.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    2.0 / (1.0 + exp(-2.0 * x)) - 1.0
}

/// e^x with relative error below 3e-7, x clamped to ±87: e^x = 2^n e^r with |r| ≤ ln 2 / 2, e^r by Taylor's
/// polynomial. Without branches or tables, so that it becomes SIMD.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2^23 rounds to the nearest whole number, which then sits in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first exact in few bits (Cody and Waite).
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let p = 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_activations_are_close_to_those_of_double_precision() {
        for place in -40_000..=40_000 {
            let x = place as f32 / 400.0;
            let wide = f64::from(x);
            assert!((f64::from(tanh(x)) - wide.tanh()).abs() < 2e-7, "tanh({x})");
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-wide).exp())).abs() < 2e-7, "sigmoid({x})");
            if x.abs() < 87.0 {
                assert!((f64::from(exp(x)) / wide.exp() - 1.0).abs() < 3e-7, "exp({x})");
            }
        }
    }
}
