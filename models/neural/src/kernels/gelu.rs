use pulp::Arch;

use super::exp;

/// x Φ(x), Φ being the normal distribution (Hendrycks and Gimpel, "Gaussian error linear units", 2016).
pub fn gelu(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (to, x) in to.iter_mut().zip(from) {
                *to = x * normal(*x).0;
            }
        },
    );
}

/// Turns the gradient of [`gelu`]'s result into that of what it was given.
pub fn gelu_back(from: &[f32], gradient: &mut [f32]) {
    assert_eq!(from.len(), gradient.len());
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (gradient, x) in gradient.iter_mut().zip(from) {
                let (below, density) = normal(*x);
                *gradient *= below + x * density;
            }
        },
    );
}

/// The normal distribution and its density; absolute error of the distribution below 3e-7 (Abramowitz and Stegun,
/// 1964, 7.1.26).
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    const ONE_OVER_ROOT_OF_TWO_PI: f32 = 0.398_942_3;
    let bell = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    // Half of the complementary error function of |x| / √2.
    let tail = 0.5 * p * t * bell;
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    (below, ONE_OVER_ROOT_OF_TWO_PI * bell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_the_integral_of_its_density() {
        // Simpson's rule in double precision, from far below.
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let step = 1.0 / 64.0;
        let mut sum = 0.0;
        for at in 0..20 * 64 {
            let x = -10.0 + f64::from(at) * step;
            let (below, bell) = normal(x as f32);
            assert!((f64::from(below) - sum).abs() < 3e-7, "{x}: {below}, not {sum}");
            assert!((f64::from(bell) - density(x)).abs() < 3e-7, "{x}");
            sum += step / 6.0 * (density(x) + 4.0 * density(x + step / 2.0) + density(x + step));
        }
    }

    #[test]
    fn the_gradient_is_the_slope() {
        for at in -60..60 {
            let (x, h) = (at as f32 * 0.1, 0.01);
            let mut at_both = [0.0; 2];
            gelu(&[x - h, x + h], &mut at_both);
            let mut gradient = [2.0];
            gelu_back(&[x], &mut gradient);
            let slope = 2.0 * (at_both[1] - at_both[0]) / (2.0 * h);
            assert!((gradient[0] - slope).abs() < 1e-3, "{x}: {} is not {slope}", gradient[0]);
        }
    }
}
