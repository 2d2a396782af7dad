//! Heat conduction through the thickness of a slab, with properties that depend on temperature.
//!
//! Control volumes around equidistant nodes, of which the first and last lie in the faces and have half a volume.
//! Fluxes are differences of ∫k dT and contents are enthalpies, so that what leaves the faces is exactly what the slab
//! loses, up to the tolerance of Newton's method. In time the implicit Runge–Kutta method of two stages by R. Alexander
//! (SIAM J. Numer. Anal. 14 (1977) 1006): second order, and L-stable, so that long steps and sudden faces damp out
//! instead of ringing. Its first stage is an implicit Euler step, which stays between the extremes: TR-BDF2 has the
//! same order and damping, but its trapezoidal stage leaves the range in which properties mean something.

use super::face::{Face, Faces};
use super::tridiagonal;
use crate::error::within;
use crate::thermal::Material;
use crate::{Kelvin, PhysicsError};

/// Share of a step that each of the two stages is implicit in, 1 − √½; the first stage ends there.
const STAGE: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

/// An update smaller than this is the last: Newton's method converges quadratically, so what it leaves is far below.
const SETTLED_K: f64 = 1e-5;
/// Two to four are usual; a capacity with a step in it takes some more.
const MOST_ITERATIONS: usize = 30;
/// Nodes of a slab; beyond them rounding outweighs what finer nodes gain.
const FEWEST_NODES: usize = 3;
const MOST_NODES: usize = 2001;

/// Heat that left through each face during a step, J/m².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Released {
    pub lower_j_m2: f64,
    pub upper_j_m2: f64,
}

impl Released {
    pub fn total_j_m2(&self) -> f64 {
        self.lower_j_m2 + self.upper_j_m2
    }
}

/// A slab with its profile of temperature from z = 0 to its thickness.
#[derive(Clone, Debug)]
pub struct Slab<M> {
    material: M,
    spacing_m: f64,
    temperatures: Vec<Kelvin>,
    /// Content of each volume at the begin of a step, and what a stage is to arrive at, J/m².
    content: Vec<f64>,
    target: Vec<f64>,
    /// What each volume conducted to its neighbours in the first stage, weighed, W/m².
    conducted: Vec<f64>,
    lower: Vec<f64>,
    diagonal: Vec<f64>,
    upper: Vec<f64>,
    update: Vec<f64>,
    flux: Vec<f64>,
}

impl<M: Material> Slab<M> {
    /// A slab of one temperature.
    ///
    /// Errors: a thickness outside 1 µm to 10 m, fewer than 3 or more than 2001 nodes.
    pub fn new(material: M, thickness_m: f64, nodes: usize, initial: Kelvin) -> Result<Slab<M>, PhysicsError> {
        within("the thickness in m", thickness_m, 1e-6, 10.0)?;
        within("the number of nodes", nodes as f64, FEWEST_NODES as f64, MOST_NODES as f64)?;
        within("the initial temperature in K", initial.0, 1.0, 5000.0)?;
        let zeros = vec![0.0; nodes];
        Ok(Slab {
            material,
            spacing_m: thickness_m / (nodes - 1) as f64,
            temperatures: vec![initial; nodes],
            conducted: zeros.clone(),
            content: zeros.clone(),
            target: zeros.clone(),
            lower: zeros.clone(),
            diagonal: zeros.clone(),
            upper: zeros.clone(),
            update: zeros.clone(),
            flux: zeros,
        })
    }

    /// From z = 0 to the thickness, equidistant, both faces included.
    pub fn temperatures(&self) -> &[Kelvin] {
        &self.temperatures
    }

    /// Error: not one temperature a node, or one that is not positive and finite.
    pub fn set_temperatures(&mut self, temperatures: &[Kelvin]) -> Result<(), PhysicsError> {
        let (got, expected) = (temperatures.len(), self.temperatures.len());
        if got != expected {
            return Err(PhysicsError::Length { quantity: "a profile of temperature", got, expected });
        }
        for temperature in temperatures {
            within("a temperature in K", temperature.0, 1.0, 5000.0)?;
        }
        self.temperatures.copy_from_slice(temperatures);
        Ok(())
    }

    pub fn material(&self) -> &M {
        &self.material
    }

    pub fn thickness_m(&self) -> f64 {
        self.spacing_m * (self.temperatures.len() - 1) as f64
    }

    /// Above the zero of the material, J/m².
    pub fn enthalpy_j_m2(&self) -> f64 {
        (0..self.temperatures.len()).map(|node| self.volume_m(node) * self.enthalpy(node)).sum()
    }

    /// Mean over the thickness.
    pub fn mean(&self) -> Kelvin {
        let sum: f64 = (0..self.temperatures.len()).map(|i| self.volume_m(i) * self.temperatures[i].0).sum();
        Kelvin(sum / self.thickness_m())
    }

    /// Advances by `step_s` with faces that stay as they are.
    ///
    /// Errors: a step that is negative or not finite; Newton's method does not settle, which a face that is not finite
    /// shows too. The profile is then spoilt.
    pub fn step(&mut self, step_s: f64, faces: &Faces) -> Result<Released, PhysicsError> {
        self.step_between(step_s, faces, faces)
    }

    /// Advances by `step_s` while the faces change linearly from `begin` to `end`; errors as [`Slab::step`].
    pub fn step_between(&mut self, step_s: f64, begin: &Faces, end: &Faces) -> Result<Released, PhysicsError> {
        within("a step in s", step_s, 0.0, 1e9)?;
        // A face that changes its kind is of the new kind from the begin on.
        let begin = &begin.between(end, 0.0);
        let last = self.temperatures.len() - 1;
        for node in 0..=last {
            self.content[node] = self.volume_m(node) * self.enthalpy(node);
        }
        self.target.copy_from_slice(&self.content);
        let staged = self.stage(STAGE * step_s, &begin.between(end, STAGE))?;
        for node in 0..=last {
            self.conducted[node] = (1.0 - STAGE) * self.flux[node];
            let flux = self.flux[node] + self.face_flux(node, &staged);
            self.target[node] = self.content[node] - (1.0 - STAGE) * step_s * flux;
        }
        let ended = self.stage(STAGE * step_s, end)?;
        let released = |face: usize, node: usize, kind: &Face| match kind {
            Face::Exchange(_) => step_s * ((1.0 - STAGE) * staged[face] + STAGE * ended[face]),
            // What a face of fixed temperature gives away is what its volume lost and did not conduct inwards.
            Face::Fixed(_) => {
                let lost = self.content[node] - self.volume_m(node) * self.enthalpy(node);
                lost - step_s * (self.conducted[node] + STAGE * self.flux[node])
            }
        };
        Ok(Released { lower_j_m2: released(0, 0, &end.lower), upper_j_m2: released(1, last, &end.upper) })
    }

    /// Of `leaving` what comes out of this node's volume, W/m².
    fn face_flux(&self, node: usize, leaving: &[f64; 2]) -> f64 {
        let lower = if node == 0 { leaving[0] } else { 0.0 };
        lower + if node + 1 == self.temperatures.len() { leaving[1] } else { 0.0 }
    }

    fn volume_m(&self, node: usize) -> f64 {
        let in_face = node == 0 || node + 1 == self.temperatures.len();
        if in_face { 0.5 * self.spacing_m } else { self.spacing_m }
    }

    fn enthalpy(&self, node: usize) -> f64 {
        self.material.enthalpy(self.temperatures[node])
    }

    fn set_fixed(&mut self, faces: &Faces) {
        let last = self.temperatures.len() - 1;
        for (node, face) in [(0, &faces.lower), (last, &faces.upper)] {
            if let Face::Fixed(temperature) = face {
                self.temperatures[node] = *temperature;
            }
        }
    }

    /// Puts the heat that each volume conducts to its neighbours into `flux`, W/m².
    fn conduct(&mut self) {
        self.flux.fill(0.0);
        let mut integral = self.material.conductivity_integral(self.temperatures[0]);
        for node in 0..self.temperatures.len() - 1 {
            let next = self.material.conductivity_integral(self.temperatures[node + 1]);
            let flow = (integral - next) / self.spacing_m;
            self.flux[node] += flow;
            self.flux[node + 1] -= flow;
            integral = next;
        }
    }

    /// What leaves the faces, W/m²; zero at a face of fixed temperature.
    fn exchange(&self, faces: &Faces) -> [f64; 2] {
        let last = self.temperatures.len() - 1;
        [(0, &faces.lower), (last, &faces.upper)].map(|(node, face)| match face {
            Face::Fixed(_) => 0.0,
            Face::Exchange(exchange) => exchange.leaving_w_m2(self.temperatures[node]),
        })
    }

    /// Finds temperatures with content + `duration_s` × leaving flux = `target` in each volume. Returns what leaves
    /// the faces; `flux` is then what volumes conduct.
    fn stage(&mut self, duration_s: f64, faces: &Faces) -> Result<[f64; 2], PhysicsError> {
        self.set_fixed(faces);
        for _ in 0..MOST_ITERATIONS {
            self.conduct();
            let leaving = self.exchange(faces);
            self.linearise(duration_s, faces, &leaving);
            tridiagonal::solve(&self.lower, &mut self.diagonal, &self.upper, &mut self.update);
            let mut greatest = 0.0_f64;
            for (temperature, update) in self.temperatures.iter_mut().zip(&self.update) {
                // Where an update would lead below zero it is cut: properties have no meaning there.
                temperature.0 = (temperature.0 + update).max(0.5 * temperature.0);
                // Unlike `max`, keeps NaN, which then never counts as settled.
                greatest = if update.abs() <= greatest { greatest } else { update.abs() };
            }
            if greatest < SETTLED_K {
                self.conduct();
                return Ok(self.exchange(faces));
            }
        }
        Err(PhysicsError::NotConverged { what: "the temperature of a slab", iterations: MOST_ITERATIONS })
    }

    /// Newton's equations around the present temperatures, with the residual on the right.
    fn linearise(&mut self, duration_s: f64, faces: &Faces, leaving: &[f64; 2]) {
        let last = self.temperatures.len() - 1;
        let share = duration_s / self.spacing_m;
        let mut before = 0.0;
        let mut here = share * self.material.conductivity(self.temperatures[0]);
        for node in 0..=last {
            let next = if node < last { self.material.conductivity(self.temperatures[node + 1]) * share } else { 0.0 };
            let neighbours = if node == 0 || node == last { 1.0 } else { 2.0 };
            let volume = self.volume_m(node);
            self.lower[node] = -before;
            self.upper[node] = -next;
            self.diagonal[node] = volume * self.material.heat_capacity(self.temperatures[node]) + neighbours * here;
            let flux = self.flux[node] + self.face_flux(node, leaving);
            self.update[node] = self.target[node] - volume * self.enthalpy(node) - duration_s * flux;
            (before, here) = (here, next);
        }
        for (node, face) in [(0, &faces.lower), (last, &faces.upper)] {
            match face {
                Face::Exchange(exchange) => {
                    self.diagonal[node] += duration_s * exchange.coefficient_w_m2k(self.temperatures[node]);
                }
                Face::Fixed(_) => {
                    self.lower[node] = 0.0;
                    self.upper[node] = 0.0;
                    self.diagonal[node] = 1.0;
                    self.update[node] = 0.0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
