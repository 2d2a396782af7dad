//! What was told of a line, minute by minute.

use crate::sums::sums;
use lehr_domain::machine::MachineState;
use lehr_domain::unit::{DefectType, Unit, Verdict};
use lehr_domain::{EventMs, Micro, ProductId, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub const MINUTE: SpanMs = SpanMs::minutes(1);

/// A sensor's pane of a minute, of at least one good reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Value {
    pub mean: Micro,
    /// Greatest less least.
    pub range: Micro,
    /// Readings counted.
    pub n: i64,
}

sums! {
    /// What was inspected in a minute.
    pub struct Inspected {
        pub units: i64,
        pub good: i64,
        /// Units on which a defect was found, by [`DefectType`]: a unit with two cracks is one cracked unit.
        pub defects: [i64; DefectType::COUNT],
    }
}

impl Inspected {
    pub fn of_unit(unit: &Unit) -> Inspected {
        let good = i64::from(unit.verdict == Verdict::Good);
        let mut inspected = Inspected { units: 1, good, ..Inspected::default() };
        for defect in &unit.defects {
            inspected.defects[defect.defect as usize] = 1;
        }
        inspected
    }
}

/// A minute as a model is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMinute {
    /// Where it begins: a multiple of a minute.
    pub at: EventMs,
    /// By place.
    pub values: Vec<Option<Value>>,
    /// By place, where it was given in this minute: the last.
    pub setpoints: Vec<Option<Micro>>,
    /// What the line began to do in this minute, and the planned run time a unit of what it makes.
    pub state: Option<(MachineState, Option<SpanMs>)>,
    pub inspected: Inspected,
}

/// All that was told of a line and is not forgotten yet.
///
/// State: some 700 bytes a minute with values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chronicle {
    values: BTreeMap<EventMs, BTreeMap<u8, Value>>,
    inspected: BTreeMap<EventMs, Inspected>,
    setpoints: BTreeMap<EventMs, BTreeMap<u8, Micro>>,
    states: BTreeMap<EventMs, (MachineState, ProductId)>,
    planned: BTreeMap<ProductId, SpanMs>,
}

/// Sets or takes away at a place; maps that became empty go.
fn set_at<T>(map: &mut BTreeMap<EventMs, BTreeMap<u8, T>>, at: EventMs, place: u8, value: Option<T>) {
    match value {
        Some(value) => drop(map.entry(at).or_default().insert(place, value)),
        None => {
            let Some(row) = map.get_mut(&at) else { return };
            row.remove(&place);
            if row.is_empty() {
                map.remove(&at);
            }
        }
    }
}

/// Sets or takes away.
pub fn set<K: Ord, T>(map: &mut BTreeMap<K, T>, key: K, value: Option<T>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

impl Chronicle {
    pub fn is_empty(&self) -> bool {
        *self == Chronicle::default()
    }

    pub fn value(&mut self, at: EventMs, place: u8, value: Option<Value>) {
        set_at(&mut self.values, at, place, value);
    }

    pub fn inspected(&mut self, at: EventMs, inspected: Option<Inspected>) {
        set(&mut self.inspected, at, inspected);
    }

    /// `at`: from when on, to the millisecond.
    pub fn setpoint(&mut self, at: EventMs, place: u8, value: Option<Micro>) {
        set_at(&mut self.setpoints, at, place, value);
    }

    /// `at`: from when on, to the millisecond.
    pub fn state(&mut self, at: EventMs, state: Option<(MachineState, ProductId)>) {
        set(&mut self.states, at, state);
    }

    pub fn planned(&mut self, product: ProductId, run_time: Option<SpanMs>) {
        set(&mut self.planned, product, run_time);
    }

    /// Lets go of what was measured and counted before `at`. Set-points and states stay: they may still hold.
    pub fn forget(&mut self, before: EventMs) {
        self.values = self.values.split_off(&before);
        self.inspected = self.inspected.split_off(&before);
    }

    pub fn has_values(&self, at: EventMs) -> bool {
        self.values.contains_key(&at)
    }

    pub fn first_value(&self) -> Option<EventMs> {
        self.values.first_key_value().map(|(at, _)| *at)
    }

    /// The minutes from `from` to before `end` of which anything was told, in order.
    pub fn told(&self, from: EventMs, end: EventMs) -> BTreeSet<EventMs> {
        if from >= end {
            return BTreeSet::new();
        }
        let minute = |at: &EventMs| at.floor(MINUTE);
        let mut told: BTreeSet<EventMs> = self.values.range(from..end).map(|(at, _)| *at).collect();
        told.extend(self.inspected.range(from..end).map(|(at, _)| *at));
        told.extend(self.setpoints.range(from..end).map(|(at, _)| minute(at)));
        told.extend(self.states.range(from..end).map(|(at, _)| minute(at)));
        told
    }

    /// What was told in a minute.
    pub fn minute(&self, at: EventMs, places: usize) -> LineMinute {
        self.minute_since(at, at, places)
    }

    /// A minute with everything that holds at its end, whenever it was told.
    pub fn minute_in_full(&self, at: EventMs, places: usize) -> LineMinute {
        self.minute_since(EventMs::MIN, at, places)
    }

    fn minute_since(&self, since: EventMs, at: EventMs, places: usize) -> LineMinute {
        let end = at + MINUTE;
        let mut values = vec![None; places];
        for (place, value) in self.values.get(&at).into_iter().flatten() {
            values[usize::from(*place)] = Some(*value);
        }
        let mut setpoints = vec![None; places];
        for (place, value) in self.setpoints.range(since..end).flat_map(|(_, given)| given) {
            setpoints[usize::from(*place)] = Some(*value);
        }
        let state = self.states.range(since..end).next_back();
        LineMinute {
            at,
            values,
            setpoints,
            state: state.map(|(_, (state, product))| (*state, self.planned.get(product).copied())),
            inspected: self.inspected.get(&at).copied().unwrap_or_default(),
        }
    }

    /// The first minute that `other` tells otherwise; `None` when it tells the same.
    pub fn differs_from(&self, other: &Chronicle) -> Option<EventMs> {
        fn first<T: PartialEq>(one: &BTreeMap<EventMs, T>, other: &BTreeMap<EventMs, T>) -> Option<EventMs> {
            let (mut one, mut other) = (one.iter(), other.iter());
            loop {
                match (one.next(), other.next()) {
                    (None, None) => return None,
                    (a, b) if a == b => {}
                    (a, b) => return a.into_iter().chain(b).map(|(at, _)| *at).min(),
                }
            }
        }
        if self.planned != other.planned {
            return Some(EventMs::MIN);
        }
        let firsts = [
            first(&self.values, &other.values),
            first(&self.inspected, &other.inspected),
            first(&self.setpoints, &other.setpoints),
            first(&self.states, &other.states),
        ];
        firsts.into_iter().flatten().min().map(|at| at.floor(MINUTE))
    }
}
