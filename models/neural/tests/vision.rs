//! A reduced inspector learns to find flaws, and its file says what it says.

mod support;

use burn::module::Module;
use burn::tensor::{Device, activation};
use lehr_camera::Split;
use lehr_camera::set::Recipe;
use lehr_neural::Precision;
use lehr_neural::fitting::{Quiet, Stop};
use lehr_neural::vision::{
    Pictures, TrainedVision, Trunk, VisionArchitecture, VisionSettings, VisionTransformer, export, pixels, report,
    started_from, train,
};
use lehr_neural::writing::{Identity, values};
use serde_json::json;
use support::onnx::{answer, assert_close, output};

const SIDE: usize = 112;

fn recipe(split: Split, count: u64) -> Recipe {
    Recipe::new(7, split, count, SIDE).unwrap()
}

fn settings(epochs: usize) -> VisionSettings {
    let mut settings = VisionSettings::new(VisionArchitecture::small(SIDE), 1);
    settings.rows = 16;
    settings.epochs_max = epochs;
    settings.epoch_pictures = 64;
    settings
}

/// Few pictures teach little, but they are learned.
#[test]
fn the_loss_falls_on_pictures_that_were_not_learned() {
    let (training, validation) = (recipe(Split::Training, 256), recipe(Split::Validation, 48));
    let mut settings = settings(4);
    settings.epoch_pictures = 256;
    let trained = train(&training, &validation, &settings, &mut Quiet).unwrap();
    let losses: Vec<f64> = trained.history.iter().map(|epoch| epoch.validation.loss).collect();
    assert!(losses.last().unwrap() < &(0.92 * losses[0]), "{losses:?}");
    let figures = report(&trained.network, &[0.5; 6], &validation, 16);
    assert_eq!(figures.pictures, 48);
    assert!((0.0..=1.0).contains(&figures.map) && (0.0..=1.0).contains(&figures.mask_iou), "{figures:?}");
}

#[test]
fn a_training_that_was_interrupted_ends_as_one_that_was_not() {
    let (training, validation) = (recipe(Split::Training, 64).augmented(), recipe(Split::Validation, 16));
    let whole = train(&training, &validation, &settings(2), &mut Quiet).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(2);
    settings.checkpoints = Some(folder.path().to_owned());
    settings.budget = Some(std::time::Duration::ZERO);
    assert_eq!(train(&training, &validation, &settings, &mut Quiet).unwrap().stop, Stop::Budget);
    settings.resume = true;
    settings.budget = None;
    let resumed = train(&training, &validation, &settings, &mut Quiet).unwrap();
    let losses = |trained: &TrainedVision| trained.history.iter().map(|epoch| epoch.loss).collect::<Vec<_>>();
    assert_eq!(losses(&resumed), losses(&whole));
}

#[test]
fn settings_that_do_not_fit_are_told() {
    let sets = (recipe(Split::Training, 8), recipe(Split::Validation, 8));
    let mut other_side = settings(1);
    other_side.architecture.side = 224;
    let error = train(&sets.0, &sets.1, &other_side, &mut Quiet).unwrap_err().to_string();
    assert!(error.contains("side") && error.contains("224"), "{error}");
    let mut odd = settings(1);
    odd.architecture.heads = 5;
    let error = train(&sets.0, &sets.1, &odd, &mut Quiet).unwrap_err().to_string();
    assert!(error.contains("width") && error.contains("heads"), "{error}");
}

fn agree(architecture: VisionArchitecture, network: VisionTransformer) {
    let trained = TrainedVision { network, architecture, history: vec![], best_epoch: 0, stop: Stop::Complete };
    let identity = Identity {
        model: "inspector",
        version: "0.1.0".into(),
        inputs: vec![("light".into(), "1".into())],
        data: "none".into(),
        scaler: None,
        metrics: json!({}),
        trained: "2026-01-01".into(),
    };
    let file = export(&trained, &identity, false).unwrap();
    let (side, rows) = (architecture.side, 2);
    let recipe = Recipe::new(9, Split::Training, rows as u64, side).unwrap();
    let (mut images, mut scaled) = (vec![], vec![]);
    for sample in recipe.samples(0) {
        pixels(&sample.image, side, &mut scaled);
        images.extend(sample.image);
    }
    let said = answer(&file, &[("input", &[rows, 3, side, side], &images)]);
    let pictures = Pictures { grid: side / 16, corners: vec![[0, 0]; rows], light: scaled };
    let known = Trunk::default().forward(&trained.network.trunk(Precision::Single), architecture.layers, &pictures);
    let (patches, fine) = known.tensors(rows, architecture.patches(), &Device::flex());
    let reading = trained.network.read(patches, fine);
    assert_close("class", &values(reading.classes), &output(&said, "class"));
    assert_close("box", &values(reading.boxes), &output(&said, "box"));
    // [rows, grid, grid, 6, 4, 4] to [rows, 6, 4 grid, 4 grid].
    let grid = architecture.grid();
    let masks = activation::sigmoid(reading.masks).reshape([rows, grid, grid, 6, 4, 4]).permute([0, 3, 1, 4, 2, 5]);
    assert_close("mask", &values(masks), &output(&said, "mask"));

    // In half precision it says much the same.
    let halved = export(&trained, &identity, true).unwrap();
    assert!(halved.len() < file.len() * 6 / 10, "{} of {} bytes", halved.len(), file.len());
    let rounded = answer(&halved, &[("input", &[rows, 3, side, side], &images)]);
    let apart =
        output(&rounded, "class").iter().zip(&output(&said, "class")).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 0.05, "{apart}");

    // And it is what a training can go on with.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inspector.onnx");
    std::fs::write(&path, &file).unwrap();
    let other = VisionTransformer::new(architecture, 99, &Device::flex());
    let started = started_from(other, architecture, &path).unwrap();
    assert_eq!(started.trunk(Precision::Single), trained.network.trunk(Precision::Single));
    assert_eq!(values(started.masks.weight.val()), values(trained.network.masks.weight.val()));
    let wider = VisionArchitecture { width: 96, ..architecture };
    let refused = started_from(VisionTransformer::new(wider, 1, &Device::flex()), wider, &path);
    assert!(refused.unwrap_err().to_string().contains("embedding.weight"));
}

#[test]
fn a_small_inspector_and_its_file_agree() {
    let architecture = VisionArchitecture::small(SIDE);
    agree(architecture, VisionTransformer::new(architecture, 5, &Device::flex()).valid());
}

#[test]
fn an_inspector_for_larger_pictures_and_its_file_agree() {
    let architecture = VisionArchitecture::small(224);
    agree(architecture, VisionTransformer::new(architecture, 6, &Device::flex()).valid());
}
