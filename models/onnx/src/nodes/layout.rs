use std::ops::Range;

use crate::graph::{Attribute, extent, problem};
use crate::{Axis, Element, Error, Graph, Shape, Value};

impl Graph {
    /// The axes in another order: axis `i` of the result is axis `order[i]` of what is given.
    pub fn transpose(&mut self, node: &str, x: Value, order: &[usize]) -> Result<Value, Error> {
        const OP: &str = "Transpose";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..shape.rank()) {
            return Err(problem(node, OP, format!("{order:?} does not name each axis of {shape} once")));
        }
        let output = Shape::new(order.iter().map(|&axis| shape.axes()[axis]));
        let order = order.iter().map(|&axis| axis as i64).collect();
        self.emit(node, OP, &[x], vec![("perm", Attribute::Ints(order))], (element, output))
    }

    /// The same numbers in another shape. The batch stays an axis of its own, as the first one: rows are reshaped, not
    /// the batch.
    pub fn reshape(&mut self, node: &str, x: Value, shape: Shape) -> Result<Value, Error> {
        const OP: &str = "Reshape";
        let (element, before) = self.element_and_shape(node, OP, x)?;
        let moved = before.batch_axis() != shape.batch_axis() || before.batch_axis().is_some_and(|axis| axis != 0);
        if moved {
            return Err(problem(
                node,
                OP,
                format!("the batch must be first in both {before} and {shape}, or in neither"),
            ));
        }
        if before.per_row() != shape.per_row() {
            return Err(problem(node, OP, format!("{before} and {shape} do not hold the same number of values")));
        }
        let extents: Vec<i64> = shape
            .axes()
            .iter()
            .map(|axis| match axis {
                // Whatever is left over.
                Axis::Batch => -1,
                Axis::Fixed(extent) => *extent as i64,
            })
            .collect();
        let target = self.list(node, "shape", &extents)?;
        self.emit(node, OP, &[x, target], vec![], (element, shape))
    }

    /// A new axis of extent 1 before the axis that is at this place now.
    pub fn unsqueeze(&mut self, node: &str, x: Value, axis: usize) -> Result<Value, Error> {
        const OP: &str = "Unsqueeze";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        if axis > shape.rank() {
            return Err(problem(node, OP, format!("{shape} can have no new axis {axis}")));
        }
        let mut axes = shape.axes().to_vec();
        axes.insert(axis, Axis::Fixed(1));
        let list = self.list(node, "axes", &[axis as i64])?;
        self.emit(node, OP, &[x, list], vec![], (element, Shape::new(axes)))
    }

    /// Takes away an axis of extent 1.
    pub fn squeeze(&mut self, node: &str, x: Value, axis: usize) -> Result<Value, Error> {
        const OP: &str = "Squeeze";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        if extent(node, OP, &shape, axis)? != 1 {
            return Err(problem(node, OP, format!("axis {axis} of {shape} does not have an extent of 1")));
        }
        let mut axes = shape.axes().to_vec();
        axes.remove(axis);
        let list = self.list(node, "axes", &[axis as i64])?;
        self.emit(node, OP, &[x, list], vec![], (element, Shape::new(axes)))
    }

    /// Values one behind the other along an axis.
    pub fn concat(&mut self, node: &str, values: &[Value], axis: usize) -> Result<Value, Error> {
        const OP: &str = "Concat";
        let Some((&first, rest)) = values.split_first() else {
            return Err(problem(node, OP, "there is nothing to put together"));
        };
        let (element, shape) = self.element_and_shape(node, OP, first)?;
        let mut total = extent(node, OP, &shape, axis)?;
        for &value in rest {
            let (other_element, other) = self.element_and_shape(node, OP, value)?;
            let fits = other.rank() == shape.rank()
                && (0..shape.rank()).all(|at| at == axis || other.axes()[at] == shape.axes()[at]);
            if !fits || other_element != element {
                let text = format!("{element} {shape} and {other_element} {other} do not fit along axis {axis}");
                return Err(problem(node, OP, text));
            }
            total += extent(node, OP, &other, axis)?;
        }
        let output = with_extent(&shape, axis, total);
        self.emit(node, OP, values, vec![("axis", Attribute::Int(axis as i64))], (element, output))
    }

    /// A value cut along an axis into parts of these extents.
    pub fn split(&mut self, node: &str, x: Value, axis: usize, extents: &[usize]) -> Result<Vec<Value>, Error> {
        const OP: &str = "Split";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        let whole = extent(node, OP, &shape, axis)?;
        if extents.iter().sum::<usize>() != whole || extents.contains(&0) {
            return Err(problem(node, OP, format!("parts of {extents:?} do not make up axis {axis} of {shape}")));
        }
        let lengths: Vec<i64> = extents.iter().map(|&extent| extent as i64).collect();
        let lengths = self.list(node, "split", &lengths)?;
        let outputs = extents.iter().map(|&extent| (element, with_extent(&shape, axis, extent))).collect();
        let attributes = vec![("axis", Attribute::Int(axis as i64))];
        self.emit_many(node, OP, vec![Some(x), Some(lengths)], attributes, outputs)
    }

    /// The part of a value within a range along an axis.
    pub fn slice(&mut self, node: &str, x: Value, axis: usize, range: Range<usize>) -> Result<Value, Error> {
        const OP: &str = "Slice";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        let whole = extent(node, OP, &shape, axis)?;
        if range.is_empty() || range.end > whole {
            return Err(problem(node, OP, format!("{range:?} does not lie within axis {axis} of {shape}")));
        }
        let starts = self.list(node, "starts", &[range.start as i64])?;
        let ends = self.list(node, "ends", &[range.end as i64])?;
        let axes = self.list(node, "axes", &[axis as i64])?;
        let output = with_extent(&shape, axis, range.len());
        self.emit(node, OP, &[x, starts, ends, axes], vec![], (element, output))
    }

    /// The entries along an axis that i64 indices name. The indices' axes take the place of that axis.
    pub fn gather(&mut self, node: &str, x: Value, indices: Value, axis: usize) -> Result<Value, Error> {
        const OP: &str = "Gather";
        let (element, shape) = self.element_and_shape(node, OP, x)?;
        let (index_element, index_shape) = self.element_and_shape(node, OP, indices)?;
        if index_element != Element::I64 {
            return Err(problem(node, OP, format!("the indices are {index_element}, and must be i64")));
        }
        let whole = extent(node, OP, &shape, axis)?;
        if let Some(index) = self.constant_out_of(indices, whole) {
            return Err(problem(node, OP, format!("index {index} is not within axis {axis} of {shape}")));
        }
        let axes = shape.axes();
        let output = Shape::new(axes[..axis].iter().chain(index_shape.axes()).chain(&axes[axis + 1..]).copied());
        self.emit(node, OP, &[x, indices], vec![("axis", Attribute::Int(axis as i64))], (element, output))
    }

    pub(crate) fn element_and_shape(
        &self,
        node: &str,
        op: &'static str,
        value: Value,
    ) -> Result<(Element, Shape), Error> {
        let known = self.known(node, op, value)?;
        Ok((known.element, known.shape.clone()))
    }

    /// An index among constant ones that is not below this extent. Indices that a model computes are checked when it
    /// runs.
    fn constant_out_of(&self, indices: Value, extent: usize) -> Option<i64> {
        let (_, tensor) = self.constants.iter().find(|(value, _)| *value == indices)?;
        let indices = tensor.bytes.as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes));
        indices.into_iter().find(|&index| !usize::try_from(index).is_ok_and(|index| index < extent))
    }
}

fn with_extent(shape: &Shape, axis: usize, extent: usize) -> Shape {
    let axes = shape.axes().iter().enumerate();
    Shape::new(axes.map(|(at, &known)| if at == axis { Axis::Fixed(extent) } else { known }))
}
