//! Closed panes of a modelled sensor, as the twin of its line is told them.
//!
//! The newest pane changes with every tick and is looked at when it is closed: until then it is withheld. What was told
//! once is kept true from then on, also when the clock falls; the twin itself looks at what is closed alone.

use super::seen::Seen;
use super::{Found, Pane, Row};
use crate::Diff;
use crate::twin::{MINUTE, Value};
use lehr_domain::{EventMs, LineId, Micro};

#[derive(Default)]
pub struct Closed {
    modelled: Option<(LineId, u8)>,
    /// Panes that begin before this were told.
    until: Option<EventMs>,
}

impl Closed {
    pub fn is_empty(&self) -> bool {
        self.modelled.is_none()
    }

    fn tell(&self, pane: &Pane, diff: Diff, out: &mut Vec<(Found, Diff)>) {
        let Some((line, place)) = self.modelled.filter(|_| pane.is_good()) else { return };
        let value = Value { mean: pane.mean, range: Micro(pane.spread()), n: pane.n };
        out.push((Found::Closed((line, pane.start, place, value)), diff));
    }

    fn tell_all(&self, seen: &Seen, diff: Diff, out: &mut Vec<(Found, Diff)>) {
        let Some(until) = self.until else { return };
        seen.live(EventMs::MIN).take_while(|pane| pane.start < until).for_each(|pane| self.tell(pane, diff, out));
    }

    /// Before the changes reach `seen`: what was told and is so no longer. Whether all is to be told anew.
    pub fn retract(&self, seen: &Seen, changes: &[(Row, Diff)], out: &mut Vec<(Found, Diff)>) -> bool {
        let anew = changes.iter().any(|(row, _)| matches!(row, Row::Modelled(..)));
        if anew {
            self.tell_all(seen, -1, out);
            return true;
        }
        for (row, diff) in changes {
            if let Row::Pane(pane) = row
                && Some(pane.start) < self.until
            {
                self.tell(pane, *diff, out);
            }
        }
        false
    }

    /// After the changes reached `seen`: what is new.
    pub fn assert(&mut self, seen: &Seen, changes: &[(Row, Diff)], anew: bool, out: &mut Vec<(Found, Diff)>) {
        let before = self.until;
        self.until = self.until.max(seen.clock.map(|clock| clock.floor(MINUTE) - MINUTE));
        if anew {
            self.modelled = changes.iter().filter(|(_, diff)| *diff > 0).find_map(|(row, _)| match row {
                Row::Modelled(line, place) => Some((*line, *place)),
                _ => None,
            });
            self.tell_all(seen, 1, out);
        } else if before < self.until && self.modelled.is_some() {
            let fresh = seen.live(before.unwrap_or(EventMs::MIN));
            let until = self.until;
            fresh.take_while(|pane| Some(pane.start) < until).for_each(|pane| self.tell(pane, 1, out));
        }
    }
}
