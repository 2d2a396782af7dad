use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

/// The Euclidean norm of all gradients of a module together.
pub fn norm<M: Module>(gradients: &GradientsParams, module: &M) -> f64 {
    let mut visitor = SquareSum { gradients, sum: 0.0 };
    module.visit(&mut visitor);
    visitor.sum.sqrt()
}

/// Scales all gradients of a module by one factor so that their common norm is at most `limit`; returns the norm
/// before. The direction of the step stays as it is (Pascanu, Mikolov and Bengio, 2013).
pub fn clip_to_norm<M: Module>(gradients: GradientsParams, module: &M, limit: f64) -> (GradientsParams, f64) {
    let before = norm(&gradients, module);
    if before <= limit {
        return (gradients, before);
    }
    let mut visitor = Scaling { gradients, factor: limit / before };
    module.visit(&mut visitor);
    (visitor.gradients, before)
}

/// Registers a gradient that was made by hand, of as many numbers as the parameter.
pub fn register<const D: usize>(
    gradients: &mut GradientsParams,
    param: &Param<Tensor<D>>,
    gradient: Vec<f32>,
    device: &Device,
) {
    let shape = param.val().shape();
    gradients.register(param.id, Tensor::<D>::from_data(TensorData::new(gradient, shape), device));
}

struct SquareSum<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for SquareSum<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += gradient.square().sum().into_scalar::<f64>();
        }
    }
}

struct Scaling {
    gradients: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scaling {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn clipping_scales_all_gradients_by_one_factor() {
        let device = Device::flex();
        let module = LinearConfig::new(2, 1).init(&device);
        let bias = module.bias.as_ref().expect("a linear layer has a bias");
        let mut gradients = GradientsParams::new();
        gradients.register(module.weight.id, Tensor::<2>::from_floats([[3.0], [0.0]], &device));
        gradients.register(bias.id, Tensor::<1>::from_floats([4.0], &device));

        let (clipped, before) = clip_to_norm(gradients, &module, 1.0);

        assert!((before - 5.0).abs() < 1e-6);
        let weight = clipped.get::<2>(module.weight.id).expect("the gradient stays").into_data();
        weight.assert_approx_eq::<f32>(&[[0.6f32], [0.0]].into(), Default::default());
        assert!((norm(&clipped, &module) - 1.0).abs() < 1e-6);
    }
}
