//! One line's state: what its sensors and inspection said, what was foretold of it, and how a tick's changes reach that.

use super::came::Came;
use super::hits::Hits;
use super::scorer::{Scored, Scorer, Terms, Verdict, Versions, Window};
use super::{Fact, Foretold};
use crate::Diff;
use crate::operators::KeyState;
use crate::tables::{ForecastQualityRow, ForecastRow, SensorVerdictRow};
use crate::twin::MINUTE;
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::ids::stable_hash;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_domain::{EventMs, LineId, Micro, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

/// Windows that are handed to the scorer at once: 20 kB each.
const SCORED_AT_ONCE: usize = 256;
const DAY: SpanMs = SpanMs::days(1);

/// State: 400 bytes a minute from the edge on, and a row a minute.
#[derive(Default)]
pub struct Line {
    /// By column.
    sensors: BTreeMap<u8, SensorId>,
    deployed: BTreeMap<(ModelKind, EventMs), Option<ModelVersion>>,
    clock: Option<EventMs>,
    /// Minutes before this are not looked at; nothing is scored before it is known.
    edge: Option<EventMs>,
    minutes: BTreeMap<EventMs, Minute>,
    came: Came,
    /// By the last minute of the window.
    rows: BTreeMap<EventMs, ForecastRow>,
    /// Minutes before this are closed, and scored.
    end: Option<EventMs>,
    /// What was foretold before a restart, until the edge is known.
    remembered: BTreeMap<EventMs, ForecastRow>,
    quality: BTreeMap<QualityKey, Hits>,
    /// Of the latest row: its last minute, its input, and the rows shown.
    verdicts: Option<(EventMs, u64, Vec<SensorVerdictRow>)>,
}

type QualityKey = (ModelKind, ModelVersion, usize, EventMs);

/// What the sensors said in a minute.
struct Minute {
    /// By column.
    values: Vec<Option<Micro>>,
    hash: u64,
}

/// What a tick's changes touch.
#[derive(Default)]
struct Touched {
    minutes: BTreeSet<EventMs>,
    /// From here on other versions may score.
    versions: Option<EventMs>,
    sensors: bool,
    ware: BTreeMap<EventMs, Option<(i64, i64)>>,
}

impl KeyState for Line {
    fn is_idle(&self) -> bool {
        let told = self.sensors.is_empty() && self.deployed.is_empty() && self.minutes.is_empty();
        told && self.came.is_empty() && self.clock.is_none() && self.edge.is_none() && self.remembered.is_empty()
    }
}

impl Line {
    pub fn step(
        &mut self,
        line: LineId,
        scorer: &dyn Scorer,
        changes: &[(Fact, Diff)],
        out: &mut Vec<(Foretold, Diff)>,
    ) {
        let edge_before = self.edge;
        let touched = self.take(scorer, changes);
        let terms = scorer.terms();
        let moved = self.came.take(&terms, &touched.ware);
        let Some(edge) = self.edge else { return };
        let end = self.clock.map_or(EventMs::MIN, |clock| clock.floor(MINUTE) - MINUTE);
        let end_before = self.end.unwrap_or(EventMs::MIN);
        let begun = edge_before.is_some();
        if begun && end == end_before && self.edge == edge_before && touched.is_nothing() {
            return;
        }
        let mut after: BTreeMap<EventMs, Option<ForecastRow>> = BTreeMap::new();
        let scored = self.score(line, scorer, &touched, (begun, end), edge, &mut after);
        if edge_before != self.edge {
            self.minutes = self.minutes.split_off(&edge);
            self.came.forget(edge);
        }
        self.end = Some(end);
        self.judge(&terms, &moved, (end_before, end), &mut after);
        self.show(line, &terms, after, (end_before, end), out);
        self.show_verdicts(scorer, &scored, touched.sensors, out);
    }

    /// Takes up what a tick changed.
    fn take(&mut self, scorer: &dyn Scorer, changes: &[(Fact, Diff)]) -> Touched {
        let mut touched = Touched::default();
        let columns = scorer.columns().len();
        let edge = self.edge.unwrap_or(EventMs::MIN);
        // Retractions first, so that what is gone does not take its successor along.
        let gone = changes.iter().filter(|(_, diff)| *diff < 0);
        let new = changes.iter().filter(|(_, diff)| *diff > 0);
        for (fact, diff) in gone.chain(new) {
            let there = *diff > 0;
            match fact {
                Fact::Sensor(column, sensor) => {
                    touched.sensors = true;
                    match there {
                        true => self.sensors.insert(*column, *sensor),
                        false => self.sensors.remove(column),
                    };
                }
                Fact::Deployed(model, at, version) => {
                    touched.versions = Some(touched.versions.map_or(*at, |from| from.min(*at)));
                    match there {
                        true => self.deployed.insert((*model, *at), *version),
                        false => self.deployed.remove(&(*model, *at)),
                    };
                }
                Fact::Value(at, column, mean) if *at >= edge => {
                    touched.minutes.insert(*at);
                    let minute =
                        self.minutes.entry(*at).or_insert_with(|| Minute { values: vec![None; columns], hash: 0 });
                    minute.values[usize::from(*column)] = there.then_some(*mean);
                }
                // Rows that looked at it are gone, or go now.
                Fact::Value(..) => {}
                Fact::Inspected(at, inspected, defective) => {
                    touched.ware.insert(*at, there.then_some((*inspected, *defective)));
                }
                Fact::Clock(at) => self.clock = there.then_some(*at),
                Fact::Edge(at) => self.edge = self.edge.max(there.then_some(*at)),
                Fact::Remembered(row) => drop(self.remembered.insert(row.at - MINUTE, (**row).clone())),
            }
        }
        for at in &touched.minutes {
            let Some(minute) = self.minutes.get_mut(at) else { continue };
            match minute.values.iter().any(Option::is_some) {
                true => minute.hash = hash(&minute.values),
                false => drop(self.minutes.remove(at)),
            }
        }
        touched
    }

    /// Foretells what is new or was looked at otherwise, into `after`. What was scored, by minute.
    fn score(
        &mut self,
        line: LineId,
        scorer: &dyn Scorer,
        touched: &Touched,
        (begun, end): (bool, EventMs),
        edge: EventMs,
        after: &mut BTreeMap<EventMs, Option<ForecastRow>>,
    ) -> BTreeMap<EventMs, Scored> {
        let mut asked: BTreeMap<Versions, Vec<(EventMs, u64)>> = BTreeMap::new();
        let terms = scorer.terms();
        for at in self.to_look_at(&terms, touched, (begun, end), edge) {
            let seen = self.seen(&terms, at, end, edge);
            let Some((versions, input)) = seen else {
                after.insert(at, None);
                continue;
            };
            if self.rows.get(&at).is_some_and(|row| row.input == input) {
                continue;
            }
            match self.remembered.remove(&at).filter(|row| row.input == input) {
                Some(row) => drop(after.insert(at, Some(row))),
                None => asked.entry(versions).or_default().push((at, input)),
            }
        }
        // What is not remembered by now never will be.
        self.remembered.clear();
        let mut scored = BTreeMap::new();
        for (versions, asked) in asked {
            for part in asked.chunks(SCORED_AT_ONCE) {
                let windows: Vec<Window> = part.iter().map(|(at, _)| self.window(scorer, *at)).collect();
                for ((at, input), answer) in part.iter().zip(scorer.score(versions, &windows)) {
                    let row = answer.as_ref().map(|answer| ForecastRow {
                        production_line: line,
                        at: *at + MINUTE,
                        version: versions.forecaster,
                        graph_version: versions.graph.filter(|_| answer.verdicts.is_some()),
                        ensemble_version: versions.ensemble.filter(|_| answer.said.ensemble.is_some()),
                        input: *input,
                        said: answer.said,
                        came: [None; HORIZONS],
                    });
                    after.insert(*at, row);
                    scored.extend(answer.map(|answer| (*at, answer)));
                }
            }
        }
        scored
    }

    /// Last minutes of windows that may be otherwise than they were.
    fn to_look_at(
        &self,
        terms: &Terms,
        touched: &Touched,
        (begun, end): (bool, EventMs),
        edge: EventMs,
    ) -> BTreeSet<EventMs> {
        let reach = terms.reach();
        let (first, last) = (self.minutes.keys().next(), self.minutes.keys().next_back());
        let Some((first, last)) = first.zip(last) else { return self.rows.keys().copied().collect() };
        let mut all = BTreeSet::new();
        let mut look = |from: EventMs, to: EventMs| {
            let minutes = ((to - from).0 / MINUTE.0).max(-1) + 1;
            all.extend((0..minutes).map(|minute| from + SpanMs(minute * MINUTE.0)));
        };
        let newest = (*last + reach).min(end - MINUTE);
        if !begun || touched.sensors {
            look(*first, newest);
        }
        if let Some(from) = touched.versions {
            look((from.floor(MINUTE) - MINUTE).max(*first), newest);
        }
        for at in &touched.minutes {
            look(*at, (*at + reach).min(newest));
        }
        if let Some(before) = self.end {
            look(before.max(*first), newest);
        }
        // Rows that are no longer closed, that nothing is left of, or that begin before the edge.
        all.extend(self.rows.range(newest + MINUTE..).chain(self.rows.range(..edge + reach)).map(|(at, _)| *at));
        if touched.sensors || touched.versions.is_some() {
            all.extend(self.rows.keys());
        }
        all
    }

    /// Who scores the window that ends with a minute, and a number that is another when anything of it is; `None` of a
    /// window that is not scored.
    fn seen(&self, terms: &Terms, at: EventMs, end: EventMs, edge: EventMs) -> Option<(Versions, u64)> {
        let first = at - terms.reach();
        if at >= end || first < edge {
            return None;
        }
        let versions = Versions {
            forecaster: self.in_force(ModelKind::Forecaster, at)?,
            graph: self.in_force(ModelKind::Graph, at),
            ensemble: self.in_force(ModelKind::Ensemble, at),
        };
        let mut parts = Vec::with_capacity(2 * terms.window + 9);
        for (minute, said) in self.minutes.range(first..=at) {
            parts.extend([(at - *minute).0 as u64, said.hash]);
        }
        if parts.len() / 2 < terms.heard_least {
            return None;
        }
        for version in [Some(versions.forecaster), versions.graph, versions.ensemble] {
            match version {
                Some(version) => parts.extend([version.major, version.minor, version.patch].map(u64::from)),
                None => parts.extend([u64::MAX; 3]),
            }
        }
        Some((versions, stable_hash(&parts)))
    }

    /// The version that scores what ends with a minute.
    fn in_force(&self, model: ModelKind, at: EventMs) -> Option<ModelVersion> {
        let until = (model, at + MINUTE);
        let (_, version) = self.deployed.range((model, EventMs::MIN)..=until).next_back()?;
        *version
    }

    fn window(&self, scorer: &dyn Scorer, at: EventMs) -> Window {
        let (columns, terms) = (scorer.columns().len(), scorer.terms());
        let mut values = vec![None; terms.window * columns];
        let first = at - terms.reach();
        for (minute, said) in self.minutes.range(first..=at) {
            let row = ((*minute - first).0 / MINUTE.0) as usize;
            values[row * columns..(row + 1) * columns].clone_from_slice(&said.values);
        }
        Window(values)
    }

    /// Says what came, of rows that are new and of those for which it may be otherwise than it was.
    fn judge(
        &mut self,
        terms: &Terms,
        moved: &[EventMs],
        (end_before, end): (EventMs, EventMs),
        after: &mut BTreeMap<EventMs, Option<ForecastRow>>,
    ) {
        let mut again = BTreeSet::new();
        let mut look = |from: EventMs, to: EventMs| again.extend(self.rows.range(from..to).map(|(at, _)| *at));
        let longest = terms.horizons[HORIZONS - 1];
        if end != end_before {
            let (low, high) = (end.min(end_before), end.max(end_before));
            for horizon in terms.horizons {
                // What is known of a horizon that ends within what was closed since.
                let ahead = SpanMs(horizon.0 + MINUTE.0);
                if low > EventMs::MIN {
                    look(low - ahead, high - ahead + MINUTE);
                }
            }
            // An event of a minute that was closed since is known before the horizon ends.
            if low > EventMs::MIN && self.came.any(low, high) {
                look(low - longest - MINUTE, high);
            }
        }
        for event in moved {
            look(*event - longest - MINUTE, *event + MINUTE);
        }
        for at in again {
            after.entry(at).or_insert_with(|| self.rows.get(&at).cloned());
        }
        for (at, row) in after {
            if let Some(row) = row {
                row.came = self.came.within(terms, *at + MINUTE, end);
            }
        }
    }

    /// Shows rows as they are now, and what they do to the figures.
    fn show(
        &mut self,
        line: LineId,
        terms: &Terms,
        after: BTreeMap<EventMs, Option<ForecastRow>>,
        (end_before, end): (EventMs, EventMs),
        out: &mut Vec<(Foretold, Diff)>,
    ) {
        let mut touched: BTreeMap<QualityKey, Hits> = BTreeMap::new();
        for (at, row) in after {
            let before = self.rows.remove(&at);
            for (row, end, times) in [(&before, end_before, -1), (&row, end, 1)] {
                let Some(row) = row else { continue };
                for (key, probability, expected, came) in known(terms, row, end) {
                    let hits = self.quality.entry(key).or_default();
                    touched.entry(key).or_insert(*hits);
                    hits.count(probability, expected, came, times);
                }
            }
            if before != row {
                out.extend(before.map(|row| (Foretold::Forecast(row), -1)));
                out.extend(row.clone().map(|row| (Foretold::Forecast(row), 1)));
            }
            if let Some(row) = row {
                self.rows.insert(at, row);
            }
        }
        for (key, before) in touched {
            let (model, version, horizon, day) = key;
            let row = |hits: Hits| {
                Foretold::Quality(Box::new(ForecastQualityRow {
                    production_line: line,
                    model,
                    version,
                    horizon_s: terms.horizons[horizon],
                    day,
                    hits,
                }))
            };
            let now = self.quality[&key];
            if now.n() == 0 {
                self.quality.remove(&key);
            }
            if before != now {
                out.extend((before.n() > 0).then(|| (row(before), -1)));
                out.extend((now.n() > 0).then(|| (row(now), 1)));
            }
        }
    }

    /// Shows what is said of each sensor after the latest row's minute. Which sensor a column is may change and leave what
    /// was looked at, and so the row, as it was: where a sensor comes that has not said anything yet.
    fn show_verdicts(
        &mut self,
        scorer: &dyn Scorer,
        scored: &BTreeMap<EventMs, Scored>,
        other_sensors: bool,
        out: &mut Vec<(Foretold, Diff)>,
    ) {
        let latest = self.rows.iter().next_back().map(|(at, row)| (*at, row.input, row.version, row.graph_version));
        let shown = self.verdicts.as_ref().map(|(at, input, _)| (*at, *input));
        if !other_sensors && shown == latest.map(|(at, input, ..)| (at, input)) {
            return;
        }
        let retract = |rows: Vec<SensorVerdictRow>| rows.into_iter().map(|row| (Foretold::Verdict(row), -1));
        out.extend(self.verdicts.take().into_iter().flat_map(|(.., rows)| retract(rows)));
        let Some((at, input, forecaster, graph)) = latest else { return };
        let mut rows = Vec::new();
        if let Some(version) = graph {
            // Rows are remembered, and verdicts are not.
            let versions = Versions { forecaster, graph, ensemble: None };
            let again = || scorer.score(versions, &[self.window(scorer, at)]).into_iter().next().flatten();
            let answer = scored.get(&at).cloned().or_else(again);
            let verdicts = answer.and_then(|answer| answer.verdicts).unwrap_or_default();
            for (verdict, column) in verdicts.into_iter().zip(0_u8..) {
                let Some(sensor_id) = self.sensors.get(&column).copied() else { continue };
                let Verdict { failure, anomaly } = verdict;
                rows.push(SensorVerdictRow { sensor_id, at: at + MINUTE, version, failure, anomaly });
            }
        }
        out.extend(rows.iter().map(|row| (Foretold::Verdict(row.clone()), 1)));
        self.verdicts = Some((at, input, rows));
    }
}

impl Touched {
    fn is_nothing(&self) -> bool {
        self.minutes.is_empty() && self.versions.is_none() && !self.sensors && self.ware.is_empty()
    }
}

fn hash(values: &[Option<Micro>]) -> u64 {
    let parts = values.iter().flat_map(|value| value.map_or([0, 0], |value| [1, value.0 as u64]));
    stable_hash(&parts.collect::<Vec<_>>())
}

/// What of a row is counted: horizons that have passed, whatever came. An event that came early is counted no sooner
/// than none, or figures would be too good while they are young.
fn known(terms: &Terms, row: &ForecastRow, end: EventMs) -> Vec<(QualityKey, Micro, bool, bool)> {
    let mut known = Vec::new();
    for model in [ModelKind::Forecaster, ModelKind::Ensemble] {
        let Some((version, forecast)) = row.of(model) else { continue };
        for (horizon, ahead) in terms.horizons.into_iter().enumerate() {
            let passed = row.at + ahead <= end;
            if let Some(came) = row.came[horizon].filter(|_| passed) {
                let key = (model, version, horizon, row.at.floor(DAY));
                known.push((key, forecast.probability[horizon], forecast.expected[horizon], came));
            }
        }
    }
    known
}
