//! Forecasts, what drives them, and how they held.

use super::fixture::{BEGIN, Fixture, MINUTES, Models, close, minute, stretch};
use crate::api::areas;
use crate::api::schema::{check, components};
use crate::registry::{OpenError, Opener, Status};
use crate::runtime::Submission;
use lehr_dataflows::forecasts::{Forecast, Hits, Said, Scored, Scorer, Terms, Versions, Window};
use lehr_domain::defect_event::DefectEvent;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::{Event, EventMs, LineId, Micro, PerMille, SpanMs};
use lehr_scoring::Attribution;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

const COLUMNS: &[&str] = &["belt_speed", "furnace_temperature", "mold_temperature"];
const VERSION: ModelVersion = ModelVersion { major: 1, minor: 0, patch: 0 };

/// Foretells what cannot be foretold, and remembers what it was asked.
#[derive(Debug, Default)]
struct Paper {
    /// Windows that the graphs handed over.
    scored: Mutex<Vec<Window>>,
    /// The window that somebody asked about last.
    asked: Mutex<Option<Window>>,
}

impl Scorer for Paper {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn terms(&self) -> Terms {
        let event = DefectEvent { minutes: 1, limit: PerMille(100), least_units: 1 };
        Terms { heard_least: 10, event, ..Terms::PLANT }
    }

    fn score(&self, _: Versions, windows: &[Window]) -> Vec<Option<Scored>> {
        self.scored.lock().unwrap().extend_from_slice(windows);
        let foretell = |window: &Window| {
            let parts = window.0.iter().flatten().enumerate();
            let mixed =
                parts.fold(7_i64, |mixed, (place, value)| (mixed * 31 + value.0 / 1_000 + place as i64) % 1_000_003);
            let probability = Micro(mixed.min(1_000_000));
            let forecast = Forecast { probability: [probability; 3], expected: [probability.0 > 500_000; 3] };
            Some(Scored { said: Said { forecaster: forecast, ensemble: None }, verdicts: None })
        };
        windows.iter().map(foretell).collect()
    }
}

#[derive(Debug)]
struct Shown(&'static Paper);

impl Opener for Shown {
    fn check(&self, _: ModelKind, _: &Path) -> Result<(), OpenError> {
        Ok(())
    }

    fn status(&self) -> Vec<Status> {
        Vec::new()
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn attribute(&self, version: ModelVersion, window: &Window) -> Result<Attribution, OpenError> {
        assert_eq!(version, VERSION);
        *self.0.asked.lock().unwrap() = Some(window.clone());
        let forecast = lehr_scoring::Forecast { probability: [0.25, 0.5, 0.75], attention: vec![0.0; 120] };
        Ok(Attribution { forecast, sensors: vec![[0.5, 0.125, 0.0], [0.0, -0.5, 0.0], [0.0, 0.25, 0.0]] })
    }
}

/// A plant that ran for five hours, and a forecaster that was in production from the beginning.
fn fixture() -> (Fixture, &'static Paper) {
    let paper: &'static Paper = Box::leak(Box::default());
    let models = Models { scorer: Some(paper), opener: Arc::new(Shown(paper)), trainer: None, ..Models::default() };
    let fixture = Fixture::with_models(models);
    let registration = Registration {
        digest: String::new(),
        bytes: 0,
        trained: String::new(),
        data: String::new(),
        schema: String::new(),
        metrics: r#"{"test":[0.5]}"#.into(),
        by: "somebody".into(),
        at: BEGIN,
        note: String::new(),
    };
    let deployment = Deployment {
        model: ModelKind::Forecaster,
        alias: Alias::Production,
        at: BEGIN - SpanMs::hours(1),
        version: Some(VERSION),
        by: "somebody".into(),
        reason: String::new(),
    };
    let events = vec![
        Event::Model(ModelKind::Forecaster, VERSION, Box::new(registration)),
        Event::Deployment(Box::new(deployment)),
    ];
    fixture.submit(Submission { events, ..Submission::default() });
    let fixture = fixture.ran();
    for begin in (MINUTES..2 * MINUTES).step_by(50) {
        fixture.submit(stretch(&fixture.app.runtime().snapshot().names, begin..begin + 50));
    }
    (fixture, paper)
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

#[test]
fn forecasts_are_listed_the_newest_first() {
    let (fixture, _) = fixture();
    let all = get(&fixture, "/api/predictions?line=Line_A");
    let rows = all["predictions"].as_array().unwrap();
    assert!(rows.len() > 200 && all["total"] == rows.len(), "{}", all["total"]);
    assert!(rows.windows(2).all(|pair| pair[0]["at"].as_str() > pair[1]["at"].as_str()));
    let few = get(&fixture, "/api/predictions?line=Line_A&limit=3");
    assert_eq!((few["predictions"].as_array().unwrap().as_slice(), &few["total"]), (&rows[..3], &all["total"]));
    let (from, to) = (minute(100), minute(109));
    let some = get(&fixture, &format!("/api/predictions?line=Line_A&from={from}&to={to}"));
    assert_eq!(some["total"], 10);
    assert_eq!(get(&fixture, "/api/predictions/sensors?line=Line_A")["sensors"], json!([]), "no graph model scores");
}

#[test]
fn drivers_are_asked_about_the_window_that_was_scored() {
    let (fixture, paper) = fixture();
    let rows = get(&fixture, "/api/predictions?line=Line_A")["predictions"].clone();
    let scored = paper.scored.lock().unwrap().clone();
    let mut asked = Vec::new();
    for row in rows.as_array().unwrap().iter().step_by(7) {
        let at = row["at"].as_str().unwrap();
        let answer = get(&fixture, &format!("/api/predictions/drivers?line=Line_A&at={at}"));
        assert_eq!((&answer["at"], &answer["version"]), (&row["at"], &json!("1.0.0")));
        let window = paper.asked.lock().unwrap().take().unwrap();
        assert_eq!(window.0.len(), 120 * COLUMNS.len());
        assert!(window.0.iter().flatten().count() >= 10);
        assert!(scored.contains(&window), "{at}: it is one that the graphs handed over");
        if !asked.contains(&window) {
            asked.push(window);
        }
    }
    assert!(asked.len() > 20, "different ones: {}", asked.len());

    let latest = get(&fixture, "/api/predictions/drivers?line=Line_A");
    assert_eq!(latest["at"], rows[0]["at"]);
    assert_eq!(latest["probability"], json!({ "1h": 0.25, "4h": 0.5, "24h": 0.75 }));
    assert_eq!(latest["attention"].as_array().unwrap().len(), 120);
    let order: Vec<&str> =
        latest["sensors"].as_array().unwrap().iter().map(|row| row["parameter_name"].as_str().unwrap()).collect();
    assert_eq!(order, ["furnace_temperature", "mold_temperature", "belt_speed"], "by what they did within 4 hours");
    assert_eq!(latest["sensors"][0]["sensor_id"], "Line_A.furnace_temperature");
    assert_eq!(latest["sensors"][0]["effect"], json!({ "1h": 0.0, "4h": -0.5, "24h": 0.0 }));
}

#[test]
fn performance_is_that_of_all_forecasts_counted_anew() {
    let (fixture, _) = fixture();
    let answer = get(&fixture, "/api/models/performance?line=Line_A");
    let model = &answer["models"][0];
    assert_eq!((&model["model"], &model["version"]), (&json!("forecaster"), &json!("1.0.0")));
    assert_eq!(model["metrics"], json!({ "test": [0.5] }));
    let snapshot = fixture.app.runtime().snapshot();
    let clock = snapshot.clocks.iter().find(|row| row.production_line == LineId(0)).unwrap().at;
    let end = clock.floor(SpanMs::minutes(1)) - SpanMs::minutes(1);
    for (place, ahead) in DefectEvent::HORIZONS.into_iter().enumerate() {
        let mut hits = Hits::default();
        for row in snapshot.forecasts.iter().filter(|row| row.production_line == LineId(0) && row.at + ahead <= end) {
            let said = &row.said.forecaster;
            hits.count(said.probability[place], said.expected[place], row.came[place].unwrap(), 1);
        }
        for period in ["day", "week"] {
            let told = &model[period]["horizons"][place];
            assert_eq!(told["horizon_s"], ahead.0 as f64 / 1000.0);
            assert_eq!(told["n"], hits.n(), "{period}, {ahead:?}");
            for (name, figure) in [
                ("accuracy", hits.accuracy().to_f64()),
                ("precision", hits.precision().to_f64()),
                ("recall", hits.recall().to_f64()),
                ("f1", hits.f1().to_f64()),
                ("brier", hits.brier()),
                ("calibration_error", hits.calibration_error()),
            ] {
                match figure {
                    Some(figure) => assert!(close(&told[name], figure), "{period} {name}: {told}, {figure}"),
                    None => assert_eq!(told[name], Value::Null, "{period} {name}"),
                }
            }
        }
        match place {
            0 => assert!(hits.n() > 100 && hits.came() > 20 && hits.true_positive > 0 && hits.false_positive > 0),
            2 => assert_eq!(hits.n(), 0, "a day has not passed"),
            _ => {}
        }
    }
    // Sums by day, of one line and of all.
    let of = |answer: &Value| -> i64 {
        let rows = answer["models"][0]["history"].as_array().unwrap();
        rows.iter().filter(|row| row["horizon_s"] == 3600.0).map(|row| row["n"].as_i64().unwrap()).sum()
    };
    let all = get(&fixture, "/api/models/performance");
    assert!(of(&all) > of(&answer), "Line_B is foretold too");
    let first: EventMs = EventMs::parse(all["models"][0]["day"]["from"].as_str().unwrap()).unwrap();
    assert_eq!(first, first.floor(SpanMs::days(1)));
}
