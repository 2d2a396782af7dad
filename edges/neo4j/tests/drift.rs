//! What somebody edits in the mirror is found, kept, and can be imported.

mod support;

use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_neo4j::{Difference, Drift, Edge, Edit, Seen, What, drift, edits, probe};
use support::driver::Driver;
use support::server::Server;
use support::world::{World, edge};

fn edge_as_read(cause: &str, effect: &str, direction: &str, confidence: f64) -> Edge {
    Edge {
        cause: cause.to_owned(),
        effect: effect.to_owned(),
        direction: direction.to_owned(),
        threshold: Some(1600.0),
        confidence,
        lag_min_s: 900.0,
        lag_max_s: 1800.0,
        mechanism: "thermal stress".to_owned(),
        advice: "lower it".to_owned(),
    }
}

fn whats(drifts: &[Drift]) -> Vec<(Option<i64>, What)> {
    drifts.iter().map(|drift| (drift.edge_id, drift.what)).collect()
}

/// Draws what the import of `edge` lacks but the number.
fn drawn(cause: &str, effect: &str, confidence: f64) -> String {
    format!(
        "MATCH (a:LehrNode {{id: '{cause}'}}), (b:LehrNode {{id: '{effect}'}}) CREATE (a)-[r:LEADS_TO {{direction: 'low', \
         threshold: 1600.0, confidence: {confidence}, lag_min_s: 900, lag_max_s: 1800.0, mechanism: 'thermal stress', \
         advice: 'lower it'}}]->(b)"
    )
}

#[tokio::test]
async fn edits_are_found_kept_and_imported() {
    let mut server = Server::start().await;
    let (burner, heat, belt) = (
        edge(0, "furnace_burner", "furnace_temperature", "variation", 0.9),
        edge(1, "furnace_temperature", "crack", "high", 0.85),
        edge(2, "belt_speed", "deformation", "high", 0.82),
    );
    let first = [burner.clone(), heat.clone(), belt.clone()];
    let changed = edge(2, "belt_speed", "deformation", "high", 0.7);
    // What Lehr makes of the edits that are imported, and then of the rest.
    let imported = edge(1, "furnace_temperature", "crack", "high", 0.95);
    let added = edge(3, "belt_speed", "crack", "low", 0.4);
    let world = World::of(&[
        &first,
        &[burner.clone(), heat.clone(), changed.clone()],
        &[imported.clone(), changed.clone(), added.clone()],
        &[imported, edge(2, "belt_speed", "deformation", "high", 0.6), added],
    ]);
    let (config, table) = (server.config(), &world.tables[1]);
    let mut driver = Driver::new(config.target(), Tick(0), Tick(0));
    let seen = probe(&config).await.unwrap();
    assert!(seen[1].starts_with("the database mirrors nothing yet"), "{seen:?}");
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    assert_eq!(drift(&config, table, &world.edges(Tick(1))).await.unwrap(), []);
    assert_eq!(edits(&config).await.unwrap(), []);
    assert!(probe(&config).await.unwrap().contains(&"nothing was edited by hand".to_owned()));

    // Notes of one's own are no edit, nor is another way to write the same number.
    server.cypher("MATCH ()-[r:LEADS_TO {edge_id: 2}]->() SET r.note = 'ask Eva', r.lag_min_s = 900").await;
    assert_eq!(drift(&config, table, &world.edges(Tick(1))).await.unwrap(), []);

    server.cypher("MATCH ()-[r:LEADS_TO {edge_id: 1}]->() SET r.confidence = 0.95").await;
    server.cypher("MATCH ()-[r:LEADS_TO {edge_id: 0}]->() DELETE r").await;
    server.cypher(&drawn("belt_speed", "crack", 0.4)).await;
    server.cypher("MATCH (b:LehrNode {id: 'crack'}) CREATE (:Note {text: 'mine'})-[:LEADS_TO]->(b)").await;
    let drifts = drift(&config, table, &world.edges(Tick(1))).await.unwrap();
    let expected = [(Some(0), What::Removed), (Some(1), What::Edited), (None, What::Added), (None, What::Added)];
    assert_eq!(whats(&drifts), expected);
    let field = Difference { column: "confidence".to_owned(), lehr: Cell::Float(0.85), mirror: Cell::Float(0.95) };
    assert_eq!(drifts[1].fields, [field]);
    assert_eq!((drifts[2].cause.as_str(), drifts[2].effect.as_str()), ("belt_speed", "crack"));
    let found = edits(&config).await.unwrap();
    assert_eq!(
        found[..3],
        [
            Edit::Changed { edge_id: 1, edge: edge_as_read("furnace_temperature", "crack", "high", 0.95) },
            Edit::Removed { edge_id: 0 },
            Edit::Added { edge: edge_as_read("belt_speed", "crack", "low", 0.4) },
        ]
    );
    assert!(matches!(&found[3], Edit::Unusable { edge_id: None, why } if why.contains("no id")), "{found:?}");
    let seen = probe(&config).await.unwrap();
    println!("{}", seen.join("; "));
    assert_eq!(seen[2], "4 relationships were edited by hand: import them, or undo them");

    // Another edge changes: all edits stay, whoever is killed between.
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    server.kill();
    server.restart().await;
    assert_eq!(edits(&config).await.unwrap(), found);
    assert_eq!(whats(&drift(&config, table, &world.edges(Tick(2))).await.unwrap()), expected);
    // Rows that the mirror does not hold yet are no edit.
    let ahead = drift(&config, table, &world.edges(Tick(4))).await.unwrap();
    assert!(whats(&ahead).contains(&(Some(2), What::Behind)), "{ahead:?}");
    assert_eq!(server.count("MATCH ()-[r:LEADS_TO {note: 'ask Eva'}]->() RETURN count(r) AS count").await, 1);

    // Lehr's rows that the mirror does not hold yet overtake edits, so that none is imported twice.
    let seen = Seen::of(&config).await.unwrap();
    assert_eq!(seen.tick(), Tick(2));
    assert_eq!(seen.edits(table, &world.edges(Tick(2))).unwrap(), found);
    let overtaken = seen.edits(table, &world.edges(Tick(3))).unwrap();
    let whys = overtaken.iter().filter_map(|edit| match edit {
        Edit::Overtaken { edge_id, why } => Some((*edge_id, why.as_str())),
        _ => None,
    });
    let expected = [
        (Some(1), "Lehr has changed the edge since"),
        (Some(0), "Lehr has removed the edge since"),
        (Some(3), "Lehr has such an edge, which the mirror does not hold yet"),
    ];
    assert_eq!(whys.collect::<Vec<_>>(), expected);
    assert_eq!(overtaken[3], found[3]);
    // The new edge may have the number of another that the mirror has.
    let mut again = world.edges(Tick(3));
    again[2][0] = Cell::Int(0);
    let overtaken = seen.edits(table, &again).unwrap();
    assert!(overtaken[..3].iter().all(|edit| matches!(edit, Edit::Overtaken { .. })), "{overtaken:?}");

    // What was imported is Lehr's now, and there once.
    server.cypher("MATCH (n:Note) DETACH DELETE n").await;
    let mut driver = Driver::new(config.target(), Tick(2), Tick(2));
    driver.deliver(&world, Tick(3), false, |_, _| ()).await.unwrap();
    assert_eq!(drift(&config, table, &world.edges(Tick(3))).await.unwrap(), []);
    assert_eq!(edits(&config).await.unwrap(), []);

    // Lehr's own change of an edge ends an edit of it.
    server.cypher("MATCH ()-[r:LEADS_TO {edge_id: 2}]->() SET r.confidence = 'sure', r.note = null").await;
    let found = edits(&config).await.unwrap();
    assert!(matches!(&found[..], [Edit::Unusable { edge_id: Some(2), why }] if why.ends_with("must be a number")));
    driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(4)).await;
    assert_eq!(edits(&config).await.unwrap(), []);
}

/// Relationships that were there before Lehr, or that lost their position, become Lehr's and are not made twice.
#[tokio::test]
async fn a_graph_that_was_there_is_taken_over() {
    let server = Server::start().await;
    let low = edge(7, "belt_speed", "crack", "low", 0.5);
    let world = World::of(&[&[low.clone(), edge(8, "belt_speed", "crack", "high", 0.5)]]);
    let config = server.config();
    config.target().connect(&world.tables).await.unwrap();
    server.cypher("CREATE (:LehrNode {id: 'belt_speed'}), (:LehrNode {id: 'crack'})").await;
    server.cypher(&drawn("belt_speed", "crack", 0.4)).await;
    Driver::new(config.target(), Tick(0), Tick(0)).deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(1)).await;
    server.cypher("MATCH (p:LehrPosition) DELETE p").await;
    Driver::new(config.target(), Tick(0), Tick(0)).deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(1)).await;
}
