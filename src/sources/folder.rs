//! A folder that is watched for files of measurements: what a laboratory, a tester or another system leaves there.
//!
//! A file is taken when it has not changed between two looks, and moved to `taken` when all its rows are durable, or to
//! `refused` when it cannot be read. A crash in between has the file read again, which changes nothing: a reading is its
//! sensor and time. Names that begin with a dot, and those that end with `.tmp` or `.part`, are left alone.

use super::file::{Layout, Mapping, Row, Rows};
use super::peers::Peer;
use crate::causes::with_causes;
use async_trait::async_trait;
use jiff::tz::TimeZone;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading};
use lehr_tags::{Gathered, Intake, SourceStatus, Tags, Target, TimestampOf};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// Where files go that were read.
const TAKEN: &str = "taken";
/// Where files go that cannot be read.
const REFUSED: &str = "refused";
/// Batches of rows that may wait for the runtime.
const AHEAD: usize = 2;
/// Files of one look; the rest waits for the next.
const FILES_MOST: usize = 1_000;

/// An entry `[[folder]]` of the file of sources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    name: String,
    path: PathBuf,
    /// Seconds between two looks.
    #[serde(default = "seconds")]
    every_s: f64,
    /// Columns of the files, as `lehr import --map` has them.
    #[serde(default = "time")]
    time: String,
    #[serde(default = "value")]
    value: String,
    #[serde(default = "sensor")]
    sensor: String,
    status: Option<String>,
    /// Every column but the time is a sensor of that name.
    #[serde(default)]
    wide: bool,
    /// Of times without one.
    #[serde(default = "utc")]
    time_zone: String,
    /// What the names in the files are. Without any, they are those of the catalogue.
    #[serde(default, rename = "tag")]
    tags: Vec<Named>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    /// In the sensor column, or of the column of a wide file.
    name: String,
    to: Target,
}

fn seconds() -> f64 {
    5.0
}

fn time() -> String {
    "timestamp".into()
}

fn value() -> String {
    "value".into()
}

fn sensor() -> String {
    "sensor_id".into()
}

fn utc() -> String {
    "UTC".into()
}

/// The sensors of the files.
struct Known {
    tags: Tags,
    places: BTreeMap<String, usize>,
}

impl Folder {
    fn layout(&self) -> Layout {
        let map = Mapping {
            time: self.time.clone(),
            value: self.value.clone(),
            sensor: self.sensor.clone(),
            status: self.status.clone(),
        };
        Layout { map, wide: self.wide, sensor: None, time_zone: self.time_zone.clone() }
    }

    fn known(&self, names: &Names) -> Result<Known, String> {
        let shipped: Vec<Named>;
        let named = if self.tags.is_empty() {
            let sensors = names.sensors().map(|(_, def)| def.name.clone());
            shipped = sensors.map(|name| Named { to: Target::of(&name), name }).collect();
            &shipped
        } else {
            &self.tags
        };
        let pairs = named.iter().map(|named| (named.name.clone(), &named.to));
        let tags = Tags::new(&self.name, TimestampOf::Source, pairs, names)
            .map_err(|(tag, error)| format!("tag {tag}: {error}"))?;
        let places: BTreeMap<String, usize> =
            named.iter().enumerate().map(|(place, named)| (named.name.clone(), place)).collect();
        if places.len() < named.len() {
            return Err("a name stands in two tags".into());
        }
        Ok(Known { tags, places })
    }

    /// Files that have come and seem complete, oldest first.
    fn complete(&self, seen: &mut BTreeMap<PathBuf, (u64, SystemTime)>) -> std::io::Result<Vec<PathBuf>> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.path)?.take(FILES_MOST) {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let passing = name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part");
            let meta = entry.metadata()?;
            if meta.is_file() && !passing {
                found.insert(entry.path(), (meta.len(), meta.modified()?));
            }
        }
        let before = std::mem::replace(seen, found);
        let still = seen.iter().filter(|(path, state)| before.get(*path) == Some(state));
        let mut still: Vec<(SystemTime, PathBuf)> = still.map(|(path, (_, at))| (*at, path.clone())).collect();
        still.sort();
        Ok(still.into_iter().map(|(_, path)| path).collect())
    }

    /// Moves a file out of the way. One of that name that is there already is not lost.
    fn put_by(&self, file: &Path, place: &str) -> std::io::Result<()> {
        let folder = self.path.join(place);
        fs::create_dir_all(&folder)?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let free = (0..).map(|n: u32| folder.join(if n == 0 { name.clone() } else { format!("{name}.{n}") }));
        let to = free.into_iter().find(|to| !to.exists()).expect("a folder has less than 2^32 files");
        fs::rename(file, to)
    }

    /// Reads one file to its end, and hands it on batch by batch.
    async fn take(&self, file: &Path, intake: &Arc<dyn Intake>, status: &Arc<SourceStatus>) -> Result<(), String> {
        let (sender, mut batches) = mpsc::channel(AHEAD);
        let reading = FileReading {
            folder: self.clone(),
            file: file.to_owned(),
            now: intake.now(),
            names: intake.names(),
            status: status.clone(),
        };
        let read = tokio::task::spawn_blocking(move || reading.read(&sender));
        while let Some(gathered) = batches.recv().await {
            intake.take(gathered).await.map_err(|stopped| stopped.to_string())?;
        }
        let outcome = read.await.map_err(|error| error.to_string())?;
        let mut last = Gathered::default();
        if let Err(why) = &outcome {
            status.refused(1);
            last.refuse(&self.name, intake.now(), &format!("file {}: {why}", file.display()), "");
        }
        // What came before in the same source is durable with it.
        intake.take_durably(last).await.map_err(|stopped| stopped.to_string())?;
        let place = if outcome.is_ok() { TAKEN } else { REFUSED };
        self.put_by(file, place).map_err(|error| format!("cannot move {} to {place}: {error}", file.display()))
    }

    async fn look(
        &self,
        seen: &mut BTreeMap<PathBuf, (u64, SystemTime)>,
        intake: &Arc<dyn Intake>,
        status: &Arc<SourceStatus>,
    ) -> Result<(), String> {
        let files = self.complete(seen).map_err(|error| format!("{}: {error}", self.path.display()))?;
        for file in files {
            self.take(&file, intake, status).await?;
        }
        Ok(())
    }
}

/// A file being read, on a thread of its own.
struct FileReading {
    folder: Folder,
    file: PathBuf,
    now: EventMs,
    names: Arc<Names>,
    status: Arc<SourceStatus>,
}

impl FileReading {
    fn read(self, to: &mpsc::Sender<Gathered>) -> Result<(), String> {
        let known = self.folder.known(&self.names)?;
        let mut rows = Rows::open(&self.file, &self.folder.layout()).map_err(|error| with_causes(&error))?;
        loop {
            let mut gathered = Gathered::default();
            let read = rows.next(|row| {
                self.row(&row, &known, &mut gathered);
                Ok::<(), super::file::FileError>(())
            });
            match read.map_err(|error| with_causes(&error))? {
                None => return Ok(()),
                Some(_) => {
                    self.status.heard(1);
                    // Nobody takes it any more: the source has ended.
                    if to.blocking_send(gathered).is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn row(&self, row: &Row<'_>, known: &Known, into: &mut Gathered) {
        let refuse = |into: &mut Gathered, why: &str| {
            self.status.refused(1);
            let at = format!("{} line {}: {why}", self.file.display(), row.line);
            into.refuse(&self.folder.name, self.now, &at, row.sensor);
        };
        match (&row.reading, known.places.get(row.sensor)) {
            (Err(why), _) => refuse(into, why),
            (Ok(None), _) => {}
            (Ok(Some(_)), None) => refuse(into, "is of no known sensor: give it a tag, or its name in the catalogue"),
            (Ok(Some((at, value, status))), Some(&tag)) => match known.tags.convert(tag, value.to_f64()) {
                Ok((sensor, value)) => {
                    self.status.passed(row.sensor, value, *at);
                    into.readings.push(Reading { sensor, at: *at, revision: 0, value, status: *status });
                }
                Err(why) => refuse(into, &why),
            },
        }
    }
}

#[async_trait]
impl Peer for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> &'static str {
        "folder"
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn check(&self, names: &Names) -> Result<(), String> {
        if self.name.trim().is_empty() {
            return Err("name must not be empty".into());
        }
        if !(0.1..=3600.0).contains(&self.every_s) {
            return Err(format!("every_s is {}; it must lie in 0.1 to 3600", self.every_s));
        }
        TimeZone::get(&self.time_zone).map_err(|_| {
            format!("time_zone '{}' is not known; use an IANA name such as Europe/Berlin", self.time_zone)
        })?;
        self.known(names).map(drop)
    }

    async fn run(&self, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> String {
        let mut seen = BTreeMap::new();
        let mut pace = tokio::time::interval(Duration::from_secs_f64(self.every_s));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut away = true;
        loop {
            pace.tick().await;
            match self.look(&mut seen, &intake, &status).await {
                Ok(()) if away => {
                    away = false;
                    status.connected(intake.now());
                }
                Ok(()) => {}
                Err(why) => {
                    away = true;
                    status.away(intake.now(), why);
                }
            }
        }
    }

    async fn probe(&self) -> Result<Vec<String>, String> {
        let fix = "create it, or let Lehr read and write it";
        let entries = fs::read_dir(&self.path).map_err(|error| format!("{}: {error}; {fix}", self.path.display()))?;
        let waiting = entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file())).count();
        Ok(vec![format!("{} is there; {waiting} files wait", self.path.display())])
    }
}
