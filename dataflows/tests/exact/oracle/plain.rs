//! The tables that show rows as they came, and machine states.

use super::base::Base;
use crate::tables::Tables;
use lehr_dataflows::tables::*;
use lehr_domain::Event;
use lehr_domain::operator::OperatorAction;
use std::collections::BTreeSet;

pub fn tables(base: &Base, tables: &mut Tables) {
    tables.facts = base.facts().map(|row| FactRow { revision: row.revision, event: row.event.clone() }).collect();
    for line in base.heard().map(|(line, _)| line).collect::<BTreeSet<_>>() {
        let at = base.heard().filter(|(of, _)| *of == line).map(|(_, at)| at).max().expect("one was heard");
        tables.heard.insert(HeardRow { production_line: line, at });
    }
    for row in base.rows() {
        match row.clone() {
            Event::Sensor(id, def) => drop(tables.sensors.insert(SensorRow {
                sensor_id: id,
                production_line: def.line,
                equipment_id: def.equipment,
                parameter_name: def.parameter,
                unit: def.unit,
                period_s: def.period,
                span_low: def.span.0,
                span_high: def.span.1,
                target: def.target,
                sigma: def.sigma,
            })),
            Event::Product(id, def) => {
                tables.products.insert(ProductRow { product: id, planned_run_time_s: def.planned_run_time });
            }
            Event::Unit(unit) => {
                tables.units.insert(UnitRow {
                    unit_id: unit.unit,
                    production_line: unit.line,
                    at: unit.at,
                    product: unit.product,
                    verdict: unit.verdict,
                    defects: unit.defects.len() as i64,
                });
                tables.defects.extend(unit.defects.iter().zip(0..).map(|(found, ordinal)| DefectRow {
                    unit_id: unit.unit,
                    ordinal,
                    production_line: unit.line,
                    at: unit.at,
                    defect_type: found.defect,
                    score: found.score,
                    x: found.bounds[0],
                    y: found.bounds[1],
                    width: found.bounds[2],
                    height: found.bounds[3],
                }));
            }
            Event::Setpoint(row) => {
                tables.setpoints.insert(SetpointRow { sensor_id: row.sensor, start: row.at, value: row.value });
            }
            Event::Rule(id, Some(rule)) => drop(tables.rules.insert(RuleRow {
                rule_id: id,
                name: rule.name,
                enabled: rule.enabled,
                subject: rule.subject,
                condition: rule.check,
                severity: rule.severity,
                on_delay: rule.on_delay,
                off_delay: rule.off_delay,
                suppress_when_stopped: rule.suppress_when_stopped,
                message: rule.message,
                advice: rule.advice,
            })),
            Event::Edge(id, Some(edge)) => drop(tables.edges.insert(EdgeRow {
                edge_id: id,
                cause: edge.cause,
                effect: edge.effect,
                direction: edge.direction,
                threshold: edge.threshold,
                confidence: edge.confidence,
                lag_min_s: edge.lag_min,
                lag_max_s: edge.lag_max,
                mechanism: edge.mechanism,
                advice: edge.advice,
            })),
            Event::Operator(row) => drop(tables.operator_events.insert(OperatorEventRow {
                id: row.id,
                alert_id: row.alert,
                at: row.at,
                action: text(&row.action),
                by: row.by,
                reason: row.reason,
            })),
            Event::Audit(row) => drop(tables.audit.insert(AuditRow {
                id: row.id,
                at: row.at,
                by: row.by,
                action: row.action,
                subject: row.subject,
                before: row.before,
                after: row.after,
                reason: row.reason,
            })),
            Event::Error(row) => drop(tables.errors.insert(ErrorTableRow {
                id: row.id,
                at: row.at,
                source: row.source,
                reason: row.reason,
                sample: row.sample,
            })),
            Event::Late(row) => drop(tables.late.insert(LateTableRow {
                sensor_id: row.sensor,
                at: row.at,
                arrived: row.arrived,
                value: row.value,
            })),
            Event::Scenario(id, Some(def)) => drop(tables.scenarios.insert(ScenarioRow {
                scenario_id: id,
                name: def.name,
                production_line: def.line,
                duration_s: def.duration,
                settings: def.settings,
                by: def.by,
                made_at: def.made_at,
            })),
            Event::Model(model, version, row) => drop(tables.models.insert(ModelRow {
                model,
                version,
                trained: row.trained,
                data: row.data,
                schema: row.schema,
                digest: row.digest,
                bytes: row.bytes,
                registered_at: row.at,
                by: row.by,
                note: row.note,
                metrics: row.metrics,
            })),
            Event::Deployment(row) => drop(tables.deployments.insert(DeploymentRow {
                model: row.model,
                alias: row.alias,
                at: row.at,
                version: row.version,
                by: row.by,
                reason: row.reason,
            })),
            // Told of in a table of their own.
            Event::Recommendation(..) | Event::Decision(_) | Event::Picture(_) => {}
            Event::Line(..) | Event::Parameter(..) | Event::Equipment(..) => {}
            Event::Calendar(_) | Event::State(_) => {}
            Event::Rule(_, None) | Event::Edge(_, None) | Event::Scenario(_, None) => {}
        }
    }
}

fn text(action: &OperatorAction) -> String {
    match action {
        OperatorAction::Acknowledge => "acknowledge".to_owned(),
        OperatorAction::Shelve { until } => format!("shelve until {until}"),
        OperatorAction::ShelveOneShot { until } => format!("shelve once, until {until} at most"),
        OperatorAction::Unshelve => "unshelve".to_owned(),
        OperatorAction::OutOfService => "out of service".to_owned(),
        OperatorAction::ReturnToService => "return to service".to_owned(),
        OperatorAction::Dismiss => "dismiss".to_owned(),
        OperatorAction::Note => "note".to_owned(),
        OperatorAction::Respond => "respond".to_owned(),
    }
}

/// From each change to the next of its line.
pub fn machine_states(base: &Base) -> BTreeSet<MachineStateRow> {
    let changes = base.states();
    let row = |change: &&lehr_domain::machine::StateChange| MachineStateRow {
        production_line: change.line,
        start: change.at,
        end: changes
            .iter()
            .filter(|later| later.line == change.line && later.at > change.at)
            .map(|later| later.at)
            .min(),
        state: change.state,
        product: change.product,
        reason: change.reason.clone(),
    };
    changes.iter().map(row).collect()
}
