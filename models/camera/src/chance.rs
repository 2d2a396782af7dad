//! Reproducible chance. Each purpose has a stream of its own, so that what one part of a picture draws leaves every
//! other part as it was: the same seed with and without a flaw differs in the flaw alone.

use lehr_domain::ids::stable_hash;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for. The numbers are part of what a seed means: never reuse one.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Purpose {
    Pose = 1,
    Light = 2,
    Glass = 3,
    Alike = 4,
    Noise = 5,
    Flaws = 6,
    Form = 7,
    Annotator = 8,
    Augment = 9,
    Split = 10,
}

pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64, purpose: Purpose) -> Chance {
        Chance::of(seed, purpose, 0)
    }

    /// One of many streams for the same purpose.
    pub fn of(seed: u64, purpose: Purpose, index: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(stable_hash(&[seed, purpose as u64, index])))
    }

    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * self.unit()
    }

    pub fn happens(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A whole number of 0..count.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f32) as usize).min(count - 1)
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit()).cos()
    }

    /// Minus one or one.
    pub fn sign(&mut self) -> f32 {
        if self.happens(0.5) { 1.0 } else { -1.0 }
    }
}

/// A number per pixel, without the cost of a cipher: SplitMix64 (Steele et al. 2014).
pub(crate) struct Grain(u64);

impl Grain {
    pub fn new(seed: u64) -> Grain {
        Grain(seed)
    }

    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Smooth noise of -1..1 over the plane; one feature per unit of length.
#[inline]
pub(crate) fn noise(x: f32, y: f32, seed: u64) -> f32 {
    let (cell_x, cell_y) = (x.floor(), y.floor());
    let (along, down) = (smooth(x - cell_x), smooth(y - cell_y));
    let corner = |right: i64, below: i64| lattice(cell_x as i64 + right, cell_y as i64 + below, seed);
    let upper = corner(0, 0) + along * (corner(1, 0) - corner(0, 0));
    let lower = corner(0, 1) + along * (corner(1, 1) - corner(0, 1));
    upper + down * (lower - upper)
}

#[inline]
fn lattice(x: i64, y: i64, seed: u64) -> f32 {
    let key = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    let mixed = (key ^ seed).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0
}

#[inline]
fn smooth(share: f32) -> f32 {
    share * share * (3.0 - 2.0 * share)
}

/// From 0 at `from` to 1 at `to`, without a kink; `from` may be the greater.
#[inline]
pub(crate) fn step(from: f32, to: f32, value: f32) -> f32 {
    smooth(((value - from) / (to - from)).clamp(0.0, 1.0))
}

/// 1 at zero, 0 from ±1 on, without a kink.
#[inline]
pub(crate) fn bump(value: f32) -> f32 {
    let rest = (1.0 - value * value).max(0.0);
    rest * rest
}
