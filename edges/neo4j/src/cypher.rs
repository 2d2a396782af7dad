//! The statements. Names in them are fixed; what is of Lehr's rows goes as parameters.

/// How the mirror is laid out, and hashes are made.
pub(crate) const FORMAT: i64 = 1;

/// Relationships that are read at most: Lehr has 10,000 edges at most, the rest was drawn by hand.
pub(crate) const MOST: usize = 50_000;

/// Each alone in a transaction.
pub(crate) const SCHEMA: [&str; 3] = [
    "CREATE CONSTRAINT lehr_node IF NOT EXISTS FOR (n:LehrNode) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT lehr_position IF NOT EXISTS FOR (p:LehrPosition) REQUIRE p.store IS UNIQUE",
    "CREATE INDEX lehr_edge IF NOT EXISTS FOR ()-[r:LEADS_TO]-() ON (r.edge_id)",
];

/// An empty mirror stands at tick 0.
pub(crate) const BEGIN: &str = "MERGE (p:LehrPosition {store: $store})
    ON CREATE SET p.tick = 0, p.format = $format, p.columns = [], p.edges = [], p.hashes = []";

/// A change takes the lock of the node, and waits for whoever has it; where there are no locks, of those who change it at
/// once one alone is committed. So what a lost connection left behind cannot be committed behind the back of whoever
/// committed this. What is read after it is committed; what is read by the same statement might be older.
pub(crate) const LOCK: &str = "MATCH (p:LehrPosition {store: $store}) SET p.locks = coalesce(p.locks, 0) + 1";

pub(crate) const POSITIONS: &str = "MATCH (p:LehrPosition) RETURN p.store AS store, p.tick AS tick, p.now AS now,
    p.format AS format, p.columns AS columns, p.edges AS edges, p.hashes AS hashes";

pub(crate) const COLUMNS: &str = "MATCH (p:LehrPosition {store: $store}) SET p.columns = $columns";

pub(crate) const ADVANCE: &str = "MATCH (p:LehrPosition {store: $store}) WHERE p.tick = $after
    SET p.tick = $tick, p.now = $now RETURN count(p) AS count";

pub(crate) const WRITTEN: &str = "MATCH (p:LehrPosition {store: $store}) SET p.edges = $edges, p.hashes = $hashes";

pub(crate) const READ: &str = "MATCH (a)-[r:LEADS_TO]->(b) RETURN id(r) AS at, a.id AS cause, b.id AS effect,
    properties(r) AS properties LIMIT $most";

/// Columns that are null go. What others added stays.
pub(crate) const UPDATE: &str = "UNWIND $rows AS row
    MATCH (:LehrNode {id: row.cause})-[r:LEADS_TO]->(:LehrNode {id: row.effect}) WHERE id(r) = row.at
    SET r += row.properties RETURN count(r) AS count";

pub(crate) const CREATE: &str = "UNWIND $rows AS row
    MERGE (a:LehrNode {id: row.cause}) MERGE (b:LehrNode {id: row.effect})
    CREATE (a)-[r:LEADS_TO]->(b) SET r += row.properties RETURN count(r) AS count";

pub(crate) const KINDS: &str = "UNWIND $kinds AS node MATCH (n:LehrNode {id: node.id}) SET n.kind = node.kind";

/// A hand may have moved what is Lehr's by its number to other nodes, so it is looked for by the number.
pub(crate) const DELETE: &str = "MATCH ()-[r:LEADS_TO]->() WHERE r.edge_id IN $edges AND id(r) IN $at DELETE r";

/// Nodes with relationships of others stay.
pub(crate) const FORGET: &str = "UNWIND $nodes AS id MATCH (n:LehrNode {id: id}) WHERE NOT (n)--() DELETE n";

/// Neo4j has it; what else speaks Bolt may not.
pub(crate) const VERSION: &str =
    "CALL dbms.components() YIELD name, versions, edition RETURN name, versions[0] AS version, edition";
