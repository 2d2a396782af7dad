use super::*;
use crate::Celsius;
use proptest::prelude::*;

/// 300 t a day from a hundred square metres.
const CONTAINER: Furnace = Furnace {
    wall_w_k: 2700.0,
    ageing_per_year: 0.02,
    content_j_k: 1e9,
    flue: FlueGas::REGENERATIVE,
    glass_j_kgk: 1230.0,
    reaction_j_kg: 0.45e6,
    surroundings: Kelvin(293.15),
    entry: Kelvin(293.15),
};
const RUN: Operation = Operation { pull_kg_s: 3.47, cullet: 0.5, boost_w: 0.0, age_years: 0.0 };

fn melt() -> Kelvin {
    Celsius(1400.0).kelvin()
}

#[test]
fn half_cullet_takes_what_the_best_container_furnaces_take() {
    let balance = CONTAINER.fuel_for(&RUN, melt()).unwrap();
    let specific = balance.specific_gj_t(RUN.pull_kg_s);
    assert!((3.5..4.5).contains(&specific), "{specific} GJ/t");
    assert!(balance.gap_w().abs() < 1.0, "{balance:?}");
}

#[test]
fn cullet_and_pull_save_fuel_and_age_costs_some() {
    let specific = |run: Operation| CONTAINER.fuel_for(&run, melt()).unwrap().specific_gj_t(run.pull_kg_s);
    let base = specific(RUN);
    assert!(specific(Operation { cullet: 0.8, ..RUN }) < base);
    assert!(specific(Operation { pull_kg_s: 4.5, ..RUN }) < base);
    assert!(specific(Operation { age_years: 10.0, ..RUN }) > base);
    let boosted = CONTAINER.fuel_for(&Operation { boost_w: 1e6, ..RUN }, melt()).unwrap();
    assert!(boosted.specific_gj_t(RUN.pull_kg_s) < base, "boost bypasses the flue");
}

#[test]
fn a_furnace_at_rest_stays_there() {
    let balance = CONTAINER.fuel_for(&RUN, melt()).unwrap();
    let (after, _) = CONTAINER.step(&RUN, balance.fuel_w, melt(), 86_400.0).unwrap();
    assert!((after.0 - melt().0).abs() < 1e-9 * melt().0);
    assert!((CONTAINER.rest_at(&RUN, balance.fuel_w).unwrap().0 - melt().0).abs() < 1e-9 * melt().0);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let refused = CONTAINER.fuel_for(&Operation { cullet: 1.2, ..RUN }, melt()).unwrap_err();
    assert!(matches!(refused, PhysicsError::OutOfRange { quantity: "the share of cullet", .. }), "{refused}");
    assert!(CONTAINER.fuel_for(&Operation { boost_w: 1e9, ..RUN }, melt()).is_err());
    let open = Furnace { flue: FlueGas { leaves_at: Kelvin(3000.0), ..FlueGas::REGENERATIVE }, ..CONTAINER };
    assert!(open.fuel_for(&RUN, melt()).is_err());
    assert!(CONTAINER.step(&RUN, f64::NAN, melt(), 1.0).is_err());
}

/// Ten years at 1.25 % a year, half cullet at 40 %.
#[test]
fn the_fuel_model_ages_and_saves_as_published() {
    let model = FuelModel::new(100.0, 1.0);
    assert!((model.per_day(200.0, 0.0, 0.0) - 300.0).abs() < 1e-9);
    assert!((model.per_day(200.0, 0.5, 10.0) - 1.125 * 260.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn energy_balances_over_any_step(
        fuel in 0.0..3e7_f64, from in 900.0..2000.0_f64, step_s in 0.0..1e6_f64, pull in 0.0..10.0_f64,
        cullet in 0.0..1.0_f64
    ) {
        let run = Operation { pull_kg_s: pull, cullet, boost_w: 5e5, age_years: 3.0 };
        let (_, balance) = CONTAINER.step(&run, fuel, Kelvin(from), step_s).unwrap();
        prop_assert!(balance.gap_w().abs() < 1e-6 * (fuel + 1e7), "{balance:?}");
    }

    #[test]
    fn two_steps_are_one(
        fuel in 0.0..1.5e7_f64, from in 900.0..2000.0_f64, one in 0.0..1e6_f64, other in 0.0..1e6_f64
    ) {
        let (whole, _) = CONTAINER.step(&RUN, fuel, Kelvin(from), one + other).unwrap();
        let (half, _) = CONTAINER.step(&RUN, fuel, Kelvin(from), one).unwrap();
        let (twice, _) = CONTAINER.step(&RUN, fuel, half, other).unwrap();
        prop_assert!((whole.0 - twice.0).abs() < 1e-8 * whole.0);
    }
}
