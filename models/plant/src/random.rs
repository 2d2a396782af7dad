//! Reproducible chance. Every purpose of every line and sensor has a stream of its own, seeded from names and
//! not from positions, so that a further sensor, line or fault leaves the draws of all others as they were.

use lehr_domain::ids::stable_hash;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

pub(crate) type Stream = ChaCha8Rng;

/// What a stream is for. The numbers are part of what a seed means: never reuse one.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Purpose {
    Process = 1,
    Schedule = 2,
    RandomFaults = 3,
    Unit = 4,
    Instrument = 5,
    SensorFault = 6,
    Spike = 7,
    FreeQuantity = 8,
    Phase = 9,
    Campaign = 10,
}

/// A stable number for a name.
pub(crate) fn key(name: &str) -> u64 {
    let mut parts = vec![name.len() as u64];
    parts.extend(name.bytes().map(u64::from));
    stable_hash(&parts)
}

pub(crate) fn stream(seed: u64, purpose: Purpose, keys: &[u64]) -> Stream {
    let mut parts = vec![seed, purpose as u64];
    parts.extend_from_slice(keys);
    ChaCha8Rng::seed_from_u64(stable_hash(&parts))
}

pub(crate) fn normal(rng: &mut Stream) -> f64 {
    rng.sample(StandardNormal)
}

/// Exponentially distributed with the given mean.
pub(crate) fn exponential(rng: &mut Stream, mean: f64) -> f64 {
    let uniform: f64 = rng.random();
    -mean * (1.0 - uniform).ln()
}

/// An Ornstein–Uhlenbeck process of unit variance, sampled exactly at a fixed interval.
#[derive(Clone, Debug)]
pub(crate) struct Ou {
    pub value: f64,
    keep: f64,
    kick: f64,
}

impl Ou {
    /// Starts in its stationary distribution, so that there is no run-in.
    pub fn new(time_constant_s: f64, interval_s: f64, rng: &mut Stream) -> Ou {
        let keep = (-interval_s / time_constant_s).exp();
        Ou { value: normal(rng), keep, kick: (1.0 - keep * keep).sqrt() }
    }

    pub fn step(&mut self, rng: &mut Stream) -> f64 {
        self.value = self.keep * self.value + self.kick * normal(rng);
        self.value
    }
}

/// Seconds between two values of a [`Disturbance`]. Its quickest part has a time constant of minutes, so
/// that more frequent values would cost chance numbers and show nothing.
pub(crate) const DISTURBANCE_S: u64 = 10;

/// What the surroundings do to a quantity: a part that changes within minutes and one that changes within
/// hours, together of unit variance.
#[derive(Clone, Debug)]
pub(crate) struct Disturbance {
    quick: Ou,
    slow: Ou,
}

impl Disturbance {
    const QUICK_S: f64 = 480.0;
    const SLOW_S: f64 = 10_800.0;

    pub fn new(rng: &mut Stream) -> Disturbance {
        let interval_s = DISTURBANCE_S as f64;
        Disturbance { quick: Ou::new(Self::QUICK_S, interval_s, rng), slow: Ou::new(Self::SLOW_S, interval_s, rng) }
    }

    pub fn step(&mut self, rng: &mut Stream) {
        self.quick.step(rng);
        self.slow.step(rng);
    }

    pub fn value(&self) -> f64 {
        0.8 * self.quick.value + 0.6 * self.slow.value
    }
}
