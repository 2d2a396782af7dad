//! From the outputs of workers to the changes of whole ticks, in order.

use super::publisher::Announcement;
use super::workers::Output;
use lehr_dataflows::tables::Changes;
use lehr_domain::Tick;
use std::collections::{BTreeMap, VecDeque};

/// What is announced, and what of it has come out. Bounded by who fills it: ticks are announced before they are
/// fed, and workers hold only so many.
pub(crate) struct Gathering {
    workers: usize,
    announced: VecDeque<Announcement>,
    /// Of each tick: how many workers are through with it, and what they changed.
    gathered: BTreeMap<Tick, (usize, Changes)>,
}

impl Gathering {
    pub fn new(workers: usize) -> Gathering {
        Gathering { workers, announced: VecDeque::new(), gathered: BTreeMap::new() }
    }

    /// Ticks that were announced and have not been given back.
    pub fn open(&self) -> usize {
        self.announced.len()
    }

    /// Ticks must be announced in order.
    pub fn announce(&mut self, announcement: Announcement) {
        let last = self.announced.back().map(|last| last.tick);
        assert!(last < Some(announcement.tick), "ticks ascend");
        self.announced.push_back(announcement);
    }

    /// Workers may be ahead of each other, and of the announcements.
    pub fn take(&mut self, output: Output) {
        let (workers, changes) = self.gathered.entry(output.tick).or_default();
        *workers += 1;
        assert!(*workers <= self.workers, "a worker gives each tick once");
        changes.merge(output.changes);
    }

    /// The next tick once every worker is through with it, its changes consolidated.
    pub fn next(&mut self) -> Option<(Announcement, Changes)> {
        let tick = self.announced.front()?.tick;
        if self.gathered.get(&tick)?.0 < self.workers {
            return None;
        }
        let announcement = self.announced.pop_front()?;
        let (_, mut changes) = self.gathered.remove(&tick)?;
        changes.consolidate();
        Some((announcement, changes))
    }
}
