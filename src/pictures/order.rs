//! Which pictures are there, in the order in which they leave.

use lehr_domain::picture::Content;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// How many pictures stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// At least one.
    pub pictures: u64,
    /// At least [`super::PICTURE_MOST`], so that any picture has room.
    pub bytes: u64,
}

impl Default for Bound {
    /// A picture of each of three lines every four seconds fills it in seven hours.
    fn default() -> Bound {
        Bound { pictures: 20_000, bytes: 2 << 30 }
    }
}

/// Between the times of two pictures: what file systems keep of a time.
const APART: Duration = Duration::from_micros(1);

#[derive(Clone, Copy, Debug)]
struct Kept {
    came: SystemTime,
    bytes: u64,
}

/// Pictures by when they came; of the same time, by content.
#[derive(Debug, Default)]
pub(super) struct Order {
    kept: BTreeMap<Content, Kept>,
    by_age: BTreeSet<(SystemTime, Content)>,
    bytes: u64,
}

impl Order {
    pub fn pictures(&self) -> u64 {
        self.kept.len() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The time of a picture that comes now: later than that of all others, whatever the clock says.
    pub fn next(&self, now: SystemTime) -> SystemTime {
        self.by_age.last().map_or(now, |(last, _)| now.max(*last + APART))
    }

    /// The same content again counts as new.
    pub fn insert(&mut self, content: Content, came: SystemTime, bytes: u64) {
        self.remove(content);
        self.kept.insert(content, Kept { came, bytes });
        self.by_age.insert((came, content));
        self.bytes += bytes;
    }

    pub fn remove(&mut self, content: Content) {
        if let Some(Kept { came, bytes }) = self.kept.remove(&content) {
            self.by_age.remove(&(came, content));
            self.bytes -= bytes;
        }
    }

    /// The picture that must leave so that one more of so many bytes finds room; the newcomer itself never is.
    pub fn leaves(&self, bound: Bound, newcomer: Option<(Content, u64)>) -> Option<Content> {
        let (content, bytes) = newcomer.unzip();
        let own = content.and_then(|content| self.kept.get(&content));
        let pictures = self.pictures() - u64::from(own.is_some()) + u64::from(newcomer.is_some());
        let bytes = self.bytes - own.map_or(0, |own| own.bytes) + bytes.unwrap_or(0);
        if pictures <= bound.pictures && bytes <= bound.bytes {
            return None;
        }
        self.by_age.iter().map(|(_, oldest)| *oldest).find(|oldest| Some(*oldest) != content)
    }
}
