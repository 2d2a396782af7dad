//! Viscoelastic stress in a plate whose temperature through the thickness is known.
//!
//! Layers parallel to the faces carry stress in the plane and none across it (σ_z = 0); planes stay planes. Deviatoric
//! and mean stress relax with the shear and the bulk spectrum in the reduced time of their layer. Each step adds the
//! free thermal strain of the layers and finds the common strain at which the resultant force is zero, and with
//! [`Bending::Free`] the curvature at which the resultant moment is.

use super::prony::{Decay, TERMS};
use super::relaxing::RelaxingGlass;
use super::structure::Structure;
use crate::error::within;
use crate::{Kelvin, PhysicsError};

/// What the plate does in its plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Free in both directions, which are alike: ε_x = ε_y.
    Free,
    /// Held in y from the initial state on (ε_y = 0), free in x: plane strain.
    HeldInY,
}

/// Whether the plate stays flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bending {
    /// Flat by symmetry, by its weight or by its support.
    Held,
    Free,
}

/// A layer: a point of the thickness at which stress is computed, and how much it stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Height over the middle of the plate, m.
    pub z_m: f64,
    /// Share of the thickness, positive; all add up to one.
    pub weight: f64,
}

/// Trapezoidal layers through half a symmetric plate, from the middle to a face.
pub fn half_layers(half_thickness_m: f64, count: usize) -> Vec<Layer> {
    trapezoid(0.0, half_thickness_m, count)
}

/// Trapezoidal layers through a whole plate, from the lower to the upper face.
pub fn full_layers(thickness_m: f64, count: usize) -> Vec<Layer> {
    trapezoid(-0.5 * thickness_m, thickness_m, count)
}

fn trapezoid(from_m: f64, length_m: f64, count: usize) -> Vec<Layer> {
    let intervals = count.saturating_sub(1).max(1) as f64;
    let layer = |index: usize| Layer {
        z_m: from_m + length_m * index as f64 / intervals,
        weight: if index == 0 || index + 1 == count { 0.5 } else { 1.0 } / intervals,
    };
    (0..count).map(layer).collect()
}

/// Stress in the plane, Pa; tension is positive.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct InPlane {
    pub x_pa: f64,
    pub y_pa: f64,
}

/// The stress state of a plate.
#[derive(Clone, Debug)]
pub struct PlateStress {
    glass: RelaxingGlass,
    shear_pa: [f64; TERMS],
    bulk_pa: [f64; TERMS],
    plane: Plane,
    bending: Bending,
    layers: Vec<LayerState>,
    stress: Vec<InPlane>,
}

#[derive(Clone, Debug)]
struct LayerState {
    at: Layer,
    structure: Structure,
    /// Deviatoric stress of the terms in x and y, Pa; that in z makes the sum zero.
    deviator_x: [f64; TERMS],
    deviator_y: [f64; TERMS],
    /// Mean stress of the terms, and of what never relaxes, Pa.
    mean: [f64; TERMS],
    mean_rest: f64,
    step: LayerStep,
}

/// One layer's answer to strain in the present step: σ_x = `rest_x` + `stiffness_x`·ε_x, and so on.
#[derive(Clone, Copy, Debug)]
struct LayerStep {
    shear: [Decay; TERMS],
    bulk: [Decay; TERMS],
    strain: f64,
    /// ε_z = `across` − `narrowing`·(ε_x + ε_y).
    across: f64,
    narrowing: f64,
    rest_x: f64,
    stiffness_x: f64,
}

impl LayerStep {
    const NONE: LayerStep = {
        let still = Decay { left: 1.0, of_change: 1.0 };
        LayerStep {
            shear: [still; TERMS],
            bulk: [still; TERMS],
            strain: 0.0,
            across: 0.0,
            narrowing: 0.0,
            rest_x: 0.0,
            stiffness_x: 0.0,
        }
    };
}

/// How far the weights may be from adding up to one.
const WEIGHT_TOLERANCE: f64 = 1e-9;

impl PlateStress {
    /// A plate without stress, of one temperature and one fictive temperature.
    ///
    /// Errors: no layers, or weights that are not positive or do not add up to one.
    pub fn new(
        glass: RelaxingGlass,
        layers: &[Layer],
        plane: Plane,
        bending: Bending,
        initial: Structure,
    ) -> Result<PlateStress, PhysicsError> {
        for layer in layers {
            within("the weight of a layer", layer.weight, f64::MIN_POSITIVE, 1.0)?;
        }
        let total = layers.iter().map(|layer| layer.weight).sum();
        within("the sum of the weights of layers", total, 1.0 - WEIGHT_TOLERANCE, 1.0 + WEIGHT_TOLERANCE)?;
        let state = |&at: &Layer| LayerState {
            at,
            structure: initial,
            deviator_x: [0.0; TERMS],
            deviator_y: [0.0; TERMS],
            mean: [0.0; TERMS],
            mean_rest: 0.0,
            step: LayerStep::NONE,
        };
        Ok(PlateStress {
            glass,
            shear_pa: glass.shear_terms_pa(),
            bulk_pa: glass.bulk_terms_pa(),
            plane,
            bending,
            stress: vec![InPlane::default(); layers.len()],
            layers: layers.iter().map(state).collect(),
        })
    }

    /// Brings the layers to these temperatures within `step_s`, each at an even rate. A step of zero is elastic.
    ///
    /// Errors: not one temperature a layer; a temperature or step that is not finite, upon which nothing has changed.
    pub fn step(&mut self, step_s: f64, temperatures: &[Kelvin]) -> Result<(), PhysicsError> {
        within("a step in s", step_s, 0.0, 1e9)?;
        let (got, expected) = (temperatures.len(), self.layers.len());
        if got != expected {
            return Err(PhysicsError::Length { quantity: "a profile of temperature", got, expected });
        }
        for temperature in temperatures {
            within("a temperature in K", temperature.0, 1.0, 5000.0)?;
        }
        for (layer, &temperature) in self.layers.iter_mut().zip(temperatures) {
            let aged = layer.structure.step(&self.glass, step_s, temperature);
            layer.prepare(&self.glass, (&self.shear_pa, &self.bulk_pa), self.plane, aged.reduced_s, aged.strain);
        }
        let (stretch, curvature) = self.balance();
        for (layer, stress) in self.layers.iter_mut().zip(&mut self.stress) {
            let strain_x = stretch + curvature * layer.at.z_m;
            let strain_y = if self.plane == Plane::Free { strain_x } else { 0.0 };
            *stress = layer.strained((&self.shear_pa, &self.bulk_pa), self.glass, strain_x, strain_y);
        }
        Ok(())
    }

    /// Brings the whole plate to one temperature in no time: what stress is left is the residual stress. It means
    /// something when the glass is below the transition everywhere.
    ///
    /// Error: a temperature that is not positive and finite.
    pub fn equalise(&mut self, temperature: Kelvin) -> Result<(), PhysicsError> {
        self.step(0.0, &vec![temperature; self.layers.len()])
    }

    /// One a layer, in the order of the layers.
    pub fn stress(&self) -> &[InPlane] {
        &self.stress
    }

    /// The structure of a layer; panics when there is none of this number.
    pub fn structure(&self, layer: usize) -> &Structure {
        &self.layers[layer].structure
    }

    /// Mean over the thickness.
    pub fn fictive(&self) -> Kelvin {
        Kelvin(self.layers.iter().map(|layer| layer.at.weight * layer.structure.fictive().0).sum())
    }

    /// The greatest tension in x, Pa; zero in a plate that is nowhere in tension.
    pub fn greatest_tension_pa(&self) -> f64 {
        self.stress.iter().map(|stress| stress.x_pa).fold(0.0, f64::max)
    }

    /// Resultant of σ_x over the thickness, Pa: zero but for rounding.
    pub fn resultant_pa(&self) -> f64 {
        self.layers.iter().zip(&self.stress).map(|(layer, stress)| layer.at.weight * stress.x_pa).sum()
    }

    /// Strain and curvature at which force, and moment if bending is free, vanish.
    fn balance(&self) -> (f64, f64) {
        let (mut force, mut moment) = (0.0, 0.0);
        let mut stiffness = [0.0; 3];
        for layer in &self.layers {
            let Layer { z_m, weight } = layer.at;
            force += weight * layer.step.rest_x;
            moment += weight * layer.step.rest_x * z_m;
            for (power, stiffness) in [1.0, z_m, z_m * z_m].into_iter().zip(&mut stiffness) {
                *stiffness += weight * layer.step.stiffness_x * power;
            }
        }
        let [s0, s1, s2] = stiffness;
        let determinant = s0 * s2 - s1 * s1;
        if self.bending == Bending::Held || determinant <= 0.0 {
            return (-force / s0, 0.0);
        }
        ((s1 * moment - s2 * force) / determinant, (s1 * force - s0 * moment) / determinant)
    }
}

impl LayerState {
    /// Relaxes the layer and eliminates ε_z by σ_z = 0.
    fn prepare(
        &mut self,
        glass: &RelaxingGlass,
        (shear_pa, bulk_pa): (&[f64; TERMS], &[f64; TERMS]),
        plane: Plane,
        reduced_s: f64,
        strain: f64,
    ) {
        let (shear, bulk) = (glass.shear.over(reduced_s), glass.bulk.over(reduced_s));
        let (mut g, mut k) = (0.0, glass.bulk_rest * glass.bulk_pa());
        let (mut deviator_x, mut deviator_y, mut mean) = (0.0, 0.0, self.mean_rest);
        for term in 0..TERMS {
            g += shear_pa[term] * shear[term].of_change;
            k += bulk_pa[term] * bulk[term].of_change;
            deviator_x += self.deviator_x[term] * shear[term].left;
            deviator_y += self.deviator_y[term] * shear[term].left;
            mean += self.mean[term] * bulk[term].left;
        }
        let free = mean - 3.0 * k * strain;
        let across_stiffness = k + 4.0 / 3.0 * g;
        // Lamé's first constant.
        let lame = k - 2.0 / 3.0 * g;
        let across = (deviator_x + deviator_y - free) / across_stiffness;
        let narrowing = lame / across_stiffness;
        let both = lame * (1.0 - narrowing);
        self.step = LayerStep {
            shear,
            bulk,
            strain,
            across,
            narrowing,
            rest_x: deviator_x + free + lame * across,
            stiffness_x: 2.0 * g + both * if plane == Plane::Free { 2.0 } else { 1.0 },
        };
    }

    /// Adds the strain of the step to the stress of the terms.
    fn strained(
        &mut self,
        (shear_pa, bulk_pa): (&[f64; TERMS], &[f64; TERMS]),
        glass: RelaxingGlass,
        strain_x: f64,
        strain_y: f64,
    ) -> InPlane {
        let step = &self.step;
        let volume = strain_x + strain_y + step.across - step.narrowing * (strain_x + strain_y);
        let (shear_x, shear_y) = (2.0 * (strain_x - volume / 3.0), 2.0 * (strain_y - volume / 3.0));
        let dilation = volume - 3.0 * step.strain;
        self.mean_rest += glass.bulk_rest * glass.bulk_pa() * dilation;
        let mut stress = InPlane { x_pa: self.mean_rest, y_pa: self.mean_rest };
        for term in 0..TERMS {
            let (shear, bulk) = (step.shear[term], step.bulk[term]);
            let (g, k) = (shear_pa[term] * shear.of_change, bulk_pa[term] * bulk.of_change);
            self.deviator_x[term] = self.deviator_x[term] * shear.left + g * shear_x;
            self.deviator_y[term] = self.deviator_y[term] * shear.left + g * shear_y;
            self.mean[term] = self.mean[term] * bulk.left + k * dilation;
            stress.x_pa += self.deviator_x[term] + self.mean[term];
            stress.y_pa += self.deviator_y[term] + self.mean[term];
        }
        stress
    }
}

#[cfg(test)]
mod tests;
