//! Inspectors as files, run by ONNX Runtime on pictures that are handed to them.

mod ahead;
#[path = "../../tests/support/inspector.rs"]
mod file;

use super::{Pictures, RGB_BYTES, Scoring};
use crate::registry;
use crate::registry::tests::library;
use file::{LIGHT, inspector};
use lehr_dataflows::inspections::{Found, Inspector};
use lehr_domain::PerMille;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_domain::picture::Content;
use lehr_domain::unit::{Defect, DefectType};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn version(minor: u32) -> ModelVersion {
    ModelVersion::new(1, minor, 0)
}

/// A picture with one patch of light: red is the content's first byte, blue its second. The third one says in which row.
#[derive(Debug)]
struct Painted;

/// A content of which there is no picture, and one whose file is no picture.
const GONE: u8 = 13;
const BROKEN: u8 = 14;

impl Pictures for Painted {
    fn read(&self, content: Content) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let [red, blue, row, ..] = content.0;
        match row {
            GONE => return Err("it is gone".into()),
            BROKEN => return Ok(vec![0; 5]),
            _ => {}
        }
        let mut rgb = vec![0; RGB_BYTES];
        for y in 0..16 {
            for x in 0..16 {
                let pixel = 3 * ((usize::from(row) * 16 + y) * 224 + 32 + x);
                (rgb[pixel], rgb[pixel + 2]) = (red, blue);
            }
        }
        Ok(rgb)
    }
}

fn content(red: u8, blue: u8, row: u8) -> Content {
    let mut bytes = [0; Content::BYTES];
    (bytes[0], bytes[1], bytes[2]) = (red, blue, row);
    Content(bytes)
}

fn scoring(folder: &Path, files: &[(u32, &str, &str)]) -> Scoring {
    for (minor, unit, metrics) in files {
        let file = registry::file(folder, ModelKind::Inspector, version(*minor));
        std::fs::write(file, inspector(&version(*minor).to_string(), unit, metrics)).unwrap();
    }
    let catalogue = Catalogue::parse(DEFAULT).unwrap();
    Scoring::start(folder.to_owned(), Some(&library()), &catalogue).with_pictures(Arc::new(Painted))
}

/// Types and scores of what was found.
fn seen(found: &Option<Found>) -> Vec<(DefectType, i32)> {
    let found = found.as_ref().expect("it was looked at");
    found.findings().iter().map(|finding| (finding.defect, finding.score.0)).collect()
}

#[test]
fn pictures_are_inspected_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let scoring = scoring(folder.path(), &[(0, LIGHT, "{}")]);
    let red = Defect { defect: DefectType::Crack, score: PerMille(1000), bounds: [32, 48, 16, 16] };
    let contents =
        [content(255, 0, 3), content(0, 0, 3), content(0, 255, 3), content(1, 1, GONE), content(1, 1, BROKEN)];
    let found = scoring.inspect(version(0), &contents);
    assert_eq!(found[0], Some(Found::of(vec![red])));
    assert_eq!(found[1], Some(Found::default()));
    assert_eq!(seen(&found[2]), [(DefectType::Bubble, 1000)]);
    assert_eq!(found[3..], [None, None]);
    assert_eq!(scoring.status().uninspected, 2);
    // More than are scored at once: the same again.
    let many: Vec<Content> = (0..40).map(|place| contents[place % 3]).collect();
    let again = scoring.inspect(version(0), &many);
    assert!(again.iter().enumerate().all(|(place, one)| *one == found[place % 3]));
}

#[test]
fn each_class_has_the_threshold_that_its_training_chose() {
    let folder = tempfile::tempdir().unwrap();
    let strict = r#"{"thresholds":[0.9,0.1,0.5,0.5,0.5,0.5]}"#;
    let scoring = scoring(folder.path(), &[(0, LIGHT, "{}"), (1, LIGHT, strict)]);
    // Logits of 10.04 and 8.63 against nine of none: shares of 0.74 and 0.41.
    let (middling, faint) = (content(128, 0, 2), content(0, 110, 2));
    let types = |minor| {
        let found = scoring.inspect(version(minor), &[middling, faint]);
        found.iter().map(|found| seen(found).into_iter().map(|(defect, _)| defect).collect()).collect::<Vec<Vec<_>>>()
    };
    assert_eq!(types(0), [vec![DefectType::Crack], vec![]], "a half is enough for each where the file does not say");
    assert_eq!(types(1), [vec![], vec![DefectType::Bubble]]);
}

#[test]
fn what_cannot_be_asked_gives_no_answer_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let scoring = scoring(folder.path(), &[(0, LIGHT, "{}"), (1, "light 0-1, 112x112", "{}")]);
    let file = |minor| registry::file(folder.path(), ModelKind::Inspector, version(minor));
    assert!(scoring.check(ModelKind::Inspector, &file(0)).is_ok());
    let said = scoring.check(ModelKind::Inspector, &file(1)).unwrap_err().to_string();
    assert!(said.contains("schema"), "{said}");
    for absent in [1, 9] {
        assert_eq!(scoring.inspect(version(absent), &[content(255, 0, 3)]), [None]);
    }
    let states = scoring.status().models;
    assert_eq!(states.iter().filter(|(kind, _, state)| *kind == ModelKind::Inspector && state.is_err()).count(), 2);
    // Without pictures nothing is inspected, whatever the version.
    let blind = Scoring::start(folder.path().to_owned(), Some(&library()), &Catalogue::parse(DEFAULT).unwrap());
    assert_eq!(blind.inspect(version(0), &[content(255, 0, 3)]), [None]);
    assert_eq!(blind.status().uninspected, 1);
}
