//! Key figures after ISO 22400-2: per hour, shift, day and week, per line and the plant, per article and all.
//!
//! ```text
//! units ── per line, minute, article ──┐ × calendar ─┬─────────────────────┐
//!                                      │             └─ × products: PRI ───┤ sums per period ── rows
//! machine states × clocks ── pieces ───┘ × calendar ───────────────────────┘
//! ```
//!
//! Rows are shown until retention reaches the begin of their period (`kept`), and machine time leaves with them.
//!
//! Everything is a sum, so a row of the plant or of all articles is the sum of its parts, and ratios are taken
//! when a row is published. A changed calendar or planned run time restates the past.
//!
//! Periods begin and end on whole minutes (shift starts are minutes of the day, and time zones are whole
//! minutes off UTC since 1972), so that all units of a minute share their periods. A calendar that cannot be
//! used gives no rows; an article without a definition has no planned run time. State: per line, minute and
//! article one sum, as long as the units stay; one piece a machine hour; one sum a row.

mod kept;
mod periods;
mod sums;
#[cfg(test)]
mod tests;
mod times;

use crate::tables::{KpiRow, MachineStateRow};
use crate::{Diff, Rows, Ts};
use differential_dataflow::operators::arrange::{Arranged, TraceAgent};
use differential_dataflow::operators::{CountTotal, ThresholdTotal};
use differential_dataflow::trace::implementations::ValSpine;
use differential_dataflow::{AsCollection, VecCollection};
use lehr_domain::calendar::{Calendar, Period, Scope};
use lehr_domain::machine::{MachineState, Product};
use lehr_domain::unit::{DefectType, Unit};
use lehr_domain::{EventMs, LineId, ProductId, SpanMs};
use periods::PeriodLookup;
use serde::{Deserialize, Serialize};
use sums::KpiSums;
use timely::dataflow::operators::vec::Map;

/// What one row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct KpiKey {
    period: Period,
    line: LineId,
    product: ProductId,
}

/// A collection whose multiplicities are sums.
type Summed<'s, K> = VecCollection<'s, Ts, K, KpiSums>;

/// The plant's calendar under each line, shared by the joins with it.
type Calendars<'s> = Arranged<'s, TraceAgent<ValSpine<LineId, Calendar, Ts, Diff>>>;

const MINUTE: SpanMs = SpanMs::minutes(1);

/// One row per period × (line or all) × (product or all) that has units or machine time. `left` is the instant before
/// which units have left, if any have, to whole UTC hours.
pub fn kpis<'s>(
    units: Rows<'s, Unit>,
    states: Rows<'s, MachineStateRow>,
    clocks: Rows<'s, (LineId, EventMs)>,
    products: Rows<'s, (ProductId, Product)>,
    calendar: Rows<'s, Calendar>,
    left: Rows<'s, EventMs>,
) -> Rows<'s, KpiRow> {
    let lines = units.clone().map(|unit| unit.line).concat(states.clone().map(|row| row.production_line));
    let lines = lines.distinct_total().map(|line| ((), line));
    let left_by_line = lines.clone().join_map(left.clone().map(|at| ((), at)), |_, line, at| (*line, *at));
    let calendars = lines
        .join_map(calendar.map(|calendar| ((), calendar)), |_, line, calendar| (*line, calendar.clone()))
        .arrange_by_key_named("calendar by line");
    let produced = produced(units, calendars.clone());
    let planned = planned(produced.clone(), products);
    let times = busy(times::time_pieces(states, clocks, left_by_line), calendars);
    let sums = produced.concat(planned).concat(times).flat_map(KpiKey::with_totals).count_total();
    kept::kept(sums.map(|(key, sums)| key.row(&sums)), left)
}

fn produced<'s>(units: Rows<'s, Unit>, calendars: Calendars<'s>) -> Summed<'s, KpiKey> {
    let mut lookup = PeriodLookup::default();
    let per_minute =
        units.explode(|unit| Some(((unit.line, (unit.at.floor(MINUTE), unit.product)), KpiSums::of_unit(&unit))));
    let per_minute = per_minute.arrange_by_key_named("units by line");
    per_minute.join_core(calendars, move |line, (minute, product), calendar| {
        let periods = Scope::ALL.map(|scope| lookup.at(calendar, scope, *minute));
        let (line, product) = (*line, *product);
        periods.into_iter().flatten().map(move |period| KpiKey { period, line, product })
    })
}

/// What the units should have taken. The planned run time multiplies the sums, so it is applied to them in
/// their place as multiplicities.
fn planned<'s>(produced: Summed<'s, KpiKey>, products: Rows<'s, (ProductId, Product)>) -> Summed<'s, KpiKey> {
    let run_times = products.map(|(id, product)| (id, product.planned_run_time));
    produced
        .map(|key| (key.product, key))
        .arrange_by_key_named("units by article")
        .join_core(run_times.arrange_by_key_named("planned run times"), |_, key, run_time| Some((*key, *run_time)))
        .inner
        .map(|((key, run_time), tick, sums)| (key, tick, sums.planned(run_time)))
        .as_collection()
}

fn busy<'s>(pieces: Rows<'s, (LineId, times::Piece)>, calendars: Calendars<'s>) -> Summed<'s, KpiKey> {
    let mut lookup = PeriodLookup::default();
    let pieces = pieces.arrange_by_key_named("machine time by line");
    let cut = pieces.join_core(calendars, move |line, piece, calendar| {
        let mut cut = Vec::new();
        for scope in Scope::ALL {
            for (period, from, to) in lookup.cut(calendar, scope, piece.from, piece.to) {
                cut.push((KpiKey { period, line: *line, product: piece.product }, piece.state, to - from));
            }
        }
        cut
    });
    cut.explode(|(key, state, length)| Some((key, KpiSums::of_time(state, length))))
}

impl KpiKey {
    fn with_totals(self) -> [KpiKey; 4] {
        let all_lines = KpiKey { line: LineId::ALL, ..self };
        let all_products = KpiKey { product: ProductId::ALL, ..self };
        [self, all_lines, all_products, KpiKey { line: LineId::ALL, ..all_products }]
    }

    fn row(self, sums: &KpiSums) -> KpiRow {
        let defects = |defect: DefectType| sums.defects[defect as usize];
        KpiRow {
            scope: self.period.scope,
            start: self.period.start,
            end: self.period.end,
            production_line: self.line,
            product: self.product,
            inspected: sums.inspected,
            good: sums.good,
            rework: sums.rework,
            scrap: sums.scrap,
            defective: sums.defective,
            crack: defects(DefectType::Crack),
            bubble: defects(DefectType::Bubble),
            chip: defects(DefectType::Chip),
            cloudiness: defects(DefectType::Cloudiness),
            deformation: defects(DefectType::Deformation),
            stain: defects(DefectType::Stain),
            stress_fracture: defects(DefectType::StressFracture),
            production_s: sums.time(MachineState::Production),
            setup_s: sums.time(MachineState::Setup),
            down_s: sums.time(MachineState::Down),
            planned_stop_s: sums.time(MachineState::Planned),
            planned_run_s: SpanMs(sums.planned_run_ms),
            planned_good_s: SpanMs(sums.planned_good_ms),
        }
    }
}
