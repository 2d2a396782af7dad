//! Files of versions in an object store.

use super::super::archive::Archive;
use super::super::{Archived, Changed, FileState, Registry, find};
use super::{Onnx, ensemble, registry};
use crate::runtime::Runtime;
use bytes::Bytes;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_objects::{Artifacts, Config};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const KIND: ModelKind = ModelKind::Ensemble;

/// A registry with a store beside it.
struct Trial {
    data: TempDir,
    lake: TempDir,
    runtime: Runtime,
    registry: Registry,
    archive: Archive,
    threads: tokio::runtime::Runtime,
}

fn lake(folder: &Path) -> Config {
    toml::from_str(&format!("name = \"lake\"\nfolder = {folder:?}")).unwrap()
}

impl Trial {
    fn begin() -> Trial {
        let [data, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (runtime, registry) = registry(data.path(), Onnx::load());
        let archive = Archive::new(lake(folder.path()), registry.clone());
        let threads = tokio::runtime::Runtime::new().unwrap();
        Trial { data, lake: folder, runtime, registry, archive, threads }
    }

    fn register(&self, version: &str) {
        self.registry.register(&ensemble(version), Some("# Card"), &Changed::new("anna", "")).unwrap();
    }

    fn round(&self) -> bool {
        self.threads.block_on(self.archive.round())
    }

    fn state(&self, version: ModelVersion) -> FileState {
        self.registry.state(find(&self.runtime.snapshot(), KIND, version).unwrap())
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.data.path().join("models").join(name)
    }

    /// What the store has under a name.
    fn kept(&self, name: &str) -> Option<Bytes> {
        let artifacts = Artifacts::open(&lake(self.lake.path())).unwrap();
        self.threads.block_on(artifacts.get(name)).unwrap()
    }

    /// Somebody with the store's keys puts other bytes there.
    fn forge(&self, name: &str, bytes: &[u8]) {
        let artifacts = Artifacts::open(&lake(self.lake.path())).unwrap();
        self.threads.block_on(async {
            artifacts.delete(name).await.unwrap();
            artifacts.put(name, Bytes::copy_from_slice(bytes)).await.unwrap();
        });
    }
}

fn version(patch: u32) -> ModelVersion {
    ModelVersion::new(1, 0, patch)
}

#[test]
fn what_is_registered_is_kept_and_what_is_lost_comes_back() {
    let trial = Trial::begin();
    trial.register("1.0.0");
    trial.registry.keep_history(KIND, version(0), b"{\"epochs\":3}").unwrap();
    assert!(trial.round());
    assert_eq!(trial.archive.archived(), Archived { versions: 1, ..Archived::default() });
    for (name, expected) in
        [("model.onnx", ensemble("1.0.0").as_slice()), ("card.md", b"# Card"), ("training.json", b"{\"epochs\":3}")]
    {
        assert_eq!(trial.kept(&format!("models/ensemble/1.0.0/{name}")).as_deref(), Some(expected), "{name}");
    }

    for ending in ["onnx", "md", "json"] {
        fs::remove_file(trial.file(&format!("ensemble-1.0.0.{ending}"))).unwrap();
    }
    trial.register("1.0.1");
    assert!(trial.round());
    assert_eq!(trial.archive.archived(), Archived { versions: 2, restored: 3, ..Archived::default() });
    assert_eq!(fs::read(trial.file("ensemble-1.0.0.onnx")).unwrap(), ensemble("1.0.0"));
    assert_eq!(trial.registry.card(KIND, version(0)).as_deref(), Some("# Card"));
    assert_eq!(trial.registry.history(KIND, version(0)).as_deref(), Some(b"{\"epochs\":3}".as_slice()));

    fs::write(trial.file("ensemble-1.0.1.onnx"), "rotten").unwrap();
    assert_eq!(trial.state(version(1)), FileState::Damaged);
    // One that has just started, and knows nothing of the store.
    let anew = Archive::new(lake(trial.lake.path()), trial.registry.clone());
    assert!(trial.threads.block_on(anew.round()));
    assert_eq!((trial.state(version(1)), anew.archived().restored), (FileState::Ready, 1));
}

#[test]
fn the_card_of_the_folder_is_the_one_that_is_kept() {
    let trial = Trial::begin();
    trial.register("1.0.0");
    assert!(trial.round());
    trial.registry.put_card(KIND, version(0), "# Better", &Changed::new("anna", "")).unwrap();
    assert!(trial.round());
    assert_eq!(trial.kept("models/ensemble/1.0.0/card.md").as_deref(), Some(b"# Better".as_slice()));
    assert_eq!(trial.registry.card(KIND, version(0)).as_deref(), Some("# Better"));
}

#[test]
fn other_bytes_never_come_back_and_the_other_versions_are_kept() {
    let trial = Trial::begin();
    trial.register("1.0.0");
    assert!(trial.round());
    trial.forge("models/ensemble/1.0.0/model.onnx", b"somebody else's");
    fs::remove_file(trial.file("ensemble-1.0.0.onnx")).unwrap();
    trial.register("1.0.1");
    // What a running Lehr knows of the store is older than the forgery, and what one knows that has just started is not.
    let anew = Archive::new(lake(trial.lake.path()), trial.registry.clone());
    for archive in [&trial.archive, &anew] {
        assert!(!trial.threads.block_on(archive.round()));
        let Archived { versions, restored, problem, .. } = archive.archived();
        let problem = problem.unwrap();
        assert!(problem.contains("models/ensemble/1.0.0/model.onnx") && problem.contains("other bytes"), "{problem}");
        assert!(versions >= 1 && restored == 0, "{versions} {restored}");
        assert_eq!((trial.state(version(0)), trial.state(version(1))), (FileState::Missing, FileState::Ready));
    }
    assert_eq!(anew.archived(), Archived { versions: 1, missing: 1, ..anew.archived() });
    assert_eq!(trial.kept("models/ensemble/1.0.1/model.onnx").as_deref(), Some(ensemble("1.0.1").as_slice()));
}

#[test]
fn a_store_that_is_away_is_told_and_caught_up_with() {
    let trial = Trial::begin();
    trial.register("1.0.0");
    let place = trial.lake.path().join("place");
    fs::write(&place, "in the way").unwrap();
    let archive = Archive::new(lake(&place), trial.registry.clone());
    assert!(!trial.threads.block_on(archive.round()));
    let Archived { versions, missing, problem, .. } = archive.archived();
    assert_eq!((versions, missing), (0, 1));
    assert!(problem.unwrap().contains("place"));
    fs::remove_file(&place).unwrap();
    assert!(trial.threads.block_on(archive.round()));
    assert_eq!(archive.archived(), Archived { versions: 1, ..Archived::default() });
}
