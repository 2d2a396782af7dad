//! What tells the rows of a table apart, for whoever keeps them elsewhere.

use super::*;
use lehr_domain::table::Row;

/// Rows with a key.
pub trait Keyed: Row {
    /// Leading columns that no two rows of one tick share. 0: a restart goes on from the table and nobody else reads it;
    /// what counts in its rows is in no column.
    const KEY: usize;
}

macro_rules! keyed {
    ($($row:ident: $key:literal),* $(,)?) => { $( impl Keyed for $row { const KEY: usize = $key; } )* };
}

keyed! {
    SensorRow: 1,
    ProductRow: 1,
    LatestRow: 1,
    PaneRow: 2,
    FeatureRow: 3,
    UnitRow: 1,
    DefectRow: 2,
    MachineStateRow: 2,
    SetpointRow: 2,
    KpiRow: 5,
    RuleRow: 1,
    ConditionRow: 4,
    AlertRow: 1,
    AlertMetricRow: 2,
    DeviationRow: 5,
    IncidentRow: 3,
    RootCauseRow: 4,
    EdgeRow: 1,
    ClockRow: 1,
    OperatorEventRow: 1,
    AuditRow: 1,
    ErrorTableRow: 1,
    LateTableRow: 4,
    ScenarioRow: 1,
    RecommendationRow: 1,
    TwinRow: 1,
    TwinScoreRow: 2,
    TwinFindingRow: 2,
    ModelRow: 2,
    DeploymentRow: 3,
    ForecastRow: 2,
    ForecastQualityRow: 5,
    SensorVerdictRow: 1,
    PictureRow: 1,
    InspectionRow: 1,
    InspectionFindingRow: 2,
    InspectionQualityRow: 4,
    FactRow: 0,
    HeardRow: 0,
    NewestRow: 0,
    CarriedRow: 0,
    TwinStateRow: 0,
}
