//! The scheduler: at each step one of the moves that are possible, drawn from the seed.

use super::Violation;
use super::disk::{JournalDisk, Omission};
use super::model::{Model, lines};
use super::plant::{self, Plant};
use super::process::{Birth, Process, Stillborn};
use super::target::{Connection, Database};
use crate::journal::simulated::SimDisk;
use crate::sinks::{ChangeLog, Sink, change_log};
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, SpanMs, Tick};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Some batches, so that most crashes meet several files.
const CHANGE_FILE_BYTES: u64 = 20_000;
/// Starts that may fail in a row because of faults before they are taken away.
const FAILED_STARTS: u32 = 4;
/// Moves that bring everything to rest, at most: some hundred for each tick that can wait.
const MOVES_TO_REST: u32 = 20_000;

/// What is broken on purpose, to see that the simulation notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    Omit(Omission),
    SinkIgnoresTicks,
    PublishBeforeDurable,
}

/// What happened, to show that a run was worth it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    pub ticks: u64,
    pub acknowledged: u64,
    pub crashes: u64,
    pub kills: u64,
    pub failed_starts: u64,
    pub failed_commits: u64,
    pub failed_deliveries: u64,
    pub repeated: u64,
    pub joined: u64,
    /// Ticks that became durable without anybody knowing before the crash.
    pub unnoticed: u64,
    /// Rows of each table, summed over the ends of all runs.
    pub rows: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Advance,
    Submit,
    Close,
    Commit,
    HandOver,
    Work(usize),
    Gather,
    Deliver(usize),
    WriteBack,
    PowerFailsSoon,
    DiskFills,
    DiskHasRoom,
    SyncsFail,
    DatabaseTurns,
    DatabaseMumbles,
    Kill,
    Crash,
}

pub struct World {
    rng: ChaCha8Rng,
    mutation: Option<Mutation>,
    plant: Plant,
    wall: EventMs,
    journal: SimDisk,
    recovering: Rc<Cell<bool>>,
    changes: SimDisk,
    database: Rc<RefCell<Database>>,
    model: Model,
    process: Option<Process>,
    /// What the last life may have left in the journal.
    in_flight: Option<Arc<Inputs>>,
    full: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64, mutation: Option<Mutation>) -> World {
        let mut database = Database::default();
        database.ignores_ticks = mutation == Some(Mutation::SinkIgnoresTicks);
        World {
            rng: ChaCha8Rng::seed_from_u64(seed),
            mutation,
            plant: Plant::new(),
            wall: EventMs(1),
            journal: SimDisk::default(),
            recovering: Rc::default(),
            changes: SimDisk::default(),
            database: Rc::new(RefCell::new(database)),
            model: Model::new(plant::options(1).graph),
            process: None,
            in_flight: None,
            full: false,
            tally: Tally::default(),
        }
    }

    /// Makes this many moves, each checked, and then lets everything come to rest.
    pub fn run(&mut self, steps: u64) -> Result<(), Violation> {
        for step in 0..steps {
            self.step().map_err(|Violation(text)| Violation(format!("step {step}: {text}")))?;
        }
        self.settle().map_err(|Violation(text)| Violation(format!("at the end: {text}")))
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.tally.steps += 1;
        if self.process.is_none() {
            return self.start();
        }
        let moves = self.moves();
        let (chosen, _) = moves.choose_weighted(&mut self.rng, |(_, weight)| *weight).expect("time can always go on");
        self.make(*chosen)?;
        if let Some(process) = &self.process {
            process.check_bounds()?;
        }
        Ok(())
    }

    /// What can be done, and how often it is.
    fn moves(&self) -> Vec<(Move, f64)> {
        let process = self.process.as_ref().expect("it runs");
        let mut moves = vec![
            (Move::Advance, 2.0),
            (Move::WriteBack, 0.7),
            (Move::PowerFailsSoon, 0.1),
            (Move::SyncsFail, 0.08),
            (Move::DatabaseTurns, 0.3),
            (Move::DatabaseMumbles, 0.3),
            (Move::Kill, 0.04),
            (Move::Crash, 0.04),
            if self.full { (Move::DiskHasRoom, 1.0) } else { (Move::DiskFills, 0.05) },
        ];
        let mut offer = |possible: bool, what: Move, weight: f64| {
            if possible {
                moves.push((what, weight));
            }
        };
        offer(process.can_submit(), Move::Submit, 4.0);
        offer(process.can_close(), Move::Close, 4.0);
        offer(process.can_commit(), Move::Commit, 2.5);
        offer(process.can_hand_over(), Move::HandOver, 6.0);
        for worker in 0..process.workers() {
            offer(process.is_working(), Move::Work(worker), 12.0 / process.workers() as f64);
        }
        offer(process.can_gather(), Move::Gather, 8.0);
        for sink in 0..process.sinks() {
            offer(process.can_deliver(sink), Move::Deliver(sink), 3.0);
        }
        moves
    }

    fn make(&mut self, chosen: Move) -> Result<(), Violation> {
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
                } else if self.mutation == Some(Mutation::PublishBeforeDurable) {
                    process.hand_over_early();
                }
            }
            Move::Commit => self.commit()?,
            Move::HandOver => process.hand_over(),
            Move::Work(worker) => process.work(worker),
            Move::Gather => {
                process.gather(&mut self.model)?;
            }
            Move::Deliver(sink) => self.deliver(sink)?,
            Move::WriteBack => {
                let disk = if self.rng.random_bool(0.5) { &self.journal } else { &self.changes };
                disk.write_back();
            }
            Move::PowerFailsSoon => {
                let disk = if self.rng.random_bool(0.7) { &self.journal } else { &self.changes };
                disk.set_fuse(Some(self.rng.random_range(0..6)));
            }
            Move::DiskFills => {
                self.full = true;
                for disk in [&self.journal, &self.changes] {
                    disk.set_capacity(Some(disk.used() + self.rng.random_range(0..2000)));
                }
            }
            Move::DiskHasRoom => self.make_room(),
            Move::SyncsFail => {
                let disk = if self.rng.random_bool(0.5) { &self.journal } else { &self.changes };
                disk.fail_syncs(true);
            }
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
            self.tally.ticks += 1;
            process.forget_early();
            return Ok(());
        }
        self.tally.failed_commits += 1;
        if self.journal.power_failed() {
            self.crash();
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
            self.tally.failed_deliveries += 1;
            if self.changes.power_failed() {
                self.crash();
            }
        }
        Ok(())
    }

    fn make_room(&mut self) {
        self.full = false;
        self.journal.set_capacity(None);
        self.changes.set_capacity(None);
    }

    /// The process ends; the machine goes on.
    fn kill(&mut self) {
        self.tally.kills += 1;
        self.end();
        self.journal.restart();
        self.changes.restart();
    }

    /// The power goes.
    fn crash(&mut self) {
        self.tally.crashes += 1;
        self.end();
        self.journal.crash(&mut self.rng);
        self.changes.crash(&mut self.rng);
    }

    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            self.in_flight = process.in_flight();
        }
    }

    /// Starts again, with another number of workers; the power may fail while it does.
    fn start(&mut self) -> Result<(), Violation> {
        if self.rng.random_bool(0.7) {
            self.make_room();
        }
        for attempt in 0.. {
            if attempt > FAILED_STARTS {
                self.make_room();
            } else if self.rng.random_bool(0.2) {
                let disk = if self.rng.random_bool(0.7) { &self.journal } else { &self.changes };
                disk.set_fuse(Some(self.rng.random_range(0..5)));
            }
            if self.started()? {
                break;
            }
            assert!(attempt <= FAILED_STARTS, "without a fault it starts");
            self.tally.failed_starts += 1;
            if self.journal.power_failed() || self.changes.power_failed() {
                self.crash();
            } else {
                self.make_room();
            }
        }
        Ok(())
    }

    fn started(&mut self) -> Result<bool, Violation> {
        let changes = match ChangeLog::recover(self.changes.clone(), CHANGE_FILE_BYTES) {
            Ok(changes) => changes,
            Err(_) => return Ok(false),
        };
        let omits = match self.mutation {
            Some(Mutation::Omit(omission)) => Some(omission),
            _ => None,
        };
        let journal = JournalDisk { disk: self.journal.clone(), omits, recovering: self.recovering.clone() };
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(Connection(self.database.clone())), Box::new(changes)];
        // Several workers cost several times as much, and what they add is in the graph's own tests as well.
        let workers = *[1, 1, 1, 1, 1, 1, 1, 2, 2, 3].choose(&mut self.rng).expect("there are numbers");
        let birth = Birth { journal, sinks, workers, rng: &mut self.rng };
        let before = self.model.durable();
        match Process::start(birth, &mut self.model, self.in_flight.clone()) {
            Ok(process) => {
                self.tally.unnoticed += self.model.durable().0 - before.0;
                self.in_flight = None;
                self.process = Some(process);
                self.check_changes()?;
                Ok(true)
            }
            Err(Stillborn::Disk) => Ok(false),
            Err(Stillborn::Violation(violation)) => Err(violation),
        }
    }

    /// Faults end, everything that waits is done, and what is there then is compared.
    fn settle(&mut self) -> Result<(), Violation> {
        self.make_room();
        for disk in [&self.journal, &self.changes] {
            disk.restart();
        }
        {
            let database = &mut *self.database.borrow_mut();
            (database.down, database.loses_answers) = (false, false);
        }
        for _ in 0..MOVES_TO_REST {
            let Some(process) = &self.process else {
                self.start()?;
                continue;
            };
            if process.is_idle() {
                break;
            }
            let mut moves = self.moves();
            moves.retain(|(chosen, _)| {
                use Move::*;
                matches!(chosen, Close | Commit | HandOver | Work(_) | Gather | Deliver(_))
            });
            let (chosen, _) = moves.choose_weighted(&mut self.rng, |(_, weight)| *weight).expect("it is not idle");
            self.make(*chosen)?;
        }
        let durable = self.model.durable();
        let shown = self.process.as_ref().map(|process| process.snapshot().tick);
        if shown != Some(durable) || self.database.borrow().tick() != durable {
            return Err(Violation(format!("it does not come to rest at tick {}: {shown:?}", durable.0)));
        }
        self.database.borrow().check(&self.model)?;
        let position = self.check_changes()?;
        if position != durable {
            return Err(Violation(format!("the log of changes ends at tick {}, not {}", position.0, durable.0)));
        }
        self.take_stock();
        Ok(())
    }

    /// The log of changes, added up, is what the tables were at its last tick.
    fn check_changes(&self) -> Result<Tick, Violation> {
        let (position, rows) =
            change_log::added_up(&self.changes.image()).map_err(|text| Violation(format!("log of changes: {text}")))?;
        let Some(snapshot) = self.model.snapshot(position) else {
            return Err(Violation(format!("the log of changes is at tick {}, which is not durable", position.0)));
        };
        let expected = lines(snapshot);
        if rows != expected {
            let more = rows.iter().find(|row| !expected.contains(row));
            let less = expected.iter().find(|row| !rows.contains(row));
            let text = format!("tick {}: the log of changes has {more:?} in place of {less:?}", position.0);
            return Err(Violation(text));
        }
        Ok(position)
    }

    fn take_stock(&mut self) {
        let database = self.database.borrow();
        (self.tally.repeated, self.tally.joined) = (database.repeated, database.joined);
        self.tally.acknowledged = self.model.acknowledged() as u64;
        if let Some(process) = &self.process {
            super::model::count_rows(&process.snapshot(), &mut self.tally.rows);
        }
    }
}
