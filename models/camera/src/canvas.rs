//! The picture while it is made: light per pixel and colour, before the optics and the sensor.

use crate::SIDE;
use crate::chance::Grain;
use crate::style::Exposure;
use crate::ware::Pose;

pub(crate) const PIXELS: usize = SIDE * SIDE;

pub(crate) struct Canvas {
    /// Red, green, blue; row by row; 1 is the light of a bare panel.
    planes: [Vec<f32>; 3],
    /// The light behind the ware.
    backdrop: Vec<f32>,
    /// Unit vector towards the light, in the picture: x to the right, y down.
    pub light: (f32, f32),
}

impl Canvas {
    /// The bare panel.
    pub fn new(backdrop: Vec<f32>, light: (f32, f32)) -> Canvas {
        assert_eq!(backdrop.len(), PIXELS, "one value per pixel");
        Canvas { planes: std::array::from_fn(|_| backdrop.clone()), backdrop, light }
    }

    /// Every pixel whose middle may lie within `reach` of a place of the ware, with its place on the ware.
    pub fn each(
        &mut self,
        pose: &Pose,
        middle: (f32, f32),
        reach: (f32, f32),
        mut visit: impl FnMut(&mut Canvas, usize, usize, (f32, f32)),
    ) {
        let (columns, rows) = pose.window(middle, reach);
        let stride = pose.stride();
        for y in rows {
            let mut place = pose.on_ware(columns.start, y);
            for x in columns.clone() {
                if (place.0 - middle.0).abs() <= reach.0 && (place.1 - middle.1).abs() <= reach.1 {
                    visit(self, x, y, place);
                }
                place = (place.0 + stride.0, place.1 + stride.1);
            }
        }
    }

    pub fn scale(&mut self, x: usize, y: usize, factor: f32) {
        self.tint(x, y, [factor; 3]);
    }

    #[inline]
    pub fn tint(&mut self, x: usize, y: usize, factors: [f32; 3]) {
        for (plane, factor) in self.planes.iter_mut().zip(factors) {
            plane[y * SIDE + x] *= factor;
        }
    }

    /// Lets light in from the side of the camera.
    pub fn add(&mut self, x: usize, y: usize, light: f32) {
        for plane in &mut self.planes {
            plane[y * SIDE + x] += light;
        }
    }

    /// Puts the panel back in place of the ware, by a share.
    pub fn reveal(&mut self, x: usize, y: usize, share: f32) {
        let behind = self.backdrop[y * SIDE + x];
        for plane in &mut self.planes {
            let value = &mut plane[y * SIDE + x];
            *value += share * (behind - *value);
        }
    }

    /// The optics and the sensor: blur, gain, noise, whole numbers. Red, green, blue by pixel.
    ///
    /// `grain` seeds the noise; its deviation grows with the root of the light, from a third at black
    /// (Janesick 2007: shot noise above read noise).
    pub fn develop(mut self, exposure: &Exposure, gain: f32, grain: u64) -> Vec<u8> {
        blur(&mut self.planes, exposure.blur);
        let colour = [1.0 - exposure.coolness, 1.0, 1.0 + exposure.coolness];
        let gains = colour.map(|share| share * gain * exposure.brightness);
        let mut grain = Grain::new(grain);
        let [red, green, blue] = &self.planes;
        let mut pixels = vec![0; 3 * PIXELS];
        let light = red.iter().zip(green).zip(blue);
        for (pixel, ((red, green), blue)) in pixels.chunks_exact_mut(3).zip(light) {
            let light = [red * gains[0], green * gains[1], blue * gains[2]];
            let deviation = exposure.noise * (0.11 + 0.89 * light[1].clamp(0.0, 1.0)).sqrt();
            let noise = three_normals(grain.next());
            for ((value, light), noise) in pixel.iter_mut().zip(light).zip(noise) {
                // Saturates at both ends, as the sensor does.
                *value = (255.0 * (light + deviation * noise)) as u8;
            }
        }
        pixels
    }
}

#[cfg(test)]
impl Canvas {
    /// The mean of the blurred picture's colours, in standard deviations of its noise. Three colours of which each
    /// shares half its noise with the others have two thirds of a colour's variance in their mean.
    pub fn signal(mut self, exposure: &Exposure) -> Vec<f32> {
        blur(&mut self.planes, exposure.blur);
        let [red, green, blue] = &self.planes;
        let gain = exposure.brightness / (exposure.noise * (2.0f32 / 3.0).sqrt() * 3.0);
        red.iter().zip(green).zip(blue).map(|((red, green), blue)| gain * (red + green + blue)).collect()
    }
}

/// Three nearly normal numbers of unit variance, each correlated with the others by a half as after the
/// interpolation of a colour filter's missing pixels: sums of uniform bytes.
#[inline]
fn three_normals(bits: u64) -> [f32; 3] {
    let byte = |at: u32| (bits >> (8 * at) & 0xff) as i32;
    let common = byte(0) + byte(1);
    // The deviation of a uniform byte is 73.9; of a sum of four, twice that, around 510.
    const SHARE: f32 = 1.0 / 147.8;
    [
        SHARE * (common + byte(2) + byte(3) - 510) as f32,
        SHARE * (common + byte(4) + byte(5) - 510) as f32,
        SHARE * (common + byte(6) + byte(7) - 510) as f32,
    ]
}

/// A Gaussian blur of up to 1.4 pixels by five taps in each direction, edges repeated.
fn blur(planes: &mut [Vec<f32>; 3], deviation: f32) {
    let weight = |distance: f32| (-0.5 * distance * distance / (deviation * deviation).max(1e-3)).exp();
    let (near, far) = (weight(1.0), weight(2.0));
    let whole = 1.0 + 2.0 * (near + far);
    let (middle, near, far) = (1.0 / whole, near / whole, far / whole);
    let mut rows = vec![0.0f32; PIXELS];
    for plane in planes {
        for (row, out) in plane.chunks_exact(SIDE).zip(rows.chunks_exact_mut(SIDE)) {
            let inner = row.windows(5).map(|w| middle * w[2] + near * (w[1] + w[3]) + far * (w[0] + w[4]));
            for (out, value) in out[2..].iter_mut().zip(inner) {
                *out = value;
            }
            for x in [0, 1, SIDE - 2, SIDE - 1] {
                let at = |offset: isize| row[(x as isize + offset).clamp(0, SIDE as isize - 1) as usize];
                out[x] = middle * at(0) + near * (at(-1) + at(1)) + far * (at(-2) + at(2));
            }
        }
        let line = |y: isize| {
            let start = y.clamp(0, SIDE as isize - 1) as usize * SIDE;
            &rows[start..start + SIDE]
        };
        for (y, out) in plane.chunks_exact_mut(SIDE).enumerate() {
            let y = y as isize;
            let (a, b, c, d, e) = (line(y - 2), line(y - 1), line(y), line(y + 1), line(y + 2));
            for (x, out) in out.iter_mut().enumerate() {
                *out = middle * c[x] + near * (b[x] + d[x]) + far * (a[x] + e[x]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_light_and_spreads_it_by_its_deviation() {
        let deviation = 0.8f32;
        let mut planes: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; PIXELS]);
        planes[1][100 * SIDE + 100] = 1.0;
        blur(&mut planes, deviation);
        let total: f32 = planes[1].iter().sum();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
        let spread: f32 = (0..SIDE)
            .map(|x| (x as f32 - 100.0).powi(2) * (0..SIDE).map(|y| planes[1][y * SIDE + x]).sum::<f32>())
            .sum();
        assert!((spread.sqrt() - deviation).abs() < 0.04, "{spread}");
        assert!(planes[0].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_flat_picture_stays_flat_up_to_its_edges() {
        let mut planes: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.7; PIXELS]);
        blur(&mut planes, 1.2);
        assert!(planes.iter().flatten().all(|value| (value - 0.7).abs() < 1e-6));
    }

    #[test]
    fn noise_has_unit_variance_and_colours_share_half_of_it() {
        let seed = 3;
        let mut grain = Grain::new(seed);
        const DRAWS: usize = 100_000;
        let (mut square, mut product, mut sum) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..DRAWS {
            let [red, green, _] = three_normals(grain.next());
            sum += f64::from(red);
            square += f64::from(red * red);
            product += f64::from(red * green);
        }
        let count = DRAWS as f64;
        assert!((sum / count).abs() < 0.02, "seed {seed}: {}", sum / count);
        assert!((square / count - 1.0).abs() < 0.03, "seed {seed}: {}", square / count);
        assert!((product / count - 0.5).abs() < 0.03, "seed {seed}: {}", product / count);
    }
}
