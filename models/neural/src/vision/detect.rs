use lehr_camera::set::decode;
use lehr_camera::{Bounds, Kind};

use super::patches::CLASSES;

/// Of two boxes of the same kind that overlap more than this, the surer one stays.
const OVERLAP: f32 = 0.5;
/// The most findings of a picture.
const MOST: usize = 64;

/// A flaw that is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub kind: Kind,
    /// 0 to 1.
    pub score: f32,
    /// In pixels of the model's input, within it.
    pub bounds: Bounds,
}

/// From class logits `[patches, 7]` and boxes `[patches, 4]` of one picture to what is found with a score of at least
/// `least`, the surest first. A patch may find several kinds, so that the curve of precision and recall is whole.
pub fn detections(classes: &[f32], boxes: &[f32], grid: usize, least: f32) -> Vec<Detection> {
    let side = (grid * lehr_camera::set::PATCH) as f32;
    let mut seen: Vec<Detection> = vec![];
    for (patch, (logits, place)) in classes.chunks_exact(CLASSES).zip(boxes.as_chunks::<4>().0).enumerate() {
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
        for (kind, logit) in Kind::ALL.into_iter().zip(logits) {
            let score = (logit - most).exp() / sum;
            if score >= least {
                let bounds = decode(patch, grid, *place);
                let within = |value: f32| value.clamp(0.0, side);
                let bounds = Bounds {
                    left: within(bounds.left),
                    top: within(bounds.top),
                    right: within(bounds.right),
                    bottom: within(bounds.bottom),
                };
                seen.push(Detection { kind, score, bounds });
            }
        }
    }
    // Stable, so that patches of the same score stay in their order.
    seen.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Detection> = vec![];
    for detection in seen {
        let again = |other: &Detection| other.kind == detection.kind && other.bounds.iou(&detection.bounds) > OVERLAP;
        if kept.len() < MOST && !kept.iter().any(again) {
            kept.push(detection);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_neighbours_that_say_the_same_the_surest_stays() {
        let grid = 7;
        let mut classes = vec![0.0; grid * grid * CLASSES];
        classes.chunks_mut(CLASSES).for_each(|logits| logits[CLASSES - 1] = 12.0);
        let mut boxes = vec![0.0; grid * grid * 4];
        for (patch, logit, across) in [(24, 14.0, 0.0), (25, 15.0, -1.0), (0, 13.0, 0.0)] {
            classes[patch * CLASSES + Kind::Stain.index()] = logit;
            boxes[4 * patch..4 * patch + 4].copy_from_slice(&[across, 0.0, 0.5, 0.5]);
        }
        let found = detections(&classes, &boxes, grid, 0.3);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].score > 0.94 && found[0].kind == Kind::Stain);
        assert_eq!(found[0].bounds.centre(), (3.5 * 16.0, 3.5 * 16.0));
        assert_eq!((found[1].bounds.left, found[1].bounds.top), (0.0, 0.0), "held within the picture");
    }
}
