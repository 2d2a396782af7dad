//! What is in a file besides the arithmetic.

mod support;

use lehr_onnx::{Element, Graph, Opset, Shape, Tensor};
use support::answer;

fn graph() -> Graph {
    let mut graph = Graph::new("risk", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([2])).unwrap();
    let limit = graph.constant("limit", Tensor::f32([2], &[1.5, -0.0]).unwrap()).unwrap();
    let distance = graph.sub("distance", input, limit).unwrap();
    let probability = graph.sigmoid("probability", distance).unwrap();
    graph.output("probability", probability).unwrap();
    graph.metadata("lehr.version", "1.0.0");
    graph.metadata("lehr.version", "1.2.0");
    graph.metadata("lehr.scaler", r#"{"mean":[1500.0]}"#);
    graph
}

#[test]
fn metadata_versions_and_names_are_in_the_file() {
    let answer = answer(&graph(), &[("input", &[1, 2], &[1.5, 0.0])]);
    assert_eq!(answer.output("probability").values, [0.5, 0.5]);
    assert_eq!((answer.about("opset").as_i64(), answer.about("ir").as_i64()), (Some(17), Some(8)));
    let expected = serde_json::json!({"lehr.version": "1.2.0", "lehr.scaler": "{\"mean\":[1500.0]}"});
    assert_eq!(answer.about("metadata"), &expected);
    assert_eq!(answer.about("nodes"), &serde_json::json!(["distance", "probability"]));
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    assert_eq!(graph().encode().unwrap(), graph().encode().unwrap());
}

#[test]
fn inputs_constants_and_outputs_can_be_outputs_again() {
    let mut graph = graph();
    let extra = graph.input("raw", Element::F32, Shape::batched([1])).unwrap();
    graph.output("raw.again", extra).unwrap();
    let bent = graph.tanh("bent", extra).unwrap();
    graph.output("first", bent).unwrap();
    graph.output("second", bent).unwrap();
    let known = graph.constant("known", Tensor::f32([1], &[7.0]).unwrap()).unwrap();
    graph.output("seven", known).unwrap();
    let answer = answer(&graph, &[("input", &[1, 2], &[0.0, 0.0]), ("raw", &[1, 1], &[0.25])]);
    assert_eq!(answer.output("raw.again").values, [0.25]);
    assert_eq!(answer.output("first"), answer.output("second"));
    assert_eq!(answer.output("seven").values, [7.0]);
}
