//! What became of each proposal: the earliest decision that is not from before it, of two at once that of the lower
//! number.

use super::base::Base;
use lehr_dataflows::tables::RecommendationRow;
use lehr_domain::Event;
use lehr_domain::recommendation::{Decision, RecommendationState, Resolution};
use std::collections::BTreeSet;

pub fn recommendations(base: &Base) -> BTreeSet<RecommendationRow> {
    let decisions: Vec<&Decision> =
        base.rows().filter_map(|event| if let Event::Decision(row) = event { Some(row) } else { None }).collect();
    let mut rows = BTreeSet::new();
    for event in base.rows() {
        let Event::Recommendation(id, proposed) = event else { continue };
        let mut of: Vec<&&Decision> = decisions
            .iter()
            .filter(|decision| decision.recommendation == *id && decision.at >= proposed.made_at)
            .collect();
        of.sort_by_key(|decision| (decision.at, decision.id));
        let state = match of.first().map(|decision| decision.resolution) {
            None => RecommendationState::Proposed,
            Some(Resolution::Approve) => RecommendationState::Approved,
            Some(Resolution::Reject) => RecommendationState::Rejected,
            Some(Resolution::Withdraw) => RecommendationState::Withdrawn,
        };
        rows.insert(RecommendationRow {
            recommendation_id: *id,
            production_line: proposed.line,
            state,
            made_at: proposed.made_at,
            by: proposed.by.clone(),
            origin: proposed.origin,
            reason: proposed.reason.clone(),
            large: proposed.large,
            decided_at: of.first().map(|decision| decision.at),
            decided_by: of.first().map(|decision| decision.by.clone()),
            decision_reason: of.first().map(|decision| decision.reason.clone()),
            steps: proposed.steps.clone(),
            expected: proposed.expected,
        });
    }
    rows
}
