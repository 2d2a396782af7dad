//! Pictures, what is found on them, and how that agrees with MIK-1.

use super::fixture::{BEGIN, CRACKED, Fixture, Models, minute};
use crate::api::areas;
use crate::api::schema::{check, components};
use crate::auth::Role;
use crate::runtime::Submission;
use lehr_dataflows::inspections::{Found, Inspector};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::picture::{Content, Picture};
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{Event, LineId, PerMille, SpanMs, UnitId};
use serde_json::{Value, json};

const VERSION: ModelVersion = ModelVersion { major: 1, minor: 2, patch: 0 };

/// Sees a crack on contents of an odd number, and nothing on [`UNREADABLE`].
#[derive(Debug)]
struct Odd;

const UNREADABLE: u8 = 200;

impl Inspector for Odd {
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>> {
        assert_eq!(version, VERSION);
        let crack = Defect { defect: DefectType::Crack, score: PerMille(930), bounds: [10, 20, 30, 40] };
        let found = |content: &Content| match content.0[0] {
            UNREADABLE => None,
            number => Some(Found::of(vec![crack; usize::from(number % 2)])),
        };
        pictures.iter().map(found).collect()
    }
}

fn picture(unit: u64, line: u16, taken: i64, number: u8) -> Event {
    let at = minute(taken) + SpanMs::seconds(30);
    Event::Picture(Picture { unit: UnitId(unit), line: LineId(line), at, content: Content([number; Content::BYTES]) })
}

/// A plant that ran, with pictures of its first hundred units: a crack is seen on every third. On one more nobody can
/// look, one is of another line, and one of a unit that MIK-1 has not inspected.
fn fixture() -> Fixture {
    let fixture = Fixture::with_models(Models { inspector: Some(&Odd), ..Models::default() });
    let registration = Registration {
        digest: String::new(),
        bytes: 0,
        trained: String::new(),
        data: String::new(),
        schema: String::new(),
        metrics: r#"{"test":{"map":0.9}}"#.into(),
        by: "somebody".into(),
        at: BEGIN,
        note: String::new(),
    };
    let deployment = Deployment {
        model: ModelKind::Inspector,
        alias: Alias::Production,
        at: BEGIN - SpanMs::hours(1),
        version: Some(VERSION),
        by: "somebody".into(),
        reason: String::new(),
    };
    let events = vec![
        Event::Model(ModelKind::Inspector, VERSION, Box::new(registration)),
        Event::Deployment(Box::new(deployment)),
    ];
    fixture.submit(Submission { events, ..Submission::default() });
    let fixture = fixture.ran();
    let mut events: Vec<Event> =
        (0..100).map(|unit| picture(unit, 0, unit as i64, if seen(unit) { 1 } else { 2 })).collect();
    events.push(picture(101, 0, 101, UNREADABLE));
    events.push(picture(100_001, 1, 102, 4));
    events.push(picture(100_000, 0, 103, 3));
    fixture.submit(Submission { events, ..Submission::default() });
    fixture
}

fn seen(unit: u64) -> bool {
    unit.is_multiple_of(3)
}

/// A GET whose answer must be as described.
fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.get(path);
    let mut routes = areas().into_iter().flatten();
    let route = routes.find(|route| route.path == path.split('?').next().unwrap()).unwrap();
    let schema = route.answers.json.unwrap();
    check(&schema, &answer, &components()).unwrap_or_else(|wrong| panic!("{path}: {wrong:?}\n{answer:#}"));
    answer
}

fn units(answer: &Value) -> Vec<String> {
    let rows = answer["inspections"].as_array().unwrap();
    rows.iter().map(|row| row["unit"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pictures_are_listed_the_newest_first_with_what_both_found() {
    let fixture = fixture();
    let all = get(&fixture, "/api/inspections?limit=500");
    let first = units(&all);
    assert_eq!((first.len(), &first[..4]), (103, &["100000", "100001", "101", "99"].map(str::to_owned)[..]));
    let row = |unit: u64| {
        let rows = all["inspections"].as_array().unwrap();
        rows.iter()
            .find(|row| row["unit"].as_str() == Some(unit.to_string().as_str()))
            .unwrap_or_else(|| panic!("no unit {unit}"))
    };
    let cracked = (0..100).find(|unit| seen(*unit) && CRACKED.contains(&(*unit as i64))).unwrap();
    let content = "01".repeat(32);
    let expected = json!({
        "unit": cracked.to_string(),
        "production_line": "Line_A",
        "taken_at": (minute(cracked as i64) + SpanMs::seconds(30)).to_string(),
        "content": content,
        "picture": format!("/api/pictures/{content}"),
        "version": "1.2.0",
        "findings": [{ "type": "crack", "score": 0.93, "box": [10, 20, 30, 40] }],
        "inspected": {
            "verdict": "scrap",
            "defects": [{ "type": "crack", "score": 0.9, "box": [1, 2, 3, 4] }],
        },
    });
    assert_eq!(*row(cracked), expected);
    assert_eq!((&row(1)["findings"], &row(1)["inspected"]), (&json!([]), &json!({ "verdict": "good", "defects": [] })));
    // Nobody could look at one, and nobody inspected the unit of another.
    assert_eq!((&row(101)["findings"], &row(101)["version"]), (&Value::Null, &Value::Null));
    assert_eq!(row(100_000)["inspected"], Value::Null);
}

#[test]
fn pictures_are_chosen_by_line_time_and_findings() {
    let fixture = fixture();
    let few = get(&fixture, "/api/inspections?production_line=Line_A&limit=4");
    assert_eq!(units(&few), ["100000", "101", "99", "98"].map(str::to_owned));
    let before = few["inspections"][3]["taken_at"].as_str().unwrap();
    let next = get(&fixture, &format!("/api/inspections?production_line=Line_A&limit=2&before={before}"));
    assert_eq!(units(&next), ["97", "96"].map(str::to_owned));
    let next =
        get(&fixture, &format!("/api/inspections?production_line=Line_A&limit=2&before={before}&before_unit=98"));
    assert_eq!(units(&next), ["97", "96"].map(str::to_owned), "{before}, when unit 98 was looked at");
    let flawed = get(&fixture, "/api/inspections?production_line=Line_A&flawed=true&limit=4");
    assert_eq!(units(&flawed), ["100000", "99", "96", "93"].map(str::to_owned));
    let sound = get(&fixture, "/api/inspections?production_line=Line_A&flawed=false&limit=2");
    assert_eq!(units(&sound), ["98", "97"].map(str::to_owned));
    assert_eq!(units(&get(&fixture, "/api/inspections?production_line=Line_B")), ["100001".to_owned()]);
    assert_eq!(units(&get(&fixture, "/api/inspections")).len(), 60);
}

#[test]
fn no_picture_falls_between_two_pages() {
    let fixture = fixture();
    let same_moment = (200..207).map(|unit| picture(unit, 0, 150, 2)).collect();
    fixture.submit(Submission { events: same_moment, ..Submission::default() });
    let all = units(&get(&fixture, "/api/inspections?limit=500"));
    assert_eq!(all.len(), 110);
    let mut seen = vec![];
    let mut page = get(&fixture, "/api/inspections?limit=3");
    while let Some(last) = page["inspections"].as_array().unwrap().last() {
        seen.extend(units(&page));
        let (before, unit) = (last["taken_at"].as_str().unwrap(), last["unit"].as_str().unwrap());
        page = get(&fixture, &format!("/api/inspections?limit=3&before={before}&before_unit={unit}"));
    }
    assert_eq!(seen, all);
}

#[test]
fn what_is_asked_wrongly_is_named() {
    let fixture = fixture();
    for (query, status, field) in [
        ("production_line=Line_Z", 404, "production_line"),
        ("limit=0", 400, "limit"),
        ("limit=501", 400, "limit"),
        ("before=yesterday", 400, "before"),
        ("before_unit=7", 400, "before_unit"),
        ("before=2026-01-01T00:00:00Z&before_unit=seven", 400, "before_unit"),
        ("flawed=perhaps", 400, "flawed"),
        ("line=Line_A", 400, "line"),
    ] {
        let got = fixture.call("GET", &format!("/api/inspections?{query}"), Role::Viewer, None);
        assert_eq!((got.status, got.error().1.as_str()), (status, field), "{query}");
    }
}

#[test]
fn an_inspector_in_production_shows_how_it_agrees_with_mik_1() {
    let fixture = fixture();
    let answer = get(&fixture, "/api/models/performance?line=Line_A");
    let models = answer["models"].as_array().unwrap();
    let model = models.iter().find(|model| model["model"] == "inspector").unwrap();
    assert_eq!((&model["version"], &model["day"]), (&json!("1.2.0"), &Value::Null));
    let cracked = |unit: &u64| CRACKED.contains(&(*unit as i64));
    let count =
        |by_inspector, by_mik1| (0..100).filter(|unit| seen(*unit) == by_inspector && cracked(unit) == by_mik1).count();
    let [both, inspector_only, mik1_only, neither] =
        [(true, true), (true, false), (false, true), (false, false)].map(|(one, other)| count(one, other));
    assert!(both > 0 && inspector_only > 0 && mik1_only > 0, "{both}, {inspector_only}, {mik1_only}");
    for period in ["day", "week"] {
        let defects = model["inspection"][period]["defects"].as_array().unwrap();
        assert_eq!(defects.len(), 6);
        let crack = &defects[0];
        assert_eq!(crack["defect_type"], "crack");
        assert_eq!(crack["pictures"], 100);
        assert_eq!(crack["both"], both);
        assert_eq!(crack["inspector_only"], inspector_only);
        assert_eq!(crack["mik1_only"], mik1_only);
        assert_eq!(crack["neither"], neither);
        assert_eq!(crack["precision"], both as f64 / (both + inspector_only) as f64);
        assert_eq!(crack["recall"], both as f64 / (both + mik1_only) as f64);
        assert_eq!((&defects[1]["recall"], &defects[1]["accuracy"]), (&Value::Null, &json!(1.0)));
    }
    let history = model["inspection"]["history"].as_array().unwrap();
    let pictures: u64 = history.iter().filter_map(|row| row["pictures"].as_u64()).sum();
    assert_eq!(pictures, 600, "each picture counts once for each of six types");
}
