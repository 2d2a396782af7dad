//! Crack: a thin line that wanders and branches, dark, with a glint where its face throws light to the camera.

use super::Flaw;
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, noise, step};
use crate::mask::Mask;
use crate::ware::{Contour, Pose};

/// Relative change of brightness that can just be seen.
const VISIBLE: f32 = 0.11;
/// Length of a straight piece, pixels.
const PIECE: f32 = 4.5;
/// A crack ends here at the latest, however it winds.
const MOST_PIECES: usize = 40;
const MOST_BRANCHES: usize = 3;

#[derive(Clone, Copy)]
struct Piece {
    from: (f32, f32),
    to: (f32, f32),
    half_width: f32,
    /// Brightness of the glint beside it, as a share of the crack's depth; the side it is on.
    glint: f32,
    side: f32,
}

pub(crate) struct Crack {
    pieces: Vec<Piece>,
    depth: f32,
}

impl Crack {
    pub fn new(flaw: &Flaw, contour: &Contour, light: (f32, f32)) -> Crack {
        let mut chance = Chance::new(flaw.form, Purpose::Form);
        let heading = chance.between(0.0, std::f32::consts::PI);
        let half = (0.5 * flaw.size * heading.cos().abs(), 0.5 * flaw.size * heading.sin().abs());
        let middle = flaw.middle(contour, half);
        let start = (middle.0 - 0.5 * flaw.size * heading.cos(), middle.1 - 0.5 * flaw.size * heading.sin());
        let mut crack = Crack { pieces: vec![], depth: flaw.contrast * VISIBLE };
        let width = chance.between(0.55, 0.95);
        let trunk = Walk { start, heading, length: flaw.size, width };
        crack.walk(&trunk, contour, light, flaw.form, &mut chance);
        let trunk_pieces = crack.pieces.len();
        let branches = chance.below(MOST_BRANCHES + 1);
        for _ in 0..branches {
            if trunk_pieces < 4 {
                break;
            }
            let from = crack.pieces[1 + chance.below(trunk_pieces - 2)];
            let along = (from.to.1 - from.from.1).atan2(from.to.0 - from.from.0);
            let branch = Walk {
                start: from.to,
                heading: along + chance.sign() * chance.between(0.4, 0.9),
                length: flaw.size * chance.between(0.15, 0.4),
                width: 0.75 * width,
            };
            crack.walk(&branch, contour, light, flaw.form, &mut chance);
        }
        crack
    }

    fn walk(&mut self, walk: &Walk, contour: &Contour, light: (f32, f32), form: u64, chance: &mut Chance) {
        let count = ((walk.length / PIECE).round() as usize).clamp(1, MOST_PIECES);
        let (mut at, mut heading) = (walk.start, walk.heading);
        for piece in 0..count {
            // A crack keeps its direction over the long run and jumps from flaw to flaw of the glass.
            heading += 0.38 * chance.normal() + 0.25 * (walk.heading - heading);
            let length = PIECE * chance.between(0.7, 1.3);
            let to = held(contour, (at.0 + length * heading.cos(), at.1 + length * heading.sin()));
            let taper = 1.0 - 0.55 * (piece as f32 / count as f32);
            // The face of the crack throws light where it stands across the light.
            let facing = heading.cos() * light.1 - heading.sin() * light.0;
            let glint = (0.35 + 0.9 * noise(0.35 * self.pieces.len() as f32, 0.5, form)).max(0.0) * facing.abs();
            let side = facing.signum();
            self.pieces.push(Piece { from: held(contour, at), to, half_width: walk.width * taper, glint, side });
            at = to;
        }
    }

    pub fn trace(&self, pose: &Pose, canvas: &mut Canvas) -> Mask {
        let mut mask = Mask::default();
        // Of several pieces at a pixel the strongest holds, so that joints are no darker than the line.
        let mut strongest: Vec<(usize, usize, f32, f32)> = vec![];
        for piece in &self.pieces {
            let middle = (0.5 * (piece.from.0 + piece.to.0), 0.5 * (piece.from.1 + piece.to.1));
            let reach = (0.5 * (piece.to.0 - piece.from.0).abs() + 4.0, 0.5 * (piece.to.1 - piece.from.1).abs() + 4.0);
            canvas.each(pose, middle, reach, |_, x, y, place| {
                let (distance, beside) = piece.distance(place);
                if distance <= piece.half_width.max(1.0) {
                    mask.set(x, y);
                }
                let dark = step(piece.half_width + 0.7, piece.half_width - 0.3, distance);
                let bright = piece.glint * step(1.3, 0.2, (beside * piece.side - piece.half_width - 1.1).abs());
                let bright = if distance < piece.half_width + 2.4 { bright } else { 0.0 };
                if dark > 0.0 || bright > 0.0 {
                    strongest.push((y, x, dark, bright));
                }
            });
        }
        strongest.sort_by_key(|(y, x, ..)| (*y, *x));
        for pixel in strongest.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let dark = pixel.iter().fold(0.0f32, |most, (.., dark, _)| most.max(*dark));
            let bright = pixel.iter().fold(0.0f32, |most, (.., bright)| most.max(*bright));
            let change = self.depth * (-1.6 * dark + 1.1 * bright * (1.0 - dark));
            canvas.scale(pixel[0].1, pixel[0].0, (1.0 + change).max(0.08));
        }
        mask
    }
}

struct Walk {
    start: (f32, f32),
    heading: f32,
    length: f32,
    width: f32,
}

impl Piece {
    /// How far a place is from the piece, and by how much to its left.
    fn distance(&self, place: (f32, f32)) -> (f32, f32) {
        let along = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let off = (place.0 - self.from.0, place.1 - self.from.1);
        let squared = (along.0 * along.0 + along.1 * along.1).max(1e-6);
        let share = ((off.0 * along.0 + off.1 * along.1) / squared).clamp(0.0, 1.0);
        let (x, y) = (off.0 - share * along.0, off.1 - share * along.1);
        ((x * x + y * y).sqrt(), (along.0 * off.1 - along.1 * off.0) / squared.sqrt())
    }
}

/// The nearest place that is well within the wall.
fn held(contour: &Contour, (x, y): (f32, f32)) -> (f32, f32) {
    let (top, bottom) = contour.shape.wall();
    let y = y.clamp(top - 4.0, bottom + 4.0);
    let row = contour.row(y);
    (x.clamp(row.centre - 0.9 * row.left, row.centre + 0.9 * row.right), y)
}
