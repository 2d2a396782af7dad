//! An instrument: turns the true value at its place into readings, with the flutter of the place itself, with
//! noise, and with whatever is wrong with it.

use crate::fault::{FaultId, FaultKind};
use crate::line::Signal;
use crate::random::{Ou, Purpose, Stream, key, normal, stream};
use lehr_domain::event::SensorDef;
use lehr_domain::ids::stable_hash;
use lehr_domain::{EventMs, Micro, Reading, SensorId, Status};
use rand::RngExt;

/// Flutter of the place: correlated over seconds, so that minute means keep little of each other.
const FLUTTER_S: f64 = 20.0;
/// Standard deviation of the flutter's minute mean, in sigmas of the catalogue. Together with the slow
/// disturbances of the process (some 0.45) and the noise it gives 0.75 to 0.95.
const FLUTTER: f64 = 0.66;
/// White noise of the instrument, in sigmas of the catalogue.
const NOISE: f64 = 0.3;
/// Sizes of faults at severity 1, in sigmas of the catalogue.
const BIAS: f64 = 10.0;
const FAULTY_NOISE: f64 = 8.0;
/// The step of the display, in sigmas: readings are rounded to the power of ten below.
const RESOLUTION: f64 = 0.05;
/// Readings of one minute beyond which more make no difference to the mean of the flutter.
const MOST_PER_MINUTE: i64 = 600;

#[derive(Debug)]
struct Defective {
    id: FaultId,
    kind: FaultKind,
    severity: f64,
    /// The fault's own chance: the instrument's stream goes on as if it were sound.
    rng: Stream,
    held: Option<Micro>,
}

/// The law of the mean of a minute's flutter and of its value at the end, given its value before: both are normal.
#[derive(Clone, Copy, Debug)]
struct MinuteLaw {
    readings: u32,
    /// Share of the value before that stays in the mean, and at the end.
    mean_keeps: f64,
    end_keeps: f64,
    /// The mean is its share and `mean_kick` · z₁; the end its share and `end_of_mean` · z₁ + `end_kick` · z₂.
    mean_kick: f64,
    end_of_mean: f64,
    end_kick: f64,
}

impl MinuteLaw {
    /// Of unit variance, read every `period_ms`.
    fn new(period_ms: i64) -> MinuteLaw {
        let n = (60_000 / period_ms).clamp(1, MOST_PER_MINUTE);
        let keep = (-(60.0 / n as f64).min(period_ms as f64 / 1000.0) / FLUTTER_S).exp();
        let new = 1.0 - keep * keep;
        // The k-th kick stays in the readings from the k-th on: (1 − keepᵏ') / (1 − keep) of them in sum, k' = n − k + 1.
        let (mut mean_variance, mut covariance, mut mean_keeps) = (0.0, 0.0, 0.0);
        for left in 1..=n {
            let in_mean = (1.0 - keep.powi(left as i32)) / (1.0 - keep) / n as f64;
            mean_variance += new * in_mean * in_mean;
            covariance += new * in_mean * keep.powi(left as i32 - 1);
            mean_keeps += keep.powi(left as i32) / n as f64;
        }
        let end_keeps = keep.powi(n as i32);
        let mean_kick = mean_variance.sqrt();
        let end_of_mean = covariance / mean_kick;
        let end_kick = (1.0 - end_keeps * end_keeps - end_of_mean * end_of_mean).max(0.0).sqrt();
        MinuteLaw { readings: n as u32, mean_keeps, end_keeps, mean_kick, end_of_mean, end_kick }
    }
}

pub(crate) struct Instrument {
    pub sensor: SensorId,
    pub line: usize,
    pub signal: Signal,
    pub period_ms: i64,
    /// When it first measures, after the start of the simulation.
    pub phase_ms: i64,
    name_key: u64,
    seed: u64,
    sigma: f64,
    span: (Micro, Micro),
    rng: Stream,
    flutter: Ou,
    flutter_size: f64,
    minute_law: MinuteLaw,
    resolution: f64,
    last: Option<Micro>,
    faults: Vec<Defective>,
}

impl Instrument {
    pub fn new(seed: u64, sensor: SensorId, place: (usize, Signal), def: &SensorDef) -> Instrument {
        let name_key = key(&def.name);
        let mut rng = stream(seed, Purpose::Instrument, &[name_key]);
        let period_ms = def.period.0.max(1);
        let sigma = sigma_of(def);
        let draw = stable_hash(&[seed, Purpose::Phase as u64, name_key]);
        Instrument {
            sensor,
            line: place.0,
            signal: place.1,
            period_ms,
            phase_ms: (draw % period_ms as u64) as i64,
            name_key,
            seed,
            sigma,
            span: def.span,
            flutter: Ou::new(FLUTTER_S, period_ms as f64 / 1000.0, &mut rng),
            flutter_size: FLUTTER * sigma / minute_mean_share(period_ms),
            minute_law: MinuteLaw::new(period_ms),
            rng,
            resolution: 10f64.powf((RESOLUTION * sigma).log10().floor()).max(1e-6),
            last: None,
            faults: Vec::new(),
        }
    }

    /// The catalogue's.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    pub fn fail(&mut self, id: FaultId, kind: FaultKind, severity: f64) {
        let rng = stream(self.seed, Purpose::SensorFault, &[self.name_key, id.0]);
        self.faults.push(Defective { id, kind, severity, rng, held: self.last });
    }

    pub fn mend(&mut self, id: FaultId) {
        self.faults.retain(|fault| fault.id != id);
    }

    /// What it says when the process is truly at `value`; `None` when it says nothing.
    pub fn read(&mut self, value: f64, at: EventMs) -> Option<Reading> {
        let flutter = self.flutter.step(&mut self.rng) * self.flutter_size;
        let measured = value + flutter + NOISE * self.sigma * normal(&mut self.rng);
        if !self.faults.is_empty() {
            return self.read_faulty(measured, at);
        }
        let value = self.display(measured);
        self.last = Some(value);
        Some(Reading { sensor: self.sensor, at, revision: 0, value, status: self.status(value) })
    }

    /// The mean of what counts of its readings in a minute in which the process was truly at `value` on average; `None` when it
    /// says nothing. A failing instrument is read one by one.
    pub fn minute(&mut self, value: f64, minute: u64, at: EventMs) -> Option<f64> {
        let every = (self.period_ms / 60_000).max(1) as u64;
        if !minute.is_multiple_of(every) {
            return None;
        }
        let law = self.minute_law;
        if law.readings == 1 || !self.faults.is_empty() {
            let readings = (0..law.readings).filter_map(|_| self.read(value, at)).filter(|read| read.status.counts());
            let (sum, n) = readings.fold((0.0, 0.0), |(sum, n), read| (sum + read.value.to_f64(), n + 1.0));
            return (n > 0.0).then(|| sum / n);
        }
        let (first, second) = (normal(&mut self.rng), normal(&mut self.rng));
        let before = self.flutter.value;
        self.flutter.value = law.end_keeps * before + law.end_of_mean * first + law.end_kick * second;
        let flutter = law.mean_keeps * before + law.mean_kick * first;
        let noise = NOISE * self.sigma / f64::from(law.readings).sqrt() * normal(&mut self.rng);
        let mean = value + self.flutter_size * flutter + noise;
        // What a stuck instrument would repeat is its last reading.
        self.last = Some(self.display(value + self.flutter_size * self.flutter.value));
        Some(mean)
    }

    fn read_faulty(&mut self, measured: f64, at: EventMs) -> Option<Reading> {
        let mut measured = measured;
        for fault in &mut self.faults {
            match fault.kind {
                FaultKind::Bias => measured += BIAS * fault.severity * self.sigma,
                FaultKind::Noise => {
                    measured += FAULTY_NOISE * fault.severity * self.sigma * normal(&mut fault.rng);
                }
                FaultKind::Dropout if fault.rng.random::<f64>() < fault.severity => return None,
                _ => {}
            }
        }
        let mut value = self.display(measured);
        for fault in &mut self.faults {
            if fault.kind == FaultKind::Stuck {
                value = *fault.held.get_or_insert(value);
            }
        }
        let failed = self.faults.iter().any(|fault| fault.kind == FaultKind::Failed);
        let status = if failed { Status::Error } else { self.status(value) };
        self.last = Some(value);
        Some(Reading { sensor: self.sensor, at, revision: 0, value, status })
    }

    fn display(&self, value: f64) -> Micro {
        let shown = (value / self.resolution).round() * self.resolution;
        Micro((shown * Micro::SCALE as f64).round() as i64)
    }

    fn status(&self, value: Micro) -> Status {
        if (self.span.0..=self.span.1).contains(&value) { Status::Ok } else { Status::Warning }
    }
}

/// The catalogue's sigma, or 1 % of the span where it gives none.
pub(crate) fn sigma_of(def: &SensorDef) -> f64 {
    match def.sigma {
        Some(sigma) if sigma.0 > 0 => sigma.to_f64(),
        _ => 0.01 * (def.span.1.to_f64() - def.span.0.to_f64()).abs().max(1e-3),
    }
}

/// Standard deviation of the mean of a minute's flutter, for flutter of unit variance read at this period.
fn minute_mean_share(period_ms: i64) -> f64 {
    let count = (60_000 / period_ms).clamp(1, MOST_PER_MINUTE);
    let interval_s = if count == MOST_PER_MINUTE { 60.0 / count as f64 } else { period_ms as f64 / 1000.0 };
    let keep = (-interval_s / FLUTTER_S).exp();
    let n = count as f64;
    let mut sum = n;
    for apart in 1..count {
        sum += 2.0 * (n - apart as f64) * keep.powi(apart as i32);
    }
    sum.sqrt() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The law of minutes against readings one by one: mean, spread, and how much the next minute remembers.
    #[test]
    fn minutes_are_drawn_from_the_law_of_the_mean_of_their_readings() {
        const MINUTES: u64 = 40_000;
        let def = SensorDef { period: lehr_domain::SpanMs::seconds(2), ..sensor() };
        let of = |read: &dyn Fn(&mut Instrument, u64) -> f64| {
            let mut instrument = Instrument::new(4, SensorId(0), (0, Signal::Free(0)), &def);
            let values: Vec<f64> = (0..MINUTES).map(|minute| read(&mut instrument, minute)).collect();
            let mean = values.iter().sum::<f64>() / MINUTES as f64;
            let product = |lag: usize| -> f64 {
                let pairs = values.iter().zip(&values[lag..]);
                pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / MINUTES as f64
            };
            (mean, product(0).sqrt(), product(1) / product(0))
        };
        let one_by_one = of(&|instrument, _| {
            let readings = (0..30).filter_map(|_| instrument.read(100.0, EventMs(0)));
            readings.map(|reading| reading.value.to_f64()).sum::<f64>() / 30.0
        });
        let at_once = of(&|instrument, minute| instrument.minute(100.0, minute, EventMs(0)).unwrap());
        assert!((one_by_one.0 - at_once.0).abs() < 0.02, "{one_by_one:?} {at_once:?}");
        assert!((one_by_one.1 / at_once.1 - 1.0).abs() < 0.02, "{one_by_one:?} {at_once:?}");
        assert!((one_by_one.2 - at_once.2).abs() < 0.02, "{one_by_one:?} {at_once:?}");
    }

    fn sensor() -> SensorDef {
        SensorDef {
            name: "Line_A.belt_speed".into(),
            line: lehr_domain::LineId(0),
            equipment: lehr_domain::EquipmentId(0),
            parameter: lehr_domain::ParameterId(0),
            unit: "m/min".into(),
            period: lehr_domain::SpanMs::seconds(1),
            span: (Micro::units(0), Micro::units(200)),
            target: Some(Micro::units(100)),
            sigma: Some(Micro::units(1)),
        }
    }

    #[test]
    fn the_mean_of_a_minute_of_flutter_approaches_the_integral() {
        // ∫∫ exp(−|t−s|/τ) over a minute: 2 τ/T (1 − τ/T (1 − e^(−T/τ))).
        let ratio = FLUTTER_S / 60.0;
        let integral = 2.0 * ratio * (1.0 - ratio * (1.0 - (-1.0 / ratio).exp()));
        assert!((minute_mean_share(100) - integral.sqrt()).abs() < 1e-3);
        assert_eq!(minute_mean_share(60_000), 1.0);
    }
}
