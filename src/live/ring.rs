//! The changes of the last ticks.

use lehr_dataflows::tables::Changes;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Tick};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Ticks held. At 20 ticks a second that is 50 s, longer than a reconnect takes.
pub const TICKS_MOST: usize = 1024;
/// Bytes held, by estimate; the last tick is held whatever its size.
pub const BYTES_MOST: usize = 64 << 20;
/// Bytes of a changed row, by estimate: most are panes.
const ROW_BYTES: usize = 256;

/// One closed tick. Not its snapshot, which would keep whole tables in memory.
#[derive(Clone)]
pub struct Frame {
    pub tick: Tick,
    pub now: EventMs,
    pub names: Arc<Names>,
    pub changes: Arc<Changes>,
    /// When it came here, for the time to the socket.
    pub published: Instant,
}

/// Ticks ascend; those after `floor` are complete.
#[derive(Default)]
pub struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
    floor: Tick,
}

impl Ring {
    /// Forgets everything: what happened up to `floor` can only be had from a snapshot.
    pub fn restart(&mut self, floor: Tick) {
        self.frames.clear();
        self.bytes = 0;
        self.floor = self.floor.max(floor);
    }

    pub fn push(&mut self, frame: Frame) {
        // Ticks that the start or a gap skipped may still be on their way.
        if frame.tick <= self.head() {
            return;
        }
        self.bytes += bytes(&frame);
        self.frames.push_back(frame);
        while self.frames.len() > TICKS_MOST || (self.bytes > BYTES_MOST && self.frames.len() > 1) {
            let Some(left) = self.frames.pop_front() else { break };
            self.bytes -= bytes(&left);
            self.floor = left.tick;
        }
    }

    /// The newest tick.
    pub fn head(&self) -> Tick {
        self.frames.back().map_or(self.floor, |frame| frame.tick)
    }

    /// The ticks after `seen`, or `None` when some of them are gone.
    pub fn since(&self, seen: Tick) -> Option<Vec<Frame>> {
        if seen < self.floor {
            return None;
        }
        let first = self.frames.partition_point(|frame| frame.tick <= seen);
        Some(self.frames.range(first..).cloned().collect())
    }
}

fn bytes(frame: &Frame) -> usize {
    frame.changes.len() * ROW_BYTES + size_of::<Frame>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_dataflows::tables::ClockRow;
    use lehr_domain::LineId;

    fn frame(tick: u64, rows: usize) -> Frame {
        let row = ClockRow { production_line: LineId(0), at: EventMs(0) };
        let changes = Changes { clocks: vec![(row, 1); rows], ..Changes::default() };
        Frame {
            tick: Tick(tick),
            now: EventMs(0),
            names: Arc::default(),
            changes: Arc::new(changes),
            published: Instant::now(),
        }
    }

    fn ticks(ring: &Ring, seen: u64) -> Option<Vec<u64>> {
        Some(ring.since(Tick(seen))?.iter().map(|frame| frame.tick.0).collect())
    }

    #[test]
    fn a_cursor_within_the_ring_gets_what_it_missed() {
        let mut ring = Ring::default();
        ring.restart(Tick(10));
        for tick in [9, 10, 11, 12, 12, 14] {
            ring.push(frame(tick, 1));
        }
        assert_eq!(ticks(&ring, 9), None, "tick 10 is only in the snapshot");
        assert_eq!(ticks(&ring, 10), Some(vec![11, 12, 14]));
        assert_eq!(ticks(&ring, 13), Some(vec![14]));
        assert_eq!(ticks(&ring, 99), Some(vec![]));
    }

    #[test]
    fn the_ring_is_bounded_in_ticks_and_bytes() {
        let mut ring = Ring::default();
        for tick in 1..=TICKS_MOST as u64 + 5 {
            ring.push(frame(tick, 1));
        }
        assert_eq!(ring.frames.len(), TICKS_MOST);
        assert_eq!(ticks(&ring, 4), None);
        assert_eq!(ticks(&ring, 5).unwrap().len(), TICKS_MOST);
        ring.push(frame(5000, BYTES_MOST / ROW_BYTES));
        assert_eq!(ticks(&ring, 4999), Some(vec![5000]), "the newest is held whatever its size");
        assert_eq!(ring.frames.len(), 1);
    }

    #[test]
    fn after_a_gap_everybody_starts_from_a_snapshot() {
        let mut ring = Ring::default();
        ring.push(frame(1, 1));
        ring.restart(Tick(7));
        ring.push(frame(6, 1));
        ring.push(frame(8, 1));
        assert_eq!(ticks(&ring, 6), None);
        assert_eq!(ticks(&ring, 7), Some(vec![8]));
    }
}
