//! The running system, from outside.

mod support;

use serde_json::{Value, json};
use support::{Server, lehr, succeed};

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {row}"))
}

/// Plant time as the server tells it.
fn now(server: &Server) -> String {
    text(&server.get("/api/health"), "now").to_owned()
}

#[test]
fn an_overheated_furnace_raises_cracks_an_alert_and_is_named_as_their_cause() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["--speed", "2000", "--fault", "furnace_overheat:Line_A@10m"];
    let server = Server::start(dir.path(), &arguments, None);

    let mut alerts = server.websocket("/ws/alerts");
    let alert = alerts.until(|message| {
        let rows = match text(message, "type") {
            "snapshot" => &message["data"]["alerts"],
            _ => &message["data"]["added"]["alerts"],
        };
        let wanted = |row: &&Value| {
            text(row, "severity") == "CRITICAL"
                && row["parameter_name"] == "furnace_temperature"
                && text(row, "production_line") == "Line_A"
        };
        rows.as_array()?.iter().find(wanted).cloned()
    });
    assert!(text(&alert, "recommended_action").contains("fuel"), "{alert}");

    let cause = server.until("root cause of cracks", |server| {
        let path = "/api/knowledge-graph/root-cause?defect_type=crack&line=Line_A&min_confidence=0.7";
        let answer = server.get(path);
        let first = answer["root_causes"][0].clone();
        if first.is_null() { Err(answer.to_string()) } else { Ok(first) }
    });
    assert_eq!(text(&cause, "parameter_name"), "furnace_temperature");
    assert!(cause["deviation_magnitude"].as_f64().expect("sigmas") > 3.0, "{cause}");
    assert!(!cause["evidence"].as_array().expect("evidence").is_empty(), "{cause}");
    assert!(!text(&cause, "recommended_action").is_empty());

    // Cracks come with the ware that was molten in the overheated furnace, not before.
    let rates = server.sql(
        "with raised as (select min(raised_at) as at from alerts where severity = 'CRITICAL'
            and parameter_name = 'furnace_temperature' and production_line = 'Line_A')
         select sum(case when u.at < r.at + interval '30 minutes' then 1 else 0 end) as before_units,
                sum(case when u.at < r.at + interval '30 minutes' and d.cracks > 0 then 1 else 0 end) as before_cracks,
                sum(case when u.at > r.at + interval '80 minutes' then 1 else 0 end) as after_units,
                sum(case when u.at > r.at + interval '80 minutes' and d.cracks > 0 then 1 else 0 end) as after_cracks
         from raised r cross join units u
         left join (select unit_id, count(*) as cracks from defects where defect_type = 'crack' group by unit_id) d
            on d.unit_id = u.unit_id
         where u.production_line = 'Line_A'",
    );
    assert!(rates[0]["before_units"].as_i64().expect("a count") > 100, "{rates:?}");
    let share = |when: &str| {
        let part = |what: &str| rates[0][format!("{when}_{what}")].as_f64().expect("a count");
        part("cracks") / part("units").max(1.0)
    };
    assert!(share("before") < 0.05, "{rates:?}");
    server.until("rise of cracks", |server| {
        let rows = server.sql(
            "select max(crack * 1.0 / inspected) as share from kpis
             where scope = 'hour' and production_line = 'Line_A' and product = 'all' and inspected > 50",
        );
        let share = rows[0]["share"].as_f64().unwrap_or(0.0);
        if share > 0.3 { Ok(()) } else { Err(rows[0].to_string()) }
    });
}

/// One pane of a sensor, as SQL sees it.
fn pane(server: &Server, sensor: &str, start: &str) -> Value {
    let query = format!("select n, mean, max from panes where sensor_id = '{sensor}' and start = timestamp '{start}'");
    server.sql(&query).into_iter().next().unwrap_or(Value::Null)
}

#[test]
fn a_corrected_reading_changes_its_window_and_alert_and_subscribers_see_the_retraction() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let sensor = "Line_B.furnace_temperature";
    // An hour of readings, one a minute, that ends now; half of it back there is one far too high.
    let end = jiff::Timestamp::now().as_second() / 60 * 60 - 120;
    let stamp = |minute: i64| jiff::Timestamp::from_second(end - (90 - minute) * 60).expect("a time").to_string();
    let rows: Vec<Value> = (0..90)
        .map(|minute| {
            let value = if minute == 30 { 1650.0 } else { 1520.0 + (minute % 3) as f64 };
            json!({ "timestamp": stamp(minute), "sensor_id": sensor, "value": value })
        })
        .collect();
    let answer = server.post("/api/readings", &json!(rows));
    assert_eq!(answer["accepted"], 90, "{answer}");

    let alert = server.sql("select * from alerts where parameter_name = 'furnace_temperature' and peak = 1650");
    assert_eq!(alert.len(), 1, "the limit alert is there");
    let id = text(&alert[0], "alert_id").to_owned();
    server.post(&format!("/api/alerts/{id}/acknowledge"), &json!({ "reason": "looks like a bad thermocouple" }));
    assert_eq!(pane(&server, sensor, &stamp(30))["max"], 1650.0);
    let before = server.get("/api/health")["tick"].clone();

    let mut sensors = server.websocket("/ws?channels=sensors,alerts");
    sensors.until(|message| (text(message, "type") == "snapshot" && message["channel"] == "alerts").then_some(()));
    let correction = json!([{ "timestamp": stamp(30), "sensor_id": sensor, "value": 1520.0 }]);
    assert_eq!(server.post("/api/readings", &correction)["accepted"], 1);

    assert_eq!(pane(&server, sensor, &stamp(30))["max"], 1520.0);
    let window =
        server.sql(&format!("select max(max) as max from features where sensor_id = '{sensor}' and window_s = 900"));
    assert_eq!(window[0]["max"], 1522.0);
    let alert = server.sql(&format!("select state, note from alerts where alert_id = '{id}'"));
    assert_eq!(text(&alert[0], "state"), "withdrawn");
    assert_eq!(text(&alert[0], "note"), "looks like a bad thermocouple");
    sensors.until(|message| {
        let removed = message["data"]["removed"]["alerts"].as_array()?;
        removed.iter().any(|row| row["alert_id"] == id.as_str() && row["state"] != "withdrawn").then_some(())
    });

    // What was known before the correction can still be asked.
    let then = server.post(
        "/api/sql",
        &json!({ "query": "select state from alerts where peak = 1650", "as_of": { "tick": before } }),
    );
    assert_eq!(then["rows"].as_array().map(Vec::len), Some(1), "{then}");
    assert_ne!(then["rows"][0][0], "withdrawn");
}

#[test]
fn a_corrected_unit_changes_the_key_figures_it_belongs_to() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 7200).expect("a time").to_string();
    let unit = |verdict: &str, defects: Value| {
        json!([{ "unit_id": 42, "line": "Line_C", "timestamp": at, "product": "bottle_330",
                 "verdict": verdict, "defects": defects }])
    };
    let crack = json!([{ "type": "crack", "score": 0.9, "box": [10, 20, 30, 40] }]);
    server.post("/api/units", &unit("scrap", crack));
    let day = "select inspected, good, scrap, crack, quality_ratio from kpis
               where scope = 'day' and production_line = 'Line_C' and product = 'all'";
    let row = &server.sql(day)[0];
    assert_eq!((&row["inspected"], &row["scrap"], &row["crack"]), (&json!(1), &json!(1), &json!(1)));
    server.post("/api/units", &unit("good", json!([])));
    let row = &server.sql(day)[0];
    assert_eq!((&row["inspected"], &row["scrap"], &row["crack"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(row["quality_ratio"], 1.0);
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_another_number_of_workers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "600", "--workers", "2"], None);
    let token = server.token.clone();
    server.until("units", |server| {
        let rows = server.sql("select count(*) as n from units");
        if rows[0]["n"].as_i64() > Some(1000) { Ok(()) } else { Err(rows[0].to_string()) }
    });
    let horizon = server.sql("select min(at) as at from clocks")[0]["at"].clone();
    let question = format!(
        "select sensor_id, start, n, mean, std from panes where start < timestamp {} - interval '2 minutes' order by 1, 2",
        horizon.to_string().replace('"', "'")
    );
    let kept = server.sql(&question);
    let units = server.sql("select count(*) as n from units")[0]["n"].as_i64();
    assert!(kept.len() > 20, "{} panes", kept.len());
    server.kill();

    let server = Server::start(dir.path(), &["--no-plant", "--workers", "1"], Some(&token));
    assert_eq!(server.sql(&question), kept);
    assert!(server.sql("select count(*) as n from units")[0]["n"].as_i64() >= units);
    server.kill();
    let rows =
        succeed(lehr().args(["sql", "--format", "json", "--data"]).arg(dir.path()).arg("select count(*) from units"));
    assert!(rows.contains("\"rows\""), "{rows}");
}

#[test]
fn readings_that_cannot_be_are_named_and_the_rest_is_unharmed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let now = now(&server);
    let good = "Line_A.belt_speed";
    let row = |sensor: &str, at: &str, value: Value| json!({ "timestamp": at, "sensor_id": sensor, "value": value });
    let body = format!(
        "[{},{},{},{},{},{},{},{},{}]",
        row(good, &now, json!(150.5)),
        row(good, &now, json!(150.5)),
        format_args!(r#"{{"timestamp":"{now}","sensor_id":"{good}","value":"NaN"}}"#),
        format_args!(r#"{{"timestamp":"{now}","sensor_id":"{good}","value":1e400}}"#)
            .to_string()
            .replace("1e400", "1e300"),
        row("Line_A.no_such_sensor", &now, json!(1.0)),
        row(good, "2300-01-01T00:00:00Z", json!(150.0)),
        row(good, "1800-01-01T00:00:00Z", json!(150.0)),
        row(good, "soon", json!(150.0)),
        row(good, "2020-01-01T00:00:00Z", json!(149.0)),
    );
    let (status, answer) = server.request("POST", "/api/readings", Some(body.into_bytes()));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        (&answer["accepted"], &answer["rejected"], &answer["late"]),
        (&json!(2), &json!(6), &json!(1)),
        "{answer}"
    );
    assert_eq!(
        server.sql("select n from panes where sensor_id = 'Line_A.belt_speed'")[0]["n"],
        1,
        "a repeat counts once"
    );
    assert_eq!(server.sql("select count(*) as n from late")[0]["n"], 1);
    let errors = server.sql("select reason from errors order by reason");
    assert_eq!(errors.len(), 6, "{errors:?}");
    for wanted in ["no_such_sensor", "2300-01-01", "1800-01-01", "soon"] {
        let named = |error: &&Value| error.to_string().contains(wanted);
        assert!(errors.iter().any(|error| named(&error)), "{wanted} in {errors:?}");
    }
}

#[test]
fn sql_reads_tables_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    for (query, wanted) in [
        ("copy panes to '/tmp/x.csv'", "COPY"),
        ("create external table t stored as csv location '/etc/passwd'", "CREATE EXTERNAL TABLE"),
        ("insert into panes values (1)", "INSERT"),
        ("select * from '/etc/passwd'", "/etc/passwd"),
        ("select 1; select 2", "statement"),
        ("selec 1", "selec"),
        ("select * from nowhere", "nowhere"),
    ] {
        let (status, answer) =
            server.request("POST", "/api/sql", Some(json!({ "query": query }).to_string().into_bytes()));
        assert!((400..500).contains(&status), "{query}: {status} {answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default().to_lowercase();
        assert!(message.contains(&wanted.to_lowercase()), "{query}: {message}");
    }
    let long = "select count(*) from generate_series(1, 100000) a cross join generate_series(1, 100000) b
                cross join generate_series(1, 1000) c where a.value + b.value * c.value = 7";
    let body = json!({ "query": long, "limits": { "seconds": 1 } });
    let (status, answer) = server.request("POST", "/api/sql", Some(body.to_string().into_bytes()));
    assert!((400..500).contains(&status), "{status} {answer}");
    let (status, answer) = server.request(
        "POST",
        "/api/sql",
        Some(json!({ "query": "select * from columns", "limits": { "rows": 3 } }).to_string().into_bytes()),
    );
    assert!((400..500).contains(&status) && answer.to_string().contains("limits.rows"), "{status} {answer}");
}

#[test]
fn malformed_requests_get_an_answer_that_says_what_is_wrong() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let document = server.get("/api/openapi.json");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 25, "every route is described: {}", paths.len());
    let mut tried = 0;
    for (path, operations) in paths {
        for method in ["post", "put"] {
            if operations[method].is_null() || operations[method]["requestBody"].is_null() {
                continue;
            }
            let path = path.replace("{id}", "1").replace("{job}", "1").replace("{action}", "acknowledge");
            let path = path.replace("{model}", "graph").replace("{version}", "1.0.0").replace("{unit}", "1");
            let bodies: [&[u8]; 4] = [b"{", b"\xff\xfe\x00", b"[[[[", b"\"just text\""];
            for body in bodies {
                let (status, answer) = server.request(&method.to_uppercase(), &path, Some(body.to_vec()));
                assert!((400..500).contains(&status), "{method} {path} {body:?}: {status} {answer}");
                assert!(answer["error"]["message"].is_string(), "{method} {path}: {answer}");
                tried += 1;
            }
            // What is not there is not found, however large what was sent to it.
            let content = operations[method]["requestBody"]["content"].as_object().expect("content types");
            let content_type = content.keys().next().expect("a content type");
            let status = server.oversized(&method.to_uppercase(), &path, content_type, 9 << 20);
            // A file may be so large, but not of blanks alone.
            let file = content_type == "application/octet-stream" && status == 400;
            assert!(status == 413 || file || (path.contains("/1") && status == 404), "{method} {path}: {status}");
        }
    }
    assert!(tried > 30, "{tried} bodies were tried");
    assert_eq!(server.request("GET", "/api/nowhere", None).0, 404);
    assert_eq!(server.request("DELETE", "/api/health", None).0, 405);
    assert_eq!(server.request("GET", "/api/kpis?scope=eon", None).0, 400);
}

/// Proposed, seen by subscribers, decided once, and still so after a crash; and the plant is left as it is.
#[test]
fn a_recommendation_is_proposed_decided_and_outlives_a_crash() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "600"], None);
    server.until("a closed minute", |server| {
        let answer = server.get("/api/digital-twin/shadow-state?line=Line_A");
        if answer["lines"][0].is_null() { Err(answer.to_string()) } else { Ok(()) }
    });
    let mut channel = server.websocket("/ws/recommendations");
    channel.until(|message| {
        let rows = message["data"]["recommendations"].as_array()?;
        (text(message, "type") == "snapshot" && rows.is_empty()).then_some(())
    });
    let setpoints = "select count(*) as n from setpoints";
    let before = server.sql(setpoints);
    let proposal = json!({ "line": "Line_A", "reason": "fewer cracks",
        "settings": [{ "parameter": "belt_speed", "value": 141 }] });
    let proposed = server.post("/api/recommendations", &proposal);
    let id = text(&proposed["recommendation"], "recommendation_id").to_owned();
    let seen = channel.until(|message| {
        let row = message["data"]["added"]["recommendations"].as_array()?.first()?.clone();
        assert_eq!((text(message, "type"), text(message, "channel")), ("recommendation", "recommendations"));
        assert!(message["timestamp"].is_string() && message["metadata"]["equipment_id"].is_null(), "{message}");
        (text(&row, "recommendation_id") == id).then_some(row)
    });
    assert_eq!((text(&seen, "state"), text(&seen, "reason")), ("proposed", "fewer cracks"));
    assert!(seen["rate_per_h_low"].as_f64().expect("a band") <= seen["rate_per_h_high"].as_f64().expect("a band"));
    let decision = format!("/api/recommendations/{id}/decision");
    server.post(&decision, &json!({ "decision": "approve", "reason": "go" }));
    channel.until(|message| {
        let added = message["data"]["added"]["recommendations"].as_array()?.first()?;
        let removed = message["data"]["removed"]["recommendations"].as_array()?.first()?;
        (text(added, "state") == "approved" && text(removed, "state") == "proposed").then_some(())
    });
    assert_eq!(server.sql(setpoints), before, "an approved change is carried out by hand");
    let token = server.token.clone();
    server.kill();

    let server = Server::start(dir.path(), &["--no-plant"], Some(&token));
    let rows = server.sql("select state, decided_by, decision_reason, settings from recommendations");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((text(&rows[0], "state"), text(&rows[0], "decision_reason")), ("approved", "go"));
    let body = json!({ "decision": "reject", "reason": "no" }).to_string().into_bytes();
    let (status, answer) = server.request("POST", &decision, Some(body));
    assert_eq!((status, text(&answer["error"], "code")), (409, "state"), "{answer}");
}
