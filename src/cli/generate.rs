use super::{Failure, data};
use crate::recording::{self, GenerateOptions};
use crate::sources::camera::Photographed;
use clap::Args;
use lehr_domain::{EventMs, SpanMs};
use lehr_plant::FaultSpec;
use std::path::PathBuf;
use std::time::Instant;

/// Record a simulated plant: the same seed gives the same recording.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Plant time to record, for instance 24h.
    #[arg(long, default_value = "24h", value_parser = data::span)]
    duration: SpanMs,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Folder for the recording; must be new or empty.
    #[arg(long)]
    out: PathBuf,
    /// File for the ground truth, kept apart from the recording [default: OUT.truth.jsonl].
    #[arg(long)]
    truth: Option<PathBuf>,
    /// When plant time begins.
    #[arg(long, default_value = "2026-01-05T00:00:00Z", value_parser = |text: &str| EventMs::parse(text))]
    start: EventMs,
    /// A fault: kind[(parameter)][:line][@start][+duration][*severity]; may be repeated.
    #[arg(long = "fault", value_parser = data::fault)]
    faults: Vec<FaultSpec>,
    /// Random faults per line and day.
    #[arg(long, default_value_t = 0.0)]
    faults_per_day: f64,
    /// Let the lines age: causes grow over days to a sharp onset of defects, and are repaired.
    #[arg(long)]
    campaign: bool,
    /// Which units are photographed, into the recording's folder pictures: off, or N for one in N of each line.
    #[arg(long, default_value = "off", value_parser = Photographed::parse, value_name = "off|N")]
    pictures: Photographed,
    /// A plant catalogue instead of the shipped one.
    #[arg(long)]
    plant: Option<PathBuf>,
    /// A knowledge base instead of the shipped one.
    #[arg(long)]
    knowledge: Option<PathBuf>,
    /// Measure every quantity several times over, to at least this many sensors.
    #[arg(long)]
    sensors: Option<usize>,
}

pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let pictures = match args.pictures {
        Photographed::None => None,
        Photographed::OneIn(one_in) => Some(one_in),
        Photographed::Auto => return Err("--pictures auto needs a clock to go by; give off, or N for one in N".into()),
    };
    let options = GenerateOptions {
        out: args.out.clone(),
        truth: args.truth.clone(),
        seed: args.seed,
        start: args.start,
        duration: args.duration,
        faults: args.faults.clone(),
        faults_per_day: args.faults_per_day,
        campaign: args.campaign,
        pictures,
        catalogue: data::catalogue(args.plant.as_deref(), args.sensors)?,
        knowledge: data::knowledge(args.knowledge.as_ref())?,
    };
    let bar = data::progress((args.duration.0 / 60_000) as u64, "minutes");
    let begun = Instant::now();
    let done = recording::generate(&options, |now| bar.set_position(((now - args.start).0 / 60_000) as u64))?;
    bar.finish_and_clear();
    let mut report = serde_json::to_value(done)?;
    report["seconds"] = begun.elapsed().as_secs_f64().into();
    println!("{report}");
    Ok(())
}
