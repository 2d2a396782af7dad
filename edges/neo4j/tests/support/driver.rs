//! Drives a target as Lehr does: it marks what is under way before, and what is held after.

use super::world::World;
use lehr_domain::Tick;
use lehr_targets::{Target, TargetError};
use rand::{Rng, RngExt};

#[derive(Default)]
pub struct Figures {
    pub deltas: usize,
    pub again: usize,
    pub rows_sent: usize,
    pub failures: usize,
    /// Times that a store held more than was known, found when connecting.
    pub ahead: usize,
}

pub struct Driver {
    target: Box<dyn Target>,
    connected: bool,
    pub held: Tick,
    pub under_way: Tick,
    pub figures: Figures,
}

impl Driver {
    pub fn new(target: Box<dyn Target>, held: Tick, under_way: Tick) -> Driver {
        Driver { target, connected: false, held, under_way, figures: Figures::default() }
    }

    /// Where the next delta ends: where one was under way, there or before; else some ticks on.
    pub fn next(&self, rng: &mut impl Rng, last: Tick) -> Tick {
        if self.held < self.under_way && rng.random_bool(0.5) {
            return self.under_way;
        }
        let end = if self.held < self.under_way { self.under_way.0 } else { last.0.min(self.held.0 + 4) };
        Tick(rng.random_range(self.held.0 + 1..=end))
    }

    /// One try. `mark` makes durable what is under way.
    pub async fn deliver(
        &mut self,
        world: &World,
        tick: Tick,
        again: bool,
        mark: impl FnOnce(Tick, Tick),
    ) -> Result<(), TargetError> {
        let done = self.try_to(world, tick, again, mark).await;
        if done.is_err() {
            self.connected = false;
            self.figures.failures += 1;
        }
        done
    }

    async fn try_to(
        &mut self,
        world: &World,
        tick: Tick,
        again: bool,
        mark: impl FnOnce(Tick, Tick),
    ) -> Result<(), TargetError> {
        let left = self.held;
        if !self.connected {
            let holds = self.target.connect(&world.tables).await?.expect("it keeps its tick");
            let possible = self.held..=self.under_way;
            assert!(possible.contains(&holds), "the store holds {holds:?}, which cannot be: {possible:?}");
            self.figures.ahead += usize::from(holds > left);
            (self.connected, self.held) = (true, holds);
        }
        if tick <= self.held {
            // It ignores what it holds already.
            (self.figures.deltas, self.figures.again) = (self.figures.deltas + 1, self.figures.again + 1);
            return self.target.apply(&world.delta(left, tick)).await;
        }
        self.under_way = self.under_way.max(tick);
        mark(self.held, self.under_way);
        let delta = world.delta(self.held, tick);
        for time in 0..1 + usize::from(again) {
            self.figures.deltas += 1;
            self.figures.again += time;
            self.figures.rows_sent += delta.tables.iter().map(|table| table.changes.len()).sum::<usize>();
            self.target.apply(&delta).await?;
        }
        self.held = tick;
        Ok(())
    }
}
