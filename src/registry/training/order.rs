//! What is to be trained, and with how much.

use super::TrainingError;
use lehr_domain::model::ModelKind;
use std::time::Duration;

/// The least and the most time that a training may be given.
pub const BUDGET_LEAST: Duration = Duration::from_secs(1);
pub const BUDGET_MOST: Duration = Duration::from_secs(24 * 3600);

/// The most that may be asked for: twenty times the plants that the models that come with Lehr learned from, for a year.
pub const SIMULATED_MOST: Simulated = Simulated { plants: 1_000, days: 400 };

/// How much is simulated to learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// Of three lines each.
    pub plants: u32,
    /// That each plant is watched.
    pub days: u32,
}

/// A training that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub model: ModelKind,
    /// Time for training. Making the data and holding the new model against others come on top.
    pub budget: Duration,
    /// `None`: as much as the models that come with Lehr learned from.
    pub data: Option<Simulated>,
}

impl Order {
    /// Of the data that the models that come with Lehr learned from.
    pub fn new(model: ModelKind, budget: Duration) -> Order {
        Order { model, budget, data: None }
    }

    /// # Errors
    /// When the budget is none, or the data are too few, too many, or not to be chosen.
    pub fn check(&self) -> Result<(), TrainingError> {
        if !(BUDGET_LEAST..=BUDGET_MOST).contains(&self.budget) {
            return Err(TrainingError::Budget);
        }
        let Some(data) = self.data else { return Ok(()) };
        let least = least(self.model).ok_or(TrainingError::NoChoice(self.model))?;
        let fits = (least.plants..=SIMULATED_MOST.plants).contains(&data.plants)
            && (least.days..=SIMULATED_MOST.days).contains(&data.days);
        if fits { Ok(()) } else { Err(TrainingError::Data { model: self.model, least }) }
    }
}

/// The least that gives each part of the data, such as training and test, a plant of its own; `None` of models whose data
/// are not to be chosen.
fn least(model: ModelKind) -> Option<Simulated> {
    match model {
        // A tenth of the plants makes a part. What comes within a day of a window must be seen.
        ModelKind::Forecaster => Some(Simulated { plants: 10, days: 2 }),
        ModelKind::Graph => Some(Simulated { plants: 3, days: 1 }),
        // It learns from the data of its forecaster; from pictures.
        ModelKind::Ensemble | ModelKind::Inspector => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn data_are_bounded_and_chosen_where_that_means_something() {
        let check = |model, plants, days| {
            let data = Some(Simulated { plants, days });
            Order { data, ..Order::new(model, MINUTE) }.check()
        };
        assert_eq!(check(ModelKind::Graph, 3, 1), Ok(()));
        assert_eq!(check(ModelKind::Forecaster, 10, 2), Ok(()));
        for (plants, days) in [(2, 1), (3, 0), (1_001, 1), (3, 401)] {
            let refused = check(ModelKind::Graph, plants, days).unwrap_err().to_string();
            assert!(refused.contains("3 to 1000 plants and 1 to 400 days"), "{refused}");
        }
        assert!(check(ModelKind::Forecaster, 3, 2).is_err(), "its parts would have no plants");
        for model in [ModelKind::Ensemble, ModelKind::Inspector] {
            assert_eq!(check(model, 10, 10), Err(TrainingError::NoChoice(model)));
            assert_eq!(Order::new(model, MINUTE).check(), Ok(()));
        }
    }
}
