use crate::graph::{Attribute, extent, problem};
use crate::{Axis, Element, Error, Graph, Opset, Shape, Value};

impl Graph {
    /// The sum over an axis, which is kept with an extent of 1 if `keep`.
    pub fn reduce_sum(&mut self, node: &str, x: Value, axis: usize, keep: bool) -> Result<Value, Error> {
        const OP: &str = "ReduceSum";
        let shape = self.reduced(node, OP, x, axis, keep)?;
        let axes = self.list(node, "axes", &[axis as i64])?;
        self.emit(node, OP, &[x, axes], vec![("keepdims", Attribute::Int(i64::from(keep)))], (Element::F32, shape))
    }

    /// The mean over an axis, which is kept with an extent of 1 if `keep`.
    pub fn reduce_mean(&mut self, node: &str, x: Value, axis: usize, keep: bool) -> Result<Value, Error> {
        const OP: &str = "ReduceMean";
        let shape = self.reduced(node, OP, x, axis, keep)?;
        let mut inputs = vec![x];
        let mut attributes = vec![("keepdims", Attribute::Int(i64::from(keep)))];
        // Axes became an input of this operator in opset 18, as they were of the sum since 13.
        match self.opset {
            Opset::V17 => attributes.push(("axes", Attribute::Ints(vec![axis as i64]))),
            Opset::V20 => inputs.push(self.list(node, "axes", &[axis as i64])?),
        }
        self.emit(node, OP, &inputs, attributes, (Element::F32, shape))
    }

    /// e^x over its sum along an axis.
    pub fn softmax(&mut self, node: &str, x: Value, axis: usize) -> Result<Value, Error> {
        const OP: &str = "Softmax";
        let shape = self.f32_shape(node, OP, x)?;
        extent(node, OP, &shape, axis)?;
        self.emit(node, OP, &[x], vec![("axis", Attribute::Int(axis as i64))], (Element::F32, shape))
    }

    fn reduced(&mut self, node: &str, op: &'static str, x: Value, axis: usize, keep: bool) -> Result<Shape, Error> {
        let shape = self.f32_shape(node, op, x)?;
        // Rows of a batch do not know of each other.
        extent(node, op, &shape, axis)?;
        let mut axes: Vec<Axis> = shape.axes().to_vec();
        if keep {
            axes[axis] = Axis::Fixed(1);
        } else {
            axes.remove(axis);
        }
        if axes.is_empty() {
            return Err(problem(node, op, "the last axis cannot be taken away: keep it"));
        }
        Ok(Shape::new(axes))
    }
}
