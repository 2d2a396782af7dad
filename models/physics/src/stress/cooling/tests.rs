use super::*;
use crate::conduction::Face;
use crate::thermal::ThermalGlass;
use crate::{Celsius, PhysicsError};

const GLASS: RelaxingGlass = RelaxingGlass::CARRE_DAUDEVILLE;
const ROOM: Kelvin = Kelvin(293.15);

fn spec(nodes: usize, initial: Celsius, bending: Bending) -> PlateSpec {
    PlateSpec { thickness_m: 0.006, nodes, plane: Plane::Free, bending, initial: initial.kelvin(), fictive: None }
}

/// MPa in the middle of a plate tempered from `initial` °C.
fn middle_mpa(initial: f64, convection_w_m2k: f64) -> f64 {
    let spec = spec(17, Celsius(initial), Bending::Held);
    let mut plate = Cooling::symmetric(&spec, ThermalGlass::FLOAT, GLASS).unwrap();
    let faces = Faces::same(Face::convection(convection_w_m2k, ROOM));
    plate.run(3000.0, &faces, 300, 3000.0).unwrap();
    plate.equalise(ROOM).unwrap();
    plate.middle().x_pa * 1e-6
}

/// R. Gardon, Proc. VII Int. Congr. Glass (1965), paper 79: the shape of his curves for plate of 6.1 mm.
#[test]
fn temper_grows_with_the_blast_and_with_the_temperature_until_it_saturates() {
    let by_blast = [100.0, 200.0, 400.0].map(|h| middle_mpa(650.0, h));
    assert!(by_blast.is_sorted() && by_blast[0] > 5.0, "{by_blast:?}");
    let by_temperature = [580.0, 600.0, 620.0, 650.0, 700.0].map(|t| middle_mpa(t, 200.0));
    assert!(by_temperature.is_sorted_by(|a, b| a < &(b * 1.03)), "{by_temperature:?}");
    assert!(by_temperature[0] < 0.8 * by_temperature[4], "{by_temperature:?}");
    assert!((by_temperature[3] / by_temperature[4] - 1.0).abs() < 0.05, "{by_temperature:?}");
}

#[test]
fn half_a_plate_is_as_good_as_a_whole_one() {
    let faces = Faces::same(Face::convection(300.0, ROOM));
    let mut half = Cooling::symmetric(&spec(11, Celsius(640.0), Bending::Held), ThermalGlass::FLOAT, GLASS).unwrap();
    let mut whole = Cooling::two_sided(&spec(21, Celsius(640.0), Bending::Free), ThermalGlass::FLOAT, GLASS).unwrap();
    let released = half.run(60.0, &faces, 100, 100.0).unwrap();
    let both = whole.run(60.0, &faces, 100, 100.0).unwrap();
    assert!((released.total_j_m2() / both.total_j_m2() - 1.0).abs() < 1e-9, "{released:?} {both:?}");
    assert!((half.surface().x_pa / whole.surface().x_pa - 1.0).abs() < 1e-6);
    assert!((half.middle().x_pa / whole.middle().x_pa - 1.0).abs() < 1e-6);
    assert!((half.greatest_tension_pa() / whole.greatest_tension_pa() - 1.0).abs() < 1e-6);
    assert!((half.elapsed_s() - 60.0).abs() < 1e-9);
}

/// A blast on one face compresses that face more if the plate is held flat than if it may bend.
#[test]
fn a_plate_blown_from_one_side_bends_some_stress_away() {
    let surface = |bending| {
        let spec = spec(31, Celsius(640.0), bending);
        let mut plate = Cooling::two_sided(&spec, ThermalGlass::FLOAT, GLASS).unwrap();
        let faces = Faces { lower: Face::INSULATED, upper: Face::convection(200.0, ROOM) };
        plate.run(3000.0, &faces, 400, 1000.0).unwrap();
        plate.equalise(ROOM).unwrap();
        plate.surface().x_pa
    };
    let (held, free) = (surface(Bending::Held), surface(Bending::Free));
    assert!(held < free && free < 0.0, "{held} {free}");
}

#[test]
fn a_run_without_steps_is_refused() {
    let mut plate = Cooling::symmetric(&spec(11, Celsius(640.0), Bending::Held), ThermalGlass::FLOAT, GLASS).unwrap();
    let refused = plate.run(1.0, &Faces::same(Face::INSULATED), 0, 1.0).unwrap_err();
    assert!(matches!(refused, PhysicsError::OutOfRange { quantity: "the number of steps", .. }), "{refused}");
    let broken = PlateSpec { fictive: Some(Kelvin(f64::NAN)), ..spec(11, Celsius(640.0), Bending::Held) };
    assert!(Cooling::symmetric(&broken, ThermalGlass::FLOAT, GLASS).is_err());
}
