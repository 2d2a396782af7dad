use super::gates::{advance, retreat};
use crate::kernels::{Matrix, Precision, add, multiply};

/// The weights of one layer of `width` units over inputs of `inputs` values: `input` `[inputs, 4 width]`, `hidden`
/// `[width, 4 width]`, `bias` `[4 width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    pub inputs: usize,
    pub width: usize,
    pub input: Vec<f32>,
    pub hidden: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Gradients of [`LayerWeights`], of the same shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerGradients {
    pub input: Vec<f32>,
    pub hidden: Vec<f32>,
    pub bias: Vec<f32>,
}

impl LayerGradients {
    pub fn zero(weights: &LayerWeights) -> Self {
        Self {
            input: vec![0.0; weights.input.len()],
            hidden: vec![0.0; weights.hidden.len()],
            bias: vec![0.0; weights.bias.len()],
        }
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.input, &other.input);
        add(&mut self.hidden, &other.hidden);
        add(&mut self.bias, &other.bias);
    }
}

/// What the way back needs of the way forth. Kept between batches so that its memory is.
#[derive(Debug, Clone, Default)]
pub struct LayerTape {
    /// `[steps, rows, 4 width]`: activations, after the way back the gradients of the pre-activations.
    gates: Vec<f32>,
    /// `[steps, rows, width]`.
    cells: Vec<f32>,
    /// `[steps, rows, width]`.
    pub outputs: Vec<f32>,
}

impl LayerWeights {
    /// Runs the layer over `input` `[steps, rows, inputs]`, from cells and outputs of 0.
    pub fn forward(&self, input: &[f32], rows: usize, tape: &mut LayerTape) {
        let Self { inputs, width, .. } = *self;
        let steps = input.len() / (rows * inputs);
        let step = rows * width;
        tape.gates.resize(steps * step * 4, 0.0);
        tape.cells.resize(steps * step, 0.0);
        tape.outputs.resize(steps * step, 0.0);
        for gates in tape.gates.chunks_exact_mut(4 * width) {
            gates.copy_from_slice(&self.bias);
        }
        let all = steps * rows;
        let input = Matrix::new(input, all, inputs);
        multiply(Precision::Single, &mut tape.gates, input, Matrix::new(&self.input, inputs, 4 * width), true);
        let hidden = Matrix::new(&self.hidden, width, 4 * width);
        for at in 0..steps {
            let gates = &mut tape.gates[at * step * 4..(at + 1) * step * 4];
            let (outputs_before, outputs) = tape.outputs[..(at + 1) * step].split_at_mut(at * step);
            let (cells_before, cells) = tape.cells[..(at + 1) * step].split_at_mut(at * step);
            let cells_before = last(cells_before, step);
            if let Some(outputs_before) = last(outputs_before, step) {
                multiply(Precision::Single, gates, Matrix::new(outputs_before, rows, width), hidden, true);
            }
            advance(gates, cells_before, cells, outputs, width);
        }
    }

    /// Given the loss's gradient at the outputs `[steps, rows, width]`, adds that at the weights to `gradients` and,
    /// where it is asked for, writes that at the input. `output_gradient` is used up: it becomes the sum of what comes
    /// from outside and from the step after.
    pub fn backward(
        &self,
        input: &[f32],
        rows: usize,
        tape: &mut LayerTape,
        output_gradient: &mut [f32],
        gradients: &mut LayerGradients,
        input_gradient: Option<&mut [f32]>,
    ) {
        let Self { inputs, width, .. } = *self;
        let step = rows * width;
        let steps = tape.outputs.len() / step;
        let hidden = Matrix::new(&self.hidden, width, 4 * width).transposed();
        let mut cell_gradient = vec![0.0; step];
        for at in (0..steps).rev() {
            let gates = &mut tape.gates[at * step * 4..(at + 1) * step * 4];
            let cells = &tape.cells[at * step..(at + 1) * step];
            let cells_before = last(&tape.cells[..at * step], step);
            let (before, here) = output_gradient[..(at + 1) * step].split_at_mut(at * step);
            retreat(gates, cells_before, cells, here, &mut cell_gradient, width);
            if at > 0 {
                let before = &mut before[(at - 1) * step..];
                multiply(Precision::Single, before, Matrix::new(gates, rows, 4 * width), hidden, true);
            }
        }
        let all = steps * rows;
        let gates = Matrix::new(&tape.gates, all, 4 * width);
        multiply(Precision::Single, &mut gradients.input, Matrix::new(input, all, inputs).transposed(), gates, true);
        if steps > 1 {
            let before = Matrix::new(&tape.outputs[..(steps - 1) * step], all - rows, width).transposed();
            let after = Matrix::new(&tape.gates[step * 4..], all - rows, 4 * width);
            multiply(Precision::Single, &mut gradients.hidden, before, after, true);
        }
        for row in tape.gates.chunks_exact(4 * width) {
            add(&mut gradients.bias, row);
        }
        if let Some(input_gradient) = input_gradient {
            multiply(
                Precision::Single,
                input_gradient,
                gates,
                Matrix::new(&self.input, inputs, 4 * width).transposed(),
                false,
            );
        }
    }
}

/// The last step's values of those before, if there are any.
fn last(before: &[f32], step: usize) -> Option<&[f32]> {
    before.len().checked_sub(step).map(|from| &before[from..])
}
