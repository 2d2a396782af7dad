//! The whole graph: base collections in, tables out.
//!
//! ```text
//! readings → panes ─┬→ features
//!                   ├→ latest
//!                   ├→ clocks ──────────────┐
//!                   └→ detectors ─┬→ conditions ─→ alerts → alert_metrics
//!                                 ├→ closed panes ─┬→ twins → conditions
//!                                 │                └→ forecasts → forecast_quality
//!                                 └→ deviations ──────────┐
//! events → base ─┬→ sensors, rules, set-points, edges …   │
//!                ├→ states → machine_states ─┬→ kpis      │
//!                ├→ units ───────────────────┤            │
//!                │                           └→ line checks → conditions
//!                ├→ pictures, units → inspections → inspection_quality
//!                └→ defects, alerts → incidents → root_causes
//! ```

use crate::base::{self, Feed, Retention};
use crate::detectors::{Carried, detectors};
use crate::forecasts::{self, Scorer};
use crate::inspections::{self, Inspector};
use crate::operators::{empty, greatest, highest};
use crate::panes::{PaneConfig, PaneFeed, panes};
use crate::restored::Base;
use crate::root_cause::Effect;
use crate::tables::*;
use crate::twin::{self, LineModel, MINUTE};
use crate::{Diff, Rows, Ts, for_all_tables};
use differential_dataflow::input::InputSession;
use lehr_domain::causal::Node;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::ids::stable_hash;
use lehr_domain::operator::OperatorAction;
use lehr_domain::{Event, EventKey, EventMs, LineId, ReadingBatch, SensorId, SpanMs, Tick};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::{Input, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

/// What a graph is built with. The same on every worker.
#[derive(Clone, Copy, Debug)]
pub struct GraphConfig {
    pub pane_width: SpanMs,
    pub retention: Retention,
    /// How long after their end panes keep their readings in memory; see [`PaneConfig::seal_after`].
    pub seal_after: SpanMs,
    /// What runs beside the lines, if anything does. It needs panes of a minute.
    pub twin: Option<&'static dyn LineModel>,
    /// What scores lines, if anything does. It needs a twin, which says which sensors are modelled.
    pub scorer: Option<&'static dyn Scorer>,
    /// What inspects pictures, if anything does.
    pub inspector: Option<&'static dyn Inspector>,
}

impl GraphConfig {
    /// Everything stays, with all its readings: for replays, whose output must not depend on when they run.
    pub const FOREVER: GraphConfig = GraphConfig {
        pane_width: SpanMs::minutes(1),
        retention: Retention::FOREVER,
        seal_after: SpanMs::FOREVER,
        twin: None,
        scorer: None,
        inspector: None,
    };

    pub fn panes(&self) -> PaneConfig {
        PaneConfig { width: self.pane_width, retention: self.retention.panes, seal_after: self.seal_after }
    }
}

/// Late readings are mostly late by seconds. At 10,000 readings a second this holds 30 MB of them, and so many are
/// looked up at a restart; a later reading costs a look-up of some milliseconds.
const SEAL_AFTER: SpanMs = SpanMs::minutes(2);

impl Default for GraphConfig {
    fn default() -> GraphConfig {
        GraphConfig { retention: Retention::default(), seal_after: SEAL_AFTER, ..GraphConfig::FOREVER }
    }
}

/// The worker that folds the readings of a sensor.
pub fn owner_of_sensor(sensor: SensorId, peers: usize) -> usize {
    sensor.index() % peers
}

/// The worker that holds the row of a base collection.
pub fn owner(key: &EventKey, peers: usize) -> usize {
    match key {
        EventKey::Unit(unit) | EventKey::Picture(unit) => (stable_hash(&[unit.0]) % peers as u64) as usize,
        // Few and small: one worker holds them all.
        _ => 0,
    }
}

/// What graphs remember, given back after a restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Memory {
    Carried(SensorId, Carried),
    Newest(SensorId, EventMs),
    Twin(TwinStateRow),
    Forecast(ForecastRow),
    Inspection(InspectionRow),
}

/// One worker's share of the graph: feed it ticks, step the worker, take the changes of closed ticks.
pub struct Graph {
    readings: InputHandle<Ts, CapacityContainerBuilder<Vec<PaneFeed>>>,
    events: InputHandle<Ts, CapacityContainerBuilder<Vec<Feed>>>,
    /// Only what comes first may be a memory.
    memories: Option<InputSession<Ts, Memory, Diff>>,
    probe: ProbeHandle<Ts>,
    changes: Rc<RefCell<BTreeMap<Ts, Changes>>>,
    index: usize,
    peers: usize,
    low_water: EventMs,
}

impl Graph {
    /// Builds the graph on this worker. Every worker must build it with the same configuration.
    pub fn build(worker: &mut Worker, config: GraphConfig) -> Graph {
        let (index, peers) = (worker.index(), worker.peers());
        let changes = Rc::new(RefCell::new(BTreeMap::new()));
        let probe = ProbeHandle::new();
        let (readings, events, memories) = worker.dataflow_named("lehr", |scope| {
            let (readings, reading_stream) = scope.new_input::<Vec<PaneFeed>>();
            let (events, event_stream) = scope.new_input::<Vec<Feed>>();
            let mut memories = InputSession::new();
            let remembered = memories.to_collection(scope);
            let panes = panes(reading_stream, config.panes());
            let base = base::base(event_stream, config.retention);
            let tables = Tables::of(panes, base, remembered, &config);
            tables.publish(&changes, &probe);
            (readings, events, Some(memories))
        });
        Graph { readings, events, memories, probe, changes, index, peers, low_water: EventMs::MIN }
    }

    /// Hands over where to go on from, or a part of it (see [`Base::parts`]), before any tick of the journal. Takes only
    /// what this worker owns.
    pub fn restore(&mut self, base: &Base) {
        let (index, peers, tick) = (self.index, self.peers, base.tick.0);
        let own = |sensor: SensorId| owner_of_sensor(sensor, peers) == index;
        self.readings.advance_to(tick);
        self.events.advance_to(tick);
        self.remember(base);
        for run in &base.panes {
            let owned = run.iter().filter(|row| own(row.sensor_id)).cloned().collect();
            self.readings.send(PaneFeed::Restored(owned));
        }
        self.readings.send(PaneFeed::LowWater(base.low_water));
        self.readings.send(PaneFeed::Reopened(self.share(&base.readings)));
        for row in &base.facts {
            if owner(&row.event.key(), peers) == index {
                self.events.send(Feed::Event(Revised { revision: row.revision, event: row.event.clone() }));
            }
        }
        // Twins begin when they know how far they look back: not before they have it all.
        if !base.goes_on {
            self.events.send(Feed::LowWater(base.low_water));
            self.low_water = base.low_water;
        }
        self.go_on_after(tick);
    }

    /// Gives back what graphs remembered of rows that are not there: the first part has all of it.
    fn remember(&mut self, base: &Base) {
        let Some(mut memories) = self.memories.take() else {
            let nothing = base.newest.is_empty() && base.heard.is_empty() && base.carried.is_empty();
            let nothing =
                nothing && base.twin_states.is_empty() && base.forecasts.is_empty() && base.inspections.is_empty();
            assert!(nothing, "a graph is restored before it is fed");
            return;
        };
        memories.advance_to(base.tick.0);
        if self.index == 0 {
            base.heard.iter().for_each(|row| self.events.send(Feed::Heard(row.production_line, row.at)));
            let carried = base.carried.iter().map(|row| Memory::Carried(row.sensor_id, row.carried.clone()));
            let newest = base.newest.iter().map(|row| Memory::Newest(row.sensor_id, row.start));
            let twins = base.twin_states.iter().cloned().map(Memory::Twin);
            let forecasts = base.forecasts.iter().cloned().map(Memory::Forecast);
            let inspections = base.inspections.iter().cloned().map(Memory::Inspection);
            let all = carried.chain(newest).chain(twins).chain(forecasts).chain(inspections);
            all.for_each(|memory| memories.insert(memory));
        }
    }

    /// This worker's share of some readings.
    fn share(&self, readings: &ReadingBatch) -> ReadingBatch {
        if self.peers == 1 {
            return readings.clone();
        }
        let (index, peers) = (self.index, self.peers);
        let rows = readings.sensor.iter().enumerate();
        let own: Vec<u32> = rows
            .filter(|(_, sensor)| owner_of_sensor(SensorId(**sensor), peers) == index)
            .map(|(row, _)| row as u32)
            .collect();
        readings.select(&own)
    }

    fn go_on_after(&mut self, tick: Ts) {
        self.readings.advance_to(tick + 1);
        self.events.advance_to(tick + 1);
        self.readings.flush();
        self.events.flush();
    }

    /// Hands over a tick. Ticks must ascend. Takes only what this worker owns. `reopened` are all readings
    /// journalled in earlier ticks of the sealed panes to which this tick has readings.
    pub fn feed(&mut self, inputs: &Inputs, reopened: &ReadingBatch) {
        let tick = inputs.tick.0;
        // Nothing is remembered from before the first tick.
        if self.memories.take().is_some() {
            // Before any mark came, everything is looked at.
            self.events.advance_to(tick);
            self.events.send(Feed::LowWater(EventMs(0)));
        }
        self.readings.advance_to(tick);
        self.events.advance_to(tick);
        for (feed, batch) in [(PaneFeed::Reopened as fn(_) -> _, reopened), (PaneFeed::Readings, &inputs.readings)] {
            let own = self.share(batch);
            if !own.is_empty() {
                self.readings.send(feed(own));
            }
        }
        for event in &inputs.events {
            if owner(&event.event.key(), self.peers) == self.index {
                self.events.send(Feed::Event(event.clone()));
            }
        }
        if inputs.low_water > self.low_water {
            self.low_water = inputs.low_water;
            self.readings.send(PaneFeed::LowWater(inputs.low_water));
            self.events.send(Feed::LowWater(inputs.low_water));
        }
        self.go_on_after(tick);
    }

    /// Whether everything up to and including `tick` has come out on every worker.
    pub fn closed(&self, tick: Tick) -> bool {
        !self.probe.less_than(&(tick.0 + 1))
    }

    /// What this worker's share of `tick` changed. To be asked once, when the tick is closed.
    pub fn take(&mut self, tick: Tick) -> Changes {
        self.changes.borrow_mut().remove(&tick.0).unwrap_or_default()
    }
}

macro_rules! declare_tables {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Every output collection.
        struct Tables<'s> {
            $( $field: Rows<'s, $row>, )*
        }

        impl<'s> Tables<'s> {
            /// Collects what each table changes, by tick, and lets `probe` follow.
            fn publish(self, changes: &Rc<RefCell<BTreeMap<Ts, Changes>>>, probe: &ProbeHandle<Ts>) {
                $( {
                    let changes = changes.clone();
                    self.$field
                        .inner
                        .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                            Pipeline,
                            concat!("publish ", stringify!($field)),
                            move |_, _| move |input, _output| {
                                input.for_each_stamp(|_, batches| {
                                    let mut changes = changes.borrow_mut();
                                    for (row, tick, diff) in batches.flat_map(|batch| batch.drain(..)) {
                                        changes.entry(tick).or_insert_with(Changes::default).$field.push((row, diff));
                                    }
                                });
                            },
                        )
                        .probe_with(probe);
                } )*
            }
        }
    };
}
for_all_tables!(declare_tables);

impl<'s> Tables<'s> {
    /// Wires the graphs together.
    fn of(
        panes: Rows<'s, PaneRow>,
        base: base::Base<'s>,
        memories: Rows<'s, Memory>,
        config: &GraphConfig,
    ) -> Tables<'s> {
        let pane_width = config.pane_width;
        macro_rules! remembered {
            ($pattern:pat => $row:expr) => {
                memories.clone().flat_map(|memory| if let $pattern = memory { Some($row) } else { None })
            };
        }
        let base::Base { rows: base, heard, left, edge } = base;
        let left = greatest(left.map(|at| ((), at)), "left by retention").map(|((), at)| at);
        let heard = greatest(heard, "heard of each line");
        let sensors = pick(&base, |event| if let Event::Sensor(id, def) = event { Some((id, def)) } else { None });
        let rules = pick(&base, |event| if let Event::Rule(id, rule) = event { Some((id, rule?)) } else { None });
        let edges = pick(&base, |event| if let Event::Edge(id, edge) = event { Some((id, edge?)) } else { None });
        let products = pick(&base, |event| if let Event::Product(id, def) = event { Some((id, def)) } else { None });
        let parameters =
            pick(&base, |event| if let Event::Parameter(id, name) = event { Some((id, name)) } else { None });
        let lines = pick(&base, |event| if let Event::Line(id, _) = event { Some(id) } else { None });
        let calendar = pick(&base, |event| if let Event::Calendar(row) = event { Some(row) } else { None });
        let setpoints = pick(&base, |event| if let Event::Setpoint(row) = event { Some(row) } else { None });
        let states = pick(&base, |event| if let Event::State(row) = event { Some(row) } else { None });
        let units = pick(&base, |event| if let Event::Unit(row) = event { Some(row) } else { None });
        let pictures = pick(&base, |event| if let Event::Picture(row) = event { Some(row) } else { None });
        let operator = pick(&base, |event| if let Event::Operator(row) = event { Some(row) } else { None });
        let audit = pick(&base, |event| if let Event::Audit(row) = event { Some(row) } else { None });
        let errors = pick(&base, |event| if let Event::Error(row) = event { Some(row) } else { None });
        let late = pick(&base, |event| if let Event::Late(row) = event { Some(row) } else { None });

        let scenarios = pick(&base, |event| if let Event::Scenario(id, def) = event { Some((id, def?)) } else { None });

        let proposed =
            pick(&base, |event| if let Event::Recommendation(id, row) = event { Some((id, *row)) } else { None });
        let decided = pick(&base, |event| if let Event::Decision(row) = event { Some(row) } else { None });
        let recommendations = crate::recommendations::recommendations(proposed, decided);

        let latest = latest(panes.clone());
        let newest = remembered!(Memory::Newest(sensor, start) => (sensor, start));
        let newest = newest.concat(panes.clone().map(|pane| (pane.sensor_id, pane.start)));
        let newest = highest(newest, "newest pane of each sensor");
        let clocks = clocks(newest.clone(), sensors.clone(), heard.clone(), pane_width);
        let machine_states = crate::machine_states::machine_states(states);
        let features = crate::features::features(panes.clone(), pane_width);
        let model = config.twin.filter(|_| pane_width == MINUTE);
        let modelled = match model {
            Some(model) => twin::modelled(model, sensors.clone(), parameters),
            None => empty(panes.inner.scope()),
        };
        let told = crate::detectors::Told {
            panes: panes.clone(),
            sensors: sensors.clone(),
            rules: rules.clone(),
            setpoints: setpoints.clone(),
            line_clocks: clocks.clone(),
            carried: remembered!(Memory::Carried(sensor, row) => (sensor, row)),
            modelled: modelled.clone(),
        };
        let detected = detectors(told, pane_width);
        let edge = greatest(edge.map(|at| ((), at)), "edge of twins").map(|((), at)| at);
        let models =
            pick(
                &base,
                |event| if let Event::Model(kind, version, row) = event { Some((kind, version, *row)) } else { None },
            );
        let deployments = pick(&base, |event| if let Event::Deployment(row) = event { Some(*row) } else { None });
        let inspected = twin::inspected(units.clone());
        let forecasts = match model.zip(config.scorer) {
            Some((model, scorer)) => {
                let told = forecasts::Told {
                    modelled: modelled.clone(),
                    panes: detected.closed.clone(),
                    inspected: inspected.clone(),
                    deployments: deployments.clone(),
                    lines: lines.clone(),
                    clocks: clocks.clone(),
                    edge: edge.clone(),
                    remembered: remembered!(Memory::Forecast(row) => row),
                };
                forecasts::forecasts(scorer, model, told)
            }
            None => forecasts::Forecasts::none(panes.inner.scope()),
        };
        let inspections = match config.inspector {
            Some(inspector) => {
                let told = inspections::Told {
                    pictures: pictures.clone(),
                    units: units.clone(),
                    deployments: deployments.clone(),
                    lines: lines.clone(),
                    edge: edge.clone(),
                    remembered: remembered!(Memory::Inspection(row) => row),
                };
                inspections::inspections(inspector, told)
            }
            None => inspections::Inspections::none(panes.inner.scope()),
        };
        let twins = match model {
            Some(model) => {
                let told = twin::Told {
                    modelled,
                    sensors: sensors.clone(),
                    panes: detected.closed,
                    setpoints: setpoints.clone(),
                    states: machine_states.clone(),
                    inspected,
                    products: products.clone(),
                    rules: rules.clone(),
                    lines: lines.clone(),
                    clocks: clocks.clone(),
                    edge,
                    remembered: remembered!(Memory::Twin(row) => row),
                };
                twin::twins(model, told)
            }
            None => twin::Twins::none(panes.inner.scope()),
        };
        let line_conditions = crate::line_checks::line_checks(
            units.clone(),
            machine_states.clone(),
            rules.clone(),
            lines,
            clocks.clone(),
        );
        let conditions = detected.conditions.concat(line_conditions).concat(twins.conditions);
        let alerts = crate::alerts::alerts(
            conditions.clone(),
            rules.clone(),
            sensors.clone(),
            machine_states.clone(),
            operator.clone(),
            clocks.clone(),
        );
        let alert_metrics = crate::alert_metrics::alert_metrics(alerts.clone());
        let kpis =
            crate::kpis::kpis(units.clone(), machine_states.clone(), clocks.clone(), products.clone(), calendar, left);
        let defects = defects(units.clone());
        let incidents = crate::root_cause::incidents(effects(defects.clone(), alerts.clone()));
        let deviations = crate::deviations::deviations(detected.deviating);
        let root_causes = crate::root_cause::root_causes(incidents.clone(), edges.clone(), deviations.clone());

        Tables {
            sensors: sensors.map(|(id, def)| SensorRow {
                sensor_id: id,
                production_line: def.line,
                equipment_id: def.equipment,
                parameter_name: def.parameter,
                unit: def.unit,
                period_s: def.period,
                span_low: def.span.0,
                span_high: def.span.1,
                target: def.target,
                sigma: def.sigma,
            }),
            products: products.map(|(id, def)| ProductRow { product: id, planned_run_time_s: def.planned_run_time }),
            latest,
            panes,
            features,
            units: units.map(|unit| UnitRow {
                unit_id: unit.unit,
                production_line: unit.line,
                at: unit.at,
                product: unit.product,
                verdict: unit.verdict,
                defects: unit.defects.len() as i64,
            }),
            defects,
            machine_states,
            setpoints: setpoints.map(|row| SetpointRow { sensor_id: row.sensor, start: row.at, value: row.value }),
            kpis,
            rules: rules.map(|(id, rule)| RuleRow {
                rule_id: id,
                name: rule.name,
                enabled: rule.enabled,
                subject: rule.subject,
                condition: rule.check,
                severity: rule.severity,
                on_delay: rule.on_delay,
                off_delay: rule.off_delay,
                suppress_when_stopped: rule.suppress_when_stopped,
                message: rule.message,
                advice: rule.advice,
            }),
            conditions,
            alerts,
            alert_metrics,
            deviations,
            incidents,
            root_causes,
            edges: edges.map(|(id, edge)| EdgeRow {
                edge_id: id,
                cause: edge.cause,
                effect: edge.effect,
                direction: edge.direction,
                threshold: edge.threshold,
                confidence: edge.confidence,
                lag_min_s: edge.lag_min,
                lag_max_s: edge.lag_max,
                mechanism: edge.mechanism,
                advice: edge.advice,
            }),
            clocks: clocks.map(|(line, at)| ClockRow { production_line: line, at }),
            operator_events: operator.map(|event| OperatorEventRow {
                id: event.id,
                alert_id: event.alert,
                at: event.at,
                action: action_text(&event.action),
                by: event.by,
                reason: event.reason,
            }),
            audit: audit.map(|row| AuditRow {
                id: row.id,
                at: row.at,
                by: row.by,
                action: row.action,
                subject: row.subject,
                before: row.before,
                after: row.after,
                reason: row.reason,
            }),
            errors: errors.map(|row| ErrorTableRow {
                id: row.id,
                at: row.at,
                source: row.source,
                reason: row.reason,
                sample: row.sample,
            }),
            late: late.map(|row| LateTableRow {
                sensor_id: row.sensor,
                at: row.at,
                arrived: row.arrived,
                value: row.value,
            }),
            scenarios: scenarios.map(|(id, def)| ScenarioRow::new(id, def)),
            recommendations,
            facts: base.map(|row| FactRow { revision: row.revision, event: row.event }),
            heard: heard.map(|(line, at)| HeardRow { production_line: line, at }),
            newest: newest.map(|(sensor, start)| NewestRow { sensor_id: sensor, start }),
            carried: detected.carried.map(|(sensor, carried)| CarriedRow { sensor_id: sensor, carried }),
            twin: twins.values,
            twin_scores: twins.scores,
            twin_findings: twins.findings,
            twin_states: twins.states,
            models: models.map(|(model, version, row)| ModelRow::new(model, version, row)),
            deployments: deployments.map(DeploymentRow::new),
            forecasts: forecasts.forecasts,
            forecast_quality: forecasts.quality,
            sensor_verdicts: forecasts.verdicts,
            pictures: pictures.map(|row| PictureRow {
                unit_id: row.unit,
                production_line: row.line,
                taken_at: row.at,
                content: row.content,
            }),
            inspection_findings: inspections.inspections.clone().flat_map(InspectionRow::found),
            inspections: inspections.inspections,
            inspection_quality: inspections.quality,
        }
    }
}

/// The rows of one base collection.
fn pick<'s, D: differential_dataflow::Data>(
    base: &Rows<'s, Revised>,
    logic: impl Fn(Event) -> Option<D> + 'static,
) -> Rows<'s, D> {
    base.clone().flat_map(move |row| logic(row.event))
}

fn action_text(action: &OperatorAction) -> String {
    match action {
        OperatorAction::Acknowledge => "acknowledge".into(),
        OperatorAction::Shelve { until } => format!("shelve until {until}"),
        OperatorAction::ShelveOneShot { until } => format!("shelve once, until {until} at most"),
        OperatorAction::Unshelve => "unshelve".into(),
        OperatorAction::OutOfService => "out of service".into(),
        OperatorAction::ReturnToService => "return to service".into(),
        OperatorAction::Dismiss => "dismiss".into(),
        OperatorAction::Note => "note".into(),
        OperatorAction::Respond => "respond".into(),
    }
}

/// The last reading of each sensor: that of its newest pane. Panes leave oldest first, so the pane before
/// the newest is never needed again.
fn latest<'s>(panes: Rows<'s, PaneRow>) -> Rows<'s, LatestRow> {
    crate::operators::per_key(
        panes.map(|pane| (pane.sensor_id, pane)),
        "latest",
        |_sensor: &SensorId, newest: &mut Newest, changes: &[(PaneRow, Diff)], out| {
            let before = newest.row();
            if changes.iter().any(|(pane, diff)| *diff < 0 && newest.0.as_ref() == Some(pane)) {
                newest.0 = None;
            }
            for (pane, diff) in changes {
                if *diff > 0 && newest.0.as_ref().is_none_or(|held| held.start <= pane.start) {
                    newest.0 = Some(pane.clone());
                }
            }
            out.extend(before.map(|row| (row, -1)));
            out.extend(newest.row().map(|row| (row, 1)));
        },
    )
}

#[derive(Default)]
struct Newest(Option<PaneRow>);

impl Newest {
    fn row(&self) -> Option<LatestRow> {
        let pane = self.0.as_ref()?;
        Some(LatestRow {
            sensor_id: pane.sensor_id,
            at: pane.last_reading,
            value: (pane.moments.n > 0).then_some(pane.moments.last),
            status: pane.status,
        })
    }
}

impl crate::operators::KeyState for Newest {
    fn is_idle(&self) -> bool {
        self.0.is_none()
    }
}

/// How far event time has come on each line: the end of the latest pane that any of its sensors ever had, or the
/// pane end after the latest event that was ever heard of it. Changes once a pane, so that what hangs on it is not
/// redone every tick, and falls only when a sensor that was ahead of the others moves to another line.
fn clocks<'s>(
    newest: Rows<'s, (SensorId, EventMs)>,
    sensors: Rows<'s, (SensorId, lehr_domain::event::SensorDef)>,
    heard: Rows<'s, (LineId, EventMs)>,
    width: SpanMs,
) -> Rows<'s, (LineId, EventMs)> {
    let by_line = newest.join_map(sensors.map(|(id, def)| (id, def.line)), |_, start, line| (*line, *start));
    let heard = heard.map(move |(line, at)| (line, at.floor(width)));
    greatest(by_line.concat(heard), "line clocks").map(move |(line, start)| (line, start + width))
}

fn defects<'s>(units: Rows<'s, lehr_domain::unit::Unit>) -> Rows<'s, DefectRow> {
    units.flat_map(|unit| {
        let (id, line, at) = (unit.unit, unit.line, unit.at);
        unit.defects.into_iter().enumerate().map(move |(ordinal, defect)| DefectRow {
            unit_id: id,
            ordinal: ordinal as i64,
            production_line: line,
            at,
            defect_type: defect.defect,
            score: defect.score,
            x: defect.bounds[0],
            y: defect.bounds[1],
            width: defect.bounds[2],
            height: defect.bounds[3],
        })
    })
}

/// What is to be explained: defects, and alerts on a parameter. Withdrawn alerts need no cause.
fn effects<'s>(defects: Rows<'s, DefectRow>, alerts: Rows<'s, AlertRow>) -> Rows<'s, Effect> {
    let found = defects.map(|row| Effect {
        line: row.production_line,
        effect: Node::Defect(row.defect_type),
        at: row.at,
        weight: 1,
        id: stable_hash(&[row.unit_id.0, row.ordinal as u64]),
    });
    let alerted = alerts.flat_map(|row| {
        let withdrawn = row.state == AlertState::Withdrawn;
        let parameter = row.parameter_name.filter(|_| !withdrawn)?;
        Some(Effect {
            line: row.production_line,
            effect: Node::Parameter(parameter),
            at: row.raised_at,
            weight: 1,
            id: row.alert_id.0,
        })
    });
    found.concat(alerted)
}
