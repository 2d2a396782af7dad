//! Bubble: an ellipse of trapped gas, with a bright rim and a dark core.

use super::Flaw;
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, bump, step};
use crate::mask::Mask;
use crate::ware::{Contour, Pose};

/// Relative change of brightness that can just be seen.
const VISIBLE: f32 = 0.14;
/// Where the ellipse's outline ends, as a multiple of its radii.
const OUTLINE: f32 = 1.12;

pub(crate) struct Bubble {
    middle: (f32, f32),
    radii: (f32, f32),
    turn: (f32, f32),
    depth: f32,
}

impl Bubble {
    pub fn new(flaw: &Flaw, contour: &Contour) -> Bubble {
        let mut chance = Chance::new(flaw.form, Purpose::Form);
        let long = 0.5 * flaw.size / OUTLINE;
        let radii = (long * chance.between(0.55, 1.0), long);
        // Gas is drawn out along the axis as the glass is.
        let angle = 0.35 * chance.normal();
        let middle = flaw.middle(contour, (0.5 * flaw.size, 0.5 * flaw.size));
        Bubble { middle, radii, turn: (angle.cos(), angle.sin()), depth: flaw.contrast * VISIBLE }
    }

    /// Place as a multiple of the radii.
    fn within(&self, place: (f32, f32)) -> (f32, f32) {
        let (x, y) = (place.0 - self.middle.0, place.1 - self.middle.1);
        let (along, down) = (self.turn.0 * x + self.turn.1 * y, self.turn.0 * y - self.turn.1 * x);
        (along / self.radii.0, down / self.radii.1)
    }

    pub fn trace(&self, pose: &Pose, canvas: &mut Canvas) -> Mask {
        let mut mask = Mask::default();
        let reach = OUTLINE * self.radii.1 + 1.5;
        let light = canvas.light;
        // The outline is half a pixel soft, however small the bubble.
        let soft = 0.6 / self.radii.0;
        canvas.each(pose, self.middle, (reach, reach), |canvas, x, y, place| {
            let (along, down) = self.within(place);
            let radius = (along * along + down * down).sqrt();
            if radius <= OUTLINE {
                mask.set(x, y);
            }
            let towards = (along * light.0 + down * light.1) / radius.max(0.3);
            let core = -1.1 * step(0.72, 0.25, radius);
            let rim = 1.2 * bump((radius - 0.82) / 0.24) * (1.0 + 0.45 * towards);
            let outline = -0.55 * step(0.92, 1.0, radius) * step(OUTLINE + soft, OUTLINE - 0.5 * soft, radius);
            canvas.scale(x, y, 1.0 + self.depth * (core + rim + outline));
        });
        mask
    }
}
