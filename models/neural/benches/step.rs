//! One training step of the forecaster in its full size: gradients by hand beside those of the tape.

#[path = "../tests/support/mod.rs"]
mod support;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use divan::Bencher;
use divan::counter::ItemsCount;
use lehr_neural::fitting::Step;
use lehr_neural::forecaster::{Architecture, ForecastTask, Forecaster, Scaler};
use support::tape::states_on_the_tape;
use support::{SENSORS, Toy};

const STEPS: usize = 120;
const ROWS: usize = 256;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn by_hand(bencher: Bencher<'_, '_>) {
    let device = Device::flex();
    let toy = Toy::new(ROWS, STEPS, 1);
    let scaler = Scaler::fit(&toy).expect("there are windows");
    let network = Forecaster::new(Architecture::full(SENSORS), 1, &device).train();
    let all: Vec<usize> = (0..ROWS).collect();
    let mut task = ForecastTask::new(&toy, &toy, &scaler, &device);
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| task.gradients_of(&network, &all, Some(Step { seed: 1, epoch: 0, batch: 0 })));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn on_the_tape(bencher: Bencher<'_, '_>) {
    let device = Device::flex().autodiff();
    let network = Forecaster::new(Architecture::full(SENSORS), 1, &Device::flex()).train();
    let input = vec![0.1f32; STEPS * ROWS * SENSORS];
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let input = Tensor::from_data(TensorData::new(input.clone(), [STEPS, ROWS, SENSORS]), &device);
        let loss = network.read(states_on_the_tape(&network, input), None).logits.square().mean();
        GradientsParams::from_grads(loss.backward(), &network)
    });
}
