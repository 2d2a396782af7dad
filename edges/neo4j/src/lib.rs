//! Neo4j mirrors the causal graph and follows Lehr's tables over Bolt.
