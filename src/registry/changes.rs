//! Registering a version, and saying which one is meant by an alias.

use super::aliases::{Aliases, next};
use super::described::{Description, NoModel};
use super::error::RegistryError;
use super::files::{FILE_MOST, FileState, digest};
use super::{REGISTERED_MOST, Registry, find};
use crate::runtime::Submission;
use lehr_domain::Event;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::operator::AuditEntry;
use lehr_queries::Snapshot;
use std::sync::{MutexGuard, PoisonError};

/// Who changes something, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub by: String,
    pub reason: String,
}

impl Changed {
    pub fn new(by: impl Into<String>, reason: impl Into<String>) -> Changed {
        Changed { by: by.into(), reason: reason.into() }
    }
}

impl Registry {
    /// Takes a model's file in, with its card. Its kind and version are what it says of itself.
    ///
    /// The same file once more changes nothing, but puts back a file that was lost.
    ///
    /// Error: it is no model, is refused as one of its kind, or its version is registered with other bytes.
    pub fn register(
        &self,
        bytes: &[u8],
        card: Option<&str>,
        changed: &Changed,
    ) -> Result<(ModelKind, ModelVersion), RegistryError> {
        if bytes.len() > FILE_MOST {
            return Err(NoModel::TooLarge { bytes: bytes.len() }.into());
        }
        let said = Description::read(bytes)?;
        let _edit = self.edit();
        self.is_free(&said, bytes)?;
        let incoming = self.0.files.take_in(bytes)?;
        self.opener().check(said.model, incoming.path())?;
        incoming.keep(said.model, said.version)?;
        self.enter(said, bytes, card, changed)
    }

    /// As [`Registry::register`], of a file that comes with Lehr and is known to be good: also where there is nothing to
    /// open it with.
    pub(super) fn register_shipped(
        &self,
        bytes: &[u8],
        card: &str,
        changed: &Changed,
    ) -> Result<(ModelKind, ModelVersion), RegistryError> {
        let said = Description::read(bytes)?;
        let _edit = self.edit();
        self.is_free(&said, bytes)?;
        self.0.files.take_in(bytes)?.keep(said.model, said.version)?;
        self.enter(said, bytes, Some(card), changed)
    }

    /// Whether a version may have these bytes.
    fn is_free(&self, said: &Description, bytes: &[u8]) -> Result<(), RegistryError> {
        let snapshot = self.0.runtime.snapshot();
        match find(&snapshot, said.model, said.version) {
            Some(row) if row.digest != digest(bytes) => {
                let digest = row.digest.clone();
                Err(RegistryError::Taken { model: said.model, version: said.version, digest })
            }
            None if snapshot.models.len() >= REGISTERED_MOST => Err(RegistryError::Full),
            _ => Ok(()),
        }
    }

    /// Makes the row of a version whose file is there, unless it has one.
    fn enter(
        &self,
        said: Description,
        bytes: &[u8],
        card: Option<&str>,
        changed: &Changed,
    ) -> Result<(ModelKind, ModelVersion), RegistryError> {
        let Description { model, version, trained, data, schema, metrics } = said;
        if let Some(card) = card {
            self.0.files.put_card(model, version, card)?;
        }
        if find(&self.0.runtime.snapshot(), model, version).is_some() {
            return Ok((model, version));
        }
        let registration = Registration {
            digest: digest(bytes),
            bytes: bytes.len() as u64,
            trained,
            data,
            schema,
            metrics,
            by: changed.by.clone(),
            at: self.0.runtime.now(),
            note: changed.reason.clone(),
        };
        let after = registration.digest.clone();
        let event = Event::Model(model, version, Box::new(registration));
        self.apply(vec![event], "model.register", (model, Some(version)), [String::new(), after], changed)?;
        self.changed();
        Ok((model, version))
    }

    /// Gives a registered version another card.
    pub fn put_card(
        &self,
        model: ModelKind,
        version: ModelVersion,
        text: &str,
        changed: &Changed,
    ) -> Result<(), RegistryError> {
        let _edit = self.edit();
        if find(&self.0.runtime.snapshot(), model, version).is_none() {
            return Err(RegistryError::Unknown { model, version });
        }
        self.0.files.put_card(model, version, text)?;
        self.changed();
        let after = format!("{} bytes", text.len());
        self.apply(Vec::new(), "model.card", (model, Some(version)), [String::new(), after], changed)
    }

    /// Puts a version into production, from now on. Who was its challenger is none any more when it is this one.
    ///
    /// Error: it is not registered, its file is not there or is refused, or it is in production already.
    pub fn promote(&self, model: ModelKind, version: ModelVersion, changed: &Changed) -> Result<(), RegistryError> {
        let _edit = self.edit();
        self.deploy(model, version, "model.promote", changed)
    }

    /// Puts the version into production that was there before the present one; gives which.
    ///
    /// Error: there is none, or as for [`Registry::promote`].
    pub fn roll_back(&self, model: ModelKind, changed: &Changed) -> Result<ModelVersion, RegistryError> {
        let _edit = self.edit();
        let aliases = Aliases::of(&self.0.runtime.snapshot(), model);
        let version = aliases.previous.ok_or(RegistryError::NoPrevious(model))?;
        self.deploy(model, version, "model.rollback", changed)?;
        Ok(version)
    }

    fn deploy(
        &self,
        model: ModelKind,
        version: ModelVersion,
        action: &str,
        changed: &Changed,
    ) -> Result<(), RegistryError> {
        let snapshot = self.0.runtime.snapshot();
        let aliases = Aliases::of(&snapshot, model);
        if aliases.production == Some(version) {
            return Err(RegistryError::InProduction { model, version });
        }
        self.can_score(&snapshot, model, version)?;
        let mut events = vec![self.deployment(&snapshot, model, Alias::Production, Some(version), changed)];
        if aliases.challenger == Some(version) {
            events.push(self.deployment(&snapshot, model, Alias::Challenger, None, changed));
        }
        self.apply(events, action, (model, Some(version)), [told(aliases.production), version.to_string()], changed)
    }

    /// Names the version that is to be compared with production, or none.
    ///
    /// Error: it is not registered, its file is not there or is refused, or it is in production.
    pub fn challenge(
        &self,
        model: ModelKind,
        version: Option<ModelVersion>,
        changed: &Changed,
    ) -> Result<(), RegistryError> {
        let _edit = self.edit();
        let snapshot = self.0.runtime.snapshot();
        let aliases = Aliases::of(&snapshot, model);
        match version {
            Some(version) if aliases.production == Some(version) => {
                return Err(RegistryError::InProduction { model, version });
            }
            Some(version) => self.can_score(&snapshot, model, version)?,
            None if aliases.challenger.is_none() => return Err(RegistryError::NoChallenger(model)),
            None => {}
        }
        let event = self.deployment(&snapshot, model, Alias::Challenger, version, changed);
        self.apply(
            vec![event],
            "model.challenger",
            (model, version),
            [told(aliases.challenger), told(version)],
            changed,
        )
    }

    /// The version that a new training makes: the next patch of the newest one.
    pub fn next_version(&self, model: ModelKind) -> ModelVersion {
        let snapshot = self.0.runtime.snapshot();
        let newest = snapshot.models.range(|row| row.model.cmp(&model)).next_back();
        newest.map_or(ModelVersion::new(1, 0, 0), |row| ModelVersion { patch: row.version.patch + 1, ..row.version })
    }

    /// Whether a version's file is the one that was registered, and is taken.
    pub(super) fn can_score(
        &self,
        snapshot: &Snapshot,
        model: ModelKind,
        version: ModelVersion,
    ) -> Result<(), RegistryError> {
        let row = find(snapshot, model, version).ok_or(RegistryError::Unknown { model, version })?;
        match self.state(row) {
            FileState::Ready => Ok(self.opener().check(model, &self.0.files.path(model, version))?),
            state => Err(RegistryError::File { model, version, state }),
        }
    }

    fn deployment(
        &self,
        snapshot: &Snapshot,
        model: ModelKind,
        alias: Alias,
        version: Option<ModelVersion>,
        Changed { by, reason }: &Changed,
    ) -> Event {
        let at = next(snapshot, model, alias, self.0.runtime.now());
        let deployment = Deployment { model, alias, at, version, by: by.clone(), reason: reason.clone() };
        Event::Deployment(Box::new(deployment))
    }

    pub(super) fn edit(&self) -> MutexGuard<'_, ()> {
        // It guards nothing that a panic could leave half done: what is there is in the journal.
        self.0.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change and waits until it shows.
    pub(super) fn apply(
        &self,
        mut events: Vec<Event>,
        action: &str,
        (model, version): (ModelKind, Option<ModelVersion>),
        [before, after]: [String; 2],
        Changed { by, reason }: &Changed,
    ) -> Result<(), RegistryError> {
        let runtime = &self.0.runtime;
        let subject = version.map_or_else(|| model.to_string(), |version| format!("{model} {version}"));
        events.push(Event::Audit(AuditEntry {
            id: 0,
            at: runtime.now(),
            by: by.clone(),
            action: action.to_owned(),
            subject,
            before,
            after,
            reason: reason.clone(),
        }));
        let submission = Submission { source: "registry".into(), events, ..Submission::default() };
        runtime.submit_blocking(submission)?.wait()?;
        Ok(())
    }
}

fn told(version: Option<ModelVersion>) -> String {
    version.map(|version| version.to_string()).unwrap_or_default()
}
