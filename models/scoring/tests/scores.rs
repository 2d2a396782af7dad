//! Scores: the same down to the last bit whatever they are asked with, within their time, and about what they should be.

mod support;

use std::num::NonZero;
use std::time::Duration;

use lehr_scoring::{Ensemble, Error, Forecast, Forecaster, Inspector, Network, Options, Snapshot, Thresholds, WINDOW};
use support::models::{self, FULL, MINUTES, Random, SENSORS, SMALL, means, sequences};
use support::{Files, forecaster, runtime, schema, seed, workers};

/// So that also the sign of zero counts.
fn bits(forecast: &Forecast) -> Vec<u32> {
    forecast.probability.iter().chain(&forecast.attention).map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_has_the_same_score_to_the_last_bit_in_any_batch_with_any_workers() {
    let mut random = Random::new(seed());
    let rows = 24;
    let graph = models::forecaster(7, FULL, "1.0.0", &[]);
    let inputs = sequences(&mut random, rows);
    let row = |index: usize| &inputs[index * WINDOW..(index + 1) * WINDOW];
    let alone = forecaster(&graph, workers(1));
    let expected: Vec<Vec<u32>> =
        (0..rows).map(|index| bits(&alone.forecast(row(index).to_vec()).expect("a score")[0])).collect();
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]), "the rows should differ");

    for count in [1, 2, 3, 5] {
        let pool = forecaster(&graph, workers(count));
        // In batches of any size, in any order.
        for _ in 0..4 {
            let picked: Vec<usize> = (0..1 + random.below(rows)).map(|_| random.below(rows)).collect();
            let batch: Vec<f32> = picked.iter().flat_map(|&index| row(index)).copied().collect();
            let forecasts = pool.forecast(batch).expect("scores");
            for (index, forecast) in picked.iter().zip(&forecasts) {
                assert_eq!(bits(forecast), expected[*index], "row {index} with {count} workers");
            }
        }
        // From many callers at once.
        std::thread::scope(|scope| {
            for caller in 0..4 {
                let (pool, expected, row) = (&pool, &expected, &row);
                scope.spawn(move || {
                    for index in (caller..rows).step_by(4) {
                        let forecast = pool.forecast(row(index).to_vec()).expect("a score");
                        assert_eq!(bits(&forecast[0]), expected[index], "row {index} with {count} workers");
                    }
                });
            }
        });
    }
}

#[test]
fn what_a_sensor_did_is_nothing_where_the_model_does_not_read_it() {
    let mut random = Random::new(seed());
    let blind = random.below(SENSORS);
    let forecaster = forecaster(&models::forecaster(11, SMALL, "1.0.0", &[blind]), workers(2));
    let sequence = sequences(&mut random, 1);
    let attribution = forecaster.attribute(&sequence).expect("an attribution");
    assert_eq!(attribution.forecast, forecaster.forecast(sequence.clone()).expect("a forecast")[0]);
    for (sensor, did) in attribution.sensors.iter().enumerate() {
        assert_eq!(did.iter().all(|&part| part == 0.0), sensor == blind, "sensor {sensor}, blind {blind}");
    }
    // Where one sensor alone is off its mean, it did all.
    let (mut calm, off) = (means().repeat(MINUTES), (blind + 1) % SENSORS);
    let usual = forecaster.forecast(calm.clone()).expect("a forecast")[0].probability;
    calm.chunks_mut(SENSORS).for_each(|minute| minute[off] += 20.0);
    let attribution = forecaster.attribute(&calm).expect("an attribution");
    for (sensor, did) in attribution.sensors.iter().enumerate() {
        let expected = if sensor == off {
            std::array::from_fn(|horizon| attribution.forecast.probability[horizon] - usual[horizon])
        } else {
            [0.0; 3]
        };
        assert_eq!(*did, expected, "sensor {sensor}");
    }
}

#[test]
fn what_is_missing_is_filled_as_for_training() {
    let forecaster = forecaster(&models::forecaster(3, SMALL, "1.0.0", &[]), workers(1));
    let mut gaps: Vec<f32> = means().repeat(2 * MINUTES);
    gaps.iter_mut().enumerate().for_each(|(at, value)| *value += (at % 7) as f32);
    gaps.iter_mut().step_by(3).for_each(|value| *value = f32::NAN);
    let mut filled = gaps.clone();
    filled.chunks_mut(WINDOW).for_each(|window| lehr_features::fill(window, &means()));
    assert_eq!(forecaster.forecast(gaps).unwrap(), forecaster.forecast(filled).unwrap());
}

#[test]
fn input_that_does_not_fit_is_told() {
    let forecaster = forecaster(&models::forecaster(3, SMALL, "1.0.0", &[]), workers(1));
    let said = |sequences: Vec<f32>| forecaster.forecast(sequences).unwrap_err().to_string();
    assert_eq!(said(vec![0.0; WINDOW + 1]), "input: 2401 numbers are no whole sequences of 2400");
    assert_eq!(said(vec![]), "rows: 0 are given, between 1 and 4096 are needed");
    let mut broken = means().repeat(2 * MINUTES);
    broken[WINDOW + 41] = f32::INFINITY;
    assert_eq!(said(broken), "input: row 1 has inf at 41, and must be finite");
    let error = forecaster.attribute(&[0.0; 7]).unwrap_err();
    assert_eq!(error.to_string(), "input: 7 numbers are given, a sequence has 2400");
}

#[test]
fn a_call_ends_when_its_time_is_over_and_the_workers_go_on() {
    let files = Files::new();
    let graph = models::inspector(5, 2, 192, 3).expect("it is a model");
    let path = files.write_graph("inspector.onnx", &graph);
    let options = Options { workers: NonZero::<usize>::MIN, time_out: Duration::from_millis(1) };
    let open = |options| Inspector::open(&runtime(), &path, schema(), options, Thresholds::default());
    let (hasty, patient) = (open(options).expect("it runs"), open(workers(1)).expect("it runs"));
    let mut random = Random::new(seed());
    let pictures = random.values(3 * 3 * 224 * 224, 0.0, 1.0);
    // Three pictures with one worker take longer than a millisecond on any machine.
    for _ in 0..5 {
        assert!(matches!(hasty.inspect(pictures.clone()), Err(Error::TimedOut { .. })));
    }
    drop(hasty);
    let seen = patient.inspect(pictures.clone()).expect("it is seen");
    assert_eq!(seen, patient.inspect(pictures).expect("it is seen"));
}

#[test]
fn a_call_without_time_gets_no_score_and_the_next_one_does() {
    let graph = models::ensemble(5, 4).expect("it is a model");
    let runtime = runtime();
    let bytes = graph.encode().expect("it is whole");
    let model = lehr_scoring::Model::check(&runtime, "ensemble", bytes, Ensemble::contract(schema(), 4));
    let batch = |rows: usize| lehr_scoring::Batch { rows, values: vec![vec![0.5; 4 * rows]] };
    let pool = lehr_scoring::Pool::open(&runtime, model.expect("it is taken"), workers(2), &batch(1)).expect("it runs");
    let expected = pool.score(batch(1)).expect("a score").values[0].clone();
    for _ in 0..50 {
        assert!(matches!(pool.score_within(batch(30), Duration::ZERO), Err(Error::TimedOut { .. })));
        assert_eq!(pool.score(batch(3)).expect("scores").values[0], expected.repeat(3));
    }
}

#[test]
fn pictures_are_inspected() {
    let files = Files::new();
    let path = files.write_graph("inspector.onnx", &models::inspector(5, 1, 48, 3).expect("it is a model"));
    // Masks of random weights hardly agree with boxes.
    let thresholds = Thresholds { score: 0.005, overlap: 0.5 };
    let inspector = Inspector::open(&runtime(), &path, schema(), workers(2), thresholds).expect("it runs");
    let mut random = Random::new(seed());
    let pictures = random.values(2 * 3 * 224 * 224, 0.0, 1.0);
    let seen = inspector.inspect(pictures.clone()).expect("it is seen");
    assert_eq!(seen[1..], inspector.inspect(pictures[3 * 224 * 224..].to_vec()).expect("it is seen"));
    for inspection in &seen {
        assert_eq!(inspection.mask(5).len(), 56 * 56);
        assert!(inspection.masks.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(!inspection.detections.is_empty(), "with random weights something is always seen");
        for detection in &inspection.detections {
            let bounds = detection.bounds;
            assert!(detection.score >= 0.005 && detection.defect < 6);
            assert!(0.0 <= bounds.left && bounds.left <= bounds.right && bounds.right <= 224.0, "{bounds:?}");
            assert!(0.0 <= bounds.top && bounds.top <= bounds.bottom && bounds.bottom <= 224.0, "{bounds:?}");
        }
    }
}

#[test]
fn graphs_and_ensembles_are_scored() {
    let files = Files::new();
    let features = 4;
    let path = files.write_graph("graph.onnx", &models::network(5, features).expect("it is a model"));
    let network = Network::open(&runtime(), &path, schema(), features, workers(2)).expect("it runs");
    let mut random = Random::new(seed());
    let mut snapshot = || Snapshot {
        nodes: random.values(SENSORS * features, -1.0, 1.0),
        edges: random.values(SENSORS * SENSORS, -1.0, 1.0),
    };
    let snapshots = [snapshot(), snapshot(), snapshot()];
    let verdicts = network.judge(&snapshots).expect("verdicts");
    for (snapshot, verdict) in snapshots.iter().zip(&verdicts) {
        assert_eq!((verdict.failure.len(), verdict.anomaly.len(), verdict.edge.len()), (20, 20, 400));
        let alone = network.judge(std::slice::from_ref(snapshot)).expect("a verdict");
        assert_eq!(alone, std::slice::from_ref(verdict));
    }
    let short = Snapshot { nodes: vec![0.0; 3], ..snapshots[0].clone() };
    assert_eq!(
        network.judge(&[short]).unwrap_err().to_string(),
        "nodes and edges of row 0: 3 and 400 numbers are given, [20, 4] and [20, 20] are needed"
    );

    let path = files.write_graph("ensemble.onnx", &models::ensemble(5, 9).expect("it is a model"));
    let ensemble = Ensemble::open(&runtime(), &path, schema(), 9, workers(2)).expect("it runs");
    let predictions = random.values(4 * 9, 0.0, 1.0);
    let combined = ensemble.combine(predictions.clone()).expect("probabilities");
    assert_eq!(combined[2..3], ensemble.combine(predictions[18..27].to_vec()).expect("probabilities"));
    assert!(combined.iter().flatten().all(|probability| (0.0..=1.0).contains(probability)));
    assert!(ensemble.combine(vec![0.5; 10]).is_err());
}

#[test]
fn a_forecast_that_cannot_be_is_no_forecast() {
    use lehr_onnx::{Element, Graph, Opset, Shape, Tensor};
    let mut graph = Graph::new("forecaster", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([MINUTES, SENSORS])).unwrap();
    let sums = graph.reduce_sum("sums", input, 2, false).unwrap();
    let zero = graph.constant("zero", Tensor::scalar(0.0).unwrap()).unwrap();
    let nothing = graph.mul("nothing", sums, zero).unwrap();
    let even = graph.softmax("even", nothing, 1).unwrap();
    graph.output("attention", even).unwrap();
    let first = graph.slice("first", nothing, 1, 0..3).unwrap();
    let two = graph.constant("two", Tensor::scalar(2.0).unwrap()).unwrap();
    let wrong = graph.add("wrong", first, two).unwrap();
    graph.output("probability", wrong).unwrap();
    for (key, value) in [("lehr.model", "forecaster"), ("lehr.version", "1.0.0"), ("lehr.metrics", "{}")] {
        graph.metadata(key, value);
    }
    graph.metadata("lehr.schema", schema().as_str());
    graph.metadata("lehr.scaler", format!(r#"{{"mean":{0:?},"deviation":{0:?}}}"#, [1.0; SENSORS]));
    let files = Files::new();
    let path = files.write_graph("forecaster.onnx", &graph);
    let error = Forecaster::open(&runtime(), &path, schema(), workers(1)).unwrap_err();
    assert_eq!(error.to_string(), "model forecaster.onnx gave a bad probability: 2 is not between 0 and 1");
}
