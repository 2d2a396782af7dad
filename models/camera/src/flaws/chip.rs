//! Chip: a piece broken out of the rim, a shell-shaped notch with a bright and a dark edge.

use super::Flaw;
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, bump, noise, step};
use crate::mask::Mask;
use crate::ware::{Contour, Pose};

/// Share of the missing glass that can just be seen.
const VISIBLE: f32 = 0.20;

pub(crate) struct Chip {
    middle: f32,
    half: f32,
    depth: f32,
    share: f32,
    form: u64,
}

impl Chip {
    pub fn new(flaw: &Flaw, contour: &Contour) -> Chip {
        let mut chance = Chance::new(flaw.form, Purpose::Form);
        let half = 0.5 * flaw.size;
        let rim = contour.row(0.0);
        // Across the whole rim, so that some chips are at its corners.
        let middle = rim.centre + flaw.across * rim.left;
        let depth = flaw.size * chance.between(0.4, 0.7);
        Chip { middle, half, depth: depth.clamp(4.0, 16.0), share: flaw.contrast * VISIBLE, form: flaw.form }
    }

    /// 0 at the middle of the break to 1 at its edge.
    fn radius(&self, (x, y): (f32, f32)) -> f32 {
        let (across, down) = ((x - self.middle) / self.half, y / self.depth);
        let ragged = 1.0 + 0.14 * noise(0.45 * x, 0.45 * y, self.form);
        (across * across + down * down).sqrt() * ragged
    }

    pub fn trace(&self, pose: &Pose, sound: &Contour, canvas: &mut Canvas) -> Mask {
        let mut mask = Mask::default();
        let reach = (1.2 * self.half + 1.0, 1.2 * self.depth + 1.0);
        let light = canvas.light;
        let open = (self.share).min(0.95);
        canvas.each(pose, (self.middle, 0.0), reach, |canvas, x, y, place| {
            let radius = self.radius(place);
            if radius <= 1.0 && sound.holds(place) {
                mask.set(x, y);
            }
            let inside = step(1.04, 0.92, radius);
            // The rim's own upper edge is half a pixel soft, and goes with the glass.
            if inside <= 0.0 || place.1 < -0.8 || !sound.holds((place.0, place.1.max(0.0))) {
                return;
            }
            canvas.reveal(x, y, open * inside);
            let side =
                ((place.0 - self.middle) / self.half * light.0 + light.1 * place.1 / self.depth).clamp(-1.0, 1.0);
            let edge = bump((radius - 0.9) / 0.16) * (-1.5 + 1.1 * side);
            let shell = 0.5 * bump((radius - 0.62) / 0.1) * side;
            canvas.scale(x, y, (1.0 + (0.5 * open).min(0.55) * (edge + shell)).max(0.1));
        });
        mask
    }
}
