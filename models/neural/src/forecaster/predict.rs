use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::network::Forecaster;
use super::scaler::Scaler;
use super::windows::{Horizons, Windows};
use crate::recurrent::{Shape, Stack};
use crate::writing::values;

/// Rows that are foretold together.
const ROWS: usize = 256;

/// Logits of windows, in their order.
pub type Logits = Vec<Horizons<f32>>;

/// The logits of all windows of a split.
pub fn predict(network: &Forecaster, scaler: &Scaler, windows: &impl Windows, device: &Device) -> Logits {
    let layers = network.layer_weights();
    let width = layers.last().map_or(0, |layer| layer.width);
    let mut stack = Stack::default();
    let all: Vec<usize> = (0..windows.len()).collect();
    let mut logits = Vec::with_capacity(all.len());
    for chosen in all.chunks(ROWS) {
        let input = time_major(windows, scaler, chosen);
        let shape = Shape { steps: windows.steps(), rows: chosen.len(), inputs: windows.sensors() };
        let states = stack.forward(&layers, &input, shape, None);
        let states: Tensor<3> = Tensor::from_data(TensorData::new(states, [shape.steps, shape.rows, width]), device);
        let flat = values(network.read(states, None).logits);
        let (rows, _) = flat.as_chunks();
        logits.extend_from_slice(rows);
    }
    logits
}

/// Chosen windows, scaled, `[steps, rows, sensors]`.
pub fn time_major(windows: &impl Windows, scaler: &Scaler, chosen: &[usize]) -> Vec<f32> {
    let (steps, sensors, rows) = (windows.steps(), windows.sensors(), chosen.len());
    let scaled: Vec<Vec<f32>> = chosen
        .par_iter()
        .map(|&index| {
            let mut window = vec![0.0; steps * sensors];
            windows.read(index, &mut window);
            for minute in window.chunks_exact_mut(sensors) {
                for (sensor, value) in minute.iter_mut().enumerate() {
                    *value = scaler.scale(sensor, *value);
                }
            }
            window
        })
        .collect();
    let mut turned = vec![0.0; steps * rows * sensors];
    for (row, window) in scaled.iter().enumerate() {
        for (step, minute) in window.chunks_exact(sensors).enumerate() {
            turned[(step * rows + row) * sensors..][..sensors].copy_from_slice(minute);
        }
    }
    turned
}
