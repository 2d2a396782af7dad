use lehr_onnx::blocks::AttentionPooling;
use lehr_onnx::{Element, Graph, LstmLayer, Opset, Shape, Value};

use super::scaler::{REACH, Scaler};
use super::train::Trained;
use super::windows::HORIZONS;
use crate::error::NeuralError;
use crate::writing::{Identity, linear, tensor};

/// The forecaster as an ONNX file.
///
/// Input `input` f32 `[batch, steps, sensors]` in engineering units, oldest minute first; NaN stands for a value that
/// is missing. Outputs `probability` f32 `[batch, 3]`, calibrated, and `attention` f32 `[batch, steps]`.
pub fn export(trained: &Trained, identity: &Identity) -> Result<Vec<u8>, NeuralError> {
    let mut graph = Graph::new("forecaster", Opset::V17);
    let sensors = trained.architecture.sensors;
    let input = graph.input("input", Element::F32, Shape::batched([trained.steps, sensors]))?;
    let scaled = scale(&mut graph, input, &trained.scaler)?;

    let layers = trained
        .network
        .layers
        .iter()
        .map(|layer| {
            let (input, hidden) = (tensor(layer.input.val())?, tensor(layer.hidden.val())?);
            Ok(LstmLayer::from_right(&input, &hidden, tensor(layer.bias.val())?)?)
        })
        .collect::<Result<Vec<_>, NeuralError>>()?;
    let states = graph.lstm("lstm", scaled, &layers)?;

    let pooling =
        AttentionPooling { hidden: linear(&trained.network.attention)?, score: linear(&trained.network.energy)? };
    let pooled = pooling.build(&mut graph, "pooling", states)?;
    let last = graph.slice("last.step", states, 1, trained.steps - 1..trained.steps)?;
    let last = graph.squeeze("last", last, 1)?;
    let read = graph.concat("read", &[pooled.context, last], 1)?;
    let logits = graph.linear("heads", read, &linear(&trained.network.heads)?)?;

    let narrow = |values: [f64; HORIZONS]| values.map(|value| value as f32);
    let slope = lehr_onnx::Tensor::f32([HORIZONS], &narrow(trained.calibration.slope))?;
    let shift = lehr_onnx::Tensor::f32([HORIZONS], &narrow(trained.calibration.shift))?;
    let slope = graph.constant("calibration.slope", slope)?;
    let shift = graph.constant("calibration.shift", shift)?;
    let steeper = graph.mul("calibration.scaled", logits, slope)?;
    let calibrated = graph.add("calibration", steeper, shift)?;
    let probability = graph.sigmoid("calibrated", calibrated)?;
    graph.output("probability", probability)?;
    graph.output("attention", pooled.weights)?;

    identity.write(&mut graph);
    Ok(graph.encode()?)
}

/// What [`Scaler::scale`] does, for all sensors.
fn scale(graph: &mut Graph, input: Value, scaler: &Scaler) -> Result<Value, NeuralError> {
    let sensors = scaler.mean.len();
    let mean = graph.constant("scaler.mean", lehr_onnx::Tensor::f32([sensors], &scaler.mean)?)?;
    let deviation = graph.constant("scaler.deviation", lehr_onnx::Tensor::f32([sensors], &scaler.deviation)?)?;
    let high = graph.constant("scaler.high", lehr_onnx::Tensor::scalar(REACH)?)?;
    let low = graph.constant("scaler.low", lehr_onnx::Tensor::scalar(-REACH)?)?;
    // NaN is the one number that is not itself.
    let known = graph.equal("scaler.known", input, input)?;
    let filled = graph.where_("scaler.filled", known, input, mean)?;
    let centred = graph.sub("scaler.centred", filled, mean)?;
    let scaled = graph.div("scaler.scaled", centred, deviation)?;
    let above = graph.greater("scaler.above", scaled, high)?;
    let capped = graph.where_("scaler.capped", above, high, scaled)?;
    let below = graph.less("scaler.below", capped, low)?;
    Ok(graph.where_("scaler", below, low, capped)?)
}
