use gemm::Parallelism;

use super::amx;
use super::precision::Precision;

/// A matrix in a slice, row by row, read as it is or transposed.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: isize,
    pub(super) column_stride: isize,
}

/// A row-major matrix in a slice, to be written.
pub struct MatrixMut<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

/// Whether a matrix of this stride lies within so many numbers.
fn lies_within(length: usize, rows: usize, columns: usize, stride: usize) -> bool {
    rows == 0 || (columns <= stride && (rows - 1) * stride + columns <= length)
}

impl<'a> Matrix<'a> {
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix fills its slice");
        Self::within(values, rows, columns, columns)
    }

    /// Rows of the first `columns` of every `stride` numbers.
    pub fn within(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(lies_within(values.len(), rows, columns, stride), "a matrix lies within its slice");
        Self { values, rows, columns, row_stride: stride as isize, column_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

impl<'a> MatrixMut<'a> {
    /// Rows of the first `columns` of every `stride` numbers; the others stay as they are.
    pub fn within(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(lies_within(values.len(), rows, columns, stride), "a matrix lies within its slice");
        Self { values, rows, columns, row_stride: stride }
    }

    /// `self = factor · left right`, or `self += factor · left right`. One thread: the callers share out the rows.
    pub fn product(self, precision: Precision, factor: f32, left: Matrix<'_>, right: Matrix<'_>, add: bool) {
        assert_eq!(left.columns, right.rows, "the inner sizes agree");
        assert_eq!((self.rows, self.columns), (left.rows, right.columns), "the product has the size of its place");
        if self.rows == 0 || self.columns == 0 {
            return;
        }
        if precision == Precision::Bfloat16 && amx::takes(left, right) {
            amx::product(self, factor, left, right, add);
            return;
        }
        // SAFETY: all three matrices lie within their slices (asserted where they are made) and their sizes agree
        // (asserted above); `self` is borrowed mutably, so it overlaps neither factor.
        unsafe {
            gemm::gemm(
                left.rows,
                right.columns,
                left.columns,
                self.values.as_mut_ptr(),
                1,
                self.row_stride as isize,
                add,
                left.values.as_ptr(),
                left.column_stride,
                left.row_stride,
                right.values.as_ptr(),
                right.column_stride,
                right.row_stride,
                1.0,
                factor,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

/// `to = left right`, or `to += left right`; `to` is row-major and filled.
pub fn multiply(precision: Precision, to: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, add: bool) {
    assert_eq!(to.len(), left.rows * right.columns, "the product fills its slice");
    MatrixMut::within(to, left.rows, right.columns, right.columns).product(precision, 1.0, left, right, add);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn products_are_those_of_three_loops() {
        let (m, k, n) = (5, 7, 3);
        let (left, right) = (wave(m * k, 0.7), wave(k * n, 0.3));
        let mut expected = vec![1.0f32; m * n];
        for row in 0..m {
            for column in 0..n {
                for inner in 0..k {
                    expected[row * n + column] += left[row * k + inner] * right[inner * n + column];
                }
            }
        }
        let mut product = vec![1.0; m * n];
        multiply(Precision::Single, &mut product, Matrix::new(&left, m, k), Matrix::new(&right, k, n), true);
        let left_turned: Vec<f32> = (0..k * m).map(|i| left[(i % m) * k + i / m]).collect();
        let mut of_turned = vec![9.0; m * n];
        multiply(
            Precision::Single,
            &mut of_turned,
            Matrix::new(&left_turned, k, m).transposed(),
            Matrix::new(&right, k, n),
            false,
        );
        for place in 0..m * n {
            assert!((product[place] - expected[place]).abs() < 1e-5);
            assert!((of_turned[place] + 1.0 - expected[place]).abs() < 1e-5);
        }
    }

    #[test]
    fn columns_of_a_wider_matrix_are_multiplied_and_written_alone() {
        let (m, k, n, wide) = (4, 3, 2, 8);
        let (left, right) = (wave(m * wide, 0.7), wave(k * wide, 0.3));
        let mut to = vec![5.0; m * wide];
        let place = MatrixMut::within(&mut to[1..], m, n, wide);
        place.product(
            Precision::Single,
            2.0,
            Matrix::within(&left[2..], m, k, wide),
            Matrix::within(&right, k, n, wide),
            false,
        );
        for (at, found) in to.iter().enumerate() {
            let (row, column) = (at / wide, at % wide);
            let expected = match column.checked_sub(1) {
                Some(column) if column < n => {
                    2.0 * (0..k).map(|i| left[row * wide + 2 + i] * right[i * wide + column]).sum::<f32>()
                }
                _ => 5.0,
            };
            assert!((found - expected).abs() < 1e-5, "{row}, {column}: {found}, not {expected}");
        }
    }
}
