//! Figures of the order alone: whether positives score above negatives.

use crate::scored::Scored;

/// A threshold and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Positive from here on.
    pub threshold: f64,
    pub precision: f64,
    pub recall: f64,
}

/// The threshold of the greatest F1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    pub f1: f64,
    pub at: Point,
}

impl Scored {
    /// Area under the receiver's operating characteristic: the share of pairs of a positive and a negative in which the
    /// positive scores higher, ties by half (Mann & Whitney 1947). `None` without positives or without negatives.
    pub fn auc(&self) -> Option<f64> {
        let (positives, negatives) = (self.positives() as f64, self.negatives() as f64);
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let mut above = 0.0;
        let mut won = 0.0;
        for group in self.groups() {
            let here = group.iter().filter(|(_, label)| *label).count() as f64;
            let against = group.len() as f64 - here;
            won += against * (above + 0.5 * here);
            above += here;
        }
        Some(won / (positives * negatives))
    }

    /// Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct thresholds, highest first, without interpolation. Examples of
    /// equal score come in at one threshold. `None` without positives.
    pub fn average_precision(&self) -> Option<f64> {
        let mut sum = 0.0;
        let mut before = 0.0;
        for point in self.curve()? {
            sum += (point.recall - before) * point.precision;
            before = point.recall;
        }
        Some(sum)
    }

    /// Precision and recall at every distinct score, highest first. `None` without positives.
    pub fn curve(&self) -> Option<Vec<Point>> {
        if self.positives() == 0 {
            return None;
        }
        let (mut found, mut decided) = (0.0, 0.0);
        let points = self.groups().map(|group| {
            found += group.iter().filter(|(_, label)| *label).count() as f64;
            decided += group.len() as f64;
            Point { threshold: group[0].0, precision: found / decided, recall: found / self.positives() as f64 }
        });
        Some(points.collect())
    }

    /// The threshold of greatest recall among those with at least this precision; the more precise of several. `None` where
    /// there is none.
    pub fn recall_at_precision(&self, precision: f64) -> Option<Point> {
        let enough = self.curve()?.into_iter().filter(|point| point.precision >= precision);
        enough.max_by(|a, b| a.recall.total_cmp(&b.recall).then(a.precision.total_cmp(&b.precision)))
    }

    /// The threshold of the greatest F1; the highest of several. An optimist's figure when threshold and figure come from the
    /// same examples: choose the threshold on other ones.
    pub fn best_f1(&self) -> Option<BestF1> {
        let f1 = |point: &Point| 2.0 * point.precision * point.recall / (point.precision + point.recall);
        let mut best: Option<BestF1> = None;
        for at in self.curve()?.into_iter().filter(|point| point.recall > 0.0) {
            if best.is_none_or(|best| f1(&at) > best.f1) {
                best = Some(BestF1 { f1: f1(&at), at });
            }
        }
        best
    }

    /// Runs of equal scores, highest first.
    fn groups(&self) -> impl Iterator<Item = &[(f64, bool)]> {
        self.pairs.chunk_by(|a, b| a.0 == b.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Scores on a coarse grid, so that there are ties.
    fn random(seed: u64, n: usize) -> Scored {
        let mut random = Random::new(seed);
        let labels: Vec<bool> = (0..n).map(|_| random.uniform() < 0.3).collect();
        let scores: Vec<f32> =
            labels.iter().map(|label| (random.below(20) + if *label { 5 } else { 0 }) as f32 / 25.0).collect();
        Scored::of(&scores, &labels).unwrap()
    }

    fn auc_of_all_pairs(scored: &Scored) -> Option<f64> {
        let of = |wanted: bool| scored.pairs.iter().filter(move |(_, label)| *label == wanted).map(|(score, _)| *score);
        let (mut won, mut pairs) = (0.0, 0.0);
        for positive in of(true) {
            for negative in of(false) {
                pairs += 1.0;
                won += if positive > negative { 1.0 } else { f64::from(u8::from(positive == negative)) / 2.0 };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    #[test]
    fn auc_is_the_share_of_pairs_won() {
        for seed in 0..50 {
            let scored = random(seed, 1 + 4 * seed as usize);
            match (scored.auc(), auc_of_all_pairs(&scored)) {
                (Some(area), Some(pairs)) => assert!((area - pairs).abs() < 1e-12, "seed {seed}: {area} {pairs}"),
                (area, pairs) => assert_eq!(area, pairs, "seed {seed}"),
            }
        }
    }

    #[test]
    fn the_curve_is_what_each_threshold_gives() {
        for seed in 0..30 {
            let scored = random(seed, 60);
            for point in scored.curve().unwrap_or_default() {
                let counts = scored.at(point.threshold);
                assert_eq!(Some(point.precision), counts.precision(), "seed {seed}");
                assert_eq!(Some(point.recall), counts.recall(), "seed {seed}");
            }
            let Some(best) = scored.best_f1() else { continue };
            let f1s = scored.pairs.iter().filter_map(|(threshold, _)| scored.at(*threshold).f1());
            assert!((f1s.fold(0.0, f64::max) - best.f1).abs() < 1e-12, "seed {seed}");
            let at = |precision: f64| {
                let counts = scored.pairs.iter().map(|(threshold, _)| scored.at(*threshold));
                counts.filter(|c| c.precision() >= Some(precision)).filter_map(|c| c.recall()).reduce(f64::max)
            };
            assert_eq!(scored.recall_at_precision(0.5).map(|point| point.recall), at(0.5), "seed {seed}");
        }
    }

    /// The example of scikit-learn's manual for `roc_auc_score` and `average_precision_score`.
    #[test]
    fn known_values() {
        let scored = Scored::of(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]).unwrap();
        assert!((scored.auc().unwrap() - 0.75).abs() < 1e-12);
        assert!((scored.average_precision().unwrap() - 0.833_333_333_333).abs() < 1e-9);
    }

    #[test]
    fn order_decides_and_nothing_else() {
        let labels = [true, false, true, true, false];
        let scored = Scored::of(&[0.9, 0.8, 0.7, 0.2, 0.1], &labels).unwrap();
        let stretched = Scored::of(&[90.0, 8.0, 7.0, -2.0, -10.0], &labels).unwrap();
        assert_eq!((scored.auc(), scored.average_precision()), (stretched.auc(), stretched.average_precision()));
    }

    #[test]
    fn scores_that_say_nothing_give_a_half_and_the_prevalence() {
        let scored =
            Scored::of(&[0.5; 10], &[true, true, true, false, false, false, false, false, false, false]).unwrap();
        assert_eq!((scored.auc(), scored.average_precision()), (Some(0.5), Some(0.3)));
        assert_eq!(Scored::of(&[0.5], &[true]).unwrap().auc(), None);
        assert_eq!(Scored::of(&[0.5], &[false]).unwrap().average_precision(), None);
    }
}
