//! What a set is made of.

use super::{EventRule, HORIZONS, MINUTES};
use crate::DatasetError;
use lehr_domain::catalogue::DEFAULT;
use lehr_domain::ids::stable_hash;
use lehr_domain::{EventMs, SpanMs};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Raised whenever the same recipe means another set: a change of the simulator's law, or of what a window or a label is.
const VERSION: u64 = 1;
/// Days simulated and thrown away before the first window of a plant, so that it does not begin as new.
pub(super) const RUN_IN_DAYS: u32 = 1;
/// The gap between parts: the longest horizon and a window, and more.
const GAP: SpanMs = SpanMs::days(3);
const _: () = assert!(GAP.0 >= (HORIZONS[2] + MINUTES) as i64 * 60_000);
/// The first minute of the first part: 2026-01-31 07:00 in Berlin.
const START: EventMs = EventMs(1_769_839_200_000);
/// A plant's days are held in memory while they are simulated: 400 days of three lines are 150 MB.
const MOST_DAYS: u32 = 400;

/// One part: plants, and how long each is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub seeds: Range<u64>,
    pub days: u32,
    /// Whether plants have the cause of events that is kept for testing.
    pub rare_cause: bool,
}

/// A set: the same recipe, the same set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub train: Part,
    pub validation: Part,
    pub calibration: Part,
    pub test: Part,
    /// From one window of a line to the next.
    pub every_minutes: u32,
    pub rule: EventRule,
}

impl Recipe {
    /// Every part watches its plants (three lines each) for this many days, from seeds that follow each other: six tenths of the
    /// plants for training, one each for validation and calibration, two for the test.
    pub fn of_plants(plants: u64, days: u32, every_minutes: u32) -> Recipe {
        let cut = |tenths: u64| 1 + plants * tenths / 10;
        let part = |from: u64, to: u64, rare_cause| Part { seeds: cut(from)..cut(to), days, rare_cause };
        Recipe {
            train: part(0, 6, false),
            validation: part(6, 7, false),
            calibration: part(7, 8, false),
            test: part(8, 10, true),
            every_minutes,
            rule: EventRule::default(),
        }
    }

    /// The set that the shipped forecaster is trained on: some 100,000 windows of 6,000 days of lines.
    pub fn full() -> Recipe {
        Recipe::of_plants(50, 40, 86)
    }

    /// A set for trying things out.
    pub fn small() -> Recipe {
        Recipe::of_plants(10, 20, 120)
    }

    /// Training, validation, calibration and test, with the event time at which each begins: one after the other.
    pub(super) fn parts(&self) -> [(EventMs, &Part); 4] {
        let mut start = START;
        [&self.train, &self.validation, &self.calibration, &self.test].map(|part| {
            let begins = start;
            start = begins + SpanMs::days(i64::from(RUN_IN_DAYS + part.days)) + GAP;
            (begins, part)
        })
    }

    /// # Errors
    ///
    /// Names the field that makes no set.
    pub fn check(&self) -> Result<(), DatasetError> {
        let bad = |field, why: String| Err(DatasetError::Recipe { field, why });
        if self.every_minutes == 0 {
            return bad("every_minutes", "is 0; windows must be at least a minute apart".into());
        }
        if !(self.rule.limit > 0.0 && self.rule.limit <= 1.0) {
            return bad(
                "rule.limit",
                format!("is {}; it is a share of the ware, above 0 and at most 1", self.rule.limit),
            );
        }
        let parts = self.parts();
        for (index, (_, part)) in parts.iter().enumerate() {
            if part.days < 2 || part.days > MOST_DAYS {
                return bad("days", format!("is {}; windows and what follows them need 2 to {MOST_DAYS}", part.days));
            }
            if part.seeds.is_empty() {
                return bad("seeds", format!("{:?} holds no plant; give each part one at least", part.seeds));
            }
            for (_, other) in &parts[..index] {
                if part.seeds.start < other.seeds.end && other.seeds.start < part.seeds.end {
                    let both = (&other.seeds, &part.seeds);
                    return bad(
                        "seeds",
                        format!("{:?} and {:?} share plants; parts must have their own", both.0, both.1),
                    );
                }
            }
        }
        Ok(())
    }

    /// Names the set: of the recipe, the shipped plant and the version of what makes it.
    pub fn hash(&self) -> String {
        let text = serde_json::to_string(self).expect("numbers and names are always JSON");
        let bytes = text.bytes().chain(DEFAULT.bytes()).map(u64::from);
        let parts: Vec<u64> = std::iter::once(VERSION).chain(bytes).collect();
        format!("{:016x}", stable_hash(&parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_neither_plants_nor_time() {
        for recipe in [Recipe::full(), Recipe::small()] {
            recipe.check().unwrap();
            let parts = recipe.parts();
            for pair in parts.windows(2) {
                let [(start, part), (next, _)] = pair else { unreachable!("windows of two") };
                let end = *start + SpanMs::days(i64::from(part.days + RUN_IN_DAYS));
                assert!(*next - end >= SpanMs::minutes(1440 + 120));
            }
        }
    }

    #[test]
    fn recipes_that_make_no_set_are_refused() {
        let refused = |change: &dyn Fn(&mut Recipe)| {
            let mut recipe = Recipe::small();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        assert!(refused(&|recipe| recipe.every_minutes = 0).contains("every_minutes"));
        assert!(refused(&|recipe| recipe.test.seeds = recipe.train.seeds.clone()).contains("share plants"));
        assert!(refused(&|recipe| recipe.validation.days = 1).contains("days"));
        assert!(refused(&|recipe| recipe.train.seeds = 5..5).contains("no plant"));
        assert!(refused(&|recipe| recipe.rule.limit = f64::NAN).contains("rule.limit"));
    }

    #[test]
    fn another_recipe_has_another_name() {
        let recipe = Recipe::small();
        assert_eq!(recipe.hash(), Recipe::small().hash());
        let other = Recipe { every_minutes: 121, ..Recipe::small() };
        assert_ne!(recipe.hash(), other.hash());
    }
}
