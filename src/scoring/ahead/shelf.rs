//! What waits to be looked at, what is under way, and what was found: a cache with bounds.

use crate::pictures::Looked;
use lehr_dataflows::inspections::Found;
use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much there is room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Pictures that wait. Further ones are passed over.
    pub waiting: usize,
    /// Answers that are kept. The oldest leave.
    pub found: usize,
}

impl Default for Room {
    /// Some seconds of work; an hour of pictures of three lines, 300 bytes each at most.
    fn default() -> Room {
        Room { waiting: 256, found: 2_700 }
    }
}

type Key = (Content, ModelVersion);

#[derive(Debug)]
enum Slot {
    Waiting,
    UnderWay,
    Found(Found),
}

#[derive(Debug, Default)]
struct Held {
    slots: BTreeMap<Key, Slot>,
    /// The slots that wait, oldest first.
    waiting: VecDeque<Key>,
    /// The slots with an answer, oldest first.
    found: VecDeque<Key>,
    closed: bool,
    looked: Looked,
}

/// Between those who see pictures come, those who look at them, and the graph that asks.
#[derive(Debug, Default)]
pub struct Shelf {
    room: Room,
    held: Mutex<Held>,
    /// A picture waits, or the shelf is closed.
    work: Condvar,
    /// A picture is no longer under way, or waits no longer.
    settled: Condvar,
}

/// What becomes of a picture that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Found(Found),
    /// It will be found soon: see [`Shelf::wait`].
    UnderWay,
    /// Whoever asks has to look.
    Unseen,
}

impl Shelf {
    #[cfg(test)]
    pub fn with_room(room: Room) -> Shelf {
        Shelf { room, ..Shelf::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change of it is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A picture that will be asked for. Passed over when too many wait.
    pub fn expect(&self, content: Content, version: ModelVersion) {
        let mut held = self.held();
        if held.slots.contains_key(&(content, version)) {
            return;
        }
        if held.waiting.len() >= self.room.waiting {
            held.looked.passed_over += 1;
            return;
        }
        held.slots.insert((content, version), Slot::Waiting);
        held.waiting.push_back((content, version));
        self.work.notify_one();
    }

    /// The next picture to look at, which is under way from now on; `None` once the shelf is closed.
    pub fn next(&self) -> Option<Key> {
        let mut held = self.held();
        loop {
            if held.closed {
                return None;
            }
            if let Some(key) = held.waiting.pop_front() {
                held.slots.insert(key, Slot::UnderWay);
                return Some(key);
            }
            held = self.work.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was found on a picture that was under way; `None` where that failed.
    pub fn put(&self, content: Content, version: ModelVersion, found: Option<Found>) {
        let (mut held, key) = (self.held(), (content, version));
        match found {
            Some(found) => {
                held.looked.ahead += 1;
                held.slots.insert(key, Slot::Found(found));
                held.found.push_back(key);
            }
            None => drop(held.slots.remove(&key)),
        }
        while held.found.len() > self.room.found {
            if let Some(oldest) = held.found.pop_front() {
                held.slots.remove(&oldest);
            }
        }
        self.settled.notify_all();
    }

    /// What there is of pictures that are asked for. One that waits leaves the shelf: whoever asks is the next to look.
    pub fn claim(&self, version: ModelVersion, contents: &[Content]) -> Vec<Claim> {
        let held = &mut *self.held();
        let claim = |content: &Content| {
            let key = (*content, version);
            match held.slots.get(&key) {
                Some(Slot::Found(found)) => Claim::Found(found.clone()),
                Some(Slot::UnderWay) => Claim::UnderWay,
                Some(Slot::Waiting) => {
                    held.slots.remove(&key);
                    Claim::Unseen
                }
                None => Claim::Unseen,
            }
        };
        let claims = contents.iter().map(claim).collect();
        let Held { slots, waiting, .. } = held;
        let before = waiting.len();
        waiting.retain(|key| slots.contains_key(key));
        if waiting.len() < before {
            self.settled.notify_all();
        }
        claims
    }

    /// What is found on a picture that is under way; `None` where that fails. A run of a model is bounded, and so is this.
    pub fn wait(&self, content: Content, version: ModelVersion) -> Option<Found> {
        let mut held = self.held();
        loop {
            match held.slots.get(&(content, version)) {
                Some(Slot::UnderWay) => {}
                Some(Slot::Found(found)) => return Some(found.clone()),
                Some(Slot::Waiting) | None => return None,
            }
            held = self.settled.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a picture is still to be looked at, or under way.
    pub fn is_pending(&self, content: Content) -> bool {
        self.held().is_pending(content)
    }

    /// Waits until a picture is pending no longer, or so long at most.
    pub fn settle(&self, content: Content, patience: Duration) {
        let (mut held, begun) = (self.held(), Instant::now());
        while held.is_pending(content) {
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            held = self.settled.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn looked(&self) -> Looked {
        self.held().looked
    }

    /// Lets those who look go once they have done what is under way.
    #[cfg(test)]
    pub fn close(&self) {
        self.held().closed = true;
        self.work.notify_all();
    }
}

impl Held {
    fn is_pending(&self, content: Content) -> bool {
        let from_it_on = self.slots.range((content, ModelVersion::default())..);
        let mut of_it = from_it_on.take_while(|((other, _), _)| *other == content);
        of_it.any(|(_, slot)| !matches!(slot, Slot::Found(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::PerMille;
    use lehr_domain::unit::{Defect, DefectType};

    const VERSION: ModelVersion = ModelVersion { major: 1, minor: 0, patch: 0 };
    const OTHER: ModelVersion = ModelVersion { major: 1, minor: 0, patch: 1 };

    fn content(number: u8) -> Content {
        Content([number; Content::BYTES])
    }

    fn found(number: u8) -> Found {
        let score = PerMille(i32::from(number));
        Found::of(vec![Defect { defect: DefectType::Crack, score, bounds: [1, 2, 3, 4] }])
    }

    fn shelf(waiting: usize, found: usize) -> Shelf {
        Shelf::with_room(Room { waiting, found })
    }

    #[test]
    fn what_was_looked_at_is_taken_and_what_waits_is_taken_back() {
        let shelf = shelf(8, 8);
        (1..=3).for_each(|number| shelf.expect(content(number), VERSION));
        shelf.expect(content(1), VERSION);
        assert_eq!(shelf.next(), Some((content(1), VERSION)), "once, and the oldest first");
        assert_eq!(shelf.next(), Some((content(2), VERSION)));
        shelf.put(content(1), VERSION, Some(found(1)));
        let claimed = shelf.claim(VERSION, &[1, 2, 3, 4].map(content));
        assert_eq!(claimed, [Claim::Found(found(1)), Claim::UnderWay, Claim::Unseen, Claim::Unseen]);
        assert_eq!(shelf.claim(OTHER, &[content(1)]), [Claim::Unseen], "another version says something else");
        assert_eq!([1, 2, 3].map(|number| shelf.is_pending(content(number))), [false, true, false]);
        shelf.expect(content(5), VERSION);
        assert_eq!(shelf.next(), Some((content(5), VERSION)), "who asked for the third one looks at it");
        shelf.close();
        assert_eq!(shelf.next(), None);
        shelf.put(content(2), VERSION, Some(found(2)));
        assert_eq!(shelf.wait(content(2), VERSION), Some(found(2)));
        assert_eq!(shelf.claim(VERSION, &[content(1)]), [Claim::Found(found(1))], "it stays for whoever asks again");
    }

    #[test]
    fn what_there_is_no_room_for_is_passed_over() {
        let shelf = shelf(2, 2);
        (1..=4).for_each(|number| shelf.expect(content(number), VERSION));
        assert_eq!((shelf.looked(), shelf.is_pending(content(3))), (Looked { ahead: 0, passed_over: 2 }, false));
        for number in [1, 2] {
            assert_eq!(shelf.next(), Some((content(number), VERSION)));
            shelf.put(content(number), VERSION, Some(found(number)));
        }
        shelf.expect(content(5), VERSION);
        assert_eq!(shelf.next(), Some((content(5), VERSION)));
        shelf.put(content(5), VERSION, Some(found(5)));
        let claimed = shelf.claim(VERSION, &[1, 2, 5].map(content));
        assert_eq!(claimed, [Claim::Unseen, Claim::Found(found(2)), Claim::Found(found(5))], "the oldest has left");
    }

    #[test]
    fn what_failed_is_looked_at_by_whoever_asks() {
        let shelf = shelf(2, 2);
        shelf.expect(content(1), VERSION);
        shelf.next();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| shelf.wait(content(1), VERSION));
            let settling = scope.spawn(|| shelf.settle(content(1), Duration::from_secs(600)));
            shelf.put(content(1), VERSION, None);
            assert_eq!(waiting.join().unwrap(), None);
            settling.join().unwrap();
        });
        assert_eq!(shelf.claim(VERSION, &[content(1)]), [Claim::Unseen]);
        shelf.expect(content(1), VERSION);
        assert!(shelf.is_pending(content(1)), "it may be tried again");
        shelf.settle(content(1), Duration::ZERO);
    }
}
