//! What can happen next, how often it does, and how it is done.

use super::Violation;
use super::keeping::{self, Done};
use super::mutation::Mutation;
use super::recovery;
use super::tally::Happened;
use super::world::World;
use lehr_domain::{SpanMs, Tick};
use rand::RngExt;

/// How often a keeper's work is followed by a look at what is durable: reading everything back costs as much as all
/// other moves of a tick.
const DURABLE_CHECKED: f64 = 0.2;

#[derive(Clone, Copy, Debug)]
pub enum Move {
    Advance,
    Submit,
    Close,
    Commit,
    HandOver,
    Work(usize),
    Gather,
    Deliver(usize),
    Checkpoint,
    Convert,
    Compact,
    LookBack,
    WriteBack,
    PowerFailsSoon,
    DisksFill,
    SyncsFail,
    DisksMend,
    DatabaseTurns,
    DatabaseMumbles,
    Kill,
    Crash,
}

impl Move {
    /// Whether it is what a system does by itself until nothing is left to do.
    pub fn brings_to_rest(self) -> bool {
        use Move::*;
        matches!(self, Close | Commit | HandOver | Work(_) | Gather | Deliver(_) | Convert)
    }
}

impl World {
    /// What can be done, and how often it is.
    pub fn moves(&self) -> Vec<(Move, f64)> {
        let process = self.process.as_ref().expect("it runs");
        let mut moves = vec![
            (Move::Advance, 3.0),
            (Move::WriteBack, 0.7),
            (Move::PowerFailsSoon, 0.25),
            (Move::DisksFill, 0.05),
            (Move::SyncsFail, 0.12),
            (Move::DatabaseTurns, 0.3),
            (Move::DatabaseMumbles, 0.3),
            (Move::Kill, 0.04),
            (Move::Crash, 0.04),
        ];
        let mut offer = |possible: bool, what: Move, weight: f64| {
            if possible {
                moves.push((what, weight));
            }
        };
        offer(self.faulty, Move::DisksMend, 0.5);
        offer(process.can_submit(), Move::Submit, 4.0);
        offer(process.can_close(), Move::Close, 4.0);
        offer(process.can_commit(), Move::Commit, 2.5);
        offer(process.can_hand_over(), Move::HandOver, 6.0);
        for worker in 0..process.workers() {
            offer(process.can_work(worker), Move::Work(worker), 12.0 / process.workers() as f64);
        }
        offer(process.can_gather(), Move::Gather, 8.0);
        for sink in 0..process.sinks() {
            offer(process.can_deliver(sink), Move::Deliver(sink), 3.0);
        }
        if process.keeps() {
            let (keeping, shown) = (&process.keeping, process.snapshot());
            offer(keeping.can_checkpoint(&shown), Move::Checkpoint, 0.3);
            offer(keeping.convertible().is_some(), Move::Convert, 0.6);
            offer(true, Move::Compact, 0.5);
            offer(shown.tick > Tick(0), Move::LookBack, 0.08);
        }
        moves
    }

    pub fn make(&mut self, chosen: Move) -> Result<(), Violation> {
        let process = self.process.as_mut().expect("it runs");
        match chosen {
            Move::Advance => {
                self.plant.advance(&mut self.rng);
                // Wall time is set back now and then.
                self.wall = self.wall + SpanMs(self.rng.random_range(-50..500));
            }
            Move::Submit => {
                let shown = process.snapshot();
                process.submit(self.plant.submission(&shown, &mut self.rng));
            }
            Move::Close => {
                if let Err(error) = process.close(self.wall) {
                    // A poisoned journal takes nothing more: the process stops, as the sequencer's thread does.
                    tracing::debug!("{error}");
                    self.kill();
                } else if self.disks.mutation == Some(Mutation::PublishBeforeDurable) {
                    process.hand_over_early()?;
                }
            }
            Move::Commit => self.commit()?,
            Move::HandOver => {
                let reopened = process.hand_over()?;
                self.tally.note_many(Happened::Reopened, reopened as u64);
            }
            Move::Work(worker) => process.work(worker),
            Move::Gather => {
                process.gather(&mut self.model)?;
            }
            Move::Deliver(sink) => self.deliver(sink)?,
            Move::Checkpoint => self.checkpoint()?,
            Move::Convert => {
                let segment = process.keeping.convertible().expect("there is one");
                let converted = process.keeping.convert(segment, &process.snapshot());
                self.kept(converted, |()| Some(Happened::Converted))?;
            }
            Move::Compact => {
                let merged = process.keeping.compact(&process.snapshot());
                self.kept(merged, |merged| merged.then_some(Happened::Merged))?;
            }
            Move::LookBack => {
                let tick = Tick(self.rng.random_range(1..=process.snapshot().tick.0));
                let found = recovery::look_back(&self.disks, &process.keeping.history, tick)?;
                self.model.check_tables(&found, "the tick made again from disk")?;
                self.tally.note(Happened::LookedBack);
            }
            Move::WriteBack => self.disks.any(&mut self.rng).write_back(),
            Move::PowerFailsSoon => self.disks.fail_power_soon(&mut self.rng),
            Move::DisksFill => {
                self.faulty = true;
                self.disks.fill(&mut self.rng);
            }
            Move::SyncsFail => {
                self.faulty = true;
                self.disks.fail_syncs(&mut self.rng);
            }
            Move::DisksMend => self.mend(),
            Move::DatabaseTurns => {
                let database = &mut *self.database.borrow_mut();
                database.down = !database.down;
            }
            Move::DatabaseMumbles => {
                let database = &mut *self.database.borrow_mut();
                database.loses_answers = !database.loses_answers;
            }
            Move::Kill => self.kill(),
            Move::Crash => self.crash(),
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Violation> {
        let process = self.process.as_mut().expect("it runs");
        if process.commit(&mut self.model)?.is_ok() {
            self.tally.note(Happened::Tick);
            process.forget_early();
            return Ok(());
        }
        self.tally.note(Happened::FailedCommit);
        if self.disks.power_failed() {
            self.fall();
        } else if self.rng.random_bool(0.5) {
            // The sequencer's thread gives up; the journal also promises that trying again is safe.
            self.kill();
        }
        Ok(())
    }

    fn deliver(&mut self, sink: usize) -> Result<(), Violation> {
        let process = self.process.as_mut().expect("it runs");
        let delivered = process.deliver(sink);
        self.database.borrow().check(&self.model)?;
        if delivered.is_err() {
            self.tally.note(Happened::FailedDelivery);
            if self.disks.power_failed() {
                self.fall();
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), Violation> {
        let process = self.process.as_mut().expect("it runs");
        let written = process.keeping.checkpoint(&process.snapshot());
        if let Ok(Some(tick)) = written {
            self.model.checkpointed(tick);
            keeping::check_checkpoints(&self.disks, true)?;
        }
        self.kept(written, |_| Some(Happened::Checkpoint))
    }

    /// After something that the keeper did. When it failed, it tries again some time.
    fn kept<T>(&mut self, done: Done<T>, what: impl FnOnce(T) -> Option<Happened>) -> Result<(), Violation> {
        match done? {
            Some(done) => what(done).into_iter().for_each(|what| self.tally.note(what)),
            None => self.tally.note(Happened::FailedKeeping),
        }
        keeping::check_checkpoints(&self.disks, false)?;
        if self.rng.random_bool(DURABLE_CHECKED) {
            recovery::check_durable(&self.disks, &self.model)?;
        }
        if self.disks.power_failed() {
            self.fall();
        }
        Ok(())
    }
}
