//! What every table must hold, evaluated from scratch after each tick: loops over all rows, after the words of the
//! documentation. Nothing here is shared with the graphs but the types of rows, and [`Moments`], which has tests
//! of its own.
//!
//! **What is remembered from tick to tick**, because the graphs promise it too:
//! - which rows came in time ([`Base`], [`Panes`]): what is later than retention is not taken;
//! - what the clocks follow: the latest pane that a sensor ever had, the latest event that a line ever had;
//! - of panes that left by retention, what they said ([`detectors`]); of minutes that twins look at no more, how they
//!   were told ([`twin`]).
//!
//! [`Moments`]: lehr_domain::moments::Moments

mod alerts;
mod base;
mod causes;
mod charts;
mod detectors;
mod forecasts;
mod inspections;
mod kpis;
mod line_checks;
mod panes;
mod plain;
mod recommendations;
mod runs;
mod twin;

use crate::tables::Tables;
use base::Base;
use detectors::Detectors;
use lehr_dataflows::base::Retention;
use lehr_dataflows::tables::{ClockRow, NewestRow};
use lehr_domain::{EventMs, Inputs, LineId, SensorId, SpanMs};
use panes::Panes;
use std::collections::BTreeMap;

/// The width of a pane in all traces.
pub const WIDTH: SpanMs = SpanMs::minutes(1);

pub struct Oracle {
    base: Base,
    panes: Panes,
    detectors: Detectors,
    twins: twin::Twins,
    forecasts: forecasts::Forecasts,
    inspections: inspections::Inspections,
    /// Per sensor the start of the latest pane that it ever had.
    newest: BTreeMap<SensorId, EventMs>,
    tables: Tables,
}

impl Oracle {
    pub fn new(retention: Retention) -> Oracle {
        Oracle {
            base: Base::new(retention.events),
            panes: Panes::new(retention.panes),
            detectors: Detectors::default(),
            twins: twin::Twins::new(retention),
            forecasts: forecasts::Forecasts::new(retention),
            inspections: inspections::Inspections::new(retention),
            newest: BTreeMap::new(),
            tables: Tables::default(),
        }
    }

    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The tables after one more tick.
    pub fn close(&mut self, inputs: &Inputs) -> &Tables {
        self.base.take(inputs);
        self.panes.take(inputs);
        let mut tables = Tables::default();
        plain::tables(&self.base, &mut tables);
        tables.recommendations = recommendations::recommendations(&self.base);
        tables.panes = self.panes.rows();
        tables.latest = panes::latest(&tables.panes);
        tables.features = panes::features(&tables.panes);
        tables.machine_states = plain::machine_states(&self.base);
        for pane in &tables.panes {
            let newest = self.newest.entry(pane.sensor_id).or_insert(pane.start);
            *newest = (*newest).max(pane.start);
        }
        tables.newest =
            self.newest.iter().map(|(sensor, start)| NewestRow { sensor_id: *sensor, start: *start }).collect();
        let clocks = self.clocks();
        tables.clocks = clocks.iter().map(|(line, at)| ClockRow { production_line: *line, at: *at }).collect();
        let (mut conditions, deviating) = self.detectors.found(&self.base, &tables.panes, &clocks);
        conditions.extend(line_checks::conditions(&self.base, &tables.machine_states, &clocks));
        tables.conditions = conditions;
        self.twins.tables(&self.base, &clocks, inputs, &mut tables);
        self.forecasts.tables(&self.base, &clocks, inputs, &mut tables);
        self.inspections.tables(&self.base, inputs, &mut tables);
        tables.alerts = alerts::alerts(&self.base, &tables.conditions, &tables.machine_states, &clocks);
        tables.alert_metrics = alerts::metrics(&tables.alerts);
        tables.kpis = kpis::kpis(&self.base, &tables.machine_states, &clocks);
        tables.deviations = causes::deviations(&deviating);
        tables.incidents = causes::incidents(&tables.defects, &tables.alerts);
        tables.root_causes = causes::root_causes(&tables.incidents, self.base.edges(), &tables.deviations);
        self.tables = tables;
        &self.tables
    }

    /// The end of the latest pane of any sensor that the line has, and of the pane of its latest event.
    fn clocks(&self) -> BTreeMap<LineId, EventMs> {
        let sensors = self.base.sensors();
        let of_panes = self.newest.iter().filter_map(|(sensor, start)| Some((sensors.get(sensor)?.line, *start)));
        let of_events = self.base.heard().map(|(line, at)| (line, EventMs(at.0.div_euclid(WIDTH.0) * WIDTH.0)));
        let mut clocks = BTreeMap::new();
        for (line, start) in of_panes.chain(of_events) {
            let clock = clocks.entry(line).or_insert(start + WIDTH);
            *clock = (*clock).max(start + WIDTH);
        }
        clocks
    }
}
