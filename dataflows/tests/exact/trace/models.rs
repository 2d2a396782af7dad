//! Which models people register and deploy.

use super::definitions::pick;
use super::{ChaCha8Rng, START};
use lehr_domain::event::Revised;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::{Event, EventMs, SpanMs, Tick};
use rand::{RngExt, SeedableRng};

/// Whoever does so, with chances of their own: what else happens does not depend on them.
pub struct Deployers {
    rng: ChaCha8Rng,
    told: Vec<Revised>,
}

impl Deployers {
    pub fn new(seed: u64) -> Deployers {
        Deployers { rng: ChaCha8Rng::seed_from_u64(seed ^ 0x6d6f_6465_6c73), told: Vec::new() }
    }

    /// From before the beginning on a forecaster scores. Now and then there is another deployment, also from an earlier or
    /// a later time on, also of none, also another from the same time on, also once more what was told already.
    pub fn act(&mut self, tick: Tick, now: EventMs) -> Vec<Revised> {
        if tick == Tick(1) {
            let version = Some(ModelVersion::new(1, 0, 0));
            let first = deployment(ModelKind::Forecaster, Alias::Production, START - SpanMs::days(1), version);
            self.told.push(Revised { revision: tick.0, event: first });
            return self.told.clone();
        }
        let mut events = Vec::new();
        match self.rng.random_range(0..24) {
            0..3 => {
                let alias = if self.rng.random_bool(0.8) { Alias::Production } else { Alias::Challenger };
                let at = EventMs((now.0 + self.rng.random_range(-1_200_000..120_000)) / 30_000 * 30_000);
                let version = self.rng.random_bool(0.85).then(|| version(&mut self.rng));
                events.push(deployment(pick(&mut self.rng, &ModelKind::ALL), alias, at, version));
            }
            3 => {
                let old = pick(&mut self.rng, &self.told).event;
                if let Event::Deployment(row) = old {
                    events.push(deployment(row.model, row.alias, row.at, Some(version(&mut self.rng))));
                }
            }
            4 => {
                let (kind, version) = (pick(&mut self.rng, &ModelKind::ALL), version(&mut self.rng));
                events.push(Event::Model(kind, version, Box::new(registration(now, self.rng.random_range(0..9)))));
            }
            _ => {}
        }
        let mut events: Vec<Revised> = events.into_iter().map(|event| Revised { revision: tick.0, event }).collect();
        self.told.extend(events.iter().cloned());
        if self.rng.random_bool(0.05) {
            events.push(pick(&mut self.rng, &self.told));
        }
        events
    }
}

pub fn deployment(model: ModelKind, alias: Alias, at: EventMs, version: Option<ModelVersion>) -> Event {
    Event::Deployment(Box::new(Deployment { model, alias, at, version, by: "ada".into(), reason: "better".into() }))
}

fn registration(at: EventMs, bytes: u64) -> Registration {
    let text = || "x".to_owned();
    Registration {
        digest: text(),
        bytes,
        trained: text(),
        data: text(),
        schema: text(),
        metrics: text(),
        by: text(),
        at,
        note: text(),
    }
}

pub fn version(rng: &mut ChaCha8Rng) -> ModelVersion {
    ModelVersion::new(1, rng.random_range(0..3), 0)
}
