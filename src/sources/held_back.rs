//! Pictures whose events wait outside of ticks until somebody has looked at them, so that no tick is held for that.
//!
//! A unit is told of at once, and its picture a moment later. Whoever ends before that leaves a picture that no event
//! names, as a crash between the two does.

use crate::pictures::PictureStore;
use lehr_domain::Event;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pictures that are held back at once: some seconds of work. Further ones are named at once, and their ticks wait, so
/// that whoever takes more pictures than can be looked at is held up as by any other work.
const HELD_MOST: usize = 200;
/// How long one is held back at most.
const HELD_FOR: Duration = Duration::from_secs(5);

/// Of a source that takes one picture a unit: a second one of the same unit might be told before the first.
#[derive(Debug)]
pub struct HeldBack {
    store: Arc<PictureStore>,
    /// Oldest first.
    waiting: VecDeque<(Instant, Event)>,
}

impl HeldBack {
    pub fn new(store: Arc<PictureStore>) -> HeldBack {
        HeldBack { store, waiting: VecDeque::new() }
    }

    /// Takes out of `events` those of pictures that are still to be looked at, and puts back those of earlier ones that
    /// are not any more.
    pub fn sift(&mut self, events: &mut Vec<Event>, now: Instant) {
        let mut ready = Vec::new();
        for (since, event) in std::mem::take(&mut self.waiting) {
            match self.is_pending(&event) && now.saturating_duration_since(since) < HELD_FOR {
                true => self.waiting.push_back((since, event)),
                false => ready.push(event),
            }
        }
        for event in std::mem::take(events) {
            match self.waiting.len() < HELD_MOST && self.is_pending(&event) {
                true => self.waiting.push_back((now, event)),
                false => events.push(event),
            }
        }
        events.append(&mut ready);
    }

    /// Those that are held back still.
    pub fn rest(self) -> Vec<Event> {
        self.waiting.into_iter().map(|(_, event)| event).collect()
    }

    fn is_pending(&self, event: &Event) -> bool {
        matches!(event, Event::Picture(picture) if self.store.is_pending(picture.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{Bound, Looked, Pictures, Viewer};
    use lehr_domain::picture::{Content, Picture};
    use lehr_domain::{EventMs, LineId, UnitId};
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    /// Looks at nothing until it is told to.
    #[derive(Debug, Default)]
    struct Idle(Mutex<BTreeSet<Content>>);

    impl Viewer for Idle {
        fn expect(&self, content: Content) {
            self.0.lock().unwrap().insert(content);
        }

        fn is_pending(&self, content: Content) -> bool {
            self.0.lock().unwrap().contains(&content)
        }

        fn settle(&self, _: Content, _: Duration) {}

        fn looked(&self) -> Looked {
            Looked::default()
        }
    }

    fn content(number: u16) -> Content {
        let mut bytes = [0; Content::BYTES];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Content(bytes)
    }

    fn picture(number: u16) -> Event {
        let unit = UnitId(u64::from(number));
        Event::Picture(Picture { unit, line: LineId(0), at: EventMs(0), content: content(number) })
    }

    fn other() -> Event {
        Event::Line(LineId(0), "Line_A".into())
    }

    fn held_back(idle: &Arc<Idle>) -> (HeldBack, tempfile::TempDir) {
        let data = tempfile::tempdir().unwrap();
        let store = PictureStore::open(Pictures::of(data.path()), Bound::default()).unwrap();
        (HeldBack::new(Arc::new(store.with_viewer(idle.clone()))), data)
    }

    #[test]
    fn a_picture_is_told_of_once_it_was_looked_at_or_has_waited_long() {
        let idle = Arc::new(Idle::default());
        let (mut held, _data) = held_back(&idle);
        let begun = Instant::now();
        [1, 2].into_iter().for_each(|number| idle.expect(content(number)));
        let mut sift = |events: &[Event], after: Duration| {
            let mut events = events.to_vec();
            held.sift(&mut events, begun + after);
            events
        };
        let seconds = Duration::from_secs;
        let told = sift(&[picture(1), other(), picture(2), picture(3)], seconds(0));
        assert_eq!(told, [other(), picture(3)], "nobody is to look at the third");
        idle.0.lock().unwrap().remove(&content(2));
        assert_eq!(sift(&[other()], seconds(1)), [other(), picture(2)]);
        assert_eq!(sift(&[], HELD_FOR - seconds(1)), []);
        assert_eq!(sift(&[], HELD_FOR), [picture(1)]);
        assert_eq!(held.rest(), []);
    }

    #[test]
    fn so_many_are_held_back_and_the_others_are_told_at_once() {
        let idle = Arc::new(Idle::default());
        let (mut held, _data) = held_back(&idle);
        let all: Vec<Event> = (0..300).map(picture).collect();
        (0..300).for_each(|number| idle.expect(content(number)));
        let mut events = all.clone();
        held.sift(&mut events, Instant::now());
        assert_eq!(events, all[HELD_MOST..]);
        assert_eq!(held.rest(), all[..HELD_MOST]);
    }
}
