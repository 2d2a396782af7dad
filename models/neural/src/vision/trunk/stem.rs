use super::convolution::{ConvolutionWeights, Passed};
use crate::kernels::{Precision, add};

/// What the way back through the convolutions needs of the way forth, of one picture.
#[derive(Debug, Clone, Default)]
pub struct StemTape {
    stages: Vec<Stage>,
    fields: Vec<f32>,
    gradient: Vec<f32>,
    before: Vec<f32>,
}

/// One convolution's part.
#[derive(Debug, Clone, Default)]
struct Stage {
    /// Of what goes in.
    side: usize,
    /// What came of the convolution.
    came: Vec<f32>,
    /// With what went in; empty where that is not added.
    sum: Vec<f32>,
}

impl Stage {
    fn out(&self) -> &[f32] {
        if self.sum.is_empty() { &self.came } else { &self.sum }
    }
}

impl StemTape {
    /// Runs a picture `[side, side, 3]` through the convolutions; what comes out of the last is returned.
    pub fn forward(
        &mut self,
        precision: Precision,
        convolutions: &[ConvolutionWeights],
        picture: &[f32],
        side: usize,
    ) -> &[f32] {
        self.stages.resize(convolutions.len(), Stage::default());
        let mut side = side;
        for (at, convolution) in convolutions.iter().enumerate() {
            let (before, here) = self.stages.split_at_mut(at);
            let (from, here) = (before.last().map_or(picture, Stage::out), &mut here[0]);
            here.side = side;
            side /= convolution.step;
            here.came.resize(side * side * convolution.outputs, 0.0);
            convolution.forward(precision, from, here.side, &mut self.fields, &mut here.came);
            here.sum.clear();
            if convolution.adds() {
                here.sum.extend_from_slice(from);
                add(&mut here.sum, &here.came);
            }
        }
        self.stages.last().map_or(&[], Stage::out)
    }

    /// What came out after so many halvings, with what was added to it.
    pub fn level(&self, convolutions: &[ConvolutionWeights], halvings: usize) -> &[f32] {
        self.stages[last_of(convolutions, halvings)].out()
    }

    /// Given the loss's gradient at what came out at last, and at what came out after some halvings, adds that at the
    /// weights to `gradients`.
    pub fn backward(
        &mut self,
        precision: Precision,
        convolutions: &[ConvolutionWeights],
        picture: &[f32],
        gradient: &[f32],
        of_levels: &[(usize, &[f32])],
        gradients: &mut [ConvolutionWeights],
    ) {
        let Self { stages, fields, gradient: here, before } = self;
        here.clear();
        here.extend_from_slice(gradient);
        for (at, convolution) in convolutions.iter().enumerate().rev() {
            for (halvings, of_level) in of_levels {
                if last_of(convolutions, *halvings) == at {
                    add(here, of_level);
                }
            }
            let from = at.checked_sub(1).map_or(picture, |at| stages[at].out());
            before.clear();
            if convolution.adds() {
                before.extend_from_slice(here);
            }
            before.resize(from.len(), 0.0);
            let asked = (at > 0).then_some(&mut before[..]);
            let passed = Passed { from, side: stages[at].side, came: &stages[at].came };
            convolution.backward(precision, passed, here, fields, &mut gradients[at], asked);
            std::mem::swap(here, before);
        }
    }
}

/// The last convolution before the next halving.
fn last_of(convolutions: &[ConvolutionWeights], halvings: usize) -> usize {
    let halving = |at: &usize| !convolutions[*at].adds();
    let next = (0..convolutions.len()).filter(halving).nth(halvings);
    next.unwrap_or(convolutions.len()) - 1
}
