//! What the lines made, what they were doing, and how well.

use lehr_domain::calendar::Scope;
use lehr_domain::machine::MachineState;
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{EventMs, LineId, PerMille, ProductId, Ratio, SpanMs, UnitId, table};

table! {
    /// Articles.
    pub struct ProductRow in "products" {
        /// Article.
        pub product: ProductId,
        /// Planned run time per unit (PRI), seconds.
        pub planned_run_time_s: SpanMs,
    }
}

table! {
    /// Inspected ware units.
    pub struct UnitRow in "units" {
        /// Unit.
        pub unit_id: UnitId,
        /// Production line.
        pub production_line: LineId,
        /// When it was inspected.
        pub at: EventMs,
        /// Article.
        pub product: ProductId,
        /// good, rework or scrap.
        pub verdict: Verdict,
        /// Number of defects found.
        pub defects: i64,
    }
}

table! {
    /// Defects found on units.
    pub struct DefectRow in "defects" {
        /// Unit.
        pub unit_id: UnitId,
        /// Which of the unit's defects, from 0.
        pub ordinal: i64,
        /// Production line.
        pub production_line: LineId,
        /// When the unit was inspected.
        pub at: EventMs,
        /// Type of defect.
        pub defect_type: DefectType,
        /// How sure the inspection is, 0 to 1.
        pub score: PerMille,
        /// Left edge in the 224 × 224 image, pixels.
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
    /// What each line was doing, as intervals of event time.
    pub struct MachineStateRow in "machine_states" {
        /// Production line.
        pub production_line: LineId,
        /// When the state began.
        pub start: EventMs,
        /// When it ended; null while it lasts.
        pub end: Option<EventMs>,
        /// production, setup, down or planned.
        pub state: MachineState,
        /// Article.
        pub product: ProductId,
        /// Why.
        pub reason: String,
    }
}

table! {
    /// Key figures after ISO 22400-2, from sums, per line (and the plant), product (and all), hour, shift, day and week.
    pub struct KpiRow in "kpis" {
        /// hour, shift, day or week.
        pub scope: Scope,
        /// Start of the period, plant time.
        pub start: EventMs,
        /// End of the period.
        pub end: EventMs,
        /// Production line, or all.
        pub production_line: LineId,
        /// Article, or all.
        pub product: ProductId,
        /// Units inspected (produced quantity PQ, inspected parts IP).
        pub inspected: i64,
        /// Units good at the first pass (GQ, GP).
        pub good: i64,
        /// Units to be reworked (RQ).
        pub rework: i64,
        /// Units scrapped (SQ).
        pub scrap: i64,
        /// Units with at least one defect.
        pub defective: i64,
        /// Cracks.
        pub crack: i64,
        /// Bubbles.
        pub bubble: i64,
        /// Chips.
        pub chip: i64,
        /// Cloudiness.
        pub cloudiness: i64,
        /// Deformations.
        pub deformation: i64,
        /// Stains.
        pub stain: i64,
        /// Stress fractures.
        pub stress_fracture: i64,
        /// Seconds of production (APT).
        pub production_s: SpanMs,
        /// Seconds of set-up (ASUT).
        pub setup_s: SpanMs,
        /// Seconds of unplanned stops (ADET).
        pub down_s: SpanMs,
        /// Seconds of planned stops; no part of the planned busy time.
        pub planned_stop_s: SpanMs,
        /// Seconds that the units should have taken: planned run time per item × produced quantity (PRI × PQ).
        pub planned_run_s: SpanMs,
        /// Seconds that the good units should have taken (PRI × GQ).
        pub planned_good_s: SpanMs,
    }
    derived {
        /// All defects.
        defects: i64 = |row, _| Some(row.defects()),
        /// Good units over produced units (quality ratio).
        quality_ratio: f64 = |row, _| row.quality().to_f64(),
        /// Units right at the first pass over units inspected.
        first_pass_yield: f64 = |row, _| row.quality().to_f64(),
        /// Production time over planned busy time.
        availability: f64 = |row, _| row.availability().to_f64(),
        /// Planned run time of what was produced over production time (effectiveness); above 1: check the planned run time.
        performance: f64 = |row, _| row.performance().to_f64(),
        /// Availability × performance × quality = planned run time of good units over planned busy time.
        oee: f64 = |row, _| row.oee().to_f64(),
        /// Units per hour of planned busy time.
        units_per_hour: f64 = |row, _| row.rate().to_f64(),
        /// Units per hour of planned busy time if every unit took its planned run time without a stop.
        target_units_per_hour: f64 = |row, _| row.target_rate().to_f64(),
        /// Defects per thousand units.
        defects_per_1000: f64 = |row, _| Ratio::new(row.defects() * 1000, row.inspected).to_f64(),
        /// Defective units over inspected units.
        defect_rate: f64 = |row, _| Ratio::new(row.defective, row.inspected).to_f64(),
        /// Unplanned stops over planned busy time.
        downtime_share: f64 = |row, _| Ratio::new(row.down_s.0, row.planned_busy().0).to_f64(),
    }
}

impl KpiRow {
    /// Planned busy time (PBT), milliseconds: production, set-up and unplanned stops.
    pub fn planned_busy(&self) -> SpanMs {
        SpanMs(self.production_s.0 + self.setup_s.0 + self.down_s.0)
    }

    pub fn defects(&self) -> i64 {
        self.crack + self.bubble + self.chip + self.cloudiness + self.deformation + self.stain + self.stress_fracture
    }

    pub fn quality(&self) -> Ratio {
        Ratio::new(self.good, self.inspected)
    }

    pub fn availability(&self) -> Ratio {
        Ratio::new(self.production_s.0, self.planned_busy().0)
    }

    pub fn performance(&self) -> Ratio {
        Ratio::new(self.planned_run_s.0, self.production_s.0)
    }

    /// With several products PRI × GQ is summed per product; for one it is the product of the three factors.
    pub fn oee(&self) -> Ratio {
        Ratio::new(self.planned_good_s.0, self.planned_busy().0)
    }

    pub fn rate(&self) -> Ratio {
        Ratio::new(self.inspected * 3_600_000, self.planned_busy().0)
    }

    pub fn target_rate(&self) -> Ratio {
        Ratio::new(self.inspected * 3_600_000, self.planned_run_s.0)
    }
}
