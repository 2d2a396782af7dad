//! Light through sound ware. A wall that stands across the view bends light past the camera, so that contours, shoulders
//! and base are dark; what passes is coloured by the way through the glass.

use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, noise, step};
use crate::style::Style;
use crate::ware::{Contour, Pose, Row};

/// Absorption by twice the wall at right angles, of red, green, blue.
const FLINT: [f32; 3] = [0.030, 0.014, 0.026];
const GREEN: [f32; 3] = [0.36, 0.13, 0.42];
const AMBER: [f32; 3] = [0.17, 0.42, 0.95];

/// Cosine of the wall's angle to the view at which no light comes through, and at which all does.
const DARK: f32 = 0.10;
const CLEAR: f32 = 0.52;

/// Rows of the contour per unit of height.
const FINE: f32 = 4.0;

pub(crate) fn paint(seed: u64, style: &Style, pose: &Pose, contour: &Contour, canvas: &mut Canvas) {
    let mut chance = Chance::of(seed ^ style.texture, Purpose::Glass, 1);
    let colour = match chance.below(5) {
        0 | 1 => FLINT,
        2 | 3 => GREEN,
        _ => AMBER,
    };
    let strength = chance.between(0.8, 1.2);
    let colour = colour.map(|absorption| absorption * strength);
    let texture = chance.number();
    let wave = chance.between(0.010, 0.030);
    let caustic = chance.between(0.05, 0.16);
    let inner = chance.between(0.80, 0.88);
    // A panel that is off the axis darkens the side that turns away from it.
    let aside = 0.10 * canvas.light.0;

    let height = contour.height();
    debug_assert!(contour.rows.iter().all(|row| row.left.max(row.right) + row.centre.abs() < Waves::WIDEST));
    let widest = contour.rows.iter().map(|row| row.left.max(row.right) + row.centre.abs()).fold(0.0f32, f32::max);
    // Settle waves: long across the axis in the ware's frame, short along it; smooth, so a table is enough.
    let waves = Waves::new(texture, wave, height);
    // Rows fine enough that the nearest will do.
    let fine: Vec<Row> = (0..=(FINE * height) as usize).map(|index| contour.row(index as f32 / FINE)).collect();
    let (columns, rows) = pose.window((0.0, 0.5 * height), (widest + 1.0, 0.5 * height + 1.0));
    let stride = pose.stride();
    for y in rows {
        let start = pose.on_ware(0, y);
        for x in columns.clone() {
            // Not summed up on the way, so that where the window begins makes no difference.
            let (across, down) = (start.0 + x as f32 * stride.0, start.1 + x as f32 * stride.1);
            if across.abs() > widest + 1.0 || !(-0.5..height + 0.5).contains(&down) {
                continue;
            }
            let row = &fine[((FINE * down + 0.5) as usize).min(fine.len() - 1)];
            let off = across - row.centre;
            let half = if off < 0.0 { row.left } else { row.right };
            let edge = ((half - off.abs()) * row.upright).min(down).min(height - down) * pose.scale;
            let cover = (edge + 0.5).clamp(0.0, 1.0);
            if cover <= 0.0 {
                continue;
            }
            let share = (off / half).clamp(-1.0, 1.0);
            let round = 1.0 - share * share;
            let facing = round.sqrt() * row.upright;
            let bent = step(DARK, CLEAR, facing + aside * share);
            let bright = 1.0 + caustic * near(share.abs(), inner, 0.10) * row.upright;
            let light = (0.08 + 0.88 * bent) * row.through * bright * waves.at(across, down);
            let way = row.wall / facing.max(0.22);
            let factors = colour.map(|absorption| {
                let depth = absorption * way;
                // The exponential's series; the way is short.
                let passed = light / (1.0 + depth + 0.5 * depth * depth);
                1.0 + cover * (passed - 1.0)
            });
            canvas.tint(x, y, factors);
        }
    }
}

#[inline]
fn near(value: f32, at: f32, within: f32) -> f32 {
    let distance = (value - at) / within;
    let rest = (1.0 - distance * distance).max(0.0);
    rest * rest
}

struct Waves {
    columns: usize,
    values: Vec<f32>,
}

impl Waves {
    const CELL: f32 = 3.0;
    /// Half the width of the table, pixels: the widest ware, bulged as far as it may. The same for every ware, so that a
    /// bulge leaves the waves where they are.
    const WIDEST: f32 = 84.0;

    fn new(texture: u64, strength: f32, height: f32) -> Waves {
        let columns = (2.0 * (Self::WIDEST + 1.0) / Self::CELL) as usize + 3;
        let rows = ((height + 1.0) / Self::CELL) as usize + 3;
        let mut values = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let (x, y) = (column as f32 * Self::CELL, row as f32 * Self::CELL);
                let long = noise(0.035 * x, 0.11 * y, texture);
                let fine = noise(0.16 * x, 0.05 * y, texture ^ 1);
                values.push(1.0 + strength * (long + 0.6 * fine));
            }
        }
        Waves { columns, values }
    }

    #[inline]
    fn at(&self, across: f32, down: f32) -> f32 {
        let (x, y) = ((across + Self::WIDEST + 1.0).max(0.0) / Self::CELL, (down + 0.5).max(0.0) / Self::CELL);
        let (column, row) = (x as usize, y as usize);
        let (share_x, share_y) = (x - column as f32, y - row as f32);
        let at = row * self.columns + column;
        let v = &self.values;
        let upper = v[at] + share_x * (v[at + 1] - v[at]);
        let below = at + self.columns;
        let lower = v[below] + share_x * (v[below + 1] - v[below]);
        upper + share_y * (lower - upper)
    }
}
