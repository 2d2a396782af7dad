//! What a benchmark found.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A benchmark's figures, and what they were measured with.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub bench: &'static str,
    pub settings: BTreeMap<&'static str, f64>,
    pub figures: Vec<Figure>,
}

/// One quantity that was measured many times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub what: String,
    pub unit: &'static str,
    pub count: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Figure {
    /// The quantiles of `samples`: each is a sample, the least that so many do not exceed.
    pub fn of(what: impl Into<String>, unit: &'static str, mut samples: Vec<f64>) -> Figure {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (samples.len() as f64 * share).ceil() as usize;
            samples.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
        };
        let (p50, p90, p99, p999, max) = (at(0.5), at(0.9), at(0.99), at(0.999), at(1.0));
        Figure { what: what.into(), unit, count: samples.len(), p50, p90, p99, p999, max }
    }

    pub fn ms(what: impl Into<String>, samples: impl IntoIterator<Item = Duration>) -> Figure {
        Figure::of(what, "ms", samples.into_iter().map(|sample| sample.as_secs_f64() * 1e3).collect())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(f, "{}: {}", self.bench, settings.join(", "))?;
        writeln!(
            f,
            "{:<44} {:>9} {:>12} {:>12} {:>12} {:>12} {:>12}",
            "", "count", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for Figure { what, unit, count, p50, p90, p99, p999, max } in &self.figures {
            let what = format!("{what}, {unit}");
            writeln!(f, "{what:<44} {count:>9} {p50:>12.3} {p90:>12.3} {p99:>12.3} {p999:>12.3} {max:>12.3}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_that_so_many_do_not_exceed() {
        let figure = Figure::of("x", "ms", (1..=1000).rev().map(f64::from).collect());
        assert_eq!((figure.p50, figure.p90, figure.p99, figure.p999, figure.max), (500.0, 900.0, 990.0, 999.0, 1000.0));
        let single = Figure::of("x", "ms", vec![7.0]);
        assert_eq!((single.p50, single.p999, single.max), (7.0, 7.0, 7.0));
        assert!(Figure::of("x", "ms", Vec::new()).p50.is_nan());
    }
}
