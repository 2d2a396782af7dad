//! When a device is asked.

use std::time::Duration;
use tokio::time::Instant;

/// Instants a fixed interval apart. One that has passed is missed, not made up for: polls never pile up.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    due: Instant,
    every: Duration,
}

impl Schedule {
    /// `every` is above zero.
    pub fn new(first: Instant, every: Duration) -> Schedule {
        debug_assert!(!every.is_zero());
        Schedule { due: first, every }
    }

    pub fn due(&self) -> Instant {
        self.due
    }

    /// A poll begins. Says how many were due before it and are missed.
    pub fn begin(&mut self, now: Instant) -> u64 {
        let passed = self.whole(now);
        self.due += self.every.saturating_mul(passed) + self.every;
        u64::from(passed)
    }

    /// No poll begins before `then`. Says how many are missed for it.
    pub fn hold(&mut self, then: Instant) -> u64 {
        let mut passed = self.whole(then);
        let due = self.due + self.every.saturating_mul(passed);
        if due < then {
            passed += 1;
        }
        self.due += self.every.saturating_mul(passed);
        u64::from(passed)
    }

    /// Whole intervals from when one is due to `then`.
    fn whole(&self, then: Instant) -> u32 {
        let late = then.saturating_duration_since(self.due).as_nanos();
        u32::try_from(late / self.every.as_nanos().max(1)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    proptest! {
        /// Whatever a device takes, each instant is polled or missed, and none is due in the past.
        #[test]
        fn each_instant_is_polled_or_missed(takes in prop::collection::vec((0..5000_u64, 0..3000_u64), 1..50), every in 1..1000_u64) {
            let start = Instant::now();
            let (mut schedule, mut now, mut counted) = (Schedule::new(start, ms(every)), start, 0);
            for (took, hold) in takes {
                now = now.max(schedule.due());
                counted += 1 + schedule.begin(now);
                prop_assert!(schedule.due() > now);
                now += ms(took);
                counted += schedule.hold(now + ms(hold));
                prop_assert!(schedule.due() >= now + ms(hold));
                let due = schedule.due() - start;
                prop_assert_eq!(due, ms(every) * u32::try_from(counted).unwrap(), "on the grid, and nothing uncounted");
            }
        }
    }

    #[test]
    fn a_slow_poll_costs_those_that_were_due_meanwhile() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, ms(100));
        assert_eq!(schedule.begin(start), 0);
        assert_eq!(schedule.begin(start + ms(350)), 2, "at 100 and 200; the one at 300 is polled late");
        assert_eq!(schedule.due(), start + ms(400));
        assert_eq!(schedule.hold(start + ms(1000)), 6);
        assert_eq!(schedule.due(), start + ms(1000));
    }
}
