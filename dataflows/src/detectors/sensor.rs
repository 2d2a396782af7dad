//! One sensor's state: what it has seen and what each rule shows, and how a tick's changes reach them.

use super::closed::Closed;
use super::departure::Departures;
use super::seen::Seen;
use super::watched::{Touched, Watched};
use super::{Carried, Def, Found, Pane, Row, Watch};
use crate::Diff;
use crate::operators::KeyState;
use crate::runs::Phase;
use lehr_domain::{EventMs, Micro, RuleId, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Sensor {
    seen: Seen,
    watched: BTreeMap<RuleId, Watched>,
    departures: Departures,
    /// Where rules stood after the last pane that left, as shown.
    carried: BTreeMap<RuleId, (EventMs, Phase)>,
    closed: Closed,
}

impl KeyState for Sensor {
    fn is_idle(&self) -> bool {
        self.seen.is_empty() && self.watched.is_empty() && self.departures.is_empty() && self.closed.is_empty()
    }
}

/// A tick's changes, by what they change. `None`: gone.
#[derive(Default)]
struct News {
    def: Option<Option<Def>>,
    clock: Option<Option<EventMs>>,
    watches: BTreeMap<RuleId, Option<Watch>>,
    setpoints: BTreeMap<EventMs, Option<Micro>>,
    panes: BTreeMap<EventMs, Option<Pane>>,
    /// After a restart, once.
    carried: Vec<Carried>,
}

impl News {
    fn of(changes: &[(Row, Diff)]) -> News {
        let mut news = News::default();
        for (row, _) in changes.iter().filter(|(_, diff)| *diff < 0) {
            match row {
                Row::Def(_) => news.def = Some(None),
                Row::Clock(_) => news.clock = Some(None),
                Row::Watch(watch) => {
                    news.watches.insert(watch.rule, None);
                }
                Row::Setpoint(at, _) => {
                    news.setpoints.insert(*at, None);
                }
                Row::Pane(pane) => {
                    news.panes.insert(pane.start, None);
                }
                Row::Carried(_) | Row::Modelled(..) => {}
            }
        }
        for (row, _) in changes.iter().filter(|(_, diff)| *diff > 0) {
            match row {
                Row::Def(def) => news.def = Some(Some(*def)),
                Row::Clock(clock) => news.clock = Some(Some(*clock)),
                Row::Watch(watch) => {
                    news.watches.insert(watch.rule, Some(*watch));
                }
                Row::Setpoint(at, value) => {
                    news.setpoints.insert(*at, Some(*value));
                }
                Row::Pane(pane) => {
                    news.panes.insert(pane.start, Some(*pane));
                }
                Row::Carried(carried) => news.carried.push(carried.clone()),
                Row::Modelled(..) => {}
            }
        }
        news
    }
}

impl Sensor {
    pub fn step(&mut self, sensor: SensorId, width: SpanMs, changes: &[(Row, Diff)], out: &mut Vec<(Found, Diff)>) {
        let news = News::of(changes);
        let anew = self.closed.retract(&self.seen, changes, out);
        if let Some(def) = news.def {
            self.watched.values_mut().for_each(|watched| watched.clear(sensor, self.seen.def, out));
            self.seen.def = def;
        }
        let departed_before = self.seen.departed;
        news.carried.iter().for_each(|carried| self.seen.resume(carried));
        let fresh = self.change_rules(sensor, width, &news, out);
        self.resume(sensor, &news.carried, out);
        let touched = self.change_rows(sensor, width, &news, out);
        self.closed.assert(&self.seen, changes, anew, out);
        if let Some(def) = self.seen.def {
            for (rule, watched) in &mut self.watched {
                let touched = if fresh.contains(rule) { &Touched::ALL } else { &touched };
                watched.restate(sensor, def.line, &self.seen, touched, out);
            }
        }
        let touched = if news.def.is_some() { &Touched::ALL } else { &touched };
        for span in touched.spans(&self.seen, 1, true) {
            self.departures
                .restate(&self.seen, sensor, span, width, &mut |row, diff| out.push((Found::Deviating(row), diff)));
        }
        if self.seen.departed != departed_before {
            self.forget(sensor, out);
        }
        if !self.carried.is_empty() || self.seen.departed != departed_before {
            self.carry(sensor, out);
        }
    }

    /// Takes up where rules stood before a restart.
    fn resume(&mut self, sensor: SensorId, carried: &[Carried], out: &mut Vec<(Found, Diff)>) {
        for row in carried {
            if let (Carried::Rule(rule, at, phase), Some(def)) = (row, self.seen.def)
                && let Some(watched) = self.watched.get_mut(rule)
            {
                watched.resume(sensor, def.line, (*at, *phase), out);
            } else if !matches!(row, Carried::Rule(..)) {
                out.push((Found::Carried(sensor, row.clone()), 1));
            }
        }
    }

    /// Shows where rules stood after the last pane that left, when that changed.
    fn carry(&mut self, sensor: SensorId, out: &mut Vec<(Found, Diff)>) {
        let Some(departed) = self.seen.departed else { return };
        let carried: BTreeMap<RuleId, (EventMs, Phase)> =
            self.watched.iter().filter_map(|(rule, watched)| Some((*rule, watched.carried(departed)?))).collect();
        if carried == self.carried {
            return;
        }
        let mut show = |rows: &BTreeMap<RuleId, (EventMs, Phase)>, diff: Diff| {
            let rows = rows.iter().map(|(rule, (at, phase))| Carried::Rule(*rule, *at, *phase));
            out.extend(rows.map(|row| (Found::Carried(sensor, row), diff)));
        };
        show(&self.carried, -1);
        show(&carried, 1);
        self.carried = carried;
    }

    /// Takes up changed rules; returns those that have judged nothing yet.
    fn change_rules(
        &mut self,
        sensor: SensorId,
        width: SpanMs,
        news: &News,
        out: &mut Vec<(Found, Diff)>,
    ) -> BTreeSet<RuleId> {
        for (rule, watch) in &news.watches {
            if let Some(mut old) = self.watched.remove(rule) {
                old.clear(sensor, self.seen.def, out);
            }
            if let Some(watch) = watch {
                self.watched.insert(*rule, Watched::new(*watch, width));
            }
        }
        if news.def.is_some() { self.watched.keys().copied().collect() } else { news.watches.keys().copied().collect() }
    }

    /// Takes up changed panes, set-points and the clock.
    fn change_rows(&mut self, sensor: SensorId, width: SpanMs, news: &News, out: &mut Vec<(Found, Diff)>) -> Touched {
        let before = self.seen.departed;
        self.seen.change_panes(&news.panes, &mut |row, diff| out.push((Found::Carried(sensor, row), diff)));
        let left = |start: &EventMs| self.seen.departed != before && Some(*start) <= self.seen.departed;
        let panes: BTreeSet<EventMs> = news.panes.keys().copied().filter(|start| !left(start)).collect();
        for (at, value) in &news.setpoints {
            match value {
                Some(value) => {
                    self.seen.setpoints.insert(*at, *value);
                }
                None => {
                    self.seen.setpoints.remove(at);
                }
            }
        }
        // A set-point matters from the pane in which it changes: that one is settling already.
        let mut normal_from = news.setpoints.keys().next().map(|at| *at - width);
        if panes.first().is_some_and(|earliest| self.seen.estimate(*earliest)) {
            normal_from = Some(EventMs::MIN);
        }
        if let Some(clock) = news.clock {
            self.seen.clock = clock;
        }
        let normal_from = normal_from.map(|from| from.max(self.seen.live_from()));
        Touched { all: false, panes, normal_from, clock: news.clock.is_some() }
    }

    /// Lets go of what left by retention.
    fn forget(&mut self, sensor: SensorId, out: &mut Vec<(Found, Diff)>) {
        let Some(departed) = self.seen.departed else { return };
        self.departures.forget(departed, &mut |row, diff| out.push((Found::Deviating(row), diff)));
        if let Some(def) = self.seen.def {
            for watched in self.watched.values_mut() {
                watched.forget(sensor, def.line, departed, out);
            }
        }
        self.seen.prune(&mut |row, diff| out.push((Found::Carried(sensor, row), diff)));
    }
}
