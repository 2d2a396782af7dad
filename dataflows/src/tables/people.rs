//! What people keep, propose, decide and did.

use lehr_domain::names::Names;
use lehr_domain::recommendation::{Decision, Expected, Origin, Recommendation, RecommendationState, Step};
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::{AlertId, EventMs, LineId, RecommendationId, ScenarioId, SpanMs, table};

table! {
    /// What-if scenarios that are kept.
    pub struct ScenarioRow in "scenarios" {
        /// Number.
        pub scenario_id: ScenarioId,
        /// Name.
        pub name: String,
        /// Production line.
        pub production_line: LineId,
        /// How far ahead, seconds.
        pub duration_s: SpanMs,
        /// Set-points as they would be.
        pub settings: Settings,
        /// Who made it.
        pub by: String,
        /// When, plant time.
        pub made_at: EventMs,
    }
}

impl ScenarioRow {
    pub fn new(id: ScenarioId, def: Scenario) -> ScenarioRow {
        ScenarioRow {
            scenario_id: id,
            name: def.name,
            production_line: def.line,
            duration_s: def.duration,
            settings: def.settings,
            by: def.by,
            made_at: def.made_at,
        }
    }
}

table! {
    /// Changes of set-points that were proposed, and what was decided about them. None of them is made by Lehr: an
    /// approved one is carried out by hand.
    pub struct RecommendationRow in "recommendations" {
        /// Made from what is proposed, where and when, so that the same inputs give the same id.
        pub recommendation_id: RecommendationId,
        /// Production line.
        pub production_line: LineId,
        /// proposed, approved, rejected or withdrawn.
        pub state: RecommendationState,
        /// When it was proposed, plant time.
        pub made_at: EventMs,
        /// Who proposed it.
        pub by: String,
        /// Where it came from: what_if or agent.
        pub origin: Origin,
        /// Why.
        pub reason: String,
        /// Whether a step is greater than one that needs no person with the right to approve it.
        pub large: bool,
        /// When it was decided; null while it waits.
        pub decided_at: Option<EventMs>,
        /// Who decided.
        pub decided_by: Option<String>,
        /// Why so.
        pub decision_reason: Option<String>,
    }
    hidden {
        /// What would change.
        pub steps: Vec<Step>,
        /// What the twin expected of it when it was proposed.
        pub expected: Expected,
    }
    derived {
        /// Set-points as they were and as they would be.
        settings: text = |row, names| Some(settings(row, names)),
        /// How far ahead was looked, seconds.
        duration_s: f64 = |row, _| Some(row.expected.over.0 as f64 / 1000.0),
        /// Expected change of the share of units with a defect.
        defect_rate_change: f64 = |row, _| Some(row.expected.defect_rate.value.to_f64()),
        /// Low end of its 90 % band.
        defect_rate_low: f64 = |row, _| Some(row.expected.defect_rate.low.to_f64()),
        /// High end of its 90 % band.
        defect_rate_high: f64 = |row, _| Some(row.expected.defect_rate.high.to_f64()),
        /// Expected change of the share of units good at the first pass.
        quality_score_change: f64 = |row, _| Some(row.expected.quality_score.value.to_f64()),
        /// Low end of its 90 % band.
        quality_score_low: f64 = |row, _| Some(row.expected.quality_score.low.to_f64()),
        /// High end of its 90 % band.
        quality_score_high: f64 = |row, _| Some(row.expected.quality_score.high.to_f64()),
        /// Expected change of units per hour.
        rate_per_h_change: f64 = |row, _| Some(row.expected.rate_per_h.value.to_f64()),
        /// Low end of its 90 % band.
        rate_per_h_low: f64 = |row, _| Some(row.expected.rate_per_h.low.to_f64()),
        /// High end of its 90 % band.
        rate_per_h_high: f64 = |row, _| Some(row.expected.rate_per_h.high.to_f64()),
        /// Expected change of energy, kW.
        energy_kw_change: f64 = |row, _| Some(row.expected.energy_kw.value.to_f64()),
        /// Low end of its 90 % band.
        energy_kw_low: f64 = |row, _| Some(row.expected.energy_kw.low.to_f64()),
        /// High end of its 90 % band.
        energy_kw_high: f64 = |row, _| Some(row.expected.energy_kw.high.to_f64()),
        /// Minutes until half of the change has come; null where nothing changes.
        effect_min: f64 = |row, _| Some(row.expected.effect_min?.value.to_f64()),
        /// Low end of its band.
        effect_min_low: f64 = |row, _| Some(row.expected.effect_min?.low.to_f64()),
        /// High end of its band.
        effect_min_high: f64 = |row, _| Some(row.expected.effect_min?.high.to_f64()),
        /// Whether a parameter goes beyond what the twin had seen on this line.
        unseen: bool = |row, _| Some(row.expected.unseen),
    }
}

impl RecommendationRow {
    /// What was proposed, and the decision that holds.
    pub fn new(id: RecommendationId, proposed: Recommendation, decision: Option<Decision>) -> RecommendationRow {
        let state = decision.as_ref().map_or(RecommendationState::Proposed, |decision| decision.resolution.state());
        let decided_at = decision.as_ref().map(|decision| decision.at);
        let (decided_by, decision_reason) = decision.map(|decision| (decision.by, decision.reason)).unzip();
        RecommendationRow {
            recommendation_id: id,
            production_line: proposed.line,
            state,
            made_at: proposed.made_at,
            by: proposed.by,
            origin: proposed.origin,
            reason: proposed.reason,
            large: proposed.large,
            decided_at,
            decided_by,
            decision_reason,
            steps: proposed.steps,
            expected: proposed.expected,
        }
    }
}

fn settings(row: &RecommendationRow, names: &Names) -> String {
    let step = |step: &Step| {
        let (name, unit) = (names.parameter(step.parameter), names.unit(row.production_line, step.parameter));
        format!("{name} {} → {} {unit}", step.from, step.to).trim_end().to_owned()
    };
    row.steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

table! {
    /// What people did about alerts.
    pub struct OperatorEventRow in "operator_events" {
        /// Number.
        pub id: u64,
        /// Alert.
        pub alert_id: AlertId,
        /// When.
        pub at: EventMs,
        /// What.
        pub action: String,
        /// Who.
        pub by: String,
        /// Why.
        pub reason: String,
    }
}

table! {
    /// The audit trail: every change of configuration or state.
    pub struct AuditRow in "audit" {
        /// Number.
        pub id: u64,
        /// When, plant time.
        pub at: EventMs,
        /// Who.
        pub by: String,
        /// What was done.
        pub action: String,
        /// To what.
        pub subject: String,
        /// What was there before.
        pub before: String,
        /// What is there now.
        pub after: String,
        /// Why.
        pub reason: String,
    }
}
