//! Bubbles (seeds, blisters) in the melt.

use crate::error::within;
use crate::{GRAVITY, PascalSeconds, PhysicsError};

/// How the surface of a bubble moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Held by surface-active matter, as a solid sphere: 2/9·gρr²/η (G. G. Stokes 1851). Usual for glass.
    Rigid,
    /// Free to circulate, as a gas in a clean liquid: 1/3·gρr²/η (J. Hadamard, W. Rybczynski 1911).
    Mobile,
}

impl Surface {
    fn factor(self) -> f64 {
        match self {
            Surface::Rigid => 2.0 / 9.0,
            Surface::Mobile => 1.0 / 3.0,
        }
    }
}

/// Velocity at which a small bubble rises in still melt, m/s; its gas weighs nothing. Holds for creeping flow, which
/// bubbles in glass never leave.
pub fn rise_m_s(radius_m: f64, viscosity: PascalSeconds, density_kg_m3: f64, surface: Surface) -> f64 {
    surface.factor() * GRAVITY * density_kg_m3 * radius_m * radius_m / viscosity.0
}

/// The radius in m of the smallest bubble that rises through `depth_m` within `time_s`: smaller ones stay in the glass
/// unless they dissolve.
///
/// Errors: a depth, time, viscosity or density that is not positive.
pub fn smallest_refined_m(
    depth_m: f64,
    time_s: f64,
    viscosity: PascalSeconds,
    density_kg_m3: f64,
    surface: Surface,
) -> Result<f64, PhysicsError> {
    within("the depth in m", depth_m, f64::MIN_POSITIVE, 100.0)?;
    within("the time in s", time_s, f64::MIN_POSITIVE, 1e12)?;
    within("the viscosity in Pa·s", viscosity.0, f64::MIN_POSITIVE, 1e20)?;
    within("the density in kg/m³", density_kg_m3, f64::MIN_POSITIVE, 1e5)?;
    Ok((depth_m / (time_s * rise_m_s(1.0, viscosity, density_kg_m3, surface))).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_of_0_2_mm_rises_a_millimetre_a_minute() {
        let velocity = rise_m_s(0.2e-3, PascalSeconds(10.0), 2350.0, Surface::Rigid);
        assert!((velocity / 2.05e-5 - 1.0).abs() < 0.01, "{velocity}");
    }

    #[test]
    fn the_smallest_refined_seed_needs_just_the_time_that_there_is() {
        let melt = PascalSeconds(12.0);
        for surface in [Surface::Rigid, Surface::Mobile] {
            let radius = smallest_refined_m(1.0, 86_400.0, melt, 2350.0, surface).unwrap();
            assert!((rise_m_s(radius, melt, 2350.0, surface) * 86_400.0 - 1.0).abs() < 1e-9);
        }
        assert!(smallest_refined_m(1.0, 0.0, melt, 2350.0, Surface::Rigid).is_err());
    }
}
