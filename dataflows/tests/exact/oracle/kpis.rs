//! Key figures, unit by unit and minute by minute, of periods of which nothing has left.

use super::base::Base;
use lehr_dataflows::tables::{KpiRow, MachineStateRow};
use lehr_domain::calendar::{Period, Periods, Scope};
use lehr_domain::machine::MachineState;
use lehr_domain::unit::{DefectType, Unit, Verdict};
use lehr_domain::{EventMs, LineId, ProductId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;

pub fn kpis(base: &Base, states: &BTreeSet<MachineStateRow>, clocks: &BTreeMap<LineId, EventMs>) -> BTreeSet<KpiRow> {
    let Some(periods) = base.calendar().and_then(|calendar| calendar.periods().ok()) else { return BTreeSet::new() };
    let mut sheet = Sheet { periods, looked_up: BTreeMap::new(), rows: BTreeMap::new() };
    let products = base.products();
    for unit in base.units() {
        let run_time = products.get(&unit.product).map_or(0, |product| product.planned_run_time.0);
        sheet.add(unit.line, unit.product, unit.at, |row| count(row, unit, run_time));
    }
    for state in states {
        let Some(clock) = clocks.get(&state.production_line) else { continue };
        let until =
            state.end.map_or(clock.0, |end| end.0.min(clock.0 / MINUTE * MINUTE)).min(clock.0 / MINUTE * MINUTE);
        let mut at = state.start.0;
        while at < until {
            let next = (at / MINUTE * MINUTE + MINUTE).min(until);
            sheet.add(state.production_line, state.product, EventMs(at), |row| time(row, state.state, next - at));
            at = next;
        }
    }
    sheet.rows.into_values().filter(|row| base.left().is_none_or(|left| row.start >= left)).collect()
}

fn count(row: &mut KpiRow, unit: &Unit, run_time: i64) {
    row.inspected += 1;
    row.planned_run_s.0 += run_time;
    match unit.verdict {
        Verdict::Good => {
            row.good += 1;
            row.planned_good_s.0 += run_time;
        }
        Verdict::Rework => row.rework += 1,
        Verdict::Scrap => row.scrap += 1,
    }
    if !unit.defects.is_empty() {
        row.defective += 1;
    }
    for found in &unit.defects {
        *match found.defect {
            DefectType::Crack => &mut row.crack,
            DefectType::Bubble => &mut row.bubble,
            DefectType::Chip => &mut row.chip,
            DefectType::Cloudiness => &mut row.cloudiness,
            DefectType::Deformation => &mut row.deformation,
            DefectType::Stain => &mut row.stain,
            DefectType::StressFracture => &mut row.stress_fracture,
        } += 1;
    }
}

fn time(row: &mut KpiRow, state: MachineState, length: i64) {
    match state {
        MachineState::Production => row.production_s.0 += length,
        MachineState::Setup => row.setup_s.0 += length,
        MachineState::Down => row.down_s.0 += length,
        MachineState::Planned => row.planned_stop_s.0 += length,
    }
}

struct Sheet {
    periods: Periods,
    /// Time zones are slow to ask.
    looked_up: BTreeMap<i64, [Period; Scope::ALL.len()]>,
    rows: BTreeMap<(Scope, EventMs, LineId, ProductId), KpiRow>,
}

impl Sheet {
    /// Adds to the rows of the line and all lines, of the product and all products, of each period.
    fn add(&mut self, line: LineId, product: ProductId, at: EventMs, change: impl Fn(&mut KpiRow)) {
        let periods = &self.periods;
        let found = self
            .looked_up
            .entry(at.0 / MINUTE)
            .or_insert_with(|| Scope::ALL.map(|scope| periods.at(scope, at).expect("traces are in this century")));
        for period in found {
            for line in [line, LineId::ALL] {
                for product in [product, ProductId::ALL] {
                    let key = (period.scope, period.start, line, product);
                    change(self.rows.entry(key).or_insert_with(|| empty(*period, line, product)));
                }
            }
        }
    }
}

fn empty(period: Period, production_line: LineId, product: ProductId) -> KpiRow {
    let Period { scope, start, end } = period;
    let none = SpanMs(0);
    KpiRow {
        scope,
        start,
        end,
        production_line,
        product,
        inspected: 0,
        good: 0,
        rework: 0,
        scrap: 0,
        defective: 0,
        crack: 0,
        bubble: 0,
        chip: 0,
        cloudiness: 0,
        deformation: 0,
        stain: 0,
        stress_fracture: 0,
        production_s: none,
        setup_s: none,
        down_s: none,
        planned_stop_s: none,
        planned_run_s: none,
        planned_good_s: none,
    }
}
