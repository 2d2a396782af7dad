//! Tags merged into few reads, and reads cut where a device refuses them.

use crate::register::Table;
use crate::value::Place;
use lehr_tags::Backoff;
use std::fmt;
use tokio::time::Instant;

/// Most registers of one read: an answer is at most 253 bytes.
pub const REGISTERS_MOST: u16 = 125;
/// Most bits of one read.
pub const BITS_MOST: u16 = 2000;

/// What one read may span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub registers: u16,
    pub bits: u16,
    /// Registers nobody wants that are read to save a request; sixteen times as many bits.
    pub gap: u16,
}

impl Limits {
    fn of(&self, table: Table) -> (u32, u32) {
        let (most, gap) =
            if table.is_bits() { (self.bits, self.gap.saturating_mul(16)) } else { (self.registers, self.gap) };
        (u32::from(most), u32::from(gap))
    }
}

/// Adjacent addresses of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    pub table: Table,
    pub start: u16,
    pub count: u16,
}

impl fmt::Display for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (u32::from(self.start), u32::from(self.start) + u32::from(self.count) - 1);
        write!(out, "{}:{first} to {last}", self.table.name())
    }
}

/// One read and the tags that live on it.
#[derive(Clone, Debug)]
pub struct Piece {
    pub read: Read,
    /// Positions of tags, by address.
    pub tags: Vec<usize>,
    /// After a refusal it is not read before this.
    pub not_before: Option<Instant>,
    pub backoff: Backoff,
}

impl Piece {
    fn new(tags: Vec<usize>, places: &[Place]) -> Piece {
        let spans = tags.iter().map(|&tag| places[tag].span());
        let (start, end) = spans.fold((u32::MAX, 0), |(start, end), span| (start.min(span.0), end.max(span.1)));
        let table = places[tags[0]].register.table;
        // A place starts at 65535 at most, and a plan ends no read beyond its limit of 2000.
        let read = Read { table, start: start as u16, count: (end - start) as u16 };
        Piece { read, tags, not_before: None, backoff: Backoff::default() }
    }

    pub fn waits(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|until| now < until)
    }

    /// Two reads in place of one that the device refuses, cut at the widest hole between tags or else in the middle, so
    /// that what is refused is soon alone. None of a single tag.
    pub fn cut(&self, places: &[Place]) -> Option<[Piece; 2]> {
        if self.tags.len() < 2 {
            return None;
        }
        let mut end = 0;
        let mut widest = (0, self.tags.len() / 2);
        for (position, &tag) in self.tags.iter().enumerate() {
            let span = places[tag].span();
            let hole = if position == 0 { 0 } else { span.0.saturating_sub(end) };
            if hole > widest.0 {
                widest = (hole, position);
            }
            end = end.max(span.1);
        }
        let (before, after) = self.tags.split_at(widest.1);
        Some([before, after].map(|tags| Piece::new(tags.to_vec(), places)))
    }
}

/// As few reads as the limits allow, each tag in exactly one.
pub fn plan(places: &[Place], limits: Limits) -> Vec<Piece> {
    let mut by_address: Vec<usize> = (0..places.len()).collect();
    by_address.sort_by_key(|&tag| (places[tag].register.table, places[tag].span()));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // Of the group that grows: its table, where it starts and ends.
    let mut grows: Option<(Table, u32, u32)> = None;
    for tag in by_address {
        let (table, (from, to)) = (places[tag].register.table, places[tag].span());
        let (most, gap) = limits.of(table);
        let joined = grows.filter(|&(of, start, end)| of == table && to.max(end) - start <= most && from <= end + gap);
        match (joined, groups.last_mut()) {
            (Some((_, start, end)), Some(group)) => {
                group.push(tag);
                grows = Some((table, start, end.max(to)));
            }
            _ => {
                groups.push(vec![tag]);
                grows = Some((table, from, to));
            }
        }
    }
    groups.into_iter().map(|tags| Piece::new(tags, places)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::Register;
    use crate::value::{Kind, Order};
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { registers: REGISTERS_MOST, bits: BITS_MOST, gap: 8 };

    fn place(table: Table, address: u16, kind: Kind) -> Place {
        Place { register: Register { table, address }, kind, word_order: Order::Big, byte_order: Order::Big }
    }

    fn holding(addresses: &[u16]) -> Vec<Place> {
        addresses.iter().map(|&address| place(Table::Holding, address, Kind::F32)).collect()
    }

    fn spans(pieces: &[Piece]) -> Vec<(u16, u16)> {
        pieces.iter().map(|piece| (piece.read.start, piece.read.count)).collect()
    }

    fn any_place() -> impl Strategy<Value = Place> {
        let bits = (0..2_usize, 0..3000_u16).prop_map(|(table, address)| place(Table::ALL[table], address, Kind::Bool));
        let near = (2..4_usize, 0..1000_u16, 0..8_usize);
        let far = (2..4_usize, 0..=65_532_u16, 0..8_usize);
        let words = prop_oneof![near, far]
            .prop_map(|(table, address, kind)| place(Table::ALL[table], address, Kind::REGISTERS[kind]));
        prop_oneof![1 => bits, 3 => words]
    }

    fn any_limits() -> impl Strategy<Value = Limits> {
        (4..=REGISTERS_MOST, 1..=BITS_MOST, 0..=124_u16).prop_map(|(registers, bits, gap)| Limits {
            registers,
            bits,
            gap,
        })
    }

    fn holds(pieces: &[Piece], places: &[Place], limits: Limits) -> Result<(), TestCaseError> {
        let mut covered: Vec<usize> = pieces.iter().flat_map(|piece| piece.tags.clone()).collect();
        covered.sort_unstable();
        prop_assert_eq!(covered, (0..places.len()).collect::<Vec<_>>(), "each tag once");
        for piece in pieces {
            let (most, _) = limits.of(piece.read.table);
            let (start, count) = (u32::from(piece.read.start), u32::from(piece.read.count));
            prop_assert!(count >= 1 && count <= most && start + count <= 65_536, "{:?}", piece.read);
            for &tag in &piece.tags {
                let (from, to) = places[tag].span();
                prop_assert_eq!(places[tag].register.table, piece.read.table);
                prop_assert!(start <= from && to <= start + count, "{:?} outside {:?}", places[tag], piece.read);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_tag_is_read_once_and_no_read_is_over_the_limits(
            places in prop::collection::vec(any_place(), 0..200), limits in any_limits(),
        ) {
            holds(&plan(&places, limits), &places, limits)?;
        }

        /// A device with holes: after cutting whatever it refuses, every good tag is read and only bad ones are refused.
        #[test]
        fn cuts_find_exactly_the_bad_tags(
            places in prop::collection::vec(any_place(), 1..100), limits in any_limits(),
            holes in prop::collection::btree_set(0..1000_u32, 0..40),
        ) {
            let refuses = |(from, to): (u32, u32)| holes.range(from..to).next().is_some();
            let (mut todo, mut done, mut refused) = (plan(&places, limits), Vec::new(), Vec::new());
            let (planned, mut asked) = (todo.len(), 0);
            while let Some(piece) = todo.pop() {
                asked += 1;
                let start = u32::from(piece.read.start);
                match piece.cut(&places) {
                    _ if !refuses((start, start + u32::from(piece.read.count))) => done.push(piece),
                    Some(halves) => todo.extend(halves),
                    None => refused.push(piece.tags[0]),
                }
            }
            prop_assert!(asked <= planned + 2 * places.len(), "{} requests", asked);
            refused.sort_unstable();
            let bad: Vec<usize> = (0..places.len()).filter(|&tag| refuses(places[tag].span())).collect();
            prop_assert_eq!(&refused, &bad);
            let mut all = done;
            all.extend(refused.iter().map(|&tag| Piece::new(vec![tag], &places)));
            holds(&all, &places, limits)?;
        }
    }

    #[test]
    fn near_tags_share_a_read_and_far_ones_do_not() {
        let near = plan(&holding(&[100, 102, 112, 200]), LIMITS);
        assert_eq!(spans(&near), [(100, 14), (200, 2)]);
        assert_eq!(spans(&plan(&holding(&[100, 102, 112]), Limits { gap: 0, ..LIMITS })), [(100, 4), (112, 2)]);
        let many: Vec<u16> = (0..100).map(|n| 2 * n).collect();
        assert_eq!(spans(&plan(&holding(&many), LIMITS)), [(0, 124), (124, 76)], "no float is cut in two");
    }

    #[test]
    fn a_refused_read_is_cut_at_its_hole_first() {
        let places = holding(&[0, 2, 4, 10]);
        let [before, after] = plan(&places, LIMITS)[0].cut(&places).expect("four tags");
        assert_eq!(spans(&[before.clone(), after]), [(0, 6), (10, 2)]);
        let [first, rest] = before.cut(&places).expect("three tags");
        assert_eq!(spans(&[first, rest]), [(0, 2), (2, 4)]);
    }
}
