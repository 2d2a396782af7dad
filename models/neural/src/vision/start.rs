use std::path::Path;

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};
use lehr_onnx::Constants;

use super::network::{Norm, VisionArchitecture, VisionTransformer};
use crate::error::NeuralError;
use crate::fitting::{Checkpoint, restore};

/// The network of a file that [`super::export()`] wrote, to be trained further, or the last one of a folder with a
/// checkpoint. Layers of `network` that the file does not have stay as they are.
///
/// # Errors
/// A file that cannot be read, is no ONNX, or is of a network of other sizes.
pub fn started_from(
    network: VisionTransformer,
    architecture: VisionArchitecture,
    path: &Path,
) -> Result<VisionTransformer, NeuralError> {
    if path.is_dir() {
        let none = || NeuralError::Start { path: path.to_owned(), reason: "it holds no checkpoint".to_owned() };
        return restore(network, &Checkpoint::load(path)?.ok_or_else(none)?.weights);
    }
    let file =
        std::fs::read(path).map_err(|source| NeuralError::File { path: path.to_owned(), action: "read", source })?;
    let constants = lehr_onnx::constants(&file)
        .map_err(|error| NeuralError::Start { path: path.to_owned(), reason: error.to_string() })?;
    Reader { constants, path }.network(network, architecture.width)
}

struct Reader<'a> {
    constants: Constants,
    path: &'a Path,
}

impl Reader<'_> {
    fn network(&self, mut network: VisionTransformer, width: usize) -> Result<VisionTransformer, NeuralError> {
        for (at, convolution) in network.convolutions.iter_mut().enumerate() {
            let name = format!("convolution.{at}");
            self.turned(&name, 3, &mut convolution.weight)?;
            self.fill(&format!("{name}.bias"), &mut convolution.bias)?;
        }
        for (at, fine) in network.fine.iter_mut().enumerate() {
            self.turned(&format!("mask.fine.{at}"), 1, &mut fine.weight)?;
            self.fill(&format!("mask.fine.{at}.bias"), fine.bias.as_mut().expect("it begins with a bias"))?;
        }
        self.linear("embedding", &mut network.embedding)?;
        self.fill("positions", &mut network.positions)?;
        for (at, block) in network.blocks.iter_mut().enumerate() {
            let name = format!("layer.{at}");
            if !self.constants.contains_key(&format!("{name}.expand.weight")) {
                break;
            }
            self.norm(&format!("{name}.attention_norm"), &mut block.attention_norm)?;
            self.norm(&format!("{name}.feed_forward_norm"), &mut block.feed_forward_norm)?;
            let (weight, bias) = self.projection(&format!("{name}.attention"), width)?;
            let device = block.projection.weight.val().device();
            block.projection = Linear {
                weight: Param::from_tensor(Tensor::from_data(TensorData::new(weight, [width, 3 * width]), &device)),
                bias: Some(Param::from_tensor(Tensor::from_data(TensorData::new(bias, [3 * width]), &device))),
            };
            self.linear(&format!("{name}.attention.output"), &mut block.output)?;
            self.linear(&format!("{name}.expand"), &mut block.expand)?;
            self.linear(&format!("{name}.contract"), &mut block.contract)?;
        }
        self.norm("norm", &mut network.norm)?;
        self.linear("class.logits", &mut network.classes)?;
        self.linear("box.patches", &mut network.boxes)?;
        self.linear("mask.patches", &mut network.masks)?;
        Ok(network)
    }

    /// A convolution's weights, which a file has by outputs, inputs, rows, columns.
    fn turned(&self, name: &str, kernel: usize, to: &mut Param<Tensor<2>>) -> Result<(), NeuralError> {
        let ([field, outputs], device) = (to.val().dims(), to.val().device());
        let extents = [outputs, field / (kernel * kernel), kernel, kernel];
        let values = self.values(&format!("{name}.weight"), &extents)?;
        let turned: Tensor<4> = Tensor::from_data(TensorData::new(values, extents), &device);
        *to = Param::from_tensor(turned.permute([2, 3, 1, 0]).reshape([field, outputs]));
        Ok(())
    }

    /// Queries, keys and values side by side.
    fn projection(&self, name: &str, width: usize) -> Result<(Vec<f32>, Vec<f32>), NeuralError> {
        let (mut weight, mut bias) = (vec![0.0; 3 * width * width], vec![]);
        for (part, of) in ["query", "key", "value"].into_iter().enumerate() {
            let values = self.values(&format!("{name}.{of}.weight"), &[width, width])?;
            for (row, values) in values.chunks_exact(width).enumerate() {
                weight[(3 * row + part) * width..][..width].copy_from_slice(values);
            }
            bias.extend(self.values(&format!("{name}.{of}.bias"), &[width])?);
        }
        Ok((weight, bias))
    }

    fn linear(&self, name: &str, to: &mut Linear) -> Result<(), NeuralError> {
        self.fill(&format!("{name}.weight"), &mut to.weight)?;
        match &mut to.bias {
            Some(bias) => self.fill(&format!("{name}.bias"), bias),
            None => Ok(()),
        }
    }

    fn norm(&self, name: &str, to: &mut Norm) -> Result<(), NeuralError> {
        self.fill(&format!("{name}.gain"), &mut to.gain)?;
        self.fill(&format!("{name}.bias"), &mut to.bias)
    }

    fn fill<const D: usize>(&self, name: &str, to: &mut Param<Tensor<D>>) -> Result<(), NeuralError> {
        let (dims, device) = (to.val().dims(), to.val().device());
        let values = self.values(name, &dims)?;
        *to = Param::from_tensor(Tensor::from_data(TensorData::new(values, dims), &device));
        Ok(())
    }

    fn values(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, NeuralError> {
        match self.constants.get(name) {
            Some((extents, values)) if extents == dims => Ok(values.clone()),
            found => {
                let found = found.map_or("nothing".to_owned(), |(extents, _)| format!("{extents:?}"));
                let reason = format!("{name} is {found}, and {dims:?} is trained");
                Err(NeuralError::Start { path: self.path.to_owned(), reason })
            }
        }
    }
}
