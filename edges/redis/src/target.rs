//! Follows Lehr's tables.

use crate::config::Config;
use crate::keys::Keys;
use crate::layout;
use crate::link::{Link, text};
use crate::rows::{Left, entries, entry, value};
use crate::sending::{Overtaken, Transaction};
use crate::server::Server;
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_targets::{Delta, Table, TableDelta, Target, TargetError};
use redis::{Pipeline, cmd};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Deltas that `ticks` keeps, about. Who reads more rarely reads the tables whole.
const TICKS_MOST: usize = 1000;

pub(crate) struct RedisTarget {
    config: Config,
    keys: Keys,
    /// None before the first connection and after a failure.
    link: Option<Link>,
}

/// What a delta does to one key.
enum Work<'d> {
    Rows(&'d Table, Left<'d>),
    /// Per stream.
    Log(&'d Table, BTreeMap<String, Vec<&'d [Cell]>>),
}

impl RedisTarget {
    pub fn new(config: Config) -> RedisTarget {
        RedisTarget { keys: Keys::new(&config.prefix), config, link: None }
    }
}

#[async_trait]
impl Target for RedisTarget {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.link = None;
        let followed: Vec<Arc<Table>> = tables.iter().filter(|table| self.config.follows(table)).cloned().collect();
        let mut link = Link::open(&self.config).await?;
        Server::ask(&mut link).await?.check()?;
        let tick = layout::prepare(&mut link, &self.keys, &followed).await?;
        self.link = Some(link);
        Ok(Some(tick))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        // Taken out, so that a connection that failed, or whose delta nobody waited for, is not used again.
        let Some(mut link) = self.link.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        let due = delta.tables.iter().filter(|of| self.config.follows(&of.table));
        let work: Vec<Work<'_>> = due.map(|of| Work::of(of, self.config.log_length)).collect();
        if self.stands(&mut link, delta, &work).await? {
            self.write(&mut link, delta, work).await?;
        }
        self.link = Some(link);
        Ok(())
    }
}

impl<'d> Work<'d> {
    fn of(delta: &'d TableDelta, log_length: usize) -> Work<'d> {
        match delta.table.log {
            true => Work::Log(&delta.table, entries(delta, log_length)),
            false => Work::Rows(&delta.table, Left::of(delta)),
        }
    }

    /// The keys that it writes, and of which type they must be: a transaction is not undone where one is of another.
    fn keys(&self, keys: &Keys) -> Vec<(String, &'static str)> {
        match self {
            Work::Rows(table, _) => vec![(keys.table(table.name), "hash")],
            Work::Log(table, streams) => {
                let streams = streams.keys().map(|of| (keys.log(table.name, of), "stream"));
                streams.chain([(keys.table(table.name), "set")]).collect()
            }
        }
    }
}

impl RedisTarget {
    /// Whether the store stands where the delta begins; not when it holds it already. What follows is done only if that,
    /// and what the keys are, is still so then.
    async fn stands(&self, link: &mut Link, delta: &Delta, work: &[Work<'_>]) -> Result<bool, TargetError> {
        let written: Vec<(String, &str)> = work.iter().flat_map(|work| work.keys(&self.keys)).collect();
        let mut asked = Pipeline::with_capacity(written.len() + 2);
        asked.cmd("WATCH").arg(self.keys.position()).arg(self.keys.ticks());
        written.iter().for_each(|(key, _)| {
            asked.arg(key);
        });
        asked.cmd("HGET").arg(self.keys.position()).arg("tick");
        asked.cmd("TYPE").arg(self.keys.ticks());
        written.iter().for_each(|(key, _)| {
            asked.cmd("TYPE").arg(key);
        });
        let answers = link.ask("reading the position", &asked).await?;
        let holds = text(&answers[1]).and_then(|tick| tick.parse().ok()).unwrap_or(0);
        if holds != delta.after.0 {
            link.ask_one("reading the position", cmd("UNWATCH")).await?;
            return match holds >= delta.tick.0 {
                true => Ok(false),
                false => Err(TargetError::Differs { holds, left: delta.after.0 }),
            };
        }
        let wanted = [(self.keys.ticks(), "stream")].into_iter().chain(written);
        for ((key, wanted), answer) in wanted.zip(&answers[2..]) {
            match text(answer).as_deref() {
                Some("none") => {}
                Some(found) if found == wanted => {}
                found => {
                    return Err(TargetError::Refused(format!(
                        "{key} must be a {wanted} and is a {}: delete it, or choose another prefix",
                        found.unwrap_or("thing without a type")
                    )));
                }
            }
        }
        Ok(true)
    }

    async fn write(&self, link: &mut Link, delta: &Delta, work: Vec<Work<'_>>) -> Result<(), TargetError> {
        let doing = format!("writing tick {}", delta.tick.0);
        let mut transaction = Transaction::begin(link, &doing);
        let mut changed = Map::new();
        for of in work {
            match of {
                Work::Rows(table, left) => {
                    changed.insert(table.name.to_owned(), (left.gone.len() + left.rows.len()).into());
                    self.write_rows(&mut transaction, table, left).await?;
                }
                Work::Log(table, streams) => {
                    changed.insert(table.name.to_owned(), streams.values().map(Vec::len).sum::<usize>().into());
                    self.write_log(&mut transaction, table, streams).await?;
                }
            }
        }
        let (after, tick, now) = (delta.after.0, delta.tick.0, delta.now.to_string());
        let mut stand = cmd("HSET");
        stand.arg(self.keys.position()).arg("tick").arg(tick).arg("now").arg(&now).arg("format").arg(layout::FORMAT);
        transaction.add(stand, 0).await?;
        let mut tell = cmd("XADD");
        tell.arg(self.keys.ticks()).arg("MAXLEN").arg("~").arg(TICKS_MOST).arg("*");
        tell.arg("after").arg(after).arg("tick").arg(tick).arg("now").arg(&now);
        tell.arg("changed").arg(Value::Object(changed).to_string());
        transaction.add(tell, 0).await?;
        match transaction.end().await? {
            Ok(()) => Ok(()),
            Err(Overtaken) => Err(TargetError::Away(format!(
                "{doing}: a delta that a lost connection left behind came first, or somebody else writes keys of {}",
                self.config.prefix
            ))),
        }
    }

    async fn write_rows(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        left: Left<'_>,
    ) -> Result<(), TargetError> {
        let key = self.keys.table(table.name);
        transaction.add_fields("HDEL", &key, left.gone.into_iter().map(|field| [field])).await?;
        let rows = left.rows.into_iter().map(|(field, row)| [field, value(table, row)]);
        transaction.add_fields("HSET", &key, rows).await
    }

    async fn write_log(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        streams: BTreeMap<String, Vec<&[Cell]>>,
    ) -> Result<(), TargetError> {
        let names = streams.keys().map(|of| [of.clone()]);
        transaction.add_fields("SADD", &self.keys.table(table.name), names).await?;
        for (of, rows) in &streams {
            let key = self.keys.log(table.name, of);
            for row in rows {
                let mut add = cmd("XADD");
                add.arg(&key).arg("MAXLEN").arg("~").arg(self.config.log_length).arg("*");
                let mut bytes = key.len();
                for (name, value) in entry(table, row) {
                    bytes += name.len() + value.len();
                    add.arg(name).arg(value);
                }
                transaction.add(add, bytes).await?;
            }
        }
        Ok(())
    }
}
