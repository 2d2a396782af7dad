//! What a step of each solver costs, and the fast form of annealing beside the full one in the same run.

use divan::{Bencher, black_box};
use lehr_physics::composition::{MolPercent, Oxide};
use lehr_physics::conduction::{Exchange, Face, Faces, Slab};
use lehr_physics::residence::{Mixing, ResidenceTime};
use lehr_physics::stress::cooling::{Cooling, PlateSpec};
use lehr_physics::stress::lehr::{Ware, Zone, anneal};
use lehr_physics::stress::plate::{Bending, Plane, PlateStress, half_layers};
use lehr_physics::stress::relaxing::RelaxingGlass;
use lehr_physics::stress::structure::Structure;
use lehr_physics::thermal::ThermalGlass;
use lehr_physics::viscosity::{Vft, fluegel};
use lehr_physics::{Celsius, Kelvin};

const GLASS: RelaxingGlass = RelaxingGlass::CARRE_DAUDEVILLE;
const HOT: Kelvin = Kelvin(923.15);
const ROOM: Kelvin = Kelvin(293.15);

fn main() {
    divan::main();
}

/// 6 mm of float glass through a lehr of five zones and the cooling after it.
fn zones() -> Vec<Zone> {
    let zone = |(duration_s, from, to): (f64, f64, f64)| Zone {
        duration_s,
        from: Celsius(from).kelvin(),
        to: Celsius(to).kelvin(),
        convection_w_m2k: 30.0,
        emissivity: 0.8,
    };
    [
        (54.7, 600.0, 580.0),
        (54.9, 580.0, 554.0),
        (73.0, 554.0, 506.0),
        (73.0, 506.0, 484.0),
        (72.9, 484.0, 460.0),
        (600.0, 460.0, 60.0),
    ]
    .map(zone)
    .to_vec()
}

fn ware() -> Ware {
    Ware { thickness_m: 0.006, entry: Celsius(600.0).kelvin(), fictive: None }
}

fn spec(ware: &Ware, nodes: usize) -> PlateSpec {
    PlateSpec {
        thickness_m: ware.thickness_m,
        nodes,
        plane: Plane::Free,
        bending: Bending::Held,
        initial: ware.entry,
        fictive: ware.fictive,
    }
}

mod slab {
    use super::*;

    #[divan::bench(args = [11, 41, 161])]
    fn step_with_constant_properties(bencher: Bencher, nodes: usize) {
        step(bencher, ThermalGlass::CONSTANT, nodes);
    }

    #[divan::bench(args = [11, 41, 161])]
    fn step_with_properties_that_vary(bencher: Bencher, nodes: usize) {
        step(bencher, ThermalGlass::FLOAT, nodes);
    }

    fn step(bencher: Bencher, material: ThermalGlass, nodes: usize) {
        let faces = Faces::same(Face::Exchange(Exchange::both(30.0, 0.8, ROOM)));
        bencher
            .with_inputs(|| Slab::new(material, 0.006, nodes, HOT).unwrap())
            .bench_refs(|slab| slab.step(black_box(0.5), &faces).unwrap());
    }
}

mod stress {
    use super::*;

    /// In the transition range, where every term needs its exponential.
    #[divan::bench(args = [3, 11, 41])]
    fn step_of_a_plate(bencher: Bencher, layers: usize) {
        let start = Structure::new(Kelvin(850.0), Kelvin(850.0));
        let places = half_layers(0.003, layers);
        let profile = vec![Kelvin(848.0); layers];
        bencher
            .with_inputs(|| PlateStress::new(GLASS, &places, Plane::Free, Bending::Held, start).unwrap())
            .bench_refs(|plate| plate.step(black_box(0.5), &profile).unwrap());
    }

    /// From 650 °C to room temperature: to 1 % as few nodes and steps as the tests hold it to, to 0.1 % many.
    #[divan::bench(args = [(13, 120), (41, 800)])]
    fn tempering(bencher: Bencher, (nodes, steps): (usize, usize)) {
        let ware = Ware { thickness_m: 0.004, entry: HOT, fictive: None };
        let faces = Faces::same(Face::convection(450.0, ROOM));
        bencher.bench(|| {
            let mut plate = Cooling::symmetric(&spec(&ware, nodes), ThermalGlass::FLOAT, GLASS).unwrap();
            plate.run(black_box(400.0), &faces, steps, 1000.0).unwrap();
            plate.surface()
        });
    }
}

mod annealing {
    use super::*;

    #[divan::bench]
    fn fast(bencher: Bencher) {
        let zones = zones();
        bencher.bench(|| anneal(black_box(&ware()), &ThermalGlass::FLOAT, &GLASS, &zones).unwrap());
    }

    /// Scenarios as a what-if asks for them: one zone colder or hotter each.
    #[divan::bench(sample_count = 10)]
    fn fast_a_thousand_scenarios(bencher: Bencher) {
        bencher.bench(|| {
            let mut worst = 0.0_f64;
            for scenario in 0..1000 {
                let mut zones = zones();
                zones[2].to = Kelvin(zones[2].to.0 + 0.02 * f64::from(scenario - 500));
                let annealed = anneal(&ware(), &ThermalGlass::FLOAT, &GLASS, &zones).unwrap();
                worst = worst.max(annealed.middle_pa);
            }
            worst
        });
    }

    /// The same lehr by conduction and stress on a grid, a step a second.
    #[divan::bench(args = [11, 41])]
    fn full(bencher: Bencher, nodes: usize) {
        let zones = zones();
        bencher.bench(|| {
            let mut plate = Cooling::symmetric(&spec(&ware(), nodes), ThermalGlass::FLOAT, GLASS).unwrap();
            for zone in &zones {
                let steps = zone.duration_s.ceil();
                let faces = |share: f64| {
                    let ambient = Kelvin(zone.from.0 + share * (zone.to.0 - zone.from.0));
                    Faces::same(Face::Exchange(Exchange::both(zone.convection_w_m2k, zone.emissivity, ambient)))
                };
                for step in 0..steps as usize {
                    let (begin, end) = (step as f64 / steps, (step + 1) as f64 / steps);
                    plate.step_between(zone.duration_s / steps, &faces(begin), &faces(end)).unwrap();
                }
            }
            plate.equalise(ROOM).unwrap();
            plate.surface()
        });
    }
}

#[divan::bench]
fn viscosity_curve_from_composition(bencher: Bencher) {
    let shares = [(Oxide::SiO2, 74.41), (Oxide::Al2O3, 0.75), (Oxide::Na2O, 12.9), (Oxide::CaO, 11.94)];
    let glass = MolPercent::new(&shares).unwrap();
    bencher.bench(|| fluegel::isokoms(black_box(&glass)).unwrap().vft().unwrap());
}

#[divan::bench]
fn viscosity_at_a_temperature() -> f64 {
    Vft::CONTAINER.log10_viscosity(black_box(Celsius(1100.0))).unwrap().0
}

/// A minute of pull through three tanks with dead time, sixteen oxides.
#[divan::bench]
fn step_of_a_melter(bencher: Bencher) {
    let shape = ResidenceTime::new(3, 108_000.0, 18_000.0).unwrap();
    let mut melter = Mixing::new(&shape, 375_000.0, [1.0; 16]).unwrap();
    bencher.bench_local(|| melter.step(black_box(208.0), [1.1; 16]).unwrap());
}
