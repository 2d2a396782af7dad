//! Registering, promoting, rolling back.

use super::super::{Aliases, Changed, FileState, Nothing, OpenError, RegistryError, find};
use super::{Onnx, combined, ensemble, registry, written};
use lehr_domain::model::{Alias, ModelKind, ModelVersion};
use std::sync::Arc;

const KIND: ModelKind = ModelKind::Ensemble;

fn version(patch: u32) -> ModelVersion {
    ModelVersion::new(1, 0, patch)
}

fn anna() -> Changed {
    Changed::new("anna", "it is better")
}

#[test]
fn a_version_is_its_bytes_and_its_file_can_be_put_back() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Onnx::load());
    let bytes = ensemble("1.0.0");
    assert_eq!(registry.register(&bytes, Some("# Card"), &anna()).unwrap(), (KIND, version(0)));
    let snapshot = runtime.snapshot();
    let row = find(&snapshot, KIND, version(0)).unwrap();
    assert_eq!((row.by.as_str(), row.note.as_str(), row.bytes), ("anna", "it is better", bytes.len() as u64));
    assert_eq!((registry.state(row), registry.file(row).unwrap()), (FileState::Ready, bytes.clone()));
    assert_eq!(registry.card(KIND, version(0)).as_deref(), Some("# Card"));
    assert!(snapshot.audit.iter().any(|entry| entry.action == "model.register" && entry.subject == "ensemble 1.0.0"));

    registry.register(&bytes, None, &anna()).unwrap();
    assert_eq!(runtime.snapshot().tick, snapshot.tick, "the same again changes nothing");
    let mut other = combined("1.0.0", 7);
    other.metadata("lehr.trained", "2026-02-02");
    let refused = registry.register(&written(&other), None, &anna()).unwrap_err();
    assert!(matches!(refused, RegistryError::Taken { .. }), "{refused}");
    assert_eq!(registry.state(row), FileState::Ready, "and is not written over");

    let file = data.path().join("models/ensemble-1.0.0.onnx");
    std::fs::write(&file, b"rust").unwrap();
    assert_eq!(registry.state(row), FileState::Damaged);
    let refused = registry.promote(KIND, version(0), &anna()).unwrap_err();
    assert!(matches!(refused, RegistryError::File { state: FileState::Damaged, .. }), "{refused}");
    registry.register(&bytes, None, &anna()).unwrap();
    assert_eq!(registry.state(row), FileState::Ready);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Onnx::load());
    let with = |key: &str, value: &str| {
        let mut graph = combined("1.0.0", 7);
        graph.metadata(key, value);
        written(&graph)
    };
    for (bytes, wanted) in [
        (b"no model".to_vec(), "no ONNX file"),
        (ensemble("1.0.0")[..200].to_vec(), "cut off"),
        (with("lehr.model", "graph"), "its inputs are"),
        (with("lehr.schema", "another"), "its schema is another"),
        (written(&combined("1.0.0", 8)), "its inputs are"),
    ] {
        let refused = registry.register(&bytes, None, &anna()).unwrap_err().to_string();
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    assert!(runtime.snapshot().models.is_empty());
    let left: Vec<_> = std::fs::read_dir(data.path().join("models")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| entry.file_name() == "incoming"), "{left:?}");
    let waiting = std::fs::read_dir(data.path().join("models/incoming")).unwrap().count();
    assert_eq!(waiting, 0);
}

#[test]
fn one_version_is_in_production_and_the_one_before_is_remembered() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Onnx::load());
    let aliases = || {
        let Aliases { production, previous, challenger } = Aliases::of(&runtime.snapshot(), KIND);
        [production, previous, challenger].map(|version| version.map(|version| version.patch))
    };
    for patch in 0..3 {
        registry.register(&ensemble(&format!("1.0.{patch}")), None, &anna()).unwrap();
    }
    assert_eq!(aliases(), [None; 3], "registering promotes nothing");
    assert!(matches!(registry.roll_back(KIND, &anna()), Err(RegistryError::NoPrevious(KIND))));
    registry.promote(KIND, version(0), &anna()).unwrap();
    assert_eq!(aliases(), [Some(0), None, None]);
    assert!(matches!(registry.promote(KIND, version(0), &anna()), Err(RegistryError::InProduction { .. })));
    assert!(matches!(registry.roll_back(KIND, &anna()), Err(RegistryError::NoPrevious(KIND))));
    assert!(matches!(registry.promote(KIND, version(9), &anna()), Err(RegistryError::Unknown { .. })));

    registry.challenge(KIND, Some(version(1)), &anna()).unwrap();
    assert_eq!(aliases(), [Some(0), None, Some(1)]);
    assert!(matches!(registry.challenge(KIND, Some(version(0)), &anna()), Err(RegistryError::InProduction { .. })));
    registry.promote(KIND, version(1), &anna()).unwrap();
    assert_eq!(aliases(), [Some(1), Some(0), None], "who won challenges nobody any more");
    registry.challenge(KIND, Some(version(2)), &anna()).unwrap();
    registry.challenge(KIND, None, &anna()).unwrap();
    assert!(matches!(registry.challenge(KIND, None, &anna()), Err(RegistryError::NoChallenger(KIND))));
    // All within one instant of plant time, and none of it is lost.
    assert_eq!(registry.roll_back(KIND, &anna()).unwrap(), version(0));
    assert_eq!(aliases(), [Some(0), Some(1), None]);
    let snapshot = runtime.snapshot();
    let told = snapshot.deployments.iter().filter(|row| row.alias == Alias::Production).map(|row| row.version);
    assert_eq!(told.collect::<Vec<_>>(), [Some(version(0)), Some(version(1)), Some(version(0))]);
    let audit = snapshot.audit.iter().find(|entry| entry.action == "model.rollback").unwrap();
    let said = [&audit.subject, &audit.before, &audit.after, &audit.by, &audit.reason].map(String::as_str);
    assert_eq!(said, ["ensemble 1.0.0", "1.0.1", "1.0.0", "anna", "it is better"]);
}

#[test]
fn without_anything_to_open_files_with_nothing_is_taken() {
    let data = tempfile::tempdir().unwrap();
    let (_, registry) = registry(data.path(), Arc::new(Nothing));
    let refused = registry.register(&ensemble("1.0.0"), None, &anna()).unwrap_err();
    assert!(matches!(refused, RegistryError::Open(OpenError::Unavailable(_))), "{refused}");
}

#[test]
fn the_next_version_is_the_next_patch_of_the_newest() {
    let data = tempfile::tempdir().unwrap();
    let (_, registry) = registry(data.path(), Onnx::load());
    assert_eq!(registry.next_version(KIND), version(0));
    for number in ["1.0.9", "1.0.10", "1.0.2"] {
        registry.register(&ensemble(number), None, &anna()).unwrap();
    }
    assert_eq!(registry.next_version(KIND), version(11));
    assert_eq!(registry.next_version(ModelKind::Graph), version(0));
}
