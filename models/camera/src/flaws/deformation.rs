//! Deformation: the contour bent, flattened or bulged over a stretch of the height.

use super::Flaw;
use crate::chance::{Chance, Purpose, bump};
use crate::mask::Mask;
use crate::ware::{Contour, Pose, Row};

/// Displacement of the contour that can just be seen, pixels.
const VISIBLE: f32 = 1.6;

#[derive(Clone, Copy, Debug)]
enum Form {
    /// The axis is displaced, by pixels.
    Bent(f32),
    /// One side is flattened (negative) or bulged, by pixels; whether it is the right one.
    Pressed { by: f32, right: bool },
}

/// A deformation of a contour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bend {
    top: f32,
    bottom: f32,
    form: Form,
}

impl Bend {
    pub fn new(flaw: &Flaw, wall: (f32, f32)) -> Bend {
        let mut chance = Chance::new(flaw.form, Purpose::Form);
        let length = flaw.size.min(0.9 * (wall.1 - wall.0));
        let top = wall.0 + flaw.down * (wall.1 - wall.0 - length);
        let by = flaw.contrast * VISIBLE;
        let form = if chance.happens(0.4) {
            Form::Bent(by * chance.sign())
        } else {
            Form::Pressed { by: by * if chance.happens(0.75) { -1.0 } else { 0.8 }, right: flaw.across > 0.0 }
        };
        Bend { top, bottom: top + length, form }
    }

    /// Nothing changes outside of the deformed stretch.
    pub fn apply(&self, y: f32, row: &mut Row) {
        let (middle, half) = (0.5 * (self.top + self.bottom), 0.5 * (self.bottom - self.top));
        let share = bump((y - middle) / half);
        match self.form {
            Form::Bent(by) => row.centre += by * share,
            Form::Pressed { by, right: true } => row.right += by * share,
            Form::Pressed { by, right: false } => row.left += by * share,
        }
    }

    /// Every pixel between the contour that the mould gives and the axis, or the other contour, of the stretch; and
    /// what the deformed contour adds.
    pub fn mask(&self, pose: &Pose, sound: &Contour, bent: &Contour) -> Mask {
        let mut mask = Mask::default();
        let (middle, half) = (0.5 * (self.top + self.bottom), 0.5 * (self.bottom - self.top));
        let (columns, rows) = pose.window((0.0, middle), (90.0, half));
        for y in rows {
            for x in columns.clone() {
                let place = pose.on_ware(x, y);
                let side = match self.form {
                    Form::Bent(_) => true,
                    Form::Pressed { right, .. } => (place.0 > 0.0) == right,
                };
                let stretch = (self.top..=self.bottom).contains(&place.1);
                if side && stretch && (sound.holds(place) || bent.holds(place)) {
                    mask.set(x, y);
                }
            }
        }
        mask
    }
}
