//! Polls until nobody takes what is read.

use crate::config::{Config, ConfigError, Device};
use crate::link::Link;
use crate::plan::{Limits, Piece, plan};
use crate::schedule::Schedule;
use crate::sweep::sweep;
use lehr_domain::EventMs;
use lehr_tags::{Backoff, Gathered, Intake, Quality, Sample, SourceStatus, Stopped, Tags, Times};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Reads that were cut are merged again after this, in case nothing stands in the way any more.
const PLAN_ANEW: Duration = Duration::from_secs(600);

/// Between two polls of a unit, also where the first took until the second was due: readings of a tag never share a
/// millisecond, since then only one of them would hold.
const PAUSE: Duration = Duration::from_millis(2);

/// Polls the devices of one address over one connection, one request after the other.
///
/// Runs until the intake takes no more of what it reads, or is dropped, which closes the connection. Nothing is buffered:
/// while the intake holds up, nothing is asked, and polls that were due meanwhile are counted as missed. Errors only
/// where the configuration is wrong.
pub async fn run(config: Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Stopped, ConfigError> {
    let devices = config.devices()?;
    let mut tags = config.resolve(&intake.names())?;
    let mut link = Link::new(&config.address, config.timeout());
    let sink = Sink { source: &config.name, intake: &*intake, status: &status };
    let now = Instant::now();
    let mut polled: Vec<Polled> = devices.into_iter().map(|device| Polled::new(device, config.limits(), now)).collect();
    loop {
        let next = polled.iter_mut().min_by_key(|device| device.due());
        let device = next.expect("a configuration without tags was refused");
        sleep_until(device.due()).await;
        status.missed(device.schedule.begin(Instant::now()));
        let gathered = device.poll(&mut link, &mut tags, &sink).await;
        device.rested = Instant::now() + PAUSE;
        if !gathered.is_empty()
            && let Err(stopped) = intake.take(gathered).await
        {
            return Ok(stopped);
        }
    }
}

/// Where all that is learnt goes.
struct Sink<'s> {
    source: &'s str,
    intake: &'s dyn Intake,
    status: &'s SourceStatus,
}

/// A unit, and how it does.
struct Polled {
    device: Device,
    limits: Limits,
    schedule: Schedule,
    pieces: Vec<Piece>,
    planned: Instant,
    /// Whether a tag that was refused alone has been read again since: the device has been mended, or is up again, and
    /// is read in few requests.
    mended: bool,
    /// When it may be polled again, due or not.
    rested: Instant,
    backoff: Backoff,
    /// Whether it did not answer when it was asked last.
    silent: bool,
    /// Tags that were said to be bad since they were last read.
    bad: BTreeSet<usize>,
}

impl Polled {
    fn new(device: Device, limits: Limits, now: Instant) -> Polled {
        Polled {
            limits,
            schedule: Schedule::new(now, device.every),
            pieces: plan(&device.places, limits),
            planned: now,
            mended: false,
            rested: now,
            backoff: Backoff::default(),
            silent: false,
            bad: BTreeSet::new(),
            device,
        }
    }

    fn due(&self) -> Instant {
        self.schedule.due().max(self.rested)
    }

    async fn poll(&mut self, link: &mut Link, tags: &mut Tags, sink: &Sink<'_>) -> Gathered {
        if self.mended || self.planned.elapsed() >= PLAN_ANEW {
            self.pieces = plan(&self.device.places, self.limits);
            self.planned = Instant::now();
            self.mended = false;
        }
        let (heard, connections) = (link.heard, link.connections);
        let (mut gathered, mut read) = (Gathered::default(), BTreeMap::new());
        let device = &self.device;
        let (unit, places) = (device.unit, &device.places);
        let swept = sweep(link, unit, places, &mut self.pieces, |piece, found| match found {
            Ok(values) => {
                self.mended |= piece.not_before.take().is_some() && piece.tags.len() == 1;
                piece.backoff.succeeded();
                let now = sink.intake.now();
                read.extend(piece.tags.iter().copied().zip(values.into_iter().map(|value| (value, now))));
            }
            Err(why) => {
                piece.not_before = Some(Instant::now() + piece.backoff.failed());
                sink.refuse(device, &piece.tags, &why, &format!("unit {unit} {}", piece.read), &mut gathered);
                sink.bad(device, &piece.tags, tags, &mut gathered);
            }
        })
        .await;
        let source = sink.time(device, &read, &mut gathered);
        for (&tag, &(value, now)) in read.range(..device.tags()) {
            let quality = quality(value);
            let times = Times { source, server: None };
            let sample = Sample { tag: device.first_tag + tag, value, times, quality, historical: false };
            tags.take(&sample, now, &mut gathered, sink.status);
        }
        sink.status.heard(link.heard - heard);
        for _ in connections..link.connections {
            sink.status.connected(sink.intake.now());
        }
        self.bad.retain(|tag| !read.contains_key(tag));
        match swept {
            Ok(()) => {
                self.backoff.succeeded();
                self.silent = false;
            }
            Err(why) => {
                if !self.silent {
                    tracing::warn!(source = sink.source, unit, "{why}");
                    let all: Vec<usize> = (0..places.len()).collect();
                    sink.refuse(device, &all, &why, &format!("unit {unit}"), &mut gathered);
                }
                // What was read just now is good; if the silence lasts, the next poll says that it is not.
                let lost = |tag: &usize| !read.contains_key(tag) && !self.bad.contains(tag);
                let lost: Vec<usize> = (0..places.len()).filter(lost).collect();
                sink.bad(device, &lost, tags, &mut gathered);
                self.bad.extend(lost);
                self.silent = true;
                sink.status.away(sink.intake.now(), why);
                sink.status.missed(self.schedule.hold(Instant::now() + self.backoff.failed()));
            }
        }
        gathered
    }
}

impl Sink<'_> {
    /// What the unit's clock said in this sweep, if it has one that can be read.
    fn time(&self, device: &Device, read: &BTreeMap<usize, (f64, EventMs)>, into: &mut Gathered) -> Option<EventMs> {
        let counts = device.clock?;
        let (value, now) = *read.get(&device.tags())?;
        let time = counts.time(value);
        if time.is_none() {
            let reason = format!(
                "{}: {value} is no time since 1970; its readings have that of arrival",
                device.labels[device.tags()]
            );
            self.status.refused(1);
            into.refuse(self.source, now, &reason, &value.to_string());
        }
        time
    }

    /// One error for all places of a read, which names the first.
    fn refuse(&self, device: &Device, places: &[usize], why: &str, asked: &str, into: &mut Gathered) {
        let reason = match places {
            [] => return,
            [only] => format!("{}: {why}", device.named(*only)),
            [first, .., last] => {
                let [first, last] = [first, last].map(|place| &device.labels[*place]);
                format!("{} tags, {first} to {last}: {why}", places.len())
            }
        };
        self.status.refused(places.len() as u64);
        into.refuse(self.source, self.intake.now(), &reason, asked);
    }

    /// That there is no measurement is a reading too.
    fn bad(&self, device: &Device, places: &[usize], known: &mut Tags, into: &mut Gathered) {
        let now = self.intake.now();
        for tag in places.iter().filter(|place| **place < device.tags()) {
            let (tag, times) = (device.first_tag + tag, Times::default());
            let sample = Sample { tag, value: f64::NAN, times, quality: Quality::Bad, historical: false };
            known.take(&sample, now, into, self.status);
        }
    }
}

/// Devices say by a float that is no number that they have no value.
fn quality(value: f64) -> Quality {
    if value.is_finite() { Quality::Good } else { Quality::Bad }
}
