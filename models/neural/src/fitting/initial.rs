use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Draws initial weights. Burn's own generator is one for the whole process; this one gives the same weights for a
/// seed whatever runs beside it.
#[derive(Debug)]
pub struct Initial {
    random: ChaCha8Rng,
    device: Device,
}

impl Initial {
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), device: device.clone() }
    }

    /// Uniform within ±`bound`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        let values = (0..count).map(|_| self.random.random_range(-bound..bound) as f32).collect();
        self.given(shape, values)
    }

    /// Uniform with the variance 2 / (inputs + outputs) (Glorot and Bengio, 2010).
    pub fn balanced(&mut self, inputs: usize, outputs: usize) -> Param<Tensor<2>> {
        self.uniform([inputs, outputs], (6.0 / (inputs + outputs) as f64).sqrt())
    }

    pub fn given<const D: usize>(&self, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &self.device))
    }

    pub fn zeros<const D: usize>(&self, shape: [usize; D]) -> Param<Tensor<D>> {
        self.given(shape, vec![0.0; shape.iter().product()])
    }

    /// A linear layer with balanced weights and a bias of 0.
    pub fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        Linear { weight: self.balanced(inputs, outputs), bias: Some(self.zeros([outputs])) }
    }

    /// A linear layer without bias.
    pub fn projection(&mut self, inputs: usize, outputs: usize) -> Linear {
        Linear { weight: self.balanced(inputs, outputs), bias: None }
    }
}
