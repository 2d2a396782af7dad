use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor};
use lehr_camera::Kind;
use lehr_camera::set::PATCH;
use serde::{Deserialize, Serialize};

use super::patches::{CLASSES, MASKS};
use super::trunk::{
    BlockGradients, BlockWeights, CELL_HALVINGS, ConvolutionWeights, LinearWeights, TrunkGradients, TrunkWeights,
};
use crate::fitting::{Initial, register};
use crate::kernels::Precision;
use crate::writing::values;

/// Kept from dividing by nothing.
pub(super) const EPSILON: f64 = 1e-5;

/// How much likelier nothing is than any flaw before the first step, as a logit: else the many empty patches would
/// drown what the few others say (Lin et al., "Focal loss", 2017).
const NOTHING: f32 = 4.0;
const NO_MASK: f32 = -4.0;

/// Convolutions that halve the picture, until a place is a patch.
pub const CONVOLUTIONS: usize = PATCH.ilog2() as usize;

/// By how much weaker convolutions begin that add to what went in, so that the sums do not grow.
const ADDING: f64 = 0.5;

/// The sizes of an inspector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisionArchitecture {
    /// Side of the picture, pixels: a multiple of 16.
    pub side: usize,
    /// Channels of the first convolution; each that halves the picture has twice those of the one before.
    pub channels: usize,
    /// After each halving: the convolutions that keep the size and add to what went in.
    pub adding: [usize; CONVOLUTIONS],
    pub width: usize,
    pub layers: usize,
    /// Divides the width.
    pub heads: usize,
}

impl VisionArchitecture {
    /// Six layers of width 384.
    pub fn full(side: usize) -> Self {
        Self { side, channels: 32, adding: [0, 1, 2, 2], width: 384, layers: 6, heads: 6 }
    }

    /// Two layers of width 64, which train in minutes.
    pub fn small(side: usize) -> Self {
        Self { side, channels: 8, adding: [0, 1, 1, 1], width: 64, layers: 2, heads: 4 }
    }

    /// Patches along a side.
    pub fn grid(&self) -> usize {
        self.side / PATCH
    }

    pub fn patches(&self) -> usize {
        self.grid() * self.grid()
    }
}

/// Gain and bias of a layer normalisation, `[width]` each.
#[derive(Module, Debug)]
pub struct Norm {
    pub gain: Param<Tensor<1>>,
    pub bias: Param<Tensor<1>>,
}

/// One layer of the encoder, normalised before each part.
#[derive(Module, Debug)]
pub struct Block {
    pub attention_norm: Norm,
    /// `[width, 3 width]`: queries, keys, values.
    pub projection: Linear,
    /// `[width, width]`.
    pub output: Linear,
    pub feed_forward_norm: Norm,
    /// `[width, 4 width]`.
    pub expand: Linear,
    /// `[4 width, width]`.
    pub contract: Linear,
    pub heads: usize,
}

/// A convolution of 3 × 3, and what is above 0 of it.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[9 inputs, outputs]`, in the order of the kernel's rows, columns, channels.
    pub weight: Param<Tensor<2>>,
    pub bias: Param<Tensor<1>>,
    /// 2, or 1 where what comes out is added to what went in.
    pub step: usize,
}

/// The network behind the scaling of pixels.
///
/// Patches are embedded by convolutions instead of one matrix, by which such networks learn in a fraction of the steps
/// (Xiao et al., "Early convolutions help transformers see better", 2021); some of these add to what went in (He et al.,
/// "Deep residual learning", 2016), so that a patch knows of what lies around it. Its layers begin as ones that change nothing,
/// so that they can join when the convolutions have learned (Zhang et al., "Fixup initialization", 2019).
#[derive(Module, Debug)]
pub struct VisionTransformer {
    pub convolutions: Vec<Convolution>,
    /// What the convolutions say of masks after two and after three halvings, `[channels, 6]`.
    pub fine: Vec<Linear>,
    /// `[channels, width]`.
    pub embedding: Linear,
    /// `[patches, width]`, learned.
    pub positions: Param<Tensor<2>>,
    pub blocks: Vec<Block>,
    pub norm: Norm,
    /// `[width, 7]`.
    pub classes: Linear,
    /// `[width, 4]`.
    pub boxes: Linear,
    /// `[width, 6 × 16]`.
    pub masks: Linear,
}

/// What an inspector says of a batch.
#[derive(Debug, Clone)]
pub struct VisionReading {
    /// Logits `[rows, patches, 7]`.
    pub classes: Tensor<3>,
    /// `[rows, patches, 4]`, in patches.
    pub boxes: Tensor<3>,
    /// Logits `[rows, patches, 6 × 16]`.
    pub masks: Tensor<3>,
}

impl VisionTransformer {
    pub fn new(architecture: VisionArchitecture, seed: u64, device: &Device) -> Self {
        let VisionArchitecture { channels, adding, width, layers, heads, .. } = architecture;
        assert!(width.is_multiple_of(heads), "a width of {width} cannot be shared by {heads} heads");
        let mut initial = Initial::new(seed, device);
        let mut inputs = 3;
        let mut convolutions = vec![];
        for (at, adding) in adding.into_iter().enumerate() {
            let outputs = channels << at;
            convolutions.push(Convolution::halving(inputs, outputs, &mut initial));
            convolutions.extend((0..adding).map(|_| Convolution::adding(outputs, &mut initial)));
            inputs = outputs;
        }
        let fine = [CELL_HALVINGS, CELL_HALVINGS + 1]
            .map(|halvings| silent(initial.linear(channels << (halvings - 1), Kind::COUNT), &initial));
        let embedding = initial.linear(inputs, width);
        let positions = initial.uniform([architecture.patches(), width], 0.05);
        let blocks = (0..layers).map(|_| Block::new(width, heads, &mut initial)).collect();
        let norm = Norm::new(width, &initial);
        let mut classes = initial.linear(width, CLASSES);
        let prior = (0..CLASSES).map(|class| if class + 1 == CLASSES { NOTHING } else { 0.0 }).collect();
        classes.bias = Some(initial.given([CLASSES], prior));
        let boxes = initial.linear(width, 4);
        let mut masks = initial.linear(width, MASKS);
        masks.bias = Some(initial.given([MASKS], vec![NO_MASK; MASKS]));
        Self { convolutions, fine: fine.into(), embedding, positions, blocks, norm, classes, boxes, masks }
    }

    /// What is said of patches, given what the last layer knows of them, `[rows, patches, width]`, and what the
    /// convolutions say of masks, `[rows, patches, 6 × 16]`.
    pub fn read(&self, patches: Tensor<3>, fine: Tensor<3>) -> VisionReading {
        let x = self.norm.forward(patches);
        VisionReading {
            classes: self.classes.forward(x.clone()),
            boxes: self.boxes.forward(x.clone()),
            masks: self.masks.forward(x) + fine,
        }
    }

    /// The numbers of all that comes before [`Self::read`].
    pub fn trunk(&self, precision: Precision) -> TrunkWeights {
        TrunkWeights {
            precision,
            heads: self.blocks.first().map_or(1, |block| block.heads),
            convolutions: self.convolutions.iter().map(Convolution::weights).collect(),
            fine: [weights(&self.fine[0]), weights(&self.fine[1])],
            embedding: weights(&self.embedding),
            positions: values(self.positions.val()),
            blocks: self.blocks.iter().map(Block::weights).collect(),
        }
    }

    /// Hands the gradients of [`Self::trunk`] over, of the first `depth` layers.
    pub fn register(&self, from: TrunkGradients, depth: usize, gradients: &mut GradientsParams, device: &Device) {
        for (convolution, from) in self.convolutions.iter().zip(from.convolutions) {
            register(gradients, &convolution.weight, from.weight, device);
            register(gradients, &convolution.bias, from.bias, device);
        }
        for (fine, from) in self.fine.iter().zip(from.fine) {
            register_linear(gradients, fine, from, device);
        }
        register_linear(gradients, &self.embedding, from.embedding, device);
        register(gradients, &self.positions, from.positions, device);
        for (block, from) in self.blocks.iter().zip(from.blocks).take(depth) {
            block.register(from, gradients, device);
        }
    }
}

impl Convolution {
    /// Weights of the variance 2 / inputs (He et al., "Delving deep into rectifiers", 2015).
    fn halving(inputs: usize, outputs: usize, initial: &mut Initial) -> Self {
        let bound = (6.0 / (9 * inputs) as f64).sqrt();
        Self { weight: initial.uniform([9 * inputs, outputs], bound), bias: initial.zeros([outputs]), step: 2 }
    }

    fn adding(channels: usize, initial: &mut Initial) -> Self {
        let bound = ADDING * (6.0 / (9 * channels) as f64).sqrt();
        Self { weight: initial.uniform([9 * channels, channels], bound), bias: initial.zeros([channels]), step: 1 }
    }

    fn weights(&self) -> ConvolutionWeights {
        let [field, outputs] = self.weight.val().dims();
        let (weight, bias) = (values(self.weight.val()), values(self.bias.val()));
        ConvolutionWeights { inputs: field / 9, outputs, step: self.step, weight, bias }
    }
}

impl Block {
    fn new(width: usize, heads: usize, initial: &mut Initial) -> Self {
        Self {
            attention_norm: Norm::new(width, initial),
            projection: initial.linear(width, 3 * width),
            output: silent(initial.linear(width, width), initial),
            feed_forward_norm: Norm::new(width, initial),
            expand: initial.linear(width, 4 * width),
            contract: silent(initial.linear(4 * width, width), initial),
            heads,
        }
    }

    fn weights(&self) -> BlockWeights {
        BlockWeights {
            attention_gain: values(self.attention_norm.gain.val()),
            attention_bias: values(self.attention_norm.bias.val()),
            projection: weights(&self.projection),
            output: weights(&self.output),
            feed_forward_gain: values(self.feed_forward_norm.gain.val()),
            feed_forward_bias: values(self.feed_forward_norm.bias.val()),
            expand: weights(&self.expand),
            contract: weights(&self.contract),
        }
    }

    fn register(&self, from: BlockGradients, gradients: &mut GradientsParams, device: &Device) {
        register(gradients, &self.attention_norm.gain, from.attention_gain, device);
        register(gradients, &self.attention_norm.bias, from.attention_bias, device);
        register(gradients, &self.feed_forward_norm.gain, from.feed_forward_gain, device);
        register(gradients, &self.feed_forward_norm.bias, from.feed_forward_bias, device);
        register_linear(gradients, &self.projection, from.projection, device);
        register_linear(gradients, &self.output, from.output, device);
        register_linear(gradients, &self.expand, from.expand, device);
        register_linear(gradients, &self.contract, from.contract, device);
    }
}

/// Says nothing until it is trained.
fn silent(linear: Linear, initial: &Initial) -> Linear {
    let [inputs, outputs] = linear.weight.val().dims();
    Linear { weight: initial.zeros([inputs, outputs]), bias: Some(initial.zeros([outputs])) }
}

fn weights(linear: &Linear) -> LinearWeights {
    let bias = linear.bias.as_ref().expect("linear layers of an inspector have a bias");
    LinearWeights { weight: values(linear.weight.val()), bias: values(bias.val()) }
}

fn register_linear(gradients: &mut GradientsParams, linear: &Linear, from: LinearWeights, device: &Device) {
    register(gradients, &linear.weight, from.weight, device);
    let bias = linear.bias.as_ref().expect("linear layers of an inspector have a bias");
    register(gradients, bias, from.bias, device);
}

impl Norm {
    fn new(width: usize, initial: &Initial) -> Self {
        Self { gain: initial.given([width], vec![1.0; width]), bias: initial.zeros([width]) }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.gain.val(), Some(self.bias.val()), EPSILON)
    }
}
