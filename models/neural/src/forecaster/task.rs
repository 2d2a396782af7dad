use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, activation};
use lehr_metrics::Scored;
use rand::RngExt;

use super::network::Forecaster;
use super::predict::{Logits, predict, time_major};
use super::scaler::Scaler;
use super::windows::{HORIZONS, Windows};
use crate::fitting::{Step, Task, Validation, order, register};
use crate::recurrent::{Shape, Stack};
use crate::writing::values;

/// Training of a [`Forecaster`] on two splits.
///
/// The loss is the mean over horizons of the binary cross-entropy of the event and the squared error of its probability
/// (Brier's score), added: the one punishes false certainty without bound, the other weighs all errors alike.
#[derive(Debug)]
pub struct ForecastTask<'a, W> {
    pub training: &'a W,
    pub validation: &'a W,
    pub scaler: &'a Scaler,
    pub rows: usize,
    pub dropout: f64,
    /// Windows of one epoch, drawn anew each time; the whole split where it is smaller.
    pub epoch_windows: usize,
    pub device: Device,
    stack: Stack,
    order: Option<(usize, Vec<usize>)>,
}

impl<'a, W: Windows> ForecastTask<'a, W> {
    pub fn new(training: &'a W, validation: &'a W, scaler: &'a Scaler, device: &Device) -> Self {
        Self {
            training,
            validation,
            scaler,
            rows: 256,
            dropout: 0.2,
            epoch_windows: training.len(),
            device: device.clone(),
            stack: Stack::default(),
            order: None,
        }
    }

    /// The windows of a batch.
    fn chosen(&mut self, step: Step) -> Vec<usize> {
        if self.order.as_ref().is_none_or(|(epoch, _)| *epoch != step.epoch) {
            self.order = Some((step.epoch, order(step.seed, step.epoch, self.training.len())));
        }
        let (_, order) = self.order.as_ref().expect("it was set just above");
        order.chunks(self.rows).nth(step.batch).unwrap_or_default().to_vec()
    }

    /// Mean loss and gradients of some windows of the training split; without dropout if `step` is none.
    pub fn gradients_of(
        &mut self,
        network: &Forecaster,
        chosen: &[usize],
        step: Option<Step>,
    ) -> (f64, GradientsParams) {
        let device = self.device.clone().autodiff();
        let input = time_major(self.training, self.scaler, chosen);
        let shape = Shape { steps: self.training.steps(), rows: chosen.len(), inputs: self.training.sensors() };
        let layers = network.layer_weights();
        let dropout = step.map(|step| (self.dropout, step));
        let states = self.stack.forward(&layers, &input, shape, dropout);
        let width = layers.last().expect("a forecaster has a layer").width;

        // The tape begins at the states; the way through the layers is our own.
        let extents = [shape.steps, shape.rows, width];
        let states: Tensor<3> = Tensor::from_data(TensorData::new(states, extents), &device).require_grad();
        let mask = step.map(|step| head_mask(step, self.dropout, [shape.rows, 2 * width], &device));
        let reading = network.read(states.clone(), mask);
        let loss = loss(reading.logits, self.training, chosen, &device);
        let mut tape = loss.backward();
        let of_states = states.grad_remove(&mut tape).expect("the loss reads the states");
        let mut gradients = GradientsParams::from_grads(tape, network);

        let of_layers = self.stack.backward(&layers, &values(of_states), shape);
        for (layer, gradient) in network.layers.iter().zip(of_layers) {
            register(&mut gradients, &layer.input, gradient.input, &self.device);
            register(&mut gradients, &layer.hidden, gradient.hidden, &self.device);
            register(&mut gradients, &layer.bias, gradient.bias, &self.device);
        }
        (loss.into_scalar::<f64>(), gradients)
    }
}

impl<W: Windows> Task for ForecastTask<'_, W> {
    type Network = Forecaster;

    fn batches(&self) -> usize {
        self.epoch_windows.min(self.training.len()).div_ceil(self.rows)
    }

    fn gradients(&mut self, network: &Forecaster, step: Step) -> (f64, GradientsParams) {
        let chosen = self.chosen(step);
        self.gradients_of(network, &chosen, Some(step))
    }

    fn validate(&mut self, network: &Forecaster) -> Validation {
        let logits = predict(network, self.scaler, self.validation, &self.device);
        validation(&logits, self.validation)
    }
}

/// The same loss as in training, on logits that are known.
pub fn validation(logits: &Logits, windows: &impl Windows) -> Validation {
    let (mut entropy, mut brier) = (0.0, [0.0; HORIZONS]);
    for (index, logits) in logits.iter().enumerate() {
        let events = windows.events(index);
        for horizon in 0..HORIZONS {
            let logit = f64::from(logits[horizon]);
            let event = f64::from(u8::from(events[horizon]));
            let probability = 1.0 / (1.0 + (-logit).exp());
            // ln(1 + e^z) - y z, without overflow.
            entropy += logit.max(0.0) + (-logit.abs()).exp().ln_1p() - event * logit;
            brier[horizon] += (probability - event).powi(2);
        }
    }
    let count = logits.len().max(1) as f64;
    let mut metrics: BTreeMap<String, f64> =
        ["brier_1h", "brier_4h", "brier_24h"].map(str::to_owned).into_iter().zip(brier.map(|b| b / count)).collect();
    metrics.insert("cross_entropy".to_owned(), entropy / (count * HORIZONS as f64));
    for (horizon, name) in ["auc_1h", "auc_4h", "auc_24h"].into_iter().enumerate() {
        let scores = logits.iter().map(|logits| f64::from(logits[horizon]));
        let events = (0..logits.len()).map(|index| windows.events(index)[horizon]);
        if let Some(auc) = Scored::new(scores, events).ok().and_then(|scored| scored.auc()) {
            metrics.insert(name.to_owned(), auc);
        }
    }
    let loss = (entropy + brier.iter().sum::<f64>()) / (count * HORIZONS as f64);
    Validation { loss, metrics }
}

/// Cross-entropy and squared error, means over rows and horizons, added.
fn loss(logits: Tensor<2>, windows: &impl Windows, chosen: &[usize], device: &Device) -> Tensor<1> {
    let shape = [chosen.len(), HORIZONS];
    let number = |event: bool| if event { 1.0 } else { 0.0 };
    let events: Vec<f32> = chosen.iter().flat_map(|&index| windows.events(index).map(number)).collect();
    let events: Tensor<2> = Tensor::from_data(TensorData::new(events, shape), device);
    // ln(1 + e^z) - y z.
    let entropy =
        logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p() - events.clone() * logits.clone();
    let error = (activation::sigmoid(logits) - events).square();
    (entropy + error).mean()
}

fn head_mask(step: Step, dropout: f64, shape: [usize; 2], device: &Device) -> Tensor<2> {
    let mut random = step.random(b'h', 0);
    let keep = (1.0 / (1.0 - dropout)) as f32;
    let mask: Vec<f32> =
        (0..shape[0] * shape[1]).map(|_| if random.random_bool(dropout) { 0.0 } else { keep }).collect();
    Tensor::from_data(TensorData::new(mask, shape), device)
}
