//! The output collections: one row type a table. This room is the contract between the graphs and
//! everything that shows their results. Rows are exact (integers, and ratios as two sums); floats appear in
//! derived columns only, when a row is published.
//!
//! - `measured`: what sensors are, say, and ought to say
//! - `production`: what the lines made, what they were doing, and how well
//! - `alerts`: what is watched, what was wrong, and what became of it
//! - `causes`: what departed, what is to be explained, and by what
//! - `twin`: what the twins of the lines believe, expect and find
//! - `models`: which models are there, what they foretell, and how that held
//! - `inspection`: pictures of ware, what a trained inspector finds on them, and how that agrees with MIK-1
//! - `people`: what people keep, propose, decide and did
//! - `refused`: what could not be taken
//! - `memory`: what a restart goes on from
//! - `keys`: what tells the rows of a table apart

mod alerts;
mod causes;
mod inspection;
mod keys;
mod measured;
mod memory;
mod models;
mod people;
mod production;
mod refused;
mod twin;

pub use alerts::*;
pub use causes::*;
pub use inspection::*;
pub use keys::Keyed;
pub use measured::*;
pub use memory::*;
pub use models::*;
pub use people::*;
pub use production::*;
pub use refused::*;
pub use twin::*;

use lehr_domain::SensorId;
use lehr_domain::names::Names;

fn line_of(sensor: SensorId, names: &Names) -> Option<String> {
    Some(names.line(names.sensor_def(sensor)?.line).to_owned())
}

fn parameter_of(sensor: SensorId, names: &Names) -> Option<String> {
    Some(names.parameter(names.sensor_def(sensor)?.parameter).to_owned())
}

/// Calls a macro with every table: `(field, RowType)` pairs. One list, so that no table is forgotten.
#[macro_export]
macro_rules! for_all_tables {
    ($callback:ident) => {
        $callback! {
            (sensors, SensorRow),
            (products, ProductRow),
            (latest, LatestRow),
            (panes, PaneRow),
            (features, FeatureRow),
            (units, UnitRow),
            (defects, DefectRow),
            (machine_states, MachineStateRow),
            (setpoints, SetpointRow),
            (kpis, KpiRow),
            (rules, RuleRow),
            (conditions, ConditionRow),
            (alerts, AlertRow),
            (alert_metrics, AlertMetricRow),
            (deviations, DeviationRow),
            (incidents, IncidentRow),
            (root_causes, RootCauseRow),
            (edges, EdgeRow),
            (clocks, ClockRow),
            (operator_events, OperatorEventRow),
            (audit, AuditRow),
            (errors, ErrorTableRow),
            (late, LateTableRow),
            (scenarios, ScenarioRow),
            (recommendations, RecommendationRow),
            (facts, FactRow),
            (heard, HeardRow),
            (newest, NewestRow),
            (carried, CarriedRow),
            (twin, TwinRow),
            (twin_scores, TwinScoreRow),
            (twin_findings, TwinFindingRow),
            (twin_states, TwinStateRow),
            (models, ModelRow),
            (deployments, DeploymentRow),
            (forecasts, ForecastRow),
            (forecast_quality, ForecastQualityRow),
            (sensor_verdicts, SensorVerdictRow),
            (pictures, PictureRow),
            (inspections, InspectionRow),
            (inspection_findings, InspectionFindingRow),
            (inspection_quality, InspectionQualityRow),
        }
    };
}

macro_rules! declare_changes {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// What one tick changed, per table: rows with the change of their multiplicity. Consolidated and
        /// sorted once the changes of all workers are merged.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Changes {
            $( pub $field: Vec<($row, $crate::Diff)>, )*
        }

        impl Changes {
            pub fn is_empty(&self) -> bool {
                true $( && self.$field.is_empty() )*
            }

            /// Number of changed rows.
            pub fn len(&self) -> usize {
                0 $( + self.$field.len() )*
            }

            /// Adds another worker's changes of the same tick.
            pub fn merge(&mut self, other: Changes) {
                $( self.$field.extend(other.$field); )*
            }

            /// Sorts, and cancels what was added and taken away alike.
            pub fn consolidate(&mut self) {
                $( differential_dataflow::consolidation::consolidate(&mut self.$field); )*
            }
        }
    };
}
for_all_tables!(declare_changes);
