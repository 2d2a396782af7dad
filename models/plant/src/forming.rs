//! Forming: belt drive, molds with their heater, forming pressure.

use crate::dynamics::{Lag, Pi};
use crate::effects::Effects;

/// Drive and belt: 5 to 10 s until a new speed, and with it the pressure, has settled.
const BELT_S: f64 = 2.5;
const PRESSURE_S: f64 = 2.0;
/// Forming pressure that the regulator cannot hold off when the belt leaves its set-point, MPa per m/min.
const PRESSURE_PER_SPEED: f64 = 0.035;
/// Period of a swinging belt drive, seconds: long enough to show in one-minute means.
const SWING_S: f64 = 180.0;
/// Steady rise of the molds, °C, per doubling of heater power: without it hot ware still keeps them at 211 °C.
pub(crate) const MOLD_GAIN_C: f64 = 239.0;
const MOLD_S: f64 = 840.0;
const HEATER_S: f64 = 150.0;
const MOLD_LOOP_S: f64 = 500.0;
/// The heater gives between nothing and 2.3 times its normal power.
const HEATER_RANGE: (f64, f64) = (-1.0, 1.3);
/// A spike of forming pressure falls to a third within this time.
const SPIKE_S: f64 = 2.0;

#[derive(Clone, Debug)]
pub(crate) struct Forming {
    belt: Lag,
    pressure: Lag,
    spike: Lag,
    mold_c: f64,
    mold_control: Pi,
    heater: Lag,
}

pub(crate) struct FormingInput {
    /// Set-points: the speed as it is, the mold temperature less its catalogue target.
    pub belt_set: f64,
    pub mold_set_c: f64,
    pub pressure_set: f64,
    /// What ware and air take from the molds, as a share of nominal heater power.
    pub mold_demand: f64,
    /// A spike that strikes in this second: −1 to 1, of the height that the fault gives; 0 for none.
    pub spike: f64,
    /// Seconds since the simulation began.
    pub second: u64,
}

pub(crate) struct FormingOutput {
    pub belt: f64,
    pub mold_c: f64,
    pub pressure: f64,
    /// Share of nominal heater power above normal.
    pub heater_share: f64,
}

impl Forming {
    /// A line that has run at these set-points for long; the mold's as a difference from its catalogue target.
    pub fn new(belt: f64, mold_c: f64, pressure: f64) -> Forming {
        let heater_share = mold_c / MOLD_GAIN_C;
        Forming {
            belt: Lag::new(BELT_S, belt),
            pressure: Lag::new(PRESSURE_S, pressure),
            spike: Lag::new(SPIKE_S, 0.0),
            mold_c,
            mold_control: Pi::new(MOLD_S / MOLD_LOOP_S / MOLD_GAIN_C, MOLD_S, heater_share),
            heater: Lag::new(HEATER_S, heater_share),
        }
    }

    pub fn step(&mut self, input: &FormingInput, effects: &Effects) -> FormingOutput {
        let phase = std::f64::consts::TAU * (input.second as f64 / SWING_S).fract();
        let wanted = input.belt_set + effects.belt_offset + effects.belt_swing * phase.sin();
        let belt = self.belt.step(wanted.max(0.0));

        let high = HEATER_RANGE.1.min(effects.heater_share - 1.0);
        let power = self.mold_control.step(input.mold_set_c - self.mold_c, HEATER_RANGE.0, high);
        let heater = self.heater.step(power);
        self.mold_c += (MOLD_GAIN_C * (heater - input.mold_demand) - self.mold_c) / MOLD_S;

        let steady = input.pressure_set + PRESSURE_PER_SPEED * (belt - input.belt_set);
        let pressure = self.pressure.step(steady);
        if input.spike == 0.0 {
            self.spike.step(0.0);
        } else {
            self.spike.value = input.spike * effects.spike_mpa;
        }
        FormingOutput {
            belt,
            mold_c: self.mold_c,
            pressure: (pressure + self.spike.value).max(0.0),
            heater_share: heater,
        }
    }
}
