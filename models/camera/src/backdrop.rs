//! What is behind the ware: a panel of diffuse light, unevenly lit, with a guide rail before it and the belt below.

use crate::SIDE;
use crate::canvas::PIXELS;
use crate::chance::{Chance, Purpose, bump, noise, step};
use crate::style::{Exposure, Style};

/// The light behind the ware by pixel, 1 for a bare panel straight behind; and the unit vector towards the light.
pub(crate) fn backdrop(seed: u64, style: &Style, exposure: &Exposure, base: f32) -> (Vec<f32>, (f32, f32)) {
    let mut chance = Chance::of(seed ^ style.texture, Purpose::Light, 1);
    let angle = exposure.light_degrees.to_radians();
    let light = (angle.sin(), -angle.cos());
    let slope = chance.between(0.06, 0.16);
    let corner_loss = chance.between(0.05, 0.22);
    let texture = chance.number();
    let uneven = chance.between(0.008, 0.022);
    let rail = chance.happens(0.45).then(|| Rail {
        at: chance.between(40.0, 170.0),
        half: chance.between(3.0, 7.0),
        depth: chance.between(0.10, 0.35),
    });
    let belt = base + chance.between(1.0, 4.0);
    let belt_light = chance.between(0.12, 0.30);
    let belt_edge = chance.between(1.5, 4.0);
    let half = 0.5 * SIDE as f32;

    // Unevenness is smooth: a coarse grid, interpolated, is enough.
    const CELL: usize = 8;
    const COARSE: usize = SIDE / CELL + 1;
    let mut coarse = [0.0f32; COARSE * COARSE];
    for (index, value) in coarse.iter_mut().enumerate() {
        let (x, y) = ((index % COARSE) as f32, (index / COARSE) as f32);
        *value = uneven * (noise(0.22 * x, 0.22 * y, texture) + 0.5 * noise(0.6 * x, 0.6 * y, texture ^ 1));
    }
    let mut values = Vec::with_capacity(PIXELS);
    for y in 0..SIDE {
        let down = (y as f32 + 0.5 - half) / half;
        let rail_loss = rail.as_ref().map_or(0.0, |rail| rail.loss(y as f32));
        let on_belt = step(belt - belt_edge, belt + belt_edge, y as f32);
        let share_down = (y % CELL) as f32 / CELL as f32;
        let upper = y / CELL * COARSE;
        for x in 0..SIDE {
            let across = (x as f32 + 0.5 - half) / half;
            let share = (x % CELL) as f32 / CELL as f32;
            let at = upper + x / CELL;
            let top = coarse[at] + share * (coarse[at + 1] - coarse[at]);
            let bottom = coarse[at + COARSE] + share * (coarse[at + COARSE + 1] - coarse[at + COARSE]);
            let panel = 0.97 + slope * (across * light.0 + down * light.1)
                - corner_loss * 0.5 * (across * across + down * down)
                + top
                + share_down * (bottom - top);
            let lit = panel * (1.0 - rail_loss);
            values.push(lit + on_belt * (belt_light * panel - lit));
        }
    }
    (values, light)
}

struct Rail {
    at: f32,
    half: f32,
    depth: f32,
}

impl Rail {
    fn loss(&self, y: f32) -> f32 {
        // Out of focus: twice as high as it is, and soft.
        self.depth * bump((y - self.at) / (2.0 * self.half))
    }
}
