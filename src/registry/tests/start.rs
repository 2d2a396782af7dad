//! What comes with Lehr.

use super::super::shipped::Shipped;
use super::super::{Aliases, Changed, FileState, Nothing, Registry, find};
use super::{Onnx, combined, ensemble, registry, written};
use lehr_domain::model::{ModelKind, ModelVersion};
use std::sync::Arc;

const KIND: ModelKind = ModelKind::Ensemble;

fn shipped(bytes: Vec<u8>) -> Shipped {
    Shipped { file: bytes.leak(), card: "# Card", history: b"{}" }
}

fn version(patch: u32) -> ModelVersion {
    ModelVersion::new(1, 0, patch)
}

#[test]
fn what_comes_with_lehr_is_registered_once_and_the_newest_that_can_score_is_deployed() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Onnx::load());
    let refused = written(&combined("1.0.2", 8));
    let all = [shipped(ensemble("1.0.0")), shipped(ensemble("1.0.1")), shipped(refused)];
    registry.start_with(&all).unwrap();
    let snapshot = runtime.snapshot();
    assert_eq!(snapshot.models.len(), 3);
    let row = find(&snapshot, KIND, version(0)).unwrap();
    assert_eq!((row.by.as_str(), registry.card(KIND, version(0)).as_deref()), ("lehr", Some("# Card")));
    assert_eq!(Aliases::of(&snapshot, KIND).production, Some(version(1)), "1.0.2 is refused");

    std::fs::remove_file(data.path().join("models/ensemble-1.0.0.onnx")).unwrap();
    registry.start_with(&all).unwrap();
    assert_eq!(registry.state(row), FileState::Ready, "what was lost is put back");
    assert_eq!(runtime.snapshot().tick, snapshot.tick, "and nothing else happens");

    let newer = [shipped(ensemble("1.0.0")), shipped(ensemble("1.0.3"))];
    registry.start_with(&newer).unwrap();
    let snapshot = runtime.snapshot();
    assert!(find(&snapshot, KIND, version(3)).is_some());
    assert_eq!(Aliases::of(&snapshot, KIND).production, Some(version(1)), "what scores is changed by people");
}

#[test]
fn without_a_library_it_waits_and_with_one_it_scores() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Arc::new(Nothing));
    let all = [shipped(ensemble("1.0.0"))];
    registry.start_with(&all).unwrap();
    assert_eq!((runtime.snapshot().models.len(), runtime.snapshot().deployments.len()), (1, 0));
    Registry::new(runtime.clone(), data.path(), Onnx::load()).start_with(&all).unwrap();
    assert_eq!(Aliases::of(&runtime.snapshot(), KIND).production, Some(version(0)));
}

#[test]
fn a_version_of_ones_own_under_the_same_number_stays() {
    let data = tempfile::tempdir().unwrap();
    let (runtime, registry) = registry(data.path(), Onnx::load());
    let mut own = combined("1.0.0", 7);
    own.metadata("lehr.data", "our own plant");
    registry.register(&written(&own), None, &Changed::new("anna", "")).unwrap();
    registry.start_with(&[shipped(ensemble("1.0.0"))]).unwrap();
    let snapshot = runtime.snapshot();
    let row = find(&snapshot, KIND, version(0)).unwrap();
    assert_eq!((row.data.as_str(), registry.state(row)), ("our own plant", FileState::Ready));
}
