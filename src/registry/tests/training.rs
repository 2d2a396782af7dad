//! Trainings, with a script in place of the program.

use super::super::training::{Job, JobState, Order, QUEUED_MOST, Simulated, Training, TrainingError, TrainingOptions};
use super::super::{Aliases, Changed, Registry, find};
use super::{Onnx, ensemble, forecaster, network, registry, trainer};
use crate::runtime::Runtime;
use lehr_domain::model::{ModelKind, ModelVersion};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const KIND: ModelKind = ModelKind::Forecaster;
const MINUTE: Duration = Duration::from_secs(60);

/// A training that makes a good model.
const GOOD: &str = r##"
echo '{"event":"started","epoch":0,"epochs_max":2,"batches":10}'
cp "$data/model.onnx" "$out/$model-$version.onnx"
echo '# Trained here' > "$out/$model-$version.md"
echo '{}' > "$out/$model-$version.json"
echo '{"event":"stopped","why":"patience","best_epoch":1}'
"##;

/// One that goes on for long, and tells under which number.
const LONG: &str = r#"echo $$ > "$data/pid.new"; mv "$data/pid.new" "$data/pid"; touch "$out/half"; sleep 1000"#;

struct Place {
    training: Training,
    registry: Registry,
    runtime: Runtime,
    data: tempfile::TempDir,
}

impl Place {
    fn new(behaviour: &str) -> Place {
        let data = tempfile::tempdir().unwrap();
        let (runtime, registry) = registry(data.path(), Onnx::load());
        let options = TrainingOptions::new(data.path(), Some(trainer()));
        fs::create_dir_all(options.folder.join("data")).unwrap();
        fs::write(options.folder.join("data/behaviour"), behaviour).unwrap();
        fs::write(options.folder.join("data/model.onnx"), forecaster("1.0.0")).unwrap();
        let training = Training::start(options, registry.clone());
        Place { training, registry, runtime, data }
    }

    fn ask(&self) -> Result<Job, TrainingError> {
        self.training.ask(Order::new(KIND, MINUTE), Changed::new("anna", "it is Sunday"))
    }

    fn until(&self, id: u64, state: JobState) -> Job {
        let begun = Instant::now();
        loop {
            let job = self.training.job(id).unwrap();
            if job.state == state {
                return job;
            }
            assert!(begun.elapsed() < PATIENCE, "{job:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Of the process that runs.
    fn pid(&self) -> String {
        let begun = Instant::now();
        loop {
            if let Ok(pid) = fs::read_to_string(self.data.path().join("training/data/pid")) {
                return pid.trim().to_owned();
            }
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Names of what lies beside the data.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.data.path().join("training")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name != "data").collect()
    }
}

fn is_gone(pid: &str) -> bool {
    !Path::new("/proc").join(pid).exists()
}

#[test]
fn a_training_ends_with_a_version_that_challenges_and_is_not_promoted() {
    let place = Place::new(GOOD);
    let asked = place.ask().unwrap();
    assert!(asked.estimated_end.is_some());
    let job = place.until(asked.id, JobState::Done);
    assert_eq!((job.version, job.error.as_deref()), (Some(ModelVersion::new(1, 0, 0)), None));
    assert_eq!((job.progress.stage.as_str(), job.estimated_end), ("trained", None));
    let snapshot = place.runtime.snapshot();
    let row = find(&snapshot, KIND, ModelVersion::new(1, 0, 0)).unwrap();
    assert_eq!((row.by.as_str(), row.note.as_str()), ("anna", "it is Sunday"));
    let challenger = Some(ModelVersion::new(1, 0, 0));
    assert_eq!(Aliases::of(&snapshot, KIND), Aliases { challenger, ..Aliases::default() });
    assert_eq!(fs::read_to_string(place.data.path().join("models/forecaster-1.0.0.md")).unwrap(), "# Trained here\n");
    assert_eq!(place.left(), Vec::<String>::new());
    let history = place.registry.history(KIND, ModelVersion::new(1, 0, 0));
    assert_eq!(history.as_deref(), Some(&b"{}\n"[..]), "ensembles are trained from it");

    // The model that this script leaves says another version than it was told to make.
    let again = place.ask().unwrap();
    let job = place.until(again.id, JobState::Failed);
    assert!(job.error.unwrap().contains("forecaster 1.0.0 instead"));
}

#[test]
fn what_is_learned_from_may_be_chosen() {
    let place = Place::new(r#"echo "$*" > "$data/told"; exit 1"#);
    let told = |data| {
        let order = Order { data, ..Order::new(KIND, MINUTE) };
        place.until(place.training.ask(order, Changed::default()).unwrap().id, JobState::Failed);
        fs::read_to_string(place.data.path().join("training/data/told")).unwrap()
    };
    assert!(!told(None).contains("--plants"));
    assert!(told(Some(Simulated { plants: 12, days: 3 })).ends_with("--plants 12 --days 3\n"));
}

#[test]
fn an_ensemble_is_trained_from_what_is_in_production() {
    let place = Place::new(r#"ls "${12}" > "$data/members"; cp "$data/ensemble.onnx" "$out/$model-$version.onnx""#);
    fs::write(place.data.path().join("training/data/ensemble.onnx"), ensemble("1.0.0")).unwrap();
    let why = || Changed::new("anna", "it is Sunday");
    let asked = || place.training.ask(Order::new(ModelKind::Ensemble, MINUTE), why()).unwrap().id;
    let failed = |wanted: &str| {
        let error = place.until(asked(), JobState::Failed).error.unwrap();
        assert!(error.contains(wanted), "{wanted}: {error}");
    };
    failed("no forecaster is in production");
    let version = ModelVersion::new(1, 0, 7);
    place.registry.register(&forecaster("1.0.7"), None, &why()).unwrap();
    place.registry.promote(KIND, version, &why()).unwrap();
    failed("forecaster-1.0.7.json, is not kept here");
    place.registry.keep_history(KIND, version, b"{}").unwrap();
    failed("no graph is in production");
    place.registry.register(&network("1.0.3"), None, &why()).unwrap();
    place.registry.promote(ModelKind::Graph, ModelVersion::new(1, 0, 3), &why()).unwrap();
    place.until(asked(), JobState::Done);
    let members = fs::read_to_string(place.data.path().join("training/data/members")).unwrap();
    assert_eq!(members, "forecaster-1.0.0.json\nforecaster-1.0.0.onnx\ngraph-1.0.0.onnx\n");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn a_training_that_is_taken_back_leaves_nothing_behind() {
    let place = Place::new(LONG);
    let first = place.ask().unwrap();
    let second = place.ask().unwrap();
    assert!(second.estimated_end > first.estimated_end, "one after the other");
    let pid = place.pid();
    assert!(!is_gone(&pid) && place.left() == ["job-1"]);
    assert_eq!(place.training.cancel(second.id).unwrap().state, JobState::Cancelled, "it had not begun");
    place.training.cancel(first.id).unwrap();
    place.until(first.id, JobState::Cancelled);
    assert!(is_gone(&pid), "the process is gone");
    assert_eq!(place.left(), Vec::<String>::new());
    assert!(place.runtime.snapshot().models.is_empty());
    assert_eq!(place.training.cancel(first.id).unwrap_err(), TrainingError::Over(first.id));
    assert_eq!(place.training.cancel(7).unwrap_err(), TrainingError::Unknown(7));
}

#[test]
fn a_server_that_stops_ends_what_runs() {
    let place = Place::new(LONG);
    place.ask().unwrap();
    let waits = place.ask().unwrap();
    let pid = place.pid();
    place.training.stop();
    assert!(is_gone(&pid));
    assert_eq!(place.left(), Vec::<String>::new());
    assert_eq!(place.ask().unwrap_err(), TrainingError::Stopping);
    assert_eq!(place.training.job(waits.id).unwrap().state, JobState::Cancelled, "it never began");
}

#[test]
fn what_goes_wrong_is_told() {
    for (behaviour, wanted) in [
        ("echo too little memory >&2; exit 3", "exit status: 3: too little memory"),
        ("exit 0", "it left no model"),
        (r#"echo rust > "$out/$model-$version.onnx""#, "no ONNX file"),
        ("kill -9 $$", "ended by signal 9"),
    ] {
        let place = Place::new(behaviour);
        let job = place.until(place.ask().unwrap().id, JobState::Failed);
        let error = job.error.unwrap();
        assert!(error.contains(wanted), "{behaviour}: {error}");
        assert_eq!(place.left(), Vec::<String>::new(), "{behaviour}");
    }
}

#[test]
fn few_wait_and_budgets_are_bounded() {
    let place = Place::new(LONG);
    place.ask().unwrap();
    place.pid();
    for _ in 0..QUEUED_MOST {
        place.ask().unwrap();
    }
    assert_eq!(place.ask().unwrap_err(), TrainingError::Full);
    let ids: Vec<u64> = place.training.jobs().iter().map(|job| job.id).collect();
    assert_eq!(ids, [5, 4, 3, 2, 1]);
    let ask = |budget| place.training.ask(Order::new(KIND, budget), Changed::default());
    for budget in [Duration::ZERO, Duration::from_secs(100_000)] {
        assert_eq!(ask(budget).unwrap_err(), TrainingError::Budget);
    }
}

#[test]
fn without_the_program_there_is_no_training() {
    let data = tempfile::tempdir().unwrap();
    let (_, registry) = registry(data.path(), Onnx::load());
    let options = TrainingOptions::new(data.path(), Some("/nowhere/lehr-train".into()));
    let training = Training::start(options, registry);
    let refused = training.ask(Order::new(KIND, MINUTE), Changed::default()).unwrap_err();
    assert!(refused.to_string().contains("/nowhere/lehr-train is not there"), "{refused}");
    assert!(training.jobs().is_empty());
}
