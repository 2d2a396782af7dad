//! Answers: both ways walked, compared, and explained.

use super::ask::{Answer, Estimate, Scenario, ScenarioError, Setting, WhatIf};
use super::limits::{approval_above, driven, minutes};
use super::outcome::{LAWS, changes, rows, tally};
use super::path::{Path, ahead};
use super::{best, replay, stress};
use crate::parameter::{PARAMETERS, Parameter};
use crate::process::Drive;
use crate::quality::{Exposed, LONGEST_LAG, Law, Mechanism, any, exposed};
use crate::state::State;

/// What would happen. The state is left as it is.
///
/// Error: names the field of the scenario that cannot be, and what could.
pub fn answer(state: &State, scenario: &Scenario) -> Result<Answer, ScenarioError> {
    let minutes = minutes(scenario)?;
    if state.at.is_none() {
        return Err(ScenarioError::NothingSeen);
    }
    match &scenario.ask {
        WhatIf::One(setting) => settled(state, std::slice::from_ref(setting), minutes),
        WhatIf::Several(settings) if settings.is_empty() => Err(ScenarioError::Empty("settings")),
        WhatIf::Several(settings) => settled(state, settings, minutes),
        WhatIf::Best { over, weights, constraints } => best::best(state, over, weights, constraints, minutes),
        WhatIf::Replay { record, settings } => replay::Record::infer(state, record)?.answer(settings),
        WhatIf::Stress { parameter, until } => stress::stress(state, parameter, *until, minutes),
    }
}

/// The answer to set-points as given, from where the state stands.
pub fn settled(state: &State, settings: &[Setting], minutes: usize) -> Result<Answer, ScenarioError> {
    let drive = driven(&state.drive, settings)?;
    let laws = state.quality.draw(LAWS);
    let before = ahead(state, &state.drive, minutes, 1);
    let after = ahead(state, &drive, minutes, 1);
    Ok(compare(state, settings, &state.drive, &laws, &before, &after))
}

/// Compares two ways that begin where `state` stands.
pub fn compare(
    state: &State,
    settings: &[Setting],
    drive: &Drive,
    laws: &[Law],
    before: &Path,
    after: &Path,
) -> Answer {
    let (baseline, scenario) = (tally(state, before, laws), tally(state, after, laws));
    Answer {
        settings: settings.to_vec(),
        baseline: baseline.outcome(),
        scenario: scenario.outcome(),
        changes: changes(state, &baseline, &scenario),
        time_to_effect_min: time_to_effect(state, before, after),
        unseen: unseen(state, after),
        front: Vec::new(),
        failure: None,
        assumptions: assumptions(state, settings, drive),
    }
}

/// A change of the defect rate that is worth a time.
const WORTH: f64 = 2e-4;

/// Minutes until half of what changes has changed: of the defect rate, else of rate and energy.
fn time_to_effect(state: &State, before: &Path, after: &Path) -> Option<Estimate> {
    let law = state.quality.point();
    let end = after.exposures.len().checked_sub(1)?;
    let rows = [rows(state, before), rows(state, after)];
    let defects = |minute: usize| {
        let [before, after] =
            [0, 1].map(|which: usize| any(&law.probabilities(&exposed(&rows[which][..=LONGEST_LAG + 1 + minute]))));
        after - before
    };
    let settled = |after: &Path| any(&law.probabilities(&Exposed::throughout(&after.exposures[end])));
    let whole = settled(after) - settled(before);
    let minutes = after.exposures.len() * after.step_min;
    let half = |change: &dyn Fn(usize) -> f64, whole: f64| {
        (0..minutes).find(|minute| change(*minute) / whole >= 0.5).map(|minute| minute as f64 + 1.0)
    };
    if whole.abs() > WORTH {
        let value = half(&defects, whole)?;
        // Ware is on its way for longer or shorter within the window of its mechanism.
        let changed = |mechanism: &Mechanism| {
            let index = *mechanism as usize;
            let [from, to] = [before, after].map(|path| f64::from(path.exposures[end][index]));
            (law.curves[index].at(to) - law.curves[index].at(from)).abs()
        };
        let main = Mechanism::ALL.into_iter().max_by(|one, other| changed(one).total_cmp(&changed(other)))?;
        let (least, most) = main.known().lag_min;
        let spread = 0.5 * (most - least) as f64;
        return Some(Estimate { value, low: (value - spread).max(1.0), high: value + spread });
    }
    let at = |values: &[f64], minute: usize| values[minute / after.step_min];
    let by = |of: &dyn Fn(&Path) -> &[f64]| {
        let whole = of(after)[end] - of(before)[end];
        let change = |minute: usize| at(of(after), minute) - at(of(before), minute);
        (whole.abs() > 1e-3 * of(before)[end].abs()).then(|| half(&change, whole)).flatten()
    };
    let value =
        by(&|path| &path.rate_per_h).or_else(|| by(&|path| &path.fuel_m3_h)).or_else(|| by(&|path| &path.power_kw))?;
    Some(Estimate { value, low: (0.8 * value - 1.0).max(0.0), high: 1.2 * value + 1.0 })
}

/// Parameters that the way takes outside of what was seen, by more than they flutter.
fn unseen(state: &State, path: &Path) -> Vec<(Parameter, f64, f64)> {
    let flutter = |index: usize| 2.0 * state.guess.sigma[index];
    let outside = |index: &usize| {
        let (low, high) = state.seen[*index];
        path.least[*index] < low - flutter(*index) || path.greatest[*index] > high + flutter(*index)
    };
    let parameters = (0..PARAMETERS).filter(outside);
    parameters.map(|index| (Parameter::ALL[index], state.seen[index].0, state.seen[index].1)).collect()
}

fn assumptions(state: &State, settings: &[Setting], drive: &Drive) -> Vec<String> {
    let mut sentences = vec![
        "set-points change at once and stay; all others stay as they are".to_owned(),
        "the line runs throughout, and disturbances of now decay as they have so far".to_owned(),
        "bands hold 90 % of what inspection would count: what is not known of the mechanisms, and chance".to_owned(),
    ];
    for setting in settings {
        let Some(parameter) = Parameter::parse(&setting.parameter) else { continue };
        let change = (setting.value - drive.setpoints[parameter.index()]).abs();
        if approval_above(parameter).is_some_and(|most| change > most) {
            sentences.push(format!("a change of {} by {change:.1} needs a person's approval", parameter.text()));
        }
    }
    for mechanism in Mechanism::ALL {
        let known = mechanism.known();
        let concerned = settings.iter().any(|setting| setting.parameter == known.parameter.text());
        if concerned && state.quality.most_load[mechanism as usize] < state.quality.belief(mechanism).point.middle {
            sentences.push(format!("{} was never seen on this line: its onset is known from elsewhere", known.name));
        }
    }
    sentences
}
