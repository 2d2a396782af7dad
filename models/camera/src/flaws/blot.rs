//! Irregular spots, made of overlapping discs: cloudiness, which scatters light and has a soft edge, and stains, which
//! absorb it and have a sharp one.

use super::{Flaw, Kind};
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, noise, step};
use crate::mask::Mask;
use crate::ware::{Contour, Pose};

/// Relative change of brightness that can just be seen: wide soft patches show at less than small ones would.
const CLOUDINESS_VISIBLE: f32 = 0.04;
const STAIN_VISIBLE: f32 = 0.075;
/// Where the sum of the discs has the spot's edge; a patch of cloudiness has lost six sevenths of its strength there.
const CLOUDINESS_EDGE: f32 = 0.15;
const STAIN_EDGE: f32 = 0.36;

pub(crate) struct Blot {
    kind: Kind,
    discs: Vec<Disc>,
    middle: (f32, f32),
    reach: (f32, f32),
    depth: f32,
    /// Length over which the outline is bent, pixels.
    bend: f32,
    /// How much each of red, green and blue is absorbed.
    tint: [f32; 3],
    form: u64,
}

struct Disc {
    at: (f32, f32),
    radius: f32,
}

impl Blot {
    pub fn new(flaw: &Flaw, contour: &Contour) -> Blot {
        let mut chance = Chance::new(flaw.form, Purpose::Form);
        let aspect = chance.between(0.6, 1.0);
        let (wide, high) = if chance.happens(0.5) { (1.0, aspect) } else { (aspect, 1.0) };
        let high = 0.5 * flaw.size * high;
        let (_, y) = flaw.middle(contour, (0.0, high));
        let row = contour.row(y);
        let wide = (0.5 * flaw.size * wide).min(0.9 * row.left.min(row.right));
        let middle = flaw.middle(contour, (wide, high));
        let count = 6 + chance.below(4);
        let mut discs = vec![Disc { at: middle, radius: 0.95 * wide.min(high) }];
        for _ in 0..count {
            let radius = wide.min(high) * chance.between(0.4, 0.8);
            let (angle, far) = (chance.between(0.0, std::f32::consts::TAU), chance.between(0.4, 1.0));
            let at = (
                middle.0 + far * (wide - 0.7 * radius) * angle.cos(),
                middle.1 + far * (high - 0.7 * radius) * angle.sin(),
            );
            discs.push(Disc { at, radius });
        }
        let (visible, tint) = match flaw.kind {
            Kind::Cloudiness => (CLOUDINESS_VISIBLE, [1.0, 0.97, 0.92]),
            _ => {
                let brown = chance.unit();
                (STAIN_VISIBLE, [1.0 - 0.35 * brown, 1.0, 1.0 + 0.2 * brown])
            }
        };
        let far = |of: fn(&Disc) -> f32, centre: f32| {
            discs.iter().map(|disc| (of(disc) - centre).abs() + disc.radius).fold(0.0f32, f32::max)
        };
        let bend = 0.35 * wide.min(high) + 1.0;
        let reach = (far(|disc| disc.at.0, middle.0) + bend / 3.0, far(|disc| disc.at.1, middle.1) + bend / 3.0);
        Blot { kind: flaw.kind, discs, middle, reach, depth: flaw.contrast * visible, bend, tint, form: flaw.form }
    }

    fn field(&self, (x, y): (f32, f32)) -> f32 {
        // Bent a little, so that no disc is round.
        let bend = |seed: u64| self.bend * noise(1.2 * x / self.bend, 1.2 * y / self.bend, self.form ^ seed) / 3.0;
        let (x, y) = (x + bend(2), y + bend(3));
        let of = |disc: &Disc| {
            let (dx, dy) = (x - disc.at.0, y - disc.at.1);
            let rest = (1.0 - (dx * dx + dy * dy) / (disc.radius * disc.radius)).max(0.0);
            rest * rest
        };
        self.discs.iter().map(of).sum()
    }

    /// `sound` is the contour: what lies beyond it is no part of the ware.
    pub fn trace(&self, pose: &Pose, sound: &Contour, canvas: &mut Canvas) -> Mask {
        let mut mask = Mask::default();
        canvas.each(pose, self.middle, self.reach, |canvas, x, y, place| {
            let field = self.field(place);
            if field <= 0.0 || !sound.holds(place) {
                return;
            }
            let edge = if self.kind == Kind::Cloudiness { CLOUDINESS_EDGE } else { STAIN_EDGE };
            if field >= edge {
                mask.set(x, y);
            }
            let (opacity, grain) = match self.kind {
                Kind::Cloudiness => {
                    let soft = step(0.0, 0.75, field / (field + 0.7));
                    (soft, 0.75 + 0.35 * noise(0.11 * place.0, 0.11 * place.1, self.form))
                }
                _ => {
                    let ragged = field + 0.10 * noise(0.4 * place.0, 0.4 * place.1, self.form);
                    let ring = 1.0 + 0.5 * step(0.62, 0.44, ragged);
                    let dirt = 0.8 + 0.4 * noise(0.55 * place.0, 0.55 * place.1, self.form ^ 1);
                    (step(STAIN_EDGE - 0.07, STAIN_EDGE + 0.09, ragged) * ring, dirt)
                }
            };
            let change = self.depth * opacity * grain;
            canvas.tint(x, y, self.tint.map(|share| (1.0 - share * change).max(0.05)));
        });
        mask
    }
}
