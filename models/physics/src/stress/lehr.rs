//! Annealing, fast enough for a thousand scenarios: what a schedule of ambient temperatures leaves in a plate.
//!
//! In a lehr heat leaves a plate slowly compared with how fast it levels out inside (Bi ≪ 1), so that the profile is
//! always the parabola that belongs to the present flow of heat: one unknown instead of a grid. Stress is computed in
//! the three layers that Lobatto's rule with five points has in half a plate, which is exact for what follows from
//! parabolas up to the sixth power. Tempering breaks the assumption: use [`super::cooling`].

use super::plate::{Bending, Layer, Plane, PlateStress};
use super::relaxing::RelaxingGlass;
use super::structure::Structure;
use crate::conduction::Exchange;
use crate::error::within;
use crate::thermal::Material;
use crate::viscosity::{ANNEALING, STRAIN};
use crate::{Celsius, Kelvin, PhysicsError};

/// Ware that enters a lehr: a plate cooled from both faces alike. The wall of a closed container, cooled from outside
/// alone, is half of a plate of twice the thickness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ware {
    pub thickness_m: f64,
    pub entry: Kelvin,
    /// At the entry; `None` is equilibrium, which glass above the transition is in.
    pub fictive: Option<Kelvin>,
}

/// A stretch of a lehr, in the time that ware takes through it: the ambient changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    pub duration_s: f64,
    pub from: Kelvin,
    pub to: Kelvin,
    /// W/(m²·K), each face.
    pub convection_w_m2k: f64,
    /// Effective, towards surroundings of the ambient's temperature.
    pub emissivity: f64,
}

/// Ware at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub at_s: f64,
    pub mean: Kelvin,
    /// Of the mean during the step that ends here; negative while it cools.
    pub rate_k_s: f64,
    pub surface_pa: f64,
    pub middle_pa: f64,
}

/// What the lehr did to the ware.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealed {
    /// Residual stress at 20 °C in the faces and in the middle, Pa; tension is positive.
    pub surface_pa: f64,
    pub middle_pa: f64,
    /// The greatest tension on the way, Pa.
    pub greatest_tension_pa: f64,
    /// Mean over the thickness.
    pub fictive: Kelvin,
    /// Mean temperature on leaving. Residual stress is a promise only if it is below the strain point.
    pub exit: Kelvin,
    /// The fastest cooling between annealing and strain point, K/s; zero if ware cooled there nowhere.
    pub fastest_k_s: f64,
    /// Seconds spent between annealing and strain point.
    pub annealing_s: f64,
    pub steps: usize,
}

/// Above it the true profile is no parabola. At half a unit (10 mm of float glass at 600 °C) the full solver differs by
/// 1 % in residual stress and by 2 % in transient tension, at one and a half by 8 and by 40 %.
pub const MOST_BIOT: f64 = 0.6;
/// Change of temperature in a step: where glass relaxes, and where it does not.
const FINE_K: f64 = 4.0;
const COARSE_K: f64 = 20.0;
/// Slower than this glass does not relax in a lehr: its slowest term has a thousandth of a second of reduced time in
/// a quarter of an hour.
const FROZEN_SPEED: f64 = 1e-6;
/// A zone takes at least so many steps, so that its ambient is followed when the ware is slow.
const STEPS_PER_ZONE: f64 = 8.0;
/// Ware that heats and cools by 4000 K a hundred times over stays below it.
const MOST_STEPS: usize = 100_000;
const ROOM: Celsius = Celsius(20.0);

/// Sends ware through a lehr.
///
/// Errors: ware or zones out of any range, a Biot number above [`MOST_BIOT`].
pub fn anneal<M: Material>(
    ware: &Ware,
    material: &M,
    glass: &RelaxingGlass,
    zones: &[Zone],
) -> Result<Annealed, PhysicsError> {
    anneal_traced(ware, material, glass, zones, |_| {})
}

/// [`anneal`], with every step shown to `see`: the profile of cooling rates and the stress on the way.
pub fn anneal_traced<M: Material>(
    ware: &Ware,
    material: &M,
    glass: &RelaxingGlass,
    zones: &[Zone],
    mut see: impl FnMut(&Sample),
) -> Result<Annealed, PhysicsError> {
    let mut run = Run::new(ware, material, glass)?;
    for zone in zones {
        zone.check()?;
        run.through(zone, &mut see)?;
    }
    run.finish()
}

impl Zone {
    fn check(&self) -> Result<(), PhysicsError> {
        within("the duration of a zone in s", self.duration_s, 0.0, 1e7)?;
        within("the ambient of a zone in K", self.from.0, 1.0, 3000.0)?;
        within("the ambient of a zone in K", self.to.0, 1.0, 3000.0)?;
        within("the heat transfer of a zone in W/(m²·K)", self.convection_w_m2k, 0.0, 1e5)?;
        within("the emissivity of a zone", self.emissivity, 0.0, 1.0)?;
        Ok(())
    }

    fn at(&self, share: f64) -> Exchange {
        let ambient = Kelvin(self.from.0 + share * (self.to.0 - self.from.0));
        Exchange::both(self.convection_w_m2k, self.emissivity, ambient)
    }
}

/// Places of Lobatto's rule in half a plate, and their shares of it: 0, √(3/7), 1.
const PLACES: [f64; 3] = [0.0, 0.654_653_670_707_977_1, 1.0];
const SHARES: [f64; 3] = [16.0 / 45.0, 49.0 / 90.0, 0.1];

struct Run<'a, M> {
    material: &'a M,
    half_m: f64,
    mean: f64,
    stress: PlateStress,
    elapsed_s: f64,
    frozen_below: f64,
    annealing: Kelvin,
    strain: Kelvin,
    so_far: Annealed,
}

impl<'a, M: Material> Run<'a, M> {
    fn new(ware: &Ware, material: &'a M, glass: &RelaxingGlass) -> Result<Run<'a, M>, PhysicsError> {
        let half_m = 0.5 * within("the thickness in m", ware.thickness_m, 1e-6, 1.0)?;
        let mean = within("the temperature at the entry in K", ware.entry.0, 1.0, 3000.0)?;
        let layers = [0, 1, 2].map(|i| Layer { z_m: half_m * PLACES[i], weight: SHARES[i] });
        let fictive = ware.fictive.unwrap_or(ware.entry);
        within("the fictive temperature in K", fictive.0, 1.0, 3000.0)?;
        let structure = Structure::new(ware.entry, fictive);
        let annealing = glass.temperature_at(ANNEALING);
        Ok(Run {
            material,
            half_m,
            mean,
            stress: PlateStress::new(*glass, &layers, Plane::Free, Bending::Held, structure)?,
            elapsed_s: 0.0,
            frozen_below: glass.shift.temperature_at(FROZEN_SPEED, annealing).0,
            annealing,
            strain: glass.temperature_at(STRAIN),
            so_far: Annealed {
                surface_pa: 0.0,
                middle_pa: 0.0,
                greatest_tension_pa: 0.0,
                fictive: structure.fictive(),
                exit: ware.entry,
                fastest_k_s: 0.0,
                annealing_s: 0.0,
                steps: 0,
            },
        })
    }

    fn through(&mut self, zone: &Zone, see: &mut impl FnMut(&Sample)) -> Result<(), PhysicsError> {
        let mut passed_s = 0.0;
        let ramp = (zone.to.0 - zone.from.0) / zone.duration_s.max(f64::MIN_POSITIVE);
        while passed_s < zone.duration_s {
            let begin = zone.at(passed_s / zone.duration_s);
            let conductivity = self.material.conductivity(Kelvin(self.mean));
            let surface = self.surface(&begin, self.half_m / (3.0 * conductivity))?;
            let biot = begin.coefficient_w_m2k(surface) * self.half_m / conductivity;
            within("the Biot number of ware in a lehr", biot, 0.0, MOST_BIOT)?;
            let leaving = begin.leaving_w_m2(surface);
            let rate = leaving / (self.half_m * self.material.heat_capacity(Kelvin(self.mean)));
            let change = if self.mean > self.frozen_below { FINE_K } else { COARSE_K };
            let longest_s = (zone.duration_s / STEPS_PER_ZONE).min(change / rate.abs().max(ramp.abs()).max(1e-12));
            // What is left is taken in even steps, so that none is a splinter.
            let left_s = zone.duration_s - passed_s;
            let step_s = left_s / (left_s / longest_s).ceil();
            let end_s = if step_s >= left_s { zone.duration_s } else { passed_s + step_s };
            self.step(step_s, leaving, surface, &zone.at(end_s / zone.duration_s), see)?;
            passed_s = end_s;
        }
        Ok(())
    }

    fn step(
        &mut self,
        step_s: f64,
        leaving: f64,
        surface: Kelvin,
        end: &Exchange,
        see: &mut impl FnMut(&Sample),
    ) -> Result<(), PhysicsError> {
        if self.so_far.steps == MOST_STEPS {
            return Err(PhysicsError::NotConverged { what: "the way through a lehr", iterations: MOST_STEPS });
        }
        let before = self.mean;
        let conductivity = self.material.conductivity(Kelvin(before));
        let resistance = self.half_m / (3.0 * conductivity);
        // The trapezoidal rule for the content of half a plate, solved for the temperature of the face.
        let content = self.half_m * self.material.enthalpy(Kelvin(before)) - 0.5 * step_s * leaving;
        let surface = newton(surface, |face| {
            let (flow, slope) = (end.leaving_w_m2(face), end.coefficient_w_m2k(face));
            let mean = Kelvin(face.0 + resistance * flow);
            let residual = self.half_m * self.material.enthalpy(mean) + 0.5 * step_s * flow - content;
            let capacity = self.half_m * self.material.heat_capacity(mean);
            (residual, capacity * (1.0 + resistance * slope) + 0.5 * step_s * slope)
        })?;
        let flow = end.leaving_w_m2(surface);
        self.mean = surface.0 + resistance * flow;
        let bow = 3.0 * resistance * flow;
        let profile = PLACES.map(|place| Kelvin(self.mean + bow * (1.0 / 6.0 - 0.5 * place * place)));
        self.stress.step(step_s, &profile)?;
        self.elapsed_s += step_s;
        self.note(step_s, (self.mean - before) / step_s, see);
        Ok(())
    }

    fn note(&mut self, step_s: f64, rate_k_s: f64, see: &mut impl FnMut(&Sample)) {
        let so_far = &mut self.so_far;
        so_far.steps += 1;
        so_far.greatest_tension_pa = so_far.greatest_tension_pa.max(self.stress.greatest_tension_pa());
        if self.mean < self.annealing.0 && self.mean > self.strain.0 {
            so_far.fastest_k_s = so_far.fastest_k_s.max(-rate_k_s);
            so_far.annealing_s += step_s;
        }
        let stress = self.stress.stress();
        see(&Sample {
            at_s: self.elapsed_s,
            mean: Kelvin(self.mean),
            rate_k_s,
            surface_pa: stress[2].x_pa,
            middle_pa: stress[0].x_pa,
        });
    }

    /// The face's temperature at which what it gives away is what the parabola brings to it.
    fn surface(&self, exchange: &Exchange, resistance: f64) -> Result<Kelvin, PhysicsError> {
        newton(Kelvin(self.mean), |face| {
            let residual = face.0 - self.mean + resistance * exchange.leaving_w_m2(face);
            (residual, 1.0 + resistance * exchange.coefficient_w_m2k(face))
        })
    }

    fn finish(mut self) -> Result<Annealed, PhysicsError> {
        self.stress.equalise(ROOM.kelvin())?;
        let stress = self.stress.stress();
        Ok(Annealed {
            surface_pa: stress[2].x_pa,
            middle_pa: stress[0].x_pa,
            fictive: self.stress.fictive(),
            exit: Kelvin(self.mean),
            ..self.so_far
        })
    }
}

/// Two to three are usual.
const MOST_ITERATIONS: usize = 30;
/// Newton's method squares what it leaves: after an update this small nothing is left.
const SETTLED_K: f64 = 1e-4;

/// The temperature at which a residual vanishes, given with its derivative.
fn newton(from: Kelvin, equation: impl Fn(Kelvin) -> (f64, f64)) -> Result<Kelvin, PhysicsError> {
    let mut at = from;
    for _ in 0..MOST_ITERATIONS {
        let (residual, slope) = equation(at);
        let update = residual / slope;
        at.0 -= update;
        if update.abs() < SETTLED_K {
            return Ok(at);
        }
    }
    Err(PhysicsError::NotConverged { what: "the face of ware in a lehr", iterations: MOST_ITERATIONS })
}

#[cfg(test)]
mod tests;
