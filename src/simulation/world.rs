//! The scheduler: at each step one of the moves that are possible, drawn from the seed.

use super::Violation;
use super::disk::Disks;
use super::model::{Model, lines};
use super::mutation::Mutation;
use super::plant::{self, Plant};
use super::process::{Birth, Process};
use super::recovery::{self, Stillborn};
use super::tally::{Happened, Tally};
use super::target::{Connection, Database};
use super::{keeping, model};
use crate::sinks::{ChangeLog, Sink, change_log};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, SpanMs, Tick};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Some batches, so that most crashes meet several files.
const CHANGE_FILE_BYTES: u64 = 20_000;
/// Starts that may fail in a row because of faults before they are taken away.
const FAILED_STARTS: u32 = 4;
/// Moves that bring everything to rest, at most: some hundred for each tick that can wait.
const MOVES_TO_REST: u32 = 20_000;

pub struct World {
    pub rng: ChaCha8Rng,
    pub plant: Plant,
    pub wall: EventMs,
    pub disks: Disks,
    pub database: Rc<RefCell<Database>>,
    pub model: Model,
    pub process: Option<Process>,
    /// What the last life may have left in the journal.
    in_flight: Option<Arc<Inputs>>,
    /// Whether disks are full, or fail to sync.
    pub faulty: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64, mutation: Option<Mutation>) -> World {
        let mut database = Database::default();
        database.ignores_ticks = mutation == Some(Mutation::SinkIgnoresTicks);
        World {
            rng: ChaCha8Rng::seed_from_u64(seed),
            plant: Plant::new(seed),
            wall: EventMs(1),
            disks: Disks::new(mutation),
            database: Rc::new(RefCell::new(database)),
            model: Model::new(GraphConfig { seal_after: SpanMs::FOREVER, ..plant::graph() }),
            process: None,
            in_flight: None,
            faulty: false,
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
        self.tally.note(Happened::Step);
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

    pub fn mend(&mut self) {
        self.faulty = false;
        self.disks.mend();
    }

    /// The process ends; the machine goes on.
    pub fn kill(&mut self) {
        self.tally.note(Happened::Kill);
        self.end();
        self.disks.restart();
    }

    /// The power goes.
    pub fn crash(&mut self) {
        self.tally.note(Happened::Crash);
        self.end();
        self.disks.crash(&mut self.rng);
    }

    /// A disk was stopped in the middle of a change: the power went, or it was the process that was killed.
    pub fn fall(&mut self) {
        if self.rng.random_bool(0.6) { self.crash() } else { self.kill() }
    }

    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            self.in_flight = process.in_flight();
        }
    }

    /// Starts again, with another number of workers; the power may fail while it does.
    fn start(&mut self) -> Result<(), Violation> {
        if self.rng.random_bool(0.7) {
            self.mend();
        }
        for attempt in 0.. {
            if attempt > FAILED_STARTS {
                self.mend();
            } else if self.rng.random_bool(0.3) {
                self.disks.fail_power_soon(&mut self.rng);
            }
            if self.started()? {
                break;
            }
            assert!(attempt <= FAILED_STARTS, "without a fault it starts");
            self.tally.note(Happened::FailedStart);
            if self.disks.power_failed() {
                self.fall();
            } else {
                self.mend();
            }
        }
        Ok(())
    }

    fn started(&mut self) -> Result<bool, Violation> {
        let changes = match ChangeLog::recover(self.disks.changes.clone(), CHANGE_FILE_BYTES) {
            Ok(changes) => changes,
            Err(_) => return Ok(false),
        };
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(Connection(self.database.clone())), Box::new(changes)];
        // Several workers cost several times as much, and what they add is in the graph's own tests as well.
        let workers = *[1, 1, 1, 1, 1, 1, 1, 1, 2, 3].choose(&mut self.rng).expect("there are numbers");
        let birth = Birth { disks: &self.disks, sinks, workers, rng: &mut self.rng };
        let before = self.model.durable();
        let process = match Process::start(birth, &mut self.model, self.in_flight.clone()) {
            Ok(process) => process,
            Err(Stillborn::Disk) => return Ok(false),
            Err(Stillborn::Violation(violation)) => return Err(violation),
        };
        self.tally.note_many(Happened::Unnoticed, self.model.durable().0 - before.0);
        if let Some(tick) = process.resumed() {
            self.tally.note(Happened::Resumed);
            self.tally.note_many(Happened::ResumedEarlier, u64::from(tick < self.model.newest_checkpoint()));
        }
        self.in_flight = None;
        self.process = Some(process);
        keeping::check_checkpoints(&self.disks, false)?;
        self.check_changes().map(|_| true)
    }

    /// Faults end, everything that waits is done, and what is there then is compared.
    fn settle(&mut self) -> Result<(), Violation> {
        self.mend();
        self.disks.restart();
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
            moves.retain(|(chosen, _)| chosen.brings_to_rest());
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
        recovery::check_durable(&self.disks, &self.model)?;
        self.take_stock();
        Ok(())
    }

    /// The log of changes, added up, is what the tables were at its last tick.
    fn check_changes(&self) -> Result<Tick, Violation> {
        let (position, rows) = change_log::added_up(&self.disks.changes.image())
            .map_err(|text| Violation(format!("log of changes: {text}")))?;
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
        self.tally.note_many(Happened::Repeated, database.repeated);
        self.tally.note_many(Happened::Joined, database.joined);
        self.tally.note_many(Happened::Acknowledged, self.model.acknowledged() as u64);
        if let Some(process) = &self.process {
            model::count_rows(&process.snapshot(), &mut self.tally.rows);
        }
    }
}
