//! Stress as it is measured: the retardation of polarised light, and the temper grades of annealed containers.

/// Stress-optic coefficient of soda-lime glass, 1/Pa: 2.7 Brewster (2.6 to 2.8).
pub const STRESS_OPTIC_PER_PA: f64 = 2.7e-12;

/// Retardation of one temper disc of ASTM C148, nm.
const DISC_NM: f64 = 22.8;
/// The thickness of glass that real temper numbers refer to, mm (0.160 inches).
const STANDARD_MM: f64 = 4.06;

/// Retardation δ = C·σ·t in nm of light that passes `path_m` of glass with a difference of principal stresses of
/// `stress_pa` (D. Brewster 1816).
pub fn retardation_nm(stress_pa: f64, path_m: f64, stress_optic_per_pa: f64) -> f64 {
    stress_optic_per_pa * stress_pa * path_m * 1e9
}

/// The stress in Pa that a retardation in nm shows.
pub fn stress_pa(retardation_nm: f64, path_m: f64, stress_optic_per_pa: f64) -> f64 {
    retardation_nm * 1e-9 / (stress_optic_per_pa * path_m)
}

/// Apparent temper number of ASTM C148: how many discs of 22.8 nm make the same retardation. Method A compares up to
/// 150 nm, method B measures up to 565 nm.
pub fn apparent_temper(retardation_nm: f64) -> f64 {
    retardation_nm / DISC_NM
}

/// Real temper number of ASTM C148: the apparent one in a wall of 4.06 mm.
pub fn real_temper(retardation_nm: f64, wall_mm: f64) -> f64 {
    apparent_temper(retardation_nm) * STANDARD_MM / wall_mm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retardation_and_stress_are_each_other_s_inverse() {
        let shown = retardation_nm(5e6, 4e-3, STRESS_OPTIC_PER_PA);
        assert!((stress_pa(shown, 4e-3, STRESS_OPTIC_PER_PA) - 5e6).abs() < 1e-3);
    }

    #[test]
    fn temper_numbers_count_discs_and_refer_to_the_standard_wall() {
        assert!((apparent_temper(45.6) - 2.0).abs() < 1e-9);
        assert!((real_temper(45.6, 4.06) - 2.0).abs() < 1e-9);
        assert!((real_temper(45.6, 8.12) - 1.0).abs() < 1e-9);
    }
}
