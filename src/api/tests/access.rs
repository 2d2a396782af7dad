//! Who gets in: every route by every role, and the Host and Origin of browsers.

use super::fixture::Fixture;
use crate::api::areas;
use crate::api::route::{Access, Route};
use crate::auth::Role;

/// The route's path with something in place of its variable segments.
fn sample(route: &Route) -> String {
    let path = route.path.split('/').map(|segment| match segment {
        "{action}" => "note",
        name if name.starts_with('{') => "1",
        other => other,
    });
    path.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_is_open_to_exactly_the_roles_that_it_names() {
    let fixture = Fixture::empty();
    let mut guarded = 0;
    for route in areas().iter().flatten() {
        let (method, path) = (route.method.as_str(), sample(route));
        let open = route.access == Access::Open;
        let status = |headers: &[(&str, &str)]| fixture.send(method, &path, headers, None).status;
        for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Basic YTpi")]] {
            assert_eq!(status(headers) == 401, !open, "{method} {path} {headers:?}");
        }
        for role in Role::ALL {
            let bearer = format!("Bearer {}", fixture.token(role));
            let got = status(&[("authorization", &bearer)]);
            let refused = match route.access {
                Access::Open => false,
                Access::Needs(needed) => role < needed,
            };
            guarded += usize::from(refused);
            assert_eq!(got == 403, refused, "{method} {path} by {}: {got}", role.text());
            assert!(refused || (got != 401 && got < 500), "{method} {path} by {}: {got}", role.text());
        }
    }
    assert!(guarded > 20, "only {guarded} refusals were seen");
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let fixture = Fixture::empty();
    let body = serde_json::json!({ "name": "anna", "role": "viewer" });
    let made = fixture.call("POST", "/api/tokens", Role::Admin, Some(&body)).json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let me = || fixture.send("GET", "/api/me", &[("authorization", &bearer)], None);
    assert_eq!(me().json(), serde_json::json!({ "name": "anna", "role": "viewer" }));
    let id = made["id"].as_str().unwrap();
    assert_eq!(fixture.call("DELETE", &format!("/api/tokens/{id}"), Role::Admin, None).status, 200);
    assert_eq!(me().status, 401);
    let audit = fixture.get("/api/audit?action=token");
    assert_eq!(audit["total"], 2);
    assert!(!audit.to_string().contains(made["token"].as_str().unwrap()), "tokens are not written down");
}

#[test]
fn other_sites_do_not_get_in_through_a_browser() {
    let fixture = Fixture::empty();
    let status = |headers: &[(&str, &str)]| fixture.send("GET", "/api/health", headers, None);
    assert_eq!(status(&[("host", "localhost:8000")]).status, 200);
    let got = status(&[("host", "evil.example")]);
    assert_eq!((got.status, got.error().0.as_str()), (403, "forbidden_host"));
    let address = fixture.address.to_string();
    let own = format!("http://{address}");
    assert_eq!(status(&[("host", &address), ("origin", &own)]).status, 200);
    assert_eq!(status(&[("host", &address), ("origin", "http://evil.example")]).status, 403);
    assert_eq!(fixture.send("GET", "/", &[("host", "evil.example")], None).status, 403, "nor the page");
}

#[test]
fn the_page_is_served_with_its_views_and_without_the_rest_of_the_disk() {
    let fixture = Fixture::empty();
    let get = |path: &str| fixture.send("GET", path, &[], None);
    assert!(get("/").text.contains("make build-frontend"));
    let dist = fixture.folder().join("dist");
    std::fs::create_dir_all(dist.join("assets")).unwrap();
    std::fs::write(dist.join("index.html"), "<p>page</p>").unwrap();
    std::fs::write(dist.join("assets/index-abcd1234.js"), "1").unwrap();
    std::fs::write(fixture.folder().join("secret.txt"), "secret").unwrap();
    for view in ["/", "/alerts", "/sensors/Line_A"] {
        let got = get(view);
        assert_eq!((got.status, got.text.as_str(), got.header("cache-control")), (200, "<p>page</p>", "no-cache"));
        assert!(got.header("content-type").starts_with("text/html"));
        assert!(got.header("content-security-policy").contains("default-src 'self'"));
    }
    let script = get("/assets/index-abcd1234.js");
    assert!(
        script.header("cache-control").contains("immutable") && script.header("content-type").contains("javascript")
    );
    for missing in
        ["/assets/gone.js", "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/api/nothing", "/wsx.js"]
    {
        assert_eq!(get(missing).status, 404, "{missing}");
    }
    assert_eq!(fixture.send("HEAD", "/", &[], None).status, 200);
    let got = fixture.send("POST", "/", &[], Some(b""));
    assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"));
}
