//! Inspected units that are pushed, a row each.

use super::check::Wrong;
use lehr_domain::names::Names;
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{EventMs, PerMille, SpanMs, UnitId};
use schemars::JsonSchema;
use serde::Deserialize;

/// A unit may be this far ahead of plant time, for clocks that are not quite right.
pub const AHEAD_MOST: SpanMs = SpanMs::minutes(5);

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Judged {
    Good,
    Rework,
    Scrap,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Found {
    Crack,
    Bubble,
    Chip,
    Cloudiness,
    Deformation,
    Stain,
    StressFracture,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FoundDefect {
    #[serde(rename = "type")]
    kind: Found,
    /// How sure the inspection is.
    #[schemars(range(min = 0.0, max = 1.0))]
    score: Option<f64>,
    /// x, y, width and height in the 224 × 224 image.
    #[serde(rename = "box")]
    bounds: Option<[u8; 4]>,
}

/// A unit as it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    unit_id: u64,
    /// Production line.
    #[schemars(length(min = 1, max = 64))]
    line: String,
    /// When it was inspected.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// Article.
    #[schemars(length(min = 1, max = 64))]
    product: String,
    verdict: Judged,
    #[schemars(length(max = Unit::MAX_DEFECTS))]
    #[serde(default)]
    defects: Vec<FoundDefect>,
}

impl Row {
    /// `now` is plant time, and `oldest` the earliest time of which units are kept.
    pub fn unit(&self, names: &Names, now: EventMs, oldest: EventMs) -> Result<Unit, Wrong> {
        let wrong = |field: &str, message: String| Wrong { field: field.into(), message };
        let line =
            names.line_id(&self.line).ok_or_else(|| wrong("line", format!("'{}' is no known line", self.line)))?;
        let product = names
            .product_id(&self.product)
            .ok_or_else(|| wrong("product", format!("'{}' is no known article", self.product)))?;
        let at = EventMs::parse(&self.timestamp).map_err(|error| wrong("timestamp", error.to_string()))?;
        if at > now + AHEAD_MOST {
            return Err(wrong("timestamp", format!("{at} is ahead of plant time {now}")));
        }
        if at < oldest {
            return Err(wrong("timestamp", format!("{at} is older than units are kept; the oldest is {oldest}")));
        }
        let defect = |found: &FoundDefect| Defect {
            defect: match found.kind {
                Found::Crack => DefectType::Crack,
                Found::Bubble => DefectType::Bubble,
                Found::Chip => DefectType::Chip,
                Found::Cloudiness => DefectType::Cloudiness,
                Found::Deformation => DefectType::Deformation,
                Found::Stain => DefectType::Stain,
                Found::StressFracture => DefectType::StressFracture,
            },
            score: PerMille::from_f64(found.score.unwrap_or(1.0)),
            bounds: found.bounds.unwrap_or_default(),
        };
        let mut defects: Vec<Defect> = self.defects.iter().map(defect).collect();
        defects.sort();
        let verdict = match self.verdict {
            Judged::Good => Verdict::Good,
            Judged::Rework => Verdict::Rework,
            Judged::Scrap => Verdict::Scrap,
        };
        Ok(Unit { unit: UnitId(self.unit_id), line, at, product, verdict, defects })
    }
}
