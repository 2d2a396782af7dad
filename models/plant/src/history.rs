//! What the process did in the last hours, because a unit under inspection was molten an hour ago.

use crate::error::PlantError;
use crate::quantity::Quantity;
use lehr_domain::names::Names;
use lehr_domain::{LineId, SpanMs};

/// What acts on the ware, at one second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    pub furnace_c: f32,
    pub belt: f32,
    pub mold_c: f32,
    pub pressure: f32,
    pub cooling: f32,
    pub humidity: f32,
    pub batch: f32,
    pub cullet: f32,
    pub wear: f32,
    pub stones: f32,
    pub seeds: f32,
}

/// The last seconds of a line. Seconds before the simulation began are taken to be as its first.
#[derive(Clone)]
pub(crate) struct History {
    /// Seconds that it reaches back. Not the ring's capacity, which a clone of an empty ring has lost.
    reach_s: usize,
    ring: Vec<Conditions>,
    seconds: u64,
}

impl History {
    /// Six hours of conditions: 44 bytes · 21,600 s < 1 MiB a line. The longest transport of the shipped
    /// plant is 75 minutes.
    pub const MOST_S: i64 = 6 * 3600;

    pub fn new(reach_s: i64) -> History {
        History { reach_s: reach_s.clamp(1, Self::MOST_S) as usize, ring: Vec::new(), seconds: 0 }
    }

    pub fn push(&mut self, conditions: Conditions) {
        if self.ring.is_empty() {
            self.ring = vec![conditions; self.reach_s];
        }
        let slot = (self.seconds % self.ring.len() as u64) as usize;
        self.ring[slot] = conditions;
        self.seconds += 1;
    }

    /// The conditions `ago_s` seconds before the last one pushed.
    pub fn ago(&self, ago_s: u64) -> &Conditions {
        let length = self.ring.len() as u64;
        assert!(self.seconds > 0 && ago_s < length, "history reaches {length} s, asked for {ago_s} s");
        &self.ring[((self.seconds - 1 + length - ago_s) % length) as usize]
    }

    /// Greatest less least forming pressure in the minute that ended `ago_s` seconds ago.
    pub fn pressure_variation(&self, ago_s: u64) -> f32 {
        let mut least = f32::INFINITY;
        let mut most = f32::NEG_INFINITY;
        for second in ago_s..ago_s + 60 {
            let pressure = self.ago(second).pressure;
            least = least.min(pressure);
            most = most.max(pressure);
        }
        most - least
    }
}

/// How long before its inspection a unit was molten, formed and annealed, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Transport {
    melted: (f64, f64),
    formed: (f64, f64),
    annealed: (f64, f64),
}

/// A unit's transport times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lags {
    pub melted_s: u64,
    pub formed_s: u64,
    pub annealed_s: u64,
}

impl Transport {
    /// Where in its range each transport lies on a mean day.
    const USUAL: [f64; 3] = [0.42, 0.4, 0.5];
    /// How far it wanders from there with the pull of the line, as a share of the range.
    const WANDER: f64 = 0.05;

    /// From the lags of the equipment at which a line measures the quantities that act on the ware.
    pub fn of(names: &Names, line: LineId) -> Result<Transport, PlantError> {
        let range = |quantity: Quantity, default_min: (f64, f64)| -> Result<(f64, f64), PlantError> {
            let parameter = names.parameter_id(quantity.profile().parameter);
            let sensor = names.sensors().find(|(_, def)| def.line == line && Some(def.parameter) == parameter);
            let Some(equipment) = sensor.and_then(|(_, def)| names.equipment_def(def.equipment)) else {
                return Ok((default_min.0 * 60.0, default_min.1 * 60.0));
            };
            if equipment.lag_min > equipment.lag_max {
                return Err(PlantError::LagReversed { equipment: equipment.name.clone() });
            }
            if equipment.lag_max > SpanMs::seconds(History::MOST_S - 120) {
                return Err(PlantError::LagTooLong {
                    equipment: equipment.name.clone(),
                    seconds: equipment.lag_max.0 / 1000,
                    most: History::MOST_S - 120,
                });
            }
            Ok((equipment.lag_min.0 as f64 / 1000.0, equipment.lag_max.0 as f64 / 1000.0))
        };
        Ok(Transport {
            melted: range(Quantity::FurnaceTemperature, (40.0, 75.0))?,
            formed: range(Quantity::BeltSpeed, (22.0, 32.0))?,
            annealed: range(Quantity::CoolingRate, (2.0, 30.0))?,
        })
    }

    /// The longest look back, with the minute before forming.
    pub fn reach_s(&self) -> i64 {
        let longest = self.melted.1.max(self.formed.1).max(self.annealed.1);
        longest.ceil() as i64 + 61
    }

    /// `pull` is how fast the line draws, in standard deviations: more pull, shorter transports.
    pub fn lags(&self, pull: f64) -> Lags {
        let wander = -Self::WANDER * (pull / 2.0).clamp(-1.0, 1.0);
        let at = |(low, high): (f64, f64), usual: f64| (low + (high - low) * (usual + wander)).round() as u64;
        Lags {
            melted_s: at(self.melted, Self::USUAL[0]),
            formed_s: at(self.formed, Self::USUAL[1]),
            annealed_s: at(self.annealed, Self::USUAL[2]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_found_where_it_was_put() {
        let mut history = History::new(100);
        for second in 0..250u16 {
            history.push(Conditions { belt: f32::from(second), ..Conditions::default() });
        }
        assert_eq!(history.ago(0).belt, 249.0);
        assert_eq!(history.ago(99).belt, 150.0);
    }

    #[test]
    fn before_the_beginning_all_was_as_at_the_beginning() {
        let mut history = History::new(100);
        history.push(Conditions { belt: 7.0, ..Conditions::default() });
        assert_eq!(history.ago(99).belt, 7.0);
    }

    #[test]
    fn pressure_variation_looks_at_one_minute() {
        let mut history = History::new(200);
        for second in 0..200u16 {
            let pressure = if second == 50 { 70.0 } else { 45.0 };
            history.push(Conditions { pressure, ..Conditions::default() });
        }
        // Second 50 was 149 s ago: it lies in minutes that end up to 149 s ago, and no earlier than 90 s ago.
        assert_eq!(history.pressure_variation(90), 25.0);
        assert_eq!(history.pressure_variation(89), 0.0);
    }
}
