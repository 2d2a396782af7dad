//! A whole system in a folder of its own, with its server on loopback. All of it goes when this is dropped.

use super::BenchError;
use crate::api::{App, AppOptions, bind};
use crate::auth::Auth;
use crate::journal::{Journal, JournalError};
use crate::pictures::{Bound, PictureStore, Pictures};
use crate::registry::training::{Training, TrainingOptions};
use crate::registry::{Nothing, Registry};
use crate::runtime::{Receipt, Runtime, RuntimeOptions, Submission};
use crate::twin;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::event::Event;
use lehr_domain::machine::{MachineState, StateChange};
use lehr_domain::{EventMs, ProductId, SpanMs};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Plant time at which every benchmark begins: a Monday morning, after any wall time at which the catalogue is
/// journalled, because plant time never goes back.
pub const BEGIN: EventMs = EventMs(4_102_725_600_000);
/// Threads of the server, as in `lehr serve`.
const SERVER_THREADS: usize = 2;
/// How often it is looked whether a folder was let go of.
const LOOK: Duration = Duration::from_millis(20);
/// How long the server may take to end.
const END_MOST: Duration = Duration::from_secs(2);

pub struct Stage {
    pub runtime: Runtime,
    pub address: SocketAddr,
    /// Of an admin.
    pub token: String,
    stop: Option<oneshot::Sender<()>>,
    threads: Option<tokio::runtime::Runtime>,
    _folder: TempDir,
}

impl Stage {
    /// The shipped plant, enlarged to at least `sensors` when that is given.
    pub fn open(sensors: Option<usize>, workers: usize) -> Result<Stage, BenchError> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let runtime = Runtime::start(runtime_options(&data, sensors, workers)?, |_| ())?;
        let (auth, token) = Auth::open_with(&data, None)?;
        let token = token.ok_or_else(|| BenchError::Setup("a new data directory has a token already".into()))?;
        let frontend = folder.path().join("dist");
        let registry = Registry::new(runtime.clone(), &data, Arc::new(Nothing));
        let training = Training::start(TrainingOptions::new(&data, None), registry.clone());
        let pictures = Arc::new(PictureStore::open(Pictures::of(&data), Bound::default())?);
        let app = App::new(AppOptions {
            runtime: runtime.clone(),
            auth,
            data,
            frontend,
            faults: None,
            components: Default::default(),
            sources: Default::default(),
            stores: Vec::new(),
            archives: Vec::new(),
            registry,
            training,
            pictures,
        })?;
        let threads =
            tokio::runtime::Builder::new_multi_thread().worker_threads(SERVER_THREADS).enable_all().build()?;
        let server = threads.block_on(bind(app, ([127, 0, 0, 1], 0).into()))?;
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        threads.spawn(server.until(async move {
            // Dropped or sent: both mean stop.
            let _ = stopped.await;
        }));
        Ok(Stage { runtime, address, token, stop: Some(stop), threads: Some(threads), _folder: folder })
    }

    /// Hands over and waits until all of it is visible.
    pub fn submit(&self, submission: Submission) -> Result<(), BenchError> {
        self.runtime.submit_blocking(submission)?.wait()?;
        Ok(())
    }

    /// Hands over; the tick closes some time later.
    pub fn feed(&self, submission: Submission) -> Result<Receipt, BenchError> {
        Ok(self.runtime.submit_blocking(submission)?)
    }

    /// Every line in production since an hour before `at`.
    pub fn produce(&self, at: EventMs) -> Vec<Event> {
        let names = self.runtime.snapshot().names.clone();
        let lines = names.lines().map(|(line, _)| {
            let (at, state) = (at - SpanMs::hours(1), MachineState::Production);
            Event::State(StateChange { line, at, state, product: ProductId(0), reason: "benchmark".into() })
        });
        lines.collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(threads) = self.threads.take() {
            threads.shutdown_timeout(END_MOST);
        }
    }
}

/// The shipped plant, enlarged to at least `sensors` when that is given.
pub fn runtime_options(data: &Path, sensors: Option<usize>, workers: usize) -> Result<RuntimeOptions, BenchError> {
    Ok(RuntimeOptions {
        data: data.to_owned(),
        workers,
        graph: GraphConfig { twin: Some(twin::MODEL), ..GraphConfig::default() },
        catalogue: catalogue(sensors)?,
        knowledge: lehr_causal::DEFAULT.to_owned(),
        simulated_clock: true,
        salvage: false,
        sizes: Default::default(),
    })
}

/// Waits until a runtime that was dropped has let go of its folder.
pub fn let_go(data: &Path) {
    while let Err(JournalError::Locked { .. }) = Journal::lock(data) {
        std::thread::sleep(LOOK);
    }
}

pub fn catalogue(sensors: Option<usize>) -> Result<Catalogue, BenchError> {
    let catalogue = Catalogue::parse(DEFAULT)?;
    Ok(match sensors {
        Some(sensors) => catalogue.scaled(sensors),
        None => catalogue,
    })
}
