use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// A queue with a bound, between callers who may wait only so long and workers who wait for ever.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    work: Condvar,
    most: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(most: usize) -> Self {
        let state = State { waiting: VecDeque::with_capacity(most), closed: false };
        Queue { state: Mutex::new(state), room: Condvar::new(), work: Condvar::new(), most }
    }

    /// Whether there was room before the deadline.
    pub fn push(&self, item: T, deadline: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.waiting.len() >= self.most {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting.push_back(item);
        self.work.notify_one();
        true
    }

    /// The next item; none when the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(item) = state.waiting.pop_front() {
                self.room.notify_one();
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets workers go once they have done what waits.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_so_much_and_gives_it_in_order() {
        let queue = Queue::new(2);
        let now = Instant::now();
        assert!(queue.push(1, now) && queue.push(2, now));
        assert!(!queue.push(3, now));
        assert_eq!(queue.pop(), Some(1));
        assert!(queue.push(4, now));
        queue.close();
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(2), Some(4), None]);
    }

    #[test]
    fn who_waits_for_room_or_work_is_woken() {
        let queue = Queue::new(1);
        let far = Instant::now() + std::time::Duration::from_secs(600);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..1000).for_each(|item| assert!(queue.push(item, far))));
            let taken = scope.spawn(|| (0..1000).filter_map(|_| queue.pop()).collect::<Vec<_>>());
            assert_eq!(taken.join().unwrap(), (0..1000).collect::<Vec<_>>());
        });
    }
}
