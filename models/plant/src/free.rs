//! Quantities of other catalogues, of which the simulator knows no more than the catalogue says.

use crate::dynamics::Lag;
use crate::instrument::sigma_of;
use crate::random::{DISTURBANCE_S, Disturbance, Purpose, Stream, key, stream};
use lehr_domain::event::SensorDef;

/// Follows a new set-point within a quarter of an hour, sampled every [`DISTURBANCE_S`].
const FOLLOW_S: f64 = 300.0;
/// Size of the slow disturbance, in sigmas; measuring adds the rest.
const OWN: f64 = 0.45;

#[derive(Clone)]
pub(crate) struct FreeQuantity {
    pub parameter: String,
    pub setpoint: f64,
    pub value: f64,
    sigma: f64,
    follow: Lag,
    disturbance: Disturbance,
    rng: Stream,
}

impl FreeQuantity {
    /// Held at its target, or in the middle of its span when it has none.
    pub fn new(seed: u64, line_key: u64, parameter: &str, def: &SensorDef) -> FreeQuantity {
        let mut rng = stream(seed, Purpose::FreeQuantity, &[line_key, key(parameter)]);
        let middle = (def.span.0.to_f64() + def.span.1.to_f64()) / 2.0;
        let setpoint = def.target.map_or(middle, |target| target.to_f64());
        FreeQuantity {
            parameter: parameter.to_owned(),
            setpoint,
            value: setpoint,
            sigma: sigma_of(def),
            follow: Lag::new(FOLLOW_S / DISTURBANCE_S as f64, setpoint),
            disturbance: Disturbance::new(&mut rng),
            rng,
        }
    }

    /// Lets all chance from here on be another.
    pub fn fork(&mut self, seed: u64, line_key: u64) {
        self.rng = stream(seed, Purpose::FreeQuantity, &[line_key, key(&self.parameter)]);
    }

    pub fn step(&mut self, second: u64) {
        if second.is_multiple_of(DISTURBANCE_S) {
            self.disturbance.step(&mut self.rng);
            self.value = self.follow.step(self.setpoint) + OWN * self.sigma * self.disturbance.value();
        }
    }
}
