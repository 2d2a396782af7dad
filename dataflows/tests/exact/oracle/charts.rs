//! Control charts, by their textbook definitions: from the points up to the one that is judged, latest first.

use super::runs::Violation;
use lehr_domain::rule::Check;
use lehr_domain::{Micro, PerMille};

/// The chart at one pane.
pub struct Chart<'a> {
    /// How far each mean is from its centre, latest first, back to the first that has no centre.
    pub points: &'a [i128],
    pub mean: i128,
    pub centre: i128,
}

fn violation(value: i128, limit: i128, below: bool) -> Violation {
    Violation { value: Micro(value as i64), limit: Micro(limit as i64), below }
}

impl Chart<'_> {
    pub fn drift(&self, band: Micro) -> Option<Violation> {
        let sum: i128 = self.points.get(..15)?.iter().sum();
        let (value, band) = (self.centre + sum / 15, i128::from(band.0));
        if sum > 15 * band {
            Some(violation(value, self.centre + band, false))
        } else if sum < -15 * band {
            Some(violation(value, self.centre - band, true))
        } else {
            None
        }
    }

    pub fn verdict(&self, check: &Check, sigma: i128) -> Option<Violation> {
        match *check {
            Check::Nelson { rule: 1 } | Check::WesternElectric { rule: 1 } => self.beyond(3, 1, 1, sigma),
            Check::Nelson { rule: 2 } => self.one_side(9, sigma),
            Check::WesternElectric { rule: 4 } => self.one_side(8, sigma),
            Check::Nelson { rule: 3 } => {
                let steps: i128 = self.steps(6)?.iter().sum();
                (steps.abs() == 5).then(|| self.at(0, sigma))
            }
            Check::Nelson { rule: 4 } => {
                let steps = self.steps(14)?;
                steps.windows(2).all(|pair| pair[0] != 0 && pair[0] == -pair[1]).then(|| self.at(0, sigma))
            }
            Check::Nelson { rule: 5 } | Check::WesternElectric { rule: 2 } => self.beyond(2, 2, 3, sigma),
            Check::Nelson { rule: 6 } | Check::WesternElectric { rule: 3 } => self.beyond(1, 4, 5, sigma),
            Check::Nelson { rule: 7 } => {
                self.points.get(..15)?.iter().all(|d| d.abs() < sigma).then(|| self.at(1, sigma))
            }
            Check::Nelson { rule: 8 } => {
                let window = self.points.get(..8)?;
                let (above, below) = (window.iter().any(|d| *d > 0), window.iter().any(|d| *d < 0));
                (above && below && window.iter().all(|d| d.abs() > sigma)).then(|| self.at(1, sigma))
            }
            Check::Ewma { lambda, width } => self.ewma(sigma, lambda, width),
            Check::Cusum { slack, threshold } => self.cusum(sigma, slack, threshold),
            _ => None,
        }
    }

    /// The mean against the limit of so many sigma on its side.
    fn at(&self, sigmas: i128, sigma: i128) -> Violation {
        let below = self.points[0] < 0;
        violation(self.mean, if below { self.centre - sigmas * sigma } else { self.centre + sigmas * sigma }, below)
    }

    /// `count` of the last `of` points beyond so many sigma, on the side of the last, which is one of them.
    fn beyond(&self, sigmas: i128, count: usize, of: usize, sigma: i128) -> Option<Violation> {
        let far = |d: &i128| d.abs() > sigmas * sigma && d.signum() == self.points[0].signum();
        let window = self.points.get(..of)?;
        (far(&window[0]) && window.iter().filter(|d| far(d)).count() >= count).then(|| self.at(sigmas, sigma))
    }

    fn one_side(&self, of: usize, sigma: i128) -> Option<Violation> {
        let window = self.points.get(..of)?;
        let side = window[0].signum();
        (side != 0 && window.iter().all(|d| d.signum() == side)).then(|| self.at(0, sigma))
    }

    /// In which way the chart moved from each of the last `of` points to the next.
    fn steps(&self, of: usize) -> Option<Vec<i128>> {
        Some(self.points.get(..of)?.windows(2).map(|pair| (pair[0] - pair[1]).signum()).collect())
    }

    fn ewma(&self, sigma: i128, lambda: PerMille, width: PerMille) -> Option<Violation> {
        let (lambda, width) = (i128::from(lambda.0), i128::from(width.0));
        let (mut weight, mut sum) = (lambda * 10_i128.pow(9), 0);
        for point in self.points.iter().take(240) {
            if weight < 1_000_000 {
                break;
            }
            sum += weight * point;
            weight = weight * (1000 - lambda) / 1000;
        }
        let root = (width * width * lambda * 10_i128.pow(12) / (2000 - lambda)).isqrt();
        let (value, limit) = (self.centre + sum / 10_i128.pow(12), sigma * root / 10_i128.pow(9));
        if sum > sigma * root * 1000 {
            Some(violation(value, self.centre + limit, false))
        } else if sum < -sigma * root * 1000 {
            Some(violation(value, self.centre - limit, true))
        } else {
            None
        }
    }

    fn cusum(&self, sigma: i128, slack: PerMille, threshold: PerMille) -> Option<Violation> {
        let most = |side: i128| {
            let (mut sum, mut most) = (0, 0);
            for point in self.points.iter().take(120) {
                sum += 1000 * side * point - i128::from(slack.0) * sigma;
                most = most.max(sum);
            }
            most
        };
        let (above, below, limit) = (most(1), most(-1), i128::from(threshold.0) * sigma);
        if above > limit && above >= below {
            Some(violation(self.centre + above / 1000, self.centre + limit / 1000, false))
        } else if below > limit {
            Some(violation(self.centre - below / 1000, self.centre - limit / 1000, true))
        } else {
            None
        }
    }
}
