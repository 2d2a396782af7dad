//! What looks like a flaw and is none: the mould's seam, reflections of lamps, droplets of condensation, dust and fibres on
//! the window. Drawn from streams of their own, so that they are as frequent beside a flaw as without one.

use crate::SIDE;
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose, bump, step};
use crate::style::Style;
use crate::ware::{Contour, Pose};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Streak {
    /// Across as a share of the half width, down and half height in pixels of the ware.
    across: f32,
    down: f32,
    half: (f32, f32),
    light: f32,
}

/// A round thing: on the ware for droplets, on the window for dust.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dot {
    at: (f32, f32),
    radius: f32,
    depth: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Fibre {
    at: (f32, f32),
    heading: f32,
    bend: f32,
    length: f32,
    depth: f32,
}

/// The look-alikes of one picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alikes {
    /// Place across of each visible seam as a share of the half width, and its depth.
    seams: Vec<(f32, f32)>,
    reflections: Vec<Streak>,
    droplets: Vec<Dot>,
    dust: Vec<Dot>,
    fibres: Vec<Fibre>,
}

/// How many look-alikes of each sort a picture has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlikeCounts {
    pub seams: usize,
    pub reflections: usize,
    pub droplets: usize,
    pub dust: usize,
    pub fibres: usize,
}

impl Alikes {
    pub fn draw(seed: u64, style: &Style, height: f32) -> Alikes {
        let mut chance = Chance::new(seed ^ style.texture, Purpose::Alike);
        let c = &mut chance;
        let turn = c.between(-1.2, 1.2);
        let seam = |depth: f32| (turn.sin(), depth);
        let seams = if c.happens(0.7) {
            // The seam of the far side shows fainter, mirrored.
            vec![seam(c.between(0.05, 0.14)), (-turn.sin(), c.between(0.02, 0.06))]
        } else {
            vec![]
        };
        let reflections = (0..c.below(4))
            .map(|_| Streak {
                across: c.between(-0.75, 0.75),
                down: c.between(0.3, 0.85) * height,
                half: (c.between(1.6, 5.0), c.between(8.0, 55.0)),
                light: c.between(0.05, 0.20),
            })
            .collect();
        let droplets = if c.happens(0.35) { droplets(c, height) } else { vec![] };
        let dust = (0..c.below(7))
            .map(|_| Dot {
                at: (c.between(2.0, SIDE as f32 - 2.0), c.between(2.0, SIDE as f32 - 2.0)),
                radius: c.between(0.7, 2.2),
                depth: c.between(0.12, 0.5),
            })
            .collect();
        let fibres = (0..usize::from(c.happens(0.35)) + usize::from(c.happens(0.1)))
            .map(|_| Fibre {
                at: (c.between(20.0, SIDE as f32 - 20.0), c.between(20.0, SIDE as f32 - 20.0)),
                heading: c.between(0.0, std::f32::consts::TAU),
                bend: c.between(-0.09, 0.09),
                length: c.between(12.0, 34.0),
                depth: c.between(0.15, 0.45),
            })
            .collect();
        Alikes { seams, reflections, droplets, dust, fibres }
    }

    pub fn counts(&self) -> AlikeCounts {
        AlikeCounts {
            seams: self.seams.len(),
            reflections: self.reflections.len(),
            droplets: self.droplets.len(),
            dust: self.dust.len(),
            fibres: self.fibres.len(),
        }
    }

    /// `sound` is the contour that the mould gives, by which reflections have their place, and `contour` the one that
    /// the ware has.
    pub fn paint(&self, pose: &Pose, sound: &Contour, contour: &Contour, canvas: &mut Canvas) {
        for (across, depth) in &self.seams {
            seam(*across, *depth, pose, contour, canvas);
        }
        for streak in &self.reflections {
            streak.paint(pose, sound, contour, canvas);
        }
        for drop in &self.droplets {
            droplet(drop, pose, contour, canvas);
        }
        for dot in &self.dust {
            speck(dot.at, dot.radius, dot.depth, canvas);
        }
        for fibre in &self.fibres {
            fibre.paint(canvas);
        }
    }
}

/// A cluster, as breath or a cold wall leaves it.
fn droplets(chance: &mut Chance, height: f32) -> Vec<Dot> {
    let middle = (chance.between(-35.0, 35.0), chance.between(0.3, 0.85) * height);
    let spread = chance.between(8.0, 26.0);
    (0..3 + chance.below(10))
        .map(|_| Dot {
            at: (middle.0 + spread * chance.normal(), middle.1 + spread * chance.normal()),
            radius: 1.3 + 2.6 * chance.unit() * chance.unit(),
            depth: chance.between(0.12, 0.38),
        })
        .collect()
}

fn seam(across: f32, depth: f32, pose: &Pose, contour: &Contour, canvas: &mut Canvas) {
    let height = contour.height();
    let steps = (1.5 * height) as usize;
    let mut last = usize::MAX;
    for step_down in 0..steps {
        let down = (step_down as f32 + 0.5) / 1.5;
        let row = contour.row(down);
        let half = if across < 0.0 { row.left } else { row.right };
        let (x, y) = pose.in_picture(row.centre + across * half, down);
        let (column, line) = (x as usize, y as usize);
        if line == last || line >= SIDE || !(2..SIDE - 3).contains(&column) {
            continue;
        }
        last = line;
        for column in column - 1..=column + 2 {
            let off = column as f32 + 0.5 - x;
            // A raised line: dark on one side, light on the other.
            let change = -depth * bump(off / 1.3) + 0.6 * depth * bump((off - 1.3) / 1.2);
            canvas.scale(column, line, 1.0 + change);
        }
    }
}

impl Streak {
    fn paint(&self, pose: &Pose, sound: &Contour, contour: &Contour, canvas: &mut Canvas) {
        let row = sound.row(self.down.clamp(0.0, sound.height()));
        let middle = row.centre + self.across * row.left;
        canvas.each(pose, (middle, self.down), self.half, |canvas, x, y, place| {
            if contour.holds(place) {
                let (across, down) = ((place.0 - middle) / self.half.0, (place.1 - self.down) / self.half.1);
                canvas.add(x, y, self.light * bump(across) * step(1.0, 0.8, down.abs()));
            }
        });
    }
}

/// A drop is a small lens: it shows the panel upside down, dark at its edge, bright within, a spark on it.
fn droplet(drop: &Dot, pose: &Pose, contour: &Contour, canvas: &mut Canvas) {
    let reach = drop.radius + 1.2;
    let light = canvas.light;
    canvas.each(pose, drop.at, (reach, reach), |canvas, x, y, place| {
        if !contour.holds(place) {
            return;
        }
        let (across, down) = ((place.0 - drop.at.0) / drop.radius, (place.1 - drop.at.1) / drop.radius);
        let radius = (across * across + down * down).sqrt();
        let shade = (across * light.0 + down * light.1).clamp(-1.0, 1.0);
        let edge = -1.3 * bump((radius - 0.85) / 0.4) * (1.0 + 0.5 * shade);
        let lens = 0.55 * step(0.75, 0.2, radius) * (1.0 - 0.4 * shade);
        canvas.scale(x, y, (1.0 + drop.depth * (edge + lens)).max(0.1));
    });
}

fn speck(at: (f32, f32), radius: f32, depth: f32, canvas: &mut Canvas) {
    let reach = radius + 1.0;
    let range = |centre: f32| {
        let inside = |value: f32| value.clamp(0.0, SIDE as f32) as usize;
        inside(centre - reach)..inside(centre + reach + 1.0)
    };
    for y in range(at.1) {
        for x in range(at.0) {
            let (dx, dy) = (x as f32 + 0.5 - at.0, y as f32 + 0.5 - at.1);
            let distance = (dx * dx + dy * dy).sqrt();
            canvas.scale(x, y, 1.0 - depth * step(radius + 0.7, radius - 0.7, distance));
        }
    }
}

impl Fibre {
    fn paint(&self, canvas: &mut Canvas) {
        let (mut at, mut heading) = (self.at, self.heading);
        for _ in 0..self.length as usize {
            speck(at, 0.45, 0.45 * self.depth, canvas);
            at = (at.0 + heading.cos(), at.1 + heading.sin());
            heading += self.bend;
        }
    }
}
