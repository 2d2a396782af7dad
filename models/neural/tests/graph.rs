//! A reduced graph network learns what is known of graphs whose truth is known.

mod support;

use lehr_neural::fitting::Quiet;
use lehr_neural::graph::{FeatureScaler, GraphArchitecture, GraphSettings, Graphs, TrainedGraph, scored, train};
use support::toy_graphs::{NODES, ToyGraphs};

fn settings(epochs: usize) -> GraphSettings {
    let architecture = GraphArchitecture { nodes: NODES, features: 2, layers: 3, heads: 2, width: 8 };
    let mut settings = GraphSettings::new(architecture, 1);
    settings.rate = 5e-3;
    settings.epochs_max = epochs;
    settings
}

fn areas(trained: &TrainedGraph, graphs: &ToyGraphs) -> [f64; 3] {
    let scores = trained.scores(graphs);
    [&scores.failures, &scores.anomalies, &scores.links].map(|pairs| scored(pairs).unwrap().auc().unwrap())
}

#[test]
fn it_finds_failures_anomalies_and_links() {
    let (training, validation, test) = (ToyGraphs::new(1500, 1), ToyGraphs::new(300, 2), ToyGraphs::new(500, 3));
    let trained =
        train(&training, &validation, FeatureScaler::fit(&training).unwrap(), &settings(8), &mut Quiet).unwrap();
    let [failures, anomalies, links] = areas(&trained, &test);
    assert!(failures > 0.97 && anomalies > 0.97 && links > 0.97, "{failures}, {anomalies}, {links}");

    let scores = trained.scores(&test);
    let right = |pairs: &[(f64, bool)], at: f64| {
        pairs.iter().filter(|(p, truth)| (*p >= at) == *truth).count() as f64 / pairs.len() as f64
    };
    assert!(right(&scores.failures, trained.thresholds.failure) > 0.93);
    assert!(right(&scores.anomalies, trained.thresholds.anomaly) > 0.93);
}

#[test]
fn the_truth_of_other_graphs_teaches_nothing() {
    let (training, validation) = (ToyGraphs::new(800, 4), ToyGraphs::new(300, 5));
    let scaler = FeatureScaler::fit(&training).unwrap();
    let (training, validation) = (training.with_shuffled_truth(6), validation.with_shuffled_truth(7));
    let trained = train(&training, &validation, scaler, &settings(3), &mut Quiet).unwrap();
    let test = ToyGraphs::new(500, 8).with_shuffled_truth(9);
    for area in areas(&trained, &test) {
        assert!((area - 0.5).abs() < 0.06, "with shuffled truth the area is {area}");
    }
    assert_eq!(test.len(), 500);
}
