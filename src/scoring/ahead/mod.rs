//! Pictures looked at as soon as they are there, before the tick that names them asks what is on them.
//!
//! ```text
//! picture kept ──expect──▶ waiting ──threads──▶ under way ──▶ found
//!                             │                     │            │
//! the graph asks:          takes it back,       waits for it   takes it
//!                          looks itself
//! ```
//!
//! - `shelf`: what waits, what is under way, what was found
//!
//! A tick that takes in many pictures would otherwise be held until all of them were looked at, some 50 ms of a core each.
//!
//! **It is a cache and nothing else.** Whoever looks, it is the same model that runs the same picture by itself, so the
//! answer is the same to the last bit; what was not looked at, has left, or failed, is looked at when it is asked for.

mod shelf;

#[cfg(test)]
pub(super) use shelf::Room;
pub(super) use shelf::{Claim, Shelf};

use super::Scoring;
use crate::pictures::{Looked, Viewer};
use crate::registry::Aliases;
use crate::runtime::Runtime;
use lehr_domain::model::ModelKind;
use lehr_domain::picture::Content;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

/// The most pictures that are looked at at once: more would take the cores that ticks need.
const THREADS_MOST: usize = 4;

/// Looks at pictures with the inspector that is in production when they come. One that was taken before it was, or is
/// replaced at that moment, is looked at in vain.
pub struct Ahead {
    scoring: &'static Scoring,
    runtime: Runtime,
}

impl Ahead {
    /// Starts its threads, on half of the cores. They end with the process.
    pub fn start(scoring: &'static Scoring, runtime: Runtime) -> io::Result<Ahead> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for index in 0..(cores / 2).clamp(1, THREADS_MOST) {
            thread::Builder::new().name(format!("lehr ahead {index}")).spawn(|| scoring.look_ahead())?;
        }
        Ok(Ahead { scoring, runtime })
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Ahead").field("shelf", &self.scoring.shelf).finish()
    }
}

impl Viewer for Ahead {
    fn expect(&self, content: Content) {
        let production = Aliases::of(&self.runtime.snapshot(), ModelKind::Inspector).production;
        if let Some(version) = production.filter(|_| self.scoring.runtime.is_ok()) {
            self.scoring.shelf.expect(content, version);
        }
    }

    fn is_pending(&self, content: Content) -> bool {
        self.scoring.shelf.is_pending(content)
    }

    fn settle(&self, content: Content, patience: Duration) {
        self.scoring.shelf.settle(content, patience);
    }

    fn looked(&self) -> Looked {
        self.scoring.shelf.looked()
    }
}

impl Scoring {
    /// Looks at what is expected, until the shelf is closed.
    pub(super) fn look_ahead(&self) {
        while let Some((content, version)) = self.shelf.next() {
            // Whoever waits for it must not wait for ever.
            let looked = catch_unwind(AssertUnwindSafe(|| self.inspected(version, &[content])));
            let found = looked.ok().and_then(Result::ok).and_then(|mut found| found.pop().flatten());
            self.shelf.put(content, version, found);
        }
    }
}
