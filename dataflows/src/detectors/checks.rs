//! Verdicts: each check is a pure function of a pane and of finitely many panes before it.
//!
//! Panes without a good reading have no verdict, except for bad quality; checks that look back skip them, as
//! they skip missing panes. Checks against the set-point have no verdict where nothing says what is normal.

use super::Pane;
use super::chart;
use super::seen::Seen;
use crate::runs::{Verdict, Violation};
use lehr_domain::rule::Check;
use lehr_domain::{EventMs, Micro, SpanMs};

/// No check looks further back: four hours of one-minute panes.
pub const MAX_LOOK_BACK: usize = 240;
const _: () = assert!(MAX_LOOK_BACK <= super::seen::CONTEXT_PANES);

/// Panes over which drift is averaged.
pub const DRIFT_PANES: usize = 15;

/// A pane with good readings as the checks that look back see it.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub start: EventMs,
    pub mean: i64,
    min: i64,
    max: i64,
    /// What the mean ought to be. `None` for checks that do not ask, and where nothing says it.
    pub centre: Option<i64>,
}

#[cfg(test)]
impl Point {
    pub fn at(start: EventMs, mean: i64, centre: i64) -> Point {
        Point { start, mean, min: mean, max: mean, centre: Some(centre) }
    }
}

/// Why a value fits: measurements are within 10^14 micro-units ([`Micro::MAX_UNITS`]); limits that a user gave
/// may be greater and are cut.
pub fn micro(value: i128) -> Micro {
    Micro(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// A check with what is computed once from its parameters.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub check: Check,
    width: SpanMs,
    ewma: Option<chart::Ewma>,
}

impl Prepared {
    pub fn new(check: Check, width: SpanMs) -> Prepared {
        let ewma = match check {
            Check::Ewma { lambda, width } => Some(chart::Ewma::new(lambda, width)),
            _ => None,
        };
        Prepared { check, width, ewma }
    }

    /// Whether verdicts depend on the set-point and the normal behaviour.
    pub fn on_chart(&self) -> bool {
        matches!(
            self.check,
            Check::Nelson { .. }
                | Check::WesternElectric { .. }
                | Check::Ewma { .. }
                | Check::Cusum { .. }
                | Check::Drift { .. }
        )
    }

    /// So many panes with good readings, its own included, a verdict depends on.
    pub fn reach(&self) -> usize {
        match self.check {
            Check::High { .. } | Check::Low { .. } => MAX_LOOK_BACK + 1,
            _ => self.points(),
        }
    }

    /// So many points, its own included, a verdict is handed.
    pub fn points(&self) -> usize {
        match self.check {
            Check::RateOfChange { .. } => 2,
            Check::Nelson { rule } => chart::nelson_points(rule),
            Check::WesternElectric { rule } => chart::western_electric_points(rule),
            Check::Ewma { .. } => self.ewma.as_ref().map_or(1, chart::Ewma::points),
            Check::Cusum { .. } => chart::CUSUM_PANES,
            Check::Drift { .. } => DRIFT_PANES,
            Check::Stuck { panes } => stuck_panes(panes),
            _ => 1,
        }
    }

    /// The pane as a point.
    pub fn point(&self, pane: &Pane, seen: &Seen) -> Point {
        let centre = if self.on_chart() { seen.centre(pane.start) } else { None };
        Point { start: pane.start, mean: pane.mean.0, min: pane.min.0, max: pane.max.0, centre }
    }

    /// The verdict on `pane`. `points` are the panes with good readings up to this one in order of time, at
    /// least [`Prepared::points`] of them if there are so many.
    pub fn verdict(&self, seen: &Seen, pane: &Pane, points: &[Point]) -> Option<Verdict> {
        if let Check::BadQuality { share } = self.check {
            return bad_quality(pane, share.0);
        }
        if !pane.is_good() {
            return None;
        }
        let violation = match self.check {
            Check::High { limit, deadband } => exceeds(seen, pane, limit, deadband, |pane| i128::from(pane.max.0))
                .then(|| Violation::above(pane.max, limit)),
            Check::Low { limit, deadband } => {
                exceeds(seen, pane, Micro(limit.0.saturating_neg()), deadband, |pane| -i128::from(pane.min.0))
                    .then(|| Violation::below(pane.min, limit))
            }
            Check::RateOfChange { per_minute } => rate_of_change(points, per_minute),
            Check::Variation { limit } => {
                (pane.spread() > limit.0).then(|| Violation::above(Micro(pane.spread()), limit))
            }
            Check::Stuck { panes } => stuck(points, stuck_panes(panes), self.width),
            Check::Drift { band } => {
                let points = chart::charted(points)?;
                drift(points, band)
            }
            Check::Nelson { rule } => chart::nelson(rule, chart::charted(points)?, seen.sigma()?),
            Check::WesternElectric { rule } => chart::western_electric(rule, chart::charted(points)?, seen.sigma()?),
            Check::Ewma { .. } => self.ewma.as_ref()?.violation(chart::charted(points)?, seen.sigma()?),
            Check::Cusum { slack, threshold } => chart::cusum(chart::charted(points)?, seen.sigma()?, slack, threshold),
            Check::BadQuality { .. }
            | Check::Stale { .. }
            | Check::DefectRate { .. }
            | Check::DefectCount { .. }
            | Check::QualityScore { .. }
            | Check::LineState { .. }
            | Check::Twin { .. } => return None,
        };
        Some(violation.map_or(Verdict::Clear, Verdict::Violating))
    }
}

fn stuck_panes(panes: u16) -> usize {
    usize::from(panes).clamp(1, MAX_LOOK_BACK)
}

/// Whether the value is above `limit`, or has been and has not yet come down to `limit − deadband`. Between
/// the two the last pane outside decides, if it is among the last [`MAX_LOOK_BACK`].
fn exceeds(seen: &Seen, pane: &Pane, limit: Micro, deadband: Micro, value: impl Fn(&Pane) -> i128) -> bool {
    let upper = i128::from(limit.0);
    let lower = upper - i128::from(deadband.0.max(0));
    let decides = |value: i128| if value > upper { Some(true) } else { (value <= lower).then_some(false) };
    let own = decides(value(pane));
    let before = || seen.good_before(pane.start).take(MAX_LOOK_BACK).find_map(|pane| decides(value(pane)));
    own.or_else(before).unwrap_or(false)
}

/// The change of the mean since the pane before, scaled to a minute.
fn rate_of_change(points: &[Point], per_minute: Micro) -> Option<Violation> {
    let [.., before, now] = points else { return None };
    let moved = (i128::from(now.mean) - i128::from(before.mean)).abs() * i128::from(SpanMs::minutes(1).0);
    let span = i128::from((now.start - before.start).0);
    (moved > i128::from(per_minute.0) * span).then(|| Violation::above(micro(moved / span), per_minute))
}

/// One and the same value in every reading of `panes` panes without a gap.
fn stuck(points: &[Point], panes: usize, width: SpanMs) -> Option<Violation> {
    let last = &points[points.len().checked_sub(panes)?..];
    let (first, now) = (last.first()?, last.last()?);
    let gapless = (now.start - first.start).0 == width.0 * (panes as i64 - 1);
    let unmoved = last.iter().all(|point| point.min == now.max && point.max == now.max);
    (gapless && unmoved).then(|| Violation::above(Micro(now.max), Micro(now.max)))
}

/// How far, on average over the last [`DRIFT_PANES`], the mean was from the set-point of its time.
fn drift(points: &[Point], band: Micro) -> Option<Violation> {
    let last = &points[points.len().checked_sub(DRIFT_PANES)?..];
    let n = DRIFT_PANES as i128;
    let sum: i128 = last.iter().map(chart::deviation).sum();
    if sum.abs() <= n * i128::from(band.0) {
        return None;
    }
    let centre = i128::from(last.last()?.centre?);
    let (value, band) = (micro(centre + sum / n), i128::from(band.0));
    Some(if sum > 0 {
        Violation::above(value, micro(centre + band))
    } else {
        Violation::below(value, micro(centre - band))
    })
}

/// Shares are shown as fractions.
fn bad_quality(pane: &Pane, share: i32) -> Option<Verdict> {
    let bad = i128::from(pane.bad);
    let all = bad + i128::from(pane.n);
    if all == 0 {
        return None;
    }
    let violating = bad * 1000 > i128::from(share) * all;
    let violation = Violation::above(micro(bad * i128::from(Micro::SCALE) / all), micro(i128::from(share) * 1000));
    Some(if violating { Verdict::Violating(violation) } else { Verdict::Clear })
}
