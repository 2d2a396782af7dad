//! From what a model says of each patch to defects on a picture.

use super::{DEFECTS, PATCH_PX, SIDE_PX};

/// The most defects of a picture.
const MAX_DETECTIONS: usize = 64;

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

/// From class logits `[patches, DEFECTS + 1]`, the last of them none, and boxes `[patches, 4]`: the offset of the centre
/// across and down, and the logarithms of width and height, all in patches. A patch may show several defects.
pub(super) fn detections(classes: &[f32], boxes: &[f32], thresholds: Thresholds) -> Vec<Detection> {
    let patches = classes.chunks(DEFECTS + 1).zip(boxes.as_chunks::<4>().0).enumerate();
    let mut seen: Vec<Detection> = Vec::new();
    for (patch, (logits, place)) in patches {
        for (defect, score) in shares(logits).enumerate() {
            if score >= thresholds.score {
                seen.push(Detection { defect, score, bounds: bounds(patch, place) });
            }
        }
    }
    // Stable, so that patches of the same score stay in their order.
    seen.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in seen {
        let again = |other: &Detection| {
            other.defect == detection.defect && other.bounds.overlap(&detection.bounds) > thresholds.overlap
        };
        if !kept.iter().any(again) {
            kept.push(detection);
        }
        if kept.len() == MAX_DETECTIONS {
            break;
        }
    }
    kept
}

/// Of each defect: its share of the softmax.
fn shares(logits: &[f32]) -> impl Iterator<Item = f32> {
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits[..DEFECTS].iter().map(move |logit| (logit - most).exp() / sum)
}

fn bounds(patch: usize, &[across, down, width, height]: &[f32; 4]) -> Bounds {
    let (side, patch_px) = (SIDE_PX as f32, PATCH_PX as f32);
    let (row, column) = (patch / (SIDE_PX / PATCH_PX), patch % (SIDE_PX / PATCH_PX));
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
    use super::super::PATCHES;
    use super::*;

    /// Logits of none everywhere, but these: patch, defect, logit, box.
    fn seen(patches: &[(usize, usize, f32, [f32; 4])]) -> Vec<Detection> {
        let mut classes = vec![0.0; PATCHES * (DEFECTS + 1)];
        classes.chunks_mut(DEFECTS + 1).for_each(|logits| logits[DEFECTS] = 9.0);
        let mut boxes = vec![0.0; PATCHES * 4];
        for &(patch, defect, logit, place) in patches {
            let logits = &mut classes[patch * (DEFECTS + 1)..(patch + 1) * (DEFECTS + 1)];
            logits.fill(0.0);
            logits[defect] = logit;
            boxes[patch * 4..(patch + 1) * 4].copy_from_slice(&place);
        }
        detections(&classes, &boxes, Thresholds::default())
    }

    #[test]
    fn boxes_lie_where_their_patch_and_offsets_say() {
        // Patch 15 is the second of the second row.
        let found = seen(&[(15, 2, 9.0, [0.5, -0.25, 2f32.ln(), 0.0])]);
        let [detection] = &found[..] else { panic!("{found:?}") };
        assert_eq!(detection.defect, 2);
        let softmax = 9f32.exp() / (9f32.exp() + 6.0);
        assert!((detection.score - softmax).abs() < 1e-6);
        let Bounds { left, top, right, bottom } = detection.bounds;
        for (found, expected) in [(left, 16.0), (right, 48.0), (top, 12.0), (bottom, 28.0)] {
            assert!((found - expected).abs() < 1e-4, "{:?}", detection.bounds);
        }
    }

    #[test]
    fn boxes_stay_within_the_picture() {
        let found = seen(&[(0, 0, 9.0, [0.0, 0.0, 50.0, 50.0])]);
        assert_eq!(found[0].bounds, Bounds { left: 0.0, top: 0.0, right: 120.0, bottom: 120.0 });
    }

    #[test]
    fn of_boxes_that_overlap_the_surest_stays() {
        let (near, far) = ([0.0, 0.0, 1.0, 1.0], [-1.0, 0.0, 1.0, 1.0]);
        // Neighbours that mean the same box, one of another defect, and one elsewhere.
        let found =
            seen(&[(20, 1, 7.0, near), (21, 1, 8.0, far), (22, 3, 7.5, [-2.0, 0.0, 1.0, 1.0]), (90, 1, 6.0, near)]);
        let kept: Vec<(usize, usize)> =
            found.iter().map(|found| (found.defect, (found.bounds.top / 16.0).round() as usize)).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(kept.iter().map(|kept| kept.0).collect::<Vec<_>>(), [1, 3, 1]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }

    #[test]
    fn nothing_is_seen_where_none_is_likeliest_or_the_score_is_low() {
        assert_eq!(seen(&[]), []);
        // Of seven, e / (e + 6) = 0.31.
        assert_eq!(seen(&[(3, 1, 1.0, [0.0; 4])]), []);
    }

    /// The thresholds say what is sure enough, also where none is likelier.
    #[test]
    fn what_reaches_a_low_threshold_is_seen() {
        let mut classes = vec![0.0; PATCHES * (DEFECTS + 1)];
        classes.chunks_mut(DEFECTS + 1).for_each(|logits| logits[DEFECTS] = 9.0);
        classes[..DEFECTS + 1].copy_from_slice(&[2.0, -9.0, 1.9, -9.0, -9.0, -9.0, 2.5]);
        let found = detections(&classes, &vec![0.0; PATCHES * 4], Thresholds { score: 0.2, overlap: 0.5 });
        assert_eq!(found.iter().map(|found| found.defect).collect::<Vec<_>>(), [0, 2], "{found:?}");
    }
}
