//! Pictures of ware, what a trained inspector finds on them, and what MIK-1 said of the same units.

use super::App;
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, text, time};
use lehr_dataflows::tables::{DefectRow, InspectionRow, PictureRow};
use lehr_domain::unit::{Defect, DefectType, Verdict};
use lehr_domain::{LineId, PerMille, UnitId};
use lehr_queries::Snapshot;
use serde_json::{Value, json};
use std::cmp::Reverse;

const TAG: &str = "pictures";

/// Pictures of an answer: 1 kB each.
const PICTURES_MOST: i64 = 500;
/// Pictures when the request does not say: what a screen shows.
const PICTURES: i64 = 60;

pub fn routes() -> Vec<Route> {
    let one_of = |texts: Vec<&'static str>| json!({ "type": "string", "enum": texts });
    let finding = || {
        object([
            ("type", one_of(DefectType::ALL.map(DefectType::text).to_vec())),
            ("score", number()),
            // Left, top, width and height, in pixels of the picture.
            ("box", json!({ "type": "array", "items": integer(), "minItems": 4, "maxItems": 4 })),
        ])
    };
    let verdict = one_of([Verdict::Good, Verdict::Rework, Verdict::Scrap].map(Verdict::text).to_vec());
    let inspected = object([("verdict", verdict), ("defects", list(finding()))]);
    let inspection = object([
        ("unit", text()),
        ("production_line", text()),
        ("taken_at", time()),
        ("content", text()),
        ("picture", text()),
        ("version", nullable(text())),
        // Null while no model has looked at it.
        ("findings", nullable(list(finding()))),
        // Null while MIK-1 has not inspected the unit.
        ("inspected", nullable(inspected)),
    ]);
    vec![
        Route::get(
            "/api/inspections",
            TAG,
            "Pictures of units, the newest first: what a trained inspector finds on them, and what MIK-1 found.",
            inspections,
        )
        .query("production_line", Kind::Text(64), "Production line; all when absent.")
        .query("limit", Kind::Int(1, PICTURES_MOST), "The most pictures; 60 when absent.")
        .query("before", Kind::Time, "Those alone that were taken before.")
        .query(
            "before_unit",
            Kind::Text(20),
            "With `before`: also those that were taken then, of units of a lower number.",
        )
        .query("flawed", Kind::Bool, "Those alone on which an inspector found something, or on which it found nothing.")
        .problems(&[Problem::NotFound])
        .answers(answer([("inspections", list(inspection))]))
        .heavy(),
    ]
}

async fn inspections(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let (line, before) = (line(&call, &snapshot)?, call.query.time("before"));
    let flawed = call.query.flag("flawed");
    let unit = before_unit(&call)?;
    let before = before.map(|before| (before, unit));
    let wanted = |row: &&PictureRow| {
        line.is_none_or(|line| row.production_line == line)
            && before.is_none_or(|before| (row.taken_at, row.unit_id) < before)
            && flawed
                .is_none_or(|flawed| inspection(&snapshot, row).is_some_and(|row| flawed != row.findings.is_empty()))
    };
    let mut rows: Vec<&PictureRow> = snapshot.pictures.iter().filter(wanted).collect();
    let newest_first = |row: &&PictureRow| Reverse((row.taken_at, row.unit_id));
    let limit = call.query.int("limit").unwrap_or(PICTURES).unsigned_abs() as usize;
    if rows.len() > limit {
        // There may be a million: no more are sorted than are shown.
        rows.select_nth_unstable_by_key(limit, newest_first);
        rows.truncate(limit);
    }
    rows.sort_unstable_by_key(newest_first);
    let shown: Vec<Value> = rows.into_iter().map(|row| picture_json(&snapshot, row)).collect();
    Ok(look::answer(&snapshot, json!({ "inspections": shown })).into())
}

/// The unit from which back those of the same moment are asked for; the lowest of all without one.
fn before_unit(call: &Call) -> Result<UnitId, ApiError> {
    let Some(unit) = call.query.text("before_unit") else { return Ok(UnitId(0)) };
    if call.query.time("before").is_none() {
        return Err(ApiError::bad(
            "before_unit",
            "it goes with `before`, the time when its picture was taken: give both",
        ));
    }
    let no_unit = |_| ApiError::bad("before_unit", format!("{unit} is no unit: give its number, as `unit` tells it"));
    unit.parse().map(UnitId).map_err(no_unit)
}

fn line(call: &Call, snapshot: &Snapshot) -> Result<Option<LineId>, ApiError> {
    let Some(name) = call.query.text("production_line") else { return Ok(None) };
    let unknown = || ApiError::unknown("production_line", "line", name);
    snapshot.names.line_id(name).map(Some).ok_or_else(unknown)
}

/// What was found on a picture; `None` where no model has looked at it.
fn inspection<'s>(snapshot: &'s Snapshot, picture: &PictureRow) -> Option<&'s InspectionRow> {
    let of_unit = snapshot.inspections.range(|row| row.unit_id.cmp(&picture.unit_id));
    of_unit.into_iter().find(|row| row.content == picture.content)
}

fn picture_json(snapshot: &Snapshot, picture: &PictureRow) -> Value {
    let inspection = inspection(snapshot, picture);
    let findings = inspection.map(|row| row.findings.iter().map(of_inspector).collect::<Vec<_>>());
    json!({
        "unit": picture.unit_id.0.to_string(),
        "production_line": snapshot.names.line(picture.production_line),
        "taken_at": picture.taken_at.to_string(),
        "content": picture.content.to_string(),
        "picture": format!("/api/pictures/{}", picture.content),
        "version": inspection.map(|row| row.version.to_string()),
        "findings": findings,
        "inspected": inspected(snapshot, picture.unit_id),
    })
}

/// What MIK-1 says of a unit.
fn inspected(snapshot: &Snapshot, unit: UnitId) -> Value {
    let Some(row) = snapshot.units.get(|row| row.unit_id.cmp(&unit)) else { return Value::Null };
    let defects = snapshot.defects.range(|row| row.unit_id.cmp(&unit)).map(of_mik1);
    json!({ "verdict": row.verdict.text(), "defects": defects.collect::<Vec<_>>() })
}

fn of_inspector(finding: &Defect) -> Value {
    finding_json(finding.defect, finding.score, finding.bounds)
}

fn of_mik1(row: &DefectRow) -> Value {
    finding_json(row.defect_type, row.score, [row.x, row.y, row.width, row.height])
}

fn finding_json(defect: DefectType, score: PerMille, bounds: [u8; 4]) -> Value {
    json!({ "type": defect.text(), "score": score.to_f64(), "box": bounds })
}
