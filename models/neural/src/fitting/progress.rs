use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::fit::{Epoch, Stop};

/// What a training tells while it runs.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The data are made: plants simulated, of how many.
    Data {
        done: usize,
        total: usize,
    },
    /// The training begins, or goes on, with epoch `epoch`.
    Started {
        epoch: usize,
        epochs_max: usize,
        batches: usize,
    },
    Batch {
        epoch: usize,
        batch: usize,
        batches: usize,
        loss: f64,
    },
    Epoch {
        epoch: &'a Epoch,
        best: bool,
    },
    Stopped {
        why: Stop,
        best_epoch: usize,
    },
    /// A step outside the loop, such as "calibration".
    Stage {
        name: &'a str,
    },
}

/// Who looks on while a network is trained.
pub trait Watch {
    fn see(&mut self, event: &Event<'_>);
}

/// Nobody looks on.
#[derive(Debug, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn see(&mut self, _: &Event<'_>) {}
}

/// One JSON object a line, for a parent process. A batch is told at most every hundredth part of an epoch.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    to: W,
}

impl<W: Write> JsonLines<W> {
    pub fn new(to: W) -> Self {
        Self { to }
    }
}

impl<W: Write> Watch for JsonLines<W> {
    fn see(&mut self, event: &Event<'_>) {
        if let Event::Batch { batch, batches, .. } = event
            && batch % (batches / 100).max(1) != 0
        {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        // A parent that no longer reads does not end a training.
        let _ = self.to.write_all(&line).and_then(|()| self.to.flush());
    }
}

/// A bar an epoch and a line for each that has ended.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} {elapsed} eta {eta} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(0).with_style(style) }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch for Terminal {
    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Data { done, total } => {
                self.bar.set_length(*total as u64);
                self.bar.set_prefix("plants");
                self.bar.set_position(*done as u64);
            }
            Event::Started { epoch, batches, .. } => {
                self.bar.set_length(*batches as u64);
                self.bar.set_prefix(format!("epoch {}", epoch + 1));
            }
            Event::Batch { epoch, batch, loss, .. } => {
                if *batch == 0 {
                    self.bar.reset();
                    self.bar.set_prefix(format!("epoch {}", epoch + 1));
                }
                self.bar.set_position(*batch as u64 + 1);
                self.bar.set_message(format!("loss {loss:.4}"));
            }
            Event::Epoch { epoch, best } => {
                let mark = if *best { " *" } else { "" };
                let metrics: String =
                    epoch.validation.metrics.iter().map(|(name, value)| format!(", {name} {value:.4}")).collect();
                self.bar.println(format!(
                    "epoch {}: loss {:.4}, validation {:.4}{metrics}, {:.0} s{mark}",
                    epoch.epoch + 1,
                    epoch.loss,
                    epoch.validation.loss,
                    epoch.seconds
                ));
            }
            Event::Stopped { why, best_epoch } => {
                self.bar.finish_and_clear();
                self.bar.println(format!("{why}; best epoch {}", best_epoch + 1));
            }
            Event::Stage { name } => self.bar.println(*name),
        }
    }
}
