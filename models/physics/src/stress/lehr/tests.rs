use super::*;
use crate::conduction::{Face, Faces};
use crate::stress::adams_williamson::LinearCooling;
use crate::stress::cooling::{Cooling, PlateSpec};
use crate::thermal::ThermalGlass;
use proptest::prelude::*;

const GLASS: RelaxingGlass = RelaxingGlass::CARRE_DAUDEVILLE;

/// The five zones of a model study of a float lehr, 6 mm at 0.24 m/s.
fn float_lehr() -> Vec<Zone> {
    let ends =
        [(54.7, 600.0, 580.0), (54.9, 580.0, 554.0), (73.0, 554.0, 506.0), (73.0, 506.0, 484.0), (72.9, 484.0, 460.0)];
    let zone = |(duration_s, from, to): (f64, f64, f64)| Zone {
        duration_s,
        from: Celsius(from).kelvin(),
        to: Celsius(to).kelvin(),
        convection_w_m2k: 30.0,
        emissivity: 0.8,
    };
    let mut zones: Vec<Zone> = ends.into_iter().map(zone).collect();
    zones.push(zone((600.0, 460.0, 60.0)));
    zones
}

fn float_ware() -> Ware {
    Ware { thickness_m: 0.006, entry: Celsius(600.0).kelvin(), fictive: None }
}

/// Surface, middle and greatest tension by conduction and stress on a grid, in short steps.
fn in_full(ware: &Ware, zones: &[Zone]) -> (f64, f64, f64) {
    let spec = PlateSpec {
        thickness_m: ware.thickness_m,
        nodes: 41,
        plane: Plane::Free,
        bending: Bending::Held,
        initial: ware.entry,
        fictive: ware.fictive,
    };
    let mut plate = Cooling::symmetric(&spec, ThermalGlass::FLOAT, GLASS).unwrap();
    for zone in zones {
        let steps = zone.duration_s.ceil() as usize * 2;
        for step in 0..steps {
            let faces = |at: usize| Faces::same(Face::Exchange(zone.at(at as f64 / steps as f64)));
            plate.step_between(zone.duration_s / steps as f64, &faces(step), &faces(step + 1)).unwrap();
        }
    }
    plate.equalise(ROOM.kelvin()).unwrap();
    (plate.surface().x_pa, plate.middle().x_pa, plate.greatest_tension_pa())
}

#[test]
fn the_fast_form_agrees_with_the_full_solver() {
    for thickness_m in [0.003, 0.006, 0.01] {
        let ware = Ware { thickness_m, ..float_ware() };
        let fast = anneal(&ware, &ThermalGlass::FLOAT, &GLASS, &float_lehr()).unwrap();
        let (surface, middle, tension) = in_full(&ware, &float_lehr());
        let pairs = [(fast.surface_pa, surface), (fast.middle_pa, middle), (fast.greatest_tension_pa, tension)];
        for (fast, full) in pairs {
            assert!((fast / full - 1.0).abs() < 0.02, "{thickness_m} m: {pairs:?}");
        }
    }
}

/// Without structural relaxation a slow even ramp leaves what Adams and Williamson say.
#[test]
fn a_slow_ramp_is_linear_cooling() {
    let rate = 0.1;
    let ramp = |from: f64, to: f64| Zone {
        duration_s: (from - to) / rate,
        from: Celsius(from).kelvin(),
        to: Celsius(to).kelvin(),
        convection_w_m2k: 100.0,
        emissivity: 0.0,
    };
    let ware = Ware { thickness_m: 0.006, entry: Celsius(640.0).kelvin(), fictive: None };
    let found = anneal(&ware, &ThermalGlass::CONSTANT, &GLASS.without_structure(), &[ramp(640.0, 100.0)]).unwrap();
    let expected = LinearCooling {
        young_pa: 70e9,
        poisson: 0.22,
        expansion_per_k: 9e-6,
        diffusivity_m2_s: ThermalGlass::CONSTANT.diffusivity_m2_s(Kelvin(800.0)),
        half_thickness_m: 0.003,
    };
    assert!((found.middle_pa / expected.middle_pa(rate) - 1.0).abs() < 0.01, "{found:?}");
    assert!((found.surface_pa / expected.surface_pa(rate) - 1.0).abs() < 0.01, "{found:?}");
    assert!((found.fastest_k_s / rate - 1.0).abs() < 0.05, "{found:?}");
    assert!((found.annealing_s - 320.0).abs() < 60.0, "{found:?}");
}

#[test]
fn samples_lead_from_the_entry_to_the_exit() {
    let mut samples = Vec::new();
    let found =
        anneal_traced(&float_ware(), &ThermalGlass::FLOAT, &GLASS, &float_lehr(), |sample| samples.push(*sample))
            .unwrap();
    assert_eq!(samples.len(), found.steps);
    let last = samples.last().unwrap();
    assert!((last.at_s - 928.5).abs() < 1e-6 && last.mean == found.exit);
    assert!(samples.windows(2).all(|pair| pair[0].at_s < pair[1].at_s));
    let tension = samples.iter().flat_map(|s| [s.surface_pa, s.middle_pa]).fold(0.0, f64::max);
    assert!(tension <= found.greatest_tension_pa && tension > 0.9 * found.greatest_tension_pa);
}

#[test]
fn a_blast_that_tempers_is_refused() {
    let blast =
        Zone { duration_s: 10.0, from: Kelvin(293.0), to: Kelvin(293.0), convection_w_m2k: 450.0, emissivity: 0.0 };
    let refused = anneal(&float_ware(), &ThermalGlass::FLOAT, &GLASS, &[blast]).unwrap_err();
    assert!(
        matches!(refused, PhysicsError::OutOfRange { quantity: "the Biot number of ware in a lehr", .. }),
        "{refused}"
    );
    let broken = Zone { duration_s: f64::NAN, ..blast };
    assert!(anneal(&float_ware(), &ThermalGlass::FLOAT, &GLASS, &[broken]).is_err());
}

proptest! {
    #[test]
    fn a_slower_lehr_leaves_less_stress(slower in 1.5..6.0_f64, thickness_m in 0.002..0.01_f64) {
        let ware = Ware { thickness_m, ..float_ware() };
        let slow: Vec<Zone> =
            float_lehr().into_iter().map(|zone| Zone { duration_s: zone.duration_s * slower, ..zone }).collect();
        let fast = anneal(&ware, &ThermalGlass::FLOAT, &GLASS, &float_lehr()).unwrap();
        let slow = anneal(&ware, &ThermalGlass::FLOAT, &GLASS, &slow).unwrap();
        prop_assert!(slow.middle_pa < fast.middle_pa && slow.middle_pa > 0.0);
        prop_assert!(slow.surface_pa > fast.surface_pa && slow.surface_pa < 0.0);
        prop_assert!(slow.fictive < fast.fictive);
    }
}
