//! Looks whether a store can be used, and changes nothing in it.

use crate::config::{ARTIFACTS, Config, Place as Where};
use crate::place::Place;
use crate::position::POSITION;
use crate::target::standing;
use lehr_domain::EventMs;
use lehr_targets::TargetError;
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(20);

/// What is there, what is missing, and what to do about it. An error when the store cannot be reached or used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    match tokio::time::timeout(LIMIT, look(config)).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: no answer within {} s", config.address(), LIMIT.as_secs())),
    }
}

async fn look(config: &Config) -> Result<Vec<String>, TargetError> {
    let kind = match config.place().map_err(|error| TargetError::Refused(error.to_string()))? {
        Where::Folder(root) if !root.is_dir() => {
            return Ok(vec![format!("{} is made at the start", root.display())]);
        }
        Where::Folder(_) => "folder",
        Where::Bucket { .. } => "bucket",
    };
    let place = Place::open(config)?;
    let artefacts = place.list(ARTIFACTS).await?;
    let mut lines = vec![format!("{kind} {}", config.address())];
    let (position, version) = standing(&place).await?;
    if version.is_none() {
        lines.push(format!("it holds nothing yet: {POSITION} is made at the start"));
    } else {
        let now = position.now().map_or("no time".to_owned(), |now: EventMs| now.to_string());
        let kept = position.tables.values().filter(|kept| kept.until.is_none());
        let (all, partly) = kept.fold((0, 0), |(all, partly), kept| (all + 1, partly + usize::from(kept.since > 0)));
        let partly = if partly > 0 { format!(", {partly} of them only from some tick on") } else { String::new() };
        lines.push(format!("it holds tick {} ({now}), {all} tables{partly}", position.tick));
        let bytes: u64 = position.objects().map(|object| object.bytes).sum();
        lines.push(format!("{} objects count, {:.1} MB", position.objects().count(), bytes as f64 / 1e6));
    }
    if !artefacts.is_empty() {
        let bytes: u64 = artefacts.iter().map(|found| found.bytes).sum();
        lines.push(format!("artefacts have {:.1} MB", bytes as f64 / 1e6));
    }
    Ok(lines)
}
