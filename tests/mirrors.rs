//! The causal graph in a graph database: what people edit there is shown, and imported as any edit of edges is.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::Server;
use support::peers::GraphDatabase;
use support::proxy::{Mode, Proxy};

const MIRROR: &str = "/api/knowledge-graph/mirrors/graph";

fn stores_file(dir: &Path, graph: &GraphDatabase, port: u16) -> String {
    let sqlite = format!("[[sqlite]]\nname = \"local\"\npath = \"{}/local.db\"\n", dir.display());
    let file = dir.join("stores.toml");
    fs::write(&file, graph.entry("graph", port) + &sqlite).expect("a file");
    file.to_string_lossy().into_owned()
}

/// Waits until the mirror holds all that Lehr knows, and nothing differs but so much.
fn until_drift(server: &Server, total: u64) -> Value {
    server.until("drift", |server| {
        let mirrors = server.get("/api/knowledge-graph/mirrors");
        let mirror = &mirrors["mirrors"][0];
        assert_eq!(mirror["name"], "graph", "{mirrors}");
        if mirror["behind"] != 0 || !mirror["error"].is_null() {
            return Err(mirrors.to_string());
        }
        let drift = server.get(&format!("{MIRROR}/drift"));
        if drift["total"] == total { Ok(drift) } else { Err(drift.to_string()) }
    })
}

/// Draws an edge from one node to another.
fn drawn(cause: &str, effect: &str, confidence: f64) -> String {
    format!(
        "MATCH (a:LehrNode {{id: '{cause}'}}), (b:LehrNode {{id: '{effect}'}}) CREATE (a)-[:LEADS_TO {{direction: 'low', \
         confidence: {confidence}, lag_min_s: 60, lag_max_s: 600.0, mechanism: 'seen', advice: ''}}]->(b)"
    )
}

/// Edits as the API lists them, by what was done and between whom.
fn edits(server: &Server) -> BTreeMap<String, Value> {
    let answer = server.get(&format!("{MIRROR}/edits"));
    let listed = answer["edits"].as_array().expect("edits");
    assert_eq!(answer["total"], listed.len());
    let named = listed.iter().map(|edit| {
        let kind = edit["edit"].as_str().expect("what was done");
        let of = match (&edit["edge_id"], &edit["edge"]) {
            (Value::Null, Value::Object(edge)) => format!("{} {}", edge["cause"], edge["effect"]),
            (Value::Null, _) => String::new(),
            (id, _) => id.to_string(),
        };
        (format!("{kind} {of}").replace('"', ""), edit.clone())
    });
    named.collect()
}

fn edge(server: &Server, id: u64) -> Option<Value> {
    server.sql(&format!("select * from edges where edge_id = {id}")).into_iter().next()
}

fn id_of(server: &Server, cause: &str, effect: &str) -> u64 {
    let rows = server.sql(&format!("select edge_id from edges where cause = '{cause}' and effect = '{effect}'"));
    rows[0]["edge_id"].as_u64().expect("a number")
}

#[test]
fn edits_in_a_mirror_are_shown_and_imported_as_any_edit_of_edges_is() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let graph = GraphDatabase::start(&dir.path().join("graph"));
    let mut proxy = Proxy::before(graph.bolt);
    let stores = stores_file(dir.path(), &graph, proxy.port);
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--no-plant", "--clock-every", "0s", "--stores", &stores], None);
    until_drift(&server, 0);
    assert_eq!(edits(&server), BTreeMap::new());

    // By number: they say otherwise only what is edited.
    let hot = id_of(&server, "furnace_temperature", "crack");
    let fan = id_of(&server, "cooling_fan", "cooling_rate");
    let fast = id_of(&server, "belt_speed", "deformation");
    let before = edge(&server, hot).expect("the shipped graph has it");
    graph.cypher(&format!("MATCH ()-[r:LEADS_TO {{edge_id: {hot}}}]->() SET r.confidence = 0.95"));
    graph.cypher(&format!("MATCH ()-[r:LEADS_TO {{edge_id: {fan}}}]->() DELETE r"));
    graph.cypher(&format!("MATCH ()-[r:LEADS_TO {{edge_id: {fast}}}]->() SET r.confidence = 2"));
    graph.cypher(&drawn("belt_speed", "crack", 0.4));
    // Closes a cycle, says less than an edge needs, and is none at all.
    graph.cypher(&drawn("cooling_rate", "cooling_rate", 0.5));
    graph.cypher("MATCH (a:LehrNode {id: 'belt_speed'}), (b:LehrNode {id: 'bubble'}) CREATE (a)-[:LEADS_TO]->(b)");

    let drift = until_drift(&server, 6);
    let rows = drift["drift"].as_array().expect("rows");
    let changed = rows.iter().find(|row| row["edge_id"] == hot).expect("it differs");
    let field = json!({ "column": "confidence", "lehr": before["confidence"], "mirror": 0.95 });
    assert_eq!((&changed["what"], &changed["fields"]), (&json!("edited"), &json!([field])), "{changed}");
    assert_eq!(rows.iter().filter(|row| row["what"] == "added").count(), 3, "{drift}");
    assert_eq!(server.get(&format!("{MIRROR}/drift?limit=2"))["drift"].as_array().map(Vec::len), Some(2));

    let found = edits(&server);
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let (changed, wrong, removed) = (format!("changed {hot}"), format!("changed {fast}"), format!("removed {fan}"));
    let (added, cycle, unusable) = ("added belt_speed crack", "added cooling_rate cooling_rate", "unusable ");
    let mut expected = [added, cycle, &changed, &wrong, &removed, unusable];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(edge(&server, hot).expect("still there"), before, "an edit in the mirror has no effect by itself");

    // Who may look may not import.
    let import = |server: &Server, edits: &[&str]| {
        let body = json!({ "edits": edits, "reason": "as Eva drew it" });
        server.post(&format!("{MIRROR}/import"), &body)
    };
    let made = server.post("/api/tokens", &json!({ "name": "olga", "role": "operator" }));
    let operator = server.as_somebody(made["token"].as_str().expect("a token"));
    let id = |name: &str| found[name]["id"].as_str().expect("an id");
    let body = json!({ "edits": [id(&changed)], "reason": "x" }).to_string().into_bytes();
    assert_eq!(operator.request("POST", &format!("{MIRROR}/import"), Some(body)).0, 403);
    assert_eq!(operator.request("GET", &format!("{MIRROR}/edits"), None).0, 200);

    let chosen = [&changed, &removed, added, &wrong, cycle, unusable].map(id);
    let nobody = "0123456789abcdef";
    let answer = import(&server, &[&chosen[..], &[nobody, chosen[0]]].concat());
    let outcomes: Vec<&str> = answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["outcome"].as_str().unwrap())
        .collect();
    let expected = ["imported", "imported", "imported", "refused", "refused", "unusable", "unknown", "unknown"];
    assert_eq!(outcomes, expected, "{answer}");
    assert_eq!(answer["imported"], 3);
    let message = |place: usize| answer["results"][place]["message"].as_str().expect("a message");
    assert_eq!(message(3), "confidence must be at most 1");
    assert!(message(4).contains("cooling_rate → cooling_rate"), "the cycle is told: {answer}");
    assert!(message(5).contains("direction"), "{answer}");

    let mut after = before.clone();
    after["confidence"] = json!(0.95);
    assert_eq!(edge(&server, hot), Some(after));
    // Its number may be that of the new edge by now.
    let fans = server.sql("select * from edges where cause = 'cooling_fan' and effect = 'cooling_rate'");
    assert_eq!(fans, Vec::<Value>::new());
    let new = answer["results"][2]["edge"]["edge_id"].as_u64().expect("a number");
    assert_eq!(edge(&server, new).expect("it was added")["confidence"], 0.4);
    let audit = server.get("/api/audit?action=edge");
    assert_eq!(audit["total"], 3, "{audit}");
    assert_eq!(audit["audit"][0]["reason"], "as Eva drew it (edited in the mirror graph)");

    // Nothing is imported twice, whether the mirror has followed or not.
    let again = import(&server, &chosen);
    assert_eq!(again["imported"], 0, "{again}");
    let left = until_drift(&server, 3);
    assert!(left["drift"].as_array().expect("rows").iter().all(|row| row["edge_id"] != hot), "{left}");
    assert_eq!(import(&server, &chosen)["imported"], 0);
    assert_eq!(server.get("/api/audit?action=edge")["total"], 3);

    // Lehr's own change of an edge ends an edit of it.
    let row = edge(&server, fast).expect("a row");
    let mut body = json!({ "reason": "measured" });
    for field in ["cause", "effect", "direction", "threshold", "lag_min_s", "lag_max_s", "mechanism", "advice"] {
        body[field] = row[field].clone();
    }
    body["confidence"] = json!(0.5);
    let put = server.request("PUT", &format!("/api/knowledge-graph/edges/{fast}"), Some(body.to_string().into_bytes()));
    assert_eq!(put.0, 200, "{}", put.1);
    until_drift(&server, 2);

    // Only a mirror has edits.
    for path in ["local/drift", "nobody/drift", "local/edits", "nobody/edits"] {
        assert_eq!(server.request("GET", &format!("/api/knowledge-graph/mirrors/{path}"), None).0, 404, "{path}");
    }

    // One that is dead is told, by its name, and holds up nobody else.
    for mode in [Mode::Refusing, Mode::Swallowing] {
        proxy.set(mode);
        for path in ["drift", "edits"] {
            let (status, answer) = server.request("GET", &format!("{MIRROR}/{path}"), None);
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert_eq!((status, message.starts_with("mirror graph: ")), (503, true), "{mode:?}: {answer}");
        }
        let body = json!({ "edits": [nobody], "reason": "x" }).to_string().into_bytes();
        assert_eq!(server.request("POST", &format!("{MIRROR}/import"), Some(body)).0, 503, "{mode:?}");
        assert_eq!(server.get("/api/knowledge-graph/mirrors")["mirrors"][0]["name"], "graph");
    }
    proxy.set(Mode::Up);
    until_drift(&server, 2);
}
