//! What a graph goes on from after a restart.

use crate::tables::*;
use lehr_domain::{Event, EventMs, ReadingBatch, Tick};

/// What a graph goes on from: the base collections as of a closed tick, and what graphs remember of rows that
/// left. A graph that is given this and the ticks after it holds what one holds that was given all ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    pub tick: Tick,
    pub low_water: EventMs,
    /// Sorted, in runs of any length.
    pub panes: Vec<Vec<PaneRow>>,
    pub facts: Vec<FactRow>,
    pub newest: Vec<NewestRow>,
    pub heard: Vec<HeardRow>,
    pub carried: Vec<CarriedRow>,
    pub twin_states: Vec<TwinStateRow>,
    pub forecasts: Vec<ForecastRow>,
    pub inspections: Vec<InspectionRow>,
    /// All readings of the panes that were not sealed.
    pub readings: ReadingBatch,
    /// Whether other parts of it follow.
    pub goes_on: bool,
}

/// Panes of a part, about: 20 MB of rows.
const PART_PANES: usize = 100_000;

impl Base {
    /// As [`Base::parts_of`], in as many parts as its size asks for.
    pub fn parts(self) -> Vec<Base> {
        self.parts_of(PART_PANES)
    }

    /// Shares of it, each of at least so many panes but for the last. A graph takes them one after the other, each as a
    /// tick of its own, the last as this one's, so that only a part is held in all the forms that rows have on their way.
    /// There are no more parts than ticks.
    ///
    /// What tells graphs how to look at panes comes first; what panes are joined to comes last, or it would be looked at
    /// anew with every part.
    pub fn parts_of(mut self, panes: usize) -> Vec<Base> {
        let most = self.tick.0.max(1) as usize;
        let mut runs = vec![Vec::new()];
        let mut rows = 0;
        for run in std::mem::take(&mut self.panes) {
            if rows >= panes && runs.len() < most {
                runs.push(Vec::new());
                rows = 0;
            }
            rows += run.len();
            runs.last_mut().expect("there is one from the beginning").push(run);
        }
        let count = runs.len() as u64;
        let (tick, low_water) = (self.tick, self.low_water);
        let part = |(index, panes)| Base {
            tick: Tick(tick.0 - (count - 1 - index as u64)),
            low_water,
            panes,
            goes_on: index as u64 + 1 < count,
            ..Base::default()
        };
        let mut parts: Vec<Base> = runs.into_iter().enumerate().map(part).collect();
        let (last, first): (Vec<FactRow>, _) = self.facts.into_iter().partition(|row| is_joined(&row.event));
        let begin = &mut parts[0];
        (begin.facts, begin.newest, begin.heard, begin.carried) = (first, self.newest, self.heard, self.carried);
        begin.twin_states = self.twin_states;
        begin.forecasts = self.forecasts;
        begin.inspections = self.inspections;
        let end = parts.last_mut().expect("there is one at least");
        end.facts.extend(last);
        end.readings = self.readings;
        parts
    }
}

fn is_joined(event: &Event) -> bool {
    matches!(
        event,
        Event::Unit(_)
            | Event::Picture(_)
            | Event::State(_)
            | Event::Edge(..)
            | Event::Operator(_)
            | Event::Audit(_)
            | Event::Error(_)
            | Event::Late(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(tick: u64, runs: &[usize], panes: usize) -> Vec<(u64, usize)> {
        let row = PaneRow {
            sensor_id: Default::default(),
            start: EventMs(0),
            bad: 0,
            uncertain: 0,
            last_reading: EventMs(0),
            status: Default::default(),
            moments: Default::default(),
        };
        let panes_of = runs.iter().map(|count| vec![row.clone(); *count]).collect();
        let base = Base { tick: Tick(tick), panes: panes_of, ..Base::default() };
        base.parts_of(panes).iter().map(|part| (part.tick.0, part.panes.iter().map(Vec::len).sum())).collect()
    }

    #[test]
    fn parts_are_the_whole_and_end_at_its_tick() {
        assert_eq!(lengths(9, &[3, 2, 4, 1], 4), [(7, 5), (8, 4), (9, 1)]);
        assert_eq!(lengths(9, &[3, 2, 4, 1], 1), [(6, 3), (7, 2), (8, 4), (9, 1)]);
        assert_eq!(lengths(9, &[], 4), [(9, 0)]);
    }

    #[test]
    fn there_are_no_more_parts_than_ticks() {
        assert_eq!(lengths(2, &[1, 1, 1, 1], 1), [(1, 1), (2, 3)]);
        assert_eq!(lengths(1, &[1, 1], 1), [(1, 2)]);
    }
}
