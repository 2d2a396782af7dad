//! What stands for trained models: it foretells by hashing whatever it is given.

use lehr_dataflows::forecasts::{Forecast, Said, Scored, Scorer, Terms, Verdict, Versions, Window};
use lehr_domain::defect_event::DefectEvent;
use lehr_domain::ids::stable_hash;
use lehr_domain::model::ModelVersion;
use lehr_domain::{Micro, PerMille, SpanMs};

#[derive(Debug)]
pub struct Foreteller;

impl Scorer for Foreteller {
    fn columns(&self) -> &'static [&'static str] {
        &["furnace_temperature"]
    }

    fn terms(&self) -> Terms {
        Terms {
            window: 4,
            heard_least: 2,
            horizons: [1, 3, 8].map(SpanMs::minutes),
            event: DefectEvent { minutes: 3, limit: PerMille(400), least_units: 1 },
        }
    }

    fn score(&self, versions: Versions, windows: &[Window]) -> Vec<Option<Scored>> {
        windows.iter().map(|window| Some(scored(versions, window))).collect()
    }
}

fn scored(versions: Versions, window: &Window) -> Scored {
    let values: Vec<u64> = window.0.iter().map(|value| value.map_or(u64::MAX, |value| value.0 as u64)).collect();
    let seen = stable_hash(&values);
    let number =
        |version: ModelVersion, more: u64| Micro((stable_hash(&[seen, version.minor.into(), more]) % 1_000_001) as i64);
    let forecast = |version, more| {
        let probability = [0_u64, 1, 2].map(|horizon| number(version, more + horizon));
        Forecast { probability, expected: probability.map(|probability| probability > Micro(500_000)) }
    };
    let said = Said {
        forecaster: forecast(versions.forecaster, 0),
        ensemble: versions.ensemble.map(|version| forecast(version, 3)),
    };
    let verdict = |version| Verdict { failure: number(version, 6), anomaly: number(version, 7) };
    Scored { said, verdicts: versions.graph.map(|version| vec![verdict(version)]) }
}
