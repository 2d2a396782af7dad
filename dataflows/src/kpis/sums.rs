//! What is added up for a row of key figures.

use crate::sums::sums;
use lehr_domain::SpanMs;
use lehr_domain::machine::MachineState;
use lehr_domain::unit::{DefectType, Unit, Verdict};

sums! {
    /// Units and milliseconds; see [`KpiRow`](crate::tables::KpiRow) for the terms.
    pub struct KpiSums {
        pub inspected: i64,
        pub good: i64,
        pub rework: i64,
        pub scrap: i64,
        pub defective: i64,
        /// By [`DefectType`].
        pub defects: [i64; DefectType::COUNT],
        /// By [`MachineState`].
        pub time_ms: [i64; MachineState::ALL.len()],
        pub planned_run_ms: i64,
        pub planned_good_ms: i64,
    }
}

impl KpiSums {
    pub fn of_unit(unit: &Unit) -> KpiSums {
        let mut sums = KpiSums { inspected: 1, defective: i64::from(!unit.defects.is_empty()), ..KpiSums::default() };
        match unit.verdict {
            Verdict::Good => sums.good = 1,
            Verdict::Rework => sums.rework = 1,
            Verdict::Scrap => sums.scrap = 1,
        }
        for defect in &unit.defects {
            sums.defects[defect.defect as usize] += 1;
        }
        sums
    }

    pub fn of_time(state: MachineState, length: SpanMs) -> KpiSums {
        let mut sums = KpiSums::default();
        sums.time_ms[state as usize] = length.0;
        sums
    }

    /// The time that these units of one article should have taken.
    pub fn planned(&self, run_time: SpanMs) -> KpiSums {
        KpiSums {
            planned_run_ms: self.inspected * run_time.0,
            planned_good_ms: self.good * run_time.0,
            ..KpiSums::default()
        }
    }

    pub fn time(&self, state: MachineState) -> SpanMs {
        SpanMs(self.time_ms[state as usize])
    }
}
