//! The gradients by hand are those of Burn's tape.

mod support;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, activation};
use lehr_camera::Split;
use lehr_camera::set::Recipe;
use lehr_neural::Precision;
use lehr_neural::fitting::Step;
use lehr_neural::forecaster::{Architecture, ForecastTask, Forecaster, HORIZONS, Scaler, Windows};
use lehr_neural::vision::{Batch, Part, VisionArchitecture, VisionSettings, VisionTask, VisionTransformer, parts};
use support::tape::{patches_on_the_tape, states_on_the_tape};
use support::{SENSORS, Toy};

const STEPS: usize = 7;
const ROWS: usize = 70;

fn small() -> Architecture {
    Architecture { sensors: SENSORS, width: 6, layers: 2, attention: 4 }
}

fn loss_on_the_tape(network: &Forecaster, toy: &Toy, scaler: &Scaler, device: &Device) -> Tensor<1> {
    let mut window = vec![0.0; STEPS * SENSORS];
    let mut input = vec![0.0f32; STEPS * ROWS * SENSORS];
    let mut events = Vec::new();
    for row in 0..ROWS {
        toy.read(row, &mut window);
        for (at, &value) in window.iter().enumerate() {
            let (step, sensor) = (at / SENSORS, at % SENSORS);
            input[(step * ROWS + row) * SENSORS + sensor] = scaler.scale(sensor, value);
        }
        events.extend(toy.events(row).map(|event| f32::from(u8::from(event))));
    }
    let input = Tensor::from_data(TensorData::new(input, [STEPS, ROWS, SENSORS]), device);
    let events: Tensor<2> = Tensor::from_data(TensorData::new(events, [ROWS, HORIZONS]), device);
    let logits = network.read(states_on_the_tape(network, input), None).logits;
    let probability = activation::sigmoid(logits);
    let unlikely = |p: Tensor<2>| p.log().neg();
    let entropy = events.clone() * unlikely(probability.clone())
        + (events.clone().neg() + 1.0) * unlikely(probability.clone().neg() + 1.0);
    (entropy + (probability - events).square()).mean()
}

fn assert_close<const D: usize>(name: &str, param: &Param<Tensor<D>>, ours: &GradientsParams, tape: &GradientsParams) {
    let numbers = |gradients: &GradientsParams| {
        let gradient = gradients.get::<D>(param.id).unwrap_or_else(|| panic!("{name} has a gradient"));
        gradient.try_into_vec_as::<f32>().unwrap()
    };
    let (ours, tape) = (numbers(ours), numbers(tape));
    let size = tape.iter().map(|value| value.abs()).fold(0.0, f32::max);
    assert!(size > 1e-6, "{name}: the gradient is not zero");
    for (ours, tape) in ours.iter().zip(&tape) {
        assert!((ours - tape).abs() < 1e-4 * size, "{name}: {ours} is not {tape}");
    }
}

#[test]
fn gradients_by_hand_are_those_of_the_tape() {
    let device = Device::flex();
    let toy = Toy::new(ROWS, STEPS, 11);
    let scaler = Scaler::fit(&toy).unwrap();
    let network = Forecaster::new(small(), 5, &device).train();
    let mut task = ForecastTask::new(&toy, &toy, &scaler, &device);

    let all: Vec<usize> = (0..ROWS).collect();
    let (loss, ours) = task.gradients_of(&network, &all, None);
    let on_tape = loss_on_the_tape(&network, &toy, &scaler, &device.clone().autodiff());
    let tape = GradientsParams::from_grads(on_tape.backward(), &network);

    assert!((loss - on_tape.into_scalar::<f64>()).abs() < 1e-5);
    for (index, layer) in network.layers.iter().enumerate() {
        assert_close(&format!("input {index}"), &layer.input, &ours, &tape);
        assert_close(&format!("hidden {index}"), &layer.hidden, &ours, &tape);
        assert_close(&format!("bias {index}"), &layer.bias, &ours, &tape);
    }
    assert_close("attention", &network.attention.weight, &ours, &tape);
    assert_close("energy", &network.energy.weight, &ours, &tape);
    assert_close("heads", &network.heads.weight, &ours, &tape);
}

#[test]
fn gradients_under_dropout_are_the_slopes_of_the_loss() {
    let device = Device::flex();
    let toy = Toy::new(ROWS, STEPS, 12);
    let scaler = Scaler::fit(&toy).unwrap();
    let network = Forecaster::new(small(), 6, &device).train();
    let mut task = ForecastTask::new(&toy, &toy, &scaler, &device);
    let all: Vec<usize> = (0..ROWS).collect();
    let step = Some(Step { seed: 1, epoch: 2, batch: 3 });

    let (_, gradients) = task.gradients_of(&network, &all, step);
    // Along the gradient of the first layer, whose way leads through the masks.
    let param = &network.layers[0].hidden;
    let gradient = gradients.get::<2>(param.id).unwrap();
    let length = gradient.clone().square().sum().sqrt().into_scalar::<f64>();
    let direction = gradient.div_scalar(length);
    let mut loss_at = |along: f64| {
        let mut moved = network.clone();
        moved.layers[0].hidden =
            Param::initialized(param.id, (param.val().inner() + direction.clone() * along).autodiff().require_grad());
        task.gradients_of(&moved, &all, step).0
    };
    let slope = (loss_at(0.02) - loss_at(-0.02)) / 0.04;
    assert!((slope / length - 1.0).abs() < 0.02, "slope {slope}, gradient {length}");
}

#[test]
fn gradients_are_the_same_for_any_number_of_threads() {
    let device = Device::flex();
    let toy = Toy::new(200, STEPS, 13);
    let scaler = Scaler::fit(&toy).unwrap();
    let network = Forecaster::new(small(), 7, &device).train();
    let all: Vec<usize> = (0..200).collect();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut task = ForecastTask::new(&toy, &toy, &scaler, &device);
            let step = Some(Step { seed: 1, epoch: 0, batch: 0 });
            let (loss, gradients) = task.gradients_of(&network, &all, step);
            let hidden = gradients.get::<2>(network.layers[1].hidden.id).unwrap();
            (loss, hidden.try_into_vec_as::<f32>().unwrap())
        })
    };
    assert_eq!(with(1), with(3));
}

/// A network whose layers and fine masks, which begin as ones that change nothing, do something.
fn awake(network: VisionTransformer) -> VisionTransformer {
    let mut network = network;
    let device = Device::flex();
    for (at, block) in network.blocks.iter_mut().enumerate() {
        for linear in [&mut block.output, &mut block.contract] {
            let [inputs, outputs] = linear.weight.val().dims();
            let wave = (0..inputs * outputs).map(|i| 0.2 * ((i + at) as f32 * 0.7).sin()).collect();
            linear.weight = Param::from_tensor(Tensor::from_data(TensorData::new(wave, [inputs, outputs]), &device));
        }
    }
    for linear in &mut network.fine {
        let [inputs, outputs] = linear.weight.val().dims();
        let wave = (0..inputs * outputs).map(|i| 0.3 * (i as f32 * 1.3).sin()).collect();
        linear.weight = Param::from_tensor(Tensor::from_data(TensorData::new(wave, [inputs, outputs]), &device));
    }
    network
}

fn pictures() -> (Recipe, Vec<Part>) {
    let recipe = Recipe::new(3, Split::Training, 6, 112).unwrap();
    let parts = parts(&recipe, &[0, 1, 2, 3, 4, 5], 0);
    (recipe, parts)
}

#[test]
fn gradients_of_an_inspector_by_hand_are_those_of_the_tape() {
    let device = Device::flex();
    let (recipe, whole) = pictures();
    let architecture =
        VisionArchitecture { side: 112, channels: 4, adding: [0, 1, 0, 2], width: 24, layers: 2, heads: 3 };
    let network = awake(VisionTransformer::new(architecture, 5, &device)).train();
    let settings = VisionSettings::new(architecture, 1);
    let mut task = VisionTask::new(&recipe, &recipe, &settings, device.clone());
    let (loss, ours) = task.gradients_of(&network, &whole, 2);

    let batch = Batch::new(&whole, &device.clone().autodiff());
    let shape = [whole.len(), 112, 112, 3];
    let pictures = Tensor::from_data(TensorData::new(batch.pictures.light.clone(), shape), &device.autodiff());
    let (patches, fine) = patches_on_the_tape(&network, pictures);
    let on_tape = batch.targets.loss(network.read(patches, fine));
    let tape = GradientsParams::from_grads(on_tape.backward(), &network);

    let expected = on_tape.into_scalar::<f64>();
    assert!((loss - expected).abs() < 1e-4 * expected, "{loss}, not {expected}");
    for (index, layer) in network.convolutions.iter().enumerate() {
        assert_close(&format!("convolution {index}"), &layer.weight, &ours, &tape);
        assert_close(&format!("bias of convolution {index}"), &layer.bias, &ours, &tape);
    }
    for (index, fine) in network.fine.iter().enumerate() {
        assert_close(&format!("fine masks {index}"), &fine.weight, &ours, &tape);
        assert_close(&format!("bias of fine masks {index}"), fine.bias.as_ref().unwrap(), &ours, &tape);
    }
    assert_close("embedding", &network.embedding.weight, &ours, &tape);
    assert_close("positions", &network.positions, &ours, &tape);
    for (index, block) in network.blocks.iter().enumerate() {
        assert_close(&format!("first norm {index}"), &block.attention_norm.gain, &ours, &tape);
        assert_close(&format!("bias of first norm {index}"), &block.attention_norm.bias, &ours, &tape);
        assert_close(&format!("projection {index}"), &block.projection.weight, &ours, &tape);
        assert_close(&format!("output {index}"), &block.output.weight, &ours, &tape);
        assert_close(&format!("second norm {index}"), &block.feed_forward_norm.gain, &ours, &tape);
        assert_close(&format!("expand {index}"), &block.expand.weight, &ours, &tape);
        assert_close(&format!("bias of expand {index}"), block.expand.bias.as_ref().unwrap(), &ours, &tape);
        assert_close(&format!("contract {index}"), &block.contract.weight, &ours, &tape);
        assert_close(&format!("bias of contract {index}"), block.contract.bias.as_ref().unwrap(), &ours, &tape);
    }
    assert_close("classes", &network.classes.weight, &ours, &tape);
    assert_close("masks", &network.masks.weight, &ours, &tape);
}

#[test]
fn gradients_of_rounded_factors_point_the_same_way() {
    let device = Device::flex();
    let (recipe, whole) = pictures();
    let architecture = VisionArchitecture::small(112);
    let network = awake(VisionTransformer::new(architecture, 5, &device)).train();
    let of = |precision: Precision| {
        let settings = VisionSettings { precision, ..VisionSettings::new(architecture, 1) };
        let (_, gradients) =
            VisionTask::new(&recipe, &recipe, &settings, device.clone()).gradients_of(&network, &whole, 2);
        let numbers =
            |param: &Param<Tensor<2>>| gradients.get::<2>(param.id).unwrap().try_into_vec_as::<f32>().unwrap();
        let convolutions = network.convolutions.iter().map(|layer| numbers(&layer.weight));
        convolutions.chain(network.blocks.iter().map(|block| numbers(&block.expand.weight))).collect::<Vec<_>>()
    };
    for (at, (rounded, whole)) in of(Precision::Bfloat16).iter().zip(&of(Precision::Single)).enumerate() {
        let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let cosine = dot(rounded, whole) / (dot(rounded, rounded) * dot(whole, whole)).sqrt();
        assert!(cosine > 0.99, "matrix {at}: a cosine of {cosine}");
    }
}

#[test]
fn gradients_of_an_inspector_are_the_same_for_any_number_of_threads() {
    let device = Device::flex();
    let (recipe, whole) = pictures();
    let architecture =
        VisionArchitecture { side: 112, channels: 4, adding: [0, 1, 0, 2], width: 24, layers: 1, heads: 3 };
    let network = awake(VisionTransformer::new(architecture, 5, &device)).train();
    let settings = VisionSettings::new(architecture, 1);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut task = VisionTask::new(&recipe, &recipe, &settings, device.clone());
            let (loss, gradients) = task.gradients_of(&network, &whole, 1);
            let first = gradients.get::<2>(network.convolutions[0].weight.id).unwrap();
            (loss, first.try_into_vec_as::<f32>().unwrap())
        })
    };
    assert_eq!(with(1), with(3));
}
