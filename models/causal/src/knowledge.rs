//! The knowledge base as a text: edges, interventions and limits of control, in physical units and names.

use crate::intervention::{Change, Intervention, Limit, Proposal, proposals};
use crate::{CausalError, CausalGraph};
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::names::Names;
use lehr_domain::unit::DefectType;
use lehr_domain::{EdgeId, Micro, ParameterId, PerMille, SpanMs};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The knowledge base of the default plant.
pub const DEFAULT: &str = include_str!("../knowledge.toml");

/// A knowledge base as far as it applies to a plant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnowledgeBase {
    /// Numbered by their place in the text, so that skipped edges do not shift the others.
    pub edges: Vec<(EdgeId, Edge)>,
    pub interventions: Vec<Intervention>,
    pub limits: Vec<Limit>,
    /// What was left out because the plant does not have what it names.
    pub skipped: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default, rename = "edge")]
    edges: Vec<EdgeEntry>,
    #[serde(default, rename = "intervention")]
    interventions: Vec<InterventionEntry>,
    #[serde(default, rename = "limit")]
    limits: Vec<LimitEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NodeEntry {
    Equipment(String),
    Parameter(String),
    Defect(DefectType),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeEntry {
    cause: NodeEntry,
    effect: NodeEntry,
    /// Needed unless the cause is equipment.
    direction: Option<Direction>,
    threshold: Option<f64>,
    confidence: f64,
    lag_min: String,
    lag_max: String,
    mechanism: String,
    advice: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeEntry {
    By([f64; 2]),
    Share([f64; 2]),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InterventionEntry {
    defect: DefectType,
    trigger: String,
    parameter: String,
    change: ChangeEntry,
    reduction: f64,
    effect_min: String,
    effect_max: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitEntry {
    parameter: String,
    low: f64,
    high: f64,
    approval_above: f64,
}

fn micro(entry: &str, field: &'static str, value: f64) -> Result<Micro, CausalError> {
    Micro::from_f64(value).map_err(|error| CausalError::field(entry, field, value, error))
}

fn span(entry: &str, field: &'static str, text: &str) -> Result<SpanMs, CausalError> {
    SpanMs::parse(text).map_err(|error| CausalError::field(entry, field, text, error))
}

fn share(entry: &str, field: &'static str, value: f64, least: f64) -> Result<PerMille, CausalError> {
    if (least..=1.0).contains(&value) {
        Ok(PerMille((value * 1000.0).round() as i32))
    } else {
        Err(CausalError::field(entry, field, value, format!("must lie in {least} to 1")))
    }
}

impl NodeEntry {
    fn text(&self) -> &str {
        match self {
            NodeEntry::Equipment(name) | NodeEntry::Parameter(name) => name,
            NodeEntry::Defect(defect) => defect.text(),
        }
    }

    fn node(&self, names: &Names) -> Option<Node> {
        match self {
            NodeEntry::Equipment(name) => names.equipment_id(name).map(Node::Equipment),
            NodeEntry::Parameter(name) => names.parameter_id(name).map(Node::Parameter),
            NodeEntry::Defect(defect) => Some(Node::Defect(*defect)),
        }
    }
}

impl EdgeEntry {
    fn edge(&self, entry: &str, cause: Node, effect: Node) -> Result<Edge, CausalError> {
        let direction = match (cause, self.direction) {
            (_, Some(direction)) => direction,
            (Node::Equipment(_), None) => Direction::Variation,
            (_, None) => return Err(CausalError::field(entry, "direction", "", "is needed: high, low or variation")),
        };
        Ok(Edge {
            cause,
            effect,
            direction,
            threshold: self.threshold.map(|value| micro(entry, "threshold", value)).transpose()?,
            confidence: share(entry, "confidence", self.confidence, 0.0)?,
            lag_min: span(entry, "lag_min", &self.lag_min)?,
            lag_max: span(entry, "lag_max", &self.lag_max)?,
            mechanism: self.mechanism.clone(),
            advice: self.advice.clone(),
        })
    }
}

impl InterventionEntry {
    fn intervention(&self, parameter: ParameterId) -> Result<Intervention, CausalError> {
        let entry = format!("intervention against {}", self.defect.text());
        let change = match self.change {
            ChangeEntry::By([least, most]) => {
                Change::By(micro(&entry, "change.by", least)?, micro(&entry, "change.by", most)?)
            }
            ChangeEntry::Share([least, most]) => {
                Change::Share(share(&entry, "change.share", least, -1.0)?, share(&entry, "change.share", most, -1.0)?)
            }
        };
        let effect_min = span(&entry, "effect_min", &self.effect_min)?;
        let effect_max = span(&entry, "effect_max", &self.effect_max)?;
        if effect_min > effect_max {
            return Err(CausalError::field(&entry, "effect_min", &self.effect_min, "must not be above effect_max"));
        }
        Ok(Intervention {
            defect: self.defect,
            trigger: self.trigger.clone(),
            parameter,
            change,
            reduction: share(&entry, "reduction", self.reduction, 0.0)?,
            effect_min,
            effect_max,
        })
    }
}

impl LimitEntry {
    fn limit(&self, parameter: ParameterId) -> Result<Limit, CausalError> {
        let entry = format!("limit of {}", self.parameter);
        if self.low >= self.high {
            return Err(CausalError::field(&entry, "low", self.low, "must be below high"));
        }
        Ok(Limit {
            parameter,
            low: micro(&entry, "low", self.low)?,
            high: micro(&entry, "high", self.high)?,
            approval_above: micro(&entry, "approval_above", self.approval_above)?,
        })
    }
}

impl KnowledgeBase {
    /// Reads a knowledge base for the plant that `names` describes. What the plant does not have is skipped
    /// and listed, so that one knowledge base serves several plants; a malformed entry or a cycle is refused.
    pub fn parse(text: &str, names: &Names) -> Result<KnowledgeBase, CausalError> {
        let text: Text = toml::from_str(text).map_err(|error| CausalError::Syntax(error.to_string()))?;
        let mut base = KnowledgeBase::default();
        let mut graph = CausalGraph::default();
        for (place, entry) in text.edges.iter().enumerate() {
            let id = EdgeId(place as u32);
            let title = format!("edge {place} ({} → {})", entry.cause.text(), entry.effect.text());
            match (entry.cause.node(names), entry.effect.node(names)) {
                (Some(cause), Some(effect)) => {
                    let edge = entry.edge(&title, cause, effect)?;
                    graph.insert(names, id, edge.clone())?;
                    base.edges.push((id, edge));
                }
                (None, _) => base.skipped.push(format!("{title}: the plant has no {}", entry.cause.text())),
                (_, None) => base.skipped.push(format!("{title}: the plant has no {}", entry.effect.text())),
            }
        }
        for entry in &text.interventions {
            match names.parameter_id(&entry.parameter) {
                Some(parameter) => base.interventions.push(entry.intervention(parameter)?),
                None => base.skipped.push(format!(
                    "intervention against {}: the plant has no {}",
                    entry.defect.text(),
                    entry.parameter
                )),
            }
        }
        for entry in &text.limits {
            match names.parameter_id(&entry.parameter) {
                Some(parameter) => base.limits.push(entry.limit(parameter)?),
                None => base.skipped.push(format!("limit of {0}: the plant has no {0}", entry.parameter)),
            }
        }
        Ok(base)
    }

    /// What to do about `defect` at the present values of parameters, best first.
    pub fn interventions(
        &self,
        defect: DefectType,
        current_parameters: &BTreeMap<ParameterId, Micro>,
    ) -> Vec<Proposal> {
        proposals(&self.interventions, &self.limits, defect, current_parameters)
    }
}

#[cfg(test)]
mod tests;
