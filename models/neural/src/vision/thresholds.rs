use lehr_camera::Kind;
use lehr_camera::set::Recipe;
use lehr_metrics::detection::{Found, Present};

use super::network::VisionTransformer;
use super::report::{LEAST_OVERLAP, score};
use crate::kernels::Precision;

/// From which score on a finding of each kind counts, in the order of the kinds.
pub type VisionThresholds = [f32; Kind::COUNT];

/// A kind whose findings are wrong more often than this, wherever the threshold is, is not told at all.
const PRECISION_LEAST: f64 = 0.6;
/// No score is above 1.
const NEVER: f32 = 1.01;

/// The scores at which precision and recall together are best (F1) on a set that was not learned, among those from which
/// on findings are right often enough; flaws that do not show count neither way.
pub fn thresholds(network: &VisionTransformer, validation: &Recipe, rows: usize) -> VisionThresholds {
    let tally = score(network, Precision::Single, network.blocks.len(), validation, rows).tally;
    std::array::from_fn(|kind| best(&decisions(kind, &tally.found, &tally.visible, &tally.hidden), tally.count(kind)))
}

/// The findings of a kind, the surest first, and whether each is right; those of flaws that do not show are left out.
pub(super) fn decisions(kind: usize, found: &[Found], visible: &[Present], hidden: &[Present]) -> Vec<(f32, bool)> {
    let mut found: Vec<&Found> = found.iter().filter(|found| found.class == kind).collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut taken = vec![false; visible.len()];
    let over = |found: &Found, present: &Present| {
        present.class == kind && present.picture == found.picture && found.rect.iou(&present.rect) >= LEAST_OVERLAP
    };
    let mut decided = vec![];
    for found in found {
        let place = visible.iter().enumerate().position(|(at, present)| !taken[at] && over(found, present));
        if let Some(place) = place {
            taken[place] = true;
        } else if hidden.iter().any(|present| over(found, present)) {
            continue;
        }
        decided.push((found.score, place.is_some()));
    }
    decided
}

/// The least score of the findings by which F1 is greatest; `present`: flaws that there are.
fn best(decided: &[(f32, bool)], present: usize) -> f32 {
    let (mut right, mut greatest, mut at) = (0, 0.0, NEVER);
    for (count, (score, is_right)) in decided.iter().enumerate() {
        right += usize::from(*is_right);
        let f1 = 2.0 * right as f64 / (count + 1 + present) as f64;
        if f1 > greatest && right as f64 >= PRECISION_LEAST * (count + 1) as f64 {
            (greatest, at) = (f1, *score);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_mostly_wrong_is_never_told() {
        assert_eq!(best(&[(0.9, false), (0.8, true), (0.7, false), (0.6, true)], 4), NEVER);
        assert_eq!(best(&[], 5), NEVER);
        assert_eq!(best(&[(0.9, false)], 5), NEVER);
    }

    #[test]
    fn the_threshold_is_where_more_findings_would_be_wrong_more_often_than_right() {
        let decided = [(0.9, true), (0.8, false), (0.7, true), (0.6, true), (0.5, false), (0.4, false), (0.3, true)];
        assert_eq!(best(&decided, 5), 0.6);
    }
}
