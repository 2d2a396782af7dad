//! The numbers of a subscription's notifications: in order, nothing twice, and what is missing is known.

/// Notifications that are asked for again at once. More than that is lost anyway: servers keep few.
pub(crate) const AGAIN_MOST: u32 = 1000;

/// What is to be done about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Next,
    /// Was taken before.
    Before,
    /// Numbers `from` on, so many of them, have not come.
    After {
        from: u32,
        missing: u32,
    },
}

/// Numbers begin at 1; after the greatest comes 1 again (Part 4, 7.21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    last: u32,
}

impl Sequence {
    /// Of a notification that has come, or that a keep-alive says comes next.
    pub(crate) fn arrival(self, number: u32) -> Arrival {
        let expected = successor(self.last);
        // There is no 0, which makes the circle one shorter than that of u32.
        let ahead = if number >= expected { number - expected } else { (u32::MAX - expected).wrapping_add(number) };
        match ahead {
            0 => Arrival::Next,
            1..0x8000_0000 => Arrival::After { from: expected, missing: ahead },
            _ => Arrival::Before,
        }
    }

    pub(crate) fn took(&mut self, number: u32) {
        self.last = number;
    }
}

pub(crate) fn successor(number: u32) -> u32 {
    number.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(last: u32, number: u32) -> Arrival {
        let mut sequence = Sequence::default();
        sequence.took(last);
        sequence.arrival(number)
    }

    #[test]
    fn gaps_and_repeats_are_seen_also_around_the_end() {
        assert_eq!(Sequence::default().arrival(1), Arrival::Next);
        assert_eq!(after(5, 6), Arrival::Next);
        assert_eq!(after(5, 5), Arrival::Before);
        assert_eq!(after(5, 9), Arrival::After { from: 6, missing: 3 });
        assert_eq!(after(u32::MAX, 1), Arrival::Next);
        assert_eq!(after(u32::MAX - 1, 2), Arrival::After { from: u32::MAX, missing: 2 });
        assert_eq!(after(2, u32::MAX), Arrival::Before);
    }

    proptest! {
        /// Whatever is repeated and left out: what is taken is in order, once, and with what was missing it is whole.
        #[test]
        fn taken_and_missing_are_everything_once(start in any::<u32>(), steps in prop::collection::vec(0..4_u32, 1..50)) {
            let (mut sequence, mut sent, mut whole) = (Sequence::default(), start.max(1), Vec::new());
            sequence.took(sent);
            let first = sent;
            for step in steps {
                (0..step).for_each(|_| sent = successor(sent));
                match sequence.arrival(sent) {
                    Arrival::Before => prop_assert_eq!(step, 0),
                    arrival => {
                        if let Arrival::After { mut from, missing } = arrival {
                            for _ in 0..missing {
                                whole.push(from);
                                from = successor(from);
                            }
                        }
                        whole.push(sent);
                        sequence.took(sent);
                    }
                }
            }
            let mut expected = Vec::new();
            let mut number = first;
            while number != sent {
                number = successor(number);
                expected.push(number);
            }
            prop_assert_eq!(whole, expected);
        }
    }
}
