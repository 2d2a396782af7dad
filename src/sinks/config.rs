//! The file of stores: which targets there are, and which tables each follows.

use super::places::Place;
use super::readings::readings_table;
use super::tables::Tables;
use super::{Followers, ReadingsStore, SinkError, Store};
use crate::toml_file::{self, TomlFileError};
use async_trait::async_trait;
use lehr_dataflows::tables::{EdgeRow, Keyed};
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// Stores that one system may have.
const MOST: usize = 50;
/// MiB of the longest file that is read.
const LONGEST_MIB: u64 = 1;
/// Folder of the data directory with where each store stands.
const MARKS: &str = "stores";

/// A configured store of some kind.
#[async_trait]
pub trait StoreConfig: Debug + Send + Sync + 'static {
    /// Unique among the stores of a system; also the name of a file.
    fn name(&self) -> &str;

    fn kind(&self) -> &'static str;

    /// Where it is, without secrets.
    fn address(&self) -> String;

    /// What is wrong with the configuration, as far as that can be said without the store.
    fn check(&self, tables: &[Arc<Table>]) -> Result<(), String>;

    /// Where it writes. `tables` are those that Lehr has.
    fn place(&self, tables: &[Arc<Table>]) -> Place;

    fn keeps(&self, table: &Table) -> bool;

    /// Whether the store takes its time to gather what changes, as files are better few and large.
    fn gathers(&self) -> bool {
        false
    }

    /// As a mirror of the causal graph, in which people may edit it.
    fn mirror(&self) -> Option<&lehr_neo4j::Config> {
        None
    }

    /// As a place for the files of trained models.
    fn archive(&self) -> Option<&lehr_objects::Config> {
        None
    }

    fn target(&self) -> Box<dyn Target>;

    /// Reaches the store once, within a bounded time: what was found, or what is wrong and how to mend it.
    async fn probe(&self) -> Result<Vec<String>, String>;
}

/// As written: a list for each kind of store. Each page of docs/stores has the entries of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoresConfig {
    influx: Vec<lehr_influx::store::Config>,
    kafka: Vec<lehr_kafka::store::Config>,
    mqtt: Vec<lehr_mqtt::store::Config>,
    neo4j: Vec<lehr_neo4j::Config>,
    objects: Vec<lehr_objects::Config>,
    postgres: Vec<lehr_sql::postgres::Config>,
    redis: Vec<lehr_redis::Config>,
    sqlite: Vec<lehr_sql::sqlite::Config>,
}

/// Why the file cannot be used. Names the entry and the fix.
#[derive(Debug, thiserror::Error)]
pub enum StoresError {
    #[error(transparent)]
    File(#[from] TomlFileError),
    #[error("store {name}: {why}")]
    Store { name: String, why: String },
    #[error("two stores are named {0}: each needs a name of its own")]
    Twice(String),
    #[error("stores {one} and {other} both write {what}: give one of them another {field}")]
    Shared { one: String, other: String, what: String, field: &'static str },
    #[error("{0} stores are more than {MOST}")]
    TooMany(usize),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl StoresConfig {
    pub fn read(file: &Path) -> Result<StoresConfig, StoresError> {
        Ok(toml_file::read(file, LONGEST_MIB)?)
    }

    /// The stores, each of which can follow.
    pub fn stores(self) -> Result<Vec<Arc<dyn StoreConfig>>, StoresError> {
        let StoresConfig { influx, kafka, mqtt, neo4j, objects, postgres, redis, sqlite } = self;
        let mut stores = alike(influx);
        stores.extend(alike(kafka));
        stores.extend(alike(mqtt));
        stores.extend(alike(neo4j));
        stores.extend(alike(objects));
        stores.extend(alike(postgres));
        stores.extend(alike(redis));
        stores.extend(alike(sqlite));
        checked(stores)
    }
}

/// Stores of one kind, seen as those of any.
fn alike<C: StoreConfig>(configs: Vec<C>) -> Vec<Arc<dyn StoreConfig>> {
    configs.into_iter().map(|config| Arc::new(config) as Arc<dyn StoreConfig>).collect()
}

fn checked(stores: Vec<Arc<dyn StoreConfig>>) -> Result<Vec<Arc<dyn StoreConfig>>, StoresError> {
    if stores.len() > MOST {
        return Err(StoresError::TooMany(stores.len()));
    }
    let tables = all_tables();
    let mut taken = BTreeSet::new();
    for store in &stores {
        let name = store.name().to_owned();
        let wrong = |why: String| StoresError::Store { name: name.clone(), why };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            return Err(wrong("name must be 1 to 64 letters, digits, - and _".into()));
        }
        store.check(&tables).map_err(wrong)?;
        let mut kept = tables.iter().filter(|table| store.keeps(table));
        if kept.clone().any(|table| table.log) && kept.any(|table| !table.log) {
            let why = "tables has readings beside others; give readings a store of their own in this file, so that \
                       tables need not wait while it is filled";
            return Err(wrong(why.into()));
        }
        if !taken.insert(name.clone()) {
            return Err(StoresError::Twice(name));
        }
    }
    apart(&stores, &tables)?;
    Ok(stores)
}

/// Refuses two stores that would write over each other.
fn apart(stores: &[Arc<dyn StoreConfig>], tables: &[Arc<Table>]) -> Result<(), StoresError> {
    let places: Vec<(&Arc<dyn StoreConfig>, Place)> = stores.iter().map(|store| (store, store.place(tables))).collect();
    for (at, (other, theirs)) in places.iter().enumerate() {
        for (one, ours) in places[..at].iter().filter(|(one, _)| one.kind() == other.kind()) {
            if let Some(what) = ours.shared(theirs) {
                let (one, other, field) = (one.name().to_owned(), other.name().to_owned(), theirs.field);
                return Err(StoresError::Shared { one, other, what, field });
            }
        }
    }
    Ok(())
}

/// The table of edges, as mirrors of the causal graph know it.
pub fn edges_table() -> Table {
    Table::of::<EdgeRow>(EdgeRow::KEY)
}

/// Every table that a store can keep.
fn all_tables() -> Vec<Arc<Table>> {
    let mut tables = Tables::new().list();
    tables.push(Arc::new(readings_table()));
    tables
}

/// The stores as what follows the system whose data directory this is.
pub fn followers(stores: &[Arc<dyn StoreConfig>], data: &Path) -> Result<Followers, StoresError> {
    let (tables, marks) = (all_tables(), data.join(MARKS));
    let mut followers = Followers::default();
    for store in stores {
        let kept: Vec<Arc<Table>> = tables.iter().filter(|table| store.keeps(table)).cloned().collect();
        if kept.iter().any(|table| table.log) {
            followers.readings.push(ReadingsStore::new(store.name(), store.target(), &marks)?);
        } else {
            let follows = Store::new(store.name(), store.target(), &kept, &marks)?;
            followers.sinks.push(Box::new(if store.gathers() { follows.gathering() } else { follows }));
        }
    }
    Ok(followers)
}
