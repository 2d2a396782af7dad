//! The twins: every minute that was ever told of a line, stepped through from the first on, at every tick.

use super::base::Base;
use crate::tables::Tables;
use crate::toy::{PLACES, Toy};
use lehr_dataflows::base::Retention;
use lehr_dataflows::tables::*;
use lehr_dataflows::twin::{
    About, Begin, Following, HORIZONS, Inspected, LineMinute, LineModel, Place, Stretch, Value,
};
use lehr_domain::finding::FindingKind;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::unit::Verdict;
use lehr_domain::{Event, EventMs, Inputs, LineId, Micro, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;

pub struct Twins {
    retention: Retention,
    edge: EventMs,
    lines: BTreeMap<LineId, PutBy>,
    panes_before: BTreeSet<PaneRow>,
}

/// What is not looked at again.
struct PutBy {
    before: EventMs,
    places: Vec<Option<Place>>,
    minutes: Vec<LineMinute>,
    /// Of what was found in these, what began before this is not remembered.
    remembers: EventMs,
}

/// Findings are remembered that are less than this apart from one another and from the edge, the newest so many.
const REMEMBERED_WITHIN: i64 = 24 * 60 * MINUTE;
const REMEMBERED_MOST: usize = 64;

/// The first multiple of the step that is not before the minutes that leave.
pub fn edge(low_water: EventMs, retention: Retention) -> EventMs {
    let keeps = retention.panes.0.min(retention.events.0);
    let left = low_water.0.max(0).saturating_sub(keeps).max(0);
    let step = (keeps / 8).clamp(MINUTE, 1440 * MINUTE) / MINUTE * MINUTE;
    EventMs((left + step - 1) / step * step)
}

impl Twins {
    pub fn new(retention: Retention) -> Twins {
        Twins { retention, edge: EventMs::MIN, lines: BTreeMap::new(), panes_before: BTreeSet::new() }
    }

    pub fn tables(&mut self, base: &Base, clocks: &BTreeMap<LineId, EventMs>, inputs: &Inputs, tables: &mut Tables) {
        let edge_before = self.edge;
        self.edge = self.edge.max(edge(inputs.low_water, self.retention));
        for line in base.lines() {
            let places = places(base, line);
            if places.iter().all(Option::is_none) {
                self.lines.remove(&line);
                continue;
            }
            let mut panes: Vec<&PaneRow> = tables.panes.iter().collect();
            match self.lines.get(&line).filter(|put_by| put_by.places == places) {
                // What leaves in this tick is seen for the last time, as it was.
                Some(_) => panes.extend(self.panes_before.iter().filter(|old| {
                    let there = |pane: &&PaneRow| (pane.sensor_id, pane.start) == (old.sensor_id, old.start);
                    old.start < self.edge && !tables.panes.iter().any(|pane| there(&pane))
                })),
                None => {
                    let (before, minutes) = (edge_before, Vec::new());
                    let begin = PutBy { before, places: places.clone(), minutes, remembers: EventMs::MIN };
                    self.lines.insert(line, begin);
                }
            }
            let put_by = self.lines.get_mut(&line).expect("it was put there");
            let end = clocks.get(&line).map_or(i64::MIN, |clock| clock.0.div_euclid(MINUTE) * MINUTE - MINUTE);
            let told = Told { base, line, places: &places, panes: &panes, states: &tables.machine_states };
            let all = told.minutes(put_by, end);
            let edge = self.edge;
            let (gone, _): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|minute| minute.at < edge);
            if put_by.before < edge {
                put_by.remembers = remembers(&stepped(&places, &gone).1, put_by.remembers, edge);
                (put_by.before, put_by.minutes) = (edge, gone);
            }
            show(base, line, &places, &all, put_by, tables);
        }
        self.panes_before = tables.panes.clone();
    }
}

/// Of several sensors for the same the first.
pub fn places(base: &Base, line: LineId) -> Vec<Option<Place>> {
    let names: BTreeMap<_, _> = base
        .rows()
        .filter_map(|row| if let Event::Parameter(id, name) = row { Some((*id, name)) } else { None })
        .collect();
    let mut places = vec![None; PLACES];
    for (sensor, def) in base.sensors().into_iter().rev().filter(|(_, def)| def.line == line) {
        if let Some(place) = names.get(&def.parameter).and_then(|name| Toy.place(name)) {
            let about = About { target: def.target, sigma: def.sigma };
            places[usize::from(place)] = Some(Place { sensor, about });
        }
    }
    places
}

struct Told<'a> {
    base: &'a Base,
    line: LineId,
    places: &'a [Option<Place>],
    panes: &'a [&'a PaneRow],
    states: &'a BTreeSet<MachineStateRow>,
}

impl Told<'_> {
    fn place(&self, sensor: SensorId) -> Option<usize> {
        self.places.iter().position(|place| place.is_some_and(|place| place.sensor == sensor))
    }

    /// Those that were put by, and all later ones that are closed and of which anything was told.
    fn minutes(&self, put_by: &PutBy, end: i64) -> Vec<LineMinute> {
        let floor = |at: EventMs| at.0.div_euclid(MINUTE) * MINUTE;
        let mut starts: BTreeSet<i64> = BTreeSet::new();
        starts.extend(
            self.panes
                .iter()
                .filter(|pane| self.place(pane.sensor_id).is_some() && pane.moments.n > 0)
                .map(|pane| floor(pane.start)),
        );
        starts.extend(self.base.units().iter().filter(|unit| unit.line == self.line).map(|unit| floor(unit.at)));
        starts.extend(
            self.base.setpoints().iter().filter(|row| self.place(row.sensor).is_some()).map(|row| floor(row.at)),
        );
        starts.extend(self.states.iter().filter(|row| row.production_line == self.line).map(|row| floor(row.start)));
        let mut minutes = put_by.minutes.clone();
        for at in starts.into_iter().filter(|at| *at >= put_by.before.0 && *at < end) {
            let first = minutes.is_empty();
            let minute = self.minute(at, if first { i64::MIN } else { at });
            if !first || minute.values.iter().any(Option::is_some) {
                minutes.push(minute);
            }
        }
        minutes
    }

    /// A minute, with set-points and states that were told since `since`.
    fn minute(&self, at: i64, since: i64) -> LineMinute {
        let within = |time: EventMs| time.0 >= since && time.0 < at + MINUTE;
        let mut minute = LineMinute {
            at: EventMs(at),
            values: vec![None; PLACES],
            setpoints: vec![None; PLACES],
            state: None,
            inspected: Inspected::default(),
        };
        for pane in self.panes.iter().filter(|pane| pane.start.0 == at) {
            if let Some(place) = self.place(pane.sensor_id) {
                let moments = &pane.moments;
                minute.values[place] = moments.mean().map(|mean| Value {
                    mean,
                    range: Micro(moments.max.0 - moments.min.0),
                    n: moments.n,
                });
            }
        }
        let mut setpoints: Vec<_> = self.base.setpoints().into_iter().filter(|row| within(row.at)).collect();
        setpoints.sort_by_key(|row| row.at);
        for row in setpoints {
            if let Some(place) = self.place(row.sensor) {
                minute.setpoints[place] = Some(row.value);
            }
        }
        let own = self.states.iter().filter(|row| row.production_line == self.line && within(row.start));
        let products = self.base.products();
        minute.state = own
            .max_by_key(|row| row.start)
            .map(|row| (row.state, products.get(&row.product).map(|def| def.planned_run_time)));
        for unit in self
            .base
            .units()
            .iter()
            .filter(|unit| unit.line == self.line && unit.at.0.div_euclid(MINUTE) * MINUTE == at)
        {
            minute.inspected.units += 1;
            minute.inspected.good += i64::from(unit.verdict == Verdict::Good);
            for defect in unit.defects.iter().map(|found| found.defect as usize).collect::<BTreeSet<_>>() {
                minute.inspected.defects[defect] += 1;
            }
        }
        minute
    }
}

/// The toy after each of some minutes.
fn stepped(places: &[Option<Place>], minutes: &[LineMinute]) -> (Option<Box<dyn Following>>, Vec<Stretch>) {
    let about: Vec<Option<About>> = places.iter().map(|place| place.map(|place| place.about)).collect();
    let mut line: Option<Box<dyn Following>> = None;
    let mut stretches: Vec<Stretch> = Vec::new();
    for minute in minutes {
        let line = line.get_or_insert_with(|| Toy.begin(&about));
        line.step(minute);
        let Some(found) = line.finding() else { continue };
        let goes_on = stretches.last_mut().filter(|last| {
            let same = (last.kind, &last.equipment) == (found.kind, &found.equipment);
            last.end == minute.at && same && (found.kind == FindingKind::Equipment || last.place == found.place)
        });
        let end = minute.at + SpanMs(MINUTE);
        match goes_on {
            Some(last) => {
                last.end = end;
                if (found.strength, found.confidence) > (last.strength, last.confidence) {
                    (last.strength, last.confidence) = (found.strength, found.confidence);
                }
            }
            None => stretches.push(Stretch {
                start: minute.at,
                end,
                kind: found.kind,
                equipment: found.equipment,
                place: found.place,
                strength: found.strength,
                confidence: found.confidence,
            }),
        }
    }
    (line, stretches)
}

/// From when on what was found before the edge is still remembered.
fn remembers(found: &[Stretch], before: EventMs, edge: EventMs) -> EventMs {
    let (mut from, mut count) = (edge, 0);
    for stretch in found.iter().rev().filter(|stretch| stretch.start >= before) {
        if from.0 - stretch.end.0 >= REMEMBERED_WITHIN || count == REMEMBERED_MOST {
            break;
        }
        (from, count) = (stretch.start, count + 1);
    }
    from
}

fn show(
    base: &Base,
    line: LineId,
    places: &[Option<Place>],
    minutes: &[LineMinute],
    put_by: &PutBy,
    tables: &mut Tables,
) {
    let next = |minutes: &[LineMinute]| minutes.last().map(|last| last.at + SpanMs(MINUTE));
    if put_by.before > EventMs(0) {
        let (state, mut findings) = stepped(places, &put_by.minutes);
        findings.retain(|stretch| stretch.start >= put_by.remembers);
        let folded = next(&put_by.minutes).zip(state.map(|state| state.state()));
        let begin = Begin { before: put_by.before, places: places.to_vec(), folded, findings };
        tables.twin_states.insert(TwinStateRow { production_line: line, begin });
    }
    let (followed, mut stretches) = stepped(places, minutes);
    stretches.retain(|stretch| stretch.start >= put_by.remembers);
    let (Some(followed), Some(horizon)) = (followed, next(minutes)) else { return };
    let sensor = |place: usize| places[place].map(|place| place.sensor);
    tables.twin_findings.extend(stretches.iter().map(|stretch| TwinFindingRow {
        production_line: line,
        start: stretch.start,
        end: if stretch.end == horizon { None } else { Some(stretch.end) },
        kind: stretch.kind,
        equipment: stretch.equipment.clone(),
        sensor_id: sensor(stretch.place.into()),
        strength: stretch.strength,
        confidence: stretch.confidence,
    }));
    for (rule_id, rule) in base.rules() {
        if let Rule { enabled: true, subject: Subject::EveryLine, check: Check::Twin { kind }, .. } = rule {
            let own: Vec<&Stretch> = stretches.iter().filter(|stretch| stretch.kind == *kind).collect();
            let found = held(&own, rule, horizon);
            tables.conditions.extend(found.into_iter().map(|held| ConditionRow {
                rule_id,
                production_line: line,
                sensor_id: sensor(held.place.into()),
                ..held.row
            }));
        }
    }
    let outlook = followed.outlook().into_iter().enumerate();
    tables.twin.extend(outlook.filter_map(|(place, outlook)| {
        let (sensor_id, outlook) = (sensor(place)?, outlook?);
        Some(TwinRow {
            sensor_id,
            at: horizon,
            believed: outlook.now.mean,
            believed_sd: outlook.now.sd,
            in_1_min: outlook.ahead[0].mean,
            in_1_min_sd: outlook.ahead[0].sd,
            in_15_min: outlook.ahead[1].mean,
            in_15_min_sd: outlook.ahead[1].sd,
            in_60_min: outlook.ahead[2].mean,
            in_60_min_sd: outlook.ahead[2].sd,
        })
    }));
    for (place, scores) in followed.scores().into_iter().enumerate() {
        for (score, horizon_s) in scores.into_iter().zip(HORIZONS) {
            if let (Some(sensor_id), Some(score)) = (sensor(place), score) {
                tables.twin_scores.insert(TwinScoreRow {
                    sensor_id,
                    horizon_s,
                    n: score.n,
                    rmse: score.rmse,
                    rmse_persistence: score.rmse_persistence,
                    bias: score.bias,
                    coverage: score.coverage,
                });
            }
        }
    }
}

struct Held {
    place: u8,
    row: ConditionRow,
}

/// The textbook state machine over minutes, for one thing found after the other.
fn held(own: &[&Stretch], rule: &Rule, horizon: EventMs) -> Vec<Held> {
    let identity =
        |one: &Stretch| (one.equipment.clone(), if one.kind == FindingKind::Equipment { 0 } else { one.place });
    let mut rows = Vec::new();
    for of in own.iter().map(|one| identity(one)).collect::<BTreeSet<_>>() {
        let same: Vec<&&Stretch> = own.iter().filter(|one| identity(one) == of).collect();
        let (on, off) = (i64::from(rule.on_delay.max(1)), i64::from(rule.off_delay.max(1)));
        let mut run: Option<Held> = None;
        let mut last = EventMs::MIN;
        let counts = |run: &Held| run.row.panes >= on;
        for stretch in same {
            if let Some(before) = run.take() {
                let clear = (stretch.start.0 - last.0) / MINUTE;
                match (counts(&before), clear) {
                    (_, 0) => run = Some(before),
                    (true, clear) if clear < off => run = Some(before),
                    (true, _) => rows.push(Held { row: ConditionRow { end: Some(last), ..before.row }, ..before }),
                    (false, _) => {}
                }
            }
            let fresh = ConditionRow {
                rule_id: lehr_domain::RuleId(0),
                production_line: LineId(0),
                sensor_id: None,
                start: stretch.start,
                end: None,
                panes: 0,
                peak: stretch.strength,
                limit: Micro(0),
            };
            let run = run.get_or_insert(Held { place: stretch.place, row: fresh });
            run.row.panes += (stretch.end.0 - stretch.start.0) / MINUTE;
            run.row.peak = run.row.peak.max(stretch.strength);
            last = stretch.end;
        }
        let over = (horizon.0.saturating_sub(last.0)) / MINUTE >= off;
        rows.extend(
            run.filter(|run| counts(run))
                .map(|run| Held { row: ConditionRow { end: over.then_some(last), ..run.row }, ..run }),
        );
    }
    rows
}
