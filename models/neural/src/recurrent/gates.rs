//! The element-wise part of a step, written so that the compiler makes SIMD of it for the processor at hand.

use pulp::Arch;

use crate::kernels::{sigmoid, tanh};

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
