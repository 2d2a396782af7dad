//! Pictures through the door: delivered, shown, refused, and gone.

use super::fixture::{Fixture, Got, PICTURES, minute};
use crate::api::schema::{check, components};
use crate::api::{areas, route::Route};
use crate::auth::Role;
use crate::pictures::{FOLDER, PICTURE_MOST};
use lehr_camera::{Flaw, Kind, SIDE, Shape, Split, Style, picture, png};
use serde_json::{Value, json};

fn file(seed: u64) -> Vec<u8> {
    let style = Style::of(Split::Test);
    let taken = picture(seed, Shape::Jar, &[Flaw::draw(seed, Kind::Crack, &style)], &style);
    png(&taken.pixels, SIDE, SIDE).unwrap()
}

/// A plant with units 90 to 93.
fn fixture() -> Fixture {
    let fixture = Fixture::empty();
    let unit = |id: u64| {
        json!({ "unit_id": id, "line": "Line_A", "timestamp": minute(0).to_string(), "product": "bottle_330",
            "verdict": "good" })
    };
    let now = crate::runtime::Submission { now: Some(minute(1)), ..Default::default() };
    fixture.submit(now);
    let rows = json!((90..94).map(unit).collect::<Vec<_>>());
    let got = fixture.call("POST", "/api/units", Role::Operator, Some(&rows));
    assert_eq!((got.status, &got.json()["accepted"]), (200, &json!(4)), "{}", got.text);
    fixture
}

fn deliver(fixture: &Fixture, unit: &str, role: Role, content_type: &str, file: &[u8]) -> Got {
    let bearer = format!("Bearer {}", fixture.token(role));
    let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
    fixture.send("POST", &format!("/api/units/{unit}/picture"), &headers, Some(file))
}

/// The content under which a picture was taken.
fn taken(fixture: &Fixture, unit: u64, file: &[u8]) -> String {
    let got = deliver(fixture, &unit.to_string(), Role::Operator, "image/png", file);
    assert_eq!(got.status, 200, "{}", got.text);
    let answer = got.json();
    let route = |route: &Route| route.path == "/api/units/{unit}/picture";
    let schema = areas().into_iter().flatten().find(route).unwrap().answers.json.unwrap();
    check(&schema, &answer, &components()).unwrap_or_else(|wrong| panic!("{wrong:?}: {answer}"));
    assert_eq!(answer["unit"], unit.to_string());
    answer["content"].as_str().unwrap().to_owned()
}

fn shown(fixture: &Fixture, content: &str) -> (u16, Vec<u8>, String, String) {
    let request = ureq::get(format!("http://{}/api/pictures/{content}", fixture.address));
    let request = request.header("authorization", format!("Bearer {}", fixture.token(Role::Viewer)));
    let mut got = request.config().http_status_as_error(false).build().call().unwrap();
    let header = |name: &str| got.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (status, kind, caching) = (got.status().as_u16(), header("content-type"), header("cache-control"));
    (status, got.body_mut().read_to_vec().unwrap(), kind, caching)
}

fn part(fixture: &Fixture) -> Value {
    let health = fixture.get("/api/health");
    health["components"].as_array().unwrap().iter().find(|part| part["name"] == "pictures").unwrap().clone()
}

fn errors(fixture: &Fixture) -> Vec<String> {
    let sql = json!({ "query": "SELECT reason FROM errors WHERE source = 'http' ORDER BY reason" });
    let rows = fixture.call("POST", "/api/sql", Role::Viewer, Some(&sql)).json()["rows"].clone();
    rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_camera_delivers_and_everybody_who_may_look_sees_it() {
    let fixture = fixture();
    let content = taken(&fixture, 90, &file(1));
    let (status, bytes, kind, caching) = shown(&fixture, &content);
    assert_eq!((status, bytes, kind.as_str()), (200, file(1), "image/png"));
    assert!(caching.contains("immutable") && caching.contains("private"), "{caching}");
    assert_eq!(taken(&fixture, 91, &file(1)), content, "a picture is what it shows, whosever it is");
    let part = part(&fixture);
    assert_eq!(part["status"], "ok");
    assert!(part["detail"].as_str().unwrap().starts_with("1 pictures, 0."), "{part}");
    assert_eq!(errors(&fixture), [""; 0]);
    let got = fixture.send("GET", &format!("/api/pictures/{content}"), &[], None);
    assert_eq!(got.status, 401, "nobody without a token");
}

#[test]
fn what_cannot_be_taken_is_refused_by_name_and_kept_among_the_errors() {
    let fixture = fixture();
    let small = png(&[0; 3 * 16 * 16], 16, 16).unwrap();
    let most = u64::MAX.to_string();
    for (unit, content_type, body, status, field) in [
        ("90", "image/png", &b"no picture"[..], 400, "body"),
        ("90", "image/png", &small, 400, "body"),
        ("90", "image/png", &[], 400, "body"),
        ("7", "image/png", &file(1), 404, "unit"),
        (&most, "image/png", &file(1), 404, "unit"),
        ("99999999999999999999", "image/png", &file(1), 404, "unit"),
    ] {
        let got = deliver(&fixture, unit, Role::Operator, content_type, body);
        assert_eq!((got.status, got.error().1.as_str()), (status, field), "{unit}: {}", got.text);
    }
    let kept = errors(&fixture);
    assert_eq!(kept.len(), 6, "{kept:?}");
    assert!(kept.iter().any(|reason| reason.contains("16 × 16 pixels; take 224 × 224")), "{kept:?}");
    assert!(kept.iter().any(|reason| reason.contains("unit 7 is not known: send it first")), "{kept:?}");

    for (unit, role, content_type, body, status) in [
        ("90", Role::Viewer, "image/png", file(1), 403),
        ("90", Role::Operator, "image/jpeg", file(1), 415),
        ("90", Role::Operator, "application/octet-stream", file(1), 415),
        ("ninety", Role::Operator, "image/png", file(1), 404),
        ("90", Role::Operator, "image/png", vec![0; PICTURE_MOST + 1], 413),
    ] {
        assert_eq!(deliver(&fixture, unit, role, content_type, &body).status, status, "{unit} {content_type}");
    }
    assert_eq!(errors(&fixture).len(), 6, "what says nothing of a unit is no row");
    assert_eq!(fixture.app.pictures().figures().pictures, 0);
}

#[test]
fn a_picture_that_left_or_is_damaged_is_told() {
    let fixture = fixture();
    let contents: Vec<String> = (0..PICTURES.pictures + 1).map(|seed| taken(&fixture, 90, &file(seed))).collect();
    let gone = fixture.call("GET", &format!("/api/pictures/{}", contents[0]), Role::Viewer, None);
    assert_eq!((gone.status, gone.error().0.as_str()), (404, "not_found"));
    assert!(gone.text.contains("the oldest leave"), "{}", gone.text);
    assert_eq!(gone.header("cache-control"), "no-store");
    for unnamed in ["1", &contents[1].to_uppercase(), &contents[1][1..]] {
        assert_eq!(fixture.call("GET", &format!("/api/pictures/{unnamed}"), Role::Viewer, None).status, 404);
    }
    let content = &contents[1];
    let path = fixture.folder().join("data").join(FOLDER).join(&content[..2]).join(format!("{content}.png"));
    std::fs::write(path, file(9)).unwrap();
    let damaged = fixture.call("GET", &format!("/api/pictures/{content}"), Role::Viewer, None);
    assert_eq!((damaged.status, damaged.error().0.as_str()), (500, "damaged"), "{}", damaged.text);
    assert!(part(&fixture)["detail"].as_str().unwrap().contains("1 left by the bound"), "{}", part(&fixture));
    assert!(part(&fixture)["detail"].as_str().unwrap().contains("1 could not be written or read"));
}

#[test]
fn a_store_that_cannot_write_degrades_until_it_can() {
    let fixture = fixture();
    let folder = fixture.folder().join("data").join(FOLDER);
    std::fs::write(&folder, "in the way").unwrap();
    let got = deliver(&fixture, "90", Role::Operator, "image/png", &file(1));
    assert_eq!((got.status, got.error().0.as_str()), (500, "internal"), "{}", got.text);
    let degraded = part(&fixture);
    assert_eq!(degraded["status"], "degraded");
    assert!(degraded["detail"].as_str().unwrap().starts_with("no picture can be kept: cannot make"), "{degraded}");
    std::fs::remove_file(folder).unwrap();
    taken(&fixture, 90, &file(1));
    assert_eq!(part(&fixture)["status"], "ok");
}
