//! Sessions of ONNX Runtime: how they are set up, and one row run through one.

use std::borrow::Cow;

use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights};
use ort::session::{NoSelectedOutputs, RunOptions, Session, SessionInputValue};
use ort::value::TensorRef;

use crate::{Contract, Runtime};

/// The outputs of one row, in the contract's order.
pub(crate) type Outputs = Vec<Vec<f32>>;

/// What a session is opened for.
pub(crate) enum Effort<'a> {
    /// To be looked at.
    Look,
    /// To be run, with weights arranged once for all sessions of a pool.
    Run(&'a PrepackedWeights),
}

/// A session of one thread, which does the same every time.
pub(crate) fn open(runtime: &Runtime, bytes: &[u8], effort: Effort<'_>) -> Result<Session, ort::Error> {
    let builder = Session::builder(runtime.environment())?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        // A thread that waits by spinning takes the time of those that compute.
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_deterministic_compute(true)?;
    let mut builder = match effort {
        Effort::Look => builder.with_optimization_level(GraphOptimizationLevel::Disable)?,
        Effort::Run(weights) => {
            builder.with_optimization_level(GraphOptimizationLevel::Level3)?.with_prepacked_weights(weights)?
        }
    };
    builder.commit_from_memory(bytes)
}

/// Runs one row, given by the contract's inputs.
pub(crate) fn run(
    session: &mut Session,
    contract: &Contract,
    row: &[&[f32]],
    options: &RunOptions<NoSelectedOutputs>,
) -> Result<Outputs, String> {
    let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(row.len());
    for (port, values) in contract.inputs.iter().zip(row) {
        let tensor = TensorRef::from_array_view((shape(&port.extents), *values)).map_err(told)?;
        inputs.push((Cow::Borrowed(port.name), tensor.into()));
    }
    let outputs = session.run_with_options(inputs, options).map_err(told)?;
    contract
        .outputs
        .iter()
        .map(|port| {
            let value = outputs.get(port.name).ok_or_else(|| format!("there is no output {}", port.name))?;
            let (found, values) = value.try_extract_tensor::<f32>().map_err(told)?;
            if **found != *shape(&port.extents) {
                return Err(format!("output {} is {:?}, expected is {:?}", port.name, &**found, shape(&port.extents)));
            }
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return Err(format!("output {} is {} at {at}", port.name, values[at]));
            }
            Ok(values.to_vec())
        })
        .collect()
}

/// Of a batch of one row.
fn shape(extents: &[usize]) -> Vec<i64> {
    std::iter::once(1).chain(extents.iter().map(|&extent| extent as i64)).collect()
}

fn told(error: ort::Error) -> String {
    error.to_string()
}
