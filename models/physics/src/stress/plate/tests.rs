use super::*;
use proptest::prelude::*;

const GLASS: RelaxingGlass = RelaxingGlass::CARRE_DAUDEVILLE;

fn cold(kelvin: f64) -> Structure {
    Structure::new(Kelvin(kelvin), Kelvin(830.0))
}

/// A plate too cold to relax obeys σ = −Eα(T − mean)/(1−ν) when it is free.
#[test]
fn cold_glass_is_an_elastic_plate() {
    let layers = full_layers(0.006, 61);
    let mut plate = PlateStress::new(GLASS, &layers, Plane::Free, Bending::Held, cold(300.0)).unwrap();
    let profile: Vec<Kelvin> = layers.iter().map(|layer| Kelvin(300.0 + 1e6 * layer.z_m.powi(2))).collect();
    plate.step(1.0, &profile).unwrap();
    let mean: f64 = layers.iter().zip(&profile).map(|(layer, t)| layer.weight * t.0).sum();
    for (stress, temperature) in plate.stress().iter().zip(&profile) {
        let elastic = 70e9 * 9e-6 / 0.78 * (mean - temperature.0);
        assert!((stress.x_pa - elastic).abs() < 1.0 && (stress.y_pa - elastic).abs() < 1.0, "{stress:?} {elastic}");
    }
}

/// Held in y, a plate that cools evenly is stretched there by EαΔT and free of stress in x.
#[test]
fn a_plate_held_in_one_direction_is_stressed_in_that_alone() {
    let layers = half_layers(0.003, 7);
    let mut plate = PlateStress::new(GLASS, &layers, Plane::HeldInY, Bending::Held, cold(400.0)).unwrap();
    plate.step(1.0, &[Kelvin(350.0); 7]).unwrap();
    for stress in plate.stress() {
        assert!(stress.x_pa.abs() < 1e-3 && (stress.y_pa / (70e9 * 9e-6 * 50.0) - 1.0).abs() < 1e-6, "{stress:?}");
    }
}

/// A linear profile bends a free plate and stresses one that is held flat.
#[test]
fn a_plate_free_to_bend_takes_a_linear_profile_without_stress() {
    let layers = full_layers(0.006, 31);
    let profile: Vec<Kelvin> = layers.iter().map(|layer| Kelvin(400.0 + 5e3 * layer.z_m)).collect();
    let stressed = |bending| {
        let mut plate = PlateStress::new(GLASS, &layers, Plane::Free, bending, cold(400.0)).unwrap();
        plate.step(1.0, &profile).unwrap();
        plate.greatest_tension_pa()
    };
    assert!(stressed(Bending::Free) < 1.0);
    let held = stressed(Bending::Held);
    assert!((held / (70e9 * 9e-6 / 0.78 * 15.0) - 1.0).abs() < 1e-6, "{held}");
}

/// Stress from a gradient in glass at 650 °C is gone in seconds, when its structure too has settled.
#[test]
fn hot_glass_loses_its_stress() {
    let layers = half_layers(0.003, 11);
    let start = Structure::new(Kelvin(923.0), Kelvin(923.0));
    let mut plate = PlateStress::new(GLASS, &layers, Plane::Free, Bending::Held, start).unwrap();
    let profile: Vec<Kelvin> = (0..11).map(|i| Kelvin(923.0 - f64::from(i))).collect();
    plate.step(0.0, &profile).unwrap();
    let at_once = plate.greatest_tension_pa();
    for _ in 0..60 {
        plate.step(0.05, &profile).unwrap();
    }
    assert!(at_once > 1e6 && plate.greatest_tension_pa() < 1e-3 * at_once, "{at_once} {}", plate.greatest_tension_pa());
}

#[test]
fn what_is_no_plate_or_no_profile_is_refused() {
    let layers = half_layers(0.003, 5);
    let uneven = [Layer { z_m: 0.0, weight: 0.4 }, Layer { z_m: 1.0, weight: 0.4 }];
    assert!(PlateStress::new(GLASS, &uneven, Plane::Free, Bending::Held, cold(300.0)).is_err());
    assert!(PlateStress::new(GLASS, &[], Plane::Free, Bending::Held, cold(300.0)).is_err());
    let mut plate = PlateStress::new(GLASS, &layers, Plane::Free, Bending::Held, cold(300.0)).unwrap();
    let wrong = plate.step(1.0, &[Kelvin(300.0); 4]);
    assert!(matches!(wrong, Err(PhysicsError::Length { got: 4, expected: 5, .. })));
    assert!(plate.step(1.0, &[Kelvin(f64::NAN); 5]).is_err());
    assert!(plate.step(-1.0, &[Kelvin(300.0); 5]).is_err());
    assert_eq!(plate.stress(), [InPlane::default(); 5]);
}

proptest! {
    #[test]
    fn force_and_moment_vanish_whatever_the_temperatures(
        profiles in prop::collection::vec(prop::array::uniform9(400.0..1000.0_f64), 1..12),
        steps in prop::array::uniform12(0.0..100.0_f64),
        plane in prop::sample::select(vec![Plane::Free, Plane::HeldInY])
    ) {
        let layers = full_layers(0.006, 9);
        let start = Structure::new(Kelvin(900.0), Kelvin(900.0));
        let mut plate = PlateStress::new(GLASS, &layers, plane, Bending::Free, start).unwrap();
        for (profile, step_s) in profiles.iter().zip(steps) {
            plate.step(step_s, &profile.map(Kelvin)).unwrap();
            let moment: f64 =
                layers.iter().zip(plate.stress()).map(|(layer, stress)| layer.weight * layer.z_m * stress.x_pa).sum();
            let greatest = plate.stress().iter().map(|stress| stress.x_pa.abs()).fold(1.0, f64::max);
            prop_assert!(plate.resultant_pa().abs() < 1e-6 * greatest);
            prop_assert!(moment.abs() < 1e-6 * greatest * 0.006);
        }
    }

    #[test]
    fn even_cooling_of_a_free_plate_leaves_no_stress(
        steps in prop::collection::vec((0.1..60.0_f64, 300.0..1000.0_f64), 1..15)
    ) {
        let layers = half_layers(0.003, 5);
        let start = Structure::new(Kelvin(950.0), Kelvin(950.0));
        let mut plate = PlateStress::new(GLASS, &layers, Plane::Free, Bending::Held, start).unwrap();
        for (step_s, kelvin) in steps {
            plate.step(step_s, &[Kelvin(kelvin); 5]).unwrap();
            prop_assert!(plate.stress().iter().all(|stress| stress.x_pa.abs() < 1.0));
        }
    }
}
