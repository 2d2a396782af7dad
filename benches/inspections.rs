//! How long a tick is held that takes in a burst of pictures: looked at when the graph asks, as soon as they are kept, and
//! before an event names them. With the inspector that comes with Lehr and pictures of the simulated camera, which takes
//! one after the other.
//!
//! `cargo bench --bench inspections -- [PICTURES] [RUNS]`; one JSON object a line, medians of runs. Readings wait behind a
//! tick that is held: `held_ms` is the longest of a run's ticks, `seen_ms` from the first picture to the last one's findings.

use lehr::pictures::{Bound, PictureStore, Pictures};
use lehr::registry::{self, Registry};
use lehr::runtime::{Runtime, RuntimeOptions, Submission};
use lehr::scoring::{Ahead, Scoring};
use lehr::sources::held_back::HeldBack;
use lehr_camera::{SIDE, Shape, Split, Style, picture, png};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::inspections::Inspector;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::picture::Picture;
use lehr_domain::{Event, EventMs, LineId, SpanMs, UnitId};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As sources pace themselves.
const PACE: Duration = Duration::from_millis(50);

/// When pictures are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Asked,
    Kept,
    HeldBack,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (pictures, runs) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(5));
    let scratch = tempfile::tempdir()?;
    for (when, told) in [
        (When::Asked, "when the graph asks"),
        (When::Kept, "as soon as they are kept"),
        (When::HeldBack, "before an event names them"),
    ] {
        let mut plant = Plant::start(&scratch.path().join(format!("{when:?}")), when)?;
        // The first one opens the model.
        plant.burst(1)?;
        let mut bursts = Vec::new();
        for _ in 0..runs.max(1) {
            bursts.push(plant.burst(pictures)?);
        }
        let median = |of: fn(&Burst) -> Duration| {
            let mut times: Vec<Duration> = bursts.iter().map(of).collect();
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e3
        };
        println!(
            "{}",
            json!({
                "pictures": pictures, "looked_at": told, "held_ms": median(|burst| burst.held),
                "taken_ms": median(|burst| burst.taken), "seen_ms": median(|burst| burst.seen),
            })
        );
    }
    Ok(())
}

/// How a burst went.
struct Burst {
    /// The longest that a tick took.
    held: Duration,
    /// Until the last picture was kept.
    taken: Duration,
    /// Until it was visible what is on all of them.
    seen: Duration,
}

struct Plant {
    runtime: Runtime,
    store: Arc<PictureStore>,
    when: When,
    units: u64,
}

impl Plant {
    fn start(data: &Path, when: When) -> Result<Plant, Box<dyn std::error::Error>> {
        let catalogue = Catalogue::parse(DEFAULT)?;
        let pictures = Pictures::of(data);
        let scoring = Scoring::start(registry::folder(data), None, &catalogue);
        let scoring: &'static Scoring = Box::leak(Box::new(scoring.with_pictures(Arc::new(pictures.clone()))));
        let inspector: &dyn Inspector = scoring;
        let runtime = Runtime::start(
            RuntimeOptions {
                data: data.to_owned(),
                workers: 2,
                graph: GraphConfig { inspector: Some(inspector), ..GraphConfig::default() },
                catalogue,
                knowledge: lehr_causal::DEFAULT.to_owned(),
                simulated_clock: true,
                salvage: false,
                sizes: Default::default(),
            },
            |_| (),
        )?;
        Registry::new(runtime.clone(), data, Arc::new(scoring)).start()?;
        let mut store = PictureStore::open(pictures, Bound::default())?;
        if when != When::Asked {
            store = store.with_viewer(Arc::new(Ahead::start(scoring, runtime.clone())?));
        }
        Ok(Plant { runtime, store: Arc::new(store), when, units: 0 })
    }

    /// Takes pictures as the camera does, and submits them as the plant does.
    fn burst(&mut self, pictures: usize) -> Result<Burst, Box<dyn std::error::Error>> {
        let (first, begun, at) = (self.units, Instant::now(), self.runtime.now() + SpanMs::seconds(1));
        let mut events = Vec::new();
        for _ in 0..pictures {
            events.push(self.photograph(at)?);
        }
        let taken = begun.elapsed();
        let mut held_back = HeldBack::new(self.store.clone());
        let mut held = Duration::ZERO;
        loop {
            if self.when == When::HeldBack {
                held_back.sift(&mut events, Instant::now());
            }
            let submitted = Instant::now();
            self.submit(std::mem::take(&mut events), at)?;
            held = held.max(submitted.elapsed());
            let snapshot = self.runtime.snapshot();
            let seen = snapshot.inspections.iter().filter(|row| row.unit_id.0 > first).count();
            if seen == pictures {
                return Ok(Burst { held, taken, seen: begun.elapsed() });
            }
            std::thread::sleep(PACE);
        }
    }

    fn photograph(&mut self, at: EventMs) -> Result<Event, Box<dyn std::error::Error>> {
        self.units += 1;
        let taken = picture(self.units, Shape::Jar, &[], &Style::of(Split::Test));
        let content = self.store.put(&png(&taken.pixels, SIDE, SIDE)?)?;
        let (unit, line) = (UnitId(self.units), LineId((self.units % 3) as u16));
        Ok(Event::Picture(Picture { unit, line, at, content }))
    }

    fn submit(&self, events: Vec<Event>, now: EventMs) -> Result<(), Box<dyn std::error::Error>> {
        let submission = Submission { source: "plant".into(), events, now: Some(now), ..Submission::default() };
        self.runtime.submit_blocking(submission)?.wait()?;
        Ok(())
    }
}
