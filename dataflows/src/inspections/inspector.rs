//! What a trained inspector must be able to do. Graphs know no networks and no files: the inspector is handed in.

use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use lehr_domain::unit::{Defect, Unit};
use std::cmp::Reverse;

/// Trained inspectors, all versions of them, and the pictures that they look at.
///
/// **Contract:** what is found is a function of the version and the content, whatever else is inspected with it, before
/// it or beside it. A version or a file that is not there, or fails, gives `None`, and says so elsewhere.
pub trait Inspector: Sync + std::fmt::Debug {
    /// One answer a picture.
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>>;
}

/// What is found on a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(Vec<Defect>);

impl Found {
    /// The surest [`Unit::MAX_DEFECTS`] of some findings, sorted as those of units are.
    pub fn of(mut findings: Vec<Defect>) -> Found {
        findings.sort_by_key(|finding| (Reverse(finding.score), *finding));
        findings.truncate(Unit::MAX_DEFECTS);
        findings.sort();
        Found(findings)
    }

    pub fn findings(&self) -> &[Defect] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::PerMille;
    use lehr_domain::unit::DefectType;

    #[test]
    fn of_too_many_findings_the_surest_are_kept_and_sorted() {
        let finding = |number: u8| Defect {
            defect: DefectType::ALL[usize::from(number) % 6],
            score: PerMille(500 + i32::from(number)),
            bounds: [number; 4],
        };
        let found = Found::of((0..20).map(finding).collect());
        assert_eq!(found.findings().len(), Unit::MAX_DEFECTS);
        assert!(found.findings().is_sorted());
        assert!(found.findings().iter().all(|finding| finding.score >= PerMille(504)), "{found:?}");
        assert_eq!(found, Found::of((0..20).rev().map(finding).collect()));
    }
}
