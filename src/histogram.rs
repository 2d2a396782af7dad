//! How long something took, counted in buckets, as Prometheus wants to read it.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, seconds. A stage of a tick takes some tenths of a millisecond; 0.01 and 0.05 are
/// what a reading may take to a screen, 0.5 what the API may take to answer.
const BOUNDS_S: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Counts that only grow. Noting costs three additions.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_S.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(bucket) = BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds its lines of the exposition; nothing when nothing was noted.
    pub fn expose(&self, out: &mut String, name: &str, labels: &str) {
        let count = self.count.load(Ordering::Relaxed);
        if count == 0 {
            return;
        }
        let mut sum = 0;
        // Writing to a text cannot fail.
        for (bound, bucket) in BOUNDS_S.iter().zip(&self.buckets) {
            sum += bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {}", sum.min(count));
        }
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {seconds}\n{name}_count{{{labels}}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_what_lies_beyond_them_counts_too() {
        let histogram = Histogram::default();
        let mut out = String::new();
        histogram.expose(&mut out, "x", "stage=\"s\"");
        assert!(out.is_empty());
        for micros in [50, 100, 101, 9_000_000] {
            histogram.note(Duration::from_micros(micros));
        }
        histogram.expose(&mut out, "x", "stage=\"s\"");
        for line in [
            "x_bucket{stage=\"s\",le=\"0.0001\"} 2",
            "x_bucket{stage=\"s\",le=\"0.00025\"} 3",
            "x_bucket{stage=\"s\",le=\"2.5\"} 3",
            "x_bucket{stage=\"s\",le=\"+Inf\"} 4",
            "x_sum{stage=\"s\"} 9.000251",
            "x_count{stage=\"s\"} 4",
        ] {
            assert!(out.lines().any(|found| found == line), "{line} in {out}");
        }
    }
}
