use super::{Failure, data};
use crate::causes::with_causes;
use crate::journal::Reader;
use crate::sinks::StoresConfig;
use crate::sources::{Peer, SourcesConfig};
use clap::Args;
use lehr_domain::Tick;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Check whether `lehr serve` can run here, and say what to do where it cannot.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    #[arg(long, default_value = "127.0.0.1:8000", env = "LEHR_LISTEN")]
    listen: SocketAddr,
    #[arg(long, default_value = "frontend/dist", env = "LEHR_FRONTEND")]
    frontend: PathBuf,
    /// A plant catalogue instead of the shipped one.
    #[arg(long)]
    plant: Option<PathBuf>,
    /// Peers that readings come from: each is reached once.
    #[arg(long, env = "LEHR_SOURCES")]
    sources: Option<PathBuf>,
    /// Stores that follow tables and readings: each is reached once.
    #[arg(long, env = "LEHR_STORES")]
    stores: Option<PathBuf>,
    /// Print a JSON array instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Finding {
    check: String,
    ok: bool,
    detail: String,
}

fn finding(check: &str, result: Result<String, String>) -> Finding {
    match result {
        Ok(detail) => Finding { check: check.to_owned(), ok: true, detail },
        Err(detail) => Finding { check: check.to_owned(), ok: false, detail },
    }
}

/// Runs all checks; exit status 1 when one fails.
pub fn run(args: &DoctorArgs) -> ExitCode {
    let mut findings = vec![
        finding("catalogue", catalogue(args)),
        finding("data directory", writable(args)),
        finding("journal", journal(args)),
        finding("address", address(args)),
        finding("dashboard", dashboard(args)),
    ];
    findings.extend(args.sources.as_deref().map(|file| sources(args, file)).unwrap_or_default());
    findings.extend(args.stores.as_deref().map(stores).unwrap_or_default());
    if args.json {
        println!("{}", serde_json::json!(findings));
    } else {
        for Finding { check, ok, detail } in &findings {
            println!("{} {check}: {detail}", if *ok { "ok  " } else { "FAIL" });
        }
    }
    if findings.iter().all(|finding| finding.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn catalogue(args: &DoctorArgs) -> Result<String, String> {
    let catalogue = data::catalogue(args.plant.as_deref(), None).map_err(|error| error.to_string())?;
    Ok(format!("{}, {} lines", catalogue.plant.name, catalogue.plant.lines.len()))
}

fn writable(args: &DoctorArgs) -> Result<String, String> {
    let shown = args.data.display();
    let attempt = || {
        std::fs::create_dir_all(&args.data)?;
        let probe = args.data.join(".probe");
        std::fs::write(&probe, b"probe")?;
        std::fs::remove_file(&probe)
    };
    attempt().map_err(|error: std::io::Error| format!("{shown}: {error}; choose another with --data"))?;
    Ok(format!("{shown} can be written"))
}

fn journal(args: &DoctorArgs) -> Result<String, String> {
    if !args.data.join("journal").is_dir() {
        return Ok("none yet".into());
    }
    let mut reader = Reader::open(&args.data).map_err(|error| with_causes(&error))?;
    let mut last = Tick(0);
    while let Some(recorded) = reader.record() {
        last = recorded.map_err(|error| with_causes(&error))?.inputs.tick;
    }
    let torn = reader.torn().map_or(String::new(), |torn| format!("; a torn end at byte {} will be cut", torn.offset));
    Ok(format!("good up to tick {}{torn}", last.0))
}

fn address(args: &DoctorArgs) -> Result<String, String> {
    std::net::TcpListener::bind(args.listen)
        .map(|_| format!("{} is free", args.listen))
        .map_err(|error| format!("{}: {error}; choose another with --listen", args.listen))
}

fn dashboard(args: &DoctorArgs) -> Result<String, String> {
    let index = args.frontend.join("index.html");
    if index.is_file() {
        return Ok(format!("{} is built", args.frontend.display()));
    }
    Err(format!("{} is missing; build it with `make frontend`, or choose another with --frontend", index.display()))
}

/// The file of sources, and each peer that it names.
fn sources(args: &DoctorArgs, file: &Path) -> Vec<Finding> {
    let peers = || -> Result<Vec<Arc<dyn Peer>>, Failure> {
        let names = data::catalogue(args.plant.as_deref(), None)?.names()?;
        Ok(SourcesConfig::read(file)?.peers(&names)?)
    };
    let peers = match peers() {
        Ok(peers) => peers,
        Err(error) => return vec![finding("sources", Err(with_causes(error.as_ref())))],
    };
    reached(peers.iter().map(|peer| async move {
        let found = peer.probe().await.map(|lines| lines.join("; "));
        finding(&format!("{} source {}", peer.protocol(), peer.name()), found)
    }))
}

/// The file of stores, and each store that it names.
fn stores(file: &Path) -> Vec<Finding> {
    let stores = match StoresConfig::read(file).and_then(StoresConfig::stores) {
        Ok(stores) => stores,
        Err(error) => return vec![finding("stores", Err(with_causes(&error)))],
    };
    reached(stores.iter().map(|store| async move {
        let found = store.probe().await.map(|lines| lines.join("; "));
        finding(&format!("{} store {}", store.kind(), store.name()), found)
    }))
}

/// All side by side: each bounds its own time.
fn reached(probes: impl Iterator<Item = impl Future<Output = Finding>>) -> Vec<Finding> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(futures_util::future::join_all(probes)),
        Err(error) => vec![finding("peers", Err(error.to_string()))],
    }
}
