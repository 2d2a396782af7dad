//! What a scenario would set off: its minutes run through the graphs that the line's own minutes run through.
//!
//! Each scenario is a line of its own in one graph, so that many share the work, and a scenario is alerted, counted and
//! explained by the rules, edges and calendar that hold now. It begins with a clean sheet: what the line has
//! deviated by before is not part of it.
//!
//! What is expected has no noise. Checks of scatter and of instruments (control charts by runs, variation, stuck,
//! stale, bad readings) would say something of that, not of the line, and are left out. Units and defects
//! come whole, when their expected counts pass the next whole number.

use super::minutes;
use crate::runtime::{Inline, Work};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::tables::{AlertRow, Changes, KpiRow, RootCauseRow};
use lehr_domain::event::{Inputs, Revised, SensorDef};
use lehr_domain::machine::{MachineState, Setpoint, StateChange};
use lehr_domain::names::Names;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{Event, LineId, Micro, PerMille, ProductId, Reading, RuleId, SensorId, SpanMs, Status, Tick, UnitId};
use lehr_queries::Snapshot;
use lehr_twin::{MINUTE, Minute, PARAMETERS};
use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::sync::Arc;

/// Scenarios of one graph. Lines are numbered by 16 bits, and the last one stands for all.
pub const MOST: usize = 1024;

/// What came of a scenario, as if it had been the line: ids are the line's own. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    pub alerts: Vec<AlertRow>,
    /// Key figures of the line; none of the plant, in which there is but one line.
    pub kpis: Vec<KpiRow>,
    pub root_causes: Vec<RootCauseRow>,
}

/// What would come of scenarios on a line, each given by its minutes. At most [`MOST`]. They are shared out among the
/// processors; in which graph one runs makes no difference.
pub fn consequences(snapshot: &Snapshot, line: LineId, scenarios: &[Vec<Minute>]) -> Vec<Consequences> {
    assert!(scenarios.len() <= MOST, "{} scenarios at once", scenarios.len());
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = scenarios.len().div_ceil(processors).max(1);
    std::thread::scope(|scope| {
        let shares = scenarios.chunks(share).map(|share| scope.spawn(move || of_share(snapshot, line, share)));
        let running: Vec<_> = shares.collect();
        let found = running.into_iter().map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic)));
        found.flatten().collect()
    })
}

fn of_share(snapshot: &Snapshot, line: LineId, scenarios: &[Vec<Minute>]) -> Vec<Consequences> {
    let stages: Vec<Stage> = (0..scenarios.len()).map(|index| Stage::beside(snapshot, line, index)).collect();
    let changes = run(snapshot, &stages, scenarios);
    stages.iter().map(|stage| stage.consequences(line, &changes)).collect()
}

/// Event time of a tick: what is at work then fits into caches, however many scenarios there are.
const TICK: SpanMs = SpanMs::hours(1);

fn run(snapshot: &Snapshot, stages: &[Stage], scenarios: &[Vec<Minute>]) -> Changes {
    let mut engine = Inline::new(GraphConfig::FOREVER);
    let mut players: Vec<Player> = stages.iter().map(Player::new).collect();
    let mut standing: Vec<Revised> = standing(snapshot).collect();
    standing.extend(stages.iter().flat_map(|stage| stage.registrations(snapshot)));
    let mut inputs = Inputs { tick: Tick(1), events: standing, ..Inputs::default() };
    let mut changes = Changes::default();
    let minutes = (TICK.0 / MINUTE.0) as usize;
    let longest = scenarios.iter().map(Vec::len).max().unwrap_or(0);
    for from in (0..longest).step_by(minutes) {
        for (player, scenario) in players.iter_mut().zip(scenarios) {
            let hour = scenario.iter().skip(from).take(minutes);
            hour.for_each(|minute| player.play(minute, &mut inputs));
        }
        let next = inputs.tick.next();
        // Panes and what else is not told would be most of it.
        let tick = engine.run(&Arc::new(Work::tick(std::mem::take(&mut inputs))));
        changes.alerts.extend(tick.alerts);
        changes.kpis.extend(tick.kpis);
        changes.root_causes.extend(tick.root_causes);
        inputs.tick = next;
    }
    changes.consolidate();
    changes
}

/// Rows that hold for every line.
fn standing(snapshot: &Snapshot) -> impl Iterator<Item = Revised> {
    let rows = snapshot.facts.iter().filter(|row| match &row.event {
        Event::Parameter(..) | Event::Equipment(..) | Event::Product(..) | Event::Calendar(_) | Event::Edge(..) => true,
        Event::Rule(_, Some(rule)) => is_of_the_line(&rule.check) && !matches!(rule.subject, Subject::Sensor(_)),
        _ => false,
    });
    rows.map(|row| Revised { revision: row.revision, event: row.event.clone() })
}

/// Whether a check says something of a line rather than of noise or instruments.
fn is_of_the_line(check: &Check) -> bool {
    match check {
        Check::High { .. }
        | Check::Low { .. }
        | Check::RateOfChange { .. }
        | Check::Ewma { .. }
        | Check::Cusum { .. }
        | Check::Drift { .. }
        | Check::DefectRate { .. }
        | Check::DefectCount { .. }
        | Check::QualityScore { .. }
        | Check::LineState { .. } => true,
        Check::Variation { .. }
        | Check::Nelson { .. }
        | Check::WesternElectric { .. }
        | Check::Stale { .. }
        | Check::Stuck { .. }
        | Check::BadQuality { .. }
        | Check::Twin { .. } => false,
    }
}

/// Where a scenario runs: the ids that stand for the line's own.
struct Stage {
    index: usize,
    line: LineId,
    product: ProductId,
    /// By parameter: the id here, the line's own, and the definition.
    sensors: [Option<(SensorId, SensorId, SensorDef)>; PARAMETERS],
    /// Rules that watch one of the sensors: the id here, the rule's own, and the rule.
    rules: Vec<(RuleId, RuleId, Rule)>,
}

impl Stage {
    /// On the ids of the line itself.
    fn own(snapshot: &Snapshot, line: LineId) -> Stage {
        let names = &snapshot.names;
        let sensors = minutes::sensors(names, line).map(|sensor| {
            let sensor = sensor?;
            Some((sensor, sensor, names.sensor_def(sensor)?.clone()))
        });
        let own = |id: SensorId| sensors.iter().flatten().any(|(_, own, _)| *own == id);
        let rules = snapshot.facts.iter().filter_map(|row| match &row.event {
            Event::Rule(id, Some(rule)) if is_of_the_line(&rule.check) => match rule.subject {
                Subject::Sensor(sensor) if own(sensor) => Some((*id, *id, rule.clone())),
                _ => None,
            },
            _ => None,
        });
        let rules = rules.collect();
        let states = snapshot.machine_states.range(|row| row.production_line.cmp(&line));
        let product = states.last().map_or(ProductId(0), |row| row.product);
        Stage { index: 0, line, product, sensors, rules }
    }

    /// On ids above all that the plant has.
    fn beside(snapshot: &Snapshot, line: LineId, index: usize) -> Stage {
        let mut stage = Stage::own(snapshot, line);
        let names: &Names = &snapshot.names;
        let line = names.lines().map(|(id, _)| id.0 + 1).max().unwrap_or(0) + index as u16;
        let first = names.sensors().map(|(id, _)| id.0 + 1).max().unwrap_or(0) + (index * PARAMETERS) as u32;
        for (place, (id, _, def)) in stage.sensors.iter_mut().flatten().enumerate() {
            *id = SensorId(first + place as u32);
            def.line = LineId(line);
        }
        let above = snapshot.rules.iter().map(|row| row.rule_id.0 + 1).max().unwrap_or(0);
        let first = above + (index * stage.rules.len()) as u32;
        for (place, (id, _, rule)) in stage.rules.iter_mut().enumerate() {
            *id = RuleId(first + place as u32);
            if let Subject::Sensor(watched) = rule.subject {
                let here = stage.sensors.iter().flatten().find(|(_, own, _)| *own == watched);
                rule.subject = Subject::Sensor(here.expect("only rules of these sensors were taken").0);
            }
        }
        Stage { index, line: LineId(line), ..stage }
    }

    /// The line, its sensors and their rules.
    fn registrations(&self, snapshot: &Snapshot) -> impl Iterator<Item = Revised> {
        let line = Event::Line(self.line, snapshot.names.line(self.line).to_owned());
        let sensors = self.sensors.iter().flatten().map(|(id, _, def)| Event::Sensor(*id, def.clone()));
        let rules = self.rules.iter().map(|(id, _, rule)| Event::Rule(*id, Some(rule.clone())));
        let events = std::iter::once(line).chain(sensors).chain(rules);
        events.map(|event| Revised { revision: 0, event })
    }

    fn consequences(&self, line: LineId, changes: &Changes) -> Consequences {
        let sensors: BTreeMap<SensorId, SensorId> =
            self.sensors.iter().flatten().map(|(here, own, _)| (*here, *own)).collect();
        let rules: BTreeMap<RuleId, RuleId> = self.rules.iter().map(|(here, own, _)| (*here, *own)).collect();
        let there = |diff: &isize| *diff > 0;
        let alerts = changes.alerts.iter().filter(|(row, diff)| there(diff) && row.production_line == self.line);
        let mut alerts: Vec<AlertRow> = alerts
            .map(|(row, _)| {
                let mut row = row.clone();
                row.production_line = line;
                row.sensor_id = row.sensor_id.map(|sensor| sensors[&sensor]);
                row.rule_id = rules.get(&row.rule_id).copied().unwrap_or(row.rule_id);
                row.alert_id = row.subject().alert_id();
                row
            })
            .collect();
        let kpis = changes.kpis.iter().filter(|(row, diff)| there(diff) && row.production_line == self.line);
        let mut kpis: Vec<KpiRow> = kpis.map(|(row, _)| KpiRow { production_line: line, ..row.clone() }).collect();
        let causes = changes.root_causes.iter().filter(|(row, diff)| there(diff) && row.production_line == self.line);
        let mut root_causes: Vec<RootCauseRow> = causes
            .map(|(row, _)| RootCauseRow {
                production_line: line,
                sensor_id: sensors[&row.sensor_id],
                root_cause_id: RootCauseRow::id_of(line, row.effect, row.incident, row.edge_id),
                ..row.clone()
            })
            .collect();
        alerts.sort();
        kpis.sort();
        root_causes.sort();
        Consequences { alerts, kpis, root_causes }
    }
}

/// Makes of minutes what a plant would have sent.
struct Player<'a> {
    stage: &'a Stage,
    state: Option<MachineState>,
    setpoints: [Option<Micro>; PARAMETERS],
    inspection: Inspection,
}

impl Player<'_> {
    fn new(stage: &Stage) -> Player<'_> {
        let inspection = Inspection { next: (stage.index as u64) << 32, ..Inspection::default() };
        Player { stage, state: None, setpoints: [None; PARAMETERS], inspection }
    }

    fn play(&mut self, minute: &Minute, inputs: &mut Inputs) {
        let Stage { line, product, sensors, .. } = self.stage;
        let (line, product, at) = (*line, *product, minute.at);
        let mut say = |event| inputs.events.push(Revised { revision: 0, event });
        if self.state.replace(minute.machine) != Some(minute.machine) {
            let reason = "scenario".to_owned();
            say(Event::State(StateChange { line, at, state: minute.machine, product, reason }));
        }
        for (index, sensor) in sensors.iter().enumerate() {
            let Some((sensor, ..)) = sensor else { continue };
            let given = minute.setpoints[index].and_then(|value| Micro::from_f64(value).ok());
            if let Some(value) = given
                && self.setpoints[index].replace(value) != Some(value)
            {
                say(Event::Setpoint(Setpoint { sensor: *sensor, at, value }));
            }
            let Some(Ok(value)) = minute.values[index].map(|pane| Micro::from_f64(pane.mean)) else { continue };
            let at = at + SpanMs(MINUTE.0 / 2);
            inputs.readings.push(Reading { sensor: *sensor, at, revision: 0, value, status: Status::Ok });
        }
        self.inspection.minute(minute, line, product, &mut say);
    }
}

/// Whole units of expected counts. Defects come evenly, each of the type that is owed most: types of the same rate would
/// else come in one bunch, and a bunch is alerted.
#[derive(Default)]
struct Inspection {
    next: u64,
    units: f64,
    defects: f64,
    owed: [f64; DefectType::COUNT],
    /// Defects that no unit has yet.
    waiting: VecDeque<DefectType>,
}

impl Inspection {
    fn minute(&mut self, minute: &Minute, line: LineId, product: ProductId, say: &mut impl FnMut(Event)) {
        let whole = |sum: &mut f64, more: f64| {
            let before = sum.floor();
            *sum += more.max(0.0);
            (sum.floor() - before) as u64
        };
        for (owed, expected) in self.owed.iter_mut().zip(minute.defects) {
            *owed += expected.max(0.0);
        }
        for _ in 0..whole(&mut self.defects, minute.defects.iter().sum()) {
            let most = DefectType::ALL.into_iter().max_by(|a, b| {
                let owed = |defect: &DefectType| self.owed[*defect as usize];
                owed(a).total_cmp(&owed(b))
            });
            let defect = most.expect("there are types of defects");
            self.owed[defect as usize] -= 1.0;
            self.waiting.push_back(defect);
        }
        let units = whole(&mut self.units, minute.units);
        for ordinal in 0..units {
            let found = self.waiting.pop_front().map(|defect| Defect { defect, score: PerMille(1000), bounds: [0; 4] });
            let at = minute.at + SpanMs((2 * ordinal as i64 + 1) * MINUTE.0 / (2 * units as i64));
            let verdict = if found.is_some() { Verdict::Scrap } else { Verdict::Good };
            let (unit, defects) = (UnitId(self.next), found.into_iter().collect());
            say(Event::Unit(Unit { unit, line, at, product, verdict, defects }));
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fixture::Fixture;
    use crate::twin::Twins;
    use lehr_twin::{Setting, series};

    const LINE: LineId = LineId(0);
    const DAY: SpanMs = SpanMs::hours(24);

    fn setting(parameter: &str, value: f64) -> Setting {
        Setting { parameter: parameter.into(), value }
    }

    #[test]
    fn scenarios_beside_each_other_equal_runs_of_their_own_row_for_row() {
        let fixture = Fixture::run();
        let snapshot = fixture.app.runtime().snapshot();
        let state = Twins::default().state(&snapshot, LINE).unwrap();
        let asked = [
            vec![],
            vec![setting("furnace_temperature", 1620.0)],
            vec![setting("belt_speed", 190.0)],
            vec![setting("mold_temperature", 250.0), setting("cooling_rate", 8.0)],
        ];
        let scenarios: Vec<Vec<Minute>> = asked.iter().map(|settings| series(&state, settings, DAY).unwrap()).collect();
        let together = of_share(&snapshot, LINE, &scenarios);
        assert_eq!(consequences(&snapshot, LINE, &scenarios), together);
        for (minutes, found) in scenarios.iter().zip(&together) {
            let own = Stage::own(&snapshot, LINE);
            let changes = run(&snapshot, std::slice::from_ref(&own), std::slice::from_ref(minutes));
            assert_eq!(own.consequences(LINE, &changes), *found);
            assert!(found.kpis.len() > 24, "a day has hours, shifts and the day: {}", found.kpis.len());
        }
        let [calm, hot, fast, _] = &together[..] else { unreachable!() };
        let alerted = |found: &Consequences, name: &str| {
            let parameter = snapshot.names.parameter_id(name);
            found.alerts.iter().filter(|row| row.parameter_name == parameter).count()
        };
        assert_eq!(calm.alerts, [], "as things stand nothing is alerted");
        assert!(alerted(hot, "furnace_temperature") > 0 && alerted(calm, "furnace_temperature") == 0);
        assert!(!hot.root_causes.is_empty() && !fast.alerts.is_empty(), "{} {}", hot.alerts.len(), fast.alerts.len());
    }

    #[test]
    fn whole_units_and_defects_add_up_to_what_is_expected() {
        let mut minute = Minute::gap(lehr_domain::EventMs(0));
        (minute.units, minute.defects[0], minute.defects[3]) = (14.7, 0.31, 0.02);
        let (mut inspection, mut units) = (Inspection::default(), Vec::new());
        for n in 0..1000 {
            minute.at = lehr_domain::EventMs(n * MINUTE.0);
            inspection.minute(&minute, LINE, ProductId(0), &mut |event| {
                let Event::Unit(unit) = event else { panic!("{event:?}") };
                assert!(unit.at >= minute.at && unit.at < minute.at + MINUTE);
                units.push(unit);
            });
        }
        let of = |defect: DefectType| {
            units.iter().filter(|unit| unit.defects.iter().any(|found| found.defect == defect)).count() as f64
        };
        assert!((units.len() as f64 - 14_700.0).abs() <= 1.0, "{}", units.len());
        assert!((of(DefectType::ALL[0]) - 310.0).abs() <= 1.0 && (of(DefectType::ALL[3]) - 20.0).abs() <= 1.0);
        assert!(units.windows(2).all(|pair| pair[0].unit < pair[1].unit && pair[0].at < pair[1].at));
    }
}
