//! A data directory checked, file by file: what was found, what it means, and what to do. Changes nothing, and may run
//! beside a server.

use crate::auth;
use crate::checkpoint::{self, Checkpoints};
use crate::history::History;
use crate::journal::storage::Disk;
use crate::journal::{self, JournalError, Reader};
use crate::pictures;
use crate::registry::{FileState, Files};
use lehr_domain::Event;
use lehr_domain::event::Revised;
use lehr_domain::model::{ModelKind, ModelVersion};
use std::collections::BTreeMap;
use std::path::Path;

/// What a check says of one file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Below the data directory.
    pub file: String,
    pub state: State,
    pub found: String,
    /// What to do; empty when there is nothing to do.
    pub advice: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Good,
    /// Odd, but nothing is lost by it.
    Note,
    Damaged,
}

impl Finding {
    pub fn good(file: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding { file: file.into(), state: State::Good, found: found.into(), advice: String::new() }
    }

    pub fn note(file: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { file: file.into(), state: State::Note, found: found.into(), advice: advice.into() }
    }

    pub fn damaged(file: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { file: file.into(), state: State::Damaged, found: found.into(), advice: advice.into() }
    }
}

/// Checks everything below a data directory or recording that has a journal.
pub fn verify(data: &Path) -> Result<Vec<Finding>, JournalError> {
    let folder = data.join(journal::FOLDER);
    let disk =
        Disk::shared(&folder).map_err(|error| journal::io_error("open", &folder.display().to_string(), error))?;
    let mut findings = journal::check::check(&disk)?;
    match History::open(data) {
        Ok(history) => findings.extend(history.check()?),
        Err(error) => findings.push(Finding::damaged(
            "history/manifest",
            error.to_string(),
            "restore it from a copy; the readings of thin segments cannot be found without it",
        )),
    }
    findings.extend(checkpoints(data));
    findings.extend(models(data));
    findings.extend(pictures::check(data));
    findings.extend(tokens(data));
    Ok(findings)
}

/// Checkpoints are an aid to a quick start, and never the only copy of anything.
fn checkpoints(data: &Path) -> Vec<Finding> {
    let Some(checkpoints) = Checkpoints::look(data) else { return Vec::new() };
    let advice = "remove it: the next start uses an older one, or the journal, and takes longer";
    let one = |tick| {
        let file = format!("{}/{}", checkpoint::FOLDER, checkpoint::name(tick));
        match checkpoints.check(tick) {
            Ok(head) => Finding::good(file, format!("everything as of tick {}, plant time {}", head.tick.0, head.now)),
            Err(reason) if data.join(&file).exists() => Finding::damaged(file, reason, advice),
            Err(_) => Finding::note(file, "it was replaced while it was looked at", "nothing: a newer one is there"),
        }
    };
    match checkpoints.ticks() {
        Ok(ticks) => ticks.into_iter().map(one).collect(),
        Err(error) => vec![Finding::damaged(checkpoint::FOLDER, error.to_string(), "make the folder readable")],
    }
}

/// Files of registered models, as far as the journal can be read: what is wrong with that is told of its segments.
fn models(data: &Path) -> Vec<Finding> {
    let mut registered = BTreeMap::new();
    let Ok(mut journal) = Reader::open(data) else { return Vec::new() };
    while let Some(Ok(recorded)) = journal.record() {
        for Revised { event, .. } in recorded.inputs.events {
            if let Event::Model(model, version, registration) = event {
                registered.insert((model, version), registration.digest);
            }
        }
    }
    let files = Files::new(data);
    let one = |((model, version), digest): ((ModelKind, ModelVersion), String)| {
        let path = files.path(model, version);
        let file = path.strip_prefix(data).unwrap_or(&path).display().to_string();
        let advice = "restore it from a copy, or register the same file again; one that comes with Lehr is put back at the \
                      next start";
        match files.state(model, version, &digest) {
            FileState::Ready => Finding::good(file, format!("{model} {version}, as it was registered")),
            FileState::Missing => Finding::damaged(file, format!("the file of {model} {version} is missing"), advice),
            FileState::Damaged => {
                Finding::damaged(file, format!("it cannot be read, or has other bytes than {model} {version}"), advice)
            }
        }
    };
    registered.into_iter().map(one).collect()
}

fn tokens(data: &Path) -> Option<Finding> {
    let path = data.join(auth::TOKENS_FILE);
    if !path.exists() {
        return None;
    }
    Some(match auth::count(&path) {
        Ok(count) => Finding::good(auth::TOKENS_FILE, format!("{count} tokens")),
        Err(error) => Finding::damaged(
            auth::TOKENS_FILE,
            error.to_string(),
            "restore it from a copy, or remove it: the next start then makes an admin token",
        ),
    })
}
