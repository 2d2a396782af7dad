//! A reduced forecaster learns what can be learned of a process whose truth is known, and nothing else.

mod support;

use std::time::Duration;

use burn::module::Module;
use lehr_neural::fitting::{Quiet, Stop};
use lehr_neural::forecaster::{Architecture, HORIZONS, Scaler, Settings, Trained, Windows, train};
use support::{SENSORS, Toy, area};

const STEPS: usize = 24;

fn settings(epochs: usize) -> Settings {
    let architecture = Architecture { sensors: SENSORS, width: 16, layers: 2, attention: 8 };
    let mut settings = Settings::new(architecture, 1);
    settings.rows = 64;
    settings.rate = 5e-3;
    settings.dropout = 0.1;
    settings.epochs_max = epochs;
    settings
}

fn areas(trained: &Trained, windows: &Toy) -> [f64; HORIZONS] {
    let probabilities = trained.probabilities(windows);
    std::array::from_fn(|h| area(probabilities.iter().enumerate().map(|(index, p)| (p[h], windows.events(index)[h]))))
}

fn brier(scores: impl Iterator<Item = f64>, windows: &Toy, horizon: usize) -> f64 {
    let squares: Vec<f64> = scores
        .enumerate()
        .map(|(index, p)| (p - f64::from(u8::from(windows.events(index)[horizon]))).powi(2))
        .collect();
    squares.iter().sum::<f64>() / squares.len() as f64
}

#[test]
fn it_comes_near_the_ceiling_and_far_above_the_floor() {
    let (training, validation) = (Toy::new(6000, STEPS, 1), Toy::new(1500, STEPS, 2));
    let (calibration, test) = (Toy::new(1500, STEPS, 3), Toy::new(3000, STEPS, 4));
    let trained =
        train(&training, &validation, &calibration, Scaler::fit(&training).unwrap(), &settings(8), &mut Quiet).unwrap();

    let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.loss).collect();
    assert!(losses.last() < losses.first(), "the loss falls: {losses:?}");

    let areas = areas(&trained, &test);
    for horizon in 0..HORIZONS {
        let prevalence = (0..test.len()).filter(|&i| test.events(i)[horizon]).count() as f64 / test.len() as f64;
        let ceiling = brier(test.truth.iter().map(|p| p[horizon]), &test, horizon);
        let ours = brier(trained.probabilities(&test).into_iter().map(|p| p[horizon]), &test, horizon);
        let floor = prevalence * (1.0 - prevalence);
        // What the sensors' noise hides of the state costs a part of what the truth gains over the prevalence.
        let gained = (floor - ours) / (floor - ceiling);
        assert!((0.6..1.02).contains(&gained), "horizon {horizon}: {gained} of what can be gained");
        let best = area(test.truth.iter().enumerate().map(|(i, p)| (p[horizon], test.events(i)[horizon])));
        assert!(areas[horizon] > best - 0.06 && areas[horizon] < best + 0.01, "{} of {best}", areas[horizon]);
    }

    // What it uses lies at the end: turned round, the windows say nothing.
    let turned = Toy::new(3000, STEPS, 4).reversed_in_time();
    for area in self::areas(&trained, &turned) {
        assert!((area - 0.5).abs() < 0.06, "reversed in time, the area is {area}");
    }
}

#[test]
fn labels_of_other_windows_teach_nothing() {
    let (training, validation) = (Toy::new(2000, STEPS, 5), Toy::new(1000, STEPS, 6));
    let (calibration, test) = (Toy::new(1000, STEPS, 7), Toy::new(3000, STEPS, 8));
    let scaler = Scaler::fit(&training).unwrap();
    let trained = train(
        &training.with_shuffled_labels(9),
        &validation.with_shuffled_labels(10),
        &calibration.with_shuffled_labels(11),
        scaler,
        &settings(4),
        &mut Quiet,
    )
    .unwrap();
    // Against labels that belong to none of the windows, for what is learned may still, by chance, follow the state.
    let test = test.with_shuffled_labels(12);
    for area in areas(&trained, &test) {
        assert!((area - 0.5).abs() < 0.06, "with shuffled labels the area is {area}");
    }
    for horizon in 0..HORIZONS {
        let prevalence = (0..test.len()).filter(|&i| test.events(i)[horizon]).count() as f64 / test.len() as f64;
        let ours = brier(trained.probabilities(&test).into_iter().map(|p| p[horizon]), &test, horizon);
        assert!(ours > 0.97 * prevalence * (1.0 - prevalence), "no better than the prevalence");
    }
}

#[test]
fn a_training_that_was_interrupted_ends_in_the_same_weights() {
    let (training, validation) = (Toy::new(400, STEPS, 21), Toy::new(100, STEPS, 22));
    let calibration = Toy::new(100, STEPS, 23);
    let whole =
        train(&training, &validation, &calibration, Scaler::fit(&training).unwrap(), &settings(3), &mut Quiet).unwrap();
    assert_eq!(whole.stop, Stop::Complete);

    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(3);
    settings.checkpoints = Some(folder.path().to_owned());
    settings.resume = true;
    // No time: each run trains one epoch.
    settings.budget = Some(Duration::ZERO);
    let mut runs = Vec::new();
    let parts = loop {
        let run = train(&training, &validation, &calibration, Scaler::fit(&training).unwrap(), &settings, &mut Quiet)
            .unwrap();
        runs.push(run.history.len());
        if run.stop != Stop::Budget {
            break run;
        }
        assert!(runs.len() < 10, "a run trains an epoch");
    };

    assert_eq!(runs[..2], [1, 2]);
    let weights = |trained: &Trained| -> Vec<Vec<f32>> {
        let layers = trained.network.layer_weights();
        let heads = trained.network.clone().valid().heads.weight.val().try_into_vec_as::<f32>().unwrap();
        layers.into_iter().flat_map(|layer| [layer.input, layer.hidden, layer.bias]).chain([heads]).collect()
    };
    assert_eq!(weights(&whole), weights(&parts));
    assert_eq!(whole.calibration, parts.calibration);
    assert_eq!(whole.thresholds, parts.thresholds);
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let (training, validation) = (Toy::new(100, STEPS, 31), Toy::new(60, STEPS, 32));
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(1);
    settings.checkpoints = Some(folder.path().to_owned());
    train(&training, &validation, &validation, Scaler::fit(&training).unwrap(), &settings, &mut Quiet).unwrap();
    settings.resume = true;
    settings.seed = 2;
    let error = train(&training, &validation, &validation, Scaler::fit(&training).unwrap(), &settings, &mut Quiet)
        .unwrap_err()
        .to_string();
    assert!(error.contains("seed 2") && error.contains("--resume"), "{error}");
}
