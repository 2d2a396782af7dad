use super::{Failure, data};
use crate::pictures::Pictures;
use crate::replay::{self, ReplayOptions, Shuffle};
use crate::scoring::{Scoring, Status};
use clap::Args;
use lehr_dataflows::forecasts::Scorer;
use lehr_dataflows::inspections::Inspector;
use lehr_domain::SpanMs;
use lehr_domain::model::{ModelKind, ModelVersion, NoVersion};
use std::path::PathBuf;
use std::sync::Arc;

/// Run a recording through the dataflow again and write every output table.
///
/// The files depend on what was recorded alone: not on workers, batches or order of arrival. The last line
/// on standard output is a JSON object with what was done.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording: made by `lehr generate`, or the data directory of a server that is not running.
    recording: PathBuf,
    /// Folder for the tables, one Parquet file each.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Readings a tick.
    #[arg(long, default_value_t = 100_000)]
    batch: usize,
    /// Let readings and events arrive late and out of order, at random from this seed.
    #[arg(long)]
    shuffle: Option<u64>,
    /// The most by which they are late.
    #[arg(long, default_value = "10m", value_parser = data::span, requires = "shuffle")]
    max_delay: SpanMs,
    /// Score with the models of this folder, such as DATA/models, as they were deployed when it was recorded. Without it
    /// nothing is scored.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// A version that scores from the beginning on, such as forecaster=1.0.0, until the recording deploys another; may be
    /// repeated.
    #[arg(long, value_name = "MODEL=VERSION", value_parser = deployment, requires = "models")]
    deploy: Vec<(ModelKind, ModelVersion)>,
    /// ONNX Runtime's library, as for `lehr serve`.
    #[arg(long, env = "LEHR_ONNXRUNTIME", value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
}

fn deployment(text: &str) -> Result<(ModelKind, ModelVersion), String> {
    let kinds = || ModelKind::ALL.map(ModelKind::text).join(", ");
    let (model, version) = text.split_once('=').ok_or("write a model and a version, such as forecaster=1.0.0")?;
    let model = ModelKind::parse(model).ok_or_else(|| format!("'{model}' is no model; there are {}", kinds()))?;
    Ok((model, version.parse().map_err(|error: NoVersion| error.to_string())?))
}

pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let scoring = |folder: &PathBuf| -> Result<&'static Scoring, Failure> {
        let catalogue = data::catalogue(None, None)?;
        let scoring = Scoring::start(folder.clone(), args.onnxruntime.as_deref(), &catalogue);
        scoring.status().runtime?;
        let pictures = Pictures::of(&args.recording);
        Ok(Box::leak(Box::new(scoring.with_pictures(Arc::new(pictures)))))
    };
    let scoring = args.models.as_ref().map(scoring).transpose()?;
    let options = ReplayOptions {
        recording: args.recording.clone(),
        out: args.out.clone(),
        workers: args.workers,
        batch: args.batch,
        shuffle: args.shuffle.map(|seed| Shuffle { seed, max_delay: args.max_delay }),
        fold_late: false,
        scorer: scoring.map(|scoring| scoring as &dyn Scorer),
        inspector: scoring.map(|scoring| scoring as &dyn Inspector),
        deployed: args.deploy.clone(),
    };
    let bar = indicatif::ProgressBar::new_spinner().with_message("readings");
    let summary = replay::replay(&options, |readings| bar.set_position(readings))?;
    bar.finish_and_clear();
    if let Some(Status { failed, uninspected, .. }) = scoring.map(Scoring::status) {
        // A window that a model failed at is missing in the tables.
        if failed > 0 {
            return Err(format!("{failed} windows were not scored").into());
        }
        // Of a data directory many may have left.
        if uninspected > 0 {
            tracing::warn!("{uninspected} pictures were not inspected; those that are gone cannot be");
        }
    }
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}
