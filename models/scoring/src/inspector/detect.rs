//! From what a model says of each patch and of each cell to defects on a picture.

use super::{DEFECTS, GRID, MASK_SIDE, PATCH_PX};

/// The most defects of a picture.
const MAX_DETECTIONS: usize = 64;
/// Cells along a patch's side.
const CELLS: usize = MASK_SIDE / GRID;
const CELL_PX: f32 = (PATCH_PX / CELLS) as f32;
/// From which probability on a cell is part of a defect.
const COVERED: f32 = 0.5;
/// Along a side of this length, pixels, a box lies halfway between what the patch says and where the mask ends; longer ones
/// follow the mask, as a patch sees little of them, and shorter ones the patch, as cells are coarse for them.
const HALFWAY_PX: f32 = 20.0;
/// What is left of the score where patch and mask do not agree at all.
const DISAGREED: f32 = 0.05;
/// How sure a finding must be that cells belong to it, and by how much of its sides it is widened for that.
const OWNING: f32 = 0.25;
const WIDENED: f32 = 0.1;

/// What counts as a defect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The least score.
    pub score: f32,
    /// Of two boxes of the same defect that share more than this (intersection over union), the surer one stays.
    pub overlap: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { score: 0.5, overlap: 0.5 }
    }
}

/// A box in pixels from the upper left corner, within the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Bounds {
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// The area that two boxes share, over the area that they cover together.
    pub fn overlap(&self, other: &Bounds) -> f32 {
        let shared = Bounds {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let shared = shared.area();
        let together = self.area() + other.area() - shared;
        if together > 0.0 { shared / together } else { 0.0 }
    }
}

/// A defect that is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Which one, in the order of the model's classes.
    pub defect: usize,
    /// Between 0 and 1.
    pub score: f32,
    pub bounds: Bounds,
}

/// What a model says of a picture of `grid` patches along a side.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub grid: usize,
    /// Logits `[patches, DEFECTS + 1]`, the last of them none.
    pub classes: &'a [f32],
    /// `[patches, 4]`: the offset of the centre across and down, and the logarithms of width and height, all in patches.
    pub boxes: &'a [f32],
    /// Probabilities `[DEFECTS, cells, cells]`, four cells along a patch's side.
    pub masks: &'a [f32],
}

/// The defects of a picture, the surest first. A patch may show several.
///
/// A patch sees a part of a large defect and guesses where it ends, while the mask is seen where it ends: so boxes are drawn
/// to their mask. Both are read from the same picture by different parts of the model, so where they agree they are likelier
/// right: the score is the patch's, times the overlap of the two.
pub fn detections(said: Said<'_>, thresholds: Thresholds) -> Vec<Detection> {
    let patches = said.classes.chunks(DEFECTS + 1).zip(said.boxes.as_chunks::<4>().0).enumerate();
    let mut seen: Vec<Detection> = Vec::new();
    for (patch, (logits, place)) in patches {
        for (defect, score) in shares(logits).enumerate() {
            // No score grows by what follows.
            if score >= thresholds.score {
                seen.push(Detection { defect, score, bounds: bounds(patch, said.grid, place) });
            }
        }
    }
    let of_patches = surest(seen, thresholds.overlap);
    let mut drawn: Vec<Detection> = of_patches.into_iter().map(|seen| drawn_to_mask(seen, said)).collect();
    drawn.retain(|drawn| drawn.score >= thresholds.score);
    // Boxes of several patches may have been drawn to the same mask.
    let mut found = surest(drawn, thresholds.overlap);
    found.truncate(MAX_DETECTIONS);
    found
}

/// Masks of what was found: a cell that no finding of its defect holds is of none, whatever its probability.
pub fn masks_of(found: &[Detection], said: Said<'_>) -> Vec<f32> {
    let side = said.grid * CELLS;
    let mut masks = vec![0.0; said.masks.len()];
    for Detection { defect, bounds, .. } in found.iter().filter(|found| found.score >= OWNING) {
        let (across, down) = (WIDENED * (bounds.right - bounds.left), WIDENED * (bounds.bottom - bounds.top));
        let columns = cells(bounds.left - across, bounds.right + across, side);
        for row in cells(bounds.top - down, bounds.bottom + down, side) {
            let line = (defect * side + row) * side;
            masks[line..][columns.clone()].copy_from_slice(&said.masks[line..][columns.clone()]);
        }
    }
    masks
}

/// Of boxes of the same defect that overlap, the surest; in the order of their scores.
fn surest(mut seen: Vec<Detection>, overlap: f32) -> Vec<Detection> {
    // Stable, so that patches of the same score stay in their order.
    seen.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in seen {
        let again =
            |other: &Detection| other.defect == detection.defect && other.bounds.overlap(&detection.bounds) > overlap;
        if !kept.iter().any(again) {
            kept.push(detection);
        }
    }
    kept
}

fn drawn_to_mask(seen: Detection, said: Said<'_>) -> Detection {
    let side = said.grid * CELLS;
    let mask = &said.masks[seen.defect * side * side..][..side * side];
    let Some(covered) = covered(mask, side, &seen.bounds) else {
        return Detection { score: seen.score * DISAGREED, ..seen };
    };
    let Bounds { left, top, right, bottom } = seen.bounds;
    let to = |from: f32, to: f32, length: f32| from + (to - from) * length / (length + HALFWAY_PX);
    Detection {
        defect: seen.defect,
        score: seen.score * seen.bounds.overlap(&covered).max(DISAGREED),
        bounds: Bounds {
            left: to(left, covered.left, right - left),
            top: to(top, covered.top, bottom - top),
            right: to(right, covered.right, right - left),
            bottom: to(bottom, covered.bottom, bottom - top),
        },
    }
}

/// Where the covered cells of a mask in and around a box end; around it is as far as it is wide and high.
fn covered(mask: &[f32], side: usize, around: &Bounds) -> Option<Bounds> {
    let (width, height) = (around.right - around.left, around.bottom - around.top);
    let columns = cells(around.left - width, around.right + width, side);
    let rows = cells(around.top - height, around.bottom + height, side);
    let cell = |row: usize, column: usize| mask[row * side + column];
    let across = ends(columns.clone().map(|column| most(rows.clone().map(|row| cell(row, column)))))?;
    let down = ends(rows.clone().map(|row| most(columns.clone().map(|column| cell(row, column)))))?;
    let px = |first: usize, at: f32| (first as f32 + at) * CELL_PX;
    Some(Bounds {
        left: px(columns.start, across.0),
        top: px(rows.start, down.0),
        right: px(columns.start, across.1),
        bottom: px(rows.start, down.1),
    })
}

/// The cells of a line whose centres lie between two places, or less than a cell beyond.
fn cells(from: f32, to: f32, side: usize) -> std::ops::Range<usize> {
    let at = |px: f32| (px / CELL_PX).clamp(0.0, side as f32);
    let first = at((from - CELL_PX) - CELL_PX / 2.0).ceil() as usize;
    let last = at((to + CELL_PX) + CELL_PX / 2.0).floor() as usize;
    first..last.max(first)
}

fn most(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(0.0, f32::max)
}

/// Where along a line of cells the first covered one begins and the last one ends, in cells: between the centres of the
/// last cell that is not covered and the first that is, where the probability would cross the limit on a straight line.
fn ends(line: impl Iterator<Item = f32>) -> Option<(f32, f32)> {
    let line: Vec<f32> = line.collect();
    let is = |value: &f32| *value >= COVERED;
    let (first, last) = (line.iter().position(is)?, line.iter().rposition(is)?);
    let beyond = |at: usize, neighbour: Option<usize>| {
        let neighbour = neighbour.and_then(|at| line.get(at)).copied().unwrap_or(0.0);
        (line[at] - COVERED) / (line[at] - neighbour).max(1e-6)
    };
    let before = beyond(first, first.checked_sub(1));
    Some((first as f32 + 0.5 - before, last as f32 + 0.5 + beyond(last, Some(last + 1))))
}

/// Of each defect: its share of the softmax.
fn shares(logits: &[f32]) -> impl Iterator<Item = f32> {
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits[..DEFECTS].iter().map(move |logit| (logit - most).exp() / sum)
}

fn bounds(patch: usize, grid: usize, &[across, down, width, height]: &[f32; 4]) -> Bounds {
    let (side, patch_px) = ((grid * PATCH_PX) as f32, PATCH_PX as f32);
    let (row, column) = (patch / grid, patch % grid);
    let centre = |index: usize, offset: f32| (index as f32 + 0.5 + offset) * patch_px;
    // Nothing is larger than the picture, whatever a model says.
    let extent = |logarithm: f32| (logarithm.exp() * patch_px).min(side);
    let (x, y, width, height) = (centre(column, across), centre(row, down), extent(width), extent(height));
    let within = |value: f32| value.clamp(0.0, side);
    Bounds {
        left: within(x - width / 2.0),
        top: within(y - height / 2.0),
        right: within(x + width / 2.0),
        bottom: within(y + height / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = GRID * CELLS;

    /// What is said of a picture on which nothing is.
    struct Picture {
        classes: Vec<f32>,
        boxes: Vec<f32>,
        masks: Vec<f32>,
    }

    impl Picture {
        fn new() -> Self {
            let mut classes = vec![0.0; GRID * GRID * (DEFECTS + 1)];
            classes.chunks_mut(DEFECTS + 1).for_each(|logits| logits[DEFECTS] = 9.0);
            Self { classes, boxes: vec![0.0; GRID * GRID * 4], masks: vec![0.0; DEFECTS * SIDE * SIDE] }
        }

        /// A patch says that there is a defect, with this logit beside zeros.
        fn patch(mut self, patch: usize, defect: usize, logit: f32, place: [f32; 4]) -> Self {
            let logits = &mut self.classes[patch * (DEFECTS + 1)..][..DEFECTS + 1];
            logits.fill(0.0);
            logits[defect] = logit;
            self.boxes[patch * 4..][..4].copy_from_slice(&place);
            self
        }

        /// Cells are covered: columns and rows.
        fn mask(mut self, defect: usize, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> Self {
            for row in rows {
                self.masks[(defect * SIDE + row) * SIDE..][columns.clone()].fill(1.0);
            }
            self
        }

        fn seen_from(&self, score: f32) -> Vec<Detection> {
            let Self { classes, boxes, masks } = self;
            detections(Said { grid: GRID, classes, boxes, masks }, Thresholds { score, overlap: 0.5 })
        }

        fn seen(&self) -> Vec<Detection> {
            self.seen_from(0.5)
        }
    }

    fn assert_lies(found: &Detection, at: [f32; 4]) {
        let Bounds { left, top, right, bottom } = found.bounds;
        for (found, expected) in [left, top, right, bottom].into_iter().zip(at) {
            assert!((found - expected).abs() < 1e-3, "{found}, not {expected}: {left} {top} {right} {bottom}");
        }
    }

    #[test]
    fn boxes_lie_where_their_patch_and_offsets_say_if_their_mask_agrees() {
        // Patch 15 is the second of the second row: 16 to 48 pixels across, 12 to 28 down.
        let found = Picture::new().patch(15, 2, 9.0, [0.5, -0.25, 2f32.ln(), 0.0]).mask(2, 4..12, 3..7).seen();
        let [detection] = &found[..] else { panic!("{found:?}") };
        assert_eq!(detection.defect, 2);
        let softmax = 9f32.exp() / (9f32.exp() + 6.0);
        assert!((detection.score - softmax).abs() < 1e-5);
        assert_lies(detection, [16.0, 12.0, 48.0, 28.0]);
    }

    #[test]
    fn a_box_is_drawn_to_where_its_mask_ends_the_more_the_longer_it_is() {
        // The patch says 64 by 16 pixels from 72, 96 on; the mask ends at 160, 124.
        let place = [0.0, 0.0, 4f32.ln(), 0.0];
        let found = Picture::new().patch(6 * GRID + 6, 1, 9.0, place).mask(1, 18..40, 24..31).seen_from(0.02);
        let [detection] = &found[..] else { panic!("{found:?}") };
        let (across, down) = (64.0 / (64.0 + HALFWAY_PX), 16.0 / (16.0 + HALFWAY_PX));
        let towards = |from: f32, to: f32, share: f32| from + (to - from) * share;
        let (left, right) = (towards(72.0, 72.0, across), towards(136.0, 160.0, across));
        assert_lies(detection, [left, towards(96.0, 96.0, down), right, towards(112.0, 124.0, down)]);
        // 64 by 16 of 88 by 28.
        let share = 9f32.exp() / (9f32.exp() + 6.0);
        assert!((detection.score - share * 64.0 * 16.0 / (88.0 * 28.0)).abs() < 1e-4, "{}", detection.score);
    }

    #[test]
    fn an_end_lies_where_the_probability_crosses_the_limit() {
        let (first, last) = ends([0.0, 0.25, 0.75, 1.0, 0.9, 0.4].into_iter()).unwrap();
        assert!((first - 2.0).abs() < 1e-6 && (last - 5.3).abs() < 1e-6, "{first} {last}");
        assert_eq!(ends([0.75, 0.2].into_iter()).map(|(first, _)| first), Some(0.5 - 0.25 / 0.75));
        assert_eq!(ends([0.4, 0.1].into_iter()), None);
    }

    #[test]
    fn what_the_mask_does_not_show_is_hardly_seen() {
        let picture = Picture::new().patch(15, 2, 9.0, [0.0; 4]);
        assert_eq!(picture.seen(), []);
        let found = picture.seen_from(0.02);
        assert!(found[0].score < DISAGREED, "{found:?}");
        // A mask of another defect, or far away, is no other thing.
        assert_eq!(picture.mask(3, 4..8, 4..8).mask(2, 40..50, 40..50).seen_from(0.02), found);
    }

    #[test]
    fn boxes_stay_within_the_picture() {
        let found = Picture::new().patch(0, 0, 9.0, [0.0, 0.0, 50.0, 50.0]).mask(0, 0..SIDE, 0..SIDE).seen_from(0.1);
        let Bounds { left, top, right, bottom } = found[0].bounds;
        assert!(left >= 0.0 && top >= 0.0 && right <= 224.0 && bottom <= 224.0, "{found:?}");
    }

    #[test]
    fn of_boxes_that_overlap_the_surest_stays() {
        let (near, far) = ([0.0, 0.0, 1.0, 1.0], [-1.0, 0.0, 1.0, 1.0]);
        // Neighbours that mean the same box, one of another defect, and one elsewhere.
        let found = Picture::new()
            .patch(20, 1, 7.0, near)
            .patch(21, 1, 8.0, far)
            .patch(22, 3, 7.5, [-2.0, 0.0, 1.0, 1.0])
            .patch(90, 1, 6.0, near)
            .mask(1, 21..31, 1..11)
            .mask(3, 21..31, 1..11)
            .mask(1, 21..31, 21..31)
            .seen_from(0.2);
        let mut kept: Vec<usize> = found.iter().map(|found| found.defect).collect();
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "{found:?}");
        kept.sort_unstable();
        assert_eq!(kept, [1, 1, 3], "{found:?}");
    }

    #[test]
    fn boxes_that_come_to_lie_on_one_another_are_one() {
        // Two patches see the two halves of what the mask shows whole.
        let half = [0.0, 0.0, 2f32.ln(), 0.5];
        let picture = Picture::new().patch(3 * GRID + 3, 4, 7.0, half).patch(3 * GRID + 5, 4, 6.0, half);
        assert_eq!(picture.mask(4, 10..26, 11..17).seen_from(0.02).len(), 1);
        let apart = Picture::new().patch(3 * GRID + 3, 4, 7.0, half).patch(3 * GRID + 9, 4, 6.0, half);
        assert_eq!(apart.mask(4, 10..18, 11..17).mask(4, 34..42, 11..17).seen_from(0.02).len(), 2);
    }

    #[test]
    fn masks_are_of_what_was_found() {
        let picture =
            Picture::new().patch(15, 2, 9.0, [0.0; 4]).mask(2, 4..8, 4..8).mask(2, 40..44, 40..44).mask(1, 4..8, 4..8);
        let Picture { classes, boxes, masks } = &picture;
        let said = Said { grid: GRID, classes, boxes, masks };
        let found = picture.seen();
        let expected = Picture::new().mask(2, 4..8, 4..8).masks;
        assert_eq!(masks_of(&found, said), expected);
        let unsure: Vec<Detection> = found.into_iter().map(|found| Detection { score: 0.2, ..found }).collect();
        assert_eq!(masks_of(&unsure, said), Picture::new().masks);
    }

    #[test]
    fn nothing_is_seen_where_none_is_likeliest_or_the_score_is_low() {
        assert_eq!(Picture::new().mask(1, 0..SIDE, 0..SIDE).seen(), []);
        // Of seven, e / (e + 6) = 0.31.
        assert_eq!(Picture::new().patch(3, 1, 1.0, [0.0; 4]).mask(1, 12..16, 0..4).seen(), []);
    }

    /// The thresholds say what is sure enough, also where none is likelier.
    #[test]
    fn what_reaches_a_low_threshold_is_seen() {
        let mut picture = Picture::new().mask(0, 0..4, 0..4).mask(2, 0..4, 0..4);
        picture.classes[..DEFECTS + 1].copy_from_slice(&[2.0, -9.0, 1.9, -9.0, -9.0, -9.0, 2.5]);
        let found = picture.seen_from(0.2);
        assert_eq!(found.iter().map(|found| found.defect).collect::<Vec<_>>(), [0, 2], "{found:?}");
    }
}
