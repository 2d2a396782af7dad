//! ONNX Runtime as Python has it, in a process beside this one.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// Of a run, in seconds.
pub struct Times {
    pub p50: f64,
    pub p95: f64,
    /// Of the processor, all threads together.
    pub busy: f64,
}

impl Times {
    pub fn of(runs: usize, mut run: impl FnMut()) -> Self {
        let busy = processor_s();
        let timed = |_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64()
        };
        let mut times: Vec<f64> = (0..runs).map(timed).collect();
        let busy = (processor_s() - busy) / runs as f64;
        times.sort_by(f64::total_cmp);
        Times { p50: times[runs / 2], p95: times[runs * 95 / 100], busy }
    }
}

/// What this process has had of the processor.
fn processor_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

pub struct Python {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    pub fn start() -> Option<Self> {
        let interpreter = PathBuf::from(std::env::var_os("LEHR_CACHE")?).join("onnx/venv/bin/python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/python_times.py");
        let mut child =
            Command::new(interpreter).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (asks, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Python { child, asks, answers })
    }

    /// Of so many runs of a model, with inputs of these names and shapes.
    pub fn times(&mut self, model: &Path, inputs: &[(&str, Vec<usize>)], runs: usize) -> Times {
        let shapes: serde_json::Map<String, serde_json::Value> =
            inputs.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone().into())).collect();
        let ask = serde_json::json!({ "model": model, "inputs": shapes, "runs": runs });
        writeln!(self.asks, "{ask}").expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let read = |text: &str| text.parse::<f64>().expect("a number of seconds");
        let seconds: Vec<f64> = line.split_whitespace().map(read).collect();
        let &[p50, p95, busy] = &seconds[..] else { panic!("three numbers are to come, not {line:?}") };
        Times { p50, p95, busy }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
