use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use lehr_camera::Split;
use lehr_camera::set::{Recipe, ceiling};
use lehr_neural::fitting::Event;
use lehr_neural::vision::{
    Told, VisionArchitecture, VisionReport, VisionSettings, VisionTransformer, card, export, report, started_from,
    thresholds, train,
};
use lehr_neural::writing::Identity;
use lehr_neural::{NeuralError, Precision};
use serde_json::json;

use super::{Common, keep, today};

/// Pictures by which thresholds are chosen: more than epochs are compared by, as they are chosen once.
const THRESHOLD_PICTURES: u64 = 1_500;

/// Pictures by which the ceiling is told: enough for a half per cent.
const CEILING_PICTURES: u64 = 4_000;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Side of the pictures, pixels: 224 or 112.
    #[arg(long, default_value_t = 224)]
    size: usize,
    #[arg(long, default_value_t = 384)]
    width: usize,
    #[arg(long, default_value_t = 6)]
    layers: usize,
    /// Divides the width.
    #[arg(long, default_value_t = 6)]
    heads: usize,
    /// A written inspector of the same sizes to begin with, or the folder of a training, instead of chance.
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// Which of several trainings, each of which goes on from the one before: pictures come in another order each time.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    round: u64,
    /// What was trained without the layers, of the same sizes, to be shown beside: a file or the folder of a training.
    #[arg(long, value_name = "FILE")]
    plain: Option<PathBuf>,
    /// Pictures to test with; no more than a tenth of the set.
    #[arg(long, default_value_t = 2_000, value_name = "PICTURES")]
    test_pictures: u64,
    /// Pictures of the whole set: four fifths to train, a tenth each to validate and to test.
    #[arg(long, default_value_t = 50_000)]
    pictures: u64,
    /// Pictures of an epoch, drawn anew each time.
    #[arg(long, default_value_t = 5_000, value_name = "PICTURES")]
    epoch_pictures: usize,
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    /// Epochs without improvement on the validation part after which it ends.
    #[arg(long, default_value_t = 15, value_name = "EPOCHS")]
    patience: usize,
    /// Epochs before all layers join: what is shallow learns faster.
    #[arg(long, default_value_t = 8, value_name = "EPOCHS")]
    shallow_epochs: usize,
    /// The layers that are there before.
    #[arg(long, default_value_t = 0, value_name = "LAYERS")]
    shallow_layers: usize,
    /// Patches along the side of a window.
    #[arg(long, default_value_t = 8, value_name = "PATCHES")]
    window: usize,
    /// Epochs that look at windows of pictures, which teach more in the same time; the others look at whole ones.
    #[arg(long, default_value_t = 40, value_name = "EPOCHS")]
    window_epochs: usize,
    /// Pictures of a batch.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Channels of the first convolution.
    #[arg(long, default_value_t = 32)]
    channels: usize,
    /// Pictures by which epochs are compared; no more than a tenth of the set.
    #[arg(long, default_value_t = 500, value_name = "PICTURES")]
    validation_pictures: u64,
    /// After each of the four halvings of the picture: convolutions that add to what went in.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 2, 2], value_name = "COUNTS")]
    adding: Vec<usize>,
    /// Windows cut of each picture that is made: to make one takes as long as to learn from some.
    #[arg(long, default_value_t = 4, value_name = "WINDOWS")]
    looks: usize,
    /// The greatest learning rate.
    #[arg(long)]
    rate: Option<f64>,
    /// The share of all steps up to which the learning rate stays at its greatest.
    #[arg(long, default_value_t = 0.6)]
    hold: f64,
    /// Multiplies in single precision also where the processor has a unit for bfloat16, which is several times faster.
    #[arg(long)]
    single_precision: bool,
}

pub fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let common = &arguments.common;
    let mut watch = common.watch();
    let tenth = (arguments.pictures / 10).max(1);
    let part = |split, count| Recipe::new(common.seed, split, count, arguments.size);
    let training = part(Split::Training, (8 * tenth).max(1))?.augmented();
    let (validation, test) = (
        part(Split::Validation, tenth.min(arguments.validation_pictures.max(1)))?,
        part(Split::Test, tenth.min(arguments.test_pictures.max(1)))?,
    );

    let Arguments { size: side, channels, width, layers, heads, .. } = arguments;
    let adding = arguments.adding.as_slice().try_into().map_err(|_| NeuralError::Setting {
        field: "adding",
        found: format!("{} counts", arguments.adding.len()),
        fix: "give one for each of the four halvings",
    })?;
    let architecture = VisionArchitecture { side, channels, adding, width, layers, heads };
    let mut settings = VisionSettings::new(architecture, common.seed);
    settings.epochs_max = arguments.epochs;
    settings.epoch_pictures = arguments.epoch_pictures;
    settings.shallow_epochs = arguments.shallow_epochs;
    settings.window_epochs = arguments.window_epochs;
    settings.shallow_layers = arguments.shallow_layers;
    settings.window = arguments.window;
    settings.round = arguments.round;
    settings.patience = arguments.patience;
    settings.looks = arguments.looks;
    settings.rows = arguments.batch;
    settings.precision = if arguments.single_precision { Precision::Single } else { Precision::fastest() };
    settings.rate = arguments.rate.unwrap_or(settings.rate);
    settings.hold = arguments.hold;
    settings.start.clone_from(&arguments.start);
    settings.budget = common.budget;
    settings.checkpoints = Some(common.out.join("inspector"));
    settings.resume = common.resume;
    let trained = train(&training, &validation, &settings, &mut *watch)?;

    watch.see(&Event::Stage { name: "test" });
    let many = part(Split::Validation, tenth.min(THRESHOLD_PICTURES))?;
    let chosen = thresholds(&trained.network, &many, settings.rows);
    let plain = |path: &PathBuf| -> Result<VisionReport, NeuralError> {
        let blank = VisionTransformer::new(architecture, common.seed, &Device::flex());
        Ok(report(&started_from(blank, architecture, path)?, &chosen, &test, settings.rows))
    };
    let plain = arguments.plain.as_ref().map(plain).transpose()?;
    let said = report(&trained.network, &chosen, &test, settings.rows);
    let best = ceiling(&test, CEILING_PICTURES);
    let date = today();
    let identity = Identity {
        model: "inspector",
        version: common.version.clone(),
        inputs: ["red", "green", "blue"].map(|name| (name.to_owned(), format!("light 0-1, {side}x{side}"))).to_vec(),
        data: format!("{:016x}", training.hash()),
        scaler: None,
        metrics: json!({ "test": said, "thresholds": chosen }),
        trained: date.clone(),
    };
    let parts = [("training", &training), ("validation", &validation), ("test", &test)];
    let text = card(Told {
        version: &common.version,
        date: &date,
        trained: &trained,
        parts: &parts,
        report: &said,
        plain: plain.as_ref(),
        thresholds: &chosen,
        ceiling: &best,
    });
    let ceiling = json!({
        "map": best.map, "map_visible": best.map_of_visible, "box_iou": best.box_iou, "mask_iou": best.mask_iou,
    });
    let recipes = json!({ "seed": common.seed, "training": training.count, "validation": validation.count, "test": test.count,
        "precision": settings.precision });
    let history = json!({
        "history": trained.history, "recipe": recipes, "test": said, "plain": plain, "ceiling": ceiling,
    });
    let path = keep(common, "inspector", &export(&trained, &identity, true)?, &text, &history)?;
    watch.see(&Event::Stage { name: &format!("written: {}", path.display()) });
    Ok(())
}
