use std::fmt;

use crate::{Error, Shape};

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    F32,
    I64,
    Bool,
}

impl Element {
    pub const fn bytes(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::I64 => 8,
            Element::Bool => 1,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Element::F32 => "f32",
            Element::I64 => "i64",
            Element::Bool => "bool",
        })
    }
}

/// Numbers known when a model is written: weights, biases, tables. Row-major, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub(crate) element: Element,
    pub(crate) extents: Vec<usize>,
    /// Little endian, as in files.
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    /// # Errors
    /// When the number of values is not the product of the extents, or one of them is not finite: a model with such a
    /// weight would answer with nothing but NaN.
    pub fn f32(extents: impl Into<Vec<usize>>, values: &[f32]) -> Result<Self, Error> {
        let extents = extents.into();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(bad(&extents, format!("value {index} is {}, and must be finite", values[index])));
        }
        Self::made(Element::F32, extents, values.len(), values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// # Errors
    /// When the number of values is not the product of the extents.
    pub fn i64(extents: impl Into<Vec<usize>>, values: &[i64]) -> Result<Self, Error> {
        Self::made(Element::I64, extents.into(), values.len(), values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// # Errors
    /// When the number of values is not the product of the extents.
    pub fn bool(extents: impl Into<Vec<usize>>, values: &[bool]) -> Result<Self, Error> {
        Self::made(Element::Bool, extents.into(), values.len(), values.iter().map(|&value| u8::from(value)))
    }

    /// A single number, of rank 0. It must be finite.
    pub fn scalar(value: f32) -> Result<Self, Error> {
        Self::f32([], &[value])
    }

    /// A matrix with rows and columns exchanged: what multiplies from the right in one library, from the left in
    /// another.
    ///
    /// # Errors
    /// When it is no matrix.
    pub fn transposed(&self) -> Result<Self, Error> {
        let &[rows, columns] = self.extents.as_slice() else {
            return Err(bad(&self.extents, "only a matrix can be transposed".to_owned()));
        };
        let size = self.element.bytes();
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for column in 0..columns {
            for row in 0..rows {
                let at = (row * columns + column) * size;
                bytes.extend_from_slice(&self.bytes[at..at + size]);
            }
        }
        Ok(Tensor { element: self.element, extents: vec![columns, rows], bytes })
    }

    pub fn element(&self) -> Element {
        self.element
    }

    pub fn extents(&self) -> &[usize] {
        &self.extents
    }

    pub fn shape(&self) -> Shape {
        Shape::fixed(self.extents.iter().copied())
    }

    /// The numbers again, where they are f32.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        let values = self.bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        (self.element == Element::F32).then(|| values.collect())
    }

    /// The same numbers in another shape.
    pub(crate) fn reshaped(mut self, extents: impl Into<Vec<usize>>) -> Self {
        let extents = extents.into();
        debug_assert_eq!(extents.iter().product::<usize>(), self.extents.iter().product::<usize>());
        self.extents = extents;
        self
    }

    fn made(
        element: Element,
        extents: Vec<usize>,
        values: usize,
        bytes: impl Iterator<Item = u8>,
    ) -> Result<Self, Error> {
        let expected: usize = extents.iter().product();
        if values != expected {
            return Err(bad(&extents, format!("{values} values are given, {expected} are needed")));
        }
        if expected == 0 {
            return Err(bad(&extents, "it is empty".to_owned()));
        }
        Ok(Tensor { element, extents, bytes: bytes.collect() })
    }
}

fn bad(extents: &[usize], problem: String) -> Error {
    Error::Tensor { shape: Shape::fixed(extents.iter().copied()).to_string(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_must_fit_the_shape() {
        let short = Tensor::f32([2, 3], &[0.0; 5]).unwrap_err();
        assert_eq!(short.to_string(), "tensor of shape [2, 3]: 5 values are given, 6 are needed");
        let broken = Tensor::f32([2], &[0.0, f32::NAN]).unwrap_err();
        assert_eq!(broken.to_string(), "tensor of shape [2]: value 1 is NaN, and must be finite");
        assert!(Tensor::i64([0], &[]).is_err());
    }

    #[test]
    fn transposing_exchanges_rows_and_columns() {
        let matrix = Tensor::f32([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let turned = matrix.transposed().unwrap();
        assert_eq!(turned.extents(), [3, 2]);
        assert_eq!(turned.to_f32().unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(turned.transposed().unwrap(), matrix);
        assert!(Tensor::scalar(1.0).unwrap().transposed().is_err());
    }
}
