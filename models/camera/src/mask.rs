//! Which pixels a flaw covers, and the box around them.

use crate::SIDE;

/// A box in pixels of the picture: from the left and upper edge inclusive to the right and lower edge exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Bounds {
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub fn centre(&self) -> (f32, f32) {
        (0.5 * (self.left + self.right), 0.5 * (self.top + self.bottom))
    }

    pub fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Intersection over union, 0..1.
    pub fn iou(&self, other: &Bounds) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let both = width.max(0.0) * height.max(0.0);
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The same box in a picture `factor` times as large.
    pub fn scaled(&self, factor: f32) -> Bounds {
        Bounds {
            left: factor * self.left,
            top: factor * self.top,
            right: factor * self.right,
            bottom: factor * self.bottom,
        }
    }

    /// As `domain` keeps a finding's box: x, y, width, height in whole pixels.
    pub fn whole(&self) -> [u8; 4] {
        let edge = |value: f32| value.round().clamp(0.0, SIDE as f32) as u8;
        let (left, top) = (edge(self.left), edge(self.top));
        [left, top, edge(self.right) - left, edge(self.bottom) - top]
    }
}

const WORDS: usize = SIDE.div_ceil(64);

/// A set of pixels of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    rows: Vec<[u64; WORDS]>,
}

impl Default for Mask {
    fn default() -> Self {
        Mask { rows: vec![[0; WORDS]; SIDE] }
    }
}

impl Mask {
    pub fn set(&mut self, x: usize, y: usize) {
        self.rows[y][x / 64] |= 1 << (x % 64);
    }

    pub fn has(&self, x: usize, y: usize) -> bool {
        self.rows[y][x / 64] >> (x % 64) & 1 == 1
    }

    pub fn count(&self) -> usize {
        self.rows.iter().flatten().map(|word| word.count_ones() as usize).sum()
    }

    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..SIDE).flat_map(move |y| (0..SIDE).filter(move |x| self.has(*x, y)).map(move |x| (x, y)))
    }

    /// The smallest box that encloses every pixel; none of an empty mask.
    pub fn bounds(&self) -> Option<Bounds> {
        let filled = |row: &[u64; WORDS]| row.iter().any(|word| *word != 0);
        let top = self.rows.iter().position(filled)?;
        let bottom = self.rows.iter().rposition(filled)? + 1;
        let mut columns = [0u64; WORDS];
        for row in &self.rows {
            for (all, word) in columns.iter_mut().zip(row) {
                *all |= word;
            }
        }
        let has = |x: &usize| columns[x / 64] >> (x % 64) & 1 == 1;
        let left = (0..SIDE).find(has)?;
        let right = (0..SIDE).rev().find(has)? + 1;
        Some(Bounds { left: left as f32, top: top as f32, right: right as f32, bottom: bottom as f32 })
    }

    /// The share of each cell that is covered, row by row, of a grid of `cells` × `cells`; `cells` divides 224.
    pub fn shares(&self, cells: usize) -> Vec<f32> {
        assert!(cells > 0 && SIDE.is_multiple_of(cells), "{cells} cells do not divide a side of {SIDE} pixels");
        let cell = SIDE / cells;
        let mut shares = vec![0.0; cells * cells];
        for (y, row) in self.rows.iter().enumerate() {
            if row.iter().all(|word| *word == 0) {
                continue;
            }
            for x in (0..SIDE).filter(|x| self.has(*x, y)) {
                shares[y / cell * cells + x / cell] += 1.0 / (cell * cell) as f32;
            }
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_every_pixel_and_no_row_or_column_more() {
        let mut mask = Mask::default();
        assert_eq!(mask.bounds(), None);
        mask.set(63, 5);
        mask.set(64, 9);
        mask.set(200, 7);
        assert_eq!(mask.bounds(), Some(Bounds { left: 63.0, top: 5.0, right: 201.0, bottom: 10.0 }));
        assert_eq!(mask.bounds().unwrap().whole(), [63, 5, 138, 5]);
    }

    #[test]
    fn shares_add_up_to_the_area() {
        let mut mask = Mask::default();
        for (x, y) in [(0, 0), (3, 3), (4, 0), (223, 223)] {
            mask.set(x, y);
        }
        let shares = mask.shares(56);
        assert_eq!((shares[0], shares[1], shares[56 * 56 - 1]), (2.0 / 16.0, 1.0 / 16.0, 1.0 / 16.0));
        assert_eq!(shares.iter().sum::<f32>() * 16.0, 4.0);
    }

    #[test]
    fn intersection_over_union_of_boxes() {
        let of = |left, right| Bounds { left, top: 0.0, right, bottom: 10.0 };
        assert_eq!(of(0.0, 10.0).iou(&of(0.0, 10.0)), 1.0);
        assert_eq!(of(0.0, 10.0).iou(&of(5.0, 15.0)), 1.0 / 3.0);
        assert_eq!(of(0.0, 10.0).iou(&of(20.0, 30.0)), 0.0);
    }
}
