use clap::Args;
use lehr_camera::Split;
use lehr_camera::set::{Recipe, ceiling};
use lehr_neural::fitting::Event;
use lehr_neural::vision::{VisionArchitecture, VisionSettings, card, export, report, train};
use lehr_neural::writing::Identity;
use serde_json::json;

use super::{Common, keep, today};

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
    /// Pictures of the whole set: four fifths to train, a tenth each to validate and to test.
    #[arg(long, default_value_t = 50_000)]
    pictures: u64,
    /// Pictures of an epoch, drawn anew each time.
    #[arg(long, default_value_t = 5_000, value_name = "PICTURES")]
    epoch_pictures: usize,
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    /// Pictures of a batch.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The greatest learning rate, instead of the one that goes with the width.
    #[arg(long)]
    rate: Option<f64>,
}

pub fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let common = &arguments.common;
    let mut watch = common.watch();
    let tenth = (arguments.pictures / 10).max(1);
    let part = |split, count| Recipe::new(common.seed, split, count, arguments.size);
    let training = part(Split::Training, (8 * tenth).max(1))?.augmented();
    let (validation, test) = (part(Split::Validation, tenth)?, part(Split::Test, tenth)?);

    let Arguments { size: side, width, layers, heads, .. } = arguments;
    let mut settings = VisionSettings::new(VisionArchitecture { side, width, layers, heads }, common.seed);
    settings.epochs_max = arguments.epochs;
    settings.epoch_pictures = arguments.epoch_pictures;
    settings.rows = arguments.batch;
    settings.rate = arguments.rate.unwrap_or(settings.rate);
    settings.budget = common.budget;
    settings.checkpoints = Some(common.out.join("inspector"));
    settings.resume = common.resume;
    let trained = train(&training, &validation, &settings, &mut *watch)?;

    watch.see(&Event::Stage { name: "test" });
    let report = report(&trained.network, &test, settings.rows);
    let best = ceiling(&test, CEILING_PICTURES);
    let date = today();
    let identity = Identity {
        model: "inspector",
        version: common.version.clone(),
        inputs: ["red", "green", "blue"].map(|name| (name.to_owned(), format!("light 0-1, {side}x{side}"))).to_vec(),
        data: format!("{:016x}", training.hash()),
        scaler: None,
        metrics: json!({ "test": report }),
        trained: date.clone(),
    };
    let parts = [("training", &training), ("validation", &validation), ("test", &test)];
    let text = card(&common.version, &date, &trained, &parts, &report, &best);
    let history = json!({ "history": trained.history, "test": report });
    let path = keep(common, "inspector", &export(&trained, &identity)?, &text, &history)?;
    watch.see(&Event::Stage { name: &format!("written: {}", path.display()) });
    Ok(())
}
