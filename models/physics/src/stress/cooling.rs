//! A plate that cools (or is heated): conduction and stress stepped together. Tempering is the usual case.
//!
//! Stress follows temperature and does not act back on it.

use super::plate::{Bending, InPlane, Plane, PlateStress, full_layers, half_layers};
use super::relaxing::RelaxingGlass;
use super::structure::Structure;
use crate::conduction::{Face, Faces, Released, Slab};
use crate::error::within;
use crate::thermal::Material;
use crate::{Kelvin, PhysicsError};

/// A plate before it cools.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateSpec {
    pub thickness_m: f64,
    /// Through the thickness that is computed: half of it in [`Cooling::symmetric`].
    pub nodes: usize,
    pub plane: Plane,
    pub bending: Bending,
    pub initial: Kelvin,
    /// Of the glass at the begin; `None` is equilibrium, which glass above the transition is in.
    pub fictive: Option<Kelvin>,
}

/// A plate with its profiles of temperature and stress.
#[derive(Clone, Debug)]
pub struct Cooling<M> {
    slab: Slab<M>,
    stress: PlateStress,
    symmetric: bool,
    greatest_tension_pa: f64,
    elapsed_s: f64,
}

impl<M: Material> Cooling<M> {
    /// A plate whose faces are treated alike: only its upper half is computed, node 0 in the middle.
    ///
    /// Errors: those of [`Slab::new`]; a fictive temperature that is not positive and finite.
    pub fn symmetric(spec: &PlateSpec, material: M, glass: RelaxingGlass) -> Result<Cooling<M>, PhysicsError> {
        Cooling::new(spec, material, glass, true)
    }

    /// A plate with two faces, node 0 in the lower one.
    ///
    /// Errors: those of [`Slab::new`]; a fictive temperature that is not positive and finite.
    pub fn two_sided(spec: &PlateSpec, material: M, glass: RelaxingGlass) -> Result<Cooling<M>, PhysicsError> {
        Cooling::new(spec, material, glass, false)
    }

    fn new(spec: &PlateSpec, material: M, glass: RelaxingGlass, symmetric: bool) -> Result<Cooling<M>, PhysicsError> {
        let computed_m = if symmetric { 0.5 * spec.thickness_m } else { spec.thickness_m };
        let slab = Slab::new(material, computed_m, spec.nodes, spec.initial)?;
        let layers = if symmetric { half_layers(computed_m, spec.nodes) } else { full_layers(computed_m, spec.nodes) };
        let bending = if symmetric { Bending::Held } else { spec.bending };
        let fictive = spec.fictive.unwrap_or(spec.initial);
        within("the fictive temperature in K", fictive.0, 1.0, 5000.0)?;
        let structure = Structure::new(spec.initial, fictive);
        let stress = PlateStress::new(glass, &layers, spec.plane, bending, structure)?;
        Ok(Cooling { slab, stress, symmetric, greatest_tension_pa: 0.0, elapsed_s: 0.0 })
    }

    /// Advances by `step_s` with faces that stay as they are. Of a symmetric plate `upper` counts for both faces.
    ///
    /// Errors: as of [`Slab::step`].
    pub fn step(&mut self, step_s: f64, faces: &Faces) -> Result<Released, PhysicsError> {
        self.step_between(step_s, faces, faces)
    }

    /// Advances by `step_s` while the faces change linearly; errors as of [`Slab::step`].
    pub fn step_between(&mut self, step_s: f64, begin: &Faces, end: &Faces) -> Result<Released, PhysicsError> {
        let seen = |faces: &Faces| if self.symmetric { Faces { lower: Face::INSULATED, ..*faces } } else { *faces };
        let half = self.slab.step_between(step_s, &seen(begin), &seen(end))?;
        self.stress.step(step_s, self.slab.temperatures())?;
        self.greatest_tension_pa = self.greatest_tension_pa.max(self.stress.greatest_tension_pa());
        self.elapsed_s += step_s;
        let lower_j_m2 = if self.symmetric { half.upper_j_m2 } else { half.lower_j_m2 };
        Ok(Released { lower_j_m2, ..half })
    }

    /// Advances by `duration_s` in `steps` steps that grow geometrically to `growth` times the first: short where the
    /// faces have just changed. Returns the heat released on the way.
    ///
    /// Errors: no steps, a growth that is not positive, and those of [`Slab::step`].
    pub fn run(&mut self, duration_s: f64, faces: &Faces, steps: usize, growth: f64) -> Result<Released, PhysicsError> {
        within("the number of steps", steps as f64, 1.0, 1e9)?;
        within("the growth of steps", growth, 1e-9, 1e9)?;
        let ratio = if steps > 1 { growth.powf(1.0 / (steps - 1) as f64) } else { 1.0 };
        let total: f64 = (0..steps).map(|step| ratio.powi(step as i32)).sum();
        let mut step_s = duration_s / total;
        let mut released = Released { lower_j_m2: 0.0, upper_j_m2: 0.0 };
        for _ in 0..steps {
            let heat = self.step(step_s, faces)?;
            released.lower_j_m2 += heat.lower_j_m2;
            released.upper_j_m2 += heat.upper_j_m2;
            step_s *= ratio;
        }
        Ok(released)
    }

    /// Brings the whole plate to one temperature in no time, so that only the residual stress is left; see
    /// [`PlateStress::equalise`].
    ///
    /// Error: a temperature that is not positive and finite.
    pub fn equalise(&mut self, temperature: Kelvin) -> Result<(), PhysicsError> {
        self.slab.set_temperatures(&vec![temperature; self.slab.temperatures().len()])?;
        self.stress.equalise(temperature)
    }

    pub fn slab(&self) -> &Slab<M> {
        &self.slab
    }

    pub fn stress(&self) -> &PlateStress {
        &self.stress
    }

    /// In the upper face.
    pub fn surface(&self) -> InPlane {
        let stress = self.stress.stress();
        stress[stress.len() - 1]
    }

    /// In the middle of the thickness; between two nodes their mean.
    pub fn middle(&self) -> InPlane {
        let stress = self.stress.stress();
        if self.symmetric {
            return stress[0];
        }
        let (one, other) = (stress[(stress.len() - 1) / 2], stress[stress.len() / 2]);
        InPlane { x_pa: 0.5 * (one.x_pa + other.x_pa), y_pa: 0.5 * (one.y_pa + other.y_pa) }
    }

    /// The greatest tension in x so far, anywhere in the plate, Pa: where it exceeds the strength, the plate breaks.
    pub fn greatest_tension_pa(&self) -> f64 {
        self.greatest_tension_pa
    }

    pub fn elapsed_s(&self) -> f64 {
        self.elapsed_s
    }
}

#[cfg(test)]
mod tests;
