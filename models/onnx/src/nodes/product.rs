use crate::graph::{Attribute, extent, problem};
use crate::{Axis, Element, Error, Graph, Shape, Tensor, Value};

/// A layer that multiplies from the right and adds: y = x·weight + bias.
#[derive(Debug, Clone)]
pub struct Linear {
    /// `[inputs, outputs]`.
    pub weight: Tensor,
    /// `[outputs]`.
    pub bias: Option<Tensor>,
}

impl Graph {
    /// The matrix product over the last two axes; the axes before them broadcast.
    /// `[.., m, k]` and `[.., k, n]` make `[.., m, n]`.
    pub fn matmul(&mut self, node: &str, left: Value, right: Value) -> Result<Value, Error> {
        const OP: &str = "MatMul";
        let (a, b) = (self.f32_shape(node, OP, left)?, self.f32_shape(node, OP, right)?);
        let fail = || problem(node, OP, format!("{a} and {b} cannot be multiplied"));
        if a.rank() < 2 || b.rank() < 2 {
            return Err(problem(node, OP, format!("both need two axes or more, and are {a} and {b}")));
        }
        let (rows, inner) = (a.axes()[a.rank() - 2], a.axes()[a.rank() - 1]);
        let (shared, columns) = (b.axes()[b.rank() - 2], b.axes()[b.rank() - 1]);
        if inner != shared || inner == Axis::Batch {
            return Err(fail());
        }
        let outer = Shape::new(a.axes()[..a.rank() - 2].iter().copied());
        let outer = outer.broadcast(&Shape::new(b.axes()[..b.rank() - 2].iter().copied())).map_err(|_| fail())?;
        let shape = Shape::new(outer.axes().iter().copied().chain([rows, columns]));
        self.emit(node, OP, &[left, right], vec![], (Element::F32, shape))
    }

    /// a·b + c of matrices: `[m, k]`, `[k, n]`, and what broadcasts to `[m, n]`.
    pub fn gemm(&mut self, node: &str, a: Value, b: Value, c: Option<Value>) -> Result<Value, Error> {
        self.gemm_of(node, a, b, c, false)
    }

    /// a·bᵀ + c of matrices: `[m, k]`, `[n, k]`, and what broadcasts to `[m, n]`.
    pub fn gemm_transposed(&mut self, node: &str, a: Value, b: Value, c: Option<Value>) -> Result<Value, Error> {
        self.gemm_of(node, a, b, c, true)
    }

    /// A linear layer over the last axis of a value of any rank. Its constants are `NODE.weight` and `NODE.bias`.
    pub fn linear(&mut self, node: &str, x: Value, layer: &Linear) -> Result<Value, Error> {
        const OP: &str = "Linear";
        let shape = self.f32_shape(node, OP, x)?;
        let &[inputs, outputs] = layer.weight.extents() else {
            let text = format!("its weight is {}, and must be [inputs, outputs]", layer.weight.shape());
            return Err(problem(node, OP, text));
        };
        if shape.rank() < 2 || extent(node, OP, &shape, shape.rank() - 1)? != inputs {
            return Err(problem(node, OP, format!("{shape} does not end in the {inputs} inputs of its weight")));
        }
        let weight = self.constant(&format!("{node}.weight"), layer.weight.clone())?;
        let Some(bias) = &layer.bias else { return self.matmul(node, x, weight) };
        if bias.extents() != [outputs] {
            return Err(problem(node, OP, format!("its bias is {}, and must be [{outputs}]", bias.shape())));
        }
        let bias = self.constant(&format!("{node}.bias"), bias.clone())?;
        if shape.rank() == 2 {
            return self.gemm(node, x, weight, Some(bias));
        }
        let product = self.matmul(&format!("{node}.product"), x, weight)?;
        self.add(node, product, bias)
    }

    fn gemm_of(&mut self, node: &str, a: Value, b: Value, c: Option<Value>, transposed: bool) -> Result<Value, Error> {
        const OP: &str = "Gemm";
        let (left, right) = (self.f32_shape(node, OP, a)?, self.f32_shape(node, OP, b)?);
        let (&[rows, inner], &[first, second]) = (left.axes(), right.axes()) else {
            return Err(problem(node, OP, format!("it takes matrices, and these are {left} and {right}")));
        };
        let (shared, columns) = if transposed { (second, first) } else { (first, second) };
        if inner != shared || inner == Axis::Batch {
            let how = if transposed { " transposed" } else { "" };
            return Err(problem(node, OP, format!("{left} and {right}{how} cannot be multiplied")));
        }
        let shape = Shape::new([rows, columns]);
        let mut inputs = vec![a, b];
        if let Some(c) = c {
            let added = self.f32_shape(node, OP, c)?;
            if added.broadcast(&shape).ok().as_ref() != Some(&shape) {
                return Err(problem(node, OP, format!("{added} cannot be added to {shape}")));
            }
            inputs.push(c);
        }
        let attributes = vec![("transB", Attribute::Int(i64::from(transposed)))];
        self.emit(node, OP, &inputs, attributes, (Element::F32, shape))
    }
}
