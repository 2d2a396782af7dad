//! The way of a line through a scenario.

use crate::guess::Guess;
use crate::parameter::{PARAMETERS, Parameter};
use crate::process::{Disturbances, Drive, Prepared, Process, Terms};
use crate::quality::{Exposure, MECHANISMS, Mechanism};
use crate::state::{State, exposure, melt_log10};

/// Minutes of the past over which the unsteadiness of the forming pressure is taken to go on.
const UNSTEADY_MIN: usize = 15;

/// What drives a line in one step, and what disturbs it.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    pub drive: Drive,
    pub disturbances: Disturbances,
    /// Load of the forming pressure's unsteadiness.
    pub unsteady: f32,
}

/// Where a line comes along, step by step.
#[derive(Clone, Debug, Default)]
pub struct Path {
    pub step_min: usize,
    pub exposures: Vec<Exposure>,
    /// Units per hour.
    pub rate_per_h: Vec<f64>,
    pub fuel_m3_h: Vec<f64>,
    pub power_kw: Vec<f64>,
    pub least: [f64; PARAMETERS],
    pub greatest: [f64; PARAMETERS],
    /// Values at the end.
    pub end: [f64; PARAMETERS],
}

/// Moves along from where a state stands.
pub struct Walk<'a> {
    state: &'a State,
    guess: &'a Guess,
    process: Process,
    by: Prepared,
    path: Path,
}

impl<'a> Walk<'a> {
    pub fn new(state: &'a State, process: Process, terms: &Terms, step_min: usize, steps: usize) -> Walk<'a> {
        let path = Path {
            step_min,
            exposures: Vec::with_capacity(steps),
            rate_per_h: Vec::with_capacity(steps),
            fuel_m3_h: Vec::with_capacity(steps),
            power_kw: Vec::with_capacity(steps),
            least: [f64::INFINITY; PARAMETERS],
            greatest: [f64::NEG_INFINITY; PARAMETERS],
            end: [0.0; PARAMETERS],
        };
        Walk { state, guess: &state.guess, process, by: Prepared::new(terms, step_min as f64), path }
    }

    pub fn step(&mut self, instant: &Instant) {
        self.process.step(self.guess, &self.by, &instant.drive, &instant.disturbances, None);
        let values = self.process.values(&instant.disturbances);
        let melt = melt_log10(values[Parameter::FurnaceTemperature.index()]);
        let mut exposed = exposure(self.guess, &values, 0.0, melt);
        exposed[Mechanism::UnsteadyPressure as usize] = instant.unsteady;
        let path = &mut self.path;
        path.exposures.push(exposed);
        let belt = values[Parameter::BeltSpeed.index()];
        let rate = (1.0 - instant.drive.stands) * self.state.throughput.rate_per_h(belt);
        path.rate_per_h.push(rate);
        path.fuel_m3_h.push(values[Parameter::FuelFlow.index()].max(0.0));
        path.power_kw.push(values[Parameter::LinePower.index()].max(0.0));
        for ((least, greatest), value) in path.least.iter_mut().zip(&mut path.greatest).zip(&values) {
            *least = least.min(*value);
            *greatest = greatest.max(*value);
        }
        path.end = values;
    }

    pub fn end(self) -> Path {
        self.path
    }
}

/// Ahead from where the state stands, at constant set-points; disturbances go on as the state expects. The line runs.
pub fn ahead(state: &State, drive: &Drive, minutes: usize, step_min: usize) -> Path {
    let steps = minutes.div_ceil(step_min);
    let mut walk = Walk::new(state, state.process.clone(), &state.terms, step_min, steps);
    let drive = Drive { stands: 0.0, ..*drive };
    let unsteady = unsteady(state.quality.exposures());
    for step in 1..=steps {
        let disturbances = state.disturbances_after((step * step_min) as f64);
        walk.step(&Instant { drive, disturbances, unsteady });
    }
    walk.end()
}

fn unsteady(exposures: &[[f32; MECHANISMS + 1]]) -> f32 {
    let last = &exposures[exposures.len() - UNSTEADY_MIN..];
    last.iter().map(|row| row[Mechanism::UnsteadyPressure as usize]).sum::<f32>() / UNSTEADY_MIN as f32
}
