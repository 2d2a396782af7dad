//! Every graph over the readings and events of a simulated plant, journal off: the rate on one worker and on two,
//! and where the time goes, operator by operator.

use clap::Parser;
use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_domain::catalogue::{self, Catalogue};
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, ReadingBatch, SpanMs, Tick};
use lehr_plant::{PlantConfig, PlantSim};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use timely::logging::{StartStop, TimelyEvent, TimelyEventBuilder};

#[derive(Debug, Parser)]
struct Args {
    /// Sensors of the plant.
    #[arg(long, default_value_t = 1000)]
    sensors: usize,
    /// Hours of plant time.
    #[arg(long, default_value_t = 6)]
    hours: i64,
    /// Readings a tick.
    #[arg(long, default_value_t = 100_000)]
    batch: usize,
    /// Runs; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Worker counts to try.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    workers: Vec<usize>,
    /// Operators shown.
    #[arg(long, default_value_t = 12)]
    operators: usize,
}

/// Time spent by operator name.
type Spent = BTreeMap<String, Duration>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    lehr_allocator::ask_for_memory_sparingly();
    let args = Args::parse();
    let ticks = Arc::new(day(&args)?);
    let readings: usize = ticks.iter().map(|inputs| inputs.readings.len()).sum();
    for workers in &args.workers {
        let mut runs: Vec<(Duration, Spent)> = (0..args.runs).map(|_| run(*workers, &ticks)).collect();
        runs.sort_by_key(|(took, _)| *took);
        let (took, spent) = runs.swap_remove(runs.len() / 2);
        let rate = readings as f64 / took.as_secs_f64();
        println!(
            "{}",
            serde_json::json!({
                "workers": workers, "sensors": args.sensors, "readings": readings, "ticks": ticks.len(),
                "seconds": took.as_secs_f64(), "readings_per_second": rate.round(),
            })
        );
        let mut spent: Vec<(String, Duration)> = spent.into_iter().collect();
        spent.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        for (name, time) in spent.into_iter().take(args.operators) {
            println!("  {:6.1} % {name}", 100.0 * time.as_secs_f64() / took.as_secs_f64() / *workers as f64);
        }
    }
    Ok(())
}

/// The plant's inputs in ticks of `batch` readings.
fn day(args: &Args) -> Result<Vec<Inputs>, Box<dyn std::error::Error>> {
    let catalogue = Catalogue::parse(catalogue::DEFAULT)?.scaled(args.sensors);
    let mut names = Names::default();
    let mut events: Vec<Event> = catalogue.events(&names)?;
    events.iter().for_each(|event| names.apply(event));
    let knowledge = lehr_causal::KnowledgeBase::parse(lehr_causal::DEFAULT, &names)?;
    events.extend(knowledge.edges.into_iter().map(|(id, edge)| Event::Edge(id, Some(edge))));
    let start = EventMs(1_767_571_200_000);
    let mut sim = PlantSim::new(&names, PlantConfig { seed: 7, start, ..PlantConfig::default() })?;
    let mut ticks: Vec<Inputs> = Vec::new();
    let mut readings = ReadingBatch::default();
    let end = start + SpanMs::hours(args.hours);
    while sim.now() < end {
        let output = sim.advance(sim.now() + SpanMs::minutes(1));
        readings.append(output.readings);
        events.extend(output.events);
        if readings.len() >= args.batch || sim.now() >= end {
            let tick = Tick(ticks.len() as u64 + 1);
            readings.revision.fill(tick.0);
            let events = events.drain(..).map(|event| Revised { revision: tick.0, event }).collect();
            let readings = std::mem::take(&mut readings);
            ticks.push(Inputs { tick, now: sim.now(), low_water: sim.now(), readings, events, ..Inputs::default() });
        }
    }
    Ok(ticks)
}

fn run(workers: usize, ticks: &Arc<Vec<Inputs>>) -> (Duration, Spent) {
    let spent: Arc<Mutex<Spent>> = Arc::default();
    let (ticks, shared) = (ticks.clone(), spent.clone());
    let begun = Instant::now();
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let mut profile = Profile { names: BTreeMap::new(), open: Vec::new(), spent: shared.clone() };
        if let Some(mut log) = worker.log_register() {
            log.insert::<TimelyEventBuilder, _>("timely", move |_, events| {
                events.iter_mut().flat_map(|events| events.drain(..)).for_each(|(at, event)| profile.take(at, event));
            });
        }
        let mut graph = Graph::build(worker, GraphConfig::default());
        for inputs in ticks.iter() {
            graph.feed(inputs, &ReadingBatch::default());
            while !graph.closed(inputs.tick) {
                worker.step();
            }
            graph.take(inputs.tick);
        }
    });
    drop(guards.expect("the workers start"));
    let spent = std::mem::take(&mut *spent.lock().expect("no worker failed"));
    (begun.elapsed(), spent)
}

/// What timely's log says of one worker: time inside each operator, without what it scheduled in turn.
struct Profile {
    names: BTreeMap<usize, String>,
    /// Operators on the stack: id, since when, and how much of that was others'.
    open: Vec<(usize, Duration, Duration)>,
    spent: Arc<Mutex<Spent>>,
}

impl Profile {
    fn take(&mut self, at: Duration, event: TimelyEvent) {
        match event {
            TimelyEvent::Operates(operator) => drop(self.names.insert(operator.id, operator.name)),
            TimelyEvent::Schedule(schedule) => match schedule.start_stop {
                StartStop::Start => self.open.push((schedule.id, at, Duration::ZERO)),
                StartStop::Stop => {
                    let Some((id, since, others)) = self.open.pop() else { return };
                    let took = at.saturating_sub(since);
                    if let Some((_, _, others)) = self.open.last_mut() {
                        *others += took;
                    }
                    let name = self.names.get(&id).cloned().unwrap_or_default();
                    let mut spent = self.spent.lock().expect("no worker failed");
                    *spent.entry(name).or_default() += took.saturating_sub(others);
                }
            },
            _ => {}
        }
    }
}
