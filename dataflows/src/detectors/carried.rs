//! What a sensor's checks remember of panes that left by retention: what stands between a restart from the rows
//! that are there and the answers that would have been given without it.

use super::Pane;
use crate::runs::Phase;
use lehr_domain::{EventMs, RuleId};
use serde::{Deserialize, Serialize};

/// One thing remembered of a sensor. The carried rows of a sensor, together with the rows that are there, make
/// its whole state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Carried {
    /// Panes up to this start have left.
    Departed(EventMs),
    /// A pane that left and on which later verdicts look back.
    Context(Pane),
    /// One of the first panes with good readings, no longer among the context: normal is estimated from them.
    First(Pane),
    /// Where a rule stood after the last pane that left.
    Rule(RuleId, EventMs, Phase),
}

impl Carried {
    pub fn kind(&self) -> &'static str {
        match self {
            Carried::Departed(_) => "departed",
            Carried::Context(_) => "context",
            Carried::First(_) => "first",
            Carried::Rule(..) => "rule",
        }
    }

    pub fn at(&self) -> EventMs {
        match self {
            Carried::Departed(at) | Carried::Rule(_, at, _) => *at,
            Carried::Context(pane) | Carried::First(pane) => pane.start,
        }
    }
}
