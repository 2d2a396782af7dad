use super::{Failure, data, fmu};
use crate::api::{self, App, AppOptions};
use crate::auth::Auth;
use crate::pictures::{Bound, PICTURE_MOST, PictureStore, Pictures};
use crate::registry::training::{Training, TrainingOptions};
use crate::registry::{self, Archive, Registry};
use crate::runtime::{Runtime, RuntimeOptions, Sizes};
use crate::scoring::{Ahead, Scoring};
use crate::sinks::{ChangeLog, StoreConfig, StoresConfig, followers};
use crate::sources::camera::Photographed;
use crate::sources::plant::{PlantOptions, PlantSource};
use crate::sources::{Sources, SourcesConfig, clock};
use crate::twin::{self, Components, Snapshots};
use clap::Args;
use lehr_dataflows::base::Retention;
use lehr_dataflows::forecasts::Scorer;
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::inspections::Inspector;
use lehr_domain::SpanMs;
use lehr_plant::FaultSpec;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Run the system: simulated plant, dataflow, API and dashboard.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Folder for everything that is kept: journal, tokens, settings.
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    /// Address of API and dashboard. Loopback unless told otherwise.
    #[arg(long, default_value = "127.0.0.1:8000", env = "LEHR_LISTEN")]
    listen: SocketAddr,
    /// How much faster than the wall clock the simulated plant runs.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Worker threads of the dataflow.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A fault: kind[(parameter)][:line][@start][+duration][*severity], start counted from the start of the
    /// server; may be repeated. For instance furnace_overheat@10m.
    #[arg(long = "fault", value_parser = data::fault)]
    faults: Vec<FaultSpec>,
    /// Let the lines of the simulated plant age: causes grow over days to a sharp onset of defects, and are repaired.
    #[arg(long)]
    campaign: bool,
    /// Which units of the simulated plant are photographed: off, N for one in N of each line, or auto for about one picture
    /// of a line every 4 s, whatever the speed.
    #[arg(long, default_value = "auto", value_parser = Photographed::parse, value_name = "off|N|auto")]
    pictures: Photographed,
    /// Pictures that stay; the oldest leave.
    #[arg(long, default_value_t = Bound::default().pictures, value_parser = clap::value_parser!(u64).range(1..))]
    pictures_most: u64,
    /// Bytes of all pictures that stay.
    #[arg(long, default_value_t = Bound::default().bytes, value_parser = clap::value_parser!(u64).range(PICTURE_MOST as u64..))]
    pictures_bytes: u64,
    /// Do not simulate a plant: readings come through the API alone, and plant time is wall time.
    #[arg(long)]
    no_plant: bool,
    /// A plant catalogue instead of the shipped one.
    #[arg(long)]
    plant: Option<PathBuf>,
    /// A knowledge base instead of the shipped one.
    #[arg(long)]
    knowledge: Option<PathBuf>,
    /// Measure every quantity several times over, to at least this many sensors.
    #[arg(long)]
    sensors: Option<usize>,
    /// File for the ground truth of the simulated plant; not written when absent.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Folder to which every change of a table is written, as lines of JSON; see ARCHITECTURE.md.
    #[arg(long)]
    changes: Option<PathBuf>,
    /// Models that the plant brings, as units of the FMI: a file of components; see docs/components.md.
    #[arg(long, env = "LEHR_COMPONENTS")]
    components: Option<PathBuf>,
    /// Peers that readings come from: a file of sources; see docs/sources.
    #[arg(long, env = "LEHR_SOURCES")]
    sources: Option<PathBuf>,
    /// Stores that follow tables and readings: a file of stores; see docs/stores.
    #[arg(long, env = "LEHR_STORES")]
    stores: Option<PathBuf>,
    /// ONNX Runtime's library, which scores with trained models; looked for beside the binary and in
    /// $LEHR_CACHE/onnxruntime when it is not given.
    #[arg(long, env = "LEHR_ONNXRUNTIME", value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
    /// The program that trains models; lehr-train beside this binary when absent.
    #[arg(long, env = "LEHR_TRAIN")]
    train: Option<PathBuf>,
    /// Without a plant, plant time goes on at least so often, so that silent sensors are noticed; 0s: when readings
    /// come alone.
    #[arg(long, default_value = "1s", value_parser = data::span)]
    clock_every: SpanMs,
    /// Folder with the built dashboard.
    #[arg(long, default_value = "frontend/dist", env = "LEHR_FRONTEND")]
    frontend: PathBuf,
    /// How long panes stay correctable, with all that is made of them. Later readings go to the table `late`.
    #[arg(long, default_value = "8d", value_parser = data::span)]
    retain_panes: SpanMs,
    /// How long units, operator events, recommendations and errors stay.
    #[arg(long, default_value = "35d", value_parser = data::span)]
    retain_events: SpanMs,
    /// Size at which a journal segment is closed and its readings move to history, bytes.
    #[arg(long, default_value_t = Sizes::default().segment_bytes)]
    segment_bytes: u64,
    /// Rows after which a checkpoint is made; a restart reads the journal from the last one on.
    #[arg(long, default_value_t = Sizes::default().checkpoint_rows)]
    checkpoint_rows: u64,
    /// Go on past damaged journal segments; they are set aside, and what they held is lost.
    #[arg(long)]
    salvage: bool,
}

pub fn run(args: ServeArgs) -> Result<(), Failure> {
    if !(args.speed.is_finite() && args.speed > 0.0 && args.speed <= 100_000.0) {
        return Err(format!("--speed {} must lie above 0, up to 100000", args.speed).into());
    }
    let retention = Retention { panes: args.retain_panes, events: args.retain_events };
    let catalogue = data::catalogue(args.plant.as_deref(), args.sensors)?;
    // The graphs keep it for as long as there is a process.
    let folder = registry::folder(&args.data);
    let pictures = Pictures::of(&args.data);
    let scoring = Scoring::start(folder, args.onnxruntime.as_deref(), &catalogue);
    let scoring: &'static Scoring = Box::leak(Box::new(scoring.with_pictures(Arc::new(pictures.clone()))));
    let (scorer, inspector): (Option<&dyn Scorer>, Option<&dyn Inspector>) = (Some(scoring), Some(scoring));
    let options = RuntimeOptions {
        data: args.data.clone(),
        workers: args.workers,
        graph: GraphConfig { retention, twin: Some(twin::MODEL), scorer, inspector, ..GraphConfig::default() },
        catalogue,
        knowledge: data::knowledge(args.knowledge.as_ref())?,
        simulated_clock: !args.no_plant,
        salvage: args.salvage,
        sizes: Sizes { segment_bytes: args.segment_bytes, checkpoint_rows: args.checkpoint_rows },
    };
    // Before the journal is replayed: what is wrong with a file is known at once.
    let stores = args.stores.as_deref().map(StoresConfig::read).transpose()?.unwrap_or_default().stores()?;
    let sources = args.sources.as_deref().map(SourcesConfig::read).transpose()?.unwrap_or_default();
    let components = args.components.as_deref().map(lehr_fmi::read).transpose()?.unwrap_or_default();
    let bar = indicatif::ProgressBar::new_spinner().with_message("replaying the journal");
    let mut followers = followers(&stores, &args.data)?;
    if let Some(dir) = &args.changes {
        followers.sinks.push(Box::new(ChangeLog::open(dir)?));
    }
    let runtime = Runtime::start_with(options, followers, |tick| bar.set_position(tick.0))?;
    bar.finish_and_clear();
    let report = runtime.open_report();
    if let Some(torn) = &report.torn {
        tracing::warn!("the journal's torn end was cut off: {} at byte {}: {}", torn.segment, torn.offset, torn.reason);
    }
    let bound = Bound { pictures: args.pictures_most, bytes: args.pictures_bytes };
    // Not before the journal's lock is held.
    let pictures = PictureStore::open(pictures, bound)?;
    let pictures = Arc::new(pictures.with_viewer(Arc::new(Ahead::start(scoring, runtime.clone())?)));
    let registry = Registry::new(runtime.clone(), &args.data, Arc::new(scoring));
    registry.start()?;
    let training = Training::start(TrainingOptions::new(&args.data, args.train), registry.clone());
    let plant = match args.no_plant {
        true => None,
        false => {
            let options = PlantOptions {
                seed: args.seed,
                speed: args.speed,
                faults: args.faults.clone(),
                campaign: args.campaign,
                truth: args.truth.clone(),
                camera: args.pictures.one_in(args.speed).map(|one_in| (one_in, pictures.clone())),
            };
            Some(Arc::new(PlantSource::start(&runtime, options)?))
        }
    };
    let (auth, first_token) = Auth::open(&args.data)?;
    let newest = runtime.clone();
    let snapshots: Snapshots = Arc::new(move || newest.snapshot());
    let components = Components::start(components, &fmu::host_program(), &snapshots)?;
    let peers = sources.peers(&runtime.snapshot().names)?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        if args.no_plant && args.clock_every > SpanMs(0) {
            let every = Duration::from_millis(args.clock_every.0.unsigned_abs());
            tokio::spawn(clock::run(runtime.clone(), every));
        }
        let app = App::new(AppOptions {
            runtime: runtime.clone(),
            auth,
            data: args.data.clone(),
            frontend: args.frontend.clone(),
            faults: plant.clone().map(|plant| plant as Arc<dyn api::FaultControl>),
            components,
            sources: Sources::start(peers, &runtime),
            archives: archives(&stores, &registry),
            stores,
            registry,
            training: training.clone(),
            pictures,
        })?;
        let listen = args.listen;
        let server = api::bind(app, listen).await?;
        // Before anybody is told that they may: a signal that nobody waits for ends the process at once.
        let terminate = signal(SignalKind::terminate());
        announce(server.address(), first_token.as_deref());
        server.until(stop_signal(terminate)).await;
        training.stop();
        // Without it the next start would only take longer.
        if let Err(error) = tokio::task::spawn_blocking(move || runtime.checkpoint()).await? {
            tracing::warn!("no checkpoint could be made: {error}");
        }
        Ok::<(), Failure>(())
    })?;
    drop(plant);
    Ok(())
}

/// Keeps the files of models in every store that has room for them.
fn archives(stores: &[Arc<dyn StoreConfig>], registry: &Registry) -> Vec<Arc<Archive>> {
    let configs = stores.iter().filter_map(|store| store.archive());
    configs.map(|config| Archive::start(config.clone(), registry.clone())).collect()
}

/// Says where the dashboard is. On standard output, not in the log: the link holds a token.
fn announce(address: SocketAddr, token: Option<&str>) {
    match token {
        Some(token) => println!("Lehr is ready. Open http://{address}/?token={token}"),
        None => println!("Lehr is ready at http://{address}/"),
    }
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal(terminate: std::io::Result<Signal>) {
    let mut terminate = match terminate {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!("cannot listen for SIGTERM: {error}");
            std::future::pending().await
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => {
            if let Err(error) = result {
                tracing::warn!("cannot listen for Ctrl-C: {error}");
                std::future::pending::<()>().await;
            }
        }
    }
}
