//! Stores of all kinds, seen alike.

use super::config::StoreConfig;
use super::places::{self, Place};
use async_trait::async_trait;
use lehr_targets::{Table, Target};
use std::sync::Arc;

/// Crates in edges/ have the same functions, and each a type of its own for a store.
macro_rules! store {
    (
        $store:ident $(:: $module:ident)?,
        $kind:ident,
        |$config:ident, $table:ident| $keeps:expr
        $(, gathers: $gathers:literal)?
        $(, mirror: $mirror:ident)?
        $(, archive: |$archive:ident| $archives:expr)?
    ) => {
        #[async_trait]
        impl StoreConfig for $store$(::$module)?::Config {
            fn name(&self) -> &str {
                &self.name
            }

            fn kind(&self) -> &'static str {
                stringify!($kind)
            }

            fn address(&self) -> String {
                <$store$(::$module)?::Config>::address(self)
            }

            fn check(&self, tables: &[Arc<Table>]) -> Result<(), String> {
                <$store$(::$module)?::Config>::check(self, tables).map_err(|error| error.to_string())
            }

            fn place(&self, tables: &[Arc<Table>]) -> Place {
                places::$kind(self, tables)
            }

            fn keeps(&self, $table: &Table) -> bool {
                let $config = self;
                $keeps
            }

            $(fn gathers(&self) -> bool {
                $gathers
            })?

            $(fn mirror(&self) -> Option<&lehr_neo4j::Config> {
                let $mirror = self;
                Some($mirror)
            })?

            $(fn archive(&self) -> Option<&lehr_objects::Config> {
                let $archive = self;
                $archives.then_some($archive)
            })?

            fn target(&self) -> Box<dyn Target> {
                <$store$(::$module)?::Config>::target(self)
            }

            async fn probe(&self) -> Result<Vec<String>, String> {
                $store$(::$module)?::probe(self).await
            }
        }
    };
}

store!(lehr_kafka::store, kafka, |config, table| table.is_kept(config.tables.as_deref()));
store!(lehr_sql::postgres, postgres, |config, table| table.is_kept(config.tables.as_deref()));
store!(lehr_sql::sqlite, sqlite, |config, table| table.is_kept(config.tables.as_deref()));
store!(lehr_redis, redis, |config, table| table.is_kept(config.tables.as_deref()));
store!(lehr_mqtt::store, mqtt, |config, table| table.is_kept(config.tables.as_deref()));
store!(
    lehr_objects,
    objects,
    |config, table| table.is_kept(config.tables.as_deref()),
    gathers: true,
    archive: |config| config.models
);
store!(lehr_influx::store, influx, |config, table| config.follows(table));
// The causal graph alone.
store!(lehr_neo4j, neo4j, |_config, table| table.name == "edges", mirror: config);
