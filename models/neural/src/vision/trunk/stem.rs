use super::convolution::{ConvolutionWeights, Passed};

/// What the way back through the convolutions needs of the way forth, of one picture.
#[derive(Debug, Clone, Default)]
pub struct StemTape {
    /// What came out of each convolution.
    came: Vec<Vec<f32>>,
    fields: Vec<f32>,
    gradient: Vec<f32>,
    before: Vec<f32>,
}

impl StemTape {
    /// Runs a picture `[side, side, 3]` through the convolutions; what comes out of the last is returned.
    pub fn forward(&mut self, convolutions: &[ConvolutionWeights], picture: &[f32], side: usize) -> &[f32] {
        self.came.resize(convolutions.len(), vec![]);
        for (at, convolution) in convolutions.iter().enumerate() {
            let (before, here) = self.came.split_at_mut(at);
            let from = before.last().map_or(picture, |came| came);
            let half = side >> (at + 1);
            here[0].resize(half * half * convolution.outputs, 0.0);
            convolution.forward(from, side >> at, &mut self.fields, &mut here[0]);
        }
        self.came.last().map_or(&[], |came| came)
    }

    /// Given the loss's gradient at what came out, adds that at the weights to `gradients`.
    pub fn backward(
        &mut self,
        convolutions: &[ConvolutionWeights],
        picture: &[f32],
        side: usize,
        gradient: &[f32],
        gradients: &mut [ConvolutionWeights],
    ) {
        let Self { came, fields, gradient: here, before } = self;
        here.clear();
        here.extend_from_slice(gradient);
        for (at, convolution) in convolutions.iter().enumerate().rev() {
            let from = at.checked_sub(1).map_or(picture, |at| &came[at]);
            before.resize(from.len(), 0.0);
            let asked = (at > 0).then_some(&mut before[..]);
            let passed = Passed { from, side: side >> at, came: &came[at] };
            convolution.backward(passed, here, fields, &mut gradients[at], asked);
            std::mem::swap(here, before);
        }
    }
}
