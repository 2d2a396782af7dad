//! What is foretold: every window of every line looked at anew, at every tick.

use super::base::Base;
use super::twin::{edge, places};
use crate::tables::Tables;
use crate::toy::{COLUMNS, Foreteller, PLACES, Toy};
use lehr_dataflows::base::Retention;
use lehr_dataflows::forecasts::{Hits, Scorer, Terms, Versions, Window};
use lehr_dataflows::tables::*;
use lehr_dataflows::twin::LineModel;
use lehr_domain::ids::stable_hash;
use lehr_domain::model::{Alias, ModelKind, ModelVersion};
use lehr_domain::unit::Verdict;
use lehr_domain::{Event, EventMs, Inputs, LineId, Micro, SensorId, SpanMs};
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1440 * MINUTE;

pub struct Forecasts {
    retention: Retention,
    edge: EventMs,
}

impl Forecasts {
    pub fn new(retention: Retention) -> Forecasts {
        Forecasts { retention, edge: EventMs::MIN }
    }

    pub fn tables(&mut self, base: &Base, clocks: &BTreeMap<LineId, EventMs>, inputs: &Inputs, tables: &mut Tables) {
        self.edge = self.edge.max(edge(inputs.low_water, self.retention));
        for line in base.lines() {
            let end = clocks.get(&line).map_or(i64::MIN, |clock| clock.0.div_euclid(MINUTE) * MINUTE - MINUTE);
            Line { base, line, edge: self.edge.0, end, terms: Foreteller.terms() }.tables(tables);
        }
    }
}

struct Line<'a> {
    base: &'a Base,
    line: LineId,
    edge: i64,
    end: i64,
    terms: Terms,
}

impl Line<'_> {
    fn tables(&self, tables: &mut Tables) {
        let sensors = self.sensors();
        let minutes = self.minutes(&sensors, &tables.panes);
        let (Some(first), Some(last)) = (minutes.keys().next(), minutes.keys().next_back()) else { return };
        let mut quality: BTreeMap<_, Hits> = BTreeMap::new();
        let mut latest = None;
        let reach = (self.terms.window as i64 - 1) * MINUTE;
        for at in (*first..=*last + reach).step_by(MINUTE as usize) {
            let Some(row) = self.row(at, &minutes) else { continue };
            for model in [ModelKind::Forecaster, ModelKind::Ensemble] {
                let Some((version, forecast)) = row.of(model) else { continue };
                for (horizon, ahead) in self.terms.horizons.into_iter().enumerate() {
                    if let Some(came) = row.came[horizon].filter(|_| row.at.0 + ahead.0 <= self.end) {
                        let day = EventMs(row.at.0.div_euclid(DAY) * DAY);
                        let hits = quality.entry((model, version, ahead, day)).or_default();
                        hits.count(forecast.probability[horizon], forecast.expected[horizon], came, 1);
                    }
                }
            }
            latest = Some((at, row.version, row.graph_version));
            tables.forecasts.insert(row);
        }
        for ((model, version, horizon_s, day), hits) in quality {
            let production_line = self.line;
            tables.forecast_quality.insert(ForecastQualityRow {
                production_line,
                model,
                version,
                horizon_s,
                day,
                hits,
            });
        }
        if let Some((at, forecaster, Some(version))) = latest {
            let versions = Versions { forecaster, graph: Some(version), ensemble: None };
            let window = self.window(at, &minutes);
            let answer = Foreteller.score(versions, &[window]).remove(0).expect("it was scored");
            for (verdict, sensor) in answer.verdicts.expect("the graph scored").into_iter().zip(&sensors) {
                if let Some(sensor_id) = *sensor {
                    let (failure, anomaly, at) = (verdict.failure, verdict.anomaly, EventMs(at + MINUTE));
                    tables.sensor_verdicts.insert(SensorVerdictRow { sensor_id, at, version, failure, anomaly });
                }
            }
        }
    }

    /// By column.
    fn sensors(&self) -> Vec<Option<SensorId>> {
        let places = places(self.base, self.line);
        assert_eq!(places.len(), PLACES);
        let place = |column: &&str| Toy.place(column).map(usize::from);
        COLUMNS.iter().map(|column| Some(places[place(column)?]?.sensor)).collect()
    }

    /// What the sensors said, by minute and column.
    fn minutes<'p>(
        &self,
        sensors: &[Option<SensorId>],
        panes: impl IntoIterator<Item = &'p PaneRow>,
    ) -> BTreeMap<i64, Vec<Option<Micro>>> {
        let mut minutes = BTreeMap::new();
        for pane in panes {
            let column = sensors.iter().position(|sensor| *sensor == Some(pane.sensor_id));
            let (Some(column), Some(mean)) = (column, pane.moments.mean()) else { continue };
            if pane.start.0 >= self.edge && pane.start.0 < self.end {
                minutes.entry(pane.start.0).or_insert_with(|| vec![None; COLUMNS.len()])[column] = Some(mean);
            }
        }
        minutes
    }

    fn window(&self, at: i64, minutes: &BTreeMap<i64, Vec<Option<Micro>>>) -> Window {
        let first = at - (self.terms.window as i64 - 1) * MINUTE;
        let silent = || vec![None; COLUMNS.len()];
        let minute = |minute: i64| minutes.get(&minute).cloned().unwrap_or_else(silent);
        Window((first..=at).step_by(MINUTE as usize).flat_map(minute).collect())
    }

    fn row(&self, at: i64, minutes: &BTreeMap<i64, Vec<Option<Micro>>>) -> Option<ForecastRow> {
        let first = at - (self.terms.window as i64 - 1) * MINUTE;
        if first < self.edge || at >= self.end {
            return None;
        }
        let heard: Vec<_> = minutes.range(first..=at).collect();
        if heard.len() < self.terms.heard_least {
            return None;
        }
        let versions = Versions {
            forecaster: self.version(ModelKind::Forecaster, at)?,
            graph: self.version(ModelKind::Graph, at),
            ensemble: self.version(ModelKind::Ensemble, at),
        };
        let answer = Foreteller.score(versions, &[self.window(at, minutes)]).remove(0)?;
        let mut parts = Vec::new();
        for (minute, values) in heard {
            let values: Vec<u64> =
                values.iter().flat_map(|value| value.map_or([0, 0], |value| [1, value.0 as u64])).collect();
            parts.extend([(at - minute) as u64, stable_hash(&values)]);
        }
        for version in [Some(versions.forecaster), versions.graph, versions.ensemble] {
            let number = |part: fn(ModelVersion) -> u32| version.map_or(u64::MAX, |version| u64::from(part(version)));
            parts.extend([number(|v| v.major), number(|v| v.minor), number(|v| v.patch)]);
        }
        Some(ForecastRow {
            production_line: self.line,
            at: EventMs(at + MINUTE),
            version: versions.forecaster,
            graph_version: versions.graph.filter(|_| answer.verdicts.is_some()),
            ensemble_version: versions.ensemble.filter(|_| answer.said.ensemble.is_some()),
            input: stable_hash(&parts),
            said: answer.said,
            came: self.terms.horizons.map(|ahead| self.came(at + MINUTE, ahead)),
        })
    }

    /// The latest deployment whose time has come when the minute is over.
    fn version(&self, model: ModelKind, at: i64) -> Option<ModelVersion> {
        let deployments =
            self.base.rows().filter_map(|row| if let Event::Deployment(row) = row { Some(row) } else { None });
        let own = deployments.filter(|row| row.model == model && row.alias == Alias::Production);
        own.filter(|row| row.at.0 <= at + MINUTE).max_by_key(|row| row.at)?.version
    }

    /// Whether one of the minutes that begin within `ahead` after `from` is in an event; `None` while that may still be.
    fn came(&self, from: i64, ahead: SpanMs) -> Option<bool> {
        let until = from + ahead.0;
        let came = (from..until.min(self.end)).step_by(MINUTE as usize).any(|minute| self.in_event(minute));
        (came || until <= self.end).then_some(came)
    }

    fn in_event(&self, minute: i64) -> bool {
        let first = minute - (i64::from(self.terms.event.minutes) - 1) * MINUTE;
        let units = self.base.units();
        let own: Vec<_> = units
            .iter()
            .filter(|unit| unit.line == self.line && (first..minute + MINUTE).contains(&unit.at.0))
            .collect();
        let defective = own.iter().filter(|unit| unit.verdict != Verdict::Good).count();
        self.terms.event.is_event(own.len() as i64, defective as i64)
    }
}
