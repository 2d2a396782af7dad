//! Detection rules: looked at and edited as rows, so that an edit corrects what the old limit detected.

use super::App;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, TEXT_MOST, answer, list, nullable, number, object, row, text};
use crate::auth::Role;
use lehr_dataflows::tables::RuleRow;
use lehr_domain::rule::{Check, Rule, Severity};
use lehr_domain::{Event, Micro, PerMille, RuleId, SpanMs};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use warp::http::Method;

/// Panes of the longest delay: a day of one-minute panes.
const DELAY_MOST: u16 = 1440;
const VALUE_MOST: f64 = Micro::MAX_UNITS;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Grave {
    Low,
    Medium,
    High,
    Critical,
}

/// What is absent stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    enabled: Option<bool>,
    severity: Option<Grave>,
    /// Consecutive panes before it counts.
    #[schemars(range(min = 1, max = DELAY_MOST))]
    on_delay: Option<u16>,
    /// Consecutive panes before it is over.
    #[schemars(range(min = 1, max = DELAY_MOST))]
    off_delay: Option<u16>,
    suppress_when_stopped: Option<bool>,
    #[schemars(length(min = 1, max = TEXT_MOST))]
    message: Option<String>,
    #[schemars(length(min = 1, max = TEXT_MOST))]
    advice: Option<String>,
    /// The same as `parameters.limit`.
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    limit: Option<f64>,
    /// The same as `parameters.deadband`.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    deadband: Option<f64>,
    /// Numbers of the condition, by the names under which the rule shows them.
    parameters: Option<BTreeMap<String, f64>>,
    /// Why the rule is changed.
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/rules", "rules", "Detection rules.", rules).answers(answer([("rules", list(rule_schema()))])),
        Route::change(Method::PUT, "/api/rules/{id}", "rules", "Edits a rule.", Role::Engineer, edit)
            .segment("id", Kind::Int(0, i64::from(u32::MAX)), "The rule.")
            .body(schema::of::<Edit>())
            .answers(answer([("rule", rule_schema())]))
            .problems(&[Problem::Conflict]),
    ]
}

fn rule_schema() -> Value {
    let more = object([
        ("check", text()),
        ("parameters", json!({ "type": "object", "additionalProperties": number() })),
        ("limit", nullable(number())),
        ("deadband", nullable(number())),
    ]);
    json!({ "allOf": [row::<RuleRow>(), more] })
}

/// A number of a check, in the unit in which people see it.
enum Part<'c> {
    Value(&'c mut Micro),
    Share(&'c mut PerMille),
    Seconds(&'c mut SpanMs),
    Count(&'c mut u16),
    /// The number of a run rule, up to the most there are.
    RunRule(&'c mut u8, u8),
}

impl Part<'_> {
    fn get(&self) -> f64 {
        match self {
            Part::Value(value) => value.to_f64(),
            Part::Share(share) => share.to_f64(),
            Part::Seconds(span) => span.0 as f64 / 1000.0,
            Part::Count(count) => f64::from(**count),
            Part::RunRule(rule, _) => f64::from(**rule),
        }
    }

    fn set(&mut self, number: f64) -> Result<(), String> {
        let whole = |most: f64| match number.fract() == 0.0 && (1.0..=most).contains(&number) {
            true => Ok(number),
            false => Err(format!("must be a whole number from 1 to {most}")),
        };
        match self {
            Part::Value(value) => **value = Micro::from_f64(number).map_err(|error| error.to_string())?,
            Part::Share(share) if (0.0..=1000.0).contains(&number) => share.0 = (number * 1000.0).round() as i32,
            Part::Share(_) => return Err("must lie in 0 to 1000".into()),
            Part::Seconds(span) if (1.0..=604_800.0).contains(&number) => span.0 = (number * 1000.0).round() as i64,
            Part::Seconds(_) => return Err("must be 1 s to 7 days".into()),
            Part::Count(count) => **count = whole(f64::from(DELAY_MOST))? as u16,
            Part::RunRule(rule, most) => **rule = whole(f64::from(*most))? as u8,
        }
        Ok(())
    }
}

/// What a check is called, and its numbers by name.
fn parts(check: &mut Check) -> (&'static str, Vec<(&'static str, Part<'_>)>) {
    use Part::{Count, RunRule, Seconds, Share, Value};
    match check {
        Check::High { limit, deadband } => ("high", vec![("limit", Value(limit)), ("deadband", Value(deadband))]),
        Check::Low { limit, deadband } => ("low", vec![("limit", Value(limit)), ("deadband", Value(deadband))]),
        Check::RateOfChange { per_minute } => ("rate_of_change", vec![("per_minute", Value(per_minute))]),
        Check::Variation { limit } => ("variation", vec![("limit", Value(limit))]),
        Check::Nelson { rule } => ("nelson", vec![("rule", RunRule(rule, 8))]),
        Check::WesternElectric { rule } => ("western_electric", vec![("rule", RunRule(rule, 4))]),
        Check::Ewma { lambda, width } => ("ewma", vec![("lambda", Share(lambda)), ("width", Share(width))]),
        Check::Cusum { slack, threshold } => ("cusum", vec![("slack", Share(slack)), ("threshold", Share(threshold))]),
        Check::Drift { band } => ("drift", vec![("band", Value(band))]),
        Check::Stale { after } => ("stale", vec![("after_s", Seconds(after))]),
        Check::Stuck { panes } => ("stuck", vec![("panes", Count(panes))]),
        Check::BadQuality { share } => ("bad_quality", vec![("share", Share(share))]),
        Check::DefectRate { limit, minutes, min_units } => {
            ("defect_rate", vec![("limit", Share(limit)), ("minutes", Count(minutes)), ("min_units", Count(min_units))])
        }
        Check::DefectCount { defect: _, per_minute, minutes } => {
            ("defect_count", vec![("per_minute", Value(per_minute)), ("minutes", Count(minutes))])
        }
        Check::QualityScore { limit, minutes, min_units } => (
            "quality_score",
            vec![("limit", Share(limit)), ("minutes", Count(minutes)), ("min_units", Count(min_units))],
        ),
        Check::LineState { state: _ } => ("line_state", Vec::new()),
        Check::Twin { kind: _ } => ("twin", Vec::new()),
    }
}

fn rule_json(snapshot: &Snapshot, row: &RuleRow) -> Value {
    let mut check = row.condition;
    let (kind, parts) = parts(&mut check);
    let parameters: Map<String, Value> = parts.iter().map(|(name, part)| ((*name).into(), part.get().into())).collect();
    let mut json = row_to_json(row, &snapshot.names);
    json["check"] = kind.into();
    for name in ["limit", "deadband"] {
        json[name] = parameters.get(name).cloned().unwrap_or_default();
    }
    json["parameters"] = parameters.into();
    json
}

async fn rules(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let rules: Vec<Value> = snapshot.rules.iter().map(|row| rule_json(&snapshot, row)).collect();
    Ok(look::answer(&snapshot, json!({ "rules": rules })).into())
}

fn find<'s>(snapshot: &'s Snapshot, call: &Call) -> Result<&'s RuleRow, ApiError> {
    let unknown = || ApiError::not_found(format!("rule {}", call.path[0]));
    let id: u32 = call.path[0].parse().map_err(|_| unknown())?;
    snapshot.rules.get(|row| row.rule_id.cmp(&RuleId(id))).ok_or_else(unknown)
}

/// The rule after the edit.
fn edited(row: &RuleRow, edit: &Edit) -> Result<Rule, ApiError> {
    let severity = edit.severity.map_or(row.severity, |grave| match grave {
        Grave::Low => Severity::Low,
        Grave::Medium => Severity::Medium,
        Grave::High => Severity::High,
        Grave::Critical => Severity::Critical,
    });
    let mut check = row.condition;
    {
        let (kind, mut parts) = parts(&mut check);
        let given = edit.parameters.iter().flatten().map(|(name, number)| (name.as_str(), *number));
        let short = [("limit", edit.limit), ("deadband", edit.deadband)];
        for (name, number) in given.chain(short.into_iter().filter_map(|(name, number)| Some((name, number?)))) {
            // Which numbers fit depends on the rule, so it is its state that refuses them.
            let refused = |why: String| ApiError::field(Problem::Conflict, name, format!("{name} {why}"));
            let known: Vec<&str> = parts.iter().map(|(known, _)| *known).collect();
            let unknown = || refused(format!("is no number of a check {kind}; it has: {}", known.join(", ")));
            let (_, part) = parts.iter_mut().find(|(known, _)| *known == name).ok_or_else(unknown)?;
            part.set(number).map_err(refused)?;
        }
    }
    if let Check::High { deadband, .. } | Check::Low { deadband, .. } = check
        && deadband < Micro(0)
    {
        return Err(ApiError::field(Problem::Conflict, "deadband", "deadband must not be negative"));
    }
    Ok(Rule {
        name: row.name.clone(),
        enabled: edit.enabled.unwrap_or(row.enabled),
        subject: row.subject,
        check,
        severity,
        on_delay: edit.on_delay.unwrap_or(row.on_delay),
        off_delay: edit.off_delay.unwrap_or(row.off_delay),
        suppress_when_stopped: edit.suppress_when_stopped.unwrap_or(row.suppress_when_stopped),
        message: edit.message.clone().unwrap_or_else(|| row.message.clone()),
        advice: edit.advice.clone().unwrap_or_else(|| row.advice.clone()),
    })
}

async fn edit(app: App, call: Call) -> Answer {
    let edit: Edit = call.json()?;
    let _edit = app.edits().lock().await;
    let before = app.runtime().snapshot();
    let row = find(&before, &call)?;
    let rule = edited(row, &edit)?;
    let after = RuleRow {
        rule_id: row.rule_id,
        name: rule.name.clone(),
        enabled: rule.enabled,
        subject: rule.subject,
        condition: rule.check,
        severity: rule.severity,
        on_delay: rule.on_delay,
        off_delay: rule.off_delay,
        suppress_when_stopped: rule.suppress_when_stopped,
        message: rule.message.clone(),
        advice: rule.advice.clone(),
    };
    let audit = Audit {
        by: call.by(),
        action: "rule.update".into(),
        subject: format!("rule {} ({})", row.rule_id.0, row.name),
        before: row_to_json(row, &before.names),
        after: row_to_json(&after, &before.names),
        reason: edit.reason,
    };
    apply(&app, vec![Event::Rule(row.rule_id, Some(rule))], audit).await?;
    let snapshot = app.runtime().snapshot();
    let json = rule_json(&snapshot, find(&snapshot, &call)?);
    Ok(look::answer(&snapshot, json!({ "rule": json })).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::rule::Subject;

    fn row(condition: Check) -> RuleRow {
        RuleRow {
            rule_id: RuleId(1),
            name: "r".into(),
            enabled: true,
            subject: Subject::EverySensor,
            condition,
            severity: Severity::Low,
            on_delay: 1,
            off_delay: 1,
            suppress_when_stopped: false,
            message: "m".into(),
            advice: "a".into(),
        }
    }

    fn edit(json: Value) -> Edit {
        let mut json = json;
        json["reason"] = "because".into();
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_edit_changes_what_it_names_and_nothing_else() {
        let before = row(Check::High { limit: Micro::units(1600), deadband: Micro::units(5) });
        let after = edited(&before, &edit(json!({ "limit": 1590.5, "severity": "CRITICAL" }))).unwrap();
        assert_eq!(after.check, Check::High { limit: Micro(1_590_500_000), deadband: Micro::units(5) });
        assert_eq!((after.severity, after.enabled, after.message.as_str()), (Severity::Critical, true, "m"));
    }

    #[test]
    fn numbers_that_do_not_fit_the_check_are_named() {
        let field = |condition, json| edited(&row(condition), &edit(json)).unwrap_err().field.unwrap();
        let drift = Check::Drift { band: Micro::units(40) };
        assert_eq!(field(drift, json!({ "limit": 3 })), "limit");
        assert_eq!(field(Check::Nelson { rule: 1 }, json!({ "parameters": { "rule": 9 } })), "rule");
        assert_eq!(field(Check::Stuck { panes: 1 }, json!({ "parameters": { "panes": 1.5 } })), "panes");
        assert_eq!(field(Check::BadQuality { share: PerMille(1) }, json!({ "parameters": { "share": -1 } })), "share");
        let high = Check::High { limit: Micro(0), deadband: Micro(0) };
        assert_eq!(field(high, json!({ "parameters": { "deadband": -1 } })), "deadband");
    }
}
