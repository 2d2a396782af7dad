//! All that the twin knows of a line, and how a minute changes it.

use crate::channel::{Channel, bounded};
use crate::diagnosis::{DOUBTLESS, UNSTEADY, WATCHES, diagnose};
use crate::forecast::{Finding, Forecast, HORIZONS, Horizon, Score};
use crate::guess::Guess;
use crate::ledger::Ledger;
use crate::minute::{MINUTE, Minute};
use crate::parameter::{PARAMETERS, Parameter};
use crate::process::{
    ACTUATORS, Disturbances, Drive, MOST_TERMS, Prepared, Process, RUNNING, Sensitivity, Terms, at_once, controlled,
    terms, terms_of,
};
use crate::quality::{Exposure, MECHANISMS, Mechanism, Quality};
use crate::stops::Stops;
use crate::stress::ResidualStress;
use crate::throughput::Throughput;
use crate::watch::Watch;
use lehr_domain::EventMs;
use lehr_domain::machine::MachineState;
use lehr_physics::Celsius;
use lehr_physics::viscosity::Vft;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Heat is moved on every ten seconds, viscosity is taken every five.
pub const HEAT_STEPS: usize = 6;
/// A gap that is longer is not lived through: the line starts anew at rest, with what was learned.
const LONGEST_GAP_MIN: i64 = 2 * 1440;
/// Readings of a pressure that is held vary so much within a minute, MPa.
const STEADY_PRESSURE_MPA: f64 = 1.3;
/// The share of seeds that stay grows with the volume of those that are not refined out: with the radius cubed, and so
/// with viscosity to the power of 3/2 (Stokes).
const SEEDS_PER_DECADE: f64 = 1.5 * std::f64::consts::LN_10;
/// After a stop or start the power of the line is not judged for so long: when within the minute it was is not known.
const SETTLES_MIN: u32 = 10;
/// What moves faster moves within a pane.
const AT_ONCE_MIN: f64 = 0.2;
/// Terms of the model are held to be known no better than this when departures are judged.
const LEAST_TERM_SD: f64 = 0.03;

/// All that the twin knows of a line. Folding a minute is a function of state and minute alone, so that a late minute
/// is taken in by folding again from a state that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(crate) guess: Guess,
    guessed: Terms,
    pub(crate) terms: Terms,
    /// The last minute that was folded.
    pub(crate) at: Option<EventMs>,
    minutes: u32,
    pub(crate) drive: Drive,
    stops: Stops,
    /// Whether a set-point or the machine's state changed in the last minute.
    told: bool,
    /// Minutes until the line counts as settled after it was stopped or started.
    unsettled: u32,
    pub(crate) process: Process,
    /// The same line without disturbances: what set-points alone ask for.
    nominal: Process,
    pub(crate) channels: Vec<Channel>,
    watches: Vec<Watch>,
    finding: Option<Finding>,
    ledger: Ledger,
    pub(crate) quality: Quality,
    pub(crate) throughput: Throughput,
    pub(crate) stress: ResidualStress,
    /// Greatest less least forming pressure within the last minute, MPa.
    pub(crate) pressure_range: f64,
    /// Least and greatest believed values so far.
    pub(crate) seen: [(f64, f64); PARAMETERS],
}

/// A minute as the model went through it.
struct Gone {
    /// Means over the minute of what was modelled.
    modelled: [f64; PARAMETERS],
    sensitivity: Sensitivity,
    /// Mean over the minute of log10 of the melt's viscosity in Pa·s.
    melt_log10: f64,
}

impl State {
    pub fn new(guess: &Guess) -> State {
        let drive = Drive { setpoints: guess.targets, stands: 0.0 };
        let guessed = terms(&guess.response);
        let process = Process::at_rest(guess, &drive);
        let channel = |parameter: Parameter| {
            let constant_min = if controlled(parameter) { guessed[parameter.index()][0].exp() } else { AT_ONCE_MIN };
            Channel::new(guess.sigma[parameter.index()], constant_min.max(AT_ONCE_MIN), terms_of(parameter))
        };
        let mut watches: Vec<Watch> = guess.sigma.iter().map(|sigma| Watch::new(*sigma)).collect();
        // The range within a minute is that of dozens of readings.
        watches.extend(UNSTEADY.iter().map(|parameter| Watch::new(0.5 * guess.sigma[parameter.index()])));
        State {
            guessed,
            terms: guessed,
            at: None,
            minutes: 0,
            drive,
            stops: Stops::default(),
            told: false,
            unsettled: 0,
            nominal: process.clone(),
            process,
            channels: Parameter::ALL.into_iter().map(channel).collect(),
            watches,
            finding: None,
            ledger: Ledger::default(),
            quality: Quality::default(),
            throughput: Throughput::new(),
            stress: ResidualStress::default(),
            pressure_range: STEADY_PRESSURE_MPA,
            seen: [(f64::INFINITY, f64::NEG_INFINITY); PARAMETERS],
            guess: guess.clone(),
        }
    }

    /// The last minute that was folded.
    pub fn at(&self) -> Option<EventMs> {
        self.at
    }

    /// Folds one minute. Minutes that were left out before it are lived through without measurements; one that is not
    /// later than the last changes nothing: fold again from an earlier state.
    pub fn step(&mut self, minute: &Minute) {
        let Some(at) = self.at else {
            self.start(minute);
            return self.fold(minute);
        };
        if minute.at <= at {
            return;
        }
        let missing = (minute.at - at).0 / MINUTE.0 - 1;
        if missing > LONGEST_GAP_MIN {
            self.start(minute);
            return self.fold(minute);
        }
        let mut gap = Minute::gap(at);
        gap.machine = self.stops.machine();
        for _ in 0..missing {
            gap.at = gap.at + MINUTE;
            self.fold(&gap);
        }
        self.fold(minute);
    }

    fn start(&mut self, minute: &Minute) {
        self.hear(minute);
        self.process = Process::at_rest(&self.guess, &self.drive);
        self.nominal = self.process.clone();
    }

    /// Takes over set-points and the machine's state.
    fn hear(&mut self, minute: &Minute) {
        let before = self.drive;
        for parameter in Parameter::ALL {
            if let Some(setpoint) = minute.setpoint(parameter)
                && controlled(parameter)
            {
                self.drive.setpoints[parameter.index()] = setpoint;
            }
        }
        let stands = if minute.machine == MachineState::Production { 0.0 } else { 1.0 };
        self.unsettled = if stands == self.drive.stands { self.unsettled.saturating_sub(1) } else { SETTLES_MIN };
        self.drive.stands = stands;
        self.told = self.drive != before;
        self.stops.see(minute.machine);
    }

    fn fold(&mut self, minute: &Minute) {
        self.at = Some(minute.at);
        self.minutes = self.minutes.saturating_add(1);
        self.hear(minute);
        self.channels.iter_mut().for_each(Channel::pass);
        let by = Prepared::new(&self.terms, 1.0 / HEAT_STEPS as f64);
        let disturbances = self.disturbances();
        let gone = go(&mut self.process, &self.guess, &by, &self.drive, &disturbances);
        let undisturbed = go(&mut self.nominal, &self.guess, &by, &self.drive, &Disturbances::NONE);
        let measured = Parameter::ALL.map(|parameter| minute.mean(parameter));
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.drive(gone.modelled[index] - undisturbed.modelled[index]);
        }
        self.correct(&gone, &undisturbed.sensitivity, &measured);
        self.watch(minute, &undisturbed);
        self.look_ahead(minute.at, &measured);
        self.assess(minute, &gone);
    }

    /// Follows a minute without learning from it: what disturbed the line, and what ware was exposed to.
    pub(crate) fn follow(&mut self, minute: &Minute) -> Exposure {
        self.hear(minute);
        self.channels.iter_mut().for_each(Channel::pass);
        let by = Prepared::new(&self.terms, 1.0 / HEAT_STEPS as f64);
        let disturbances = self.disturbances();
        let gone = go(&mut self.process, &self.guess, &by, &self.drive, &disturbances);
        let measured = Parameter::ALL.map(|parameter| minute.mean(parameter));
        self.correct(&gone, &[[0.0; MOST_TERMS]; PARAMETERS], &measured);
        if let Some(pane) = minute.value(Parameter::FormingPressure).filter(|pane| pane.range.is_finite()) {
            self.pressure_range = pane.range;
        }
        exposure(&self.guess, &self.values(), self.pressure_range, gone.melt_log10)
    }

    /// Fuel that the controller's law does not explain heats the melt all the same, as a set-point so much higher would;
    /// so for heater and molds. Fuel that air did not follow was never burnt: its instrument fails.
    /// `supposed` is the share of what was set aside that was taken since followers were held against it.
    fn follow_actuators(&self, channels: &mut [Channel], supposed: f64) {
        for (actuator, held, witness) in ACTUATORS {
            let [holding, control, _] = self.terms[actuator.index()].map(f64::exp);
            let found = channels[actuator.index()].lasting();
            let missing = witness.map_or(0.0, |witness| {
                let followed = channels[witness.index()].beyond() / self.terms[witness.index()][0].exp();
                supposed * channels[actuator.index()].aside() - followed
            });
            let real = missing * found.signum() < 0.5 * found.abs();
            channels[held.index()].follow(if real { found / (holding + control) } else { 0.0 });
        }
    }

    /// The channels as a forecast takes them. What one alone set aside in this minute may be an outlier or the first
    /// that is seen of a change; several mean a change. In the minute of a told change a pane is part old, part new.
    fn supposed(&self) -> Cow<'_, [Channel]> {
        let doubtful = self.channels.iter().filter(|channel| channel.aside() != 0.0).count();
        if doubtful == 0 || self.told {
            return Cow::Borrowed(&self.channels);
        }
        let share = if doubtful == 1 { 0.5 } else { 1.0 };
        let mut channels = self.channels.clone();
        channels.iter_mut().for_each(|channel| channel.settle(share));
        self.follow_actuators(&mut channels, share);
        Cow::Owned(channels)
    }

    pub(crate) fn disturbances(&self) -> Disturbances {
        Disturbances::new(|index| self.channels[index].disturbance())
    }

    /// Corrects disturbances and terms. Terms are learned from what set-points alone move: a driver whose instrument
    /// fails moves nothing. What a quantity is found to do goes into what is expected of those that follow it at once,
    /// so that a cause is not taken for as many disturbances as it has effects.
    fn correct(&mut self, gone: &Gone, by_setpoints: &Sensitivity, measured: &[Option<f64>; PARAMETERS]) {
        let mut moved = [0.0; PARAMETERS];
        for parameter in Parameter::ALL {
            let index = parameter.index();
            let channel = &mut self.channels[index];
            let lasting = channel.lasting();
            let beyond = measured[index].map(|measured| measured - gone.modelled[index] - moved[index]);
            let correction = beyond.and_then(|beyond| channel.correct(beyond, &by_setpoints[index]));
            moved[index] += channel.lasting() - lasting;
            if moved[index] != 0.0 {
                for (follower, gain) in at_once(&self.terms, parameter) {
                    moved[follower.index()] += gain * moved[index];
                }
            }
            for (term, correction) in correction.into_iter().flat_map(|correction| correction.terms).enumerate() {
                let value = self.terms[index][term] + correction;
                self.terms[index][term] = bounded(value, self.guessed[index][term]);
            }
        }
        let mut channels = std::mem::take(&mut self.channels);
        self.follow_actuators(&mut channels, 0.0);
        self.channels = channels;
    }

    fn watch(&mut self, minute: &Minute, undisturbed: &Gone) {
        for parameter in Parameter::ALL {
            let index = parameter.index();
            let Some(measured) = minute.mean(parameter) else { continue };
            let mut allowance = 0.0;
            for term in 0..terms_of(parameter) {
                let sd = self.channels[index].term_sd(term).max(LEAST_TERM_SD);
                allowance += (sd * undisturbed.sensitivity[index][term]).powi(2);
            }
            if parameter == Parameter::LinePower && (self.unsettled > 0 || self.drive.stands > 0.0) {
                continue;
            }
            self.watches[index].see(measured - undisturbed.modelled[index], allowance, DOUBTLESS);
        }
        for (place, parameter) in UNSTEADY.into_iter().enumerate() {
            if let Some(pane) = minute.value(parameter).filter(|pane| pane.n > 10 && pane.range.is_finite()) {
                self.watches[PARAMETERS + place].see(pane.range, 0.0, DOUBTLESS);
            }
        }
        debug_assert_eq!(self.watches.len(), WATCHES);
        self.finding = diagnose(&mut self.watches);
    }

    /// Settles forecasts, and makes those that are due.
    fn look_ahead(&mut self, at: EventMs, measured: &[Option<f64>; PARAMETERS]) {
        let minute = at.pane(MINUTE);
        self.ledger.settle(minute, measured);
        let last = measured.map(|value| value.unwrap_or(f64::NAN));
        for horizon in Horizon::ALL {
            if Ledger::is_due(horizon, minute) {
                let forecasts = self.forecast(horizon);
                self.ledger.keep(horizon, minute, &forecasts, &last);
            }
        }
    }

    fn assess(&mut self, minute: &Minute, gone: &Gone) {
        if let Some(pane) = minute.value(Parameter::FormingPressure).filter(|pane| pane.range.is_finite()) {
            self.pressure_range = pane.range;
        }
        let values = self.values();
        for (seen, value) in self.seen.iter_mut().zip(&values) {
            *seen = (seen.0.min(*value), seen.1.max(*value));
        }
        let exposure = exposure(&self.guess, &values, self.pressure_range, gone.melt_log10);
        self.quality.see(exposure, minute);
        self.throughput.see(minute, values[Parameter::BeltSpeed.index()]);
        if minute.units > 0.0 {
            self.stress = ResidualStress::of(&values);
        }
    }

    /// Believed values, in the sensors' units.
    pub fn values(&self) -> [f64; PARAMETERS] {
        self.process.values(&self.disturbances())
    }

    /// The value of normal operation of what a mechanism hangs on, in its parameter's unit.
    pub(crate) fn normal(&self, mechanism: Mechanism) -> f64 {
        normal(&self.guess, mechanism)
    }

    /// The set-point in force; `None` of what no set-point reaches.
    pub fn setpoint(&self, parameter: Parameter) -> Option<f64> {
        controlled(parameter).then(|| self.drive.setpoints[parameter.index()])
    }

    /// What each sensor is believed to say now.
    pub fn believed(&self) -> [Forecast; PARAMETERS] {
        let values = self.values();
        std::array::from_fn(|index| {
            let (state, noise) = self.channels[index].variance_after(0.0);
            Forecast { mean: values[index], sd: (state + noise).sqrt() }
        })
    }

    /// What each sensor is expected to say in the pane that lies `horizon` after the last.
    pub fn forecast(&self, horizon: Horizon) -> [Forecast; PARAMETERS] {
        let by = Prepared::new(&self.terms, 1.0);
        let channels = self.supposed();
        let mut process = self.process.clone();
        let mut drive = self.drive;
        let mut disturbances = Disturbances::NONE;
        for minute in 1..=horizon.minutes() {
            disturbances = Disturbances::new(|index| channels[index].disturbance_after(minute as f64));
            drive.stands = self.stops.stands_after(minute as f64);
            process.step(&self.guess, &by, &drive, &disturbances, None);
        }
        let minutes = horizon.minutes() as f64;
        let values = process.values(&disturbances);
        let power = Parameter::LinePower.index();
        let either = drive.stands * (1.0 - drive.stands) * self.terms[power][RUNNING].exp().powi(2);
        std::array::from_fn(|index| {
            let (state, noise) = channels[index].variance_after(minutes);
            let either = if index == power { either } else { 0.0 };
            let sd = (state + noise + either).sqrt() * self.ledger.widening(index, horizon);
            Forecast { mean: values[index], sd }
        })
    }

    pub(crate) fn disturbances_after(&self, minutes: f64) -> Disturbances {
        Disturbances::new(|index| self.channels[index].disturbance_after(minutes))
    }

    /// How forecasts did, by parameter and horizon.
    pub fn scores(&self) -> &[[Score; HORIZONS]; PARAMETERS] {
        self.ledger.scores()
    }

    /// What is likely wrong now; `None` in normal operation.
    pub fn diagnosis(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    /// Gains and time constants as learned, with the standard deviations of their natural logarithms.
    pub fn learned(&self, parameter: Parameter) -> Vec<(f64, f64)> {
        let index = parameter.index();
        let term = |term: usize| (self.terms[index][term].exp(), self.channels[index].term_sd(term));
        (0..terms_of(parameter)).map(term).collect()
    }

    /// Minutes folded.
    pub fn minutes(&self) -> u32 {
        self.minutes
    }
}

/// Moves a line through a minute.
fn go(process: &mut Process, guess: &Guess, by: &Prepared, drive: &Drive, disturbances: &Disturbances) -> Gone {
    let melt = Parameter::FurnaceTemperature.index();
    let mut gone = Gone { modelled: [0.0; PARAMETERS], sensitivity: [[0.0; MOST_TERMS]; PARAMETERS], melt_log10: 0.0 };
    let mut sensitivity = gone.sensitivity;
    for _ in 0..HEAT_STEPS {
        let before = process.modelled[melt] + disturbances.all[melt];
        process.step(guess, by, drive, disturbances, Some(&mut sensitivity));
        let after = process.modelled[melt] + disturbances.all[melt];
        gone.melt_log10 += 0.5 * (melt_log10(0.5 * (before + after)) + melt_log10(after));
        for (sum, value) in gone.modelled.iter_mut().zip(&process.modelled) {
            *sum += value;
        }
        for (sum, value) in gone.sensitivity.iter_mut().flatten().zip(sensitivity.iter().flatten()) {
            *sum += value;
        }
    }
    let share = 1.0 / HEAT_STEPS as f64;
    gone.melt_log10 *= share;
    gone.modelled.iter_mut().for_each(|value| *value *= share);
    gone.sensitivity.iter_mut().flatten().for_each(|value| *value *= share);
    gone
}

/// log10 of the viscosity in Pa·s of container glass; that of just above where its curve ends for all that is colder.
pub fn melt_log10(celsius: f64) -> f64 {
    let celsius = celsius.max(Vft::CONTAINER.t0.0 + 50.0);
    Vft::CONTAINER.log10_viscosity(Celsius(celsius)).map_or(f64::NAN, |log10| log10.0)
}

fn normal(guess: &Guess, mechanism: Mechanism) -> f64 {
    match mechanism {
        Mechanism::UnsteadyPressure => STEADY_PRESSURE_MPA,
        _ => guess.target(mechanism.known().parameter),
    }
}

/// What ware is exposed to at these values.
pub fn exposure(guess: &Guess, values: &[f64; PARAMETERS], pressure_range: f64, melt_log10_now: f64) -> Exposure {
    let mut exposure = [0.0; MECHANISMS + 1];
    for mechanism in Mechanism::ALL {
        let value = match mechanism {
            Mechanism::UnsteadyPressure => pressure_range,
            _ => values[mechanism.known().parameter.index()],
        };
        exposure[mechanism as usize] = mechanism.load(value, normal(guess, mechanism)) as f32;
    }
    let normal = melt_log10(guess.target(Parameter::FurnaceTemperature));
    exposure[MECHANISMS] = (SEEDS_PER_DECADE * (melt_log10_now - normal)) as f32;
    exposure
}
