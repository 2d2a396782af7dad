//! Models that know nothing but forget nothing: every minute that they are given changes what they say.

use crate::trace::{LEVEL, SIGMA};
use lehr_dataflows::forecasts::{Forecast, Said, Scored, Scorer, Terms, Verdict, Versions, Window};
use lehr_dataflows::inspections::{Found, Inspector};
use lehr_dataflows::twin::{About, Expected, Finding, Following, HORIZONS, LineMinute, LineModel, Outlook, Score};
use lehr_domain::defect_event::DefectEvent;
use lehr_domain::finding::FindingKind;
use lehr_domain::ids::stable_hash;
use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{Micro, PerMille, SpanMs};

pub const PLACES: usize = 2;

#[derive(Debug)]
pub struct Toy;

impl LineModel for Toy {
    fn places(&self) -> usize {
        PLACES
    }

    fn place(&self, parameter: &str) -> Option<u8> {
        (0..PLACES as u8).find(|place| parameter == format!("parameter {place}"))
    }

    fn begin(&self, about: &[Option<About>]) -> Box<dyn Following> {
        let mut line = ToyLine::default();
        for (centre, about) in line.centres.iter_mut().zip(about) {
            *centre = about.and_then(|about| about.target).unwrap_or(Micro(LEVEL)).0;
            line.digest =
                line.digest.wrapping_mul(31) + about.and_then(|about| about.sigma).map_or(-1, |sigma| sigma.0);
        }
        Box::new(line)
    }

    fn resume(&self, state: &[u8]) -> Option<Box<dyn Following>> {
        let words: Vec<i64> =
            state.chunks(8).map(|word| Some(i64::from_le_bytes(word.try_into().ok()?))).collect::<Option<_>>()?;
        let [digest, minutes, c0, c1, l0, l1, n] = words[..] else { return None };
        Some(Box::new(ToyLine { digest, minutes, centres: [c0, c1], last: [l0, l1], n }))
    }
}

#[derive(Clone, Default)]
struct ToyLine {
    digest: i64,
    minutes: i64,
    centres: [i64; PLACES],
    last: [i64; PLACES],
    /// Readings behind the last values.
    n: i64,
}

impl ToyLine {
    fn off(&self, place: usize) -> i64 {
        if self.last[place] == 0 { 0 } else { self.last[place] - self.centres[place] }
    }

    fn expected(&self, more: i64) -> Expected {
        Expected { mean: Micro((self.digest ^ more) >> 20), sd: Micro(self.minutes + more) }
    }
}

impl Following for ToyLine {
    fn step(&mut self, minute: &LineMinute) {
        self.minutes += 1;
        let mut words = vec![minute.at.0, minute.inspected.units, minute.inspected.good];
        words.extend(minute.inspected.defects);
        words.extend(minute.state.map(|(state, planned)| state as i64 * 7 + planned.map_or(-1, |span| span.0)));
        (self.last, self.n) = ([0; PLACES], 0);
        for place in 0..PLACES {
            if let Some(setpoint) = minute.setpoints[place] {
                self.centres[place] = setpoint.0;
            }
            if let Some(value) = minute.values[place] {
                (self.last[place], self.n) = (value.mean.0, self.n + value.n);
                words.extend([value.mean.0, value.range.0, value.n]);
            }
        }
        words.extend(self.centres);
        self.digest = words.into_iter().fold(self.digest, |digest, word| digest.wrapping_mul(1_000_003) ^ word);
    }

    fn duplicate(&self) -> Box<dyn Following> {
        Box::new(self.clone())
    }

    fn state(&self) -> Vec<u8> {
        let ToyLine { digest, minutes, centres: [c0, c1], last: [l0, l1], n } = *self;
        [digest, minutes, c0, c1, l0, l1, n].into_iter().flat_map(i64::to_le_bytes).collect()
    }

    fn finding(&self) -> Option<Finding> {
        let off: Vec<usize> = (0..PLACES).filter(|place| self.off(*place).abs() > SIGMA).collect();
        let place = *off.iter().max_by_key(|place| self.off(**place).abs())?;
        let kind = match (off.len(), self.off(place) > 0) {
            (PLACES, _) => FindingKind::Equipment,
            (_, true) => FindingKind::Sensor,
            (_, false) => FindingKind::ModelDrift,
        };
        let equipment = if self.off(place).abs() > 4 * SIGMA { "kiln" } else { "fan" };
        let strength = Micro(self.off(place).abs());
        Some(Finding {
            kind,
            equipment: equipment.into(),
            place: place as u8,
            strength,
            confidence: PerMille(self.n as i32),
        })
    }

    fn outlook(&self) -> Vec<Option<Outlook>> {
        let outlook =
            |place: i64| Outlook { now: self.expected(place), ahead: [1, 2, 3].map(|n| self.expected(n * 10 + place)) };
        (0..PLACES as i64).map(|place| (self.last[place as usize] != 0).then(|| outlook(place))).collect()
    }

    fn scores(&self) -> Vec<[Option<Score>; HORIZONS.len()]> {
        let score = |n: i64| Score {
            n: self.minutes,
            rmse: Micro(n),
            rmse_persistence: Micro(self.n),
            bias: Micro(self.digest >> 30),
            coverage: PerMille(900),
        };
        (0..PLACES as i64).map(|place| [1, 2, 3].map(|n| (self.minutes > n).then(|| score(n + place)))).collect()
    }
}

/// What [`Foreteller`] looks at: another order than the places of [`Toy`], and one that is not modelled.
pub const COLUMNS: &[&str] = &["parameter 1", "parameter 2", "parameter 0"];

/// Foretells by hashing. Of one window in nineteen it has nothing to say.
#[derive(Debug)]
pub struct Foreteller;

impl Scorer for Foreteller {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn terms(&self) -> Terms {
        Terms {
            window: 7,
            heard_least: 5,
            horizons: [2, 6, 20].map(SpanMs::minutes),
            event: DefectEvent { minutes: 4, limit: PerMille(400), least_units: 2 },
        }
    }

    fn score(&self, versions: Versions, windows: &[Window]) -> Vec<Option<Scored>> {
        windows.iter().map(|window| scored(versions, window)).collect()
    }
}

fn scored(versions: Versions, window: &Window) -> Option<Scored> {
    let values = window.0.iter().map(|value| value.map_or(u64::MAX, |value| value.0 as u64));
    let digest = stable_hash(&values.collect::<Vec<_>>());
    let number = |version: ModelVersion, more: u64| {
        let ModelVersion { major, minor, patch } = version;
        stable_hash(&[digest, major.into(), minor.into(), patch.into(), more]) % 1_000_001
    };
    let forecast = |version: ModelVersion, more: u64| {
        let probability = [0, 1, 2].map(|horizon| Micro(number(version, more + horizon) as i64));
        Forecast { probability, expected: probability.map(|probability| probability >= Micro(500_000)) }
    };
    let said = Said {
        forecaster: forecast(versions.forecaster, 0),
        ensemble: versions.ensemble.map(|version| forecast(version, 10)),
    };
    let verdict = |version, column: usize| Verdict {
        failure: Micro(number(version, 100 + column as u64) as i64),
        anomaly: Micro(number(version, 200 + column as u64) as i64),
    };
    let verdicts = versions.graph.map(|version| (0..COLUMNS.len()).map(|column| verdict(version, column)).collect());
    (!digest.is_multiple_of(19)).then_some(Scored { said, verdicts })
}

/// Finds by hashing. Of one content in nine a version says nothing.
#[derive(Debug)]
pub struct Looker;

impl Inspector for Looker {
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>> {
        pictures.iter().map(|content| found(version, *content)).collect()
    }
}

fn found(version: ModelVersion, content: Content) -> Option<Found> {
    let ModelVersion { major, minor, patch } = version;
    let bytes = content.0.into_iter().map(u64::from);
    let digest = stable_hash(&[major.into(), minor.into(), patch.into()].into_iter().chain(bytes).collect::<Vec<_>>());
    let finding = |ordinal: u64| {
        let number = stable_hash(&[digest, ordinal]);
        let [kind, score, bounds @ .., _, _] = number.to_le_bytes();
        Defect {
            defect: DefectType::ALL[usize::from(kind) % DefectType::COUNT],
            score: PerMille(i32::from(score)),
            bounds,
        }
    };
    (!digest.is_multiple_of(9)).then(|| Found::of((0..digest % 4).map(finding).collect()))
}
