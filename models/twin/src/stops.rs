//! How long a line that stands is expected to stand on: by kind of stop, from the stops that it had.

use lehr_domain::machine::MachineState;
use serde::{Deserialize, Serialize};

/// What is known of a kind of stop before there was any, and for how many stops that counts.
const FIRST: [(MachineState, f64, f64); 3] =
    [(MachineState::Setup, 30.0, 15.0), (MachineState::Down, 8.0, 8.0), (MachineState::Planned, 90.0, 45.0)];
const COUNTS: f64 = 2.0;
/// Stops of the last weeks count.
const MOST_COUNTED: f64 = 50.0;
/// The slope of a logistic distribution of unit variance.
const SLOPE: f64 = 1.813_799_364_234_217_8;

/// Lengths of a kind of stop in minutes, as a mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Lengths {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Lengths {
    fn see(&mut self, length: f64) {
        self.count = (self.count + 1.0).min(MOST_COUNTED);
        let off = length - self.mean;
        self.mean += off / self.count;
        self.variance += (off * (length - self.mean) - self.variance) / self.count;
    }

    /// Logarithm of the share of stops that last longer.
    fn longer(&self, minutes: f64) -> f64 {
        // Lengths come in whole minutes, so no spread is known better.
        let sd = self.variance.max(1.0).sqrt();
        let off = SLOPE * (minutes - self.mean) / sd;
        // The same as −ln(1 + e^off), and finite however long a stop lasts.
        -(off.max(0.0) + (-off.abs()).exp().ln_1p())
    }
}

/// The stops of a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stops {
    machine: MachineState,
    /// Minutes for which the machine has been so.
    age: f64,
    of: [Lengths; FIRST.len()],
}

impl Default for Stops {
    fn default() -> Stops {
        let of = FIRST.map(|(_, mean, sd)| Lengths { count: COUNTS, mean, variance: sd * sd });
        Stops { machine: MachineState::Production, age: 0.0, of }
    }
}

impl Stops {
    /// A minute at the end of which the machine was so.
    pub fn see(&mut self, machine: MachineState) {
        if machine == self.machine {
            self.age += 1.0;
            return;
        }
        if let Some(place) = place(self.machine) {
            self.of[place].see(self.age);
        }
        // Within the minute it came, nobody knows when.
        (self.machine, self.age) = (machine, 0.5);
    }

    pub fn machine(&self) -> MachineState {
        self.machine
    }

    /// The probability that the line stands so many minutes from now: 0 of a line that runs.
    pub fn stands_after(&self, minutes: f64) -> f64 {
        let Some(place) = place(self.machine) else { return 0.0 };
        let lengths = &self.of[place];
        (lengths.longer(self.age + minutes) - lengths.longer(self.age)).exp()
    }
}

fn place(machine: MachineState) -> Option<usize> {
    FIRST.iter().position(|(kind, ..)| *kind == machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MachineState::*;

    #[test]
    fn how_long_stops_last_is_learned_from_those_that_ended() {
        let mut stops = Stops::default();
        assert_eq!(stops.stands_after(15.0), 0.0);
        let mut live = |machine: MachineState, minutes: usize| (0..minutes).for_each(|_| stops.see(machine));
        for _ in 0..6 {
            live(Production, 300);
            live(Setup, 40);
        }
        live(Production, 300);
        live(Setup, 5);
        assert!(stops.stands_after(15.0) > 0.9, "{stops:?}");
        (0..30).for_each(|_| stops.see(Setup));
        assert!(stops.stands_after(15.0) < 0.3, "{stops:?}");
    }

    #[test]
    fn a_stop_that_lasts_longer_than_any_is_expected_to_end_some_time() {
        let mut stops = Stops::default();
        (0..100_000).for_each(|_| stops.see(Down));
        let soon = stops.stands_after(15.0);
        assert!(soon.is_finite() && (0.0..0.5).contains(&soon), "{soon}");
        assert!(stops.stands_after(1.0) > soon);
    }
}
