//! What to do about a defect: known interventions, made concrete for the present values of parameters.

use lehr_domain::unit::DefectType;
use lehr_domain::{Micro, ParameterId, PerMille, SpanMs};
use std::collections::BTreeMap;

/// By how much a parameter is to change, from the gentlest to the strongest step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In the parameter's unit.
    By(Micro, Micro),
    /// As a share of the present value.
    Share(PerMille, PerMille),
}

/// A known remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    pub defect: DefectType,
    /// When it is called for.
    pub trigger: String,
    pub parameter: ParameterId,
    pub change: Change,
    /// Expected fall of the defect's rate, as a share of it.
    pub reduction: PerMille,
    /// Time until the effect shows.
    pub effect_min: SpanMs,
    pub effect_max: SpanMs,
}

/// Bounds that no proposed value leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub parameter: ParameterId,
    pub low: Micro,
    pub high: Micro,
    /// A greater change needs a person with the right to approve it.
    pub approval_above: Micro,
}

/// An intervention with values to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub intervention: Intervention,
    pub current: Micro,
    /// The gentlest and the strongest value to set, within the limits.
    pub new_values: (Micro, Micro),
    /// A limit kept the step smaller than the knowledge base asks, so expect less effect.
    pub clipped: bool,
    pub needs_approval: bool,
}

impl Change {
    fn applied_to(self, current: Micro) -> (Micro, Micro) {
        let share = |share: PerMille| {
            // Wider than i64 on the way: a value times a thousand.
            let step = i128::from(current.0) * i128::from(share.0) / 1000;
            Micro(current.0.saturating_add(step as i64))
        };
        match self {
            Change::By(least, most) => {
                (Micro(current.0.saturating_add(least.0)), Micro(current.0.saturating_add(most.0)))
            }
            Change::Share(least, most) => (share(least), share(most)),
        }
    }
}

/// The interventions against `defect` whose parameter has a known value: those that fit within the limits in
/// full first, then the most effective, then the fastest. One whose limit leaves no room is left out.
pub(crate) fn proposals(
    interventions: &[Intervention],
    limits: &[Limit],
    defect: DefectType,
    current_parameters: &BTreeMap<ParameterId, Micro>,
) -> Vec<Proposal> {
    let mut found = Vec::new();
    for intervention in interventions.iter().filter(|intervention| intervention.defect == defect) {
        let Some(&current) = current_parameters.get(&intervention.parameter) else { continue };
        let limit = limits.iter().find(|limit| limit.parameter == intervention.parameter);
        let asked = intervention.change.applied_to(current);
        let within = |value: Micro| limit.map_or(value, |limit| value.clamp(limit.low, limit.high));
        let new_values = (within(asked.0), within(asked.1));
        let against = |new: Micro, asked: Micro| (new.0 - current.0).signum() != (asked.0 - current.0).signum();
        if against(new_values.0, asked.0) && against(new_values.1, asked.1) {
            continue;
        }
        let step = (new_values.1.0 - current.0).abs().max((new_values.0.0 - current.0).abs());
        found.push(Proposal {
            clipped: new_values != asked,
            needs_approval: limit.is_some_and(|limit| step > limit.approval_above.0),
            intervention: intervention.clone(),
            current,
            new_values,
        });
    }
    found.sort_by_key(|proposal| {
        let known = &proposal.intervention;
        (proposal.clipped, -known.reduction.0, known.effect_min, known.parameter)
    });
    found
}
