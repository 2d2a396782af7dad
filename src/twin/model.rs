//! The glass twin as the graphs run it.

use super::minutes::to_minute;
use lehr_dataflows::twin::{About, Expected, Finding, Following, HORIZONS, LineMinute, LineModel, Outlook, Score};
use lehr_domain::machine::MachineState;
use lehr_domain::{Micro, PerMille, SpanMs};
use lehr_twin::{Forecast, Guess, Horizon, PARAMETERS, Parameter, State};
use serde::{Deserialize, Serialize};

/// What runs beside the lines.
pub const MODEL: &dyn LineModel = &GlassTwin;

/// Must grow whenever [`Followed`] changes: a state that was put by is only read by the model that wrote it.
const VERSION: u8 = 2;

#[derive(Debug)]
struct GlassTwin;

/// A line as the twin follows it. What the line does is told when it changes; the twin asks with every minute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Followed {
    pub state: State,
    machine: MachineState,
    planned_run_time: Option<SpanMs>,
}

impl Followed {
    /// Of bytes that [`Following::state`] gave.
    pub fn decode(bytes: &[u8]) -> Option<Followed> {
        let (version, state) = bytes.split_first()?;
        (*version == VERSION).then(|| postcard::from_bytes(state).ok())?
    }
}

/// The first guess, with targets and spreads from the catalogue where it has them.
fn guess(about: &[Option<About>]) -> Guess {
    let mut guess = Guess::shipped();
    for (place, about) in about.iter().enumerate().take(PARAMETERS) {
        let About { target, sigma } = about.unwrap_or_default();
        if let Some(target) = target {
            guess.targets[place] = target.to_f64();
        }
        if let Some(sigma) = sigma.filter(|sigma| sigma.0 > 0) {
            guess.sigma[place] = sigma.to_f64();
        }
    }
    guess
}

impl LineModel for GlassTwin {
    fn places(&self) -> usize {
        PARAMETERS
    }

    fn place(&self, parameter: &str) -> Option<u8> {
        Parameter::parse(parameter).map(|parameter| parameter as u8)
    }

    fn begin(&self, about: &[Option<About>]) -> Box<dyn Following> {
        let state = State::new(&guess(about));
        Box::new(Followed { state, machine: MachineState::Production, planned_run_time: None })
    }

    fn resume(&self, state: &[u8]) -> Option<Box<dyn Following>> {
        Some(Box::new(Followed::decode(state)?))
    }
}

/// `None` of what is not a number, or beyond what any reading may be.
fn expected(forecast: &Forecast) -> Option<Expected> {
    Some(Expected { mean: Micro::from_f64(forecast.mean).ok()?, sd: Micro::from_f64(forecast.sd).ok()? })
}

fn horizon(span: SpanMs) -> Horizon {
    let ahead = Horizon::ALL.into_iter().find(|horizon| SpanMs::minutes(horizon.minutes()) == span);
    ahead.expect("graphs ask for the horizons that the twin has")
}

impl Following for Followed {
    fn step(&mut self, minute: &LineMinute) {
        if let Some((machine, planned)) = minute.state {
            (self.machine, self.planned_run_time) = (machine, planned);
        }
        let state = Some((self.machine, self.planned_run_time));
        self.state.step(&to_minute(&LineMinute { state, ..minute.clone() }));
    }

    fn duplicate(&self) -> Box<dyn Following> {
        Box::new(self.clone())
    }

    fn state(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("a state is plain numbers")
    }

    fn finding(&self) -> Option<Finding> {
        let found = self.state.diagnosis()?;
        let strength = found.evidence.first().map_or(0.0, |(_, departure)| departure.abs());
        Some(Finding {
            kind: found.kind,
            equipment: found.equipment.clone(),
            place: found.parameter as u8,
            strength: Micro::from_f64(strength.min(Micro::MAX_UNITS)).unwrap_or_default(),
            confidence: PerMille::from_f64(found.confidence),
        })
    }

    fn outlook(&self) -> Vec<Option<Outlook>> {
        let now = self.state.believed();
        let ahead = HORIZONS.map(|span| self.state.forecast(horizon(span)));
        let of_place = |place: usize| {
            let [one, quarter, hour] = ahead.each_ref().map(|forecasts| expected(&forecasts[place]));
            Some(Outlook { now: expected(&now[place])?, ahead: [one?, quarter?, hour?] })
        };
        (0..PARAMETERS).map(of_place).collect()
    }

    fn scores(&self) -> Vec<[Option<Score>; HORIZONS.len()]> {
        let score = |score: &lehr_twin::Score| {
            Some(Score {
                n: i64::try_from(score.n).ok().filter(|n| *n > 0)?,
                rmse: Micro::from_f64(score.rmse).ok()?,
                rmse_persistence: Micro::from_f64(score.rmse_persistence).ok()?,
                bias: Micro::from_f64(score.bias).ok()?,
                coverage: PerMille::from_f64(score.coverage),
            })
        };
        let by_horizon = |scores: &[lehr_twin::Score; lehr_twin::HORIZONS]| {
            HORIZONS.map(|span| score(&scores[horizon(span) as usize]))
        };
        self.state.scores().iter().map(by_horizon).collect()
    }
}
