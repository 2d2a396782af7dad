//! Exact solutions of heat conduction with constant properties (H. S. Carslaw & J. C. Jaeger, Conduction of Heat in
//! Solids, 2nd ed., Oxford 1959), against which numerical ones are held.

use libm::erfc;
use std::f64::consts::PI;

/// Terms of the series: at a Fourier number of 0.001 the last is below 1e-15.
const TERMS: usize = 60;

/// A wall that was uniformly hot and cools to both sides from Fo = 0 on, §3.11: temperatures θ from 1 (initial) to 0
/// (ambient). Lengths are on the half thickness L, the Fourier number is κt/L².
#[derive(Clone, Debug)]
pub struct PlaneWall {
    /// Roots ζ of ζ·tan ζ = Bi, and the coefficients 4 sin ζ/(2ζ + sin 2ζ).
    modes: Vec<(f64, f64)>,
}

impl PlaneWall {
    /// With a Biot number hL/k; infinity fixes the temperature of the faces.
    pub fn new(biot: f64) -> PlaneWall {
        let mode = |n: usize| {
            let root = root(biot, n);
            (root, 4.0 * root.sin() / (2.0 * root + (2.0 * root).sin()))
        };
        PlaneWall { modes: (0..TERMS).map(mode).collect() }
    }

    /// The first root and coefficient: all that is left of the series for Fo > 0.2.
    pub fn first_mode(&self) -> (f64, f64) {
        self.modes[0]
    }

    /// θ at `place`, 0 in the middle and 1 at the faces.
    pub fn at(&self, place: f64, fourier: f64) -> f64 {
        self.modes.iter().map(|&(root, c)| c * (root * place).cos() * (-root * root * fourier).exp()).sum()
    }

    /// Mean of θ over the thickness: the share of the heat that is still there.
    pub fn mean(&self, fourier: f64) -> f64 {
        self.modes.iter().map(|&(root, c)| c * root.sin() / root * (-root * root * fourier).exp()).sum()
    }
}

/// The root of ζ sin ζ = Bi cos ζ between nπ and (n + ½)π, by bisection: no pole, and one change of sign.
fn root(biot: f64, n: usize) -> f64 {
    let (mut low, mut high) = (n as f64 * PI, (n as f64 + 0.5) * PI);
    if biot.is_infinite() {
        return high;
    }
    let sign = if n.is_multiple_of(2) { 1.0 } else { -1.0 };
    // Halving a half-period 60 times leaves less than the rounding of its ends.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if sign * (middle * middle.sin() - biot * middle.cos()) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// A half space whose face is brought to another temperature at t = 0, §2.5: (T − T_face)/(T_initial − T_face) at
/// η = z/(2√(κt)) is erf η; this is the share of the change that has arrived, erfc η.
pub fn half_space_fixed(eta: f64) -> f64 {
    erfc(eta)
}

/// The same with a coefficient of heat transfer, §2.7: the share of the change towards the ambient that has arrived
/// at η = z/(2√(κt)), with `transfer` = h√(κt)/k.
pub fn half_space_convection(eta: f64, transfer: f64) -> f64 {
    erfc(eta) - (-eta * eta).exp() * scaled_erfc(eta + transfer)
}

/// exp(x²)·erfc(x) for x ≥ 0, where the factors alone would overflow and vanish.
pub(crate) fn scaled_erfc(x: f64) -> f64 {
    if x < 5.0 {
        return (x * x).exp() * erfc(x);
    }
    // Continued fraction 7.1.14 of Abramowitz & Stegun; at x = 5 twenty levels give all digits.
    let tail = (1..=20).rev().fold(0.0, |tail, level| 0.5 * f64::from(level) / (x + tail));
    1.0 / (PI.sqrt() * (x + tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 5.1 of F. P. Incropera et al., Fundamentals of Heat and Mass Transfer.
    #[test]
    fn first_roots_and_coefficients_are_those_of_the_tables() {
        let tables = [
            (0.01, 0.0998, 1.0017),
            (0.05, 0.2218, 1.0082),
            (0.1, 0.3111, 1.0161),
            (0.2, 0.4328, 1.0311),
            (0.5, 0.6533, 1.0701),
            (1.0, 0.8603, 1.1191),
            (2.0, 1.0769, 1.1785),
            (5.0, 1.3138, 1.2402),
            (10.0, 1.4289, 1.2620),
            (20.0, 1.4961, 1.2699),
            (100.0, 1.5552, 1.2731),
        ];
        for (biot, root, coefficient) in tables {
            let found = PlaneWall::new(biot).first_mode();
            // Tables round to four decimals; that of Bi = 0.05 is cut off.
            assert!((found.0 - root).abs() < 1.1e-4 && (found.1 - coefficient).abs() < 1.1e-4, "{biot}: {found:?}");
        }
    }

    #[test]
    fn a_wall_begins_uniform_and_a_short_while_later_is_a_half_space() {
        let wall = PlaneWall::new(2.0);
        let fourier = 0.01_f64;
        let arrived = half_space_convection(0.0, 2.0 * fourier.sqrt());
        assert!((wall.at(1.0, fourier) - (1.0 - arrived)).abs() < 1e-9);
        assert!((wall.at(0.0, 0.002) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn convection_at_the_face_of_a_half_space_is_tabled() {
        for (transfer, at_face, at_half) in [(0.5, 0.38431, 0.14650), (1.0, 0.57242, 0.22905), (2.0, 0.74460, 0.31532)]
        {
            assert!((half_space_convection(0.0, transfer) - at_face).abs() < 1e-5);
            assert!((half_space_convection(0.5, transfer) - at_half).abs() < 1e-5);
        }
    }

    #[test]
    fn the_scaled_error_function_has_no_seam() {
        let (below, above) = (scaled_erfc(5.0 - 1e-12), scaled_erfc(5.0));
        assert!((below / above - 1.0).abs() < 1e-10, "{below} {above}");
        assert!((scaled_erfc(1e6) * 1e6 * PI.sqrt() - 1.0).abs() < 1e-9);
    }
}
