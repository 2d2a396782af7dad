//! The stress test: a set-point is walked until something fails first.

use super::answer::settled;
use super::ask::{Answer, Failure, ScenarioError, Setting};
use super::limits::{adjustable, limits, within};
use super::outcome::LAWS;
use super::path::{Path, ahead};
use crate::parameter::Parameter;
use crate::process::{Drive, controlled};
use crate::quality::{Exposed, Law, Mechanism};
use crate::state::State;
use lehr_physics::devitrification::Liquidus;

/// More of one kind of defect than this is a failure: the rate above which the line is in alarm.
const FAILS: f64 = 0.05;
/// Places of the walk, and halvings after the first failure: a hundredth of a percent of the way.
const PLACES: usize = 64;
const HALVINGS: usize = 8;
/// Long enough that everything has settled, in steps of five minutes, which lags take exactly.
const SETTLES_MIN: usize = 600;
const STEP_MIN: usize = 5;

pub fn stress(state: &State, parameter: &str, until: f64, minutes: usize) -> Result<Answer, ScenarioError> {
    let parameter = adjustable(parameter)?;
    let until = within("until", parameter, until)?;
    let from = state.drive.setpoints[parameter.index()];
    if (until - from).abs() < 1e-9 {
        return Err(ScenarioError::EmptyRange { parameter: parameter.text(), low: from, high: until });
    }
    let laws = state.quality.draw(LAWS);
    let test = Test { state, parameter, from, until, laws, point: state.quality.point() };
    let found = test.first(|path| test.mode(path));
    let at = found.as_ref().map_or(1.0, |(share, _)| *share);
    let setting = Setting { parameter: parameter.text().to_owned(), value: test.value(at) };
    let mut answer = settled(state, &[setting], minutes)?;
    answer.failure = found.map(|(share, mode)| {
        let ends = [0.95, 0.05].map(|rank| test.first(|path| test.mode_at(path, rank)).map_or(1.0, |(end, _)| end));
        Failure {
            at: test.value(share),
            mode,
            earliest: test.value(ends[0].min(share)),
            latest: test.value(ends[1].max(share)),
        }
    });
    answer.assumptions.push(format!(
        "a failure is more than {:.0} % of one defect, a limit of an instrument or actuator, or crystals",
        100.0 * FAILS
    ));
    Ok(answer)
}

struct Test<'a> {
    state: &'a State,
    parameter: Parameter,
    from: f64,
    until: f64,
    laws: Vec<Law>,
    point: Law,
}

impl Test<'_> {
    fn value(&self, share: f64) -> f64 {
        self.from + share * (self.until - self.from)
    }

    fn path(&self, share: f64) -> Path {
        let mut drive: Drive = self.state.drive;
        drive.setpoints[self.parameter.index()] = self.value(share);
        ahead(self.state, &drive, SETTLES_MIN, STEP_MIN)
    }

    /// The share of the way at which `mode` fails first, and how.
    fn first(&self, mode: impl Fn(&Path) -> Option<String>) -> Option<(f64, String)> {
        let place = |place: usize| place as f64 / PLACES as f64;
        let (failed, mut name) = (0..=PLACES).find_map(|at| Some((at, mode(&self.path(place(at)))?)))?;
        if failed == 0 {
            return Some((0.0, name));
        }
        let (mut good, mut bad) = (place(failed - 1), place(failed));
        for _ in 0..HALVINGS {
            let middle = 0.5 * (good + bad);
            match mode(&self.path(middle)) {
                Some(found) => (bad, name) = (middle, found),
                None => good = middle,
            }
        }
        Some((bad, name))
    }

    fn mode(&self, path: &Path) -> Option<String> {
        self.defects(path, |mechanism, exposed| share(&self.point, mechanism, exposed)).or_else(|| self.limit(path))
    }

    /// With the rank-th greatest danger that is believed possible.
    fn mode_at(&self, path: &Path, rank: f64) -> Option<String> {
        let danger = |mechanism: Mechanism, exposed: &Exposed| {
            let mut shares: Vec<f64> = self.laws.iter().map(|law| share(law, mechanism, exposed)).collect();
            shares.sort_by(f64::total_cmp);
            shares[((rank * shares.len() as f64) as usize).min(shares.len() - 1)]
        };
        self.defects(path, danger).or_else(|| self.limit(path))
    }

    fn defects(&self, path: &Path, danger: impl Fn(Mechanism, &Exposed) -> f64) -> Option<String> {
        let exposed = Exposed::throughout(path.exposures.last()?);
        let failed = Mechanism::ALL.into_iter().find(|mechanism| danger(*mechanism, &exposed) > FAILS)?;
        let known = failed.known();
        Some(format!("{}: {}", known.defect.text(), known.name))
    }

    /// Quantities that leave what instruments and actuators reach, and glass that crystallises.
    fn limit(&self, path: &Path) -> Option<String> {
        let dependent = Parameter::ALL.into_iter().filter(|parameter| !controlled(*parameter));
        for parameter in dependent {
            let (low, high) = limits(parameter);
            let value = path.end[parameter.index()];
            if value <= low || value >= high {
                return Some(format!("{} at its limit", parameter.text()));
            }
        }
        let gob = lehr_physics::Celsius(path.end[Parameter::GobTemperature.index()]);
        (Liquidus::CONTAINER.margin_k(gob) < 0.0).then(|| "devitrification: the gob is below the liquidus".to_owned())
    }
}

fn share(law: &Law, mechanism: Mechanism, exposed: &Exposed) -> f64 {
    mechanism.known().ceiling * law.affected(mechanism, exposed)
}
