//! What is shown of a line: everything that the twin believes, with units.

use crate::parameter::{PARAMETERS, ZONES};
use lehr_domain::EventMs;
use lehr_domain::unit::DefectType;
use serde::Serialize;

/// A line as the twin believes it to be at the end of minute `at`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    pub at: EventMs,
    /// Share of what the twin has learned of this line, 0 (the first guess) to 1 (a day and more).
    pub learned: f64,
    /// Believed values of all modelled quantities, in the sensors' units.
    pub values: [f64; PARAMETERS],
    /// Standard deviation of the belief.
    pub value_sd: [f64; PARAMETERS],
    pub furnace: FurnaceView,
    pub forming: FormingView,
    pub annealing: AnnealingView,
    pub quality: QualityView,
}

/// Places along the furnace at which its profile is shown, batch end to throat.
pub const PROFILE: usize = 9;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FurnaceView {
    /// Position along the tank, 0 at the batch charger to 1 at the throat, and the glass's temperature there, °C.
    pub profile: [(f64, f64); PROFILE],
    pub melt_level_mm: f64,
    /// Pa·s as log10.
    pub viscosity_melt_log10: f64,
    pub viscosity_throat_log10: f64,
    /// Excess of air over what burns the fuel, share.
    pub excess_air: f64,
    pub flue_oxygen_percent: f64,
    pub pressure_kpa: f64,
    /// Radius of the smallest seed that is refined out, mm.
    pub smallest_refined_mm: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FormingView {
    pub belt_speed_m_min: f64,
    pub mold_temperature_c: f64,
    /// Mean and, within a minute, greatest less least, MPa.
    pub pressure_mpa: f64,
    pub pressure_range_mpa: f64,
    pub gob_temperature_c: f64,
    pub viscosity_gob_log10: f64,
    pub gob_diameter_mm: f64,
    pub gob_length_mm: f64,
    /// Of the finished wall.
    pub wall_mm: f64,
    /// K above the liquidus; negative where crystals may grow.
    pub devitrification_margin_k: f64,
    /// Seconds that the wall takes through the forming window.
    pub forming_time_s: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnnealingView {
    pub zones_c: [f64; ZONES],
    /// What the zones ought to be by their set-points.
    pub ideal_c: [f64; ZONES],
    pub cooling_rate_c_min: f64,
    /// Residual stress, tension positive, MPa.
    pub residual_surface_mpa: f64,
    pub residual_middle_mpa: f64,
    /// The greatest tension on the way through the lehr, MPa.
    pub greatest_tension_mpa: f64,
    /// Cooling between annealing and strain point, K/min; 0 where the ware leaves before.
    pub fastest_c_min: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QualityView {
    /// Probability that inspection finds a defect on a unit inspected now, by type, and the standard deviation of that.
    pub probability: [f64; DefectType::COUNT],
    pub probability_sd: [f64; DefectType::COUNT],
    /// The same for ware that is melted, formed and annealed now, when it will be inspected.
    pub arriving: [f64; DefectType::COUNT],
    pub margins: Vec<Margin>,
    /// Share of units good at the first pass.
    pub quality_score: f64,
    pub production_rate_per_h: f64,
    /// Fuel by its lower heating value, and electricity.
    pub energy_kw: f64,
    pub energy_per_unit_kwh: f64,
}

/// How near a mechanism of defects is to setting in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Margin {
    pub mechanism: &'static str,
    pub defect: DefectType,
    /// The load as a share of the load at which half of the affected ware fails, now and in the last minutes of ware.
    pub load: f64,
    /// Where half of the affected ware fails, as believed, in the unit of `parameter`.
    pub limit: f64,
    pub limit_sd: f64,
    pub parameter: &'static str,
    /// What counts is greatest less least within a minute, not the value itself.
    pub within_minute: bool,
}
