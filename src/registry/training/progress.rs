//! How far a training has come, from what `lehr-train --json` tells: one JSON object a line.

use serde::Deserialize;
use std::time::{Duration, Instant};

/// Characters of a stage's name that are kept.
const STAGE_MOST: usize = 80;
/// Below this share of a training its end is told by its budget alone.
const SHARE_LEAST: f64 = 0.02;

/// What the program tells. Whatever else it may tell one day is passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told {
    Data {
        done: u32,
        total: u32,
    },
    Started {
        epoch: u32,
        epochs_max: u32,
    },
    Batch {
        epoch: u32,
        batch: u32,
        batches: u32,
        loss: Option<f64>,
    },
    Epoch {
        epoch: EpochTold,
    },
    Stopped {},
    Stage {
        name: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct EpochTold {
    epoch: u32,
    loss: Option<f64>,
}

/// How far it has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What it is doing: `data`, `training`, or a step after it.
    pub stage: String,
    /// Of the stage that is done, 0 to 1; `None` where it does not say.
    pub share: Option<f64>,
    /// Epochs that are over.
    pub epochs: u32,
    /// The most epochs that there may be.
    pub epochs_most: Option<u32>,
    pub loss: Option<f64>,
    training: Training,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Training {
    #[default]
    Ahead,
    Since(Instant),
    Over,
}

impl Progress {
    /// Takes up a line; what is none that it knows changes nothing.
    pub fn take(&mut self, line: &str, now: Instant) {
        let Ok(told) = serde_json::from_str::<Told>(line) else { return };
        match told {
            Told::Data { done, total } => {
                "data".clone_into(&mut self.stage);
                self.share = share(done, total);
            }
            Told::Started { epoch, epochs_max } => {
                "training".clone_into(&mut self.stage);
                self.training = Training::Since(now);
                self.epochs = epoch;
                self.epochs_most = Some(epochs_max);
                self.share = share(epoch, epochs_max);
            }
            Told::Batch { epoch, batch, batches, loss } => {
                let within = share(batch.saturating_add(1), batches).unwrap_or(0.0);
                self.loss = loss.or(self.loss);
                self.share = self
                    .epochs_most
                    .filter(|most| *most > 0)
                    .map(|most| ((f64::from(epoch) + within) / f64::from(most)).clamp(0.0, 1.0));
            }
            Told::Epoch { epoch: EpochTold { epoch, loss } } => {
                self.epochs = epoch.saturating_add(1);
                self.loss = loss.or(self.loss);
                self.share = self.epochs_most.and_then(|most| share(self.epochs, most));
            }
            Told::Stopped {} => {
                "trained".clone_into(&mut self.stage);
                (self.training, self.share) = (Training::Over, None);
            }
            Told::Stage { name } => {
                self.stage = name.chars().take(STAGE_MOST).collect();
                self.share = None;
            }
            Told::Other => {}
        }
    }

    /// How long it is likely to go on; `None` when that cannot be told: after the training proper.
    pub fn left(&self, budget: Duration, now: Instant) -> Option<Duration> {
        match self.training {
            Training::Ahead => Some(budget),
            Training::Over => None,
            Training::Since(since) => {
                let elapsed = now.saturating_duration_since(since);
                let by_budget = budget.saturating_sub(elapsed);
                let by_share = self.share.filter(|share| *share >= SHARE_LEAST);
                let by_share = by_share.map(|share| elapsed.mul_f64((1.0 - share) / share));
                Some(by_share.map_or(by_budget, |left| left.min(by_budget)))
            }
        }
    }
}

fn share(done: u32, of: u32) -> Option<f64> {
    (of > 0).then(|| (f64::from(done) / f64::from(of)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_tells_is_followed() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let budget = Duration::from_secs(100);
        let mut progress = Progress::default();
        assert_eq!(progress.left(budget, begun), Some(budget), "nothing is known yet");
        progress.take(r#"{"event":"data","done":3,"total":12}"#, begun);
        assert_eq!((progress.stage.as_str(), progress.share), ("data", Some(0.25)));
        progress.take(r#"{"event":"started","epoch":0,"epochs_max":4,"batches":10}"#, begun);
        progress.take(r#"{"event":"batch","epoch":1,"batch":9,"batches":10,"loss":0.5}"#, at(30));
        assert_eq!((progress.stage.as_str(), progress.loss), ("training", Some(0.5)));
        assert_eq!((progress.share, progress.left(budget, at(30))), (Some(0.5), Some(Duration::from_secs(30))));
        assert_eq!(progress.left(Duration::from_secs(40), at(30)), Some(Duration::from_secs(10)), "the budget ends it");
        progress.take(r#"{"event":"epoch","epoch":{"epoch":1,"loss":null,"seconds":9},"best":true}"#, at(40));
        assert_eq!((progress.epochs, progress.share, progress.loss), (2, Some(0.5), Some(0.5)));
        progress.take(r#"{"event":"stopped","why":"budget","best_epoch":1}"#, at(50));
        assert_eq!((progress.stage.as_str(), progress.left(budget, at(50))), ("trained", None));
        progress.take(r#"{"event":"stage","name":"test"}"#, at(51));
        assert_eq!(progress.stage, "test");
    }

    #[test]
    fn what_it_does_not_know_changes_nothing() {
        let mut progress = Progress::default();
        for line in ["", "{", "[]", r#"{"event":"song"}"#, r#"{"event":"data","done":-1,"total":2}"#, "plain text"] {
            progress.take(line, Instant::now());
        }
        progress.take(r#"{"event":"batch","epoch":0,"batch":0,"batches":0,"loss":null}"#, Instant::now());
        assert_eq!(progress, Progress::default());
    }
}
