//! Pictures of ware, what a trained inspector finds on them, and how that agrees with MIK-1.

use crate::inspections::Agreement;
use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{EventMs, LineId, PerMille, UnitId, table};

table! {
    /// Pictures of units.
    pub struct PictureRow in "pictures" {
        /// Unit.
        pub unit_id: UnitId,
        /// Production line.
        pub production_line: LineId,
        /// When it was taken.
        pub taken_at: EventMs,
        /// SHA-256 of its PNG file, hexadecimal.
        pub content: Content,
    }
}

table! {
    /// What a trained inspector finds on pictures of units.
    pub struct InspectionRow in "inspections" {
        /// Unit.
        pub unit_id: UnitId,
        /// Production line.
        pub production_line: LineId,
        /// When the picture was taken.
        pub taken_at: EventMs,
        /// SHA-256 of the picture's PNG file, hexadecimal.
        pub content: Content,
        /// Of the inspector.
        pub version: ModelVersion,
    }
    hidden {
        /// Sorted, at most as many as a unit may have.
        pub findings: Vec<Defect>,
    }
    derived {
        /// Number of defects found.
        defects: i64 = |row, _| Some(row.findings.len() as i64),
        /// Type of the surest of them; null where none was found.
        defect_type: text = |row, _| Some(row.surest()?.defect.text().to_owned()),
        /// How sure it is, 0 to 1.
        score: f64 = |row, _| Some(row.surest()?.score.to_f64()),
    }
}

impl InspectionRow {
    /// The finding with the highest score; of equal ones the first.
    pub fn surest(&self) -> Option<&Defect> {
        self.findings.iter().rev().max_by_key(|finding| finding.score)
    }

    /// One row a finding.
    pub fn found(self) -> impl Iterator<Item = InspectionFindingRow> {
        let (unit_id, production_line, taken_at) = (self.unit_id, self.production_line, self.taken_at);
        self.findings.into_iter().zip(0..).map(move |(finding, ordinal)| InspectionFindingRow {
            unit_id,
            ordinal,
            production_line,
            taken_at,
            defect_type: finding.defect,
            score: finding.score,
            x: finding.bounds[0],
            y: finding.bounds[1],
            width: finding.bounds[2],
            height: finding.bounds[3],
        })
    }
}

table! {
    /// Defects that a trained inspector finds on pictures of units.
    pub struct InspectionFindingRow in "inspection_findings" {
        /// Unit.
        pub unit_id: UnitId,
        /// Which of the picture's defects, from 0.
        pub ordinal: i64,
        /// Production line.
        pub production_line: LineId,
        /// When the picture was taken.
        pub taken_at: EventMs,
        /// Type of defect.
        pub defect_type: DefectType,
        /// How sure the inspector is, 0 to 1.
        pub score: PerMille,
        /// Left edge in the 224 × 224 picture, pixels.
        pub x: u8,
        /// Upper edge, pixels.
        pub y: u8,
        /// Width, pixels.
        pub width: u8,
        /// Height, pixels.
        pub height: u8,
    }
}

table! {
    /// How a trained inspector agrees with MIK-1 on pictures of units that both have inspected, by day of the picture.
    /// Stress fractures, which no camera sees, are left out.
    pub struct InspectionQualityRow in "inspection_quality" {
        /// Production line.
        pub production_line: LineId,
        /// Of the inspector.
        pub version: ModelVersion,
        /// Begin of the day, UTC.
        pub day: EventMs,
        /// Type of defect.
        pub defect_type: DefectType,
    }
    hidden {
        /// Sums.
        pub agreement: Agreement,
    }
    derived {
        /// Pictures.
        pictures: i64 = |row, _| Some(row.agreement.pictures()),
        /// Seen by both.
        both: i64 = |row, _| Some(row.agreement.both),
        /// Seen by the inspector alone.
        inspector_only: i64 = |row, _| Some(row.agreement.inspector_only),
        /// Seen by MIK-1 alone.
        mik1_only: i64 = |row, _| Some(row.agreement.mik1_only),
        /// Seen by neither.
        neither: i64 = |row, _| Some(row.agreement.neither),
        /// Share of pictures on which both say the same.
        accuracy: f64 = |row, _| row.agreement.accuracy().to_f64(),
        /// Share of what the inspector sees that MIK-1 sees.
        precision: f64 = |row, _| row.agreement.precision().to_f64(),
        /// Share of what MIK-1 sees that the inspector sees.
        recall: f64 = |row, _| row.agreement.recall().to_f64(),
        /// Harmonic mean of precision and recall.
        f1: f64 = |row, _| row.agreement.f1().to_f64(),
        /// Share of pictures on which MIK-1 sees it.
        prevalence: f64 = |row, _| row.agreement.prevalence().to_f64(),
    }
}
