use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Axis, Element, Error, Shape, Tensor};

/// The set of operators that a file is written against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opset {
    /// Operators as of ONNX 1.12, IR 8.
    #[default]
    V17,
    /// As of ONNX 1.15, IR 9: brings Gelu.
    V20,
}

impl Opset {
    pub const fn number(self) -> i64 {
        match self {
            Opset::V17 => 17,
            Opset::V20 => 20,
        }
    }

    pub(crate) const fn ir_version(self) -> i64 {
        match self {
            Opset::V17 => 8,
            Opset::V20 => 9,
        }
    }
}

/// What flows along an edge of a [`Graph`]: a handle, valid in the graph that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    graph: u32,
    index: u32,
}

/// What is known of a value.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub name: String,
    pub element: Element,
    pub shape: Shape,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Input,
    Constant,
    Node,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub name: String,
    pub op: &'static str,
    /// `None` is an optional input that is left out.
    pub inputs: Vec<Option<Value>>,
    pub outputs: Vec<Value>,
    pub attributes: Vec<(&'static str, Attribute)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Int(i64),
    Float(f32),
    Ints(Vec<i64>),
    Text(&'static str),
}

/// A graph being built. Nodes are added in the order in which they run, each by a method that takes its name and the
/// values that it reads, and returns the value that it makes.
///
/// Names are the caller's and stay the same in every file. A node's value bears the node's name, and what a method adds
/// besides gets a name below it (`head.shape`).
#[derive(Debug)]
pub struct Graph {
    id: u32,
    pub(crate) name: String,
    pub(crate) opset: Opset,
    pub(crate) values: Vec<Known>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<Value>,
    pub(crate) outputs: Vec<Value>,
    pub(crate) constants: Vec<(Value, Tensor)>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) halved: bool,
    names: BTreeSet<String>,
}

impl Graph {
    pub fn new(name: impl Into<String>, opset: Opset) -> Self {
        // So that a handle of one graph is not taken for one of another. Nothing of it gets into a file.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Graph {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            opset,
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            constants: Vec::new(),
            metadata: BTreeMap::new(),
            halved: false,
            names: BTreeSet::new(),
        }
    }

    /// What a model is fed with, under the name that callers use.
    pub fn input(&mut self, name: &str, element: Element, shape: Shape) -> Result<Value, Error> {
        shape.check().map_err(|problem| Error::Name { name: name.to_owned(), problem })?;
        let value = self.declare(name, element, shape, Origin::Input)?;
        self.inputs.push(value);
        Ok(value)
    }

    /// Numbers kept in the file (an initialiser).
    pub fn constant(&mut self, name: &str, tensor: Tensor) -> Result<Value, Error> {
        let value = self.declare(name, tensor.element, tensor.shape(), Origin::Constant)?;
        self.constants.push((value, tensor));
        Ok(value)
    }

    /// Keeps large `f32` constants in the file in half precision (11 bits instead of 24), and turns them back when the
    /// model is loaded: the file is half as large, and as fast.
    pub fn halve_constants(&mut self) {
        self.halved = true;
    }

    /// Makes a value an output of the model, under the name that callers use.
    pub fn output(&mut self, name: &str, value: Value) -> Result<(), Error> {
        let known = self.known(name, "output", value)?.clone();
        let plain = known.origin == Origin::Node && !self.outputs.contains(&value);
        if plain && known.name == name {
            self.outputs.push(value);
        } else if plain {
            self.take(name)?;
            self.values[value.index as usize].name = name.to_owned();
            self.outputs.push(value);
        } else {
            // An input, a constant, or an output already: it keeps its own name.
            let copy = self.identity(name, value)?;
            self.outputs.push(copy);
        }
        Ok(())
    }

    /// A property of the model, such as its version. The last one of a key holds.
    pub fn metadata(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.metadata.insert(key.into(), text.into());
    }

    /// # Panics
    /// When the value is another graph's.
    pub fn shape(&self, value: Value) -> &Shape {
        assert_eq!(value.graph, self.id, "a value of another graph");
        &self.values[value.index as usize].shape
    }

    /// # Panics
    /// When the value is another graph's.
    pub fn element(&self, value: Value) -> Element {
        assert_eq!(value.graph, self.id, "a value of another graph");
        self.values[value.index as usize].element
    }

    /// What is known of a value that a node reads.
    pub(crate) fn known(&self, node: &str, op: &'static str, value: Value) -> Result<&Known, Error> {
        if value.graph != self.id {
            return Err(problem(node, op, "it reads a value of another graph"));
        }
        Ok(&self.values[value.index as usize])
    }

    /// The shape of an f32 value that a node reads.
    pub(crate) fn f32_shape(&self, node: &str, op: &'static str, value: Value) -> Result<Shape, Error> {
        let known = self.known(node, op, value)?;
        if known.element != Element::F32 {
            let text = format!("{} is {}, and must be f32", known.name, known.element);
            return Err(problem(node, op, text));
        }
        Ok(known.shape.clone())
    }

    /// An i64 list that an operator takes as an input rather than an attribute.
    pub(crate) fn list(&mut self, node: &str, what: &str, values: &[i64]) -> Result<Value, Error> {
        let tensor = Tensor::i64([values.len()], values)?;
        self.constant(&format!("{node}.{what}"), tensor)
    }

    /// Adds a node with one output.
    pub(crate) fn emit(
        &mut self,
        node: &str,
        op: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
        output: (Element, Shape),
    ) -> Result<Value, Error> {
        output.1.check().map_err(|text| problem(node, op, text))?;
        let value = self.declare(node, output.0, output.1, Origin::Node)?;
        let inputs = inputs.iter().map(|&input| Some(input)).collect();
        self.nodes.push(Node { name: node.to_owned(), op, inputs, outputs: vec![value], attributes });
        Ok(value)
    }

    /// Adds a node with any number of outputs, named `NODE.0`, `NODE.1` and so on.
    pub(crate) fn emit_many(
        &mut self,
        node: &str,
        op: &'static str,
        inputs: Vec<Option<Value>>,
        attributes: Vec<(&'static str, Attribute)>,
        outputs: Vec<(Element, Shape)>,
    ) -> Result<Vec<Value>, Error> {
        self.take(node)?;
        let mut values = Vec::with_capacity(outputs.len());
        for (index, (element, shape)) in outputs.into_iter().enumerate() {
            shape.check().map_err(|text| problem(node, op, text))?;
            values.push(self.declare(&format!("{node}.{index}"), element, shape, Origin::Node)?);
        }
        self.nodes.push(Node { name: node.to_owned(), op, inputs, outputs: values.clone(), attributes });
        Ok(values)
    }

    /// Puts an input of the last node that was added, which its operator takes at this place.
    pub(crate) fn place_input(&mut self, place: usize, value: Value) {
        let node = self.nodes.last_mut().expect("a node was added just before");
        node.inputs.resize(node.inputs.len().max(place + 1), None);
        node.inputs[place] = Some(value);
    }

    pub(crate) fn index(value: Value) -> usize {
        value.index as usize
    }

    fn declare(&mut self, name: &str, element: Element, shape: Shape, origin: Origin) -> Result<Value, Error> {
        self.take(name)?;
        let index = u32::try_from(self.values.len()).expect("memory ends before the values do");
        self.values.push(Known { name: name.to_owned(), element, shape, origin });
        Ok(Value { graph: self.id, index })
    }

    fn take(&mut self, name: &str) -> Result<(), Error> {
        let bad = |problem: &str| Err(Error::Name { name: name.to_owned(), problem: problem.to_owned() });
        if name.is_empty() {
            return bad("a name must not be empty");
        }
        if !self.names.insert(name.to_owned()) {
            return bad("it is taken: every node, input, constant and output needs a name of its own");
        }
        Ok(())
    }
}

pub(crate) fn problem(node: &str, op: &'static str, problem: impl Into<String>) -> Error {
    Error::Node { node: node.to_owned(), op, problem: problem.into() }
}

/// The extent of an axis that must be known when the model is written.
pub(crate) fn extent(node: &str, op: &'static str, shape: &Shape, axis: usize) -> Result<usize, Error> {
    match shape.axes().get(axis) {
        Some(Axis::Fixed(extent)) => Ok(*extent),
        Some(Axis::Batch) => Err(problem(node, op, format!("axis {axis} of {shape} is the batch"))),
        None => Err(problem(node, op, format!("there is no axis {axis} in {shape}"))),
    }
}
