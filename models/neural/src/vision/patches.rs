use lehr_camera::Kind;
use lehr_camera::set::{CELL, PATCH};

/// The kinds of flaws, and none.
pub const CLASSES: usize = Kind::COUNT + 1;

/// Cells of a patch along a side.
pub(super) const CELLS: usize = PATCH / CELL;

/// Mask numbers of a patch: of each kind in turn, row by row.
pub(super) const MASKS: usize = Kind::COUNT * CELLS * CELLS;

/// What is subtracted from the light, and what it is divided by: about the mean and the deviation of back light.
pub(super) const MEAN: f32 = 0.6;
pub(super) const DEVIATION: f32 = 0.25;

/// A picture's planes `[3, side, side]` as `[side, side, 3]`, scaled.
pub fn pixels(image: &[f32], side: usize, out: &mut Vec<f32>) {
    let place = side * side;
    out.extend((0..3 * place).map(|at| (image[at % 3 * place + at / 3] - MEAN) / DEVIATION));
}

/// Masks `[6, cells, cells]` as `[grid × grid, MASKS]`.
pub(super) fn mask_patches(masks: &[f32], cells: usize, out: &mut Vec<f32>) {
    let grid = cells / CELLS;
    for patch in 0..grid * grid {
        let (top, left) = (patch / grid * CELLS, patch % grid * CELLS);
        for plane in masks.chunks_exact(cells * cells) {
            for row in plane[top * cells..].chunks(cells).take(CELLS) {
                out.extend(&row[left..left + CELLS]);
            }
        }
    }
}

/// The inverse of [`mask_patches`].
pub(super) fn masks_of_patches(patches: &[f32], cells: usize) -> Vec<f32> {
    let grid = cells / CELLS;
    let mut masks = vec![0.0; Kind::COUNT * cells * cells];
    for (patch, numbers) in patches.chunks_exact(MASKS).enumerate() {
        let (top, left) = (patch / grid * CELLS, patch % grid * CELLS);
        for (at, number) in numbers.iter().enumerate() {
            let (kind, row, column) = (at / (CELLS * CELLS), at / CELLS % CELLS, at % CELLS);
            masks[(kind * cells + top + row) * cells + left + column] = *number;
        }
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_has_its_colours_side_by_side() {
        let side = 4;
        let image: Vec<f32> = (0..3 * side * side).map(|at| at as f32).collect();
        let mut out = vec![];
        pixels(&image, side, &mut out);
        assert_eq!(out.len(), image.len());
        // Row 2, column 1: its green.
        assert_eq!(out[3 * 9 + 1], ((16 + 9) as f32 - MEAN) / DEVIATION);
    }

    #[test]
    fn masks_come_back_from_their_patches() {
        let cells = 8;
        let masks: Vec<f32> = (0..Kind::COUNT * cells * cells).map(|at| at as f32).collect();
        let mut out = vec![];
        mask_patches(&masks, cells, &mut out);
        assert_eq!(out[1], 1.0);
        assert_eq!(out[4], 8.0, "the second row of the first patch");
        assert_eq!(masks_of_patches(&out, cells), masks);
    }
}
