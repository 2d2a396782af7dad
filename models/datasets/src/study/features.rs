//! What plain methods read of a window.

use crate::sequences::{MINUTES, SENSORS, Scaler, Sequences};

/// Statistics of each sensor: last value, mean of the last quarter of an hour, mean, standard deviation, slope over the window.
pub const FEATURES: usize = 5 * SENSORS;
const RECENT: usize = 15;

/// The last minute, scaled.
pub fn last_values(window: &[f32], scaler: &Scaler, row: &mut Vec<f32>) {
    let last = &window[(MINUTES - 1) * SENSORS..];
    row.extend((0..SENSORS).map(|sensor| (last[sensor] - scaler.mean[sensor]) / scaler.std[sensor]));
}

/// [`FEATURES`] values, scaled.
pub fn statistics(window: &[f32], scaler: &Scaler, row: &mut Vec<f32>) {
    let n = MINUTES as f32;
    let middle = (n - 1.0) / 2.0;
    for sensor in 0..SENSORS {
        let value = |minute: usize| (window[minute * SENSORS + sensor] - scaler.mean[sensor]) / scaler.std[sensor];
        let mean = (0..MINUTES).map(value).sum::<f32>() / n;
        let square = (0..MINUTES).map(|minute| (value(minute) - mean).powi(2)).sum::<f32>() / n;
        let slope = (0..MINUTES).map(|minute| (minute as f32 - middle) * value(minute)).sum::<f32>();
        let recent = (MINUTES - RECENT..MINUTES).map(value).sum::<f32>() / RECENT as f32;
        // The slope as the rise over the whole window.
        row.extend([value(MINUTES - 1), recent, mean, square.sqrt(), 12.0 * slope / (n * n)]);
    }
}

/// What is behind a window: the levels of all slow causes at its end and by how much they rose within it, and the time of day.
pub fn latent(part: &Sequences, index: usize) -> Vec<f32> {
    let [before, after] = &part.levels[index];
    let rises = before.iter().zip(after).map(|(before, after)| after - before);
    let hour = part.origins[index].minute.rem_euclid(1440) as f32 / 60.0;
    let highest = after.iter().copied().fold(0.0, f32::max);
    after.iter().copied().chain(rises).chain([hour, highest]).collect()
}
