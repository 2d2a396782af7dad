use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor, activation};
use lehr_camera::set::PATCH;
use serde::{Deserialize, Serialize};

use super::patches::{CLASSES, MASKS, PIXELS};
use crate::fitting::Initial;

/// Kept from dividing by nothing.
pub(super) const EPSILON: f64 = 1e-5;

/// How much likelier nothing is than any flaw before the first step, as a logit: else the many empty patches would
/// drown what the few others say (Lin et al., "Focal loss", 2017).
const NOTHING: f32 = 4.0;
const NO_MASK: f32 = -4.0;

/// The sizes of an inspector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisionArchitecture {
    /// Side of the picture, pixels: a multiple of 16.
    pub side: usize,
    pub width: usize,
    pub layers: usize,
    /// Divides the width.
    pub heads: usize,
}

impl VisionArchitecture {
    /// Six layers of width 384.
    pub fn full(side: usize) -> Self {
        Self { side, width: 384, layers: 6, heads: 6 }
    }

    /// Two layers of width 64, which train in minutes.
    pub fn small(side: usize) -> Self {
        Self { side, width: 64, layers: 2, heads: 4 }
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

/// The network behind the scaling of pixels.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// `[PIXELS, width]`; the same as a convolution of 16 × 16 in steps of 16.
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
        let VisionArchitecture { width, layers, heads, .. } = architecture;
        assert!(width.is_multiple_of(heads), "a width of {width} cannot be shared by {heads} heads");
        let mut initial = Initial::new(seed, device);
        let embedding = initial.linear(PIXELS, width);
        let positions = initial.uniform([architecture.patches(), width], 0.05);
        let blocks = (0..layers).map(|_| Block::new(width, heads, &mut initial)).collect();
        let norm = Norm::new(width, &initial);
        let mut classes = initial.linear(width, CLASSES);
        let prior = (0..CLASSES).map(|class| if class + 1 == CLASSES { NOTHING } else { 0.0 }).collect();
        classes.bias = Some(initial.given([CLASSES], prior));
        let boxes = initial.linear(width, 4);
        let mut masks = initial.linear(width, MASKS);
        masks.bias = Some(initial.given([MASKS], vec![NO_MASK; MASKS]));
        Self { embedding, positions, blocks, norm, classes, boxes, masks }
    }

    /// `patches` `[rows, patches, PIXELS]`, scaled.
    pub fn forward(&self, patches: Tensor<3>) -> VisionReading {
        let mut x = self.embedding.forward(patches) + self.positions.val().unsqueeze::<3>();
        for block in &self.blocks {
            x = block.forward(x);
        }
        let x = self.norm.forward(x);
        VisionReading {
            classes: self.classes.forward(x.clone()),
            boxes: self.boxes.forward(x.clone()),
            masks: self.masks.forward(x),
        }
    }
}

impl Block {
    fn new(width: usize, heads: usize, initial: &mut Initial) -> Self {
        Self {
            attention_norm: Norm::new(width, initial),
            projection: initial.linear(width, 3 * width),
            output: initial.linear(width, width),
            feed_forward_norm: Norm::new(width, initial),
            expand: initial.linear(width, 4 * width),
            contract: initial.linear(4 * width, width),
            heads,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention(self.attention_norm.forward(x));
        let inner = activation::gelu(self.expand.forward(self.feed_forward_norm.forward(x.clone())));
        x + self.contract.forward(inner)
    }

    fn attention(&self, x: Tensor<3>) -> Tensor<3> {
        let [rows, patches, width] = x.dims();
        let per_head = width / self.heads;
        let all = self.projection.forward(x);
        let part = |index: usize| {
            let part = all.clone().narrow(2, index * width, width);
            part.reshape([rows, patches, self.heads, per_head]).swap_dims(1, 2)
        };
        let (query, key, value) = (part(0), part(1), part(2));
        let scores = query.matmul(key.swap_dims(2, 3)).mul_scalar(1.0 / (per_head as f64).sqrt());
        let mixed = activation::softmax(scores, 3).matmul(value);
        self.output.forward(mixed.swap_dims(1, 2).reshape([rows, patches, width]))
    }
}

impl Norm {
    fn new(width: usize, initial: &Initial) -> Self {
        Self { gain: initial.given([width], vec![1.0; width]), bias: initial.zeros([width]) }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.gain.val(), Some(self.bias.val()), EPSILON)
    }
}
