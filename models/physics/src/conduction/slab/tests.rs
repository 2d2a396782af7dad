use super::super::series::PlaneWall;
use super::super::{Exchange, Face};
use super::*;
use crate::thermal::{Conductivity, HeatCapacity, ThermalGlass};
use proptest::prelude::*;

const AMBIENT: Kelvin = Kelvin(300.0);
const HOT: Kelvin = Kelvin(900.0);

fn theta(temperature: Kelvin) -> f64 {
    (temperature.0 - AMBIENT.0) / (HOT.0 - AMBIENT.0)
}

/// Middle and face of a wall with constant properties that cools from `HOT`, after a Fourier number of 1 on the half
/// thickness.
fn cooled(biot: f64, nodes: usize, steps: usize) -> (f64, f64) {
    let (material, half) = (ThermalGlass::CONSTANT, 0.005);
    let mut slab = Slab::new(material, 2.0 * half, nodes, HOT).unwrap();
    let coefficient = biot * material.conductivity(HOT) / half;
    let step_s = half * half / material.diffusivity_m2_s(HOT) / steps as f64;
    for _ in 0..steps {
        slab.step(step_s, &Faces::same(Face::convection(coefficient, AMBIENT))).unwrap();
    }
    (theta(slab.temperatures()[nodes / 2]), theta(slab.temperatures()[0]))
}

#[test]
fn halving_steps_and_spacing_quarters_the_error() {
    let exact = PlaneWall::new(1.0).at(0.0, 1.0);
    let errors = [(11, 10), (21, 20), (41, 40)].map(|(nodes, steps)| (cooled(1.0, nodes, steps).0 - exact).abs());
    assert!(errors[0] / errors[1] > 3.3 && errors[1] / errors[2] > 3.3, "{errors:?}");
}

/// One step of a hundred relaxation times, and faces brought to another temperature in an instant.
#[test]
fn long_steps_damp_out_instead_of_ringing() {
    let mut slab = Slab::new(ThermalGlass::CONSTANT, 0.01, 101, HOT).unwrap();
    let mut before = 1.0;
    for _ in 0..5 {
        slab.step(6000.0, &Faces::same(Face::Fixed(AMBIENT))).unwrap();
        let greatest = slab.temperatures().iter().map(|t| theta(*t).abs()).fold(0.0, f64::max);
        assert!(greatest < 0.2 * before, "{greatest} after {before}");
        before = greatest.max(1e-12);
    }
}

#[test]
fn radiation_alone_cools_a_thin_slab_as_the_closed_form_says() {
    // dT/dt = −2εσT⁴/(ρ c d) in empty space: 1/T³ grows linearly.
    let (thickness, emissivity) = (1e-4, 0.8);
    let mut slab = Slab::new(ThermalGlass::CONSTANT, thickness, 5, Kelvin(1200.0)).unwrap();
    for _ in 0..400 {
        slab.step(0.01, &Faces::same(Face::radiation(emissivity, Kelvin(0.0)))).unwrap();
    }
    let rate = 6.0 * emissivity * crate::STEFAN_BOLTZMANN / (2530.0 * 1200.0 * thickness);
    let exact = (1200.0_f64.powi(-3) + rate * 4.0).powf(-1.0 / 3.0);
    assert!((slab.mean().0 / exact - 1.0).abs() < 1e-3, "{} instead of {exact}", slab.mean().0);
}

#[test]
fn a_steady_profile_follows_the_conductivity() {
    let material = ThermalGlass {
        density_kg_m3: 2500.0,
        heat_capacity: HeatCapacity::Constant(1000.0),
        conductivity: Conductivity { at_0c: 1.0, per_k: 2e-3, radiative: 0.0 },
    };
    let mut slab = Slab::new(material, 0.01, 21, HOT).unwrap();
    let faces = Faces { lower: Face::Fixed(Kelvin(400.0)), upper: Face::Fixed(Kelvin(1000.0)) };
    let mut released = slab.step(1e6, &faces).unwrap();
    for _ in 0..4 {
        released = slab.step(1e6, &faces).unwrap();
    }
    let through =
        material.conductivity.integral_w_m(Kelvin(1000.0)) - material.conductivity.integral_w_m(Kelvin(400.0));
    let expected = 1e6 * through / 0.01;
    assert!((released.lower_j_m2 / expected - 1.0).abs() < 1e-9, "{released:?}");
    assert!((released.upper_j_m2 / expected + 1.0).abs() < 1e-9, "{released:?}");
}

#[test]
fn what_is_no_slab_or_no_face_is_refused() {
    assert!(Slab::new(ThermalGlass::FLOAT, 0.0, 11, HOT).is_err());
    assert!(Slab::new(ThermalGlass::FLOAT, 0.01, 2, HOT).is_err());
    assert!(Slab::new(ThermalGlass::FLOAT, 0.01, 11, Kelvin(f64::NAN)).is_err());
    let mut slab = Slab::new(ThermalGlass::FLOAT, 0.01, 11, HOT).unwrap();
    assert!(slab.step(-1.0, &Faces::same(Face::INSULATED)).is_err());
    assert!(slab.set_temperatures(&[HOT; 3]).is_err());
    let broken = slab.step(1.0, &Faces::same(Face::convection(f64::NAN, AMBIENT)));
    assert!(matches!(broken, Err(PhysicsError::NotConverged { .. })), "{broken:?}");
}

fn face() -> impl Strategy<Value = Face> {
    let exchange = (0.0..2000.0_f64, 250.0..1500.0_f64, 0.0..1.0_f64, 250.0..1500.0_f64, -1e4..1e4_f64).prop_map(
        |(convection_w_m2k, ambient, emissivity, surroundings, imposed_w_m2)| {
            Face::Exchange(Exchange {
                convection_w_m2k,
                ambient: Kelvin(ambient),
                emissivity,
                surroundings: Kelvin(surroundings),
                imposed_w_m2,
            })
        },
    );
    prop_oneof![exchange, (250.0..1500.0_f64).prop_map(|t| Face::Fixed(Kelvin(t))), Just(Face::INSULATED)]
}

fn material() -> impl Strategy<Value = ThermalGlass> {
    let with_radiation = Conductivity::PHONON.with_radiation(1.5, 300.0).unwrap();
    prop_oneof![
        Just(ThermalGlass::CONSTANT),
        Just(ThermalGlass::FLOAT),
        Just(ThermalGlass { conductivity: with_radiation, ..ThermalGlass::CONTAINER })
    ]
}

proptest! {
    #[test]
    fn what_leaves_the_faces_is_what_the_slab_loses(
        material in material(), lower in face(), upper in face(), later in face(), begin in 300.0..1400.0_f64,
        steps in prop::collection::vec(0.01..30.0_f64, 1..8)
    ) {
        let mut slab = Slab::new(material, 0.008, 17, Kelvin(begin)).unwrap();
        let first = slab.enthalpy_j_m2();
        let (mut released, mut turned_over) = (0.0, 1.0);
        for step_s in steps {
            let heat = slab.step_between(step_s, &Faces { lower, upper }, &Faces { lower, upper: later }).unwrap();
            released += heat.total_j_m2();
            turned_over += heat.lower_j_m2.abs() + heat.upper_j_m2.abs();
        }
        let lost = first - slab.enthalpy_j_m2();
        prop_assert!((released - lost).abs() < 1e-6 * (turned_over + first.abs() * 1e-6), "{released} {lost}");
    }

    #[test]
    fn equal_faces_keep_the_profile_symmetric(material in material(), face in face(), begin in 300.0..1400.0_f64) {
        let mut slab = Slab::new(material, 0.006, 20, Kelvin(begin)).unwrap();
        for _ in 0..10 {
            slab.step(1.0, &Faces::same(face)).unwrap();
        }
        let profile = slab.temperatures();
        for (one, other) in profile.iter().zip(profile.iter().rev()) {
            prop_assert!((one.0 - other.0).abs() < 1e-9 * one.0);
        }
    }

    #[test]
    fn an_insulated_slab_levels_out_and_keeps_its_heat(profile in prop::collection::vec(400.0..1200.0_f64, 15)) {
        let profile: Vec<Kelvin> = profile.into_iter().map(Kelvin).collect();
        let mut slab = Slab::new(ThermalGlass::FLOAT, 0.006, 15, HOT).unwrap();
        slab.set_temperatures(&profile).unwrap();
        let content = slab.enthalpy_j_m2();
        for _ in 0..20 {
            slab.step(20.0, &Faces::same(Face::INSULATED)).unwrap();
        }
        prop_assert!((slab.enthalpy_j_m2() / content - 1.0).abs() < 1e-9);
        let mean = slab.mean().0;
        prop_assert!(slab.temperatures().iter().all(|t| (t.0 - mean).abs() < 1e-3));
    }
}
