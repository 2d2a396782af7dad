use std::collections::HashSet;

use onnx_rs::ast;

use crate::graph::{Attribute, Known, Node, Origin};
use crate::halves::Halved;
use crate::{Axis, Element, Error, Graph, Shape, Value};

/// The most bytes of constants in a file: Protocol Buffers end at 2 GiB.
pub const MAX_CONSTANT_BYTES: usize = 1 << 30;

impl Graph {
    /// The graph as the bytes of a file. The same graph gives the same bytes.
    ///
    /// # Errors
    /// When there is no input or no output, when something is never read, or the constants are more than
    /// [`MAX_CONSTANT_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        self.check_whole()?;
        let halves = self.halves();
        let metadata = self.metadata.iter().map(|(key, value)| ast::StringStringEntry { key, value });
        Ok(onnx_rs::encode(&ast::Model {
            ir_version: self.opset.ir_version(),
            opset_import: vec![ast::OperatorSetId { domain: "", version: self.opset.number() }],
            producer_name: "lehr",
            producer_version: env!("CARGO_PKG_VERSION"),
            graph: Some(self.graph_proto(&halves)),
            metadata_props: metadata.collect(),
            ..Default::default()
        }))
    }

    fn check_whole(&self) -> Result<(), Error> {
        let fail = |problem: String| Err(Error::Graph { graph: self.name.clone(), problem });
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return fail("it needs an input and an output".to_owned());
        }
        let read: HashSet<usize> = self
            .nodes
            .iter()
            .flat_map(|node| node.inputs.iter().flatten())
            .chain(&self.outputs)
            .map(|&value| Graph::index(value))
            .collect();
        let is_read = |value: &Value| read.contains(&Graph::index(*value));
        // Of several outputs of a node one may be enough.
        if let Some(node) = self.nodes.iter().find(|node| !node.outputs.iter().any(is_read)) {
            return fail(format!("nothing reads node {}: use it or leave it out", node.name));
        }
        let loose = |(index, known): &(usize, &Known)| known.origin != Origin::Node && !read.contains(index);
        if let Some((_, known)) = self.values.iter().enumerate().find(loose) {
            return fail(format!("nothing reads {}: use it or leave it out", known.name));
        }
        let bytes: usize = self.constants.iter().map(|(_, tensor)| tensor.bytes.len()).sum();
        if bytes > MAX_CONSTANT_BYTES {
            return fail(format!("its constants are {bytes} bytes, and {MAX_CONSTANT_BYTES} may be"));
        }
        Ok(())
    }

    fn graph_proto<'a>(&'a self, halves: &'a [Option<Halved>]) -> ast::Graph<'a> {
        // What lies between, so that a checker compares the shapes found here with its own.
        let between = self.nodes.iter().flat_map(|node| &node.outputs).filter(|value| !self.outputs.contains(value));
        let constants = self.constants.iter().zip(halves);
        let widened =
            constants.clone().filter_map(|((value, _), half)| Some(half.as_ref()?.node(self.name_of(*value))));
        ast::Graph {
            name: &self.name,
            node: widened.chain(self.nodes.iter().map(|node| self.node_proto(node))).collect(),
            initializer: constants
                .map(|((value, tensor), half)| {
                    let extents: Vec<i64> = tensor.extents.iter().map(|&extent| extent as i64).collect();
                    let name = self.name_of(*value);
                    match half {
                        Some(half) => half.initialiser(extents),
                        None => ast::TensorProto::from_raw(name, extents, data_type(tensor.element), &tensor.bytes),
                    }
                })
                .collect(),
            input: self.inputs.iter().map(|&value| self.value_info(value)).collect(),
            output: self.outputs.iter().map(|&value| self.value_info(value)).collect(),
            value_info: between.map(|&value| self.value_info(value)).collect(),
            ..Default::default()
        }
    }

    fn node_proto<'a>(&'a self, node: &'a Node) -> ast::Node<'a> {
        ast::Node {
            name: &node.name,
            op_type: ast::OpType::from(node.op),
            input: node.inputs.iter().map(|input| input.map_or("", |value| self.name_of(value))).collect(),
            output: node.outputs.iter().map(|&value| self.name_of(value)).collect(),
            attribute: node.attributes.iter().map(|(name, attribute)| attribute_proto(name, attribute)).collect(),
            ..Default::default()
        }
    }

    fn value_info(&self, value: Value) -> ast::ValueInfo<'_> {
        let known = &self.values[Graph::index(value)];
        let tensor =
            ast::TensorTypeProto { elem_type: data_type(known.element), shape: Some(shape_proto(&known.shape)) };
        let of_type = ast::TypeProto { value: Some(ast::TypeValue::Tensor(tensor)), ..Default::default() };
        ast::ValueInfo { name: &known.name, r#type: Some(of_type), ..Default::default() }
    }

    pub(crate) fn name_of(&self, value: Value) -> &str {
        &self.values[Graph::index(value)].name
    }
}

fn data_type(element: Element) -> ast::DataType {
    match element {
        Element::F32 => ast::DataType::Float,
        Element::I64 => ast::DataType::Int64,
        Element::Bool => ast::DataType::Bool,
    }
}

fn shape_proto(shape: &Shape) -> ast::TensorShape<'static> {
    let dim = |axis: &Axis| ast::TensorShapeDimension {
        value: match axis {
            Axis::Batch => ast::Dimension::Param(Shape::BATCH),
            Axis::Fixed(extent) => ast::Dimension::Value(*extent as i64),
        },
        ..Default::default()
    };
    ast::TensorShape { dim: shape.axes().iter().map(dim).collect() }
}

fn attribute_proto<'a>(name: &'a str, attribute: &'a Attribute) -> ast::Attribute<'a> {
    let of = |r#type| ast::Attribute { name, r#type, ..Default::default() };
    match attribute {
        Attribute::Int(value) => ast::Attribute { i: *value, ..of(ast::AttributeType::Int) },
        Attribute::Float(value) => ast::Attribute { f: *value, ..of(ast::AttributeType::Float) },
        Attribute::Ints(values) => ast::Attribute { ints: values.clone(), ..of(ast::AttributeType::Ints) },
        Attribute::Text(text) => ast::Attribute { s: text.as_bytes(), ..of(ast::AttributeType::String) },
    }
}
