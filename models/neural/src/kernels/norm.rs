use pulp::Arch;

use super::sum::{LANES, sum};

/// Rows less their mean, over their deviation (Ba, Kiros and Hinton, "Layer normalization", 2016). `deviations`: one
/// over the deviation of each row.
pub fn norm(from: &[f32], epsilon: f32, to: &mut [f32], deviations: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    let width = from.len() / deviations.len().max(1);
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let rows = from.chunks_exact(width).zip(to.chunks_exact_mut(width)).zip(deviations.iter_mut());
            for ((from, to), deviation) in rows {
                let mean = sum(from, |value| value) / width as f32;
                let variance = sum(from, |value| (value - mean) * (value - mean)) / width as f32;
                *deviation = 1.0 / (variance + epsilon).sqrt();
                for (to, from) in to.iter_mut().zip(from) {
                    *to = (from - mean) * *deviation;
                }
            }
        },
    );
}

/// Rows times a gain, and a bias.
pub fn scaled(normed: &[f32], gain: &[f32], bias: &[f32], to: &mut [f32]) {
    assert_eq!(normed.len(), to.len());
    for (from, to) in normed.chunks_exact(gain.len()).zip(to.chunks_exact_mut(gain.len())) {
        for ((to, from), (gain, bias)) in to.iter_mut().zip(from).zip(gain.iter().zip(bias)) {
            *to = from * gain + bias;
        }
    }
}

/// The way back through [`scaled`] and [`norm`]: adds the gradient of what was normed to `to`, and those of gain and
/// bias to theirs.
pub fn norm_back(
    normed: &[f32],
    deviations: &[f32],
    gain: &[f32],
    gradient: &[f32],
    to: &mut [f32],
    of_gain: &mut [f32],
    of_bias: &mut [f32],
) {
    let width = gain.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let rows = normed.chunks_exact(width).zip(gradient.chunks_exact(width)).zip(to.chunks_exact_mut(width));
            for (((normed, gradient), to), deviation) in rows.zip(deviations) {
                let (mut plain, mut along) = ([0.0f32; LANES], [0.0f32; LANES]);
                for at in 0..width {
                    let of_normed = gradient[at] * gain[at];
                    plain[at % LANES] += of_normed;
                    along[at % LANES] += of_normed * normed[at];
                    of_gain[at] += gradient[at] * normed[at];
                    of_bias[at] += gradient[at];
                }
                let plain = plain.iter().sum::<f32>() / width as f32;
                let along = along.iter().sum::<f32>() / width as f32;
                for at in 0..width {
                    to[at] += deviation * (gradient[at] * gain[at] - plain - normed[at] * along);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 19;

    fn loss(row: &[f32], gain: &[f32], bias: &[f32], towards: &[f32]) -> f32 {
        let (mut normed, mut to, mut deviations) = (vec![0.0; WIDTH], vec![0.0; WIDTH], [0.0]);
        norm(row, 1e-5, &mut normed, &mut deviations);
        scaled(&normed, gain, bias, &mut to);
        to.iter().zip(towards).map(|(to, towards)| to * towards).sum()
    }

    #[test]
    fn normed_rows_have_mean_0_and_deviation_1() {
        let row: Vec<f32> = (0..2 * WIDTH).map(|at| 40.0 + (at as f32 * 1.7).sin()).collect();
        let (mut normed, mut deviations) = (vec![0.0; 2 * WIDTH], [0.0; 2]);
        norm(&row, 1e-5, &mut normed, &mut deviations);
        for row in normed.chunks(WIDTH) {
            let mean = row.iter().sum::<f32>() / WIDTH as f32;
            let variance = row.iter().map(|value| value * value).sum::<f32>() / WIDTH as f32;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-3, "{mean}, {variance}");
        }
    }

    #[test]
    fn the_gradients_are_the_slopes() {
        let wave = |step: f32| -> Vec<f32> { (0..WIDTH).map(|at| (at as f32 * step).sin()).collect() };
        let (row, gain, bias, towards) = (wave(1.7), wave(0.4), wave(0.8), wave(2.3));
        let (mut normed, mut deviations) = (vec![0.0; WIDTH], [0.0]);
        norm(&row, 1e-5, &mut normed, &mut deviations);
        let (mut to, mut of_gain, mut of_bias) = (vec![0.0; WIDTH], vec![0.0; WIDTH], vec![0.0; WIDTH]);
        norm_back(&normed, &deviations, &gain, &towards, &mut to, &mut of_gain, &mut of_bias);
        for at in 0..WIDTH {
            let moved = |values: &[f32], by: f32| {
                let mut values = values.to_vec();
                values[at] += by;
                values
            };
            let slope = |of: &dyn Fn(f32) -> f32| (of(0.01) - of(-0.01)) / 0.02;
            let of_row = slope(&|by| loss(&moved(&row, by), &gain, &bias, &towards));
            let gains = slope(&|by| loss(&row, &moved(&gain, by), &bias, &towards));
            let biases = slope(&|by| loss(&row, &gain, &moved(&bias, by), &towards));
            assert!((to[at] - of_row).abs() < 1e-3, "{at}: {} is not {of_row}", to[at]);
            assert!((of_gain[at] - gains).abs() < 1e-3 && (of_bias[at] - biases).abs() < 1e-3, "{at}");
        }
    }
}
