//! What trained models foretell of each line, minute by minute, and how that held.
//!
//! ```text
//! closed minutes of modelled sensors ─┐                  ┌→ forecasts, and what came
//! deployments, line clocks, edge ─────┤ per line: scored ┼→ forecast_quality
//! ware inspected per minute ──────────┘                  └→ sensor_verdicts
//! ```
//!
//! - `scorer`: what models must be able to do; it is handed in
//! - `line`: one line's state, and how a tick's changes reach it
//! - `came`: defect events, and what came within each horizon
//! - `hits`: forecasts held against what came, summed up
//!
//! **What it is a function of.** The two hours that end with a closed minute are scored, once most of their minutes say
//! something, by the versions that are in production at their end. A value that comes or is corrected later restates the
//! rows whose windows hold it; a deployment, the rows from its time on; ware, what came.
//!
//! **Nothing is scored twice.** A row keeps a number made from all that was looked at and from the versions; while that
//! is the same the row stands. Rows are given back after a restart, and taken where the number is the same. Only what is
//! said of single sensors is scored once more then, for one minute a line.
//!
//! **Retention.** Rows leave when their window begins before the edge of the twins ([`crate::twin::edge`]).

mod came;
mod hits;
mod line;
mod scorer;

pub use hits::Hits;
pub use scorer::{Forecast, Said, Scored, Scorer, Terms, Verdict, Versions, Window};

use crate::operators::{empty, per_key};
use crate::tables::{ForecastQualityRow, ForecastRow, SensorVerdictRow};
use crate::twin::{ClosedPane, Inspected, LineModel, Modelled};
use crate::{Diff, Rows};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion};
use lehr_domain::{EventMs, LineId, Micro, SensorId};
use line::Line;
use serde::{Deserialize, Serialize};

/// Everything that the forecasts of a line depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Sensor(u8, SensorId),
    Value(EventMs, u8, Micro),
    /// Units, and those among them with a defect.
    Inspected(EventMs, i64, i64),
    Deployed(ModelKind, EventMs, Option<ModelVersion>),
    Clock(EventMs),
    Edge(EventMs),
    /// After a restart, once, and before the edge.
    Remembered(Box<ForecastRow>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Foretold {
    Forecast(ForecastRow),
    Quality(Box<ForecastQualityRow>),
    Verdict(SensorVerdictRow),
}

/// What forecasts are made from.
pub struct Told<'s> {
    pub modelled: Rows<'s, Modelled>,
    /// Whatever of this is not closed by the line's clock is not looked at yet.
    pub panes: Rows<'s, ClosedPane>,
    pub inspected: Rows<'s, ((LineId, EventMs), Inspected)>,
    pub deployments: Rows<'s, Deployment>,
    pub lines: Rows<'s, LineId>,
    pub clocks: Rows<'s, (LineId, EventMs)>,
    /// One row; see [`crate::twin::edge`].
    pub edge: Rows<'s, EventMs>,
    pub remembered: Rows<'s, ForecastRow>,
}

pub struct Forecasts<'s> {
    /// Also what is to be given back as `remembered` after a restart.
    pub forecasts: Rows<'s, ForecastRow>,
    pub quality: Rows<'s, ForecastQualityRow>,
    pub verdicts: Rows<'s, SensorVerdictRow>,
}

impl<'s> Forecasts<'s> {
    /// Where nothing scores.
    pub fn none(scope: timely::dataflow::Scope<'s, crate::Ts>) -> Forecasts<'s> {
        Forecasts { forecasts: empty(scope), quality: empty(scope), verdicts: empty(scope) }
    }
}

/// The forecasts of every line. `model` says at which places the panes of the scorer's columns come.
pub fn forecasts<'s>(scorer: &'static dyn Scorer, model: &dyn LineModel, told: Told<'s>) -> Forecasts<'s> {
    let Told { modelled, panes, inspected, deployments, lines, clocks, edge, remembered } = told;
    let mut columns = vec![None; model.places()];
    for (name, column) in scorer.columns().iter().zip(0_u8..) {
        if let Some(place) = model.place(name) {
            columns[usize::from(place)] = Some(column);
        }
    }
    let column_of = move |place: u8| columns[usize::from(place)];
    let of_sensors = column_of.clone();
    let sensors =
        modelled.flat_map(move |(sensor, (line, place))| Some((line, Fact::Sensor(of_sensors(place)?, sensor))));
    let values =
        panes.flat_map(move |(line, at, place, value)| Some((line, Fact::Value(at, column_of(place)?, value.mean))));
    let inspected =
        inspected.map(|((line, minute), ware)| (line, Fact::Inspected(minute, ware.units, ware.units - ware.good)));
    let deployed = deployments
        .filter(|row| row.alias == Alias::Production)
        .map(|row| Fact::Deployed(row.model, row.at, row.version));
    let of_every_line = deployed.concat(edge.map(Fact::Edge)).map(|fact| ((), fact));
    let of_every_line = of_every_line.join_map(lines.map(|line| ((), line)), |_, fact, line| (*line, fact.clone()));
    let facts = sensors.concatenate([
        values,
        inspected,
        of_every_line,
        clocks.map(|(line, at)| (line, Fact::Clock(at))),
        remembered.map(|row| (row.production_line, Fact::Remembered(Box::new(row)))),
    ]);
    let foretold =
        per_key(facts, "forecasts", move |line: &LineId, state: &mut Line, changes: &[(Fact, Diff)], out| {
            state.step(*line, scorer, changes, out);
        });
    macro_rules! only {
        ($kind:ident) => {
            foretold.clone().flat_map(|said| if let Foretold::$kind(row) = said { Some(row) } else { None })
        };
    }
    Forecasts { forecasts: only!(Forecast), quality: only!(Quality).map(|row| *row), verdicts: only!(Verdict) }
}
