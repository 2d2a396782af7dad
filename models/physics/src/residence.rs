//! How long glass stays in a melter, and what a change at the inlet looks like at the outlet.
//!
//! Plug flow followed by N equal stirred tanks in series (O. Levenspiel, Chemical Reaction Engineering, ch. 14). With
//! θ = (t − t_dead)/(τ − t_dead), the share that has left is F = 1 − e^(−Nθ) Σ_{i<N} (Nθ)^i/i!.

use crate::PhysicsError;
use crate::error::within;
use std::collections::VecDeque;

/// More tanks than this are plug flow for all purposes.
const MOST_TANKS: u32 = 50;

/// The distribution of residence times at constant pull.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidenceTime {
    tanks: u32,
    mean_s: f64,
    dead_s: f64,
}

impl ResidenceTime {
    /// `mean_s` counts the dead time in. Typical are a day to a day and a half for containers, two to three days for
    /// float glass, with a fifth to an eighth of it dead.
    ///
    /// Errors: no tank or more than 50, a dead time that is negative or not shorter than the mean.
    pub fn new(tanks: u32, mean_s: f64, dead_s: f64) -> Result<ResidenceTime, PhysicsError> {
        within("the number of tanks", f64::from(tanks), 1.0, f64::from(MOST_TANKS))?;
        within("the mean residence time in s", mean_s, f64::MIN_POSITIVE, 1e12)?;
        within("the dead time in s", dead_s, 0.0, mean_s * (1.0 - 1e-9))?;
        Ok(ResidenceTime { tanks, mean_s, dead_s })
    }

    pub fn mean_s(&self) -> f64 {
        self.mean_s
    }

    /// The share of what entered at once that has left after `t_s`, F.
    pub fn left(&self, t_s: f64) -> f64 {
        let x = self.tanks_passed(t_s);
        if x <= 0.0 {
            return 0.0;
        }
        let mut term = (-x).exp();
        let mut staying = term;
        for tank in 1..self.tanks {
            term *= x / f64::from(tank);
            staying += term;
        }
        1.0 - staying
    }

    /// The density of residence times E = dF/dt, 1/s.
    pub fn density_per_s(&self, t_s: f64) -> f64 {
        let x = self.tanks_passed(t_s);
        if x < 0.0 {
            return 0.0;
        }
        let rate = f64::from(self.tanks) / (self.mean_s - self.dead_s);
        (1..self.tanks).fold(rate * (-x).exp(), |density, tank| density * x / f64::from(tank))
    }

    /// Standard deviation of the residence time, s.
    pub fn deviation_s(&self) -> f64 {
        (self.mean_s - self.dead_s) / f64::from(self.tanks).sqrt()
    }

    fn tanks_passed(&self, t_s: f64) -> f64 {
        f64::from(self.tanks) * (t_s - self.dead_s) / (self.mean_s - self.dead_s)
    }
}

/// Pieces of plug flow that are told apart: what entered within a 500th of the plug is mixed.
const PIECES: f64 = 500.0;

/// The state of a melter: `K` properties of the glass, conserved as it mixes (shares of oxides, of cullet, of an old
/// colour), on their way through plug flow and stirred tanks.
///
/// Steps are in mass that passes, not in time: what has been melted comes out in the same order at any pull. A step is
/// exact for an inlet that is constant during it, however long it is.
#[derive(Clone, Debug)]
pub struct Mixing<const K: usize> {
    tank_kg: f64,
    plug_kg: f64,
    /// Mass and properties, oldest first; together always `plug_kg`.
    plug: VecDeque<(f64, [f64; K])>,
    tanks: Vec<[f64; K]>,
}

impl<const K: usize> Mixing<K> {
    /// A melter that holds `content_kg` of uniform glass, with the distribution of residence times as its shape.
    ///
    /// Error: a content that is not positive.
    pub fn new(shape: &ResidenceTime, content_kg: f64, initial: [f64; K]) -> Result<Mixing<K>, PhysicsError> {
        within("the content of the melter in kg", content_kg, f64::MIN_POSITIVE, 1e12)?;
        let plug_kg = content_kg * shape.dead_s / shape.mean_s;
        let mut plug = VecDeque::with_capacity(PIECES as usize + 2);
        if plug_kg > 0.0 {
            plug.push_back((plug_kg, initial));
        }
        let tank_kg = (content_kg - plug_kg) / f64::from(shape.tanks);
        Ok(Mixing { tank_kg, plug_kg, plug, tanks: vec![initial; shape.tanks as usize] })
    }

    /// What flows out now.
    pub fn outlet(&self) -> [f64; K] {
        self.tanks[self.tanks.len() - 1]
    }

    /// `passed_kg` of glass with properties `inlet` flow in, and as much flows out. Returns what flows out at the end.
    ///
    /// Error: a mass that is negative or not finite.
    pub fn step(&mut self, passed_kg: f64, inlet: [f64; K]) -> Result<[f64; K], PhysicsError> {
        within("the mass that passes in kg", passed_kg, 0.0, 1e12)?;
        self.enter(passed_kg, inlet);
        let mut leaving = passed_kg;
        while let Some((mass, properties)) = self.plug.front_mut() {
            if *mass > leaving {
                *mass -= leaving;
                let properties = *properties;
                self.stir(leaving, properties);
                return Ok(self.outlet());
            }
            let piece = (*mass, *properties);
            leaving -= piece.0;
            self.plug.pop_front();
            self.stir(piece.0, piece.1);
        }
        // Without plug flow, or by rounding, some of the inlet is left over.
        self.stir(leaving, inlet);
        Ok(self.outlet())
    }

    fn enter(&mut self, mass: f64, properties: [f64; K]) {
        if self.plug_kg == 0.0 || mass == 0.0 {
            return;
        }
        match self.plug.back_mut() {
            Some((newest, mixed)) if *newest + mass < self.plug_kg / PIECES => {
                let share = mass / (*newest + mass);
                *newest += mass;
                for (mixed, entering) in mixed.iter_mut().zip(properties) {
                    *mixed += share * (entering - *mixed);
                }
            }
            _ => self.plug.push_back((mass, properties)),
        }
    }

    /// The matrix exponential of a chain of equal tanks: tank k gets the e^(−x) x^j/j! of what tank k − j was off the
    /// inlet.
    fn stir(&mut self, mass: f64, inlet: [f64; K]) {
        let x = mass / self.tank_kg;
        for tank in (0..self.tanks.len()).rev() {
            let mut weight = (-x).exp();
            let mut off = [0.0; K];
            for back in 0..=tank {
                for ((off, then), inlet) in off.iter_mut().zip(self.tanks[tank - back]).zip(inlet) {
                    *off += weight * (then - inlet);
                }
                weight *= x / (back + 1) as f64;
            }
            for ((now, inlet), off) in self.tanks[tank].iter_mut().zip(inlet).zip(off) {
                *now = inlet + off;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_of_colour_comes_out_as_the_distribution_says() {
        let shape = ResidenceTime::new(3, 100.0, 20.0).unwrap();
        // 1 kg/s through 100 kg.
        let mut melter = Mixing::new(&shape, 100.0, [0.0]).unwrap();
        for second in 1..=400 {
            let [left] = melter.step(1.0, [1.0]).unwrap();
            assert!((left - shape.left(f64::from(second))).abs() < 1e-9, "{second}: {left}");
        }
    }

    #[test]
    fn half_the_pull_delays_a_change_twice_as_long() {
        let shape = ResidenceTime::new(4, 100.0, 15.0).unwrap();
        let mut melter = Mixing::new(&shape, 100.0, [0.0]).unwrap();
        for _ in 0..120 {
            melter.step(0.5, [1.0]).unwrap();
        }
        assert!((melter.outlet()[0] - shape.left(60.0)).abs() < 1e-9);
    }

    #[test]
    fn the_density_has_the_mean_and_deviation_that_it_says() {
        let shape = ResidenceTime::new(3, 30.0, 5.0).unwrap();
        let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
        for step in 0..40_000 {
            let t_s = 0.01 * (f64::from(step) + 0.5);
            let share = 0.01 * shape.density_per_s(t_s);
            total += share;
            mean += share * t_s;
            square += share * t_s * t_s;
        }
        assert!((total - 1.0).abs() < 1e-4 && (mean - 30.0).abs() < 1e-3, "{total} {mean}");
        assert!(((square - mean * mean).sqrt() - shape.deviation_s()).abs() < 1e-2);
    }

    #[test]
    fn small_steps_keep_the_plug_bounded() {
        let shape = ResidenceTime::new(2, 100.0, 50.0).unwrap();
        let mut melter = Mixing::new(&shape, 100.0, [0.0]).unwrap();
        for _ in 0..20_000 {
            melter.step(0.01, [1.0]).unwrap();
        }
        assert!(melter.plug.len() <= 2 * PIECES as usize, "{} pieces", melter.plug.len());
        let plug: f64 = melter.plug.iter().map(|piece| piece.0).sum();
        assert!((plug - 50.0).abs() < 1e-6, "{plug}");
    }

    #[test]
    fn what_is_no_melter_is_refused() {
        assert!(ResidenceTime::new(0, 100.0, 0.0).is_err());
        assert!(ResidenceTime::new(3, 100.0, 100.0).is_err());
        let shape = ResidenceTime::new(3, 100.0, 10.0).unwrap();
        assert!(Mixing::new(&shape, 0.0, [0.0]).is_err());
        assert!(Mixing::new(&shape, 1.0, [0.0]).unwrap().step(f64::NAN, [0.0]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_on_the_way(
            steps in prop::collection::vec((0.0..50.0_f64, 0.0..1.0_f64), 1..30), dead in 0.0..90.0_f64,
            tanks in 1..6_u32
        ) {
            let shape = ResidenceTime::new(tanks, 100.0, dead).unwrap();
            let mut melter = Mixing::new(&shape, 100.0, [0.3]).unwrap();
            let content = |melter: &Mixing<1>| {
                let plug: f64 = melter.plug.iter().map(|(mass, properties)| mass * properties[0]).sum();
                plug + melter.tanks.iter().map(|tank| tank[0] * melter.tank_kg).sum::<f64>()
            };
            let before = content(&melter);
            let (mut entered, mut left) = (0.0, 0.0);
            for (mass, inlet) in steps {
                // The outlet varies during a step: its integral by many small ones.
                for _ in 0..1000 {
                    let begin = melter.outlet()[0];
                    let end = melter.step(mass / 1000.0, [inlet]).unwrap()[0];
                    left += 0.5 * (begin + end) * mass / 1000.0;
                }
                entered += mass * inlet;
            }
            prop_assert!((before + entered - left - content(&melter)).abs() < 0.02);
        }

        #[test]
        fn one_step_is_as_good_as_many(mass in 0.0..300.0_f64, parts in 1..20_u32, dead in 0.0..90.0_f64) {
            let shape = ResidenceTime::new(3, 100.0, dead).unwrap();
            let mut once = Mixing::new(&shape, 100.0, [0.0, 5.0]).unwrap();
            let mut often = once.clone();
            once.step(mass, [1.0, 2.0]).unwrap();
            for _ in 0..parts {
                often.step(mass / f64::from(parts), [1.0, 2.0]).unwrap();
            }
            for (one, other) in once.outlet().into_iter().zip(often.outlet()) {
                prop_assert!((one - other).abs() < 1e-9);
            }
        }
    }
}
