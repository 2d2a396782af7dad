//! Inspected ware: what MIK-1 says of each unit.

use crate::{EventMs, LineId, PerMille, ProductId, UnitId};
use serde::{Deserialize, Serialize};

/// What can be wrong with a unit. `StressFracture` is found by the stress model, not by the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DefectType {
    Crack = 0,
    Bubble = 1,
    Chip = 2,
    Cloudiness = 3,
    Deformation = 4,
    Stain = 5,
    StressFracture = 6,
}

impl DefectType {
    pub const COUNT: usize = 7;
    pub const ALL: [DefectType; Self::COUNT] = [
        DefectType::Crack,
        DefectType::Bubble,
        DefectType::Chip,
        DefectType::Cloudiness,
        DefectType::Deformation,
        DefectType::Stain,
        DefectType::StressFracture,
    ];

    pub fn text(self) -> &'static str {
        match self {
            DefectType::Crack => "crack",
            DefectType::Bubble => "bubble",
            DefectType::Chip => "chip",
            DefectType::Cloudiness => "cloudiness",
            DefectType::Deformation => "deformation",
            DefectType::Stain => "stain",
            DefectType::StressFracture => "stress_fracture",
        }
    }

    pub fn parse(text: &str) -> Option<DefectType> {
        DefectType::ALL.into_iter().find(|defect| defect.text() == text)
    }
}

/// One finding on one unit. The box is in pixels of the 224 × 224 inspection image: x, y, width, height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Defect {
    pub defect: DefectType,
    pub score: PerMille,
    pub bounds: [u8; 4],
}

/// What becomes of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Verdict {
    /// Right at the first pass.
    Good = 0,
    /// Usable after rework: good, but not at the first pass.
    Rework = 1,
    Scrap = 2,
}

impl Verdict {
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Rework => "rework",
            Verdict::Scrap => "scrap",
        }
    }

    pub fn parse(text: &str) -> Option<Verdict> {
        [Verdict::Good, Verdict::Rework, Verdict::Scrap].into_iter().find(|verdict| verdict.text() == text)
    }
}

/// One inspected unit. A later revision of the same unit (a re-inspection, a corrected label) replaces it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    pub unit: UnitId,
    pub line: LineId,
    /// When it was inspected.
    pub at: EventMs,
    pub product: ProductId,
    pub verdict: Verdict,
    /// Sorted, at most [`Unit::MAX_DEFECTS`].
    pub defects: Vec<Defect>,
}

impl Unit {
    /// The most findings kept of one unit.
    pub const MAX_DEFECTS: usize = 16;
}
