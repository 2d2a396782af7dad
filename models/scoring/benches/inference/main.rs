//! How long a score takes on one thread, through the pool as Lehr uses it, of every model file that comes with Lehr. Then
//! the same files beside ONNX Runtime as Python has it, in turns, so that the ratio tells what Lehr adds; that is left out
//! where `make test-setup` has not been. On a busy machine the processor's time is what to look at: a row is handed to a
//! worker, who has to be woken.

mod models;
mod peer;

use std::sync::LazyLock;
use std::time::Instant;

use divan::Bencher;
use lehr_scoring::{MINUTES, Runtime, WINDOW};
use models::{Shipped, forecaster, shipped};
use peer::{Python, Times};

/// Turns of Lehr and Python.
const TURNS: usize = 9;
/// What a turn is to take, and the runs of the slowest and of the quickest model.
const TURN_S: f64 = 0.5;
const RUNS: std::ops::RangeInclusive<usize> = 10..=400;
/// More than this share of Python's time is not to be taken.
const TARGET: f64 = 1.2;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::load(None).unwrap_or_else(|error| panic!("{error}")));

/// As they are in the folder.
fn names() -> Vec<String> {
    shipped().into_iter().map(|path| models::name(&path)).collect()
}

#[divan::bench(args = names(), sample_count = 50, sample_size = 1)]
fn score(bencher: Bencher, name: &str) {
    let mut model = Shipped::open(&RUNTIME, &models::folder().join(format!("{name}.onnx")));
    bencher.bench_local(|| model.score());
}

/// What each sensor did to a forecast.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn attribution(bencher: Bencher) {
    let forecaster = forecaster(&RUNTIME);
    let mean = &forecaster.model().metadata().scaler.as_ref().expect("it has one").mean;
    let sequence = mean.repeat(MINUTES);
    assert_eq!(sequence.len(), WINDOW);
    bencher.bench(|| forecaster.attribute(&sequence));
}

fn main() {
    divan::main();
    // `cargo test` asks for a try, and `--list` for names.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    match Python::start() {
        Some(mut python) => compare(&mut python),
        None => println!("no comparison with Python: run `make test-setup` for it"),
    }
}

fn compare(python: &mut Python) {
    println!(
        "one thread, one row, medians of {TURNS} turns; ms by the clock, and of the processor's time; at most {TARGET}"
    );
    println!("                       lehr                        python                      ratio");
    println!("                       p50      p95      processor  p50      p95      processor  clock  processor");
    for path in shipped() {
        let mut model = Shipped::open(&RUNTIME, &path);
        let runs = runs(&mut model);
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            own.push(Times::of(runs, || model.score()));
            others.push(python.times(&path, &model.inputs(), runs));
        }
        // Of a turn's two, which share what the machine did meanwhile.
        let ratio = |of: fn(&Times) -> f64| median(own.iter().zip(&others).map(|(own, other)| of(own) / of(other)));
        let (own, others) = (middle(&own), middle(&others));
        println!(
            "{:<20} {} {}  {:5.2} {:5.2}",
            models::name(&path),
            told(&own),
            told(&others),
            ratio(|times| times.p50),
            ratio(|times| times.busy)
        );
    }
}

/// As many as a turn has time for.
fn runs(model: &mut Shipped) -> usize {
    let begin = Instant::now();
    model.score();
    ((TURN_S / begin.elapsed().as_secs_f64()) as usize).clamp(*RUNS.start(), *RUNS.end())
}

fn middle(turns: &[Times]) -> Times {
    let of = |of: fn(&Times) -> f64| median(turns.iter().map(of));
    Times { p50: of(|times| times.p50), p95: of(|times| times.p95), busy: of(|times| times.busy) }
}

fn told(times: &Times) -> String {
    let [p50, p95, busy] = [times.p50, times.p95, times.busy].map(|seconds| seconds * 1e3);
    format!("{p50:8.3} {p95:8.3} {busy:8.3}  ")
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
