//! What every exported network shares: its weights as ONNX tensors, and what its file says of it.

use burn::nn::Linear;
use burn::tensor::Tensor;
use lehr_onnx::Graph;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::NeuralError;

/// What a model's file says of it, beside the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Such as `forecaster`.
    pub model: &'static str,
    /// Semantic version.
    pub version: String,
    /// Name and unit of each input, in their order.
    pub inputs: Vec<(String, String)>,
    /// The hash of the recipe of the data.
    pub data: String,
    /// Mean and deviation of the inputs, where the model has them.
    pub scaler: Option<Value>,
    pub metrics: Value,
    /// ISO 8601.
    pub trained: String,
}

impl Identity {
    /// A line `name TAB unit LF` for each input; its hash names what the model reads.
    fn schema(&self) -> String {
        self.inputs.iter().map(|(name, unit)| format!("{name}\t{unit}\n")).collect()
    }

    /// Writes itself into the file's properties.
    pub fn write(&self, graph: &mut Graph) {
        graph.metadata("lehr.model", self.model);
        graph.metadata("lehr.version", &self.version);
        graph.metadata("lehr.schema", hash(&self.schema()));
        graph.metadata("lehr.data", &self.data);
        if let Some(scaler) = &self.scaler {
            graph.metadata("lehr.scaler", scaler.to_string());
        }
        graph.metadata("lehr.metrics", self.metrics.to_string());
        graph.metadata("lehr.trained", &self.trained);
    }
}

/// SHA-256 in hexadecimal.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tensor of Burn's as one of ONNX's.
pub fn tensor<const D: usize>(tensor: Tensor<D>) -> Result<lehr_onnx::Tensor, NeuralError> {
    let extents = tensor.dims().to_vec();
    Ok(lehr_onnx::Tensor::f32(extents, &values(tensor))?)
}

/// A linear layer of Burn's as one of ONNX's.
pub fn linear(layer: &Linear) -> Result<lehr_onnx::Linear, NeuralError> {
    let bias = layer.bias.as_ref().map(|bias| tensor(bias.val())).transpose()?;
    Ok(lehr_onnx::Linear { weight: tensor(layer.weight.val())?, bias })
}

/// A tensor's numbers.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().expect("tensors on the CPU can be read")
}
