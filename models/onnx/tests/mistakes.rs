//! A mistake is found when it is made, and named.

use lehr_onnx::blocks::AttentionPooling;
use lehr_onnx::{Conv, Element, Error, Graph, Linear, LstmLayer, Opset, Shape, Tensor, Value};

fn zeros(extents: &[usize]) -> Tensor {
    Tensor::f32(extents, &vec![0.0; extents.iter().product()]).unwrap()
}

fn linear(inputs: usize, outputs: usize) -> Linear {
    Linear { weight: zeros(&[inputs, outputs]), bias: Some(zeros(&[outputs])) }
}

fn lstm(inputs: usize, units: usize, biases: usize) -> LstmLayer {
    LstmLayer {
        input: zeros(&[4 * units, inputs]),
        recurrent: zeros(&[4 * units, units]),
        input_bias: zeros(&[biases]),
        recurrent_bias: zeros(&[biases]),
    }
}

/// What is said when this is built on a sequence `[batch, 120, 20]`.
fn said(build: impl FnOnce(&mut Graph, Value) -> Result<Value, Error>) -> String {
    let mut graph = Graph::new("forecaster", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([120, 20])).unwrap();
    build(&mut graph, input).unwrap_err().to_string()
}

#[test]
fn shapes_that_do_not_fit_are_errors_that_name_the_node() {
    let conv = || Conv { weight: zeros(&[8, 3, 3, 3]), bias: None, stride: 1, padding: 0 };
    let cases = [
        (
            said(|graph, x| graph.linear("head", x, &linear(21, 3))),
            "node head (Linear): [batch, 120, 20] does not end in the 21 inputs of its weight",
        ),
        (
            said(|graph, x| graph.linear("head", x, &Linear { bias: Some(zeros(&[4])), ..linear(20, 3) })),
            "node head (Linear): its bias is [4], and must be [3]",
        ),
        (
            said(|graph, x| graph.lstm("lstm", x, &[lstm(20, 8, 32), lstm(9, 8, 32)])),
            "node lstm.1 (LSTM): its W takes 9 inputs, and there are 8",
        ),
        (
            said(|graph, x| graph.lstm("lstm", x, &[lstm(20, 8, 31)])),
            "node lstm.0 (LSTM): W is [32, 20], R is [32, 8], their biases [31] and [31], and must be [4H, D], [4H, H], \
             [4H] and [4H]",
        ),
        (said(|graph, x| graph.lstm("lstm", x, &[])), "node lstm (LSTM): it needs a layer"),
        (
            said(|graph, x| {
                let other = graph.constant("mean", zeros(&[21]))?;
                graph.sub("centred", x, other)
            }),
            "node centred (Sub): [batch, 120, 20] and [21] do not broadcast",
        ),
        (
            said(|graph, x| graph.matmul("products", x, x)),
            "node products (MatMul): [batch, 120, 20] and [batch, 120, 20] cannot be multiplied",
        ),
        (
            said(|graph, x| graph.gemm("gemm", x, x, None)),
            "node gemm (Gemm): it takes matrices, and these are [batch, 120, 20] and [batch, 120, 20]",
        ),
        (
            said(|graph, x| graph.transpose("turned", x, &[0, 1, 1])),
            "node turned (Transpose): [0, 1, 1] does not name each axis of [batch, 120, 20] once",
        ),
        (
            said(|graph, x| graph.reshape("flat", x, Shape::batched([2401]))),
            "node flat (Reshape): [batch, 120, 20] and [batch, 2401] do not hold the same number of values",
        ),
        (
            said(|graph, x| graph.reshape("flat", x, Shape::fixed([2400]))),
            "node flat (Reshape): the batch must be first in both [batch, 120, 20] and [2400], or in neither",
        ),
        (
            said(|graph, x| graph.slice("last", x, 1, 119..121)),
            "node last (Slice): 119..121 does not lie within axis 1 of [batch, 120, 20]",
        ),
        (
            said(|graph, x| Ok(graph.split("parts", x, 2, &[10, 9])?[0])),
            "node parts (Split): parts of [10, 9] do not make up axis 2 of [batch, 120, 20]",
        ),
        (
            said(|graph, x| graph.squeeze("flat", x, 2)),
            "node flat (Squeeze): axis 2 of [batch, 120, 20] does not have an extent of 1",
        ),
        (
            said(|graph, x| graph.unsqueeze("deep", x, 4)),
            "node deep (Unsqueeze): [batch, 120, 20] can have no new axis 4",
        ),
        (
            said(|graph, x| {
                let index = graph.constant("index", Tensor::i64([1], &[20])?)?;
                graph.gather("one", x, index, 2)
            }),
            "node one (Gather): index 20 is not within axis 2 of [batch, 120, 20]",
        ),
        (
            said(|graph, x| {
                let half = graph.slice("half", x, 1, 0..60)?;
                graph.concat("both", &[x, half], 2)
            }),
            "node both (Concat): f32 [batch, 120, 20] and f32 [batch, 60, 20] do not fit along axis 2",
        ),
        (
            said(|graph, x| graph.conv("patches", x, &conv())),
            "node patches (Conv): it reads [batch, channels, height, width], and this is [batch, 120, 20]",
        ),
        (
            said(|graph, x| {
                let image = graph.unsqueeze("image", x, 1)?;
                graph.conv("patches", image, &conv())
            }),
            "node patches (Conv): its weight takes 3 channels, and [batch, 1, 120, 20] has 1",
        ),
        (
            said(|graph, x| graph.layer_normalization("norm", x, &zeros(&[120]), &zeros(&[120]), 1e-5)),
            "node norm (LayerNormalization): gain is [120] and bias [120], and must be [20]",
        ),
        (
            said(|graph, x| {
                let pooling = AttentionPooling { hidden: linear(20, 8), score: linear(9, 1) };
                Ok(pooling.build(graph, "attention", x)?.context)
            }),
            "node attention.score (Linear): [batch, 120, 8] does not end in the 9 inputs of its weight",
        ),
    ];
    for (said, expected) in cases {
        assert_eq!(said, expected);
    }
}

#[test]
fn rows_of_a_batch_stay_apart() {
    let cases = [
        (
            said(|graph, x| graph.reduce_mean("mean", x, 0, false)),
            "node mean (ReduceMean): axis 0 of [batch, 120, 20] is the batch",
        ),
        (
            said(|graph, x| graph.softmax("shares", x, 0)),
            "node shares (Softmax): axis 0 of [batch, 120, 20] is the batch",
        ),
        (
            said(|graph, x| graph.concat("both", &[x, x], 0)),
            "node both (Concat): axis 0 of [batch, 120, 20] is the batch",
        ),
        (
            said(|graph, x| graph.slice("some", x, 0, 0..1)),
            "node some (Slice): axis 0 of [batch, 120, 20] is the batch",
        ),
    ];
    for (said, expected) in cases {
        assert_eq!(said, expected);
    }
}

#[test]
fn elements_and_opsets_are_checked() {
    let wrong = said(|graph, x| {
        let index = graph.constant("index", Tensor::i64([1], &[0])?)?;
        graph.add("sum", x, index)
    });
    assert_eq!(wrong, "node sum (Add): index is i64, and must be f32");
    let condition = said(|graph, x| graph.where_("chosen", x, x, x));
    assert_eq!(condition, "node chosen (Where): the condition input is f32, and must be bool");
    let gelu = said(|graph, x| graph.gelu("bent", x));
    assert_eq!(gelu, "node bent (Gelu): it needs opset 20: make the graph with Opset::V20");
}

#[test]
fn names_are_taken_once_and_values_stay_in_their_graph() {
    let twice = said(|graph, x| {
        graph.relu("bent", x)?;
        graph.tanh("bent", x)
    });
    assert_eq!(twice, "name \"bent\": it is taken: every node, input, constant and output needs a name of its own");
    assert_eq!(said(|graph, x| graph.relu("", x)), "name \"\": a name must not be empty");
    let foreign = said(|_, x| Graph::new("other", Opset::V17).relu("bent", x));
    assert_eq!(foreign, "node bent (Relu): it reads a value of another graph");
}

#[test]
fn a_graph_must_be_whole() {
    let graph = || {
        let mut graph = Graph::new("forecaster", Opset::V17);
        let input = graph.input("input", Element::F32, Shape::batched([20])).unwrap();
        let bent = graph.tanh("bent", input).unwrap();
        (graph, bent)
    };
    let (nothing, _) = graph();
    assert_eq!(nothing.encode().unwrap_err().to_string(), "graph forecaster: it needs an input and an output");
    let (mut loose, bent) = graph();
    loose.output("output", bent).unwrap();
    loose.relu("forgotten", bent).unwrap();
    assert_eq!(
        loose.encode().unwrap_err().to_string(),
        "graph forecaster: nothing reads node forgotten: use it or leave it out"
    );
    let (mut spare, bent) = graph();
    spare.output("output", bent).unwrap();
    spare.constant("spare", zeros(&[1])).unwrap();
    assert_eq!(
        spare.encode().unwrap_err().to_string(),
        "graph forecaster: nothing reads spare: use it or leave it out"
    );
}
