//! A job from its begin to its end.

use super::child::{Heard, Trainer};
use super::{Job, Order, Shared, Simulated};
use crate::causes::with_causes;
use crate::registry::files::{CARD_MOST, FILE_MOST, HISTORY_MOST, bounded, file};
use lehr_domain::model::{ModelKind, ModelVersion};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How soon a job notices that it was taken back.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What a training may take beyond its budget: making the data, and holding the new model against others.
const BEYOND_BUDGET: Duration = Duration::from_secs(6 * 3600);
/// How long a process may go on that tells nothing any more.
const END_MOST: Duration = Duration::from_secs(60);

/// Below a job's folder: the models that an ensemble combines.
const MEMBERS: &str = "members";

/// How folders of jobs begin.
const JOB: &str = "job-";

/// Removes the folders of jobs that an earlier run did not finish.
pub fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(JOB) {
            remove(&entry.path());
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", folder.display());
    }
}

/// A job's folder, which goes with it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

impl Shared {
    /// Trains, and registers what came of it. The error is for people.
    pub(super) fn run(&self, job: &Job) -> Result<ModelVersion, String> {
        let version = self.registry.next_version(job.order.model);
        self.note(job.id, |job| job.version = Some(version));
        let scratch = Scratch(self.options.folder.join(format!("{JOB}{}", job.id)));
        remove(&scratch.0);
        fs::create_dir_all(&scratch.0).map_err(|error| format!("cannot make {}: {error}", scratch.0.display()))?;
        if job.order.model == ModelKind::Ensemble {
            self.members(version, &scratch.0.join(MEMBERS))?;
        }
        let program = &self.options.program;
        let trainer = Trainer::start(program, &self.arguments(job, version, &scratch.0));
        let mut trainer = trainer.map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        self.follow(job, &mut trainer)?;
        drop(trainer);
        self.take_in(job, version, &scratch.0)
    }

    fn arguments(&self, job: &Job, version: ModelVersion, out: &Path) -> Vec<OsString> {
        let Order { model, budget, data } = job.order;
        let mut arguments: Vec<OsString> = vec![command(model).into(), "--json".into()];
        let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        option("--out", out.into());
        option("--model-version", version.to_string().into());
        option("--budget", format!("{}s", budget.as_secs().max(1)).into());
        // Snapshots of sensors and pictures are made as they are needed.
        if matches!(model, ModelKind::Forecaster | ModelKind::Ensemble) {
            option("--data", self.options.folder.join("data").into());
        }
        if model == ModelKind::Ensemble {
            option("--models", out.join(MEMBERS).into());
        }
        if let Some(Simulated { plants, days }) = data {
            option("--plants", plants.to_string().into());
            option("--days", days.to_string().into());
        }
        arguments
    }

    /// Puts the models whose forecasts an ensemble combines where its training looks for them: those in production, under
    /// the number of the ensemble.
    fn members(&self, version: ModelVersion, folder: &Path) -> Result<(), String> {
        let write = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
        };
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        for model in [ModelKind::Forecaster, ModelKind::Graph] {
            let (of, bytes) = self.registry.in_production(model).map_err(|error| with_causes(&error))?;
            write(format!("{model}-{version}.onnx"), &bytes)?;
            if model == ModelKind::Forecaster {
                let missing = || {
                    format!(
                        "what the training of {model} {of} left, {model}-{of}.json, is not kept here; put it into \
                         DATA/models, or train the ensemble with lehr-train"
                    )
                };
                write(format!("{model}-{version}.json"), &self.registry.history(model, of).ok_or_else(missing)?)?;
            }
        }
        Ok(())
    }

    /// Listens until the process has ended well.
    fn follow(&self, job: &Job, trainer: &mut Trainer) -> Result<(), String> {
        let begun = Instant::now();
        let most = job.order.budget + BEYOND_BUDGET;
        let mut silent_since = None;
        loop {
            if job.cancelled.load(Ordering::Acquire) {
                return Err("it was taken back".to_owned());
            }
            if begun.elapsed() > most {
                return Err(format!("it was ended after {} h, its budget and 6 h", most.as_secs() / 3600));
            }
            match trainer.hear(LOOK_EVERY) {
                Heard::Line(line) => self.note(job.id, |job| job.progress.take(&line, Instant::now())),
                Heard::Silence => {}
                Heard::End => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    match trainer.ended() {
                        Some(status) if status.success() => return Ok(()),
                        Some(status) => return Err(told(&end(status), &trainer.said())),
                        None if since.elapsed() > END_MOST => return Err("it told nothing any more".to_owned()),
                        None => std::thread::sleep(LOOK_EVERY),
                    }
                }
            }
        }
    }

    /// Registers the file that a training left, with its card, and has it challenge what is in production.
    fn take_in(&self, job: &Job, version: ModelVersion, out: &Path) -> Result<ModelVersion, String> {
        let wanted = job.order.model;
        let file = file(out, wanted, version);
        let bytes = bounded(&file, FILE_MOST).map_err(|error| format!("it left no model that can be read: {error}"))?;
        let card = bounded(&file.with_extension("md"), CARD_MOST).ok().and_then(|card| String::from_utf8(card).ok());
        let history = bounded(&file.with_extension("json"), HISTORY_MOST).ok();
        let registered = self.registry.register(&bytes, card.as_deref(), &job.changed);
        match registered.map_err(|error| with_causes(&error))? {
            (model, registered) if model == wanted && registered == version => {
                // Without it the model is as good, but no ensemble can be trained with it.
                if let Some(Err(error)) = history.map(|bytes| self.registry.keep_history(model, version, &bytes)) {
                    tracing::warn!("the history of {model} {version} is not kept: {}", with_causes(&error));
                }
                // Somebody may have promoted it in this moment: it is registered all the same.
                if let Err(error) = self.registry.challenge(model, Some(version), &job.changed) {
                    tracing::warn!("{model} {version} does not challenge: {}", with_causes(&error));
                }
                Ok(version)
            }
            (model, registered) => Err(format!("it made {model} {registered} instead, which is registered")),
        }
    }
}

/// The command of the program.
fn command(model: ModelKind) -> &'static str {
    match model {
        ModelKind::Inspector => "vision",
        other => other.text(),
    }
}

/// How a process ended that did not end well.
fn end(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => {
            format!("it was ended by signal {signal}: by somebody, or by a system that is short of memory")
        }
        None => format!("it ended with {status}"),
    }
}

fn told(what: &str, said: &str) -> String {
    if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") }
}
