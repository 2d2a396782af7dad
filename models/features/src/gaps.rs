//! What a window holds where nothing was read.

use crate::SENSORS;

/// Fills the gaps (NaN) of a window of minutes by [`SENSORS`] sensors: a minute without a good reading carries the last
/// value within the window on, and before any value stands the sensor's mean over the training data. The same for
/// training and for live scoring, which has no more than the window.
pub fn fill(window: &mut [f32], means: &[f32]) {
    let mut last = means.to_vec();
    for row in window.chunks_exact_mut(SENSORS) {
        for (value, last) in row.iter_mut().zip(&mut last) {
            if value.is_nan() {
                *value = *last;
            } else {
                *last = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_carry_the_last_value_on_and_begin_with_the_mean() {
        let means: [f32; SENSORS] = std::array::from_fn(|sensor| sensor as f32);
        let mut window = vec![f32::NAN; 5 * SENSORS];
        window[SENSORS + 3] = 30.0;
        window[3 * SENSORS + 3] = 32.0;
        fill(&mut window, &means);
        let column = |sensor: usize| window.chunks(SENSORS).map(|row| row[sensor]).collect::<Vec<_>>();
        assert_eq!(column(3), [3.0, 30.0, 30.0, 32.0, 32.0]);
        assert_eq!(column(7), [7.0; 5]);
    }
}
