//! Files that are not what was expected are refused, with what is wrong and what was expected.

mod support;

use lehr_onnx::{Element, Graph, Opset, Shape, Tensor};
use lehr_scoring::{
    Batch, Contract, Ensemble, Error, Forecaster, Inspector, Model, ModelVersion, Pool, Port, Refusal, Schema,
    Thresholds,
};
use support::models::{Random, SENSORS, SMALL, ensemble, forecaster, forecaster_of};
use support::{Files, runtime, schema, seed, workers};

fn check(bytes: Vec<u8>) -> Result<Model, Error> {
    Model::check(&runtime(), "forecaster-1.0.0.onnx", bytes, Forecaster::contract(schema()))
}

#[track_caller]
fn refusal(result: Result<Model, Error>) -> Refusal {
    match result {
        Err(Error::Refused { model, refusal }) => {
            assert_eq!(model, "forecaster-1.0.0.onnx");
            refusal
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn encoded(graph: &Graph) -> Vec<u8> {
    graph.encode().expect("it is whole")
}

#[test]
fn a_good_file_is_taken_and_says_what_it_is() {
    let files = Files::new();
    let path = files.write_graph("forecaster-1.2.3.onnx", &forecaster(1, SMALL, "1.2.3", &[]));
    let model = Model::read(&runtime(), &path, Forecaster::contract(schema())).expect("it is taken");
    let metadata = model.metadata();
    assert_eq!(model.name(), "forecaster-1.2.3.onnx");
    assert_eq!(metadata.version, ModelVersion::new(1, 2, 3));
    assert_eq!(metadata.scaler.as_ref().expect("it has one").mean[3], 300.0);
    assert_eq!(metadata.metrics["recall"], 0.93);
    assert_eq!(metadata.trained.as_deref(), Some("2026-01-05"));
    assert_eq!(metadata.rest["card.author"], "a test");
    assert_eq!(model.digest().len(), 64);
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_name() {
    let files = Files::new();
    let path = files.path().join("forecaster-9.9.9.onnx");
    let error = Model::read(&runtime(), &path, Forecaster::contract(schema())).unwrap_err();
    assert!(error.to_string().starts_with(&format!("model file {} cannot be read: ", path.display())), "{error}");
}

#[test]
fn broken_files_are_refused_wherever_they_break() {
    let mut random = Random::new(seed());
    let whole = encoded(&forecaster(1, SMALL, "1.0.0", &[]));
    assert!(matches!(refusal(check(Vec::new())), Refusal::NotLoaded { .. }));
    assert!(matches!(refusal(check(b"not a model".to_vec())), Refusal::NotLoaded { .. }));
    for _ in 0..40 {
        let end = random.below(whole.len());
        // What is cut off may be metadata: whatever it is, something is missing.
        let refusal = refusal(check(whole[..end].to_vec()));
        println!("cut at {end} of {}: {refusal}", whole.len());
    }
    // What a byte turns into may be another weight, and so a model. It must be no panic.
    for _ in 0..100 {
        let (at, byte) = (random.below(whole.len()), random.below(256));
        let mut broken = whole.clone();
        broken[at] = byte as u8;
        if let Err(error) = check(broken) {
            println!("{byte} at {at}: {error}");
        }
    }
}

#[test]
fn another_shape_is_refused() {
    let graph = forecaster_of(1, SMALL, "1.0.0", &[], SENSORS + 1).expect("it is a model");
    graph.encode().expect("it is whole");
    let mut said = graph;
    // With a scaler of the right size, so that the shape alone is wrong.
    said.metadata("lehr.scaler", format!(r#"{{"mean":{0:?},"deviation":{0:?}}}"#, [1.0; SENSORS]));
    assert_eq!(
        refusal(check(encoded(&said))).to_string(),
        "its inputs are input f32 [batch, 120, 21], expected are input f32 [batch, 120, 20]"
    );
}

#[test]
fn other_outputs_are_refused() {
    let mut graph = Graph::new("ensemble", Opset::V17);
    let input = graph.input("predictions", Element::F32, Shape::batched([4])).unwrap();
    let half = graph.constant("half", Tensor::scalar(0.5).unwrap()).unwrap();
    let above = graph.greater("above", input, half).unwrap();
    graph.output("probability", above).unwrap();
    for (key, value) in [("lehr.model", "ensemble"), ("lehr.version", "1.0.0"), ("lehr.metrics", "{}")] {
        graph.metadata(key, value);
    }
    graph.metadata("lehr.schema", schema().as_str());
    let checked = Model::check(&runtime(), "forecaster-1.0.0.onnx", encoded(&graph), Ensemble::contract(schema(), 4));
    assert_eq!(
        refusal(checked).to_string(),
        "its outputs are probability bool [batch, 4], expected are probability f32 [batch, 3]"
    );
}

#[test]
fn another_schema_is_refused() {
    let mut graph = forecaster(1, SMALL, "1.0.0", &[]);
    graph.metadata("lehr.schema", "another");
    let expected = Refusal::Schema { found: Schema::from_text("another"), expected: schema() };
    assert_eq!(refusal(check(encoded(&graph))), expected);
}

#[test]
fn another_kind_of_model_is_refused() {
    let other = encoded(&ensemble(1, 4).expect("it is a model"));
    assert_eq!(refusal(check(other)).to_string(), "its metadata lehr.model is \"ensemble\", expected is forecaster");
    let files = Files::new();
    let path = files.write_graph("inspector-1.0.0.onnx", &forecaster(1, SMALL, "1.0.0", &[]));
    let opened = Inspector::open(&runtime(), &path, schema(), workers(1), Thresholds::default());
    let said = opened.unwrap_err().to_string();
    let expected = "model inspector-1.0.0.onnx is refused: its metadata lehr.model is \"forecaster\"";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn other_opsets_are_refused() {
    let whole = encoded(&forecaster(1, SMALL, "1.0.0", &[]));
    // Field 8 of a model: two bytes, of which the second field is the version.
    let at = whole.windows(4).rposition(|bytes| bytes == [0x42, 2, 0x10, 17]).expect("it has an opset") + 3;
    let with = |opset: u8| {
        let mut bytes = whole.clone();
        bytes[at] = opset;
        bytes
    };
    assert!(check(with(18)).is_ok());
    assert_eq!(refusal(check(with(16))).to_string(), "its opset is 16, expected is 17 to 20");
    assert_eq!(refusal(check(with(21))).to_string(), "its opset is 21, expected is 17 to 20");
    // ONNX Runtime itself does not know this one.
    assert!(matches!(refusal(check(with(99))), Refusal::NotLoaded { .. }));
}

#[test]
fn a_model_that_gives_no_numbers_is_refused_when_it_is_tried() {
    let contract = Contract {
        model: "logarithm",
        schema: schema(),
        inputs: vec![Port::new("x", [1])],
        outputs: vec![Port::new("y", [1])],
        scaled: None,
    };
    let mut graph = Graph::new("logarithm", Opset::V17);
    let x = graph.input("x", Element::F32, Shape::batched([1])).unwrap();
    let y = graph.log("log", x).unwrap();
    graph.output("y", y).unwrap();
    for (key, value) in [("lehr.model", "logarithm"), ("lehr.version", "1.0.0"), ("lehr.metrics", "{}")] {
        graph.metadata(key, value);
    }
    graph.metadata("lehr.schema", schema().as_str());
    let model = || Model::check(&runtime(), "logarithm", encoded(&graph), contract.clone()).expect("it is taken");
    let open = |x: f32| Pool::open(&runtime(), model(), workers(1), &Batch { rows: 1, values: vec![vec![x]] });
    let said = open(-1.0).unwrap_err().to_string();
    assert_eq!(said, "model logarithm is refused: it failed when it was tried: output y is NaN at 0");
    // A score that is none is an error too, and the worker goes on.
    let pool = open(1.0).expect("it runs");
    let score = |x: f32| pool.score(Batch { rows: 1, values: vec![vec![x]] });
    assert_eq!(score(-1.0).unwrap_err().to_string(), "model logarithm failed: output y is NaN at 0");
    assert_eq!(score(1.0).unwrap().values, [[0.0]]);
}
