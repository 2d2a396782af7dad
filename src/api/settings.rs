//! Settings of the dashboard that all share. The newest audit entry that changed them holds them, so that
//! they are journalled, and kept, like everything else.

use super::App;
use super::change::{Audit, apply};
use super::error::ApiError;
use super::route::{Answer, Call, Route};
use super::schema;
use crate::auth::Role;
use lehr_queries::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use warp::http::Method;

const ACTION: &str = "settings.update";
/// Seconds of the slowest update.
const UPDATE_MOST_S: u32 = 3600;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    update_s: Update,
    time_range: TimeRange,
    confidence: f64,
    cards: Vec<Card>,
    alerts: AlertSettings,
    action_mode: ActionMode,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Update {
    kpi: u32,
    sensors: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
enum TimeRange {
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "4h")]
    FourHours,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Card {
    TotalDefects,
    QualityRate,
    CriticalAlerts,
    PredictionAccuracy,
    ProductionRate,
    ResponseTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AlertSettings {
    sound: bool,
    min_severity: Least,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Least {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ActionMode {
    Manual,
    SemiAutomatic,
    Automatic,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            update_s: Update { kpi: 10, sensors: 5 },
            time_range: TimeRange::FourHours,
            confidence: 0.7,
            cards: vec![
                Card::TotalDefects,
                Card::QualityRate,
                Card::CriticalAlerts,
                Card::PredictionAccuracy,
                Card::ProductionRate,
                Card::ResponseTime,
            ],
            alerts: AlertSettings { sound: false, min_severity: Least::Low },
            action_mode: ActionMode::Manual,
        }
    }
}

/// What is absent stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Seconds between updates of the screen.
    update_s: Option<UpdateEdit>,
    /// Time range that charts open with.
    time_range: Option<TimeRange>,
    /// Causes and predictions below it are not shown.
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: Option<f64>,
    /// Cards that are shown.
    #[schemars(length(max = 6), extend("uniqueItems" = true))]
    cards: Option<Vec<Card>>,
    alerts: Option<AlertEdit>,
    /// Who applies recommendations.
    action_mode: Option<ActionMode>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateEdit {
    #[schemars(range(min = 1, max = UPDATE_MOST_S))]
    kpi: Option<u32>,
    #[schemars(range(min = 1, max = UPDATE_MOST_S))]
    sensors: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AlertEdit {
    sound: Option<bool>,
    min_severity: Option<Least>,
}

pub fn routes() -> Vec<Route> {
    let settings = schema::object([
        ("update_s", schema::object([("kpi", schema::integer()), ("sensors", schema::integer())])),
        ("time_range", schema::text()),
        ("confidence", schema::number()),
        ("cards", schema::list(schema::text())),
        ("alerts", schema::object([("sound", schema::boolean()), ("min_severity", schema::text())])),
        ("action_mode", schema::text()),
    ]);
    vec![
        Route::get("/api/settings", "settings", "Settings of the dashboard.", read).answers(settings.clone()),
        Route::change(Method::PUT, "/api/settings", "settings", "Changes settings.", Role::Engineer, write)
            .body(schema::of::<Edit>())
            .answers(settings),
    ]
}

/// The settings as of a snapshot.
fn settings_of(snapshot: &Snapshot) -> Settings {
    let written = snapshot.audit.iter().rev().find(|row| row.action == ACTION);
    // Settings of another version, with other fields, count as none.
    written.and_then(|row| serde_json::from_str(&row.after).ok()).unwrap_or_default()
}

async fn read(app: App, _call: Call) -> Answer {
    json(&settings_of(&app.runtime().snapshot())).map(Into::into)
}

fn json(settings: &Settings) -> Result<Value, ApiError> {
    serde_json::to_value(settings).map_err(ApiError::internal)
}

fn edited(mut settings: Settings, edit: Edit) -> Settings {
    if let Some(update) = edit.update_s {
        settings.update_s.kpi = update.kpi.unwrap_or(settings.update_s.kpi);
        settings.update_s.sensors = update.sensors.unwrap_or(settings.update_s.sensors);
    }
    if let Some(alerts) = edit.alerts {
        settings.alerts.sound = alerts.sound.unwrap_or(settings.alerts.sound);
        settings.alerts.min_severity = alerts.min_severity.unwrap_or(settings.alerts.min_severity);
    }
    settings.time_range = edit.time_range.unwrap_or(settings.time_range);
    settings.confidence = edit.confidence.unwrap_or(settings.confidence);
    settings.cards = edit.cards.unwrap_or(settings.cards);
    settings.action_mode = edit.action_mode.unwrap_or(settings.action_mode);
    settings
}

async fn write(app: App, call: Call) -> Answer {
    let edit: Edit = call.json()?;
    let _edit = app.edits().lock().await;
    let before = settings_of(&app.runtime().snapshot());
    let after = edited(before.clone(), edit);
    let audit = Audit {
        by: call.by(),
        action: ACTION.into(),
        subject: "settings".into(),
        before: json(&before)?,
        after: json(&after)?,
        reason: String::new(),
    };
    apply(&app, Vec::new(), audit).await?;
    json(&after).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_edit_changes_what_it_names() {
        let edit = json!({ "update_s": { "kpi": 30 }, "time_range": "7d", "alerts": { "sound": true } });
        schema::check(&schema::of::<Edit>(), &edit, &schema::components()).unwrap();
        let after = edited(Settings::default(), serde_json::from_value(edit).unwrap());
        assert_eq!((after.update_s.kpi, after.update_s.sensors), (30, 5));
        assert_eq!((after.time_range, after.alerts.sound), (TimeRange::Week, true));
        assert_eq!(after.alerts.min_severity, Least::Low);
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_named() {
        let field = |edit: Value| schema::check(&schema::of::<Edit>(), &edit, &schema::components()).unwrap_err().field;
        assert_eq!(field(json!({ "colour": 1 })), "colour");
        assert_eq!(field(json!({ "update_s": { "kpi": 0 } })), "update_s.kpi");
        assert_eq!(field(json!({ "confidence": 1.1 })), "confidence");
        assert_eq!(field(json!({ "cards": ["total_defects", "total_defects"] })), "cards");
        assert_eq!(field(json!({ "alerts": { "volume": 3 } })), "alerts.volume");
        assert_eq!(field(json!({ "time_range": "5h" })), "time_range");
    }
}
