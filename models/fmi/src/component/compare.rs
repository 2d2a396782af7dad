//! What a component says beside what was measured.

use super::{Component, Ran};
use lehr_domain::EventMs;
use lehr_twin::{MINUTE, Minute};

/// The bias is taken over the last minutes, so many: long enough to average noise, short enough to follow a drift.
pub const BIAS_OVER: usize = 60;
/// Of these, as many at least must have been measured.
pub const BIAS_LEAST: usize = 10;

/// An output in the last minute that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    pub at: EventMs,
    pub value: f64,
    /// The mean of what it compares with in that minute.
    pub measured: Option<f64>,
    /// The value less what was measured.
    pub error: Option<f64>,
    /// The mean of the errors of the last [`BIAS_OVER`] minutes; `None` where less than [`BIAS_LEAST`] of them have one.
    pub bias: Option<f64>,
}

/// The last minute that was run, output by output; empty where none was.
pub fn compare(component: &Component, minutes: &[Minute], ran: &[Ran]) -> Vec<Compared> {
    let Some(last) = ran.last() else { return Vec::new() };
    let recent = &ran[ran.len().saturating_sub(BIAS_OVER)..];
    let outputs = component.outputs.iter().enumerate();
    outputs
        .map(|(index, output)| {
            let measured = |at: EventMs| {
                let place = minutes.binary_search_by_key(&at, |minute| minute.at).ok()?;
                minutes[place].mean(output.compares_with?)
            };
            let error = |ran: &Ran| measured(ran.at).map(|measured| ran.outputs[index] - measured);
            let errors: Vec<f64> = recent.iter().filter_map(error).collect();
            let enough = errors.len() >= BIAS_LEAST;
            Compared {
                at: last.at + MINUTE,
                value: last.outputs[index],
                measured: measured(last.at),
                error: error(last),
                bias: enough.then(|| errors.iter().sum::<f64>() / errors.len() as f64),
            }
        })
        .collect()
}
