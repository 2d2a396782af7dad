use serde::Serialize;

use crate::judging::{Figure, number};
use crate::verdict::columns;

/// A figure further above chance than this many of its standard errors is no longer luck.
const LUCK: f64 = 2.0;

/// A figure of somebody who is to know nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fallen {
    pub control: &'static str,
    pub who: String,
    /// Such as `area, 4 h`.
    pub figure: String,
    pub value: Option<Figure>,
    /// What chance alone gives; none where the figure is told and not judged.
    pub chance: Option<f64>,
    /// The same figure of the same model with nothing altered: what there is to lose.
    pub unaltered: Option<f64>,
}

impl Fallen {
    pub fn above_chance(&self) -> bool {
        let above = |(value, chance): (Figure, f64)| value.value > chance + LUCK * value.standard_error();
        self.value.zip(self.chance).is_some_and(above)
    }
}

/// The F1 of who says of everything that it will come: no more can be had without knowing anything.
pub fn f1_of_always(prevalence: f64) -> f64 {
    2.0 * prevalence / (1.0 + prevalence)
}

/// All figures as a table for people.
pub fn fallen(all: &[Fallen]) -> String {
    let row = |fallen: &Fallen| {
        let value = fallen.value;
        [
            format!("{}, {}: {}", fallen.control, fallen.who, fallen.figure),
            number(value.map(|figure| figure.value)),
            value.map_or_else(String::new, |figure| format!("{:.3} to {:.3}", figure.low, figure.high)),
            fallen.chance.map_or_else(String::new, |chance| format!("{chance:.3}")),
            if fallen.above_chance() { "ABOVE CHANCE".to_owned() } else { String::new() },
            number(fallen.unaltered),
        ]
    };
    let heads = ["control", "value", "95 %", "chance", "", "unaltered"].map(str::to_owned);
    columns(&std::iter::once(heads).chain(all.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_chance_is_what_luck_does_not_explain() {
        let of = |value: f64, chance| Fallen {
            control: "labels shuffled",
            who: "boosting".to_owned(),
            figure: "area, 1 h".to_owned(),
            value: Some(Figure { value, low: value - 0.0196, high: value + 0.0196 }),
            chance,
            unaltered: Some(0.9),
        };
        let said = [of(0.515, Some(0.5)), of(0.525, Some(0.5)), of(0.4, Some(0.5)), of(0.9, None)];
        assert_eq!(said.each_ref().map(Fallen::above_chance), [false, true, false, false]);
        let text = fallen(&said);
        assert_eq!(text.matches("ABOVE CHANCE").count(), 1, "{text}");
        assert!(text.contains("labels shuffled, boosting: area, 1 h  0.525  0.505 to 0.545  0.500"), "{text}");
    }

    #[test]
    fn always_is_as_precise_as_events_are_frequent() {
        assert!((f1_of_always(0.25) - 2.0 * 0.25 * 1.0 / 1.25).abs() < 1e-12);
    }
}
