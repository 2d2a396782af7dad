//! Units per hour and energy.

use crate::minute::Minute;
use lehr_domain::machine::MachineState;
use serde::{Deserialize, Serialize};

/// Lower heating value of natural gas, kWh/m³ (35.9 MJ/m³).
const FUEL_KWH_M3: f64 = 9.97;
/// Forgetting: four hours of running.
const FORGETS_MIN: f64 = 240.0;
/// Share of the planned rate that lines reach, at first.
const PERFORMANCE: f64 = 0.98;

/// Electricity and fuel together, kW.
pub fn energy_kw(fuel_m3_h: f64, line_kw: f64) -> f64 {
    FUEL_KWH_M3 * fuel_m3_h + line_kw
}

/// How many units a metre of the belt carries, learned for the product that is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    planned_run_time_s: f64,
    per_metre: f64,
    minutes: u32,
    running: bool,
    pub units: f64,
}

impl Throughput {
    pub fn new() -> Throughput {
        Throughput { planned_run_time_s: 0.0, per_metre: 0.0, minutes: 0, running: false, units: 0.0 }
    }

    pub fn see(&mut self, minute: &Minute, belt_m_min: f64) {
        let belt = belt_m_min.max(1.0);
        if minute.planned_run_time_s != self.planned_run_time_s && minute.planned_run_time_s > 0.0 {
            self.planned_run_time_s = minute.planned_run_time_s;
            self.per_metre = PERFORMANCE * 60.0 / minute.planned_run_time_s / belt;
            self.minutes = 0;
        }
        let running = minute.machine == MachineState::Production;
        // The minute in which a line stops or starts is neither; one without any unit is a gap in the record.
        if running && self.running && minute.units > 0.0 {
            self.minutes = self.minutes.saturating_add(1);
            // The planned time counts as half an hour.
            let share = (1.0 / f64::from(self.minutes.saturating_add(30))).max(1.0 / FORGETS_MIN);
            self.per_metre += share * (minute.units / belt - self.per_metre);
        }
        self.running = running;
        self.units += minute.units.max(0.0);
    }

    /// Units per hour while the line runs.
    pub fn rate_per_h(&self, belt_m_min: f64) -> f64 {
        60.0 * self.per_metre * belt_m_min.max(0.0)
    }

    pub fn planned_run_time_s(&self) -> f64 {
        self.planned_run_time_s
    }

    /// Of the rate, as a share.
    pub fn relative_sd(&self) -> f64 {
        0.01 + 0.05 / f64::from(self.minutes + 1).sqrt()
    }
}
