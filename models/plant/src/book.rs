//! The book of open faults: when each begins, how far it has developed, when it ends.

use crate::effects::Effects;
use crate::error::PlantError;
use crate::fault::{FaultId, FaultKind};
use crate::random::{Purpose, Stream, exponential, stream};
use lehr_domain::SpanMs;
use rand::RngExt;

/// Faults open at one time. A plant with more is not a plant; each costs a glance a second.
pub(crate) const MOST_OPEN: usize = 256;
/// Random faults per line and day: one every quarter of an hour.
pub(crate) const MOST_PER_DAY: f64 = 96.0;
/// A slow fault with a given duration has developed fully after this share of it.
const RAMP_SHARE: f64 = 0.8;

#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub id: FaultId,
    pub line: usize,
    pub kind: FaultKind,
    /// Position of the instrument that fails.
    pub instrument: Option<usize>,
    pub severity: f64,
    pub begins_s: u64,
    pub ends_s: Option<u64>,
    pub active: bool,
}

impl Fault {
    /// How far it has developed, 0 to 1.
    fn progress(&self, second: u64) -> f64 {
        let ramp_s = self.kind.ramp().0 as f64 / 1000.0;
        let ramp_s = match self.ends_s {
            Some(ends_s) => ramp_s.min(RAMP_SHARE * (ends_s - self.begins_s) as f64),
            None => ramp_s,
        };
        let age_s = second.saturating_sub(self.begins_s) as f64;
        if ramp_s <= 0.0 { 1.0 } else { (age_s / ramp_s).min(1.0) }
    }
}

/// A fault that began or ended in this second.
pub(crate) enum Turn {
    Began(Fault),
    Ended(Fault),
}

#[derive(Clone, Default)]
pub(crate) struct Book {
    faults: Vec<Fault>,
    injected: u64,
}

impl Book {
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub fn next_id(&mut self) -> FaultId {
        self.injected += 1;
        FaultId(self.injected)
    }

    pub fn is_full(&self) -> bool {
        self.faults.len() >= MOST_OPEN
    }

    pub fn open(&mut self, fault: Fault) {
        assert!(!self.is_full(), "callers look first");
        self.faults.push(fault);
    }

    /// Lets a fault end with the next second; one that has not begun is forgotten.
    pub fn clear(&mut self, id: FaultId, next_s: u64) -> Result<(), PlantError> {
        let place = self.faults.iter().position(|fault| fault.id == id).ok_or(PlantError::UnknownFault(id))?;
        if self.faults[place].active {
            self.faults[place].ends_s = Some(next_s);
        } else {
            self.faults.remove(place);
        }
        Ok(())
    }

    /// Begins and ends what is due.
    pub fn step(&mut self, second: u64) -> Vec<Turn> {
        let mut turns = Vec::new();
        self.faults.retain_mut(|fault| {
            if fault.active && fault.ends_s.is_some_and(|ends_s| second >= ends_s) {
                turns.push(Turn::Ended(fault.clone()));
                return false;
            }
            if !fault.active && second >= fault.begins_s {
                fault.active = true;
                turns.push(Turn::Began(fault.clone()));
            }
            true
        });
        turns
    }

    pub fn effects(&self, line: usize, second: u64) -> Effects {
        let mut effects = Effects::default();
        for fault in self.faults.iter().filter(|fault| fault.active && fault.line == line) {
            effects.add(fault.kind, fault.severity, fault.progress(second));
        }
        effects
    }
}

/// How long random faults of each kind last, in minutes: long enough to show, short enough to be mended by a
/// shift.
fn random_minutes(kind: FaultKind) -> Option<(u64, u64)> {
    match kind {
        FaultKind::FurnaceOverheat | FaultKind::FurnaceCold => Some((25, 60)),
        FaultKind::TemperatureDrift => Some((90, 240)),
        FaultKind::PressureSpikes | FaultKind::BeltOverspeed | FaultKind::SpeedVariation => Some((10, 40)),
        FaultKind::CoolingFast => Some((10, 30)),
        FaultKind::MoldCold => Some((25, 50)),
        FaultKind::BurnerFouling => Some((1200, 2400)),
        FaultKind::RefractoryWear => Some((3000, 6000)),
        FaultKind::CulletChange => Some((360, 1440)),
        FaultKind::Stuck | FaultKind::Bias | FaultKind::Dropout | FaultKind::Failed | FaultKind::Noise => {
            Some((20, 120))
        }
        // The schedule makes stops already.
        FaultKind::LineStop => None,
    }
}

/// The random faults of one line: a Poisson process.
pub(crate) struct RandomFaults {
    rng: Stream,
    line: usize,
    mean_s: f64,
    next_s: f64,
    count: u64,
}

impl RandomFaults {
    pub fn new(seed: u64, line_key: u64, line: usize, per_day: f64) -> RandomFaults {
        let mut rng = stream(seed, Purpose::RandomFaults, &[line_key]);
        let mean_s = 86_400.0 / per_day;
        let next_s = exponential(&mut rng, mean_s);
        RandomFaults { rng, line, mean_s, next_s, count: 0 }
    }

    /// The fault that begins in this second, if any. `instruments` are those of the line, by position.
    pub fn step(&mut self, second: u64, instruments: &[usize]) -> Option<Fault> {
        if (second as f64) < self.next_s {
            return None;
        }
        self.next_s += exponential(&mut self.rng, self.mean_s);
        let kinds: Vec<FaultKind> =
            FaultKind::ALL.iter().copied().filter(|kind| random_minutes(*kind).is_some()).collect();
        let kind = kinds[self.rng.random_range(0..kinds.len())];
        let (least, most) = random_minutes(kind)?;
        let minutes = self.rng.random_range(least..=most);
        let severity = self.rng.random_range(0.6..1.1);
        let place: u64 = self.rng.random();
        if kind.of_sensor() && instruments.is_empty() {
            return None;
        }
        self.count += 1;
        Some(Fault {
            // Apart from the ids of injected faults, so that injecting one renames no other.
            id: FaultId((self.line as u64 + 1) << 32 | self.count),
            line: self.line,
            kind,
            instrument: kind.of_sensor().then(|| instruments[(place % instruments.len() as u64) as usize]),
            severity,
            begins_s: second,
            ends_s: Some(second + (SpanMs::minutes(minutes as i64).0 / 1000) as u64),
            active: false,
        })
    }
}
