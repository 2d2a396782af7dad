//! What becomes of submissions: one tick's inputs. No I/O and no clock of its own, so that the same submissions
//! at the same times give the same inputs wherever it runs.

use super::RuntimeError;
use super::gate::{Admitted, Gate};
use super::handle::{RuntimeOptions, Submission};
use super::recovery::names_of;
use crate::checkpoint::Checkpoint;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, SpanMs, Tick};
use std::sync::Arc;

/// Bits of an id that number the rows within their tick.
const ID_BITS: u32 = 20;

/// A mark that moved with every tick would let every tick look for what leaves.
const LOW_WATER_STEP: SpanMs = SpanMs::minutes(1);

/// What has to be known of all earlier ticks to make the next one. Taking in the journal's ticks one after the
/// other makes it what it was when the last of them closed.
pub(crate) struct Assembly {
    names: Arc<Names>,
    gate: Gate,
    now: EventMs,
    simulated_clock: bool,
}

impl Assembly {
    /// Before the first tick.
    pub fn new(options: &RuntimeOptions) -> Assembly {
        let gate = Gate {
            low_water: EventMs(0),
            pane_width: options.graph.pane_width,
            pane_retention: options.graph.retention.panes,
        };
        Assembly { names: Arc::default(), gate, now: EventMs(0), simulated_clock: options.simulated_clock }
    }

    /// The texts of what was registered so far; shared while nothing is registered.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// Plant time of the last tick.
    pub fn now(&self) -> EventMs {
        self.now
    }

    pub fn low_water(&self) -> EventMs {
        self.gate.low_water
    }

    /// Goes on from a checkpoint.
    pub fn resume(&mut self, checkpoint: &Checkpoint) {
        self.names = names_of(checkpoint);
        (self.now, self.gate.low_water) = (checkpoint.head.now, checkpoint.head.low_water);
    }

    /// Goes on behind inputs of the journal.
    pub fn replay(&mut self, inputs: &Inputs) {
        self.now = self.now.max(inputs.now);
        self.gate.low_water = self.gate.low_water.max(inputs.low_water);
        self.learn(&inputs.events);
    }

    /// The inputs of `tick`, which closes at wall time `wall`, and how each submission fared.
    pub fn close(
        &mut self,
        tick: Tick,
        wall: EventMs,
        submissions: Vec<Submission>,
    ) -> Result<(Inputs, Vec<Admitted>), RuntimeError> {
        self.move_clock(wall, &submissions);
        self.gate.low_water = self.gate.low_water.max(self.now.floor(LOW_WATER_STEP));
        let mut inputs = Inputs { tick, now: self.now, wall, low_water: self.gate.low_water, ..Inputs::default() };
        let mut admitted = Vec::with_capacity(submissions.len());
        for submission in submissions {
            admitted.push(self.admit(submission, &mut inputs)?);
        }
        number(&mut inputs);
        Ok((inputs, admitted))
    }

    /// Plant time never goes back, whatever wall time and the sources say.
    fn move_clock(&mut self, wall: EventMs, submissions: &[Submission]) {
        if !self.simulated_clock {
            self.now = self.now.max(wall);
            return;
        }
        let latest = submissions.iter().filter_map(|submission| submission.now).max();
        self.now = self.now.max(latest.unwrap_or(self.now));
        if self.now == EventMs(0) {
            self.now = wall;
        }
    }

    fn admit(&mut self, submission: Submission, inputs: &mut Inputs) -> Result<Admitted, RuntimeError> {
        let revision = inputs.tick.0;
        let mut events = submission.events;
        if let Some(catalogue) = submission.register {
            events.splice(0..0, catalogue.events(&self.names)?);
        }
        let events: Vec<Revised> = events.into_iter().map(|event| Revised { revision, event }).collect();
        self.learn(&events);
        inputs.events.extend(events);
        let admitted = self.gate.admit(inputs.tick, self.now, &self.names, submission.readings, inputs);
        if let Some(offset) = submission.offset {
            inputs.offsets.push((submission.source, offset));
        }
        Ok(admitted)
    }

    fn learn(&mut self, events: &[Revised]) {
        learn(&mut self.names, events);
    }
}

/// Takes note of registrations; the texts stay shared while nothing is registered.
pub(crate) fn learn(names: &mut Arc<Names>, events: &[Revised]) {
    if events.iter().any(|event| event.event.registers()) {
        let names = Arc::make_mut(names);
        events.iter().for_each(|event| names.apply(&event.event));
    }
}

/// What the catalogue and, for a new plant, the knowledge base add to what is known.
pub fn registrations(catalogue: &Catalogue, knowledge: &str, known: &Names) -> Result<Vec<Event>, RuntimeError> {
    let first = known.lines().next().is_none();
    let mut events = catalogue.events(known)?;
    if first {
        let mut names = Names::default();
        events.iter().for_each(|event| names.apply(event));
        let knowledge = lehr_causal::KnowledgeBase::parse(knowledge, &names)?;
        for skipped in &knowledge.skipped {
            tracing::debug!("knowledge base: {skipped}");
        }
        events.extend(knowledge.edges.into_iter().map(|(id, edge)| Event::Edge(id, Some(edge))));
    }
    Ok(events)
}

/// Gives ids to rows that came without: unique, and the same whenever the journal is replayed.
fn number(inputs: &mut Inputs) {
    let first = inputs.tick.0 << ID_BITS;
    let ids = inputs.events.iter_mut().filter_map(|row| match &mut row.event {
        Event::Operator(row) => Some(&mut row.id),
        Event::Audit(row) => Some(&mut row.id),
        Event::Error(row) => Some(&mut row.id),
        Event::Decision(row) => Some(&mut row.id),
        _ => None,
    });
    for (ordinal, id) in ids.filter(|id| **id == 0).enumerate() {
        *id = first + ordinal as u64 + 1;
    }
}
