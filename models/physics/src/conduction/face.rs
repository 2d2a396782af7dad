//! What a face of a slab exchanges heat with.

use crate::{Kelvin, STEFAN_BOLTZMANN};

/// One face of a slab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Face {
    /// The face has this temperature from the moment on that the step begins.
    Fixed(Kelvin),
    Exchange(Exchange),
}

/// Convection to a gas or a tool, radiation to surroundings and an imposed flow, any of them zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Heat transfer coefficient, W/(m²·K).
    pub convection_w_m2k: f64,
    pub ambient: Kelvin,
    /// Effective emissivity of grey surroundings, 0 to 1.
    pub emissivity: f64,
    pub surroundings: Kelvin,
    /// Further heat that leaves through the face, W/m²; negative heats.
    pub imposed_w_m2: f64,
}

impl Exchange {
    pub const NONE: Exchange = Exchange {
        convection_w_m2k: 0.0,
        ambient: Kelvin(293.15),
        emissivity: 0.0,
        surroundings: Kelvin(293.15),
        imposed_w_m2: 0.0,
    };

    pub fn convection(w_m2k: f64, ambient: Kelvin) -> Exchange {
        Exchange { convection_w_m2k: w_m2k, ambient, ..Exchange::NONE }
    }

    pub fn radiation(emissivity: f64, surroundings: Kelvin) -> Exchange {
        Exchange { emissivity, surroundings, ..Exchange::NONE }
    }

    /// Convection to and radiation to the same temperature.
    pub fn both(w_m2k: f64, emissivity: f64, ambient: Kelvin) -> Exchange {
        Exchange { convection_w_m2k: w_m2k, ambient, emissivity, surroundings: ambient, imposed_w_m2: 0.0 }
    }

    /// Heat that leaves a face of this temperature, W/m².
    pub fn leaving_w_m2(&self, Kelvin(t): Kelvin) -> f64 {
        let radiated = self.emissivity * STEFAN_BOLTZMANN * (t.powi(4) - self.surroundings.0.powi(4));
        self.convection_w_m2k * (t - self.ambient.0) + radiated + self.imposed_w_m2
    }

    /// Derivative of [`Exchange::leaving_w_m2`]: the total heat transfer coefficient, W/(m²·K).
    pub fn coefficient_w_m2k(&self, Kelvin(t): Kelvin) -> f64 {
        self.convection_w_m2k + 4.0 * self.emissivity * STEFAN_BOLTZMANN * t.powi(3)
    }

    fn between(&self, end: &Exchange, share: f64) -> Exchange {
        let mix = |start: f64, end: f64| start + share * (end - start);
        Exchange {
            convection_w_m2k: mix(self.convection_w_m2k, end.convection_w_m2k),
            ambient: Kelvin(mix(self.ambient.0, end.ambient.0)),
            emissivity: mix(self.emissivity, end.emissivity),
            surroundings: Kelvin(mix(self.surroundings.0, end.surroundings.0)),
            imposed_w_m2: mix(self.imposed_w_m2, end.imposed_w_m2),
        }
    }
}

impl Face {
    pub const INSULATED: Face = Face::Exchange(Exchange::NONE);

    pub fn convection(w_m2k: f64, ambient: Kelvin) -> Face {
        Face::Exchange(Exchange::convection(w_m2k, ambient))
    }

    pub fn radiation(emissivity: f64, surroundings: Kelvin) -> Face {
        Face::Exchange(Exchange::radiation(emissivity, surroundings))
    }

    /// Linear between two faces of the same kind; of different kinds the end holds.
    pub(crate) fn between(&self, end: &Face, share: f64) -> Face {
        match (self, end) {
            (Face::Fixed(from), Face::Fixed(to)) => Face::Fixed(Kelvin(from.0 + share * (to.0 - from.0))),
            (Face::Exchange(from), Face::Exchange(to)) => Face::Exchange(from.between(to, share)),
            _ => *end,
        }
    }
}

/// Both faces of a slab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faces {
    /// At z = 0.
    pub lower: Face,
    /// At z = thickness.
    pub upper: Face,
}

impl Faces {
    pub fn same(face: Face) -> Faces {
        Faces { lower: face, upper: face }
    }

    pub(crate) fn between(&self, end: &Faces, share: f64) -> Faces {
        Faces { lower: self.lower.between(&end.lower, share), upper: self.upper.between(&end.upper, share) }
    }
}
