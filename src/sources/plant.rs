//! The simulated plant as a source: plant time runs `speed` times as fast as wall time.

use super::camera::Camera;
use super::held_back::HeldBack;
use crate::api::{FaultControl, FaultInfo, FaultKindInfo};
use crate::pictures::PictureStore;
use crate::recording::TruthWriter;
use crate::runtime::{Runtime, RuntimeError, Submission};
use lehr_domain::{EventMs, SpanMs};
use lehr_plant::{Campaign, FaultId, FaultKind, FaultSpec, PlantConfig, PlantError, PlantSim};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Wall time between two submissions: a reading waits half of it on average.
const PACE: Duration = Duration::from_millis(50);

/// The most plant time that one submission covers. When the runtime cannot keep up with the speed asked
/// for, plant time falls behind rather than submissions growing.
const STEP_MOST: SpanMs = SpanMs::minutes(2);

/// The source's name in its submissions.
const SOURCE: &str = "plant";

/// Pictures that one step may take. One takes some 10 ms to be made and written, so that events wait for them by half a
/// second at most; units beyond that go without.
const PICTURES_MOST: usize = 50;

/// Why the simulated plant could not start.
#[derive(Debug, thiserror::Error)]
pub enum PlantSourceError {
    #[error(transparent)]
    Plant(#[from] PlantError),
    #[error("cannot write the ground truth")]
    Truth(#[from] std::io::Error),
}

/// A running simulated plant. It stops when this is dropped.
pub struct PlantSource {
    sim: Arc<Mutex<PlantSim>>,
    started: EventMs,
    names: Arc<lehr_domain::names::Names>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What is simulated.
#[derive(Debug)]
pub struct PlantOptions {
    pub seed: u64,
    /// Plant time over wall time.
    pub speed: f64,
    pub faults: Vec<FaultSpec>,
    /// Whether lines age; see [`Campaign`].
    pub campaign: bool,
    /// File for the ground truth.
    pub truth: Option<PathBuf>,
    /// One unit in so many of each line is photographed, into that store; `None`: there is no camera.
    pub camera: Option<(NonZeroU64, Arc<PictureStore>)>,
}

impl PlantSource {
    /// Starts the plant where the runtime's plant time ends (a new one at the full minute of wall time).
    pub fn start(runtime: &Runtime, options: PlantOptions) -> Result<PlantSource, PlantSourceError> {
        let PlantOptions { seed, speed, faults, campaign, truth, camera } = options;
        let names = runtime.snapshot().names.clone();
        let start = (runtime.now() + SpanMs::minutes(1)).floor(SpanMs::minutes(1));
        let config = PlantConfig { seed, start, ..PlantConfig::default() };
        let mut sim = match campaign {
            true => PlantSim::in_campaign(&names, config, Campaign::default())?,
            false => PlantSim::new(&names, config)?,
        };
        for fault in faults {
            sim.inject(fault)?;
        }
        let sim = Arc::new(Mutex::new(sim));
        let stop = Arc::new(AtomicBool::new(false));
        let truth = truth.as_deref().map(TruthWriter::create).transpose()?;
        let camera = camera
            .map(|(one_in, store)| (Camera::new(seed, one_in, names.clone(), store.clone()), HeldBack::new(store)));
        let run = Pump { runtime: runtime.clone(), sim: sim.clone(), stop: stop.clone(), speed, start, truth, camera };
        let thread = std::thread::Builder::new().name("lehr plant".into()).spawn(move || run.run())?;
        Ok(PlantSource { sim, started: start, names, stop, thread: Some(thread) })
    }
}

impl Drop for PlantSource {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

struct Pump {
    runtime: Runtime,
    sim: Arc<Mutex<PlantSim>>,
    stop: Arc<AtomicBool>,
    speed: f64,
    start: EventMs,
    truth: Option<TruthWriter>,
    camera: Option<(Camera, HeldBack)>,
}

impl Pump {
    fn run(mut self) {
        let begun = Instant::now();
        while !self.stop.load(Ordering::Acquire) {
            let due = self.start + SpanMs((begun.elapsed().as_secs_f64() * 1000.0 * self.speed) as i64);
            if let Err(error) = self.step(due) {
                tracing::error!("the simulated plant stops: {error}");
                return;
            }
            std::thread::sleep(PACE);
        }
        if let Err(error) = self.end() {
            tracing::warn!("the last pictures of the simulated plant are not told of: {error}");
        }
    }

    /// Tells of the pictures that were held back.
    fn end(self) -> Result<(), RuntimeError> {
        let events = self.camera.map(|(_, held)| held.rest()).unwrap_or_default();
        if events.is_empty() {
            return Ok(());
        }
        let submission = Submission { source: SOURCE.into(), events, ..Submission::default() };
        self.runtime.submit_blocking(submission).map(drop)
    }

    fn step(&mut self, due: EventMs) -> Result<(), RuntimeError> {
        let (mut output, now) = {
            let mut sim = self.sim.lock().expect("nobody panics while they hold the plant");
            let until = due.min(sim.now() + STEP_MOST);
            if until <= sim.now() {
                return Ok(());
            }
            (sim.advance(until), until)
        };
        if let Some(truth) = &mut self.truth {
            truth.write(&output.truth)?;
        }
        if let Some((camera, held)) = &mut self.camera {
            camera.photograph(&mut output, PICTURES_MOST);
            held.sift(&mut output.events, Instant::now());
        }
        let submission = Submission {
            source: SOURCE.into(),
            readings: output.readings,
            events: output.events,
            now: Some(now),
            ..Submission::default()
        };
        // Not waiting for the tick to close: the bounded queue of the runtime holds this thread up.
        self.runtime.submit_blocking(submission).map(drop)
    }
}

impl FaultControl for PlantSource {
    fn kinds(&self) -> Vec<FaultKindInfo> {
        FaultKind::ALL
            .iter()
            .map(|kind| FaultKindInfo { kind: kind.text().into(), about: kind.about().into() })
            .collect()
    }

    fn list(&self) -> Vec<FaultInfo> {
        let sim = self.sim.lock().expect("nobody panics while they hold the plant");
        sim.faults()
            .into_iter()
            .map(|fault| FaultInfo {
                id: fault.id.0,
                kind: fault.kind.text().into(),
                line: self.names.line(fault.line).into(),
                sensor_id: fault.sensor.map(|sensor| self.names.sensor(sensor).into()),
                severity: fault.severity,
                begins: fault.begins,
                ends: fault.ends,
                active: fault.active,
            })
            .collect()
    }

    fn inject(&self, text: &str) -> Result<FaultInfo, String> {
        let mut spec = FaultSpec::parse(text).map_err(|error| error.to_string())?;
        let id = {
            let mut sim = self.sim.lock().expect("nobody panics while they hold the plant");
            // Through the API a start counts from now.
            let since_start = sim.now() - self.started;
            spec.start = SpanMs(spec.start.0 + since_start.0);
            sim.inject(spec).map_err(|error| error.to_string())?
        };
        self.list().into_iter().find(|fault| fault.id == id.0).ok_or_else(|| "the fault is over already".into())
    }

    fn clear(&self, id: u64) -> Result<(), String> {
        let mut sim = self.sim.lock().expect("nobody panics while they hold the plant");
        sim.clear(FaultId(id)).map_err(|error| error.to_string())
    }
}
