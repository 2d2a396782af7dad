//! How forecasts held against what came, and how inspectors agree with MIK-1, from the sums that the graphs keep by day.

use lehr_dataflows::forecasts::Hits;
use lehr_dataflows::inspections::Agreement;
use lehr_dataflows::tables::{ForecastQualityRow, InspectionQualityRow};
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, LineId, SpanMs};
use lehr_queries::Snapshot;
use std::collections::BTreeMap;

const DAY: SpanMs = SpanMs::days(1);

/// The begin of the first UTC day that a time range touches. Sums are kept by the day of the forecast, so a range is
/// widened to whole days.
pub fn first_day(now: EventMs, over: SpanMs) -> EventMs {
    (now - over).floor(DAY)
}

/// Sums of a version over some days, by horizon, over all lines or of one. Merged, not averaged: as if every forecast had
/// been counted anew.
pub fn since(
    snapshot: &Snapshot,
    (model, version): (ModelKind, ModelVersion),
    line: Option<LineId>,
    first: EventMs,
) -> BTreeMap<SpanMs, Hits> {
    let mut sums: BTreeMap<SpanMs, Hits> = BTreeMap::new();
    for row in of(snapshot, model, line).filter(|row| row.version == version && row.day >= first) {
        sums.entry(row.horizon_s).or_default().merge(&row.hits);
    }
    sums
}

/// Sums of every version by day, version and horizon, over all lines or of one.
pub fn by_day(
    snapshot: &Snapshot,
    model: ModelKind,
    line: Option<LineId>,
) -> BTreeMap<(EventMs, ModelVersion, SpanMs), Hits> {
    let mut sums: BTreeMap<(EventMs, ModelVersion, SpanMs), Hits> = BTreeMap::new();
    for row in of(snapshot, model, line) {
        sums.entry((row.day, row.version, row.horizon_s)).or_default().merge(&row.hits);
    }
    sums
}

fn of(snapshot: &Snapshot, model: ModelKind, line: Option<LineId>) -> impl Iterator<Item = &ForecastQualityRow> {
    let wanted =
        move |row: &&ForecastQualityRow| row.model == model && line.is_none_or(|line| row.production_line == line);
    snapshot.forecast_quality.iter().filter(wanted)
}

/// How an inspector's version agrees with MIK-1 on the pictures of some days, by type of defect.
pub fn agreement_since(
    snapshot: &Snapshot,
    version: ModelVersion,
    line: Option<LineId>,
    first: EventMs,
) -> BTreeMap<DefectType, Agreement> {
    let mut sums: BTreeMap<DefectType, Agreement> = BTreeMap::new();
    for row in inspected(snapshot, line).filter(|row| row.version == version && row.day >= first) {
        sums.entry(row.defect_type).or_default().merge(&row.agreement);
    }
    sums
}

/// The same of every version by day, version and type of defect.
pub fn agreement_by_day(
    snapshot: &Snapshot,
    line: Option<LineId>,
) -> BTreeMap<(EventMs, ModelVersion, DefectType), Agreement> {
    let mut sums: BTreeMap<(EventMs, ModelVersion, DefectType), Agreement> = BTreeMap::new();
    for row in inspected(snapshot, line) {
        sums.entry((row.day, row.version, row.defect_type)).or_default().merge(&row.agreement);
    }
    sums
}

fn inspected(snapshot: &Snapshot, line: Option<LineId>) -> impl Iterator<Item = &InspectionQualityRow> {
    snapshot.inspection_quality.iter().filter(move |row| line.is_none_or(|line| row.production_line == line))
}
