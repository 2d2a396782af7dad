//! What several commands share: catalogue, faults, progress.

use super::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use lehr_domain::SpanMs;
use lehr_domain::catalogue::{self, Catalogue};
use lehr_plant::{FaultKind, FaultSpec};
use std::path::{Path, PathBuf};

/// Reads a span such as `10m` for clap.
pub fn span(text: &str) -> Result<SpanMs, String> {
    SpanMs::parse(text).map_err(|error| error.to_string())
}

/// Reads a fault such as `furnace_overheat:Line_A@10m` for clap.
pub fn fault(text: &str) -> Result<FaultSpec, String> {
    FaultSpec::parse(text).map_err(|error| {
        let kinds: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.text()).collect();
        format!("{error}; the kinds are {}", kinds.join(", "))
    })
}

/// The catalogue of `path`, else the one kept in the data directory, else the shipped one; enlarged to
/// `sensors` when that is given.
pub fn catalogue(path: Option<&Path>, sensors: Option<usize>) -> Result<Catalogue, Failure> {
    let parsed = match path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Catalogue::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => Catalogue::parse(catalogue::DEFAULT)?,
    };
    Ok(match sensors {
        Some(sensors) => parsed.scaled(sensors),
        None => parsed,
    })
}

/// The knowledge base of `path`, else the shipped one.
pub fn knowledge(path: Option<&PathBuf>) -> Result<String, Failure> {
    match path {
        Some(path) => Ok(std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => Ok(lehr_causal::DEFAULT.to_owned()),
    }
}

/// A progress bar on standard error; hidden when that is no terminal.
pub fn progress(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len} {per_sec} {eta}")
        .expect("the template is constant");
    ProgressBar::new(length).with_style(style).with_message(what)
}
