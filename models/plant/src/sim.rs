//! The plant: all lines and instruments, moved through time together.

use crate::book::{Book, Fault, MOST_OPEN, MOST_PER_DAY, RandomFaults, Turn};
use crate::branch::Branch;
use crate::campaign::{self, Campaign};
use crate::error::PlantError;
use crate::fault::{FaultId, FaultKind, FaultSpec};
use crate::instrument::Instrument;
use crate::line::{Line, Signal};
use crate::minutes::{PlantMinute, PlantMinutes};
use crate::pending::Pending;
use crate::quantity::Quantity;
use crate::truth::Truth;
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, LineId, Micro, ReadingBatch, SensorId, SpanMs};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the plant is simulated with.
#[derive(Clone, Debug, PartialEq)]
pub struct PlantConfig {
    /// The same names, seed and start give the same plant.
    pub seed: u64,
    /// Event time of the first second.
    pub start: EventMs,
    /// Mean number of random faults per line and day; 0 for none.
    pub faults_per_day: f64,
    /// Whether there are minor stops, job changes and maintenance.
    pub stops: bool,
}

impl Default for PlantConfig {
    fn default() -> PlantConfig {
        PlantConfig { seed: 1, start: EventMs(0), faults_per_day: 0.0, stops: true }
    }
}

/// What happened in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// In order of time; of revision 0.
    pub readings: ReadingBatch,
    /// Machine states, set-points and inspected units, in order of time.
    pub events: Vec<Event>,
    /// What really happened, in order of time. No part of what a plant tells.
    pub truth: Vec<Truth>,
}

/// A fault that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenFault {
    pub id: FaultId,
    pub kind: FaultKind,
    pub line: LineId,
    /// The instrument that fails, for faults of instruments.
    pub sensor: Option<SensorId>,
    pub severity: f64,
    pub begins: EventMs,
    /// `None`: until cleared.
    pub ends: Option<EventMs>,
    pub active: bool,
}

/// The simulated plant. Time is cut into seconds from the start; the process moves once a second, and what is
/// asked of the plant takes effect with the next one. The result does not depend on the sizes of the steps in
/// which a caller advances.
pub struct PlantSim {
    start: EventMs,
    now: EventMs,
    /// Seconds that were simulated; the readings of the last one may still be to come.
    seconds: u64,
    lines: Vec<Line>,
    random_faults: Vec<RandomFaults>,
    instruments: Vec<Instrument>,
    /// Next reading of each instrument: milliseconds after the start, position.
    due: BinaryHeap<Reverse<(i64, usize)>>,
    /// Positions of each line's instruments.
    of_line: Vec<Vec<usize>>,
    names: Vec<(SensorId, String, String)>,
    reach: Vec<(f64, f64)>,
    book: Book,
    pending: Pending,
}

impl PlantSim {
    pub fn new(names: &Names, config: PlantConfig) -> Result<PlantSim, PlantError> {
        PlantSim::of(names, config, None)
    }

    /// A plant whose lines age: see [`Campaign`]. Random faults and injected ones come on top.
    pub fn in_campaign(names: &Names, config: PlantConfig, campaign: Campaign) -> Result<PlantSim, PlantError> {
        PlantSim::of(names, config, Some(campaign))
    }

    fn of(names: &Names, config: PlantConfig, campaign: Option<Campaign>) -> Result<PlantSim, PlantError> {
        if !(0.0..=MOST_PER_DAY).contains(&config.faults_per_day) {
            return Err(PlantError::FaultRate { value: config.faults_per_day, most: MOST_PER_DAY });
        }
        let mut lines = Vec::new();
        for (id, _) in names.lines() {
            lines.push(Line::new(names, id, &config, campaign)?);
        }
        if lines.is_empty() {
            return Err(PlantError::NoLines);
        }
        let mut sim = PlantSim {
            start: config.start,
            now: config.start,
            seconds: 0,
            random_faults: Vec::new(),
            instruments: Vec::new(),
            due: BinaryHeap::new(),
            of_line: vec![Vec::new(); lines.len()],
            names: Vec::new(),
            reach: Vec::new(),
            book: Book::default(),
            pending: Pending::default(),
            lines,
        };
        for (index, line) in sim.lines.iter().enumerate() {
            line.begin(config.start, names, &mut sim.pending);
            if config.faults_per_day > 0.0 {
                sim.random_faults.push(RandomFaults::new(config.seed, line.key, index, config.faults_per_day));
            }
            for (sensor, signal) in &line.sensors {
                let def = names.sensor_def(*sensor).expect("lines list registered sensors");
                let instrument = Instrument::new(config.seed, *sensor, (index, *signal), def);
                sim.due.push(Reverse((instrument.phase_ms, sim.instruments.len())));
                sim.of_line[index].push(sim.instruments.len());
                sim.instruments.push(instrument);
                sim.names.push((*sensor, def.name.clone(), names.parameter(def.parameter).to_owned()));
                sim.reach.push(reach(def.span));
            }
        }
        Ok(sim)
    }

    /// Up to where everything has been told.
    pub fn now(&self) -> EventMs {
        self.now
    }

    /// Everything that happened in [now, until), in order of event time; moves now to `until`. The output
    /// grows with the stretch: ask for hours at a time, not for years.
    pub fn advance(&mut self, until: EventMs) -> Output {
        let mut output = Output::default();
        while self.now < until {
            let second = ((self.now - self.start).0 / 1000) as u64;
            if self.seconds <= second {
                self.step(second);
            }
            let end = self.time_of(second + 1).min(until);
            self.read(end, &mut output.readings);
            self.pending.release(end, &mut output.events, &mut output.truth);
            self.now = end;
        }
        output
    }

    fn time_of(&self, second: u64) -> EventMs {
        self.start + SpanMs::seconds(second as i64)
    }

    /// Moves faults, lines and their ware through one second.
    fn step(&mut self, second: u64) {
        let at = self.time_of(second);
        for index in 0..self.random_faults.len() {
            // A random fault that finds the book full does not happen: nobody asked for it.
            let fault = self.random_faults[index].step(second, &self.of_line[index]);
            if let Some(fault) = fault.filter(|_| !self.book.is_full()) {
                self.book.open(fault);
            }
        }
        for index in 0..self.lines.len() {
            for turn in self.lines[index].live(second, at) {
                self.live(index, turn, second, at);
            }
        }
        for turn in self.book.step(second) {
            self.turn(turn, at);
        }
        for (index, line) in self.lines.iter_mut().enumerate() {
            let effects = self.book.effects(index, second);
            line.step(second, at, effects, &mut self.pending);
        }
        self.seconds = second + 1;
    }

    /// What a campaign brings to the line at `index`.
    fn live(&mut self, index: usize, turn: campaign::Turn, second: u64, at: EventMs) {
        let line = self.lines[index].id;
        // Apart from the ids of injected and of random faults; one a cause, as it is never there twice.
        let slow = |law: usize| FaultId((index as u64 + 1) << 48 | law as u64);
        match turn {
            campaign::Turn::Began { law, kind } => {
                let id = slow(law);
                self.pending.truth.push(Truth::FaultStarted { at, line, id, kind, sensor: None, severity: 1.0 });
            }
            campaign::Turn::Repaired { law, kind } => {
                self.pending.truth.push(Truth::FaultEnded { at, line, id: slow(law), kind });
            }
            campaign::Turn::Sudden { kind, minutes, severity } => {
                self.open(index, kind, None, severity, second, minutes);
            }
            campaign::Turn::Instrument { kind, minutes, severity, place } => {
                let of_line = &self.of_line[index];
                if !of_line.is_empty() {
                    let instrument = of_line[(place % of_line.len() as u64) as usize];
                    self.open(index, kind, Some(instrument), severity, second, minutes);
                }
            }
        }
    }

    /// Opens a fault that nobody asked for; one that finds the book full does not happen.
    fn open(
        &mut self,
        line: usize,
        kind: FaultKind,
        instrument: Option<usize>,
        severity: f64,
        second: u64,
        minutes: u64,
    ) {
        if !self.book.is_full() {
            let id = FaultId((line as u64 + 1) << 48 | (kind as u64 + 1) << 40 | second);
            let ends_s = Some(second + 60 * minutes);
            self.book.open(Fault { id, line, kind, instrument, severity, begins_s: second, ends_s, active: false });
        }
    }

    fn turn(&mut self, turn: Turn, at: EventMs) {
        match turn {
            Turn::Began(fault) => {
                let Fault { id, kind, severity, .. } = fault;
                let sensor = fault.instrument.map(|index| {
                    self.instruments[index].fail(id, kind, severity);
                    self.instruments[index].sensor
                });
                let line = self.lines[fault.line].id;
                self.pending.truth.push(Truth::FaultStarted { at, line, id, kind, sensor, severity });
            }
            Turn::Ended(fault) => {
                if let Some(index) = fault.instrument {
                    self.instruments[index].mend(fault.id);
                }
                let line = self.lines[fault.line].id;
                self.pending.truth.push(Truth::FaultEnded { at, line, id: fault.id, kind: fault.kind });
            }
        }
    }

    /// The plant in minutes from here on.
    ///
    /// # Panics
    ///
    /// In the middle of a second.
    pub fn in_minutes(self) -> PlantMinutes {
        assert_eq!(self.now, self.time_of(self.seconds), "minutes begin with a second");
        PlantMinutes::new(self)
    }

    pub(crate) fn minute(&mut self) -> PlantMinute {
        const MINUTE_S: u64 = 60;
        let at = self.now;
        let first = self.seconds;
        let mut sums = vec![0.0; self.instruments.len()];
        for second in first..first + MINUTE_S {
            self.step(second);
            for (sum, instrument) in sums.iter_mut().zip(&self.instruments) {
                *sum += self.lines[instrument.line].value(instrument.signal);
            }
        }
        self.now = self.time_of(first + MINUTE_S);
        let mut minute = PlantMinute { at, ..PlantMinute::default() };
        for (sum, instrument) in sums.into_iter().zip(&mut self.instruments) {
            let mean = instrument.minute(sum / MINUTE_S as f64, first / MINUTE_S, at);
            minute.means.push((instrument.sensor, mean.unwrap_or(f64::NAN)));
        }
        self.pending.release(self.now, &mut Vec::new(), &mut minute.truth);
        minute
    }

    /// Takes the readings that are due before `end`.
    fn read(&mut self, end: EventMs, readings: &mut ReadingBatch) {
        let end_ms = (end - self.start).0;
        while let Some(mut next) = self.due.peek_mut() {
            let Reverse((due_ms, index)) = *next;
            if due_ms >= end_ms {
                break;
            }
            let instrument = &mut self.instruments[index];
            *next = Reverse((due_ms + instrument.period_ms, index));
            drop(next);
            let value = self.lines[instrument.line].value(instrument.signal);
            if let Some(reading) = instrument.read(value, self.start + SpanMs(due_ms)) {
                readings.push(reading);
            }
        }
    }

    /// Lets a fault happen, now or later.
    pub fn inject(&mut self, fault: FaultSpec) -> Result<FaultId, PlantError> {
        fault.check()?;
        if self.book.is_full() {
            return Err(PlantError::TooManyFaults { most: MOST_OPEN });
        }
        let line = match &fault.line {
            None => 0,
            Some(name) => self.lines.iter().position(|line| line.name == *name).ok_or_else(|| {
                let known: Vec<&str> = self.lines.iter().map(|line| line.name.as_str()).collect();
                PlantError::UnknownLine { line: name.clone(), known: known.join(", ") }
            })?,
        };
        let instrument =
            match &fault.parameter {
                None => None,
                Some(parameter) => {
                    let place = self.of_line[line].iter().copied().find(|index| self.names[*index].2 == *parameter);
                    let line = &self.lines[line].name;
                    Some(place.ok_or_else(|| PlantError::UnknownParameter {
                        line: line.clone(),
                        parameter: parameter.clone(),
                    })?)
                }
            };
        let seconds = |span: SpanMs| span.0.unsigned_abs().div_ceil(1000);
        let begins_s = seconds(fault.start).max(self.seconds);
        let duration = fault.duration.or(fault.kind.default_duration());
        let id = self.book.next_id();
        self.book.open(Fault {
            id,
            line,
            kind: fault.kind,
            instrument,
            severity: fault.severity,
            begins_s,
            ends_s: duration.map(|duration| begins_s.saturating_add(seconds(duration))),
            active: false,
        });
        Ok(id)
    }

    /// Ends a fault, or forgets one that has not begun.
    pub fn clear(&mut self, id: FaultId) -> Result<(), PlantError> {
        self.book.clear(id, self.seconds)
    }

    /// The faults that have not ended, in order of injection.
    pub fn faults(&self) -> Vec<OpenFault> {
        let open = |fault: &Fault| OpenFault {
            id: fault.id,
            kind: fault.kind,
            line: self.lines[fault.line].id,
            sensor: fault.instrument.map(|index| self.instruments[index].sensor),
            severity: fault.severity,
            begins: self.time_of(fault.begins_s),
            ends: fault.ends_s.map(|second| self.time_of(second)),
            active: fault.active,
        };
        self.book.faults().iter().map(open).collect()
    }

    /// Writes a set-point. The plant follows with its dynamics, and tells the set-point as an event.
    pub fn write_setpoint(&mut self, sensor: SensorId, value: Micro) -> Result<(), PlantError> {
        let index = self.position(sensor)?;
        let Instrument { line, signal, .. } = self.instruments[index];
        let (_, name, _) = &self.names[index];
        if let Signal::Known(quantity) = signal
            && !quantity.profile().controlled
        {
            let controlled = Quantity::ALL.iter().map(|quantity| quantity.profile()).filter(|p| p.controlled);
            let loops: Vec<&str> = controlled.map(|profile| profile.parameter).collect();
            return Err(PlantError::NotControlled { sensor: name.clone(), loops: loops.join(", ") });
        }
        let (low, high) = self.reach[index];
        if !(low..=high).contains(&value.to_f64()) {
            return Err(PlantError::OutOfReach { sensor: name.clone(), value: value.to_f64(), low, high });
        }
        let at = self.time_of(self.seconds);
        self.lines[line].write_setpoint(signal, value, at, &mut self.pending);
        Ok(())
    }

    /// The true value of the quantity that a sensor measures, as of the last second simulated: what a
    /// referee judges by, and no plant knows.
    pub fn true_value(&self, sensor: SensorId) -> Result<f64, PlantError> {
        let instrument = &self.instruments[self.position(sensor)?];
        Ok(self.lines[instrument.line].value(instrument.signal))
    }

    /// How far each slow cause of a line's campaign has come; zeros without a campaign. No plant knows it.
    pub fn levels(&self, line: LineId) -> Result<[f32; Branch::SLOW], PlantError> {
        let line = self.lines.iter().find(|other| other.id == line).ok_or(PlantError::NoLine(line))?;
        Ok(line.levels())
    }

    /// A line set apart as it is now, to see what may become of it.
    ///
    /// # Panics
    ///
    /// In the middle of a second: a branch begins where one has ended.
    pub fn branch(&self, line: LineId) -> Result<Branch, PlantError> {
        assert_eq!(self.now, self.time_of(self.seconds), "a branch begins with a second");
        let index = self.lines.iter().position(|other| other.id == line).ok_or(PlantError::NoLine(line))?;
        let (line, book) = (self.lines[index].clone(), self.book.clone());
        Ok(Branch { line, book, index, start: self.start, seconds: self.seconds })
    }

    /// How far the true value of a sensor's quantity is from what it ought to be, in sigmas of the catalogue. No plant knows it.
    pub fn deviation(&self, sensor: SensorId) -> Result<f64, PlantError> {
        let instrument = &self.instruments[self.position(sensor)?];
        let line = &self.lines[instrument.line];
        Ok((line.value(instrument.signal) - line.ought(instrument.signal)) / instrument.sigma())
    }

    fn position(&self, sensor: SensorId) -> Result<usize, PlantError> {
        let place = self.names.iter().position(|(id, _, _)| *id == sensor);
        place.ok_or(PlantError::UnknownSensor(sensor.0))
    }
}

/// Set-points that are taken: the span of the instrument and half as much again on either side (control limits
/// may be wider than an instrument), yet nothing below zero where the instrument knows nothing below zero.
fn reach((low, high): (Micro, Micro)) -> (f64, f64) {
    let (low, high) = (low.to_f64(), high.to_f64());
    let margin = (high - low) / 2.0;
    let below = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
    (below, high + margin)
}
