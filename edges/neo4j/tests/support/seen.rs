//! What another client sees in the mirror.

use super::LIMIT;
use super::server::Server;
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use neo4rs::{BoltType, Row};
use std::collections::BTreeMap;
use std::time::Instant;

#[derive(PartialEq)]
pub struct Seen {
    /// Store, tick and plant time.
    pub positions: Vec<(String, Tick, Option<String>)>,
    /// Relationships, sorted.
    pub edges: Vec<String>,
    /// Ids, sorted.
    pub nodes: Vec<String>,
}

impl Seen {
    /// A commit that nobody waits for any more may end while this reads, and no reading is of one moment. So it reads until
    /// it sees the same twice.
    pub async fn of(server: &Server) -> Seen {
        let deadline = Instant::now() + LIMIT;
        let mut before = Seen::once(server).await;
        loop {
            let seen = Seen::once(server).await;
            if seen == before {
                return seen;
            }
            assert!(Instant::now() < deadline, "nobody writes, and the mirror changes");
            before = seen;
        }
    }

    async fn once(server: &Server) -> Seen {
        let positions = "MATCH (p:LehrPosition) RETURN p.store AS store, p.tick AS tick, p.now AS now";
        let edges =
            "MATCH (a)-[r]->(b) RETURN a.id AS cause, b.id AS effect, type(r) AS type, properties(r) AS properties";
        let positions = server.cypher(positions).await;
        let positions = positions.iter().map(|row| (get(row, "store"), Tick(get(row, "tick")), get(row, "now")));
        let mut edges: Vec<String> = server.cypher(edges).await.iter().map(shown).collect();
        let nodes = server.cypher("MATCH (n:LehrNode) RETURN n.id AS id").await;
        let mut nodes: Vec<String> = nodes.iter().map(|row| get(row, "id")).collect();
        edges.sort();
        nodes.sort();
        Seen { positions: positions.collect(), edges, nodes }
    }

    /// Nothing before somebody connected.
    pub fn tick(&self) -> Option<Tick> {
        self.positions.first().map(|(_, tick, _)| *tick)
    }
}

fn get<'r, T: serde::Deserialize<'r>>(row: &'r Row, name: &str) -> T {
    row.get(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// In the words of the world.
fn shown(row: &Row) -> String {
    let BoltType::Map(properties) = get(row, "properties") else { panic!("a map") };
    let cells = properties.value.iter().map(|(name, value)| {
        let cell = match value {
            BoltType::Integer(value) => Cell::Int(value.value),
            BoltType::Float(value) => Cell::Float(value.value),
            BoltType::String(value) => Cell::Text(value.value.clone()),
            other => panic!("{other:?}"),
        };
        (name.value.clone(), format!("{cell:?}"))
    });
    let cells: BTreeMap<String, String> = cells.collect();
    let [cause, effect, kind]: [String; 3] = ["cause", "effect", "type"].map(|name| get(row, name));
    format!("({cause})-[{kind} {cells:?}]->({effect})")
}
