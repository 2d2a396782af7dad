//! Follows Lehr's tables.

use crate::cells::batch;
use crate::compact;
use crate::config::{ARTIFACTS, Config};
use crate::day::Day;
use crate::file::encode;
use crate::pieces::{Piece, pieces};
use crate::place::{Place, Version};
use crate::position::{Object, POSITION, Position, folder, is_own};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use lehr_domain::{SpanMs, Tick};
use lehr_targets::{Delta, Table, Target, TargetError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// To read where the store stands.
const CONNECT: Duration = Duration::from_secs(10);

/// Objects that are on their way at the same time. Each is encoded only when it is its turn.
pub(crate) const AT_ONCE: usize = 4;

pub(crate) struct Objects {
    config: Config,
    /// None before the first connection and after a failure.
    following: Option<Following>,
    /// When the last delta was written.
    written: Option<Instant>,
}

pub(crate) struct Following {
    pub place: Place,
    pub tables: Vec<Arc<Table>>,
    pub position: Position,
    version: Option<Version>,
    claimed: bool,
    /// How long after its end a day does not change any more.
    closed_after: Option<SpanMs>,
}

impl Objects {
    pub fn new(config: Config) -> Objects {
        Objects { config, following: None, written: None }
    }
}

#[async_trait]
impl Target for Objects {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.following = None;
        let tables = tables.iter().filter(|table| self.config.follows(table)).cloned().collect();
        let late =
            |_| TargetError::Away(format!("{}: no answer within {} s", self.config.address(), CONNECT.as_secs()));
        let following = timeout(CONNECT, Following::reach(&self.config, tables)).await.map_err(late)??;
        let tick = following.position.tick();
        self.following = Some(following);
        Ok(Some(tick))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        // Taken out, so that what failed, or what nobody waited for, is not used again.
        let Some(mut following) = self.following.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        if following.is_due(delta)? {
            if let Some(written) = self.written {
                let every = self.config.gathered().map_err(|error| TargetError::Refused(error.to_string()))?;
                sleep_until(written + every).await;
            }
            following.apply(delta).await?;
            self.written = Some(Instant::now());
            compact::compact(&mut following).await?;
        }
        self.following = Some(following);
        Ok(())
    }
}

/// What the store holds, with the version of it; an empty position when it holds nothing.
pub(crate) async fn standing(place: &Place) -> Result<(Position, Option<Version>), TargetError> {
    match place.read(POSITION).await? {
        Some((bytes, version)) => Ok((Position::read(&bytes)?, Some(version))),
        None => Ok((Position::empty(), None)),
    }
}

fn moved() -> TargetError {
    TargetError::Away("the position was moved by a request before this one, or by another Lehr".to_owned())
}

impl Following {
    async fn reach(config: &Config, tables: Vec<Arc<Table>>) -> Result<Following, TargetError> {
        let place = Place::open(config)?;
        let (position, version) = standing(&place).await?;
        if version.is_none() {
            // A bucket that is missing says so only here.
            place.list(ARTIFACTS).await?;
        }
        // What does not fit is said before anything is written.
        position.clone().follow(&tables)?;
        let closed_after = config.closed().map_err(|error| TargetError::Refused(error.to_string()))?;
        Ok(Following { place, tables, position, version, claimed: false, closed_after })
    }

    fn is_due(&self, delta: &Delta) -> Result<bool, TargetError> {
        if delta.tick <= self.position.tick() {
            return Ok(false);
        }
        if delta.after != self.position.tick() {
            return Err(TargetError::Differs { holds: self.position.tick, left: delta.after.0 });
        }
        Ok(true)
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        self.claim().await?;
        let written = self.write(delta).await?;
        let mut next = self.position.clone();
        (next.tick, next.now_ms) = (delta.tick.0, Some(delta.now.0));
        for (table, day, object) in written {
            next.add(table, day, object);
        }
        self.swap(next).await
    }

    /// From now on nobody else's position counts, and what does not count by this one never will: that is deleted.
    async fn claim(&mut self) -> Result<(), TargetError> {
        if self.claimed {
            return Ok(());
        }
        let mut next = self.position.clone();
        next.claim += 1;
        next.follow(&self.tables)?;
        let folders: BTreeSet<String> = next.tables.keys().cloned().collect();
        let mut found = Vec::new();
        for table in &folders {
            let listed = self.place.list(table).await?;
            found.extend(listed.into_iter().map(|found| found.name).filter(|name| is_own(table, name)));
        }
        if self.version.is_none()
            && let Some(object) = found.first()
        {
            if standing(&self.place).await?.1.is_some() {
                return Err(moved());
            }
            return Err(TargetError::Refused(format!(
                "there is {object} without {POSITION}: restore that, empty the prefix, or give another one"
            )));
        }
        self.swap(next).await?;
        self.check_conditions().await?;
        let named = self.position.named();
        let superfluous: Vec<String> = found.into_iter().filter(|name| !named.contains(name.as_str())).collect();
        self.place.delete(&superfluous).await?;
        self.claimed = true;
        Ok(())
    }

    /// A server that puts an object in place of another in spite of `If-None-Match` would let two Lehrs write. It is asked
    /// with the bytes that are there, so nothing changes where it does.
    async fn check_conditions(&self) -> Result<(), TargetError> {
        match self.place.swap(POSITION, Bytes::from(self.position.bytes()), None).await? {
            None => Ok(()),
            Some(_) => Err(TargetError::Refused(
                "the server ignores conditions of writing (If-None-Match): Lehr needs one that has them".to_owned(),
            )),
        }
    }

    /// The position counts from here on.
    pub async fn swap(&mut self, next: Position) -> Result<(), TargetError> {
        let swapped = self.place.swap(POSITION, Bytes::from(next.bytes()), self.version.as_ref()).await?;
        self.version = Some(swapped.ok_or_else(moved)?);
        self.position = next;
        Ok(())
    }

    async fn write<'d>(&self, delta: &'d Delta) -> Result<Vec<(&'d str, Day, Object)>, TargetError> {
        let mut due: Vec<(usize, Piece<'d>)> = Vec::new();
        let closed = |day: Day| {
            let (Some(after), Some(now)) = (self.closed_after, self.position.now()) else { return false };
            day.over(now, after)
        };
        for of in &delta.tables {
            if self.tables.iter().any(|table| table.name == of.table.name) {
                due.extend(pieces(of, closed)?.into_iter().enumerate());
            }
        }
        let (claim, mut written) = (self.position.claim, Vec::with_capacity(due.len()));
        for some in due.chunks(AT_ONCE) {
            let mut writing = Vec::with_capacity(some.len());
            for (part, piece) in some {
                let bytes = encode(&batch(piece.table, &piece.changes, delta.tick)?)?;
                let (table, day) = (piece.table.name, piece.day);
                let (after, tick) = (delta.after.0, delta.tick.0);
                let object = format!("{}/changes-{after}-{tick}.{claim}-{part}.parquet", folder(table, day));
                let rows = piece.changes.len() as u64;
                let length = bytes.len() as u64;
                written.push((table, day, Object { object: object.clone(), rows, bytes: length, now_ms: delta.now.0 }));
                writing.push(async move { self.place.write(&object, bytes).await });
            }
            try_join_all(writing).await?;
        }
        Ok(written)
    }
}
