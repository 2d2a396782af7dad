//! A scenario as minutes, so that it can be run through what real minutes run through.

use super::ask::{Scenario, ScenarioError, Setting};
use super::limits::driven;
use crate::minute::{MINUTE, Minute, PaneValue};
use crate::parameter::Parameter;
use crate::process::{Drive, Prepared};
use crate::quality::{Exposure, LONGEST_LAG, any, exposed};
use crate::state::{State, exposure, melt_log10};
use lehr_domain::SpanMs;
use lehr_domain::machine::MachineState;

/// The minutes after the last, as expected with these settings (none: as things stand): means without noise, and
/// expected counts of units and defects, which are not whole.
///
/// Errors: as those of an answer.
pub fn series(state: &State, settings: &[Setting], duration: SpanMs) -> Result<Vec<Minute>, ScenarioError> {
    let scenario = Scenario { ask: super::WhatIf::Several(settings.to_vec()), duration };
    let minutes = super::limits::minutes(&scenario)?;
    let Some(at) = state.at else { return Err(ScenarioError::NothingSeen) };
    let drive = Drive { stands: 0.0, ..driven(&state.drive, settings)? };
    let law = state.quality.point();
    let by = Prepared::new(&state.terms, 1.0);
    let mut process = state.process.clone();
    let mut rows: Vec<Exposure> = state.quality.exposures().to_vec();
    let mut series = Vec::with_capacity(minutes);
    for minute in 1..=minutes {
        let disturbances = state.disturbances_after(minute as f64);
        process.step(&state.guess, &by, &drive, &disturbances, None);
        let values = process.values(&disturbances);
        let melt = melt_log10(values[Parameter::FurnaceTemperature.index()]);
        rows.push(exposure(&state.guess, &values, state.pressure_range, melt));
        let probabilities = law.probabilities(&exposed(&rows[rows.len() - LONGEST_LAG - 1..]));
        let units = state.throughput.rate_per_h(values[Parameter::BeltSpeed.index()]) / 60.0;
        let range = |index: usize| if index == Parameter::FormingPressure.index() { state.pressure_range } else { 0.0 };
        let pane = |index: usize| PaneValue { mean: values[index], range: range(index), n: 0 };
        series.push(Minute {
            at: at + SpanMs(MINUTE.0 * minute as i64),
            values: std::array::from_fn(|index| Some(pane(index))),
            setpoints: drive.setpoints.map(Some),
            machine: MachineState::Production,
            planned_run_time_s: state.throughput.planned_run_time_s(),
            units,
            good: units * (1.0 - any(&probabilities)),
            defects: probabilities.map(|probability| probability * units),
        });
    }
    Ok(series)
}
