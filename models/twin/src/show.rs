//! What is shown of a state.

use crate::parameter::{PARAMETERS, Parameter};
use crate::quality::{DEFECTS, Exposed, Law, Mechanism, any, exposed};
use crate::state::{State, melt_log10};
use crate::stress::{WALL_M, annealed};
use crate::throughput::energy_kw;
use crate::view::{AnnealingView, FormingView, FurnaceView, Margin, PROFILE, QualityView, View};
use Parameter::*;
use lehr_domain::EventMs;
use lehr_physics::conduction::Exchange;
use lehr_physics::devitrification::Liquidus;
use lehr_physics::forming::{FormingWindow, Gob};
use lehr_physics::seeds::{Surface, smallest_refined_m};
use lehr_physics::thermal::{DENSITY_MELT_KG_M3, ThermalGlass};
use lehr_physics::viscosity::{SOFTENING, Vft};
use lehr_physics::{Celsius, Log10Viscosity};

/// A day of minutes teaches what normal operation can.
const DAY_MIN: f64 = 1440.0;
/// Laws from which the spread of probabilities is taken.
const LAWS: usize = 32;
/// A gob for a bottle of a third of a litre: the feeder's plunger keeps its mass.
const GOB_KG: f64 = 0.4;
const GOB_SLENDERNESS: f64 = 2.5;
/// Heat transfer from the wall of the ware to the mold, W/(m²·K).
const MOLD_W_M2K: f64 = 1200.0;
/// Where along the tank the melt is hottest, and by which share of the fall to the throat it is colder under the batch.
const HOT_SPOT: f64 = 0.6;
const BATCH_FALL: f64 = 0.8;
/// For how long glass is refined, s: the hot half of a day in the tank.
const REFINES_S: f64 = 6.0 * 3600.0;

impl State {
    /// A line as the twin believes it to be; `None` before the first minute. Costs about a millisecond: stress is
    /// computed in full.
    pub fn view(&self) -> Option<View> {
        let at: EventMs = self.at()?;
        let values = self.values();
        Some(View {
            at,
            learned: (f64::from(self.minutes()) / DAY_MIN).min(1.0),
            values,
            value_sd: std::array::from_fn(|index| self.channels[index].variance_after(0.0).0.sqrt()),
            furnace: furnace(&values),
            forming: self.forming(&values),
            annealing: self.annealing(&values),
            quality: self.quality_view(&values),
        })
    }

    fn forming(&self, values: &[f64; PARAMETERS]) -> FormingView {
        let value = |parameter: Parameter| values[parameter.index()];
        let gob_c = value(GobTemperature);
        let gob = Gob::new(GOB_KG, DENSITY_MELT_KG_M3, GOB_SLENDERNESS).ok();
        let softening = Vft::CONTAINER.temperature_at(SOFTENING).map_or(f64::NAN, |t| t.0);
        let window = FormingWindow { from: Celsius(gob_c), to: Celsius(softening) };
        let mold = Exchange::convection(MOLD_W_M2K, Celsius(value(MoldTemperature)).kelvin());
        FormingView {
            belt_speed_m_min: value(BeltSpeed),
            mold_temperature_c: value(MoldTemperature),
            pressure_mpa: value(FormingPressure),
            pressure_range_mpa: self.pressure_range,
            gob_temperature_c: gob_c,
            viscosity_gob_log10: melt_log10(gob_c),
            gob_diameter_mm: gob.map_or(f64::NAN, |gob| 1e3 * gob.diameter_m()),
            gob_length_mm: gob.map_or(f64::NAN, |gob| 1e3 * gob.length_m()),
            wall_mm: 1e3 * WALL_M,
            devitrification_margin_k: Liquidus::CONTAINER.margin_k(Celsius(gob_c)),
            forming_time_s: window.duration_s(WALL_M, &ThermalGlass::CONTAINER, &mold).unwrap_or(f64::NAN),
        }
    }

    fn annealing(&self, values: &[f64; PARAMETERS]) -> AnnealingView {
        let full = annealed(values);
        let mpa = |pa: f64| 1e-6 * pa;
        AnnealingView {
            zones_c: Parameter::LEHR.map(|zone| values[zone.index()]),
            ideal_c: Parameter::LEHR.map(|zone| self.drive.setpoints[zone.index()]),
            cooling_rate_c_min: values[CoolingRate.index()],
            residual_surface_mpa: mpa(full.map_or(self.stress.surface_pa, |full| full.surface_pa)),
            residual_middle_mpa: mpa(full.map_or(self.stress.middle_pa, |full| full.middle_pa)),
            greatest_tension_mpa: mpa(full.map_or(self.stress.middle_pa, |full| full.greatest_tension_pa)),
            fastest_c_min: full.map_or(values[CoolingRate.index()], |full| 60.0 * full.fastest_k_s),
        }
    }

    fn quality_view(&self, values: &[f64; PARAMETERS]) -> QualityView {
        let rows = self.quality.exposures();
        let now = exposed(rows);
        let laws = self.quality.draw(LAWS);
        let (probability, probability_sd) = spread(&laws, &now);
        let last = Exposed::throughout(&rows[rows.len() - 1]);
        let rate = (1.0 - self.drive.stands) * self.throughput.rate_per_h(values[BeltSpeed.index()]);
        let energy = energy_kw(values[FuelFlow.index()].max(0.0), values[LinePower.index()].max(0.0));
        QualityView {
            probability,
            probability_sd,
            arriving: spread(&laws, &last).0,
            margins: Mechanism::ALL.map(|mechanism| self.margin(mechanism)).to_vec(),
            quality_score: 1.0 - any(&probability),
            production_rate_per_h: rate,
            energy_kw: energy,
            energy_per_unit_kwh: if rate > 0.0 { energy / rate } else { f64::NAN },
        }
    }

    fn margin(&self, mechanism: Mechanism) -> Margin {
        let known = mechanism.known();
        let belief = self.quality.belief(mechanism);
        let normal = self.normal(mechanism);
        let limit = mechanism.value_at(belief.point.middle, normal);
        let beyond = mechanism.value_at(belief.point.middle + belief.middle_sd, normal);
        let row = self.quality.exposures().last().map_or(0.0, |row| f64::from(row[mechanism as usize]));
        Margin {
            mechanism: known.name,
            defect: known.defect,
            load: row / belief.point.middle,
            limit,
            limit_sd: (beyond - limit).abs(),
            parameter: known.parameter.text(),
            within_minute: mechanism == Mechanism::UnsteadyPressure,
        }
    }
}

fn furnace(values: &[f64; PARAMETERS]) -> FurnaceView {
    let value = |parameter: Parameter| values[parameter.index()];
    let (melt, throat, oxygen) = (value(FurnaceTemperature), value(ThroatTemperature), value(FlueOxygen));
    let melt_viscosity = Log10Viscosity(melt_log10(melt));
    let depth_m = 1e-3 * value(MeltLevel);
    let refined =
        smallest_refined_m(depth_m, REFINES_S, melt_viscosity.pascal_seconds(), DENSITY_MELT_KG_M3, Surface::Rigid);
    FurnaceView {
        profile: std::array::from_fn(|place| {
            let along = place as f64 / (PROFILE - 1) as f64;
            (along, profile(along, melt, throat))
        }),
        melt_level_mm: value(MeltLevel),
        viscosity_melt_log10: melt_viscosity.0,
        viscosity_throat_log10: melt_log10(throat),
        excess_air: oxygen / (20.95 - oxygen),
        flue_oxygen_percent: oxygen,
        pressure_kpa: value(FurnacePressure),
        smallest_refined_mm: refined.map_or(f64::NAN, |radius| 1e3 * radius),
    }
}

/// Half waves from under the batch to the hot spot and on to the throat: what instruments say at hot spot and throat,
/// and between them ±20 K.
fn profile(along: f64, melt: f64, throat: f64) -> f64 {
    let (from, fall) = if along < HOT_SPOT {
        ((HOT_SPOT - along) / HOT_SPOT, BATCH_FALL * (melt - throat))
    } else {
        ((along - HOT_SPOT) / (1.0 - HOT_SPOT), melt - throat)
    };
    melt - 0.5 * fall * (1.0 - (std::f64::consts::PI * from).cos())
}

/// Mean and standard deviation over laws.
fn spread(laws: &[Law], exposed: &Exposed) -> ([f64; DEFECTS], [f64; DEFECTS]) {
    let (mut mean, mut square) = ([0.0; DEFECTS], [0.0; DEFECTS]);
    let share = 1.0 / laws.len() as f64;
    for law in laws {
        for (defect, probability) in law.probabilities(exposed).into_iter().enumerate() {
            mean[defect] += share * probability;
            square[defect] += share * probability * probability;
        }
    }
    let sd = std::array::from_fn(|defect| (square[defect] - mean[defect] * mean[defect]).max(0.0).sqrt());
    (mean, sd)
}
