//! Viscosity curves of soda-lime glasses from their composition, by Lakatos and co-workers.
//!
//! Both models give the constants of T = B/(log10 η\[poise\] + A) + T0 as sums over oxides; in Pa·s the A of
//! [`Vft`] is −A − 1.

use super::Vft;
use crate::composition::{Calibration, Oxide, WeightPercent};
use crate::{Celsius, PhysicsError};

/// What one part of oxide adds to B, A and T0.
type Factor = (Oxide, f64, f64, f64);

const B_A_T0: (f64, f64, f64) = (6237.013, 1.713, 149.4);

/// Per part by weight on 100 parts of SiO2.
const FACTORS: [Factor; 10] = [
    (Oxide::Al2O3, 15.21, -0.0087, 1.4),
    (Oxide::Na2O, -66.01, -0.0162, 0.5),
    (Oxide::K2O, -5.41, 0.0066, -2.36),
    (Oxide::Li2O, -115.18, -0.0318, -13.29),
    (Oxide::CaO, -60.63, 0.0064, 7.71),
    (Oxide::MgO, 56.21, 0.0589, -2.12),
    (Oxide::BaO, -21.03, 0.0026, 1.09),
    (Oxide::ZnO, -3.76, 0.016, 0.96),
    (Oxide::PbO, -25.44, -0.005, 0.82),
    (Oxide::B2O3, -155.11, -0.0465, 12.03),
];

/// Of the square of the parts of B2O3, whose effect alone is not linear.
const B2O3_SQUARED: (f64, f64, f64) = (4.0999, 0.001627, -0.2765);

/// The least and the greatest share in the glasses of Tables 1A and 1B that the factors were fitted to.
const CALIBRATION: Calibration = Calibration {
    model: "Lakatos 1976",
    unit: "wt%",
    ranges: &[
        (Oxide::SiO2, 59.52, 77.02),
        (Oxide::Al2O3, 0.0, 8.26),
        (Oxide::Na2O, 10.41, 17.0),
        (Oxide::K2O, 0.0, 8.7),
        (Oxide::Li2O, 0.0, 3.0),
        (Oxide::CaO, 4.48, 13.32),
        (Oxide::MgO, 0.0, 6.0),
        (Oxide::BaO, 0.0, 16.54),
        (Oxide::ZnO, 0.0, 9.39),
        (Oxide::PbO, 0.0, 12.22),
        (Oxide::B2O3, 0.0, 14.37),
    ],
    rest: 1.0,
};

/// Standard deviations of this model's temperatures at 10¹, 10³ and 10⁵ Pa·s in K.
#[allow(clippy::approx_constant, reason = "a deviation that happens to be near π")]
pub const STANDARD_DEVIATIONS_K: [f64; 3] = [4.63, 3.34, 3.14];

/// T. Lakatos, "Viscosity–temperature relations in glasses composed of SiO2–Al2O3–Na2O–K2O–Li2O–CaO–MgO–BaO–ZnO–
/// PbO–B2O3", Glastekn. Tidskr. 31 (1976): 10 to 10⁵ Pa·s.
///
/// Error: names the oxide outside the glasses that the model was fitted to.
pub fn lakatos_1976(glass: &WeightPercent) -> Result<Vft, PhysicsError> {
    CALIBRATION.check(|oxide| glass.of(oxide))?;
    let parts = |oxide| 100.0 * glass.of(oxide) / glass.of(Oxide::SiO2);
    let squared = parts(Oxide::B2O3).powi(2);
    let mut constants =
        (B_A_T0.0 + B2O3_SQUARED.0 * squared, B_A_T0.1 + B2O3_SQUARED.1 * squared, B_A_T0.2 + B2O3_SQUARED.2 * squared);
    add(&mut constants, &FACTORS, parts);
    Ok(in_pascal_seconds(constants))
}

const B_A_T0_1972: (f64, f64, f64) = (5736.4, 1.4550, 198.1);

/// Per mole on one mole of SiO2.
const FACTORS_1972: [Factor; 5] = [
    (Oxide::Na2O, -6039.7, -1.4788, -25.07),
    (Oxide::K2O, -1439.6, 0.8350, -321.0),
    (Oxide::CaO, -3919.3, 1.6030, 544.3),
    (Oxide::MgO, 6285.3, 5.4936, -384.0),
    (Oxide::Al2O3, 2253.4, -1.5183, 294.4),
];

/// The SiO2–Al2O3–Na2O–K2O–CaO–MgO glasses S1 to S30 of Lakatos 1976, Table 1A, which are those of 1972.
const CALIBRATION_1972: Calibration = Calibration {
    model: "Lakatos 1972",
    unit: "wt%",
    ranges: &[
        (Oxide::SiO2, 59.52, 77.02),
        (Oxide::Al2O3, 0.0, 8.26),
        (Oxide::Na2O, 10.41, 15.27),
        (Oxide::K2O, 0.0, 8.7),
        (Oxide::CaO, 8.2, 13.32),
        (Oxide::MgO, 0.0, 2.3),
    ],
    rest: 1.0,
};

/// T. Lakatos, L.-G. Johansson, B. Simmingsköld, Glass Technol. 13 (1972) 88–95: 10 to 10^12 Pa·s. Kept to compare
/// with older plant calculations; prefer [`lakatos_1976`].
///
/// Error: names the oxide outside the glasses that the model was fitted to.
pub fn lakatos_1972(glass: &WeightPercent) -> Result<Vft, PhysicsError> {
    CALIBRATION_1972.check(|oxide| glass.of(oxide))?;
    let mol = glass.mol_percent();
    let mut constants = B_A_T0_1972;
    add(&mut constants, &FACTORS_1972, |oxide| mol.of(oxide) / mol.of(Oxide::SiO2));
    Ok(in_pascal_seconds(constants))
}

fn add(constants: &mut (f64, f64, f64), factors: &[Factor], parts: impl Fn(Oxide) -> f64) {
    for &(oxide, b, a, t0) in factors {
        let parts = parts(oxide);
        constants.0 += b * parts;
        constants.1 += a * parts;
        constants.2 += t0 * parts;
    }
}

fn in_pascal_seconds((b, a, t0): (f64, f64, f64)) -> Vft {
    Vft { a: -a - 1.0, b, t0: Celsius(t0) }
}
