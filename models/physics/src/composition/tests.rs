use super::*;
use proptest::prelude::*;

#[test]
fn what_is_not_a_composition_is_refused_by_name() {
    let negative = WeightPercent::new(&[(Oxide::SiO2, 101.0), (Oxide::CaO, -1.0)]);
    assert_eq!(negative, Err(PhysicsError::Share { oxide: Oxide::SiO2, percent: 101.0 }));
    let unknown = MolPercent::new(&[(Oxide::SiO2, f64::NAN)]);
    assert!(matches!(unknown, Err(PhysicsError::Share { oxide: Oxide::SiO2, .. })));
    let twice = WeightPercent::new(&[(Oxide::SiO2, 50.0), (Oxide::SiO2, 50.0)]);
    assert_eq!(twice, Err(PhysicsError::Twice { oxide: Oxide::SiO2 }));
    assert_eq!(WeightPercent::new(&[(Oxide::SiO2, 90.0)]), Err(PhysicsError::Total(90.0)));
}

#[test]
fn sodium_disilicate_has_known_weights() {
    let disilicate = MolPercent::new(&[(Oxide::SiO2, 200.0 / 3.0), (Oxide::Na2O, 100.0 / 3.0)]).unwrap();
    let weights = disilicate.weight_percent();
    assert!((weights.of(Oxide::Na2O) - 34.03).abs() < 0.01, "{weights:?}");
}

proptest! {
    #[test]
    fn there_and_back_is_the_same_composition(parts in prop::array::uniform16(0.01..1.0_f64)) {
        let total: f64 = parts.iter().sum();
        let shares: Vec<_> = Oxide::ALL.into_iter().zip(parts.map(|part| part * 100.0 / total)).collect();
        let there = MolPercent::new(&shares).unwrap();
        let back = there.weight_percent().mol_percent();
        for oxide in Oxide::ALL {
            prop_assert!((back.of(oxide) - there.of(oxide)).abs() < 1e-9);
        }
    }
}
