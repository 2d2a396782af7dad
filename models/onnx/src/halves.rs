//! Constants in half precision.

use half::f16;
use onnx_rs::ast;

use crate::{Element, Graph, Tensor};

/// A constant with fewer numbers stays as it is.
const LARGE: usize = 1024;

/// What the name of a constant in half precision ends with in a file.
pub const ENDING: &str = ".half";

/// A large constant in half precision, under a name of its own.
pub struct Halved {
    pub name: String,
    bytes: Vec<u8>,
}

impl Graph {
    /// Of each constant: in half precision, where it is to be kept so.
    pub fn halves(&self) -> Vec<Option<Halved>> {
        let halved = |tensor: &Tensor| -> Option<Vec<u8>> {
            let values = tensor.to_f32()?;
            (self.halved && tensor.element == Element::F32 && values.len() >= LARGE)
                .then(|| values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect())
        };
        let named = |value, bytes| Halved { name: format!("{}{ENDING}", self.name_of(value)), bytes };
        self.constants.iter().map(|(value, tensor)| Some(named(*value, halved(tensor)?))).collect()
    }
}

impl Halved {
    pub fn initialiser(&self, extents: Vec<i64>) -> ast::TensorProto<'_> {
        ast::TensorProto::from_raw(&self.name, extents, ast::DataType::Float16, &self.bytes)
    }

    /// The node that makes the constant of it.
    pub fn node<'a>(&'a self, name: &'a str) -> ast::Node<'a> {
        let to = ast::Attribute {
            name: "to",
            r#type: ast::AttributeType::Int,
            i: ast::DataType::Float as i64,
            ..Default::default()
        };
        ast::Node {
            name,
            op_type: ast::OpType::from("Cast"),
            input: vec![&self.name],
            output: vec![name],
            attribute: vec![to],
            ..Default::default()
        }
    }
}

/// The numbers of a constant that was kept in half precision.
pub fn widened(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<2>().0.iter().map(|two| f16::from_le_bytes(*two).to_f32()).collect()
}
