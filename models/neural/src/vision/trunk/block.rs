use super::attention::Heads;
use crate::kernels::{Matrix, Precision, add, gelu, gelu_back, multiply, norm, norm_back, scaled};
use crate::vision::network::EPSILON;

/// The numbers of one layer of the encoder, in the order of [`super::super::network::Block`].
#[derive(Debug, Clone, PartialEq)]
pub struct BlockWeights {
    pub attention_gain: Vec<f32>,
    pub attention_bias: Vec<f32>,
    pub projection: LinearWeights,
    pub output: LinearWeights,
    pub feed_forward_gain: Vec<f32>,
    pub feed_forward_bias: Vec<f32>,
    pub expand: LinearWeights,
    pub contract: LinearWeights,
}

/// Gradients of [`BlockWeights`], of the same sizes.
pub type BlockGradients = BlockWeights;

/// `weight` `[inputs, outputs]`, `bias` `[outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearWeights {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

impl LinearWeights {
    pub fn zero(&self) -> Self {
        Self { weight: vec![0.0; self.weight.len()], bias: vec![0.0; self.bias.len()] }
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.weight, &other.weight);
        add(&mut self.bias, &other.bias);
    }

    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, self.weight.len() / self.bias.len(), self.bias.len())
    }

    fn rows<'a>(&self, rows: &'a [f32], width: usize) -> Matrix<'a> {
        Matrix::new(rows, rows.len() / width, width)
    }

    pub fn forward(&self, precision: Precision, from: &[f32], to: &mut [f32]) {
        for row in to.chunks_exact_mut(self.bias.len()) {
            row.copy_from_slice(&self.bias);
        }
        self.forward_onto(precision, from, to);
    }

    /// Without the bias, added to what is there.
    fn forward_onto(&self, precision: Precision, from: &[f32], to: &mut [f32]) {
        multiply(precision, to, self.rows(from, self.weight.len() / self.bias.len()), self.weight(), true);
    }

    /// Adds the weights' gradients to `gradients`; that of what went in is written to `to`.
    pub fn backward(&self, precision: Precision, from: &[f32], gradient: &[f32], gradients: &mut Self, to: &mut [f32]) {
        let (inputs, outputs) = (self.weight.len() / self.bias.len(), self.bias.len());
        for row in gradient.chunks_exact(outputs) {
            add(&mut gradients.bias, row);
        }
        let rows = self.rows(gradient, outputs);
        multiply(precision, &mut gradients.weight, self.rows(from, inputs).transposed(), rows, true);
        multiply(precision, to, rows, self.weight().transposed(), false);
    }
}

impl BlockWeights {
    pub fn zero(&self) -> Self {
        let none = |values: &[f32]| vec![0.0; values.len()];
        Self {
            attention_gain: none(&self.attention_gain),
            attention_bias: none(&self.attention_bias),
            projection: self.projection.zero(),
            output: self.output.zero(),
            feed_forward_gain: none(&self.feed_forward_gain),
            feed_forward_bias: none(&self.feed_forward_bias),
            expand: self.expand.zero(),
            contract: self.contract.zero(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.attention_gain, &other.attention_gain);
        add(&mut self.attention_bias, &other.attention_bias);
        self.projection.add(&other.projection);
        self.output.add(&other.output);
        add(&mut self.feed_forward_gain, &other.feed_forward_gain);
        add(&mut self.feed_forward_bias, &other.feed_forward_bias);
        self.expand.add(&other.expand);
        self.contract.add(&other.contract);
    }

    /// `x` `[pictures × patches, width]` becomes what the layer makes of it.
    pub fn forward(&self, heads: Heads, x: &mut [f32], tape: &mut BlockTape) {
        let Heads { patches, width, heads: count, precision } = heads;
        let rows = x.len() / width;
        let pictures = rows / patches;
        tape.resize(rows, heads);
        let room = &mut tape.room[..rows * width];

        norm(x, EPSILON as f32, &mut tape.attention_normed, &mut tape.attention_deviations);
        scaled(&tape.attention_normed, &self.attention_gain, &self.attention_bias, room);
        self.projection.forward(precision, room, &mut tape.all);
        for picture in 0..pictures {
            let shares = &mut tape.shares[picture * count * patches * patches..][..count * patches * patches];
            let all = &tape.all[picture * patches * 3 * width..][..patches * 3 * width];
            heads.forward(all, shares, &mut tape.mixed[picture * patches * width..][..patches * width]);
        }
        self.output.forward_onto(precision, &tape.mixed, x);
        for row in x.chunks_exact_mut(width) {
            add(row, &self.output.bias);
        }

        norm(x, EPSILON as f32, &mut tape.forward_normed, &mut tape.forward_deviations);
        scaled(&tape.forward_normed, &self.feed_forward_gain, &self.feed_forward_bias, room);
        self.expand.forward(precision, room, &mut tape.expanded);
        gelu(&tape.expanded, &mut tape.bent);
        self.contract.forward_onto(precision, &tape.bent, x);
        for row in x.chunks_exact_mut(width) {
            add(row, &self.contract.bias);
        }
    }

    /// `gradient`, that of what came out, becomes that of what went in.
    pub fn backward(&self, heads: Heads, tape: &mut BlockTape, gradient: &mut [f32], gradients: &mut BlockGradients) {
        let Heads { patches, width, heads: count, precision } = heads;
        let pictures = gradient.len() / (patches * width);
        let BlockTape { room, back, wide, .. } = tape;
        let (room, back) = (&mut room[..gradient.len()], &mut back[..gradient.len()]);

        let wide = &mut wide[..];
        let of_bent = &mut wide[..4 * gradient.len()];
        self.contract.backward(precision, &tape.bent, gradient, &mut gradients.contract, of_bent);
        gelu_back(&tape.expanded, of_bent);
        scaled(&tape.forward_normed, &self.feed_forward_gain, &self.feed_forward_bias, room);
        self.expand.backward(precision, room, of_bent, &mut gradients.expand, back);
        norm_back(
            &tape.forward_normed,
            &tape.forward_deviations,
            &self.feed_forward_gain,
            back,
            gradient,
            &mut gradients.feed_forward_gain,
            &mut gradients.feed_forward_bias,
        );

        self.output.backward(precision, &tape.mixed, gradient, &mut gradients.output, back);
        let of_all = &mut wide[..3 * gradient.len()];
        for picture in 0..pictures {
            let shares = &tape.shares[picture * count * patches * patches..][..count * patches * patches];
            let of_picture = picture * patches * 3 * width..(picture + 1) * patches * 3 * width;
            let mixed = &back[picture * patches * width..][..patches * width];
            heads.backward(&tape.all[of_picture.clone()], shares, mixed, &mut tape.square, &mut of_all[of_picture]);
        }
        scaled(&tape.attention_normed, &self.attention_gain, &self.attention_bias, room);
        self.projection.backward(precision, room, of_all, &mut gradients.projection, back);
        norm_back(
            &tape.attention_normed,
            &tape.attention_deviations,
            &self.attention_gain,
            back,
            gradient,
            &mut gradients.attention_gain,
            &mut gradients.attention_bias,
        );
    }
}

/// What the way back through a layer needs of the way forth, and room. Kept between batches so that its memory is.
#[derive(Debug, Clone, Default)]
pub struct BlockTape {
    attention_normed: Vec<f32>,
    attention_deviations: Vec<f32>,
    /// Queries, keys, values.
    all: Vec<f32>,
    shares: Vec<f32>,
    mixed: Vec<f32>,
    forward_normed: Vec<f32>,
    forward_deviations: Vec<f32>,
    expanded: Vec<f32>,
    bent: Vec<f32>,
    room: Vec<f32>,
    back: Vec<f32>,
    wide: Vec<f32>,
    square: Vec<f32>,
}

impl BlockTape {
    fn resize(&mut self, rows: usize, Heads { patches, width, heads, .. }: Heads) {
        let size = rows * width;
        for normed in [&mut self.attention_normed, &mut self.forward_normed, &mut self.mixed] {
            normed.resize(size, 0.0);
        }
        for deviations in [&mut self.attention_deviations, &mut self.forward_deviations] {
            deviations.resize(rows, 0.0);
        }
        self.all.resize(3 * size, 0.0);
        self.shares.resize(rows * heads * patches, 0.0);
        self.expanded.resize(4 * size, 0.0);
        self.bent.resize(4 * size, 0.0);
        self.room.resize(size, 0.0);
        self.back.resize(size, 0.0);
        self.wide.resize(4 * size, 0.0);
        self.square.resize(patches * patches, 0.0);
    }
}
