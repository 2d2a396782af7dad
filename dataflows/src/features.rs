//! Windowed statistics: 1 min, 15 min and 2 h of event time, tumbling, aligned at the epoch.
//!
//! A window is the merge of its panes in order of time, and the 2 h window the merge of its 15 min windows:
//! a changed pane (the open one changes every tick) costs at most fifteen merges of panes and eight of
//! windows. A pane belongs to the window in which it starts; windows shorter than a pane do not exist. A
//! pane without a good reading contributes nothing. State: the panes of each 2 h window, until they leave. Panes of
//! one minute are their own 1 min windows.
//!
//! As panes leave by retention, the windows that held them shrink and then vanish; who keeps features takes
//! them before that.

use crate::operators::{KeyState, per_key};
use crate::tables::{FeatureRow, PaneRow};
use crate::{Diff, Rows};
use lehr_domain::moments::Moments;
use lehr_domain::{EventMs, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

const SHORT: SpanMs = SpanMs::minutes(1);
const MEDIUM: SpanMs = SpanMs::minutes(15);
const LONG: SpanMs = SpanMs::hours(2);

#[derive(Clone, Copy, PartialEq)]
struct Window {
    panes: i64,
    moments: Moments,
}

impl Window {
    /// The merge of `parts`, which come in order of time; `None` when there are none.
    fn merge<'a>(start: EventMs, parts: impl Iterator<Item = &'a Window>) -> Option<Window> {
        let mut whole = Window { panes: 0, moments: Moments::starting(start) };
        for part in parts {
            whole.panes += part.panes;
            whole.moments.merge(&part.moments);
        }
        (whole.panes > 0).then_some(whole)
    }
}

/// One sensor's panes and windows within one 2 h window.
#[derive(Default)]
struct Tree {
    panes: BTreeMap<EventMs, Window>,
    short: BTreeMap<EventMs, Window>,
    medium: BTreeMap<EventMs, Window>,
    long: BTreeMap<EventMs, Window>,
}

impl KeyState for Tree {
    fn is_idle(&self) -> bool {
        self.panes.is_empty()
    }
}

pub fn features<'s>(panes: Rows<'s, PaneRow>, pane_width: SpanMs) -> Rows<'s, FeatureRow> {
    let good = panes.flat_map(|pane| {
        let key = (pane.sensor_id, pane.start.floor(LONG));
        (pane.moments.n > 0).then_some((key, (pane.start, pane.moments)))
    });
    per_key(good, "features", move |key: &(SensorId, EventMs), tree: &mut Tree, changes, out| {
        tree.step(pane_width, changes, &mut |length, start, window: Window, diff| {
            let Window { panes, moments } = window;
            out.push((FeatureRow { sensor_id: key.0, window_s: length, start, panes, moments }, diff));
        });
    })
}

impl Tree {
    fn step(
        &mut self,
        pane_width: SpanMs,
        changes: &[((EventMs, Moments), Diff)],
        show: &mut impl FnMut(SpanMs, EventMs, Window, Diff),
    ) {
        for ((start, _), _) in changes.iter().filter(|(_, diff)| *diff < 0) {
            self.panes.remove(start);
        }
        for ((start, moments), _) in changes.iter().filter(|(_, diff)| *diff > 0) {
            self.panes.insert(*start, Window { panes: 1, moments: *moments });
        }
        let changed: BTreeSet<EventMs> = changes.iter().map(|((start, _), _)| *start).collect();
        if pane_width == SHORT {
            // The panes themselves: nothing to be merged, and nothing to be kept.
            for ((start, moments), diff) in changes {
                show(SHORT, *start, Window { panes: 1, moments: *moments }, *diff);
            }
        } else if pane_width < SHORT {
            refresh(SHORT, &changed, &self.panes, &mut self.short, show);
        }
        if pane_width <= MEDIUM {
            refresh(MEDIUM, &changed, &self.panes, &mut self.medium, show);
            refresh(LONG, &changed, &self.medium, &mut self.long, show);
        } else if pane_width <= LONG {
            refresh(LONG, &changed, &self.panes, &mut self.long, show);
        }
    }
}

/// Makes the windows of `length` that hold a changed pane anew from `parts`.
fn refresh(
    length: SpanMs,
    changed: &BTreeSet<EventMs>,
    parts: &BTreeMap<EventMs, Window>,
    windows: &mut BTreeMap<EventMs, Window>,
    show: &mut impl FnMut(SpanMs, EventMs, Window, Diff),
) {
    let starts: BTreeSet<EventMs> = changed.iter().map(|start| start.floor(length)).collect();
    for start in starts {
        let new = Window::merge(start, parts.range(start..start + length).map(|(_, part)| part));
        let old = match new {
            Some(new) => windows.insert(start, new),
            None => windows.remove(&start),
        };
        if old != new {
            old.into_iter().for_each(|old| show(length, start, old, -1));
            new.into_iter().for_each(|new| show(length, start, new, 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trials::{assert_tracks, run};
    use lehr_domain::{Micro, Status};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn from_scratch(panes: &BTreeSet<PaneRow>, width: SpanMs) -> BTreeSet<FeatureRow> {
        let mut by_start: Vec<&PaneRow> = panes.iter().filter(|pane| pane.moments.n > 0).collect();
        by_start.sort_by_key(|pane| (pane.sensor_id, pane.start));
        let mut rows: BTreeMap<_, FeatureRow> = BTreeMap::new();
        for length in [SHORT, MEDIUM, LONG].into_iter().filter(|length| *length >= width) {
            for pane in &by_start {
                let start = EventMs(pane.start.0.div_euclid(length.0) * length.0);
                let row = rows.entry((pane.sensor_id, length, start)).or_insert(FeatureRow {
                    sensor_id: pane.sensor_id,
                    window_s: length,
                    start,
                    panes: 0,
                    moments: Moments::starting(start),
                });
                row.panes += 1;
                row.moments.merge(&pane.moments);
            }
        }
        rows.into_values().collect()
    }

    fn random_pane(rng: &mut ChaCha8Rng, sensor: u32, start: EventMs, width: SpanMs) -> PaneRow {
        let mut moments = Moments::starting(start);
        let readings = rng.random_range(0..4);
        for i in 0..readings {
            moments.append(start + SpanMs(i * width.0 / 4), Micro(rng.random_range(-5_000_000..5_000_000)));
        }
        PaneRow {
            sensor_id: SensorId(sensor),
            start,
            bad: u32::from(readings == 0),
            uncertain: 0,
            last_reading: start + SpanMs(width.0 - 1),
            status: Status::Ok,
            moments,
        }
    }

    /// Panes that grow, come late, are corrected and go.
    fn trace(seed: u64, width: SpanMs) -> Vec<BTreeSet<PaneRow>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut panes: BTreeMap<(u32, EventMs), PaneRow> = BTreeMap::new();
        let mut tick = |now: i64| {
            for _ in 0..4 {
                let sensor = rng.random_range(0..3);
                let back = if rng.random_bool(0.7) { 0 } else { rng.random_range(0..150) };
                let start = EventMs((now - back) * width.0);
                panes.remove(&(sensor, start));
                if rng.random_bool(0.9) {
                    panes.insert((sensor, start), random_pane(&mut rng, sensor, start, width));
                }
            }
            panes.values().cloned().collect()
        };
        (0..150).map(&mut tick).collect()
    }

    #[test]
    fn windows_are_the_sums_of_their_panes_at_every_tick_on_one_and_two_workers() {
        let widest = |held: &[BTreeSet<FeatureRow>]| held.iter().flatten().map(|row| row.panes).max();
        let minute = SpanMs::minutes(1);
        let held = assert_tracks(
            1,
            &trace(1, minute),
            |panes| features(panes, SpanMs::minutes(1)),
            |panes| from_scratch(panes, SpanMs::minutes(1)),
        );
        assert!(widest(&held) > Some(40), "long windows must hold many panes: {:?}", widest(&held));
        let held = assert_tracks(
            2,
            &trace(2, SpanMs::seconds(20)),
            |panes| features(panes, SpanMs::seconds(20)),
            |panes| from_scratch(panes, SpanMs::seconds(20)),
        );
        assert!(
            held.iter().flatten().any(|row| row.window_s == SHORT && row.panes == 3),
            "a minute must hold three panes"
        );
        let held = assert_tracks(
            3,
            &trace(3, SpanMs::minutes(30)),
            |panes| features(panes, SpanMs::minutes(30)),
            |panes| from_scratch(panes, SpanMs::minutes(30)),
        );
        assert!(held.iter().flatten().all(|row| row.window_s == LONG), "shorter windows than panes do not exist");
    }

    #[test]
    fn a_sensor_with_bad_readings_alone_has_no_features() {
        let mut pane = random_pane(&mut ChaCha8Rng::seed_from_u64(0), 1, EventMs(0), SHORT);
        pane.moments = Moments::starting(EventMs(0));
        pane.bad = 3;
        let held = run(1, &[BTreeSet::from([pane])], |panes| features(panes, SpanMs::minutes(1)));
        assert_eq!(held, [BTreeSet::new()]);
    }
}
