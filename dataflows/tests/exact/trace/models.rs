//! Which models people register and deploy.

use super::definitions::pick;
use super::{ChaCha8Rng, START};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::{Event, EventMs, SpanMs};
use rand::RngExt;

/// From before the beginning on a forecaster scores.
pub fn first() -> Event {
    Event::Deployment(Box::new(Deployment {
        model: ModelKind::Forecaster,
        alias: Alias::Production,
        at: START - SpanMs::days(1),
        version: Some(ModelVersion::new(1, 0, 0)),
        by: "ada".into(),
        reason: String::new(),
    }))
}

/// Now and then a deployment, also from an earlier or a later time on, also of none, also another from the same time on.
pub fn act(rng: &mut ChaCha8Rng, now: EventMs) -> Option<Event> {
    match rng.random_range(0..24) {
        0..3 => {
            let alias = if rng.random_bool(0.8) { Alias::Production } else { Alias::Challenger };
            let at = EventMs((now.0 + rng.random_range(-1_200_000..120_000)) / 30_000 * 30_000);
            let version = rng.random_bool(0.85).then(|| version(rng));
            let model = pick(rng, &ModelKind::ALL);
            let (by, reason) = (pick(rng, &["ada", "bob"]).to_owned(), pick(rng, &["", "better"]).to_owned());
            Some(Event::Deployment(Box::new(Deployment { model, alias, at, version, by, reason })))
        }
        3 => {
            let text = || "x".to_owned();
            let row = Registration {
                digest: text(),
                bytes: rng.random_range(0..9),
                trained: text(),
                data: text(),
                schema: text(),
                metrics: text(),
                by: text(),
                at: now,
                note: text(),
            };
            Some(Event::Model(pick(rng, &ModelKind::ALL), version(rng), Box::new(row)))
        }
        _ => None,
    }
}

fn version(rng: &mut ChaCha8Rng) -> ModelVersion {
    ModelVersion::new(1, rng.random_range(0..3), 0)
}
