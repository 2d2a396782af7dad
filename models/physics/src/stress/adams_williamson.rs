//! Stress by linear cooling, in closed form: L. H. Adams & E. D. Williamson, J. Franklin Inst. 190 (1920) 597, 835.
//!
//! While a plate cools at a steady rate R its profile is a parabola, colder in the faces by Ra²/(2κ). Glass that could
//! relax when it got this profile has, once cold and level, the stress of the profile's disappearance.

/// A plate that cools at a steady rate through its transition, elastic below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearCooling {
    pub young_pa: f64,
    pub poisson: f64,
    pub expansion_per_k: f64,
    pub diffusivity_m2_s: f64,
    /// Half of the thickness if both faces cool, all of it if one does.
    pub half_thickness_m: f64,
}

impl LinearCooling {
    /// Residual stress in the face, −EαRa²/(3κ(1−ν)) in Pa, for a rate of cooling R in K/s.
    pub fn surface_pa(&self, rate_k_s: f64) -> f64 {
        -2.0 * self.middle_pa(rate_k_s)
    }

    /// Residual stress in the middle, +EαRa²/(6κ(1−ν)) in Pa.
    pub fn middle_pa(&self, rate_k_s: f64) -> f64 {
        rate_k_s * self.middle_per_rate()
    }

    /// The fastest rate of cooling in K/s that leaves no more than `middle_pa` in the middle.
    pub fn fastest_k_s(&self, middle_pa: f64) -> f64 {
        middle_pa / self.middle_per_rate()
    }

    /// Difference of temperature from the middle to the face, Ra²/(2κ) in K.
    pub fn drop_k(&self, rate_k_s: f64) -> f64 {
        0.5 * rate_k_s * self.half_thickness_m.powi(2) / self.diffusivity_m2_s
    }

    fn middle_per_rate(&self) -> f64 {
        let across = self.half_thickness_m.powi(2) / (6.0 * self.diffusivity_m2_s);
        self.young_pa * self.expansion_per_k * across / (1.0 - self.poisson)
    }
}
