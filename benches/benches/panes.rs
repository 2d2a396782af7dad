//! The hot operator alone: readings in columns, in memory, through the production `panes` operator with duplicates
//! and corrections handled, on one worker and on two, partitioned at the source as the runtime does.

use divan::Bencher;
use divan::counter::ItemsCount;
use lehr_dataflows::graph::owner_of_sensor;
use lehr_dataflows::panes::{PaneConfig, PaneFeed, panes};
use lehr_domain::{EventMs, ReadingBatch, SensorId, SpanMs};
use std::sync::Arc;
use timely::dataflow::operators::{Input, Probe};

const SENSORS: u32 = 300;
const READINGS: usize = 6_000_000;
/// Readings of a tick.
const TICK: usize = 100_000;

fn main() {
    lehr_allocator::ask_for_memory_sparingly();
    divan::main();
}

/// By tick, then by worker: every sensor ten times a second, with noise; one reading in fifty comes up to 30 s late,
/// one in a thousand is repeated.
fn ticks(workers: usize) -> Arc<Vec<Vec<ReadingBatch>>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut ticks = Vec::new();
    let mut at = 1_767_571_200_000_i64;
    let mut sensor = 0;
    for tick in 0..READINGS / TICK {
        let mut shares = vec![ReadingBatch::with_capacity(TICK / workers + TICK / 10); workers];
        for _ in 0..TICK {
            let late = if random(50) == 0 { random(30_000) as i64 } else { 0 };
            let share = &mut shares[owner_of_sensor(SensorId(sensor), workers)];
            for _ in 0..1 + usize::from(random(1000) == 0) {
                share.sensor.push(sensor);
                share.at.push(at - late);
                share.value.push(1_500_000_000 + random(1_000_000) as i64);
                share.status.push(0);
                share.revision.push(tick as u64 + 1);
            }
            sensor = (sensor + 1) % SENSORS;
            at += i64::from(sensor == 0) * 100;
        }
        ticks.push(shares);
    }
    Arc::new(ticks)
}

#[divan::bench(args = [1, 2], sample_count = 7, sample_size = 1)]
fn panes_from_columns_in_memory(bencher: Bencher, workers: usize) {
    let ticks = ticks(workers);
    let config = PaneConfig { width: SpanMs::minutes(1), retention: SpanMs::FOREVER, seal_after: SpanMs::minutes(5) };
    let run = |ticks: Arc<Vec<Vec<ReadingBatch>>>| {
        let guards = timely::execute(timely::Config::process(workers), move |worker| {
            let index = worker.index();
            let (mut input, probe) = worker.dataflow::<u64, _, _>(|scope| {
                let (input, feed) = scope.new_input::<Vec<PaneFeed>>();
                let (probe, _) = panes(feed, config).inner.probe();
                (input, probe)
            });
            for (tick, shares) in ticks.iter().enumerate() {
                let share = &shares[index];
                // Nothing comes more than 30 s late, so the mark may stand a minute back.
                let mark = share.at.last().map(|at| EventMs(*at) - SpanMs::minutes(1));
                input.send(PaneFeed::Readings(share.clone()));
                mark.into_iter().for_each(|mark| input.send(PaneFeed::LowWater(mark)));
                input.advance_to(tick as u64 + 1);
                input.flush();
                while probe.less_than(&(tick as u64)) {
                    worker.step();
                }
            }
        });
        drop(guards.expect("the workers start"));
    };
    bencher.counter(ItemsCount::new(READINGS)).with_inputs(|| ticks.clone()).bench_values(run);
}
