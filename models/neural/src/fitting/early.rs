use serde::{Deserialize, Serialize};

/// Ends a training when validation has not improved for `patience` epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    pub patience: usize,
    pub best: Option<Best>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub epoch: usize,
    pub loss: f64,
}

impl EarlyStopping {
    pub fn new(patience: usize) -> Self {
        Self { patience, best: None }
    }

    /// Takes an epoch's loss in; whether it is the best so far.
    pub fn improves(&mut self, epoch: usize, loss: f64) -> bool {
        let better = self.best.is_none_or(|best| loss < best.loss);
        if better {
            self.best = Some(Best { epoch, loss });
        }
        better
    }

    /// Whether the patience is at its end after `epoch`.
    pub fn ends(&self, epoch: usize) -> bool {
        self.best.is_some_and(|best| epoch >= best.epoch + self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_ends_when_patience_has_passed_since_the_best_epoch() {
        let mut early = EarlyStopping::new(2);
        let seen: Vec<(bool, bool)> = [0.5, 0.4, 0.45, 0.4]
            .into_iter()
            .enumerate()
            .map(|(epoch, loss)| (early.improves(epoch, loss), early.ends(epoch)))
            .collect();
        assert_eq!(seen, [(true, false), (true, false), (false, false), (false, true)]);
        assert_eq!(early.best, Some(Best { epoch: 1, loss: 0.4 }));
    }

    #[test]
    fn a_loss_that_is_no_number_is_no_improvement() {
        let mut early = EarlyStopping::new(1);
        assert!(early.improves(0, 0.5));
        assert!(!early.improves(1, f64::NAN));
    }
}
