//! Decisions against what was true.

/// Counts of decisions: (decided, true).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    pub true_positives: u64,
    pub false_positives: u64,
    pub true_negatives: u64,
    pub false_negatives: u64,
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below)
}

impl Confusion {
    /// Counts pairs of (decision, truth).
    pub fn count(pairs: impl IntoIterator<Item = (bool, bool)>) -> Confusion {
        let mut counts = Confusion::default();
        for (decided, truth) in pairs {
            *match (decided, truth) {
                (true, true) => &mut counts.true_positives,
                (true, false) => &mut counts.false_positives,
                (false, false) => &mut counts.true_negatives,
                (false, true) => &mut counts.false_negatives,
            } += 1;
        }
        counts
    }

    fn floats(&self) -> [f64; 4] {
        [self.true_positives, self.false_positives, self.true_negatives, self.false_negatives].map(|n| n as f64)
    }

    pub fn total(&self) -> u64 {
        self.true_positives + self.false_positives + self.true_negatives + self.false_negatives
    }

    /// TP / (TP + FP); `None` when nothing was decided positive.
    pub fn precision(&self) -> Option<f64> {
        let [tp, fp, ..] = self.floats();
        ratio(tp, tp + fp)
    }

    /// TP / (TP + FN); `None` without positives.
    pub fn recall(&self) -> Option<f64> {
        let [tp, _, _, fn_] = self.floats();
        ratio(tp, tp + fn_)
    }

    /// TN / (TN + FP); `None` without negatives.
    pub fn specificity(&self) -> Option<f64> {
        let [_, fp, tn, _] = self.floats();
        ratio(tn, tn + fp)
    }

    /// 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; `None` when neither a decision nor a truth is
    /// positive.
    pub fn f1(&self) -> Option<f64> {
        self.f_beta(1.0)
    }

    /// (1 + β²) TP / ((1 + β²) TP + β² FN + FP): recall counts β times as much as precision (van Rijsbergen 1979).
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let [tp, fp, _, fn_] = self.floats();
        let square = beta * beta;
        ratio((1.0 + square) * tp, (1.0 + square) * tp + square * fn_ + fp)
    }

    /// (TP + TN) / all.
    pub fn accuracy(&self) -> Option<f64> {
        let [tp, _, tn, _] = self.floats();
        ratio(tp + tn, self.total() as f64)
    }

    /// The mean of recall and specificity: 0.5 for whoever says the same of everything.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some((self.recall()? + self.specificity()?) / 2.0)
    }

    /// Matthews' correlation coefficient, (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)), in −1 to 1 (Matthews
    /// 1975); `None` when decisions or truths are all alike.
    pub fn mcc(&self) -> Option<f64> {
        let [tp, fp, tn, fn_] = self.floats();
        let below = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        ratio(tp * tn - fp * fn_, below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Confusion =
        Confusion { true_positives: 90, false_positives: 10, true_negatives: 880, false_negatives: 20 };

    #[test]
    fn known_values() {
        let near =
            |value: Option<f64>, known: f64| assert!((value.unwrap() - known).abs() < 1e-12, "{value:?} {known}");
        near(KNOWN.precision(), 0.9);
        near(KNOWN.recall(), 90.0 / 110.0);
        near(KNOWN.specificity(), 880.0 / 890.0);
        near(KNOWN.f1(), 180.0 / 210.0);
        near(KNOWN.f_beta(2.0), 5.0 * 90.0 / (5.0 * 90.0 + 4.0 * 20.0 + 10.0));
        near(KNOWN.accuracy(), 0.97);
        near(KNOWN.balanced_accuracy(), (90.0 / 110.0 + 880.0 / 890.0) / 2.0);
    }

    /// Matthews' coefficient is Pearson's correlation of the two binary variables.
    #[test]
    fn mcc_is_the_correlation_of_decisions_and_truths() {
        let Confusion { true_positives, false_positives, true_negatives, false_negatives } = KNOWN;
        let cells = [
            (1.0, 1.0, true_positives),
            (1.0, 0.0, false_positives),
            (0.0, 0.0, true_negatives),
            (0.0, 1.0, false_negatives),
        ];
        let mean = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            cells.iter().map(|(x, y, n)| of(*x, *y) * *n as f64).sum::<f64>() / KNOWN.total() as f64
        };
        let (x, y) = (mean(&|x, _| x), mean(&|_, y| y));
        let covariance = mean(&|x, y| x * y) - x * y;
        let correlation = covariance / ((x - x * x) * (y - y * y)).sqrt();
        assert!((KNOWN.mcc().unwrap() - correlation).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let quiet = Confusion::count([(false, false), (false, false)]);
        assert_eq!((quiet.precision(), quiet.recall(), quiet.f1(), quiet.mcc()), (None, None, None, None));
        assert_eq!(quiet.accuracy(), Some(1.0));
        assert_eq!(Confusion::default().accuracy(), None);
    }

    #[test]
    fn one_who_always_says_no_is_half_right_in_balance() {
        let never = Confusion::count((0..100).map(|index| (false, index < 10)));
        assert_eq!((never.accuracy(), never.balanced_accuracy(), never.f1()), (Some(0.9), Some(0.5), Some(0.0)));
    }
}
