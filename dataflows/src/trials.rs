//! For tests: runs a graph tick by tick and compares it with a recomputation from scratch.
//!
//! A trial is a list of snapshots: what each tick's base collections hold. The graph is fed the differences,
//! so that it must follow corrections and retractions; the oracle sees the snapshot alone.

use crate::{Diff, Rows, Ts};
use differential_dataflow::input::InputSession;
use differential_dataflow::{Data, ExchangeData};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use timely::dataflow::ProbeHandle;

/// A graph from one input type to one output type; inputs of several kinds are an enum.
pub(crate) type Graph<I, O> = for<'s> fn(Rows<'s, I>) -> Rows<'s, O>;

fn differences<I: Ord + Clone>(snapshots: &[BTreeSet<I>]) -> Vec<Vec<(I, Diff)>> {
    let mut before = BTreeSet::new();
    let mut ticks = Vec::new();
    for snapshot in snapshots {
        let gone = before.difference(snapshot).map(|row: &I| (row.clone(), -1));
        let new = snapshot.difference(&before).map(|row| (row.clone(), 1));
        ticks.push(gone.chain(new).collect());
        before = snapshot.clone();
    }
    ticks
}

/// What `graph` holds after each tick. Fails when a row is there twice or less than never.
pub(crate) fn run<I, O>(workers: usize, snapshots: &[BTreeSet<I>], graph: Graph<I, O>) -> Vec<BTreeSet<O>>
where
    I: ExchangeData + Sync,
    O: Data + Send + Debug + Ord,
{
    let ticks = Arc::new(differences(snapshots));
    let changes: Arc<Mutex<Vec<(Ts, O, Diff)>>> = Arc::default();
    let sink = changes.clone();
    let (shared, count) = (ticks.clone(), ticks.len());
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (index, peers) = (worker.index(), worker.peers());
        let (mut input, probe, sink) = (InputSession::new(), ProbeHandle::new(), sink.clone());
        worker.dataflow::<Ts, _, _>(|scope| {
            let rows = graph(input.to_collection(scope));
            let rows = rows.inspect(move |(row, tick, diff)| {
                sink.lock().expect("no worker failed").push((*tick, row.clone(), *diff));
            });
            rows.probe_with(&probe);
        });
        for (tick, rows) in shared.iter().enumerate() {
            for (row, diff) in rows.iter().skip(index).step_by(peers) {
                input.update_at(row.clone(), tick as Ts, *diff);
            }
            input.advance_to(tick as Ts + 1);
            input.flush();
            worker.step_while(|| probe.less_than(&(tick as Ts + 1)));
        }
    });
    for finished in guards.expect("workers start").join() {
        finished.expect("workers finish");
    }
    let mut by_tick: BTreeMap<Ts, Vec<(O, Diff)>> = BTreeMap::new();
    for (tick, row, diff) in changes.lock().expect("no worker failed").drain(..) {
        by_tick.entry(tick).or_default().push((row, diff));
    }
    let mut held: BTreeMap<O, Diff> = BTreeMap::new();
    (0..count as Ts)
        .map(|tick| {
            for (row, diff) in by_tick.remove(&tick).unwrap_or_default() {
                *held.entry(row).or_default() += diff;
            }
            held.retain(|_, diff| *diff != 0);
            assert!(held.values().all(|diff| *diff == 1), "tick {tick}: a row is held other than once: {held:?}");
            held.keys().cloned().collect()
        })
        .collect()
}

/// Compares `graph` with `oracle` after each tick, on one worker and on two; gives what it held after each.
pub(crate) fn assert_tracks<I, O>(
    seed: u64,
    snapshots: &[BTreeSet<I>],
    graph: Graph<I, O>,
    oracle: impl Fn(&BTreeSet<I>) -> BTreeSet<O>,
) -> Vec<BTreeSet<O>>
where
    I: ExchangeData + Sync,
    O: Data + Send + Debug + Ord,
{
    let outputs = run(1, snapshots, graph);
    for (tick, (output, snapshot)) in outputs.iter().zip(snapshots).enumerate() {
        let expected = oracle(snapshot);
        let surplus: Vec<_> = output.difference(&expected).collect();
        let missing: Vec<_> = expected.difference(output).collect();
        assert!(
            surplus.is_empty() && missing.is_empty(),
            "seed {seed}, tick {tick}: surplus {surplus:#?}, missing {missing:#?}"
        );
    }
    assert!(run(2, snapshots, graph) == outputs, "seed {seed}: two workers give another result than one");
    outputs
}

/// Random rows of a small plant: two lines, two articles, a few hours.
pub(crate) mod plant {
    use lehr_domain::machine::{MachineState, StateChange};
    use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
    use lehr_domain::{EventMs, LineId, PerMille, ProductId, SpanMs, UnitId};
    use rand::{RngExt, SeedableRng};
    pub(crate) use rand_chacha::ChaCha8Rng;

    /// Half an hour before a shift and a day end in Berlin.
    pub(crate) const START: EventMs = EventMs(1_774_737_000_000);

    pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    /// An instant in the first `minutes` of the trial.
    pub(crate) fn instant(rng: &mut ChaCha8Rng, minutes: i64) -> EventMs {
        START + SpanMs(rng.random_range(0..minutes * 60) * 1000)
    }

    pub(crate) fn line(rng: &mut ChaCha8Rng) -> LineId {
        LineId(rng.random_range(0..2))
    }

    pub(crate) fn state_change(rng: &mut ChaCha8Rng, minutes: i64) -> StateChange {
        StateChange {
            line: line(rng),
            at: instant(rng, minutes),
            state: MachineState::ALL[rng.random_range(0..4)],
            product: ProductId(rng.random_range(0..2)),
            reason: ["", "job change", "jam"][rng.random_range(0..3)].to_owned(),
        }
    }

    pub(crate) fn unit(rng: &mut ChaCha8Rng, minutes: i64, units: u64) -> Unit {
        let mut defects: Vec<Defect> = (0..[0, 0, 0, 1, 2][rng.random_range(0..5)])
            .map(|_| Defect {
                defect: DefectType::ALL[rng.random_range(0..DefectType::COUNT)],
                score: PerMille(rng.random_range(0..=1000)),
                bounds: [0, 0, 10, 10],
            })
            .collect();
        defects.sort();
        let bad = [Verdict::Good, Verdict::Rework, Verdict::Scrap][rng.random_range(0..3)];
        Unit {
            unit: UnitId(rng.random_range(0..units)),
            line: line(rng),
            at: instant(rng, minutes),
            product: ProductId(rng.random_range(0..2)),
            verdict: if defects.is_empty() { Verdict::Good } else { bad },
            defects,
        }
    }
}
