use std::fmt;

/// The extent of a value along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The number of rows that are scored together: known only when the model runs.
    Batch,
    Fixed(usize),
}

impl From<usize> for Axis {
    fn from(extent: usize) -> Self {
        Axis::Fixed(extent)
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Axis::Batch => f.write_str(Shape::BATCH),
            Axis::Fixed(extent) => write!(f, "{extent}"),
        }
    }
}

/// The extents of a value, outermost first. At most one of them is [`Axis::Batch`].
#[derive(Clone, PartialEq, Eq)]
pub struct Shape(Vec<Axis>);

impl Shape {
    /// The name of the batch axis in files.
    pub const BATCH: &'static str = "batch";

    /// A shape known in full, such as that of weights.
    pub fn fixed(extents: impl IntoIterator<Item = usize>) -> Self {
        Shape(extents.into_iter().map(Axis::Fixed).collect())
    }

    /// A shape with the batch as its first axis: `batched([120, 20])` is `[batch, 120, 20]`.
    pub fn batched(extents: impl IntoIterator<Item = usize>) -> Self {
        Shape(std::iter::once(Axis::Batch).chain(extents.into_iter().map(Axis::Fixed)).collect())
    }

    pub fn new(axes: impl IntoIterator<Item = Axis>) -> Self {
        Shape(axes.into_iter().collect())
    }

    pub fn axes(&self) -> &[Axis] {
        &self.0
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Where the batch is, if it is anywhere.
    pub fn batch_axis(&self) -> Option<usize> {
        self.0.iter().position(|&axis| axis == Axis::Batch)
    }

    /// How many values a row of the batch has: the product of the known extents.
    pub fn per_row(&self) -> usize {
        self.0
            .iter()
            .map(|axis| match axis {
                Axis::Batch => 1,
                Axis::Fixed(extent) => *extent,
            })
            .product()
    }

    /// Whether it can be a value's shape: one batch axis at most, and no empty axis.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.0.iter().filter(|&&axis| axis == Axis::Batch).count() > 1 {
            return Err(format!("{self} has more than one batch axis"));
        }
        if self.0.contains(&Axis::Fixed(0)) {
            return Err(format!("{self} has an empty axis"));
        }
        Ok(())
    }

    /// The shape of an element-wise operation on two values, by the rule of ONNX and NumPy: axes are matched from the
    /// last one on, and an extent of 1 is repeated.
    pub(crate) fn broadcast(&self, other: &Shape) -> Result<Shape, String> {
        let rank = self.rank().max(other.rank());
        let at = |shape: &Shape, axis: usize| match (axis + shape.rank()).checked_sub(rank) {
            Some(own) => shape.0[own],
            None => Axis::Fixed(1),
        };
        let axes: Option<Vec<Axis>> = (0..rank)
            .map(|axis| match (at(self, axis), at(other, axis)) {
                (left, right) if left == right => Some(left),
                (Axis::Fixed(1), right) => Some(right),
                (left, Axis::Fixed(1)) => Some(left),
                _ => None,
            })
            .collect();
        let shape = Shape(axes.ok_or_else(|| format!("{self} and {other} do not broadcast"))?);
        shape.check()?;
        Ok(shape)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, axis) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{axis}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_as_numpy_has_it() {
        let batched = Shape::batched([1, 20]);
        assert_eq!(batched.broadcast(&Shape::fixed([120, 20])).unwrap(), Shape::batched([120, 20]));
        assert_eq!(Shape::fixed([]).broadcast(&batched).unwrap(), batched);
        assert_eq!(Shape::fixed([1, 4, 1]).broadcast(&Shape::batched([1, 3])).unwrap(), Shape::batched([4, 3]));
        assert_eq!(
            Shape::batched([3]).broadcast(&Shape::fixed([2, 3])).unwrap_err(),
            "[batch, 3] and [2, 3] do not broadcast"
        );
        let crossed = Shape::new([Axis::Batch, 1.into()]).broadcast(&Shape::new([1.into(), Axis::Batch]));
        assert_eq!(crossed.unwrap_err(), "[batch, batch] has more than one batch axis");
    }
}
