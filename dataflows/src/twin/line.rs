//! One line's state: what was told of it, what the model makes of that, and how a tick's changes reach both.

use super::chronicle::{Chronicle, MINUTE, Value, set};
use super::findings::held;
use super::fold::{Begin, Fold, Place};
use super::model::{HORIZONS, LineModel};
use super::{Fact, Said, Watching};
use crate::Diff;
use crate::operators::KeyState;
use crate::tables::{ConditionRow, TwinFindingRow, TwinRow, TwinScoreRow, TwinStateRow};
use lehr_domain::{EventMs, LineId, Micro, RuleId};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Line {
    places: BTreeMap<u8, Place>,
    rules: BTreeMap<RuleId, Watching>,
    clock: Option<EventMs>,
    /// Minutes before this are not looked at; nothing is folded before it is known.
    edge: Option<EventMs>,
    /// What was remembered before a restart, until the edge is known.
    remembered: Option<Begin>,
    chronicle: Chronicle,
    fold: Option<Fold>,
    shown: BTreeSet<Said>,
    shown_begin: Option<Begin>,
}

impl KeyState for Line {
    fn is_idle(&self) -> bool {
        let told = self.chronicle.is_empty() && self.places.is_empty() && self.rules.is_empty();
        told && self.clock.is_none() && self.edge.is_none()
    }
}

/// What a tick's changes touch.
struct Touched {
    /// The first minute that is told otherwise.
    from: EventMs,
    places: bool,
    rules: bool,
    /// Measured values that went without another in their stead.
    gone: Vec<(EventMs, u8)>,
}

impl Line {
    pub fn step(&mut self, line: LineId, model: &dyn LineModel, changes: &[(Fact, Diff)], out: &mut Vec<(Said, Diff)>) {
        let edge_before = self.edge;
        let touched = self.take(changes);
        let Some(edge) = self.edge else { return };
        let mut from = touched.from;
        for (at, place) in &touched.gone {
            // Minutes of which panes leave by retention are put by in the same tick, with the values that they had.
            if touched.places || *at >= edge {
                self.chronicle.value(*at, *place, None);
                from = from.min(*at);
            }
        }
        let folded = match self.places.is_empty() {
            true => self.fold.take().is_some(),
            false => self.follow(model, from, edge_before, edge),
        };
        // Most ticks tell of a minute that is still open: nothing was folded, and what is shown stands.
        if folded || edge_before != self.edge || touched.places || touched.rules {
            self.show(line, out);
        }
    }

    /// Takes up what a tick changed.
    fn take(&mut self, changes: &[(Fact, Diff)]) -> Touched {
        let mut touched = Touched { from: EventMs::MAX, places: false, rules: false, gone: Vec::new() };
        let begin = self.fold.as_ref().map(Fold::begin);
        let before = begin.map_or(EventMs::MIN, |begin| begin.before);
        // What held before is told with the first minute of a line, and never again.
        let fresh = begin.is_none_or(|begin| begin.folded.is_none());
        let holds_from = |at: EventMs| if at >= before || fresh { at.floor(MINUTE).max(before) } else { EventMs::MAX };
        let told_at = |at: EventMs| if at >= before { at } else { EventMs::MAX };
        let mut values: BTreeMap<(EventMs, u8), Option<Value>> = BTreeMap::new();
        // Retractions first, so that what is gone does not take its successor along.
        let gone = changes.iter().filter(|(_, diff)| *diff < 0);
        let new = changes.iter().filter(|(_, diff)| *diff > 0);
        for (fact, diff) in gone.chain(new) {
            let there = *diff > 0;
            match fact {
                Fact::Place(place, of) => {
                    touched.places = true;
                    set(&mut self.places, *place, there.then_some(*of));
                }
                Fact::Rule(rule, watching) => {
                    touched.rules = true;
                    set(&mut self.rules, *rule, there.then_some(*watching));
                }
                Fact::Clock(at) => self.clock = there.then_some(*at),
                Fact::Edge(at) => self.edge = self.edge.max(there.then_some(*at)),
                Fact::Remembered(begin) => self.remembered = Some(begin.clone()),
                Fact::Value(at, place, value) => drop(values.insert((*at, *place), there.then_some(*value))),
                Fact::Inspected(at, inspected) => {
                    touched.from = touched.from.min(told_at(*at));
                    self.chronicle.inspected(*at, there.then_some(*inspected));
                }
                Fact::Setpoint(at, place, value) => {
                    touched.from = touched.from.min(holds_from(*at));
                    self.chronicle.setpoint(*at, *place, there.then_some(*value));
                }
                Fact::State(at, state, product) => {
                    touched.from = touched.from.min(holds_from(*at));
                    self.chronicle.state(*at, there.then_some((*state, *product)));
                }
                Fact::Planned(product, run_time) => {
                    touched.from = before;
                    self.chronicle.planned(*product, there.then_some(*run_time));
                }
            }
        }
        for ((at, place), value) in values {
            match value {
                Some(_) => {
                    touched.from = touched.from.min(told_at(at));
                    self.chronicle.value(at, place, value);
                }
                None => touched.gone.push((at, place)),
            }
        }
        touched
    }

    /// Folds what was told otherwise since `from`, and what is new. Whether anything was.
    fn follow(&mut self, model: &dyn LineModel, from: EventMs, edge_before: Option<EventMs>, edge: EventMs) -> bool {
        let places: Vec<Option<Place>> =
            (0..model.places()).map(|place| self.places.get(&(place as u8)).copied()).collect();
        let known = self.fold.take().filter(|fold| fold.begin().places == places);
        let mut fold = known.unwrap_or_else(|| {
            let remembered = self.remembered.take().filter(|begin| begin.places == places);
            // A line that is measured otherwise than it was, or of which nothing was known, begins anew.
            let before = edge_before.unwrap_or(EventMs::MIN);
            let mut begin = remembered.unwrap_or(Begin { before, places, ..Begin::default() });
            // So does one whose state is of another version of the model.
            begin.folded = begin.folded.filter(|(_, state)| model.resume(state).is_some());
            Fold::new(begin)
        });
        let before = fold.begin().before;
        self.chronicle.forget(before);
        let end = self.clock.map_or(EventMs::MIN, |clock| clock.floor(MINUTE) - MINUTE);
        let forgot = fold.truncate(from.min(end).max(before));
        let went_on = fold.advance(model, &self.chronicle, end);
        fold.put_by(model, &self.chronicle, edge);
        self.chronicle.forget(fold.begin().before);
        self.fold = Some(fold);
        forgot || went_on
    }

    fn show(&mut self, line: LineId, out: &mut Vec<(Said, Diff)>) {
        let rows = self.rows(line);
        out.extend(self.shown.difference(&rows).map(|row| (row.clone(), -1)));
        out.extend(rows.difference(&self.shown).map(|row| (row.clone(), 1)));
        self.shown = rows;
        let begin = self.fold.as_ref().map(Fold::begin).filter(|begin| begin.before > EventMs(0));
        if self.shown_begin.as_ref() != begin {
            let row = |begin: &Begin| Said::State(TwinStateRow { production_line: line, begin: begin.clone() });
            out.extend(self.shown_begin.iter().map(|begin| (row(begin), -1)));
            out.extend(begin.map(|begin| (row(begin), 1)));
            self.shown_begin = begin.cloned();
        }
    }

    fn rows(&self, line: LineId) -> BTreeSet<Said> {
        let mut rows = BTreeSet::new();
        let Some(fold) = &self.fold else { return rows };
        let sensor = |place: u8| self.places.get(&place).map(|place| place.sensor);
        let horizon = fold.latest().map_or(EventMs::MIN, |latest| latest.next);
        let stretches = fold.stretches();
        for stretch in &stretches {
            rows.insert(Said::Finding(TwinFindingRow {
                production_line: line,
                start: stretch.start,
                end: (stretch.end < horizon).then_some(stretch.end),
                kind: stretch.kind,
                equipment: stretch.equipment.clone(),
                sensor_id: sensor(stretch.place),
                strength: stretch.strength,
                confidence: stretch.confidence,
            }));
        }
        for (rule, watching) in &self.rules {
            let delays = (watching.on_delay, watching.off_delay);
            rows.extend(held(&stretches, watching.kind, delays, horizon).into_iter().map(|held| {
                Said::Condition(ConditionRow {
                    rule_id: *rule,
                    production_line: line,
                    sensor_id: sensor(held.place),
                    start: held.start,
                    end: held.end,
                    panes: held.held.0 / MINUTE.0,
                    peak: held.peak,
                    limit: Micro(0),
                })
            }));
        }
        let Some(latest) = fold.latest() else { return rows };
        let outlook = latest.line.outlook().into_iter().zip(0_u8..);
        rows.extend(outlook.filter_map(|(outlook, place)| {
            let (outlook, sensor_id) = (outlook?, sensor(place)?);
            let [in_1, in_15, in_60] = outlook.ahead;
            Some(Said::Value(TwinRow {
                sensor_id,
                at: latest.next,
                believed: outlook.now.mean,
                believed_sd: outlook.now.sd,
                in_1_min: in_1.mean,
                in_1_min_sd: in_1.sd,
                in_15_min: in_15.mean,
                in_15_min_sd: in_15.sd,
                in_60_min: in_60.mean,
                in_60_min_sd: in_60.sd,
            }))
        }));
        for (scores, place) in latest.line.scores().into_iter().zip(0_u8..) {
            let Some(sensor_id) = sensor(place) else { continue };
            for (score, horizon) in scores.into_iter().zip(HORIZONS) {
                rows.extend(score.map(|score| {
                    Said::Score(TwinScoreRow {
                        sensor_id,
                        horizon_s: horizon,
                        n: score.n,
                        rmse: score.rmse,
                        rmse_persistence: score.rmse_persistence,
                        bias: score.bias,
                        coverage: score.coverage,
                    })
                }));
            }
        }
        rows
    }
}
