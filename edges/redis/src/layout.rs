//! Makes what is missing in the store, and says where it stands.

use crate::keys::Keys;
use crate::link::{Link, text, texts};
use crate::sending::Transaction;
use lehr_domain::Tick;
use lehr_targets::{Table, TargetError};
use redis::{Pipeline, Value, cmd};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Of keys, fields and values. Whoever changes how they are made changes it.
pub(crate) const FORMAT: u64 = 1;

/// Tries against others that begin at the same time.
const TRIES: usize = 5;

const DOING: &str = "making what is missing";

/// What the store says of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Columns that tell rows apart.
    pub key: Vec<String>,
    /// The table was empty at this tick; 0: it holds all.
    pub since: u64,
    /// It is a set of streams.
    #[serde(default)]
    pub log: bool,
}

/// What is in the store.
pub(crate) struct Found {
    /// `None` when it was never filled.
    pub tick: Option<Tick>,
    pub now: Option<String>,
    pub tables: BTreeMap<String, Kept>,
}

impl Found {
    /// Looks, and watches what it looks at.
    pub async fn read(link: &mut Link, keys: &Keys) -> Result<Found, TargetError> {
        let mut asked = Pipeline::new();
        asked.cmd("WATCH").arg(keys.position()).arg(keys.tables());
        asked.cmd("HMGET").arg(keys.position()).arg("tick").arg("now").arg("format");
        asked.cmd("HGETALL").arg(keys.tables());
        let answers = link.ask("reading the position", &asked).await?;
        let (tick, now) = position(keys, &answers[1])?;
        let mut tables = BTreeMap::new();
        for pair in texts(&answers[2]).chunks_exact(2) {
            let unreadable = |error| foreign(&keys.tables(), &format!("says of {}: {} ({error})", pair[0], pair[1]));
            tables.insert(pair[0].clone(), serde_json::from_str(&pair[1]).map_err(unreadable)?);
        }
        Ok(Found { tick, now, tables })
    }
}

/// From the answer to HMGET of `tick`, `now` and `format`.
fn position(keys: &Keys, answer: &Value) -> Result<(Option<Tick>, Option<String>), TargetError> {
    let Value::Array(fields) = answer else { return Err(foreign(&keys.position(), "is no hash")) };
    let [tick, now, format] = [0, 1, 2].map(|place| fields.get(place).and_then(text));
    match format {
        None if tick.is_none() => return Ok((None, None)),
        Some(format) if format == FORMAT.to_string() => {}
        format => {
            let has = format.unwrap_or("none".to_owned());
            let problem = format!("has the format {has}, and this Lehr writes {FORMAT}: choose another prefix");
            return Err(TargetError::Refused(format!("{} {problem}", keys.position())));
        }
    }
    match tick.as_deref().unwrap_or_default().parse() {
        Ok(tick) => Ok((Some(Tick(tick)), now)),
        Err(_) => Err(foreign(&keys.position(), &format!("has the tick {tick:?}"))),
    }
}

fn foreign(key: &str, what: &str) -> TargetError {
    TargetError::Refused(format!(
        "{key} {what}, and so is not Lehr's: choose another prefix, or delete all keys of this one and give the store \
         another name, so that Lehr fills it anew"
    ))
}

/// The tick that the store holds, behind which all that these tables need is there. One without a position is begun anew.
pub(crate) async fn prepare(link: &mut Link, keys: &Keys, tables: &[Arc<Table>]) -> Result<Tick, TargetError> {
    for _ in 0..TRIES {
        let found = Found::read(link, keys).await?;
        let tick = found.tick.unwrap_or(Tick(0));
        if !begin(link, keys, tables, &found).await? {
            continue;
        }
        return Ok(tick);
    }
    Err(TargetError::Away(format!("{DOING}: somebody else does so all the time")))
}

/// Whether it was done; not when somebody else changed the store meanwhile.
async fn begin(link: &mut Link, keys: &Keys, tables: &[Arc<Table>], found: &Found) -> Result<bool, TargetError> {
    let since = found.tick.map_or(0, |tick| tick.0);
    // Without a position it is not known what the rest is worth.
    let known = |name: &str| found.tables.get(name).filter(|_| found.tick.is_some());
    let mut new: Vec<(&Arc<Table>, Kept)> = Vec::new();
    for table in tables {
        let key: Vec<String> = table.columns.iter().take(table.key).map(|column| column.name.to_owned()).collect();
        match known(table.name) {
            Some(kept) if kept.key == key && kept.log == table.log => {}
            Some(kept) => {
                return Err(TargetError::Refused(format!(
                    "rows of {} are told apart by {}, and Lehr has {}: delete all keys of this prefix and give the store \
                     another name, so that Lehr fills it anew",
                    keys.table(table.name),
                    kept.key.join(", "),
                    key.join(", ")
                )));
            }
            None => new.push((table, Kept { key, since, log: table.log })),
        }
    }
    let left: Vec<&String> =
        found.tables.keys().filter(|name| !tables.iter().any(|table| table.name == *name)).collect();
    let names: BTreeSet<&str> =
        new.iter().map(|(table, _)| table.name).chain(left.iter().map(|name| name.as_str())).collect();
    let mut dropped: Vec<String> = Vec::new();
    for name in names {
        dropped.extend(whole(link, keys, name, found.tables.contains_key(name)).await?);
    }
    if new.is_empty() && left.is_empty() && found.tick.is_some() {
        link.ask_one(DOING, cmd("UNWATCH")).await?;
        return Ok(true);
    }
    let mut transaction = Transaction::begin(link, DOING);
    for key in dropped {
        let mut unlink = cmd("UNLINK");
        unlink.arg(&key);
        transaction.add(unlink, key.len()).await?;
    }
    for name in left {
        let mut forget = cmd("HDEL");
        forget.arg(keys.tables()).arg(name);
        transaction.add(forget, name.len()).await?;
    }
    for (table, kept) in new {
        let mut keep = cmd("HSET");
        keep.arg(keys.tables()).arg(table.name).arg(serde_json::to_string(&kept).expect("text and numbers"));
        transaction.add(keep, table.name.len()).await?;
    }
    if found.tick.is_none() {
        let mut stand = cmd("HSET");
        stand.arg(keys.position()).arg("tick").arg(0).arg("format").arg(FORMAT);
        transaction.add(stand, 0).await?;
    }
    Ok(transaction.end().await?.is_ok())
}

/// All keys of a table that is no longer kept, or begun anew. Fails where there is something that Lehr has not made: what it
/// made is `listed`.
async fn whole(link: &mut Link, keys: &Keys, name: &str, listed: bool) -> Result<Vec<String>, TargetError> {
    let key = keys.table(name);
    let mut asked = cmd("TYPE");
    asked.arg(&key);
    match text(&link.ask_one(DOING, asked).await?).as_deref() {
        Some("none") => Ok(Vec::new()),
        Some("hash") if listed => Ok(vec![key]),
        Some("set") if listed => {
            let mut asked = cmd("SMEMBERS");
            asked.arg(&key);
            let streams = texts(&link.ask_one(DOING, asked).await?);
            Ok(streams.iter().map(|of| keys.log(name, of)).chain([key]).collect())
        }
        other => Err(foreign(&key, &format!("is a {}", other.unwrap_or("thing without a type")))),
    }
}
