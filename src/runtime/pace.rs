//! How far ticks may run ahead of the screens.
//!
//! A tick costs a fixed amount whatever it holds: an fsync, a turn of every operator, a snapshot, a frame. If a
//! tick closed whenever the one before was durable, a loaded system would make ticks at the pace of the disk, the
//! stages behind would fill with tiny ticks, and each reading would wait for all of them. So a tick closes only
//! while fewer than [`UNDER_WAY_MOST`] are between the journal and the screens; what arrives meanwhile shares the
//! next one. Ticks thereby grow with the load to what the stages take together, and a reading waits for two of
//! them at most. An idle system closes a tick at once.
//!
//! With one tick under way the next is made durable meanwhile. With two, more of the stages' work overlaps; at 200,000
//! readings a second on two cores that made no more room, and every reading waited for a tick more (99 of 100 came
//! within 55 ms instead of 45).

use std::sync::{Condvar, Mutex, MutexGuard};

/// Ticks between journal and screens.
pub const UNDER_WAY_MOST: usize = 1;

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    ended: bool,
}

/// Counts the ticks under way.
#[derive(Debug, Default)]
pub struct Pace {
    state: Mutex<State>,
    changed: Condvar,
}

impl Pace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while they count ticks")
    }

    /// Waits until one more tick may close; `false` when nobody publishes any more.
    pub fn wait(&self) -> bool {
        self.wait_below(UNDER_WAY_MOST)
    }

    /// Waits until fewer than `most` ticks are under way; `false` when nobody publishes any more.
    pub fn wait_below(&self, most: usize) -> bool {
        let state = self.changed.wait_while(self.state(), |state| !state.ended && state.under_way >= most);
        !state.expect("nobody panics while they count ticks").ended
    }

    /// A tick is on its way.
    pub fn begin(&self) {
        self.state().under_way += 1;
    }

    /// A tick is published.
    pub fn finish(&self) {
        self.state().under_way -= 1;
        self.changed.notify_one();
    }

    /// Nothing is published from now on.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_tick_waits_while_enough_are_under_way() {
        let pace = Arc::new(Pace::default());
        for _ in 0..UNDER_WAY_MOST {
            assert!(pace.wait());
            pace.begin();
        }
        let waiting = std::thread::spawn({
            let pace = pace.clone();
            move || pace.wait()
        });
        pace.finish();
        assert!(waiting.join().unwrap());
        pace.begin();
        let waiting = std::thread::spawn({
            let pace = pace.clone();
            move || pace.wait()
        });
        pace.end();
        assert!(!waiting.join().unwrap(), "who waits is told that it was in vain");
    }
}
