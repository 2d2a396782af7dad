//! One line set apart with all its state, to see what may become of it.

use crate::book::{Book, Fault};
use crate::campaign;
use crate::fault::FaultId;
use crate::line::Line;
use crate::pending::Pending;
use crate::truth::Truth;
use lehr_domain::{EventMs, SpanMs};

/// A line as it is at one instant, and its future: without instruments, since ware does not ask what they say, and so in a
/// fraction of the time. As it is, it lives on exactly as the plant's line does; forked, it lives one of the futures that
/// its state allows.
#[derive(Clone)]
pub struct Branch {
    pub(crate) line: Line,
    pub(crate) book: Book,
    /// Position in the plant.
    pub(crate) index: usize,
    pub(crate) start: EventMs,
    pub(crate) seconds: u64,
}

/// The ware inspected in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ware {
    pub units: u32,
    pub defective: u32,
}

impl Branch {
    /// Slow causes of a campaign: fouled burners, worn lining, batch, weak mold heater, and the rare one, the cooling fan.
    pub const SLOW: usize = campaign::SLOW;

    /// Up to where it has lived.
    pub fn now(&self) -> EventMs {
        self.start + SpanMs::seconds(self.seconds as i64)
    }

    /// Lets all chance from here on be another. What was drawn before and is still to come stays: a job that is due, the end of a
    /// stop, the end of a fault.
    pub fn fork(&mut self, seed: u64) {
        self.line.fork(seed, self.seconds);
    }

    /// Lives one more minute.
    pub fn minute(&mut self) -> Ware {
        const MINUTE_S: u64 = 60;
        let mut pending = Pending::default();
        for _ in 0..MINUTE_S {
            self.step(&mut pending);
        }
        let mut ware = Ware::default();
        for truth in &pending.truth {
            if let Truth::Unit(unit) = truth {
                ware.units += 1;
                ware.defective += u32::from(!unit.defects.is_empty());
            }
        }
        ware
    }

    fn step(&mut self, pending: &mut Pending) {
        let second = self.seconds;
        let at = self.start + SpanMs::seconds(second as i64);
        for turn in self.line.live(second, at) {
            if let campaign::Turn::Sudden { kind, minutes, severity } = turn
                && !self.book.is_full()
            {
                let ends_s = Some(second + 60 * minutes);
                let (line, id) = (self.index, FaultId(second));
                let instrument = None;
                self.book.open(Fault { id, line, kind, instrument, severity, begins_s: second, ends_s, active: false });
            }
        }
        self.book.step(second);
        let effects = self.book.effects(self.index, second);
        self.line.step(second, at, effects, pending);
        self.seconds = second + 1;
    }
}
