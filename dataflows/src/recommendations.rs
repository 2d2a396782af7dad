//! Recommendations: proposals, and what people decided about them, as a life.
//!
//! ```text
//! proposals ─┐
//!            ├ facts by recommendation → one row
//! decisions ─┘
//! ```
//!
//! The first decision holds, by time and then by number; one from before the proposal decides nothing. So the row is a
//! function of the facts that are there, in whatever order they came, and a decision without a proposal tells nothing.
//!
//! **Retention.** Both leave by their own time. A decision that counts is never older than its proposal, so it does not
//! leave before it, and what is decided never looks open again.
//!
//! State: per recommendation its few facts.

use crate::Rows;
use crate::operators::{Known, row_of_facts};
use crate::tables::RecommendationRow;
use lehr_domain::RecommendationId;
use lehr_domain::recommendation::{Decision, Recommendation};
use serde::{Deserialize, Serialize};

/// Something that is known of a recommendation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Proposed(Recommendation),
    Decided(Decision),
}

/// Proposals × decisions → recommendations with their life.
pub fn recommendations<'s>(
    proposals: Rows<'s, (RecommendationId, Recommendation)>,
    decisions: Rows<'s, Decision>,
) -> Rows<'s, RecommendationRow> {
    let proposed = proposals.map(|(id, row)| (id, Fact::Proposed(row)));
    let decided = decisions.map(|row| (row.recommendation, Fact::Decided(row)));
    row_of_facts(proposed.concat(decided), "recommendations", row)
}

/// The recommendation's row; `None` when nothing was proposed.
fn row(id: &RecommendationId, known: &Known<Fact>) -> Option<RecommendationRow> {
    let (mut proposed, mut decisions) = (None, Vec::new());
    for fact in known.facts() {
        match fact {
            Fact::Proposed(row) => proposed = Some(row),
            Fact::Decided(row) => decisions.push(row),
        }
    }
    let proposed = proposed?;
    let counting = decisions.into_iter().filter(|decision| decision.at >= proposed.made_at);
    let decision = counting.min_by_key(|decision| (decision.at, decision.id));
    Some(RecommendationRow::new(*id, proposed.clone(), decision.cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Diff;
    use crate::trials::{assert_tracks, plant};
    use lehr_domain::recommendation::{Band, Expected, Origin, RecommendationState, Resolution, Step};
    use lehr_domain::{EventMs, Micro, ParameterId, SpanMs};
    use rand::RngExt;
    use rand::seq::SliceRandom;
    use std::collections::{BTreeMap, BTreeSet};

    fn proposal(made_at: i64) -> Recommendation {
        let band = Band { value: Micro(2), low: Micro(1), high: Micro(3) };
        Recommendation {
            line: lehr_domain::LineId(0),
            steps: vec![Step { parameter: ParameterId(0), from: Micro(1), to: Micro(2) }],
            origin: Origin::WhatIf,
            by: "ada".into(),
            made_at: EventMs(made_at),
            reason: "cracks".into(),
            expected: Expected {
                over: SpanMs::hours(6),
                defect_rate: band,
                quality_score: band,
                rate_per_h: band,
                energy_kw: band,
                effect_min: None,
                unseen: false,
            },
            large: false,
        }
    }

    fn decision(of: u64, id: u64, at: i64, resolution: Resolution) -> Decision {
        let recommendation = RecommendationId(of);
        Decision { id, recommendation, at: EventMs(at), resolution, by: format!("{id}"), reason: "so".into() }
    }

    type Said = (RecommendationId, Fact);

    fn graph<'s>(said: Rows<'s, Said>) -> Rows<'s, RecommendationRow> {
        let proposals = said.clone().flat_map(|(id, fact)| match fact {
            Fact::Proposed(row) => Some((id, row)),
            Fact::Decided(_) => None,
        });
        let decisions = said.flat_map(|(_, fact)| if let Fact::Decided(row) = fact { Some(row) } else { None });
        recommendations(proposals, decisions)
    }

    /// After the words of the documentation, with loops.
    fn oracle(said: &BTreeSet<Said>) -> BTreeSet<RecommendationRow> {
        let mut rows = BTreeSet::new();
        for (id, fact) in said {
            let Fact::Proposed(proposed) = fact else { continue };
            let mut first: Option<&Decision> = None;
            for (of, fact) in said {
                let Fact::Decided(decision) = fact else { continue };
                if of != id || decision.at < proposed.made_at {
                    continue;
                }
                let earlier =
                    |held: &Decision| decision.at < held.at || (decision.at == held.at && decision.id < held.id);
                if first.is_none_or(earlier) {
                    first = Some(decision);
                }
            }
            rows.insert(RecommendationRow {
                recommendation_id: *id,
                production_line: proposed.line,
                state: match first.map(|decision| decision.resolution) {
                    None => RecommendationState::Proposed,
                    Some(Resolution::Approve) => RecommendationState::Approved,
                    Some(Resolution::Reject) => RecommendationState::Rejected,
                    Some(Resolution::Withdraw) => RecommendationState::Withdrawn,
                },
                made_at: proposed.made_at,
                by: proposed.by.clone(),
                origin: proposed.origin,
                reason: proposed.reason.clone(),
                large: proposed.large,
                decided_at: first.map(|decision| decision.at),
                decided_by: first.map(|decision| decision.by.clone()),
                decision_reason: first.map(|decision| decision.reason.clone()),
                steps: proposed.steps.clone(),
                expected: proposed.expected,
            });
        }
        rows
    }

    #[test]
    fn lives_equal_their_words_while_facts_come_and_go() {
        let (mut open, mut decided) = (0, 0);
        for seed in 0..6 {
            let mut rng = plant::rng(seed);
            let (mut held, mut snapshots): (BTreeSet<Said>, _) = (BTreeSet::new(), Vec::new());
            for _ in 0..25 {
                for _ in 0..6 {
                    let of = rng.random_range(0..12);
                    if rng.random_range(0..3) == 0 {
                        // One proposal holds for an id.
                        held.retain(|(id, fact)| id.0 != of || matches!(fact, Fact::Decided(_)));
                        if rng.random_range(0..4) > 0 {
                            held.insert((RecommendationId(of), Fact::Proposed(proposal(rng.random_range(0..10)))));
                        }
                    } else {
                        let resolution = Resolution::ALL[rng.random_range(0..3)];
                        let (id, at) = (rng.random_range(0..40), rng.random_range(0..20));
                        let fact = Fact::Decided(decision(of, id, at, resolution));
                        let said = (RecommendationId(of), fact);
                        if !held.remove(&said) {
                            held.insert(said);
                        }
                    }
                }
                snapshots.push(held.clone());
            }
            let outputs = assert_tracks(seed, &snapshots, graph, oracle);
            let rows = || outputs.iter().flatten();
            open += rows().filter(|row| row.state == RecommendationState::Proposed).count();
            decided += rows().filter(|row| row.decided_by.is_some()).count();
        }
        assert!(open > 50 && decided > 50, "{open} open, {decided} decided: too few to test anything");
    }

    #[test]
    fn the_first_decision_holds_in_whatever_order_all_came() {
        let facts = [
            Fact::Proposed(proposal(10)),
            Fact::Decided(decision(7, 3, 9, Resolution::Withdraw)),
            Fact::Decided(decision(7, 2, 11, Resolution::Reject)),
            Fact::Decided(decision(7, 1, 11, Resolution::Approve)),
            Fact::Decided(decision(7, 0, 12, Resolution::Withdraw)),
        ];
        let mut rng = plant::rng(1);
        for _ in 0..60 {
            let mut order = facts.to_vec();
            order.shuffle(&mut rng);
            let (mut known, mut held) = (Known::default(), BTreeMap::<RecommendationRow, Diff>::new());
            for fact in order {
                let mut out = Vec::new();
                known.restate(&[(fact, 1)], |known| row(&RecommendationId(7), known), &mut out);
                for (row, diff) in out {
                    *held.entry(row).or_default() += diff;
                }
                held.retain(|_, diff| *diff != 0);
                assert!(held.len() <= 1 && held.values().all(|diff| *diff == 1), "{held:?}");
            }
            let row = held.into_keys().next().expect("it was proposed");
            assert_eq!((row.state, row.decided_by.as_deref()), (RecommendationState::Approved, Some("1")));
        }
    }
}
