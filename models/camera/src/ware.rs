//! The ware before the camera: its contour, row by row, and where it stands.
//!
//! The ware's own frame has its origin at the middle of the rim, x across and y down along the axis, in pixels of a
//! picture in which it stands upright and at its nominal size.

use crate::chance::{Chance, Purpose, step};
use crate::flaws::deformation::Bend;
use crate::{SIDE, style::Style};
use lehr_domain::ids::stable_hash;

/// What kind of article it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// 0.33 l, short neck, broad body.
    SmallBottle,
    /// 0.75 l, long neck.
    LargeBottle,
    /// 0.5 l, wide mouth with a thread.
    Jar,
}

impl Shape {
    pub const ALL: [Shape; 3] = [Shape::SmallBottle, Shape::LargeBottle, Shape::Jar];

    /// The shape of a product of the catalogue. A name that is not of the catalogue that Lehr comes with gets one
    /// of the shapes, always the same.
    pub fn of_product(name: &str) -> Shape {
        match name {
            "bottle_330" => Shape::SmallBottle,
            "bottle_750" => Shape::LargeBottle,
            "jar_500" => Shape::Jar,
            _ if name.contains("jar") => Shape::Jar,
            _ => {
                let letters: Vec<u64> = name.bytes().map(u64::from).collect();
                Shape::ALL[(stable_hash(&letters) % Shape::ALL.len() as u64) as usize]
            }
        }
    }

    /// Half widths at heights, between which the contour is smooth.
    fn profile(self) -> &'static [(f32, f32)] {
        match self {
            Shape::SmallBottle => &[
                (0.0, 14.0),
                (2.0, 16.0),
                (11.0, 16.0),
                (14.0, 13.5),
                (40.0, 16.0),
                (84.0, 45.0),
                (178.0, 45.5),
                (186.0, 44.0),
                (191.0, 37.0),
            ],
            Shape::LargeBottle => &[
                (0.0, 15.0),
                (2.0, 17.0),
                (10.0, 17.0),
                (13.0, 13.5),
                (58.0, 17.0),
                (108.0, 47.0),
                (190.0, 47.5),
                (197.0, 46.0),
                (202.0, 39.0),
            ],
            Shape::Jar => &[
                (0.0, 49.0),
                (2.0, 51.0),
                (20.0, 51.0),
                (23.0, 54.0),
                (26.0, 54.0),
                (29.0, 50.0),
                (50.0, 66.0),
                (160.0, 66.5),
                (168.0, 64.5),
                (174.0, 56.0),
            ],
        }
    }

    pub(crate) fn height(self) -> f32 {
        self.profile().last().map_or(0.0, |(height, _)| *height)
    }

    /// Where the rim ends and the neck or shoulder begins.
    fn rim(self) -> f32 {
        match self {
            Shape::SmallBottle => 14.0,
            Shape::LargeBottle => 13.0,
            Shape::Jar => 27.0,
        }
    }

    /// Where flaws of the wall lie: below the rim, above the base.
    pub(crate) fn wall(self) -> (f32, f32) {
        (self.rim() + 8.0, self.height() - 14.0)
    }

    fn half_width(self, y: f32) -> f32 {
        let profile = self.profile();
        let next = profile.iter().position(|(height, _)| *height >= y).unwrap_or(profile.len() - 1).max(1);
        let ((from, start), (to, end)) = (profile[next - 1], profile[next]);
        start + (end - start) * step(from, to, y)
    }
}

/// Where the ware stands in the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    cos: f32,
    sin: f32,
    /// Pixels of the picture per unit of the ware's frame.
    pub scale: f32,
    centre: (f32, f32),
    middle: f32,
}

impl Pose {
    pub fn draw(seed: u64, shape: Shape, style: &Style, turned_degrees: f32) -> Pose {
        let mut chance = Chance::new(seed ^ style.texture, Purpose::Pose);
        let angle = (style.rotation.draw(&mut chance) + turned_degrees).to_radians();
        let scale = chance.between(0.94, 1.0);
        let middle = 0.5 * SIDE as f32;
        let centre = (middle + chance.between(-7.0, 7.0), middle + chance.between(-3.0, 3.0));
        Pose { cos: angle.cos(), sin: angle.sin(), scale, centre, middle: 0.5 * shape.height() }
    }

    /// From the middle of a pixel to the ware's frame.
    pub fn on_ware(&self, x: usize, y: usize) -> (f32, f32) {
        let (dx, dy) = (x as f32 + 0.5 - self.centre.0, y as f32 + 0.5 - self.centre.1);
        let (across, down) = (self.cos * dx + self.sin * dy, self.cos * dy - self.sin * dx);
        (across / self.scale, down / self.scale + self.middle)
    }

    pub fn in_picture(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (self.scale * x, self.scale * (y - self.middle));
        (self.centre.0 + self.cos * x - self.sin * y, self.centre.1 + self.sin * x + self.cos * y)
    }

    /// What one pixel to the right is in the ware's frame.
    pub fn stride(&self) -> (f32, f32) {
        (self.cos / self.scale, -self.sin / self.scale)
    }

    /// The pixels whose middles may lie within `reach` of a place of the ware: x and y ranges, within the picture.
    pub fn window(&self, (x, y): (f32, f32), reach: (f32, f32)) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (x, y) = self.in_picture(x, y);
        let wide = self.scale * (self.cos.abs() * reach.0 + self.sin.abs() * reach.1) + 1.0;
        let high = self.scale * (self.sin.abs() * reach.0 + self.cos.abs() * reach.1) + 1.0;
        let range = |from: f32, to: f32| {
            let inside = |value: f32| value.clamp(0.0, SIDE as f32) as usize;
            inside(from.floor())..inside(to.ceil())
        };
        (range(x - wide, x + wide), range(y - high, y + high))
    }
}

/// One row of the ware.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    pub centre: f32,
    pub left: f32,
    pub right: f32,
    /// Cosine of the contour's slope against the axis: 1 where the wall is upright.
    pub upright: f32,
    /// Thickness of the glass, as a multiple of the body's.
    pub wall: f32,
    /// Share of the light that steps, threads and the base let through.
    pub through: f32,
}

/// The contour of one piece of ware, a row per unit of height.
pub(crate) struct Contour {
    pub shape: Shape,
    pub rows: Vec<Row>,
}

impl Contour {
    /// `bends` are the deformations; without any it is the contour that the mould gives.
    pub fn new(seed: u64, shape: Shape, style: &Style, bends: &[Bend]) -> Contour {
        let mut chance = Chance::new(seed ^ style.texture, Purpose::Glass);
        let width = chance.between(0.97, 1.03);
        let height = shape.height();
        let thread = chance.between(0.0, 6.0);
        let punt = chance.between(7.0, 13.0);
        let at = |y: f32| {
            let half = width * shape.half_width(y);
            let slope = width * (shape.half_width(y + 1.0) - shape.half_width(y - 1.0)) / 2.0;
            let mut row = Row {
                centre: 0.0,
                left: half,
                right: half,
                upright: 1.0 / (1.0 + slope * slope).sqrt(),
                wall: 1.0 + 0.8 * step(shape.rim() + 6.0, shape.rim(), y) + 2.6 * step(height - punt, height, y),
                through: through(shape, y, thread, punt),
            };
            for bend in bends {
                bend.apply(y, &mut row);
            }
            row
        };
        Contour { shape, rows: (0..=height as usize).map(|y| at(y as f32)).collect() }
    }

    pub fn height(&self) -> f32 {
        self.rows.len() as f32 - 1.0
    }

    /// The row at a height of 0 to [`Self::height`].
    #[inline]
    pub fn row(&self, y: f32) -> Row {
        let above = (y as usize).min(self.rows.len() - 2);
        let share = y - above as f32;
        let (a, b) = (&self.rows[above], &self.rows[above + 1]);
        let mix = |from: f32, to: f32| from + share * (to - from);
        Row {
            centre: mix(a.centre, b.centre),
            left: mix(a.left, b.left),
            right: mix(a.right, b.right),
            upright: mix(a.upright, b.upright),
            wall: mix(a.wall, b.wall),
            through: mix(a.through, b.through),
        }
    }

    /// Whether the place is within the contour.
    pub fn holds(&self, (x, y): (f32, f32)) -> bool {
        if !(0.0..=self.height()).contains(&y) {
            return false;
        }
        let row = self.row(y);
        -row.left <= x - row.centre && x - row.centre <= row.right
    }
}

/// Light lost at steps of the wall: the lip, the thread or ring of the rim, the base.
fn through(shape: Shape, y: f32, thread: f32, punt: f32) -> f32 {
    let line = |at: f32, half: f32, depth: f32| 1.0 - depth * crate::chance::bump((y - at) / half);
    let height = shape.height();
    let mut share = line(0.5, 2.0, 0.55) * line(shape.rim(), 2.2, 0.5);
    if shape == Shape::Jar {
        for turn in 0..3 {
            let at = 4.0 + thread / 3.0 + 5.5 * turn as f32;
            share *= line(at, 1.6, 0.5) * (1.0 + 0.18 * crate::chance::bump((y - at - 2.2) / 1.4));
        }
    } else {
        share *= line(5.5, 1.8, 0.3);
    }
    // The base: a dark bow of thick glass with a bright line where it gathers light.
    share *= 1.0 - 0.72 * step(height - punt, height - 1.0, y);
    share * (1.0 + 0.5 * crate::chance::bump((y - height + 0.55 * punt) / 2.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Split;

    #[test]
    fn places_of_the_ware_are_found_again_from_the_picture() {
        let style = Style::of(Split::Training);
        for seed in 0..50 {
            let pose = Pose::draw(seed, Shape::Jar, &style, 0.0);
            for (x, y) in [(0, 0), (100, 30), (223, 223)] {
                let (across, down) = pose.on_ware(x, y);
                let (back_x, back_y) = pose.in_picture(across, down);
                assert!(
                    (back_x - x as f32 - 0.5).abs() < 1e-3 && (back_y - y as f32 - 0.5).abs() < 1e-3,
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn ware_stands_within_the_picture_however_it_is_turned() {
        let style = Style::of(Split::Training);
        for seed in 0..300 {
            for shape in Shape::ALL {
                let pose = Pose::draw(seed, shape, &style, 0.0);
                let contour = Contour::new(seed, shape, &style, &[]);
                for (y, row) in contour.rows.iter().enumerate() {
                    for x in [-row.left, row.right] {
                        let (x, y) = pose.in_picture(x, y as f32);
                        let inside = 0.0..SIDE as f32;
                        assert!(inside.contains(&x) && inside.contains(&y), "seed {seed}, {shape:?}: {x}, {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn products_of_the_catalogue_have_their_shapes_and_others_always_the_same() {
        assert_eq!(Shape::of_product("bottle_330"), Shape::SmallBottle);
        assert_eq!(Shape::of_product("bottle_750"), Shape::LargeBottle);
        assert_eq!(Shape::of_product("jar_500"), Shape::Jar);
        assert_eq!(Shape::of_product("flacon"), Shape::of_product("flacon"));
    }
}
