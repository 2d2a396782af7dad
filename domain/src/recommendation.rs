//! Changes of set-points that are proposed, and what people decide about them. Inputs like any other: journalled,
//! audited, the same for everybody. A decision sets nothing: who approves a change says that it may be made.

use crate::ids::stable_hash;
use crate::names::Names;
use crate::table::{Cell, ColumnType, Publish};
use crate::{EventMs, LineId, Micro, ParameterId, RecommendationId, SpanMs};
use serde::{Deserialize, Serialize};

/// A proposed change of set-points on one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Recommendation {
    pub line: LineId,
    /// By parameter, each once, at least one.
    pub steps: Vec<Step>,
    pub origin: Origin,
    /// Who proposes it.
    pub by: String,
    pub made_at: EventMs,
    /// Why, for whoever decides.
    pub reason: String,
    pub expected: Expected,
    /// A step was greater than [`crate::control::ControlLimit::approval_above`] when it was proposed.
    pub large: bool,
}

/// A set-point as it is and as it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step {
    pub parameter: ParameterId,
    /// In force when it was proposed.
    pub from: Micro,
    pub to: Micro,
}

/// Where a recommendation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// Somebody asked the twin what would be.
    WhatIf,
    /// The control agent.
    Agent,
}

/// What the twin expects of it, over the time looked ahead, against things left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Expected {
    /// How far ahead was looked.
    pub over: SpanMs,
    /// Change of the share of units with a defect.
    pub defect_rate: Band,
    /// Change of the share of units that are good at the first pass.
    pub quality_score: Band,
    pub rate_per_h: Band,
    pub energy_kw: Band,
    /// Minutes until half of the change has come; `None` where nothing changes.
    pub effect_min: Option<Band>,
    /// A parameter goes beyond what the twin has seen on this line, so that it knows less than the bands say.
    pub unseen: bool,
}

/// An estimate and the band that holds it nine times out of ten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Band {
    pub value: Micro,
    pub low: Micro,
    pub high: Micro,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resolution {
    Approve,
    Reject,
    /// Taken back by who proposed it.
    Withdraw,
}

/// Who decided what about which recommendation, when and why. The first one holds, by time and then by number; one
/// from before the proposal was made decides nothing, so that what decides leaves no earlier than what it decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Decision {
    /// Unique; a repeated delivery of the same decision has the same id.
    pub id: u64,
    pub recommendation: RecommendationId,
    pub at: EventMs,
    pub resolution: Resolution,
    pub by: String,
    /// Mandatory for a rejection.
    pub reason: String,
}

/// What has become of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecommendationState {
    /// Waits for a decision.
    Proposed,
    /// May be carried out.
    Approved,
    Rejected,
    Withdrawn,
}

impl Recommendation {
    /// The id: made from what is proposed, where and when, so that the same inputs give the same id, and that one
    /// which has left by retention is never mistaken for another.
    pub fn id(&self) -> RecommendationId {
        let steps = self.steps.iter().flat_map(|step| [u64::from(step.parameter.0), step.to.0 as u64]);
        let parts: Vec<u64> = [u64::from(self.line.0), self.made_at.0 as u64].into_iter().chain(steps).collect();
        RecommendationId(stable_hash(&parts))
    }
}

impl Origin {
    pub const ALL: [Origin; 2] = [Origin::WhatIf, Origin::Agent];

    pub fn text(self) -> &'static str {
        match self {
            Origin::WhatIf => "what_if",
            Origin::Agent => "agent",
        }
    }
}

impl Resolution {
    pub const ALL: [Resolution; 3] = [Resolution::Approve, Resolution::Reject, Resolution::Withdraw];

    pub fn text(self) -> &'static str {
        match self {
            Resolution::Approve => "approve",
            Resolution::Reject => "reject",
            Resolution::Withdraw => "withdraw",
        }
    }

    /// What it makes of a proposal.
    pub fn state(self) -> RecommendationState {
        match self {
            Resolution::Approve => RecommendationState::Approved,
            Resolution::Reject => RecommendationState::Rejected,
            Resolution::Withdraw => RecommendationState::Withdrawn,
        }
    }
}

impl RecommendationState {
    pub const ALL: [RecommendationState; 4] = [
        RecommendationState::Proposed,
        RecommendationState::Approved,
        RecommendationState::Rejected,
        RecommendationState::Withdrawn,
    ];

    pub fn text(self) -> &'static str {
        match self {
            RecommendationState::Proposed => "proposed",
            RecommendationState::Approved => "approved",
            RecommendationState::Rejected => "rejected",
            RecommendationState::Withdrawn => "withdrawn",
        }
    }
}

impl Publish for Origin {
    const KIND: ColumnType = ColumnType::Text;

    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.text().to_owned())
    }
}

impl Publish for RecommendationState {
    const KIND: ColumnType = ColumnType::Text;

    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.text().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal() -> Recommendation {
        let band = Band::default();
        let expected = Expected {
            over: SpanMs::hours(6),
            defect_rate: band,
            quality_score: band,
            rate_per_h: band,
            energy_kw: band,
            effect_min: None,
            unseen: false,
        };
        let steps = vec![Step { parameter: ParameterId(1), from: Micro::units(150), to: Micro::units(140) }];
        Recommendation {
            line: LineId(0),
            steps,
            origin: Origin::WhatIf,
            by: "ada".into(),
            made_at: EventMs(1000),
            reason: "fewer cracks".into(),
            expected,
            large: false,
        }
    }

    #[test]
    fn the_id_tells_what_where_and_when_and_nothing_else() {
        let one = proposal();
        assert_eq!(one.id(), Recommendation { by: "bob".into(), reason: "x".into(), ..one.clone() }.id());
        let mut other = one.clone();
        other.steps[0].to = Micro::units(141);
        let elsewhere = Recommendation { line: LineId(1), ..one.clone() };
        let later = Recommendation { made_at: EventMs(1001), ..one.clone() };
        for changed in [other, elsewhere, later] {
            assert_ne!(one.id(), changed.id());
        }
    }
}
