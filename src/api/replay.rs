//! Recordings, and replays of them as jobs.

use super::App;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, PLAIN_NAME, integer, list, nullable, object, text};
use crate::auth::Role;
use crate::replay::{ReplayOptions, replay};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use warp::http::Method;

/// Replays at once: each takes the processors it is given, and the line must not feel it.
const RUNNING_MOST: usize = 2;
/// Jobs that are remembered. When one is forgotten its files go too.
const KEPT_MOST: usize = 100;
/// Recordings of an answer.
const RECORDINGS_MOST: usize = 1_000;
const WORKERS_MOST: usize = 16;
/// Readings a tick of a replay.
const BATCH: usize = 100_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Name of a recording.
    #[schemars(regex(pattern = PLAIN_NAME))]
    recording: String,
    /// Worker threads; 1 when absent.
    #[schemars(range(min = 1, max = WORKERS_MOST))]
    workers: Option<usize>,
}

pub fn routes() -> Vec<Route> {
    let recording = object([("name", text()), ("bytes", integer()), ("segments", integer())]);
    let status = json!({ "type": "string", "enum": ["running", "done", "failed"] });
    let job = object([
        ("job", integer()),
        ("recording", text()),
        ("workers", integer()),
        ("status", status),
        ("readings", integer()),
        ("result", nullable(json!({ "type": "object" }))),
        ("error", nullable(text())),
    ]);
    vec![
        Route::get("/api/recordings", "replay", "Recordings below DATA/recordings.", recordings)
            .answers(object([("recordings", list(recording))])),
        Route::change(Method::POST, "/api/replay", "replay", "Starts a replay.", Role::Engineer, start)
            .body(schema::of::<Wanted>())
            .answers(object([("job", integer())]))
            .problems(&[Problem::NotFound, Problem::TooMany]),
        Route::get("/api/replay/{job}", "replay", "How a replay fares, and what came of it.", look_at)
            .segment("job", Kind::Int(1, i64::from(u32::MAX)), "The job.")
            .answers(job),
    ]
}

fn recordings_folder(app: &App) -> PathBuf {
    app.options().data.join("recordings")
}

/// Name, segments and bytes of what is below a folder.
fn listed(folder: &Path) -> io::Result<Vec<(String, usize, u64)>> {
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries.take(RECORDINGS_MOST) {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(journal) = entry.path().join("journal").read_dir() else { continue };
        if schema::matches(PLAIN_NAME, &name).is_err() {
            continue;
        }
        let (mut segments, mut bytes) = (0, 0);
        for file in journal {
            let file = file?;
            if file.path().extension().is_some_and(|extension| extension == "seg") {
                segments += 1;
                bytes += file.metadata()?.len();
            }
        }
        found.push((name, segments, bytes));
    }
    found.sort();
    Ok(found)
}

async fn recordings(app: App, _call: Call) -> Answer {
    let folder = recordings_folder(&app);
    let found = tokio::task::spawn_blocking(move || listed(&folder)).await.map_err(ApiError::internal)?;
    let found = found.map_err(|error| ApiError::internal(format!("cannot list recordings: {error}")))?;
    let recording =
        |(name, segments, bytes): (String, usize, u64)| json!({ "name": name, "segments": segments, "bytes": bytes });
    Ok(json!({ "recordings": found.into_iter().map(recording).collect::<Vec<Value>>() }).into())
}

async fn start(app: App, call: Call) -> Answer {
    let wanted: Wanted = call.json()?;
    let recording = recordings_folder(&app).join(&wanted.recording);
    if !recording.join("journal").is_dir() {
        return Err(ApiError::unknown("recording", "recording", &wanted.recording));
    }
    let workers = wanted.workers.unwrap_or(1);
    let full = || ApiError::new(Problem::TooMany, format!("{RUNNING_MOST} replays are running; try again later"));
    let (id, job) = app.jobs().begin(wanted.recording.clone(), workers).ok_or_else(full)?;
    let out = app.options().data.join("replays").join(id.to_string());
    let options = ReplayOptions {
        recording,
        out,
        workers,
        batch: BATCH,
        shuffle: None,
        fold_late: false,
        scorer: None,
        inspector: None,
        deployed: Vec::new(),
    };
    let jobs = app.jobs().clone();
    tokio::task::spawn_blocking(move || {
        // A panic in a graph must not leave the job running for ever.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&options, &job)));
        let outcome = done.unwrap_or_else(|_| Err("the replay failed inside; the log says more".into()));
        jobs.end(id, outcome);
        jobs.forget(&options.out);
    });
    let audit = Audit {
        by: call.by(),
        action: "replay.start".into(),
        subject: format!("recording {}", wanted.recording),
        after: json!({ "job": id, "workers": workers }),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(json!({ "job": id }).into())
}

fn run(options: &ReplayOptions, job: &Job) -> Result<Value, String> {
    // What a job of the same number left before a restart.
    if let Err(error) = std::fs::remove_dir_all(&options.out)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(format!("cannot clear {}: {error}", options.out.display()));
    }
    let summary = replay(options, |readings| job.readings.store(readings, Ordering::Relaxed));
    let summary = summary.map_err(|error| error.to_string())?;
    job.readings.store(summary.readings, Ordering::Relaxed);
    serde_json::to_value(summary).map_err(|error| error.to_string())
}

async fn look_at(app: App, call: Call) -> Answer {
    let unknown = || ApiError::not_found(format!("job {}", call.path[0]));
    let id: u64 = call.path[0].parse().map_err(|_| unknown())?;
    app.jobs().json(id).map(Into::into).ok_or_else(unknown)
}

/// A replay, running or over.
pub struct Job {
    recording: String,
    workers: usize,
    readings: AtomicU64,
    outcome: Mutex<Option<Result<Value, String>>>,
}

/// The replays of this run of the server.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    last: u64,
    jobs: BTreeMap<u64, Arc<Job>>,
}

impl Job {
    fn running(&self) -> bool {
        self.outcome.lock().expect("nobody panics while they hold an outcome").is_none()
    }
}

impl Jobs {
    /// A new job, or `None` when enough are running.
    pub fn begin(&self, recording: String, workers: usize) -> Option<(u64, Arc<Job>)> {
        let mut known = self.known();
        if known.jobs.values().filter(|job| job.running()).count() >= RUNNING_MOST {
            return None;
        }
        known.last += 1;
        let job = Arc::new(Job { recording, workers, readings: AtomicU64::new(0), outcome: Mutex::new(None) });
        let id = known.last;
        known.jobs.insert(id, job.clone());
        Some((id, job))
    }

    pub fn end(&self, id: u64, outcome: Result<Value, String>) {
        if let Some(job) = self.known().jobs.get(&id) {
            *job.outcome.lock().expect("nobody panics while they hold an outcome") = Some(outcome);
        }
    }

    /// Forgets the oldest jobs beyond the bound, with the files that lie beside `out`.
    fn forget(&self, out: &Path) {
        let mut known = self.known();
        while known.jobs.len() > KEPT_MOST {
            let Some(oldest) = known.jobs.iter().find(|(_, job)| !job.running()).map(|(id, _)| *id) else { return };
            known.jobs.remove(&oldest);
            let folder = out.with_file_name(oldest.to_string());
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::warn!("cannot remove {}: {error}", folder.display());
            }
        }
    }

    pub fn json(&self, id: u64) -> Option<Value> {
        let job = self.known().jobs.get(&id)?.clone();
        let outcome = job.outcome.lock().expect("nobody panics while they hold an outcome");
        let (status, result, error) = match &*outcome {
            None => ("running", None, None),
            Some(Ok(result)) => ("done", Some(result.clone()), None),
            Some(Err(error)) => ("failed", None, Some(error.clone())),
        };
        Some(json!({
            "job": id,
            "recording": job.recording,
            "workers": job.workers,
            "status": status,
            "readings": job.readings.load(Ordering::Relaxed),
            "result": result,
            "error": error,
        }))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().expect("nobody panics while they hold the jobs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_replays_run_at_once_and_few_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("replays/x");
        let jobs = Jobs::default();
        let (first, _) = jobs.begin("a".into(), 1).unwrap();
        jobs.begin("a".into(), 1).unwrap();
        assert!(jobs.begin("a".into(), 1).is_none());
        jobs.end(first, Err("broken".into()));
        assert_eq!(jobs.json(first).unwrap()["status"], "failed");
        for _ in 0..KEPT_MOST + 5 {
            let (id, _) = jobs.begin("a".into(), 1).unwrap();
            jobs.end(id, Ok(json!({})));
            jobs.forget(&out);
        }
        assert_eq!(jobs.known().jobs.len(), KEPT_MOST);
        assert!(jobs.json(first).is_none());
        assert_eq!(jobs.json(2).unwrap()["status"], "running", "what runs is not forgotten");
    }
}
