//! A furnace campaign: causes of defects that develop over days towards a sharp onset, and are repaired.
//!
//! A line without a campaign has faults that somebody injects, or random ones of minutes. In a campaign each slow cause lies dormant
//! for weeks, then grows from 0 to 1 in about 200 hours at a pace that wanders; at level 1 a tenth of the ware is
//! defective, since what it acts through is sharp (burners at full fire, molds too cold, stones and seeds beyond what the melt dissolves).
//! Then the crew notices, and repairs it after a day or two. Besides, now and then a fault of half an hour to two hours, and
//! instruments that fail.
//!
//! Hidden: the levels, their paces, the weather of days, the crew on shift, and the batch, which decides how much of
//! a cause the glass takes. Nothing in here is planned ahead: what comes next is drawn minute by minute, so that the state of a plant
//! tells the law of its future and not the future.

use crate::effects::Effects;
use crate::fault::FaultKind;
use crate::random::{Ou, Purpose, Stream, stream};
use lehr_domain::EventMs;
use rand::RngExt;

/// What a campaign has besides the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// Whether the cooling fan can wear as well: a cause that a set of data may keep for testing.
    pub rare_cause: bool,
}

/// A cause as it usually is.
struct Law {
    kind: FaultKind,
    /// Mean time between a repair and the next beginning, hours.
    dormant_h: f64,
    /// Median time from beginning to onset, hours.
    onset_h: f64,
    /// Size of the fault at level 1, in the terms of [`FaultKind`]'s effect at severity 1 (a mold heater: see [`RESERVE`]).
    size: f64,
}

pub(crate) const SLOW: usize = 5;
/// The causes of every campaign, then the rare one.
const LAWS: [Law; SLOW] = [
    Law { kind: FaultKind::BurnerFouling, dormant_h: 900.0, onset_h: 220.0, size: 0.822 },
    Law { kind: FaultKind::RefractoryWear, dormant_h: 900.0, onset_h: 260.0, size: 1.0 },
    Law { kind: FaultKind::CulletChange, dormant_h: 900.0, onset_h: 180.0, size: 1.3 },
    Law { kind: FaultKind::MoldCold, dormant_h: 900.0, onset_h: 160.0, size: RESERVE + 0.413 },
    Law { kind: FaultKind::CoolingFast, dormant_h: 6000.0, onset_h: 150.0, size: 0.43 },
];
/// Causes grow no further than this.
const MOST_LEVEL: f64 = 1.2;
/// Power that a sound mold heater has in reserve, as a share of the usual: a weak one is not felt before this is gone.
const RESERVE: f64 = 0.25;
/// Scatter of the logarithm of the pace, and how long a pace stays.
const PACE_SPREAD: f64 = 0.3;
const PACE_H: f64 = 72.0;
/// A cause that shows is repaired no earlier than this, and then within this mean time for the usual crew.
const PREPARED_H: f64 = 14.0;
const REPAIR_H: f64 = 22.0;
/// Crews differ: factor on how fast they repair.
const CREWS: [f64; 3] = [0.6, 1.0, 1.5];
/// Mean time until a cause that has grown beyond this is found and repaired before it shows, hours.
const FOUND_LEVEL: f64 = 0.6;
const FOUND_H: f64 = 900.0;
/// What was repaired fades within this time, minutes.
const FADE_MINUTES: f64 = 45.0;
/// Faults that come without a sign, a line and day, their length in minutes, and which.
const SUDDEN_PER_DAY: f64 = 0.006;
const SUDDEN_MINUTES: (u64, u64) = (40, 120);
const SUDDEN: [FaultKind; 3] = [FaultKind::PressureSpikes, FaultKind::BeltOverspeed, FaultKind::SpeedVariation];
/// Instruments that fail, a line and day, and for how long.
const INSTRUMENTS_PER_DAY: f64 = 0.15;
const INSTRUMENT_MINUTES: (u64, u64) = (20, 240);
const INSTRUMENT: [FaultKind; 5] =
    [FaultKind::Stuck, FaultKind::Bias, FaultKind::Dropout, FaultKind::Failed, FaultKind::Noise];
/// Weather changes within days.
const WEATHER_H: f64 = 60.0;
/// Share by which a standard deviation of the batch changes how much of a cause the glass takes.
const TAKES_PER_BATCH: f64 = 0.02;
/// Stones of the lining and seeds of the batch: probability far beyond onset, and the level and steepness of half of it. At
/// level 1 they come to 8 %, which with the background makes a tenth; at 0.9 to less than one.
const DISSOLVED: (f64, f64, f64) = (0.4, 1.055, 0.04);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Dormant,
    Growing,
    /// Repaired: what is left fades.
    Fading,
}

#[derive(Clone, Debug)]
struct Cause {
    law: usize,
    stage: Stage,
    level: f64,
    pace: Ou,
    /// Minutes since level 1 was passed.
    shown_minutes: u32,
}

/// What begins or ends.
pub(crate) enum Turn {
    Began {
        law: usize,
        kind: FaultKind,
    },
    Repaired {
        law: usize,
        kind: FaultKind,
    },
    Sudden {
        kind: FaultKind,
        minutes: u64,
        severity: f64,
    },
    /// `place` chooses the instrument.
    Instrument {
        kind: FaultKind,
        minutes: u64,
        severity: f64,
        place: u64,
    },
}

/// The campaign of one line.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    rng: Stream,
    key: u64,
    causes: Vec<Cause>,
    weather: Ou,
    crew: usize,
}

fn per_minute(mean_h: f64) -> f64 {
    1.0 / (60.0 * mean_h)
}

impl Life {
    pub fn new(seed: u64, line_key: u64, campaign: Campaign) -> Life {
        let mut rng = stream(seed, Purpose::Campaign, &[line_key]);
        let count = if campaign.rare_cause { LAWS.len() } else { LAWS.len() - 1 };
        let causes = (0..count).map(|law| Cause::new(law, &mut rng)).collect();
        let weather = Ou::new(WEATHER_H * 60.0, 1.0, &mut rng);
        Life { key: line_key, causes, weather, crew: rng.random_range(0..CREWS.len()), rng }
    }

    /// Lets the future be another one.
    pub fn fork(&mut self, seed: u64) {
        self.rng = stream(seed, Purpose::Campaign, &[self.key]);
    }

    /// One minute.
    pub fn step(&mut self, minute: u64, at: EventMs) -> Vec<Turn> {
        const SHIFT_MINUTES: u64 = 480;
        let mut turns = Vec::new();
        let rng = &mut self.rng;
        self.weather.step(rng);
        if minute.is_multiple_of(SHIFT_MINUTES) {
            self.crew = rng.random_range(0..CREWS.len());
        }
        let repairs = CREWS[self.crew] * if by_day(at) { 1.6 } else { 0.4 };
        for cause in &mut self.causes {
            turns.extend(cause.step(repairs, rng));
        }
        // Drawn in every minute, so that one of them changes nothing of the rest.
        let (sudden, instrument): (f64, f64) = (rng.random(), rng.random());
        let mut draw = |kinds: &[FaultKind], minutes: (u64, u64)| {
            let kind = kinds[rng.random_range(0..kinds.len())];
            (kind, rng.random_range(minutes.0..=minutes.1), rng.random_range(0.8..1.2), rng.random())
        };
        if sudden < SUDDEN_PER_DAY / 1440.0 {
            let (kind, minutes, severity, _): (_, _, _, u64) = draw(&SUDDEN, SUDDEN_MINUTES);
            turns.push(Turn::Sudden { kind, minutes, severity });
        }
        if instrument < INSTRUMENTS_PER_DAY / 1440.0 {
            let (kind, minutes, severity, place) = draw(&INSTRUMENT, INSTRUMENT_MINUTES);
            turns.push(Turn::Instrument { kind, minutes, severity, place });
        }
        turns
    }

    /// How far each cause has come.
    pub fn levels(&self) -> [f32; SLOW] {
        let mut levels = [0.0; SLOW];
        self.causes.iter().for_each(|cause| levels[cause.law] = cause.level as f32);
        levels
    }

    /// What the causes do at this minute. `batch` as in [`crate::process::Hidden`].
    pub fn act(&self, batch: f64, effects: &mut Effects) {
        effects.weather += self.weather.value;
        for cause in self.causes.iter().filter(|cause| cause.level > 0.0) {
            let law = &LAWS[cause.law];
            match law.kind {
                FaultKind::MoldCold => {
                    effects.heater_share = effects.heater_share.min(1.0 + RESERVE - law.size * cause.level);
                }
                kind => effects.add(kind, law.size, cause.level),
            }
            let takes = cause.level * (1.0 + TAKES_PER_BATCH * batch);
            match law.kind {
                FaultKind::RefractoryWear => effects.stones += dissolved(takes),
                FaultKind::CulletChange => effects.seeds += dissolved(takes),
                _ => {}
            }
        }
    }
}

/// Probability of what the melt did not dissolve.
fn dissolved(level: f64) -> f64 {
    let (full, half, steep) = DISSOLVED;
    // Silent while a cause is young, so that a dormant one does nothing at all.
    if level < 0.5 { 0.0 } else { full / (1.0 + (-(level - half) / steep).exp()) }
}

impl Cause {
    /// As after a long time: some are growing.
    fn new(law: usize, rng: &mut Stream) -> Cause {
        let Law { dormant_h, onset_h, .. } = LAWS[law];
        let growing = rng.random::<f64>() < onset_h / (dormant_h + onset_h);
        let (stage, level) = if growing { (Stage::Growing, rng.random()) } else { (Stage::Dormant, 0.0) };
        Cause { law, stage, level, pace: Ou::new(PACE_H * 60.0, 1.0, rng), shown_minutes: 0 }
    }

    fn step(&mut self, repairs: f64, rng: &mut Stream) -> Option<Turn> {
        let law = &LAWS[self.law];
        let kind = law.kind;
        let pace = (PACE_SPREAD * self.pace.step(rng)).exp();
        let draw: f64 = rng.random();
        match self.stage {
            Stage::Dormant if draw < per_minute(law.dormant_h) => {
                self.stage = Stage::Growing;
                return Some(Turn::Began { law: self.law, kind });
            }
            Stage::Dormant => {}
            Stage::Growing => {
                self.level = (self.level + pace * per_minute(law.onset_h)).min(MOST_LEVEL);
                let chance = if self.level >= 1.0 {
                    self.shown_minutes += 1;
                    if f64::from(self.shown_minutes) < 60.0 * PREPARED_H { 0.0 } else { per_minute(REPAIR_H) }
                } else if self.level >= FOUND_LEVEL {
                    per_minute(FOUND_H)
                } else {
                    0.0
                };
                if draw < repairs * chance {
                    self.stage = Stage::Fading;
                    self.shown_minutes = 0;
                    return Some(Turn::Repaired { law: self.law, kind });
                }
            }
            Stage::Fading => {
                self.level *= 1.0 - 1.0 / FADE_MINUTES;
                if self.level < 0.01 {
                    self.level = 0.0;
                    self.stage = Stage::Dormant;
                }
            }
        }
        None
    }
}

/// The day shift, in which most repairs are made: 05:00 to 13:00 UTC.
fn by_day(at: EventMs) -> bool {
    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;
    (5 * HOUR_MS..13 * HOUR_MS).contains(&at.0.rem_euclid(DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A life without the rest of the plant: level of each cause, minute by minute.
    fn levels(seed: u64, days: u64) -> Vec<Vec<f64>> {
        let mut life = Life::new(seed, 3, Campaign { rare_cause: true });
        let minute = |minute: u64| {
            life.step(minute, EventMs(minute as i64 * 60_000));
            life.causes.iter().map(|cause| cause.level).collect()
        };
        (0..days * 1440).map(minute).collect()
    }

    #[test]
    fn causes_take_days_to_onset_show_for_a_day_or_two_and_are_repaired() {
        let (mut onsets, mut shown, mut grown) = (0.0, 0.0, 0.0);
        let days = 400;
        for seed in 0..12 {
            let levels = levels(seed, days);
            for pair in levels.windows(2) {
                for (before, after) in pair[0].iter().zip(&pair[1]) {
                    onsets += if *before < 1.0 && *after >= 1.0 { 1.0 } else { 0.0 };
                    shown += if *after >= 1.0 { 1.0 } else { 0.0 };
                    grown += if *after > 0.0 { 1.0 } else { 0.0 };
                    assert!(after - before < 0.001, "nothing jumps up");
                    assert!(*after <= MOST_LEVEL);
                }
            }
        }
        let per_day = onsets / (12 * days) as f64;
        assert!((0.05..0.15).contains(&per_day), "{per_day} onsets a day");
        let hours = shown / onsets / 60.0;
        assert!((24.0..60.0).contains(&hours), "shows for {hours} h");
        assert!((150.0..300.0).contains(&(grown / onsets / 60.0)), "{} h from begin to end", grown / onsets / 60.0);
    }

    #[test]
    fn a_fork_shares_the_past_alone() {
        let mut life = Life::new(1, 3, Campaign::default());
        for minute in 0..10_000 {
            life.step(minute, EventMs(minute as i64 * 60_000));
        }
        let ahead = |seed: u64| {
            let mut life = life.clone();
            life.fork(seed);
            for minute in 10_000..20_000 {
                life.step(minute, EventMs(minute as i64 * 60_000));
            }
            (life.weather.value, life.causes.iter().map(|cause| cause.level).sum::<f64>())
        };
        assert_eq!(ahead(5), ahead(5));
        assert_ne!(ahead(5), ahead(6));
    }

    #[test]
    fn a_young_cause_makes_no_stones() {
        assert_eq!(dissolved(0.4), 0.0);
        assert!(dissolved(0.9) < 0.01 && (0.07..0.09).contains(&dissolved(1.0)) && dissolved(1.2) > 0.35);
    }
}
