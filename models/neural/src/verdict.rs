//! Figures beside what they ought to be, what plain methods reach, and what nobody can exceed.

use std::fmt::Write;

use serde::Serialize;

use crate::judging::Figure;

/// A figure further above its ceiling than this many of its standard errors is no longer luck.
const LUCK: f64 = 2.0;

/// What a figure ought to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Above(f64),
    Below(f64),
}

/// What somebody else reaches on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Other {
    pub name: String,
    pub value: f64,
}

/// One figure of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    pub model: &'static str,
    /// Such as `recall, 4 h`.
    pub figure: String,
    /// None where it is not defined.
    pub value: Option<f64>,
    /// 95 %.
    pub interval: Option<(f64, f64)>,
    pub target: Option<Target>,
    /// The best of the plain methods, or chance.
    pub baseline: Option<Other>,
    /// The best that could be known from what is observed.
    pub ceiling: Option<f64>,
}

impl Line {
    pub fn new(model: &'static str, figure: impl Into<String>, value: Option<Figure>) -> Self {
        Self {
            model,
            figure: figure.into(),
            value: value.map(|figure| figure.value),
            interval: value.map(|figure| (figure.low, figure.high)),
            target: None,
            baseline: None,
            ceiling: None,
        }
    }

    /// A figure without an interval.
    pub fn plain(model: &'static str, figure: impl Into<String>, value: f64) -> Self {
        Self { value: Some(value), ..Self::new(model, figure, None) }
    }

    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    pub fn baseline(mut self, name: impl Into<String>, value: Option<f64>) -> Self {
        self.baseline = value.map(|value| Other { name: name.into(), value });
        self
    }

    pub fn ceiling(mut self, ceiling: Option<f64>) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Whether the target is met; none where there is no target. A figure that is not defined meets none.
    pub fn met(&self) -> Option<bool> {
        let met = |target| match (target, self.value) {
            (_, None) => false,
            (Target::Above(limit), Some(value)) => value > limit,
            (Target::Below(limit), Some(value)) => value < limit,
        };
        self.target.map(met)
    }

    /// Whether the figure is better than anybody could be who sees no more than the model is meant to see.
    pub fn leaks(&self) -> bool {
        let (Some(value), Some((low, high)), Some(ceiling)) = (self.value, self.interval, self.ceiling) else {
            return false;
        };
        let standard_error = Figure { value, low, high }.standard_error();
        value > ceiling + LUCK * standard_error
    }
}

/// All figures as a table for people.
pub fn table(lines: &[&Line]) -> String {
    let cell = |line: &&Line| -> [String; 7] {
        let number = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"));
        let interval = line.interval.map_or_else(String::new, |(low, high)| format!("{low:.3} to {high:.3}"));
        let target = match line.target {
            Some(Target::Above(limit)) => format!("> {limit:.2}"),
            Some(Target::Below(limit)) => format!("< {limit:.2}"),
            None => String::new(),
        };
        let met = match (line.leaks(), line.met()) {
            (true, _) => "LEAK SUSPECTED",
            (_, Some(true)) => "met",
            (_, Some(false)) => "MISSED",
            _ => "",
        };
        let baseline = line.baseline.as_ref().map_or_else(String::new, |o| format!("{:.3} {}", o.value, o.name));
        let ceiling = line.ceiling.map_or_else(String::new, |ceiling| format!("{ceiling:.3}"));
        let name = format!("{}: {}", line.model, line.figure);
        [name, number(line.value), interval, target, met.to_owned(), ceiling, baseline]
    };
    let heads = ["figure", "value", "95 %", "target", "", "ceiling", "others"].map(str::to_owned);
    columns(&std::iter::once(heads).chain(lines.iter().map(cell)).collect::<Vec<_>>())
}

/// Rows of cells, each column as wide as its widest cell.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recall(value: f64) -> Line {
        Line::new("forecaster", "recall, 1 h", Some(Figure { value, low: value - 0.0196, high: value + 0.0196 }))
    }

    #[test]
    fn a_target_is_met_or_missed() {
        assert_eq!(recall(0.95).target(Target::Above(0.9)).met(), Some(true));
        assert_eq!(recall(0.90).target(Target::Above(0.9)).met(), Some(false));
        assert_eq!(Line::plain("a", "error", 0.06).target(Target::Below(0.05)).met(), Some(false));
        assert_eq!(Line::new("a", "recall", None).target(Target::Above(0.9)).met(), Some(false));
        assert_eq!(recall(0.5).met(), None);
    }

    #[test]
    fn who_is_better_than_anybody_could_be_is_suspected() {
        // The standard error is 0.01.
        assert!(!recall(0.95).ceiling(Some(0.94)).leaks());
        assert!(recall(0.97).ceiling(Some(0.94)).leaks());
        assert!(!recall(0.97).leaks(), "nothing is known of a ceiling");
    }

    #[test]
    fn the_table_says_what_is_missed_and_what_is_suspected() {
        let lines =
            [recall(0.85).target(Target::Above(0.9)).baseline("boosting", Some(0.8)), recall(0.99).ceiling(Some(0.9))];
        let text = table(&lines.each_ref());
        assert!(text.contains("0.850  0.830 to 0.870  > 0.90  MISSED"), "{text}");
        assert!(text.contains("LEAK SUSPECTED") && text.contains("0.800 boosting"), "{text}");
    }
}
