//! An entry `[[sqlite]]` of `stores.toml`.

use super::target::Sqlite;
use crate::config::{ConfigError, check_name, check_tables, wrong};
use lehr_targets::{Table, Target};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// One file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: String,
    /// The file, absolute, on a disk of this machine. Its folder must exist; the file is made.
    pub path: PathBuf,
    /// Tables that are kept; all but readings when absent.
    pub tables: Option<Vec<String>>,
    /// How far the log beside the file may grow while a reader holds an old state open, MiB.
    #[serde(default = "gibibyte")]
    pub log_mib: u64,
}

fn gibibyte() -> u64 {
    1024
}

impl Config {
    /// All that can be said before opening. `tables` are those that Lehr has.
    pub fn check(&self, tables: &[Arc<Table>]) -> Result<(), ConfigError> {
        check_name(&self.name)?;
        // Others are names that SQLite takes for something else: `:memory:`, `file:…`.
        let text = self.path.to_str().filter(|text| !text.contains('\0') && !text.ends_with('/'));
        if !self.path.is_absolute() || text.is_none() {
            let problem = "must be the absolute path of a file, such as /var/lib/lehr/reports.db";
            return Err(wrong("path", format!("'{}' {problem}", self.path.display())));
        }
        if !(1..=1 << 20).contains(&self.log_mib) {
            return Err(wrong("log_mib", format!("is {}; it must lie in 1 to {}", self.log_mib, 1 << 20)));
        }
        check_tables(self.tables.as_deref(), tables)
    }

    /// Follows from where the file stands. Nothing is opened before it is driven.
    pub fn target(&self) -> Box<dyn Target> {
        Box::new(Sqlite::new(self.clone()))
    }

    /// Where the file is.
    pub fn address(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn follows(&self, table: &Table) -> bool {
        table.is_kept(self.tables.as_deref())
    }

    /// The log beside the file, into which SQLite writes first.
    pub(crate) fn log(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        path.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn table(name: &'static str) -> Arc<Table> {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: "Number." }];
        Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
    }

    #[test]
    fn the_example_of_the_manual_is_good() {
        #[derive(Deserialize)]
        struct Stores {
            sqlite: Vec<Config>,
        }
        let manual = include_str!("../../../../docs/stores/sqlite.md");
        let example = manual.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let stores: Stores = toml::from_str(example).unwrap();
        let tables = [table("alerts"), table("kpis"), table("units")];
        stores.sqlite.iter().for_each(|store| store.check(&tables).unwrap());
        assert_eq!(stores.sqlite.len(), 1);
        assert_eq!(stores.sqlite[0].address(), "/var/lib/lehr/reports.db");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_fix() {
        let good = "name = \"local\"\npath = \"/data/reports.db\"\n";
        let path = |path: &str| good.replace("/data/reports.db", path);
        let fix = "must be the absolute path of a file, such as /var/lib/lehr/reports.db";
        for (text, expected) in [
            (good.replace("local", ""), "name is empty; give the store one".to_owned()),
            (path(":memory:"), format!("path ':memory:' {fix}")),
            (path("file:/data/x.db"), format!("path 'file:/data/x.db' {fix}")),
            (path("/data/"), format!("path '/data/' {fix}")),
            (format!("{good}log_mib = 0"), "log_mib is 0; it must lie in 1 to 1048576".to_owned()),
            (format!("{good}tables = [\"alarms\"]"), "tables has alarms, which Lehr has not; it has alerts".to_owned()),
            (format!("{good}tables = []"), "tables is empty; leave it out to keep all tables".to_owned()),
        ] {
            let refusal = toml::from_str::<Config>(&text).unwrap().check(&[table("alerts")]).unwrap_err();
            assert_eq!(refusal.to_string(), expected);
        }
        let unknown = toml::from_str::<Config>(&format!("{good}speed = 1")).unwrap_err().to_string();
        assert!(unknown.contains("speed"), "{unknown}");
        let config: Config = toml::from_str(good).unwrap();
        assert!(config.check(&[table("position")]).is_err());
        config.check(&[table("alerts")]).unwrap();
    }
}
