//! How long a score takes on one thread, through the pool as Lehr uses it: a forecaster of the specified size, what each
//! sensor did, and a vision transformer of 6 layers, 384 wide. Then the same files beside ONNX Runtime as Python has it,
//! in turns, so that the ratio tells what Lehr adds; that is left out where `make test-setup` has not been. On a busy
//! machine the processor's time is what to look at: a row is handed to a worker, who has to be woken.
//!
//! Weights are random: times do not depend on them.

#[allow(dead_code)]
#[path = "../tests/support/models.rs"]
mod models;

use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::Bencher;
use lehr_scoring::{Forecaster, Inspector, Options, Runtime, Schema, Thresholds, WINDOW};
use models::FULL;
use tempfile::TempDir;

/// Turns of Lehr and Python.
const TURNS: usize = 7;
const PICTURE: usize = 3 * 224 * 224;

struct Files {
    folder: TempDir,
    runtime: Runtime,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let files = Files {
        folder: tempfile::tempdir().expect("a folder"),
        runtime: Runtime::load(None).unwrap_or_else(|error| panic!("{error}")),
    };
    let forecaster = models::forecaster(1, FULL, "1.0.0", &[]);
    let inspector = models::inspector(1, 6, 384, 6).expect("it is a model");
    for (name, graph) in [("forecaster.onnx", forecaster), ("inspector.onnx", inspector)] {
        std::fs::write(files.folder.path().join(name), graph.encode().expect("it is whole")).expect("it is written");
    }
    files
});

fn one_worker() -> Options {
    Options { workers: NonZero::<usize>::MIN, time_out: Duration::from_secs(60) }
}

fn schema() -> Schema {
    Schema::from_text(models::SCHEMA)
}

fn path(name: &str) -> PathBuf {
    FILES.folder.path().join(name)
}

fn forecaster() -> Forecaster {
    Forecaster::open(&FILES.runtime, &path("forecaster.onnx"), schema(), one_worker()).expect("it runs")
}

fn inspector() -> Inspector {
    let file = path("inspector.onnx");
    Inspector::open(&FILES.runtime, &file, schema(), one_worker(), Thresholds::default()).expect("it runs")
}

#[divan::bench(sample_count = 50, sample_size = 4)]
fn forecast(bencher: Bencher) {
    let forecaster = forecaster();
    bencher.with_inputs(|| vec![0.5; WINDOW]).bench_values(|sequence| forecaster.forecast(sequence));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn attribution(bencher: Bencher) {
    let forecaster = forecaster();
    let sequence = vec![0.5; WINDOW];
    bencher.bench(|| forecaster.attribute(&sequence));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn inspection(bencher: Bencher) {
    let inspector = inspector();
    bencher.with_inputs(|| vec![0.5; PICTURE]).bench_values(|picture| inspector.inspect(picture));
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
    let (forecaster, inspector) = (forecaster(), inspector());
    let mut forecast = || drop(forecaster.forecast(vec![0.5; WINDOW]).expect("a score"));
    let mut inspect = || drop(inspector.inspect(vec![0.5; PICTURE]).expect("it is seen"));
    println!("one thread, one row, medians of {TURNS} turns      by the clock, ms          processor's time, ms");
    println!("                                              lehr   python  ratio      lehr   python  ratio");
    let mut row = |name: &str, file: &str, shape: &[usize], runs: usize, run: &mut dyn FnMut()| {
        let [mut own, mut own_busy, mut others, mut others_busy] = [const { Vec::new() }; 4];
        for _ in 0..TURNS {
            let busy = processor_s();
            own.push(median((0..runs).map(|_| {
                let begin = Instant::now();
                run();
                begin.elapsed().as_secs_f64()
            })));
            own_busy.push((processor_s() - busy) / runs as f64);
            let (clock, busy) = python.times(&path(file), shape, runs);
            others.push(clock);
            others_busy.push(busy);
        }
        let [own, own_busy, others, others_busy] =
            [own, own_busy, others, others_busy].map(|times| median(times) * 1e3);
        println!(
            "{name:<40} {own:9.3} {others:8.3} {:6.2} {own_busy:9.3} {others_busy:8.3} {:6.2}",
            own / others,
            own_busy / others_busy
        );
    };
    row("forecaster, 2 layers of 128, 120x20", "forecaster.onnx", &[1, 120, 20], 100, &mut forecast);
    row("inspector, 6 layers of 384, 196 tokens", "inspector.onnx", &[1, 3, 224, 224], 5, &mut inspect);
}

/// What this process has had of the processor, all threads together.
fn processor_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Python {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Option<Self> {
        let interpreter = PathBuf::from(std::env::var_os("LEHR_CACHE")?).join("onnx/venv/bin/python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/python_times.py");
        let mut child =
            Command::new(interpreter).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (asks, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Python { child, asks, answers })
    }

    /// By the clock, and of the processor, for a run.
    fn times(&mut self, model: &Path, shape: &[usize], runs: usize) -> (f64, f64) {
        let model = model.display();
        writeln!(self.asks, r#"{{"model":"{model}","input":"input","shape":{shape:?},"runs":{runs}}}"#)
            .expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let seconds = line.trim().split_once(' ').expect("two numbers");
        let read = |text: &str| text.parse().expect("a number of seconds");
        (read(seconds.0), read(seconds.1))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
