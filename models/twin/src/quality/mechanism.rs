//! How ware comes to defects: for each mechanism a load by physics, as a share of what the knowledge base gives as
//! its limit.
//!
//! A load is 0 at the line's normal operation and 1 at the limit at which the effect is known to be established.

use crate::parameter::Parameter;
use lehr_domain::unit::DefectType;
use lehr_physics::viscosity::Vft;
use lehr_physics::{Celsius, Log10Viscosity};
use serde::{Deserialize, Serialize};

/// A way in which a departure of the process makes defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mechanism {
    /// Ware that enters the lehr too hot is left with more stress than it stands.
    HotMelt,
    /// A melt too thick to dissolve its batch, or so cold that crystals grow.
    ColdMelt,
    /// The belt leaves less time than the wall needs through its forming window.
    FastBelt,
    /// Touching a cold mold, the skin is put under tension.
    ColdMold,
    /// Gas is entrapped when the forming pressure varies.
    UnsteadyPressure,
    /// Thermal shock: tension in proportion to the rate of cooling.
    FastCooling,
}

/// How many there are.
pub const MECHANISMS: usize = 6;

/// What is known of a mechanism before a line is seen.
pub struct Known {
    pub name: &'static str,
    pub defect: DefectType,
    /// What is measured of it, and its limit in that unit.
    pub parameter: Parameter,
    pub limit: f64,
    /// Share of affected ware when the effect is full: the confidence of the knowledge base.
    pub ceiling: f64,
    /// Minutes from the exposure to inspection, at least and at most.
    pub lag_min: (usize, usize),
}

/// The longest way to inspection, minutes.
pub const LONGEST_LAG: usize = 75;

impl Mechanism {
    pub const ALL: [Mechanism; MECHANISMS] = [
        Mechanism::HotMelt,
        Mechanism::ColdMelt,
        Mechanism::FastBelt,
        Mechanism::ColdMold,
        Mechanism::UnsteadyPressure,
        Mechanism::FastCooling,
    ];

    pub fn known(self) -> &'static Known {
        &KNOWN[self as usize]
    }

    /// The load at a value of the mechanism's parameter, with the value of normal operation. Monotone.
    pub fn load(self, value: f64, normal: f64) -> f64 {
        let severity = |value: f64| self.severity(value);
        let none = severity(normal);
        let full = severity(self.known().limit);
        // A line whose normal operation is at the limit has no scale of its own.
        let scale = if (full - none).abs() > 1e-9 { full - none } else { 1.0 };
        (severity(value) - none) / scale
    }

    /// The value of the parameter at which a load is reached: the inverse of [`Mechanism::load`].
    pub fn value_at(self, load: f64, normal: f64) -> f64 {
        let (none, full) = (self.severity(normal), self.severity(self.known().limit));
        let severity = none + load * (full - none);
        match self {
            Mechanism::ColdMelt => Vft::CONTAINER.temperature_at(Log10Viscosity(severity)).map_or(f64::NAN, |t| t.0),
            Mechanism::ColdMold => -severity,
            _ => severity,
        }
    }

    /// What grows with the danger, in proportion to the stress, time or thickness that does the harm.
    fn severity(self, value: f64) -> f64 {
        match self {
            // Stress by cooling from T is EαΔT/(1−ν): linear in T, and so its share of the strength.
            Mechanism::HotMelt => value,
            // Dissolution and settling slow down with viscosity.
            Mechanism::ColdMelt => {
                let above_vogel = value.max(Vft::CONTAINER.t0.0 + 1.0);
                Vft::CONTAINER.log10_viscosity(Celsius(above_vogel)).map_or(f64::NAN, |log10| log10.0)
            }
            // The skin's drop on contact is in proportion to the difference of gob and mold.
            Mechanism::ColdMold => -value,
            // Forming takes a given time: its share of what there is grows with the speed. So do pressure and rate.
            Mechanism::FastBelt | Mechanism::UnsteadyPressure | Mechanism::FastCooling => value,
        }
    }
}

const KNOWN: [Known; MECHANISMS] = [
    Known {
        name: "stress in overheated ware",
        defect: DefectType::Crack,
        parameter: Parameter::FurnaceTemperature,
        limit: 1600.0,
        ceiling: 0.85,
        lag_min: (40, 75),
    },
    Known {
        name: "incomplete melting",
        defect: DefectType::Cloudiness,
        parameter: Parameter::FurnaceTemperature,
        limit: 1450.0,
        ceiling: 0.78,
        lag_min: (40, 75),
    },
    Known {
        name: "too little forming time",
        defect: DefectType::Deformation,
        parameter: Parameter::BeltSpeed,
        limit: 180.0,
        ceiling: 0.82,
        lag_min: (22, 32),
    },
    Known {
        name: "shock in a cold mold",
        defect: DefectType::StressFracture,
        parameter: Parameter::MoldTemperature,
        limit: 280.0,
        ceiling: 0.75,
        lag_min: (22, 32),
    },
    Known {
        name: "gas entrapped by unsteady pressure",
        defect: DefectType::Bubble,
        parameter: Parameter::FormingPressure,
        limit: 15.0,
        ceiling: 0.88,
        lag_min: (22, 32),
    },
    Known {
        name: "thermal shock in cooling",
        defect: DefectType::Crack,
        parameter: Parameter::CoolingRate,
        limit: 7.0,
        ceiling: 0.9,
        lag_min: (2, 30),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_nought_in_normal_operation_and_one_at_the_limit() {
        for mechanism in Mechanism::ALL {
            let normal = if mechanism == Mechanism::ColdMelt { 1520.0 } else { 0.5 * mechanism.known().limit };
            assert!(mechanism.load(normal, normal).abs() < 1e-12);
            assert!((mechanism.load(mechanism.known().limit, normal) - 1.0).abs() < 1e-12);
            for load in [0.3, 0.8, 1.4] {
                let value = mechanism.value_at(load, normal);
                assert!((mechanism.load(value, normal) - load).abs() < 1e-9, "{mechanism:?} {load} {value}");
            }
        }
    }
}
