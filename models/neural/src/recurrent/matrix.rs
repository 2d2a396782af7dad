use gemm::Parallelism;

/// A row-major matrix in a slice, read as it is or transposed.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: isize,
    column_stride: isize,
}

impl<'a> Matrix<'a> {
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix fills its slice");
        Self { values, rows, columns, row_stride: columns as isize, column_stride: 1 }
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

/// `to = left right`, or `to += left right`; `to` is row-major. One thread: the callers share out the rows.
pub fn multiply(to: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, add: bool) {
    assert_eq!(left.columns, right.rows, "the inner sizes agree");
    assert_eq!(to.len(), left.rows * right.columns, "the product fills its slice");
    if to.is_empty() {
        return;
    }
    // SAFETY: both matrices lie within their slices and `to` holds the product (asserted above and in `new`); `to` is
    // borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            to.as_mut_ptr(),
            1,
            right.columns as isize,
            add,
            left.values.as_ptr(),
            left.column_stride,
            left.row_stride,
            right.values.as_ptr(),
            right.column_stride,
            right.row_stride,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_three_loops() {
        let (m, k, n) = (5, 7, 3);
        let left: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.7).sin()).collect();
        let right: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.3).cos()).collect();
        let mut expected = vec![1.0f32; m * n];
        for row in 0..m {
            for column in 0..n {
                for inner in 0..k {
                    expected[row * n + column] += left[row * k + inner] * right[inner * n + column];
                }
            }
        }
        let mut product = vec![1.0; m * n];
        multiply(&mut product, Matrix::new(&left, m, k), Matrix::new(&right, k, n), true);
        let left_turned: Vec<f32> = (0..k * m).map(|i| left[(i % m) * k + i / m]).collect();
        let mut of_turned = vec![9.0; m * n];
        multiply(&mut of_turned, Matrix::new(&left_turned, k, m).transposed(), Matrix::new(&right, k, n), false);
        for place in 0..m * n {
            assert!((product[place] - expected[place]).abs() < 1e-5);
            assert!((of_turned[place] + 1.0 - expected[place]).abs() < 1e-5);
        }
    }
}
