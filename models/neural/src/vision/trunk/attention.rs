use crate::kernels::{Matrix, MatrixMut, Precision, softmax, softmax_back};

/// How the numbers of one picture's patches are cut into heads, and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    pub patches: usize,
    pub width: usize,
    pub heads: usize,
    pub precision: Precision,
}

impl Heads {
    fn per_head(&self) -> usize {
        self.width / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.per_head() as f32).sqrt()
    }

    /// One head's query, key or value (0, 1, 2) in `[patches, 3 width]`.
    fn part<'a>(&self, all: &'a [f32], head: usize, part: usize) -> Matrix<'a> {
        let from = part * self.width + head * self.per_head();
        Matrix::within(&all[from..], self.patches, self.per_head(), 3 * self.width)
    }

    /// What each patch takes from the others: `all` `[patches, 3 width]` are queries, keys and values, `shares`
    /// `[heads, patches, patches]` becomes how much it takes, `mixed` `[patches, width]` what comes of it.
    pub fn forward(&self, all: &[f32], shares: &mut [f32], mixed: &mut [f32]) {
        let square = self.patches * self.patches;
        for (head, shares) in shares.chunks_exact_mut(square).enumerate() {
            let (query, key, value) = (self.part(all, head, 0), self.part(all, head, 1), self.part(all, head, 2));
            let to = MatrixMut::within(shares, self.patches, self.patches, self.patches);
            to.product(self.precision, self.scale(), query, key.transposed(), false);
            softmax(shares, self.patches);
            let to = MatrixMut::within(&mut mixed[head * self.per_head()..], self.patches, self.per_head(), self.width);
            to.product(self.precision, 1.0, Matrix::new(shares, self.patches, self.patches), value, false);
        }
    }

    /// Given the loss's gradient at `mixed`, writes that at `all` to `to`. `room`: `[patches, patches]`.
    pub fn backward(&self, all: &[f32], shares: &[f32], gradient: &[f32], room: &mut [f32], to: &mut [f32]) {
        let square = self.patches * self.patches;
        for (head, shares) in shares.chunks_exact(square).enumerate() {
            let (query, key, value) = (self.part(all, head, 0), self.part(all, head, 1), self.part(all, head, 2));
            let mixed = &gradient[head * self.per_head()..];
            let mixed = Matrix::within(mixed, self.patches, self.per_head(), self.width);
            let taken = Matrix::new(shares, self.patches, self.patches);
            self.place(to, head, 2).product(self.precision, 1.0, taken.transposed(), mixed, false);
            MatrixMut::within(room, self.patches, self.patches, self.patches).product(
                self.precision,
                1.0,
                mixed,
                value.transposed(),
                false,
            );
            softmax_back(shares, room, self.patches);
            let scores = Matrix::new(room, self.patches, self.patches);
            self.place(to, head, 0).product(self.precision, self.scale(), scores, key, false);
            self.place(to, head, 1).product(self.precision, self.scale(), scores.transposed(), query, false);
        }
    }

    fn place<'a>(&self, all: &'a mut [f32], head: usize, part: usize) -> MatrixMut<'a> {
        let from = part * self.width + head * self.per_head();
        MatrixMut::within(&mut all[from..], self.patches, self.per_head(), 3 * self.width)
    }
}
