//! Labels as people give them: the box drawn by hand, not the one that is true.
//!
//! Ware with a flaw that the camera does not see is labelled too, since other inspection (polarised light, the eye in the
//! laboratory) finds it; no model that has the picture alone can.

use crate::SIDE;
use crate::chance::{Chance, Purpose};
use crate::flaws::Kind;
use crate::mask::{Bounds, Mask};
use crate::picture::Mark;

/// Deviation of each edge of a box drawn by hand: a share of the box's side, and pixels.
const JITTER_SHARE: f32 = 0.03;
const JITTER_PIXELS: f32 = 0.6;
/// A box is never drawn smaller than this, pixels.
const LEAST_SIDE: f32 = 3.0;

/// What an annotator says of a flaw.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub kind: Kind,
    pub bounds: Bounds,
    pub mask: Mask,
    /// Whether the picture shows it. Not told to a model.
    pub visible: bool,
}

/// The label of the flaw that is number `index` of a picture. The mask is displaced and stretched as the box is.
pub fn annotate(seed: u64, index: u64, mark: &Mark) -> Label {
    let mut chance = Chance::of(seed, Purpose::Annotator, index);
    let truth = mark.bounds;
    let mut edge = |at: f32, side: f32| {
        let deviation = JITTER_SHARE * side + JITTER_PIXELS;
        (at + deviation * chance.normal().clamp(-3.0, 3.0)).clamp(0.0, SIDE as f32)
    };
    let (left, right) = ordered(edge(truth.left, truth.width()), edge(truth.right, truth.width()));
    let (top, bottom) = ordered(edge(truth.top, truth.height()), edge(truth.bottom, truth.height()));
    let bounds = Bounds { left, top, right, bottom };
    Label { kind: mark.flaw.kind, bounds, mask: moved(&mark.mask, &truth, &bounds), visible: mark.flaw.visible() }
}

fn ordered(from: f32, to: f32) -> (f32, f32) {
    let least = from.min(to).min(SIDE as f32 - LEAST_SIDE);
    (least, from.max(to).max(least + LEAST_SIDE))
}

/// The mask, displaced and stretched with its box.
fn moved(mask: &Mask, from: &Bounds, to: &Bounds) -> Mask {
    let mut moved = Mask::default();
    let source = |at: usize, to_least: f32, to_side: f32, from_least: f32, from_side: f32| {
        let place = from_least + (at as f32 + 0.5 - to_least) / to_side * from_side;
        (0.0..SIDE as f32).contains(&place).then_some(place as usize)
    };
    let [left, top, width, height] = to.whole().map(usize::from);
    let columns: Vec<Option<usize>> =
        (left..left + width).map(|x| source(x, to.left, to.width(), from.left, from.width())).collect();
    for y in top..top + height {
        let Some(row) = source(y, to.top, to.height(), from.top, from.height()) else { continue };
        for (x, column) in (left..).zip(&columns) {
            if column.is_some_and(|column| mask.has(column, row)) {
                moved.set(x, y);
            }
        }
    }
    moved
}
