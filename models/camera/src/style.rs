//! How pictures are taken: light, optics, sensor, and how strongly flaws show. The ranges for testing are apart from
//! those for training, so that a model that has learned the camera instead of the flaws is found out.

use crate::chance::{Chance, Purpose};

/// Which pictures a style is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    Training,
    /// Chosen thresholds and early stopping: the ranges of training, other seeds.
    Validation,
    Test,
}

/// A closed range of a rendering parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub least: f32,
    pub most: f32,
}

impl Range {
    pub const fn new(least: f32, most: f32) -> Range {
        Range { least, most }
    }

    pub(crate) fn draw(&self, chance: &mut Chance) -> f32 {
        chance.between(self.least, self.most)
    }

    pub fn holds(&self, value: f32) -> bool {
        self.least <= value && value <= self.most
    }

    pub fn overlaps(&self, other: &Range) -> bool {
        self.least <= other.most && other.least <= self.most
    }
}

/// The ranges that a picture's rendering parameters are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Contrast of flaws that can be seen, in multiples of the least visible; one of the ranges, by its length.
    pub contrast: Vec<Range>,
    /// Contrast of flaws that cannot be seen.
    pub hidden: Range,
    /// Share of flaws that cannot be seen.
    pub hidden_share: f32,
    /// Where the light comes from, degrees from the vertical.
    pub light_degrees: Range,
    /// Brightness of the panel, of the sensor's full scale.
    pub brightness: Range,
    /// Colour of the light: blue above and red below neutral, as a share.
    pub coolness: Range,
    /// Standard deviation of the blur, pixels.
    pub blur: Range,
    /// Standard deviation of the sensor's noise at full scale.
    pub noise: Range,
    /// Rotation of the ware, degrees.
    pub rotation: Range,
    /// Mixed into the seeds of every texture: glass, backgrounds, forms of flaws.
    pub texture: u64,
}

impl Style {
    pub fn of(split: Split) -> Style {
        match split {
            Split::Training | Split::Validation => Style {
                contrast: vec![Range::new(1.3, 2.2), Range::new(3.0, 5.0)],
                hidden: Range::new(0.01, 0.05),
                hidden_share: HIDDEN_SHARE,
                light_degrees: Range::new(-60.0, 15.0),
                brightness: Range::new(0.80, 0.96),
                coolness: Range::new(-0.05, 0.02),
                blur: Range::new(0.35, 0.85),
                noise: Range::new(0.010, 0.022),
                rotation: Range::new(-6.0, 6.0),
                texture: 0x7472_6169_6e00,
            },
            Split::Test => Style {
                contrast: vec![Range::new(2.25, 2.95)],
                hidden: Range::new(0.051, 0.06),
                hidden_share: HIDDEN_SHARE,
                light_degrees: Range::new(20.0, 55.0),
                brightness: Range::new(0.72, 0.79),
                coolness: Range::new(0.025, 0.06),
                blur: Range::new(0.35, 0.85),
                noise: Range::new(0.010, 0.022),
                rotation: Range::new(-6.0, 6.0),
                texture: 0x7465_7374_0000,
            },
        }
    }

    pub(crate) fn contrast(&self, chance: &mut Chance) -> f32 {
        if chance.happens(self.hidden_share) {
            return self.hidden.draw(chance);
        }
        let whole: f32 = self.contrast.iter().map(|range| range.most - range.least).sum();
        let mut at = chance.unit() * whole;
        for range in &self.contrast {
            let length = range.most - range.least;
            if at <= length {
                return range.least + at;
            }
            at -= length;
        }
        self.contrast.last().map_or(1.0, |range| range.most)
    }
}

/// At least 15 % of the flaws are below what can be seen; the margin is for the scatter of finite sets.
const HIDDEN_SHARE: f32 = 0.17;

/// The light, the optics and the sensor of one picture, drawn from a style's ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    pub light_degrees: f32,
    pub brightness: f32,
    pub coolness: f32,
    pub blur: f32,
    pub noise: f32,
}

impl Exposure {
    pub fn draw(seed: u64, style: &Style) -> Exposure {
        let mut chance = Chance::new(seed ^ style.texture, Purpose::Light);
        Exposure {
            light_degrees: style.light_degrees.draw(&mut chance),
            brightness: style.brightness.draw(&mut chance),
            coolness: style.coolness.draw(&mut chance),
            blur: style.blur.draw(&mut chance),
            noise: style.noise.draw(&mut chance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_test_shows_was_never_trained_on() {
        let (training, test) = (Style::of(Split::Training), Style::of(Split::Test));
        for a in &training.contrast {
            assert!(test.contrast.iter().all(|b| !a.overlaps(b)), "{a:?}");
        }
        assert!(!training.hidden.overlaps(&test.hidden));
        assert!(!training.light_degrees.overlaps(&test.light_degrees));
        assert!(!training.brightness.overlaps(&test.brightness));
        assert!(!training.coolness.overlaps(&test.coolness));
        assert_ne!(training.texture, test.texture);
        assert_eq!(training, Style::of(Split::Validation));
    }

    #[test]
    fn at_least_fifteen_per_cent_of_flaws_cannot_be_seen() {
        const DRAWS: u32 = 20_000;
        let seed = 11;
        for split in [Split::Training, Split::Test] {
            let style = Style::of(split);
            let mut chance = Chance::new(seed, Purpose::Flaws);
            let drawn: Vec<f32> = (0..DRAWS).map(|_| style.contrast(&mut chance)).collect();
            let hidden = drawn.iter().filter(|contrast| style.hidden.holds(**contrast)).count();
            let shown = |contrast: &&f32| style.contrast.iter().any(|range| range.holds(**contrast));
            assert_eq!(hidden + drawn.iter().filter(shown).count(), DRAWS as usize, "seed {seed}, {split:?}");
            assert!((0.15..0.20).contains(&(hidden as f64 / f64::from(DRAWS))), "seed {seed}, {split:?}: {hidden}");
        }
    }
}
