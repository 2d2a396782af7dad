//! Recordings: a journal in a folder of its own, made by the simulated plant, with the pictures that it names; and its
//! ground truth apart.

use crate::journal::{Journal, JournalError, Options};
use crate::pictures::{Bound, PictureError, PictureStore, Pictures};
use crate::runtime::{RuntimeError, registrations};
use crate::sources::camera::Camera;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, SpanMs};
use lehr_plant::{Campaign, FaultSpec, PlantConfig, PlantError, PlantSim, Truth};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    pub out: PathBuf,
    /// Where the ground truth goes; `OUT.truth.jsonl` beside the recording when absent.
    pub truth: Option<PathBuf>,
    pub seed: u64,
    pub start: EventMs,
    pub duration: SpanMs,
    pub faults: Vec<FaultSpec>,
    pub faults_per_day: f64,
    /// Whether lines age; see [`Campaign`].
    pub campaign: bool,
    /// One unit in so many of each line is photographed; `None`: there is no camera.
    pub pictures: Option<NonZeroU64>,
    pub catalogue: Catalogue,
    pub knowledge: String,
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Generated {
    pub readings: u64,
    pub units: u64,
    pub pictures: u64,
    pub ticks: u64,
}

/// Why a recording could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("{0} exists already and is not empty; choose another --out")]
    Exists(PathBuf),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Plant(#[from] PlantError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(
        "{0} pictures are more than a recording may have; record a shorter time, or take fewer with a greater --pictures"
    )]
    TooManyPictures(u64),
    #[error("{0} pictures could not be written, and the recording is not whole; the log says why")]
    Unpictured(u64),
    #[error("cannot write the recording")]
    Io(#[from] std::io::Error),
}

/// Pictures of one recording: none leaves it. A month of three lines of which every hundredth unit is taken has 20,000.
const PICTURES: Bound = Bound { pictures: 100_000, bytes: 16 << 30 };

/// Plant time that one tick of a recording covers.
const TICK_SPAN: SpanMs = SpanMs::minutes(1);

/// Runs the simulated plant and journals what it does. `progress` is told how far plant time has come.
pub fn generate(options: &GenerateOptions, progress: impl Fn(EventMs)) -> Result<Generated, RecordingError> {
    let used = options.out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if used {
        return Err(RecordingError::Exists(options.out.clone()));
    }
    std::fs::create_dir_all(&options.out)?;
    let mut truth = TruthWriter::create(&options.truth.clone().unwrap_or_else(|| truth_beside(&options.out)))?;
    let (mut journal, _) = Journal::open(&options.out, Options::default())?;
    let mut done = Generated::default();

    let mut names = Names::default();
    let registered = registrations(&options.catalogue, &options.knowledge, &names)?;
    registered.iter().for_each(|event| names.apply(event));
    let mut write = |now: EventMs, readings, events: Vec<Event>| -> Result<(), RecordingError> {
        let tick = journal.next();
        let events = events.into_iter().map(|event| Revised { revision: tick.0, event }).collect();
        let mut inputs = Inputs { tick, now, wall: now, low_water: now, readings, events, offsets: Vec::new() };
        inputs.readings.revision.fill(tick.0);
        journal.append(&inputs)?;
        journal.sync()?;
        Ok(())
    };
    write(options.start, Default::default(), registered)?;

    let config = PlantConfig {
        seed: options.seed,
        start: options.start,
        faults_per_day: options.faults_per_day,
        ..PlantConfig::default()
    };
    let mut sim = match options.campaign {
        true => PlantSim::in_campaign(&names, config, Campaign::default())?,
        false => PlantSim::new(&names, config)?,
    };
    for fault in &options.faults {
        sim.inject(fault.clone())?;
    }
    let camera = match options.pictures {
        None => None,
        Some(one_in) => {
            let store = Arc::new(PictureStore::open(Pictures::of(&options.out), PICTURES)?);
            Some((Camera::new(options.seed, one_in, Arc::new(names), store.clone()), store))
        }
    };
    let end = options.start + options.duration;
    while sim.now() < end {
        let until = end.min(sim.now() + TICK_SPAN);
        let mut output = sim.advance(until);
        if let Some((camera, store)) = &camera {
            camera.photograph(&mut output, usize::MAX);
            done.pictures = all_kept(store)?;
        }
        done.readings += output.readings.len() as u64;
        done.units += output.events.iter().filter(|event| matches!(event, Event::Unit(_))).count() as u64;
        done.ticks += 1;
        truth.write(&output.truth)?;
        write(until, output.readings, output.events)?;
        progress(until);
    }
    truth.finish()?;
    Ok(done)
}

/// How many pictures there are. A recording without some of its own would replay to something else.
fn all_kept(store: &PictureStore) -> Result<u64, RecordingError> {
    let figures = store.figures();
    if figures.failures > 0 {
        return Err(RecordingError::Unpictured(figures.failures));
    }
    match figures.left {
        0 => Ok(figures.pictures),
        left => Err(RecordingError::TooManyPictures(figures.pictures + left)),
    }
}

fn truth_beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".truth.jsonl");
    PathBuf::from(name)
}

/// Writes ground truth, a JSON object a line, to a place that nothing but tests and training reads.
pub struct TruthWriter(BufWriter<File>);

impl TruthWriter {
    pub fn create(path: &Path) -> std::io::Result<TruthWriter> {
        Ok(TruthWriter(BufWriter::new(File::create(path)?)))
    }

    pub fn write(&mut self, truth: &[Truth]) -> std::io::Result<()> {
        for row in truth {
            serde_json::to_writer(&mut self.0, row)?;
            self.0.write_all(b"\n")?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
