//! Control charts of pane means: Nelson (1984), Western Electric (1956), EWMA (Roberts 1959), CUSUM (Page 1954).
//!
//! A point's deviation is its mean minus the centre of its time, so that a changed set-point is no shift.
//! Patterns count where they end: the last point of the pattern violates, and must itself be part of it.
//! All sums are exact; where a limit is a root, it is rounded down to 10⁻⁹ of σ.

use super::checks::{MAX_LOOK_BACK, Point, micro};
use crate::runs::Violation;
use lehr_domain::PerMille;

/// A cumulative sum starts at most so many panes back. A shift that takes two hours to add up is no longer
/// told from a slow change of the process.
pub const CUSUM_PANES: usize = 120;

/// Weights of the exponentially weighted mean are integers of 10⁻¹².
const WEIGHT_SCALE: i128 = 1_000_000_000_000;
/// Older panes weigh less than a millionth in all that matters here and are cut.
const LEAST_WEIGHT: i128 = WEIGHT_SCALE / 1_000_000;

/// The latest points that have a centre, back to the first that has none; `None` if the last has none.
pub fn charted(points: &[Point]) -> Option<&[Point]> {
    let from = points.iter().rposition(|point| point.centre.is_none()).map_or(0, |without| without + 1);
    (from < points.len()).then(|| &points[from..])
}

/// How far the mean is from its centre; 0 without a centre (see [`charted`]).
pub fn deviation(point: &Point) -> i128 {
    point.centre.map_or(0, |centre| i128::from(point.mean) - i128::from(centre))
}

fn last<const N: usize>(points: &[Point]) -> Option<[i128; N]> {
    let tail = points.last_chunk::<N>()?;
    Some(tail.each_ref().map(deviation))
}

/// The last point, on its side of the centre, against the limit `sigmas`·σ.
fn at_limit(points: &[Point], sigma: i64, sigmas: i128) -> Option<Violation> {
    let point = points.last()?;
    let (value, centre) = (micro(i128::from(point.mean)), i128::from(point.centre?));
    let distance = sigmas * i128::from(sigma);
    Some(if deviation(point) >= 0 {
        Violation::above(value, micro(centre + distance))
    } else {
        Violation::below(value, micro(centre - distance))
    })
}

/// At least `count` of the last N beyond `sigmas`·σ on the side of the last, which is one of them.
fn beyond<const N: usize>(points: &[Point], sigma: i64, sigmas: i128, count: usize) -> Option<Violation> {
    let limit = sigmas * i128::from(sigma);
    let window = last::<N>(points)?;
    let now = window[N - 1];
    let as_far = window.iter().filter(|d| if now > 0 { **d > limit } else { **d < -limit }).count();
    if now.abs() > limit && as_far >= count { at_limit(points, sigma, sigmas) } else { None }
}

/// The last N on one side of the centre.
fn one_side<const N: usize>(points: &[Point], sigma: i64) -> Option<Violation> {
    let window = last::<N>(points)?;
    let one = window.iter().all(|d| *d > 0) || window.iter().all(|d| *d < 0);
    if one { at_limit(points, sigma, 0) } else { None }
}

pub fn nelson_points(rule: u8) -> usize {
    match rule {
        2 => 9,
        3 => 6,
        4 => 14,
        5 => 3,
        6 => 5,
        7 => 15,
        8 => 8,
        _ => 1,
    }
}

/// Nelson's tests. Limits shown are those of the zone: 3σ (1), the centre (2, 3, 4), 2σ (5), 1σ (6, 7, 8).
pub fn nelson(rule: u8, points: &[Point], sigma: i64) -> Option<Violation> {
    let within = i128::from(sigma);
    match rule {
        1 => beyond::<1>(points, sigma, 3, 1),
        2 => one_side::<9>(points, sigma),
        3 => {
            let window = last::<6>(points)?;
            let steady = window.windows(2).all(|d| d[0] < d[1]) || window.windows(2).all(|d| d[0] > d[1]);
            if steady { at_limit(points, sigma, 0) } else { None }
        }
        4 => {
            let window = last::<14>(points)?;
            let alternating = window.windows(3).all(|d| (d[1] - d[0]).signum() * (d[2] - d[1]).signum() == -1);
            if alternating { at_limit(points, sigma, 0) } else { None }
        }
        5 => beyond::<3>(points, sigma, 2, 2),
        6 => beyond::<5>(points, sigma, 1, 4),
        7 => {
            let window = last::<15>(points)?;
            if window.iter().all(|d| d.abs() < within) { at_limit(points, sigma, 1) } else { None }
        }
        8 => {
            let window = last::<8>(points)?;
            let outside = window.iter().all(|d| d.abs() > within);
            let both = window.iter().any(|d| *d > 0) && window.iter().any(|d| *d < 0);
            if outside && both { at_limit(points, sigma, 1) } else { None }
        }
        _ => None,
    }
}

pub fn western_electric_points(rule: u8) -> usize {
    match rule {
        2 => 3,
        3 => 5,
        4 => 8,
        _ => 1,
    }
}

/// The Western Electric rules. Limits shown: 3σ (1), 2σ (2), 1σ (3), the centre (4).
pub fn western_electric(rule: u8, points: &[Point], sigma: i64) -> Option<Violation> {
    match rule {
        1 => beyond::<1>(points, sigma, 3, 1),
        2 => beyond::<3>(points, sigma, 2, 2),
        3 => beyond::<5>(points, sigma, 1, 4),
        4 => one_side::<8>(points, sigma),
        _ => None,
    }
}

/// The weights λ(1−λ)ʲ, latest first, and the limit as a multiple of σ.
#[derive(Clone, Debug)]
pub struct Ewma {
    weights: Vec<i128>,
    /// `width`·√(λ/(2−λ)) in 10⁻⁹.
    limit: i128,
}

impl Ewma {
    /// λ is held within 0.001 to 1. Weights are rounded down at each step, and cut below 10⁻⁶ or after
    /// [`MAX_LOOK_BACK`] panes.
    pub fn new(lambda: PerMille, width: PerMille) -> Ewma {
        let lambda = i128::from(lambda.0.clamp(1, 1000));
        let width = i128::from(width.0.max(0));
        let first = WEIGHT_SCALE * lambda / 1000;
        let weights = std::iter::successors(Some(first), |weight| Some(weight * (1000 - lambda) / 1000));
        let weights = weights.take_while(|weight| *weight >= LEAST_WEIGHT).take(MAX_LOOK_BACK).collect();
        // Per mille squared times 10¹² under the root: 10³ · 10⁶ = 10⁹ outside.
        let limit = (width * width * lambda * 1_000_000_000_000 / (2000 - lambda)).isqrt();
        Ewma { weights, limit }
    }

    pub fn points(&self) -> usize {
        self.weights.len()
    }

    /// Before its first point a chart stood at the centre.
    pub fn violation(&self, points: &[Point], sigma: i64) -> Option<Violation> {
        let sum: i128 = points.iter().rev().zip(&self.weights).map(|(point, weight)| deviation(point) * weight).sum();
        let limit = i128::from(sigma) * self.limit;
        if sum.abs() <= limit * (WEIGHT_SCALE / 1_000_000_000) {
            return None;
        }
        let centre = i128::from(points.last()?.centre?);
        let value = micro(centre + sum / WEIGHT_SCALE);
        let limit = limit / 1_000_000_000;
        Some(if sum > 0 {
            Violation::above(value, micro(centre + limit))
        } else {
            Violation::below(value, micro(centre - limit))
        })
    }
}

/// The greatest sum, over the last 1, 2, … [`CUSUM_PANES`] points, of how far each was beyond the slack; for
/// either side. Shown as the centre plus or minus the sum.
pub fn cusum(points: &[Point], sigma: i64, slack: PerMille, threshold: PerMille) -> Option<Violation> {
    let sigma = i128::from(sigma);
    let slack = i128::from(slack.0) * sigma;
    let (mut above, mut below, mut most_above, mut most_below) = (0, 0, 0, 0);
    for d in points.iter().rev().take(CUSUM_PANES).map(|point| 1000 * deviation(point)) {
        above += d - slack;
        below += -d - slack;
        most_above = most_above.max(above);
        most_below = most_below.max(below);
    }
    let limit = i128::from(threshold.0) * sigma;
    let centre = i128::from(points.last()?.centre?);
    if most_above > limit && most_above >= most_below {
        Some(Violation::above(micro(centre + most_above / 1000), micro(centre + limit / 1000)))
    } else if most_below > limit {
        Some(Violation::below(micro(centre - most_below / 1000), micro(centre - limit / 1000)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;

    /// Points of a chart with centre 0 and σ = 1000, from values in σ.
    fn chart(values: &[f64]) -> Vec<Point> {
        let points = values.iter().enumerate();
        points.map(|(i, value)| Point::at(EventMs(i as i64 * 60_000), (value * 1000.0).round() as i64, 0)).collect()
    }

    fn nelson_fires(rule: u8, values: &[f64]) -> bool {
        nelson(rule, &chart(values), 1000).is_some()
    }

    #[test]
    fn nelsons_tests_fire_on_their_patterns_and_not_one_point_earlier() {
        let alternating: Vec<f64> = (0..14).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
        let hugging: Vec<f64> = (0..15).map(|i| 0.9 - 0.1 * f64::from(i)).collect();
        let patterns: [(u8, Vec<f64>); 8] = [
            (1, vec![-3.001]),
            (2, vec![0.1; 9]),
            (3, vec![-1.0, -0.5, 0.0, 0.1, 0.2, 2.0]),
            (4, alternating),
            (5, vec![2.1, 0.0, 2.2]),
            (6, vec![-1.1, -1.2, 0.0, -1.3, -1.4]),
            (7, hugging),
            (8, vec![1.1, -1.1, 2.0, 1.5, -1.2, -1.3, 1.1, 1.2]),
        ];
        for (rule, pattern) in patterns {
            assert_eq!(pattern.len(), nelson_points(rule), "rule {rule}");
            assert!(nelson_fires(rule, &pattern), "rule {rule}");
            assert!(!nelson_fires(rule, &pattern[1..]), "rule {rule} needs all its points");
        }
        assert!(!nelson_fires(1, &[3.0]), "at the limit is not beyond");
        assert!(!nelson_fires(5, &[2.1, 2.2, 0.0]), "the last point must be part of the pattern");
        assert!(!nelson_fires(5, &[2.1, 0.0, -2.2]), "both on the same side");
        assert!(!nelson_fires(8, &[1.1; 8]), "on one side it is a shift, not a mixture");
    }

    #[test]
    fn western_electric_rules_fire_on_their_patterns() {
        let fires = |rule, values: &[f64]| western_electric(rule, &chart(values), 1000).is_some();
        assert!(fires(1, &[3.1]) && !fires(1, &[2.9]));
        assert!(fires(2, &[-2.1, 0.0, -2.1]) && !fires(2, &[-2.1, 0.0, 0.0, -2.1]));
        assert!(fires(3, &[1.1, 0.0, 1.1, 1.1, 1.1]) && !fires(3, &[1.1, 0.0, 0.0, 1.1, 1.1]));
        assert!(fires(4, &[0.2; 8]) && !fires(4, &[0.2; 7]));
    }

    /// The thirty observations of Montgomery, *Introduction to Statistical Quality Control*, table 9.1: mean 10
    /// and σ = 1, and from the twenty-first on a mean of 11.
    const SHIFTED: [f64; 30] = [
        9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62,
        10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
    ];

    fn first_signal(signals: impl Fn(&[Point]) -> bool) -> Option<usize> {
        let points = chart(&SHIFTED.map(|value| value - 10.0));
        (1..=points.len()).find(|n| signals(&points[..*n]))
    }

    #[test]
    fn the_textbook_shift_is_found_where_the_textbook_finds_it() {
        let cusum_of = |points: &[Point]| cusum(points, 1000, PerMille(500), PerMille(5000));
        assert_eq!(first_signal(|points| cusum_of(points).is_some()), Some(29));
        let points = chart(&SHIFTED.map(|value| value - 10.0));
        assert_eq!(cusum_of(&points[..29]).map(|v| (v.value.0, v.limit.0)), Some((5280, 5000)), "C+ at 29 is 5.28");
        let ewma = Ewma::new(PerMille(100), PerMille(2700));
        assert_eq!(first_signal(|points| ewma.violation(points, 1000).is_some()), Some(29));
        let shown = ewma.violation(&points[..29], 1000).map(|v| (v.value.0, v.limit.0));
        assert_eq!(shown, Some((646, 619)), "the mean at 29 is 10.6468, the limit 10.619");
        assert_eq!(first_signal(|points| nelson(1, points, 1000).is_some()), None, "no point is beyond three sigma");
    }

    #[test]
    fn the_weights_of_an_exponentially_weighted_mean_add_up_to_one() {
        for lambda in [50, 100, 200, 500, 1000] {
            let sum: i128 = Ewma::new(PerMille(lambda), PerMille(3000)).weights.iter().sum();
            let missing = WEIGHT_SCALE - sum;
            assert!((0..=WEIGHT_SCALE / 40_000).contains(&missing), "lambda {lambda}: {missing} are cut");
        }
    }
}
