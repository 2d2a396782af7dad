//! Identifiers. Each is a distinct type, small and `Copy`, because they travel in hot rows; their texts are
//! kept once, in [`crate::names::Names`].

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $raw);

        impl $name {
            /// The position of this id's text and definition in [`crate::names::Names`].
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// One durable group of inputs; the timestamp of every dataflow. *When Lehr knew*, not when it happened.
    Tick(u64)
}
id! {
    /// A sensor of one line.
    SensorId(u32)
}
id! {
    /// A production line. [`LineId::ALL`] stands for the whole plant in sums over lines.
    LineId(u16)
}
id! {
    /// A piece of equipment of a line (furnace, forming machine, lehr, inspection machine, …).
    EquipmentId(u16)
}
id! {
    /// A physical quantity that is measured, for instance `furnace_temperature`; the same on every line.
    ParameterId(u16)
}
id! {
    /// An article that is made. [`ProductId::ALL`] stands for all articles in sums over products.
    ProductId(u16)
}
id! {
    /// A ware unit that passed inspection.
    UnitId(u64)
}
id! {
    /// A detection rule.
    RuleId(u32)
}
id! {
    /// An edge of the causal graph.
    EdgeId(u32)
}
id! {
    /// A what-if scenario that is kept.
    ScenarioId(u32)
}
id! {
    /// A recommendation. Made from what is proposed, where and when, so that the same inputs give the same id.
    RecommendationId(u64)
}
id! {
    /// An alert. Made from what is wrong and since when, so that the same inputs give the same id.
    AlertId(u64)
}

impl LineId {
    /// The whole plant.
    pub const ALL: LineId = LineId(u16::MAX);
}

impl ProductId {
    /// Every article.
    pub const ALL: ProductId = ProductId(u16::MAX);
}

impl std::fmt::Display for RecommendationId {
    /// As people and the API write it: sixteen hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Tick {
    /// The tick after this one.
    pub fn next(self) -> Tick {
        Tick(self.0 + 1)
    }
}

/// A 64-bit mix (the finaliser of SplitMix64, Steele et al. 2014): stable across processes and releases, so
/// that it may name things that are kept. Not for untrusted keys.
pub fn stable_hash(parts: &[u64]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for part in parts {
        state = state.wrapping_add(*part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}
