//! Which versions the aliases of a kind mean, from what was ever deployed.

use lehr_dataflows::tables::DeploymentRow;
use lehr_domain::model::{Alias, ModelKind, ModelVersion};
use lehr_domain::{EventMs, SpanMs};
use lehr_queries::Snapshot;

/// What is meant now. Nothing is deployed for a time to come, so the latest deployment holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// The version that scores.
    pub production: Option<ModelVersion>,
    /// The other version that was in production last: what a roll-back goes back to.
    pub previous: Option<ModelVersion>,
    /// The version that is to be compared with production.
    pub challenger: Option<ModelVersion>,
}

/// All deployments of an alias, oldest first.
fn deployments(snapshot: &Snapshot, model: ModelKind, alias: Alias) -> impl DoubleEndedIterator<Item = &DeploymentRow> {
    snapshot.deployments.range(move |row| row.model.cmp(&model).then(row.alias.cmp(&alias)))
}

/// When a deployment that is decided now takes effect: now, or, of two within a millisecond, a millisecond later, so that
/// both stay told.
pub fn next(snapshot: &Snapshot, model: ModelKind, alias: Alias, now: EventMs) -> EventMs {
    let last = deployments(snapshot, model, alias).next_back();
    last.map_or(now, |last| now.max(last.at + SpanMs(1)))
}

impl Aliases {
    pub fn of(snapshot: &Snapshot, model: ModelKind) -> Aliases {
        let latest = |alias| deployments(snapshot, model, alias).next_back().and_then(|row| row.version);
        let production = latest(Alias::Production);
        let mut earlier = deployments(snapshot, model, Alias::Production).rev().filter_map(|row| row.version);
        Aliases {
            production,
            previous: earlier.find(|version| Some(*version) != production),
            challenger: latest(Alias::Challenger),
        }
    }

    /// The names that a version has.
    pub fn names(&self, version: ModelVersion) -> Vec<&'static str> {
        let Aliases { production, previous, challenger } = *self;
        let named = [("production", production), ("previous", previous), ("challenger", challenger)];
        named.into_iter().filter(|(_, meant)| *meant == Some(version)).map(|(name, _)| name).collect()
    }

    /// The version that a name means.
    pub fn meant(&self, name: &str) -> Option<ModelVersion> {
        match name {
            "production" => self.production,
            "previous" => self.previous,
            "challenger" => self.challenger,
            _ => None,
        }
    }
}
