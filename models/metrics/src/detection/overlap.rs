//! How well two areas cover each other: their intersection over their union (Jaccard 1901).

/// A box: corners, in pixels or any other unit, with `x0 <= x1` and `y0 <= y1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

impl Rect {
    pub fn area(&self) -> f64 {
        f64::from((self.x1 - self.x0).max(0.0)) * f64::from((self.y1 - self.y0).max(0.0))
    }

    /// Intersection over union; zero when both are empty.
    pub fn iou(&self, other: &Rect) -> f64 {
        let shared = Rect {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        };
        let union = self.area() + other.area() - shared.area();
        if union > 0.0 { shared.area() / union } else { 0.0 }
    }
}

/// Pixels in both over pixels in either; `None` when neither has one.
///
/// # Panics
///
/// When the masks differ in size: they are of the same picture.
pub fn mask_iou(found: &[bool], present: &[bool]) -> Option<f64> {
    assert_eq!(found.len(), present.len(), "masks of one picture have as many pixels");
    let pairs = || found.iter().zip(present);
    let both = pairs().filter(|(a, b)| **a && **b).count();
    let either = pairs().filter(|(a, b)| **a || **b).count();
    (either > 0).then(|| both as f64 / either as f64)
}

/// The mean of what is defined: IoU over classes, pictures or pieces.
pub fn mean_iou(overlaps: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = overlaps.into_iter().flatten().fold((0.0, 0u64), |(sum, n), iou| (sum + iou, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Boxes on the pixel grid, against the pixels they hold.
    #[test]
    fn boxes_overlap_as_their_pixels_do() {
        let mut random = Random::new(21);
        for _ in 0..300 {
            let mut rect = || {
                let (x, y, w, h) = (random.below(12), random.below(12), random.below(9), random.below(9));
                Rect { x0: x as f32, y0: y as f32, x1: (x + w) as f32, y1: (y + h) as f32 }
            };
            let (a, b) = (rect(), rect());
            let pixels = |rect: &Rect| -> Vec<bool> {
                let within = |index: usize| {
                    let (x, y) = ((index % 24) as f32, (index / 24) as f32);
                    x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1
                };
                (0..24 * 24).map(within).collect()
            };
            let by_pixels = mask_iou(&pixels(&a), &pixels(&b)).unwrap_or(0.0);
            assert!((a.iou(&b) - by_pixels).abs() < 1e-9, "{a:?} {b:?}");
        }
    }

    #[test]
    fn known_values() {
        let rect = |x0, y0, x1, y1| Rect { x0, y0, x1, y1 };
        assert!((rect(0.0, 0.0, 2.0, 2.0).iou(&rect(1.0, 1.0, 3.0, 3.0)) - 1.0 / 7.0).abs() < 1e-9);
        assert_eq!(rect(0.0, 0.0, 2.0, 2.0).iou(&rect(0.0, 0.0, 2.0, 2.0)), 1.0);
        assert_eq!(rect(0.0, 0.0, 1.0, 1.0).iou(&rect(5.0, 5.0, 6.0, 6.0)), 0.0);
        assert_eq!(mask_iou(&[false, false], &[false, false]), None);
        assert_eq!(mean_iou([Some(0.5), None, Some(1.0)]), Some(0.75));
        assert_eq!(mean_iou([None]), None);
    }
}
