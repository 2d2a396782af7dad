//! One measured quantity: what the model does not explain of it, and how its terms are corrected, as a Kalman filter.
//!
//! measured = modelled(terms) + quick + hours + slow + noise. `quick` and `hours` are the ordinary disturbances, which
//! pass within [`QUICK_MIN`] and [`HOURS_MIN`]. `slow` is the offset of operating point or instrument, on its way to
//! `aim`, a random walk, as fast as the quantity can move: a melt that begins to rise is expected to go on. Where an
//! actuator does not obey, the aim is shifted by the `lead` that it gives. The terms enter by their sensitivities
//! (recursive prediction error: L. Ljung, IEEE Trans. Autom. Control 24 (1979) 36). A value far from all expectation is
//! set aside; the next one on the same side is believed.

use crate::guess::{GUESS_SD, MOST_WRONG};
use crate::process::MOST_TERMS;
use serde::{Deserialize, Serialize};

/// Correlation times of ordinary disturbances: what draughts and drops of glass do, and what weather and shifts do.
/// Forecasts of a quarter of an hour lose one percent where these are off by half.
const QUICK_MIN: f64 = 10.0;
const HOURS_MIN: f64 = 180.0;
/// Standard deviations of ordinary disturbances and of the noise of a pane's mean, in sigmas of the catalogue, at first.
const QUICK_SIGMAS: f64 = 0.38;
const HOURS_SIGMAS: f64 = 0.25;
const NOISE_SIGMAS: f64 = 0.65;
/// By how much the offset may be off at first, and how far it walks in a minute, in sigmas.
const SLOW_SIGMAS_AT_FIRST: f64 = 8.0;
const SLOW_SIGMAS: f64 = 0.003;
/// An offset up to this is an instrument's own matter.
const OFFSET_SIGMAS: f64 = 1.0;
/// Innovations beyond this many standard deviations are set aside; so many in a row on one side are believed.
const GATE: f64 = 4.5;
const INSISTS: i8 = 2;
/// Forgetting of the mean innovation: a quarter of an hour; and where it says that the offset moves.
const LEAN_SHARE: f64 = 0.07;
const LEANS: f64 = 0.9;
/// A term is learned only while it moves the quantity by this many times its ordinary spread: the flutter of a driver
/// that is itself measured with noise teaches gains that are too small.
const EXCITED: f64 = 1.3;
/// How fast spreads are adapted, and how far from the first guess they may get, as a factor of variances.
const ADAPTS: f64 = 0.004;
const MOST_ADAPTED: f64 = 16.0;
/// A quantity that follows has come this share of the way after so many of its time constants.
const LED_AT_LEAST: f64 = 0.3;
const ARRIVES: f64 = 3.0;
/// What is known of where an actuator takes its quantity, as a share.
const LEAD_UNSURE: f64 = 0.3;
/// What others do to a quantity is noticed from so many sigmas on; below lies their flutter.
const NOTICED_SIGMAS: f64 = 2.0;

const STATES: usize = TERMS + MOST_TERMS;
const QUICK: usize = 0;
const HOURS: usize = 1;
const SLOW: usize = 2;
const AIM: usize = 3;
const TERMS: usize = 4;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    sigma: f64,
    quick: f64,
    hours: f64,
    slow: f64,
    aim: f64,
    /// What an actuator that does not obey asks for, added to the aim.
    lead: f64,
    /// The lead for which the aim was opened last, for how long there has been one, and whether the quantity does not
    /// follow.
    led: f64,
    led_min: f64,
    stays_away: bool,
    /// What was modelled of it because others depart from what set-points ask for, when the offset was opened for that.
    driven: f64,
    /// Minutes in which the slow part comes to 63 % of where it aims at.
    constant_min: f64,
    covariance: [[f64; STATES]; STATES],
    /// Variances of noise and of the quick disturbance.
    noise: f64,
    wander: f64,
    refused: i8,
    /// What the minute's value had beyond what was modelled, and the innovation where it was set aside.
    beyond: f64,
    aside: f64,
    /// The last two innovations in standard deviations, and a running mean.
    last: [f64; 2],
    lean: f64,
}

/// What a measurement did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Of the terms.
    pub terms: [f64; MOST_TERMS],
}

impl Channel {
    /// `constant_min` is how fast the quantity can move.
    pub fn new(sigma: f64, constant_min: f64, terms: usize) -> Channel {
        let mut covariance = [[0.0; STATES]; STATES];
        covariance[QUICK][QUICK] = (QUICK_SIGMAS * sigma).powi(2);
        covariance[HOURS][HOURS] = (HOURS_SIGMAS * sigma).powi(2);
        let first = (SLOW_SIGMAS_AT_FIRST * sigma).powi(2);
        for (one, other) in [(SLOW, SLOW), (SLOW, AIM), (AIM, SLOW), (AIM, AIM)] {
            covariance[one][other] = first;
        }
        for term in 0..terms {
            covariance[TERMS + term][TERMS + term] = GUESS_SD * GUESS_SD;
        }
        Channel {
            sigma,
            quick: 0.0,
            hours: 0.0,
            slow: 0.0,
            aim: 0.0,
            lead: 0.0,
            led: 0.0,
            led_min: 0.0,
            stays_away: false,
            driven: 0.0,
            constant_min,
            covariance,
            noise: (NOISE_SIGMAS * sigma).powi(2),
            wander: (QUICK_SIGMAS * sigma).powi(2),
            refused: 0,
            beyond: 0.0,
            aside: 0.0,
            last: [0.0; 2],
            lean: 0.0,
        }
    }

    /// What adds to the modelled value: as much of it as drives others, and all of it.
    pub fn disturbance(&self) -> (f64, f64) {
        (self.drives(self.slow), self.slow + self.hours + self.quick)
    }

    /// What lasts and is more than an instrument's offset may be.
    fn drives(&self, slow: f64) -> f64 {
        slow - slow.clamp(-OFFSET_SIGMAS * self.sigma, OFFSET_SIGMAS * self.sigma)
    }

    /// The part of it that drives others, alone.
    pub fn lasting(&self) -> f64 {
        self.drives(self.slow)
    }

    /// What this minute's value had beyond what was modelled; 0 where nothing was measured.
    pub fn beyond(&self) -> f64 {
        self.beyond
    }

    /// The innovation of this minute if it was set aside: nobody knows yet whether the quantity has moved. Else 0.
    pub fn aside(&self) -> f64 {
        self.aside
    }

    /// Takes this share of what was set aside.
    pub fn settle(&mut self, share: f64) {
        self.slow += share * self.aside;
        self.aim += share * self.aside;
    }

    /// An actuator asks for so much more than the set-point does. Where the quantity does not go there, it makes good
    /// some loss, and leads nowhere for as long as it does.
    pub fn follow(&mut self, lead: f64) {
        self.led_min = if lead == 0.0 { 0.0 } else { self.led_min + 1.0 };
        let arrived = self.slow * lead > LED_AT_LEAST * lead * lead;
        self.stays_away &= lead != 0.0;
        self.stays_away |= self.led_min > ARRIVES * self.constant_min && !arrived;
        let lead = if self.stays_away { 0.0 } else { lead };
        self.covariance[AIM][AIM] += LEAD_UNSURE * LEAD_UNSURE * goes_on(&mut self.led, lead, self.sigma);
        self.lead = lead;
    }

    /// Others that depart from what set-points ask for drive it so far: by gains that are as good as a guess, as they are
    /// learned from set-points alone.
    pub fn drive(&mut self, driven: f64) {
        let further = goes_on(&mut self.driven, driven, self.sigma);
        self.open(GUESS_SD * GUESS_SD * further);
    }

    /// The same as is to be expected after some minutes.
    pub fn disturbance_after(&self, minutes: f64) -> (f64, f64) {
        let [quick, hours, stays, _] = remains(minutes, self.constant_min);
        let goes_to = self.aim + self.lead;
        let slow = goes_to + stays * (self.slow - goes_to);
        (self.drives(slow), slow + self.hours * hours + self.quick * quick)
    }

    /// Variance of the disturbance after some minutes, and of the noise on top of it.
    pub fn variance_after(&self, minutes: f64) -> (f64, f64) {
        let reach = remains(minutes, self.constant_min);
        let [quick, hours, _, comes] = reach;
        let mut state = (1.0 - quick * quick) * self.wander
            + (1.0 - hours * hours) * (HOURS_SIGMAS * self.sigma).powi(2)
            + comes * (SLOW_SIGMAS * self.sigma).powi(2) * minutes;
        for (one, row) in reach.iter().zip(&self.covariance) {
            state += one * row.iter().zip(&reach).map(|(covariance, other)| covariance * other).sum::<f64>();
        }
        (state.max(0.0), self.noise)
    }

    /// Standard deviations of the natural logarithms of the terms.
    pub fn term_sd(&self, term: usize) -> f64 {
        self.covariance[TERMS + term][TERMS + term].max(0.0).sqrt()
    }

    /// A minute passes.
    pub fn pass(&mut self) {
        let [quick, hours, stays, comes] = remains(1.0, self.constant_min);
        (self.beyond, self.aside) = (0.0, 0.0);
        self.quick *= quick;
        self.hours *= hours;
        self.slow = stays * self.slow + comes * (self.aim + self.lead);
        for other in 0..STATES {
            self.covariance[QUICK][other] *= quick;
            self.covariance[HOURS][other] *= hours;
            self.covariance[SLOW][other] = stays * self.covariance[SLOW][other] + comes * self.covariance[AIM][other];
        }
        for row in &mut self.covariance {
            row[QUICK] *= quick;
            row[HOURS] *= hours;
            row[SLOW] = stays * row[SLOW] + comes * row[AIM];
        }
        self.covariance[QUICK][QUICK] += (1.0 - quick * quick) * self.wander;
        self.covariance[HOURS][HOURS] += (1.0 - hours * hours) * (HOURS_SIGMAS * self.sigma).powi(2);
        self.covariance[AIM][AIM] += (SLOW_SIGMAS * self.sigma).powi(2);
    }

    /// Takes in the mean of a pane beyond what was modelled for it, with the sensitivities to the terms.
    pub fn correct(&mut self, beyond: f64, sensitivity: &[f64; MOST_TERMS]) -> Option<Correction> {
        let mut reach = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let ordinary = (self.noise + self.wander).sqrt();
        for (reach, sensitivity) in reach[TERMS..].iter_mut().zip(sensitivity) {
            *reach = if sensitivity.abs() > EXCITED * ordinary { *sensitivity } else { 0.0 };
        }
        self.beyond = beyond;
        let innovation = beyond - self.quick - self.hours - self.slow;
        let mut carried = self.carried(&reach);
        let mut variance = dot(&carried, &reach) + self.noise;
        let mut scaled = innovation / variance.sqrt();
        if !self.believes(scaled) {
            self.aside = innovation;
            return None;
        }
        if scaled.abs() > GATE {
            self.open(innovation * innovation);
            carried = self.carried(&reach);
            variance = dot(&carried, &reach) + self.noise;
            scaled = innovation / variance.sqrt();
        }
        let gain = carried.map(|carried| carried / variance);
        self.quick += gain[QUICK] * innovation;
        self.hours += gain[HOURS] * innovation;
        self.slow += gain[SLOW] * innovation;
        self.aim += gain[AIM] * innovation;
        for (row, gain) in self.covariance.iter_mut().zip(&gain) {
            for (covariance, carried) in row.iter_mut().zip(&carried) {
                *covariance -= gain * carried;
            }
        }
        self.adapt(scaled, variance);
        let mut terms = [0.0; MOST_TERMS];
        for (correction, gain) in terms.iter_mut().zip(&gain[TERMS..]) {
            *correction = gain * innovation;
        }
        Some(Correction { terms })
    }

    /// What of the innovation's variance each state accounts for.
    fn carried(&self, reach: &[f64; STATES]) -> [f64; STATES] {
        std::array::from_fn(|state| dot(&self.covariance[state], reach))
    }

    /// Whether an innovation is to be taken. One that is far from all expectation is once it insists.
    fn believes(&mut self, scaled: f64) -> bool {
        if scaled.abs() <= GATE {
            self.refused = 0;
            return true;
        }
        let side = scaled.signum() as i8;
        self.refused = if self.refused.signum() == side { self.refused + side } else { side };
        let believed = self.refused.abs() >= INSISTS;
        if believed {
            self.refused = 0;
        }
        believed
    }

    /// The offset moves, by about as much as the square root of `variance`, and stays where it comes to; what is slow may
    /// be on its way to somewhere else.
    fn open(&mut self, variance: f64) {
        for (one, other) in [(SLOW, SLOW), (SLOW, AIM), (AIM, SLOW), (AIM, AIM)] {
            self.covariance[one][other] += variance;
        }
        let [.., stays, _] = remains(1.0, self.constant_min);
        self.covariance[AIM][AIM] += stays * variance;
    }

    fn adapt(&mut self, scaled: f64, variance: f64) {
        let bounded = scaled.clamp(-3.0, 3.0);
        self.lean += LEAN_SHARE * (bounded - self.lean);
        if self.lean.abs() > LEANS {
            self.open((0.8 * self.lean).powi(2) * variance);
        }
        // Innovations of the right size that go with those of two minutes ago say that disturbances are larger, or
        // noise smaller, than believed (R. K. Mehra, IEEE Trans. Autom. Control 15 (1970) 175). One minute ago tells
        // less: instruments flutter.
        let size = ADAPTS * (bounded * bounded - 1.0);
        let follows = ADAPTS * bounded * self.last[1];
        self.last = [bounded, self.last[0]];
        let keep = |value: f64, sigmas: f64| {
            let first = (sigmas * self.sigma).powi(2);
            value.clamp(first / MOST_ADAPTED, first * MOST_ADAPTED)
        };
        self.noise = keep(self.noise * size.exp(), NOISE_SIGMAS);
        self.wander = keep(self.wander * (size + follows).exp(), QUICK_SIGMAS);
    }
}

/// By how much the square of a value has changed since it was noticed last: a share of the value that is uncertain has
/// that share's square of it as variance, in however many steps the value comes.
fn goes_on(noticed: &mut f64, value: f64, sigma: f64) -> f64 {
    if (value - *noticed).abs() <= NOTICED_SIGMAS * sigma {
        return 0.0;
    }
    let before = std::mem::replace(noticed, value);
    (value * value - before * before).abs()
}

fn dot(one: &[f64; STATES], other: &[f64; STATES]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// What is left after some minutes of the quick part, of that of hours and of the slow part, and how much of its aim the
/// slow part has come to.
fn remains(minutes: f64, constant_min: f64) -> [f64; 4] {
    let stays = (-minutes / constant_min).exp();
    [(-minutes / QUICK_MIN).exp(), (-minutes / HOURS_MIN).exp(), stays, 1.0 - stays]
}

/// The bounds that a term's logarithm keeps, given its first guess.
pub fn bounded(term: f64, guessed: f64) -> f64 {
    term.clamp(guessed - MOST_WRONG.ln(), guessed + MOST_WRONG.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small linear congruential generator: no test depends on its quality.
    fn noise(seed: &mut u64) -> f64 {
        let mut sum = 0.0;
        for _ in 0..12 {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            sum += (*seed >> 11) as f64 / (1u64 << 53) as f64;
        }
        sum - 6.0
    }

    #[test]
    fn an_offset_is_found_through_the_noise() {
        let mut channel = Channel::new(1.0, 1.0, 0);
        let mut seed = 7;
        for _ in 0..600 {
            channel.pass();
            channel.correct(3.0 + 0.6 * noise(&mut seed), &[0.0; MOST_TERMS]);
        }
        assert!((channel.disturbance().1 - 3.0).abs() < 0.3, "{channel:?}");
    }

    #[test]
    fn a_gain_is_learned_from_a_change_of_its_driver_and_a_single_outlier_is_not_believed() {
        let mut channel = Channel::new(1.0, 1.0, 1);
        let (mut seed, mut term) = (3, 0.0);
        let true_gain = 1.2_f64;
        for minute in 0..2000 {
            channel.pass();
            let driver = if (minute / 200) % 2 == 0 { 0.0 } else { 20.0 };
            let outlier = if minute == 1000 { 500.0 } else { 0.0 };
            let gain = f64::exp(term);
            let measured = true_gain * driver + 0.6 * noise(&mut seed) + outlier;
            if let Some(correction) = channel.correct(measured - gain * driver, &[gain * driver, 0.0, 0.0]) {
                term += correction.terms[0];
            }
        }
        assert!((term.exp() - true_gain).abs() < 0.02, "{}", term.exp());
    }

    #[test]
    fn a_change_that_insists_is_followed_within_minutes() {
        let mut channel = Channel::new(1.0, 1.0, 0);
        for minute in 0..300 {
            channel.pass();
            channel.correct(if minute < 290 { 0.0 } else { 40.0 }, &[0.0; MOST_TERMS]);
        }
        assert!((channel.disturbance().1 - 40.0).abs() < 4.0, "{channel:?}");
    }
}
