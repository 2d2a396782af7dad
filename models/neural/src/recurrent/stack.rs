use rand::RngExt;
use rayon::prelude::*;

use super::layer::{LayerGradients, LayerTape, LayerWeights};
use crate::fitting::Step;

/// Sequences that one thread takes at a time. Fixed, so that sums of gradients are the same for any number of threads.
const SHARD: usize = 64;

/// The size of a batch of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub steps: usize,
    pub rows: usize,
    pub inputs: usize,
}

/// Layers on top of each other, run over shards of a batch by all threads.
///
/// Between layers is dropout with one mask per sequence for all its steps (Gal and Ghahramani, "A Theoretically
/// Grounded Application of Dropout in Recurrent Neural Networks", 2016).
#[derive(Debug, Default)]
pub struct Stack {
    shards: Vec<Shard>,
}

#[derive(Debug, Default)]
struct Shard {
    rows: usize,
    /// What the layers saw, after dropout; that of the first layer is the batch's own.
    inputs: Vec<Vec<f32>>,
    /// Factors `[rows, width]` of what goes into the layers after the first: 0 or 1 / (1 - p). Empty: all 1.
    masks: Vec<Vec<f32>>,
    tapes: Vec<LayerTape>,
    gradient: Vec<f32>,
    gradient_below: Vec<f32>,
}

/// The gradients of a stack's layers.
pub type StackGradients = Vec<LayerGradients>;

impl Stack {
    /// The outputs of the last layer, `[steps, rows, width]`, for `input` `[steps, rows, inputs]`.
    ///
    /// `dropout` is a probability and the step of which the masks follow; none when the network is used, not trained.
    pub fn forward(
        &mut self,
        layers: &[LayerWeights],
        input: &[f32],
        shape: Shape,
        dropout: Option<(f64, Step)>,
    ) -> Vec<f32> {
        let Shape { steps, rows, inputs } = shape;
        assert_eq!(input.len(), steps * rows * inputs, "the input has its shape");
        let width = layers.last().expect("a stack has a layer").width;
        self.shards.resize_with(rows.div_ceil(SHARD), Shard::default);
        self.shards.par_iter_mut().enumerate().for_each(|(index, shard)| {
            let first = index * SHARD;
            shard.rows = SHARD.min(rows - first);
            shard.inputs.resize(layers.len(), Vec::new());
            shard.tapes.resize(layers.len(), LayerTape::default());
            take_rows(input, shape, first, shard.rows, &mut shard.inputs[0]);
            shard.draw_masks(layers, index, dropout);
            shard.forward(layers, steps);
        });
        let mut outputs = vec![0.0; steps * rows * width];
        for (index, shard) in self.shards.iter().enumerate() {
            let top = &shard.tapes[layers.len() - 1].outputs;
            put_rows(top, Shape { inputs: width, ..shape }, index * SHARD, shard.rows, &mut outputs);
        }
        outputs
    }

    /// Gradients of the weights for the loss's gradient at the outputs of the last [`Stack::forward`].
    pub fn backward(&mut self, layers: &[LayerWeights], output_gradient: &[f32], shape: Shape) -> StackGradients {
        let width = layers.last().expect("a stack has a layer").width;
        let shape = Shape { inputs: width, ..shape };
        assert_eq!(output_gradient.len(), shape.steps * shape.rows * width, "the gradient has the outputs' shape");
        let parts: Vec<StackGradients> = self
            .shards
            .par_iter_mut()
            .enumerate()
            .map(|(index, shard)| {
                let mut gradient = std::mem::take(&mut shard.gradient);
                take_rows(output_gradient, shape, index * SHARD, shard.rows, &mut gradient);
                shard.gradient = gradient;
                shard.backward(layers, shape.steps)
            })
            .collect();
        parts
            .into_iter()
            .reduce(|mut sum, part| {
                sum.iter_mut().zip(&part).for_each(|(sum, part)| sum.add(part));
                sum
            })
            .unwrap_or_default()
    }
}

impl Shard {
    fn draw_masks(&mut self, layers: &[LayerWeights], index: usize, dropout: Option<(f64, Step)>) {
        self.masks.clear();
        let Some((probability, step)) = dropout else { return };
        let keep = (1.0 / (1.0 - probability)) as f32;
        let mut random = step.random(b'd', index);
        for layer in &layers[1..] {
            let count = self.rows * layer.inputs;
            let mask = (0..count).map(|_| if random.random_bool(probability) { 0.0 } else { keep }).collect();
            self.masks.push(mask);
        }
    }

    fn forward(&mut self, layers: &[LayerWeights], steps: usize) {
        for (level, layer) in layers.iter().enumerate() {
            if level > 0 {
                let below = &self.tapes[level - 1].outputs;
                let input = &mut self.inputs[level];
                input.clone_from(below);
                if let Some(mask) = self.masks.get(level - 1) {
                    apply(mask, input, steps);
                }
            }
            layer.forward(&self.inputs[level], self.rows, &mut self.tapes[level]);
        }
    }

    fn backward(&mut self, layers: &[LayerWeights], steps: usize) -> StackGradients {
        let mut gradients: StackGradients = layers.iter().map(LayerGradients::zero).collect();
        for (level, layer) in layers.iter().enumerate().rev() {
            let (input, tape) = (&self.inputs[level], &mut self.tapes[level]);
            self.gradient_below.resize(input.len(), 0.0);
            let below = if level > 0 { Some(self.gradient_below.as_mut_slice()) } else { None };
            layer.backward(input, self.rows, tape, &mut self.gradient, &mut gradients[level], below);
            if level > 0 {
                if let Some(mask) = self.masks.get(level - 1) {
                    apply(mask, &mut self.gradient_below, steps);
                }
                std::mem::swap(&mut self.gradient, &mut self.gradient_below);
            }
        }
        gradients
    }
}

/// Multiplies every step of `values` `[steps, rows, width]` with a mask `[rows, width]`.
fn apply(mask: &[f32], values: &mut [f32], steps: usize) {
    assert_eq!(values.len(), mask.len() * steps, "a mask is as large as a step");
    for step in values.chunks_exact_mut(mask.len()) {
        for (value, factor) in step.iter_mut().zip(mask) {
            *value *= factor;
        }
    }
}

/// Some rows of every step.
fn take_rows(from: &[f32], shape: Shape, first: usize, count: usize, to: &mut Vec<f32>) {
    let Shape { rows, inputs: width, .. } = shape;
    to.clear();
    for step in from.chunks_exact(rows * width) {
        to.extend_from_slice(&step[first * width..(first + count) * width]);
    }
}

fn put_rows(from: &[f32], shape: Shape, first: usize, count: usize, to: &mut [f32]) {
    let Shape { rows, inputs: width, .. } = shape;
    for (step, part) in to.chunks_exact_mut(rows * width).zip(from.chunks_exact(count * width)) {
        step[first * width..(first + count) * width].copy_from_slice(part);
    }
}
