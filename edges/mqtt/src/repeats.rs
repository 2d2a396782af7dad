//! What was taken, and may be sent again because its acknowledgement was lost with the connection.

use crate::link::Heard;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Messages that are remembered. A broker has fewer under way: what it sends again is among its last ones. Packet numbers
/// begin anew after 65 535, so that a number that is remembered was given once.
const MOST: usize = 10_000;

/// Holds within one session and one run. After a crash of Lehr the broker sends again what was not acknowledged; such a
/// reading is the same reading by its time, where the payload says one.
#[derive(Debug, Default)]
pub struct Repeats {
    taken: HashMap<u16, u64>,
    order: VecDeque<u16>,
}

fn digest(message: &Heard) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&message.topic, &message.payload).hash(&mut hasher);
    hasher.finish()
}

impl Repeats {
    /// The broker has forgotten the session, and gives packet numbers anew.
    pub fn forget(&mut self) {
        self.taken.clear();
        self.order.clear();
    }

    /// Whether the message is one that was taken already. Only a message that the broker itself marks as sent again can be.
    pub fn was_taken(&self, message: &Heard) -> bool {
        message.reliable && message.repeated && self.taken.get(&message.packet) == Some(&digest(message))
    }

    /// A message that is about to be taken.
    pub fn note(&mut self, message: &Heard) {
        if !message.reliable {
            return;
        }
        if self.taken.insert(message.packet, digest(message)).is_some() {
            self.order.retain(|packet| *packet != message.packet);
        }
        self.order.push_back(message.packet);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.taken.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(packet: u16, payload: &'static str, repeated: bool) -> Heard {
        Heard { topic: "t".into(), payload: payload.into(), repeated, retained: false, packet, reliable: true }
    }

    #[test]
    fn only_what_was_taken_and_is_sent_again_is_a_repeat() {
        let mut repeats = Repeats::default();
        repeats.note(&message(5, "a", false));
        assert!(repeats.was_taken(&message(5, "a", true)));
        assert!(!repeats.was_taken(&message(5, "a", false)), "a new message under an old number");
        assert!(!repeats.was_taken(&message(5, "b", true)), "another message that was never taken");
        assert!(!repeats.was_taken(&message(6, "a", true)));
        repeats.forget();
        assert!(!repeats.was_taken(&message(5, "a", true)));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut repeats = Repeats::default();
        for round in 0..3 {
            for packet in 1..=u16::MAX {
                repeats.note(&message(packet, "a", false));
            }
            assert_eq!((repeats.taken.len(), repeats.order.len()), (MOST, MOST), "round {round}");
        }
        assert!(repeats.was_taken(&message(u16::MAX, "a", true)) && !repeats.was_taken(&message(1, "a", true)));
    }
}
