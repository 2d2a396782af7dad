//! Trained models: which are registered, and which of them score from when on. Inputs like any other: journalled,
//! audited, and so the same for everybody and at every replay.

use crate::table::{Cell, ColumnType, Publish};
use crate::{EventMs, names::Names};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ModelKind {
    /// Foretells defect events from two hours of a line's sensors.
    Forecaster,
    /// Says which sensors of a line fail or see something strange.
    Graph,
    /// Makes one forecast from what the others say.
    Ensemble,
    /// Finds defects on pictures of ware.
    Inspector,
}

impl ModelKind {
    pub const ALL: [ModelKind; 4] =
        [ModelKind::Forecaster, ModelKind::Graph, ModelKind::Ensemble, ModelKind::Inspector];

    pub fn text(self) -> &'static str {
        match self {
            ModelKind::Forecaster => "forecaster",
            ModelKind::Graph => "graph",
            ModelKind::Ensemble => "ensemble",
            ModelKind::Inspector => "inspector",
        }
    }

    pub fn parse(text: &str) -> Option<ModelKind> {
        ModelKind::ALL.into_iter().find(|kind| kind.text() == text)
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// A semantic version: `major.minor.patch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl ModelVersion {
    pub fn new(major: u32, minor: u32, patch: u32) -> ModelVersion {
        ModelVersion { major, minor, patch }
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoVersion(String);

impl std::error::Error for NoVersion {}

impl fmt::Display for NoVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{}' is no version; write three numbers, such as 1.0.2", self.0)
    }
}

impl FromStr for ModelVersion {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<ModelVersion, NoVersion> {
        // No sign, no blank, no leading zero: one text a version.
        let number = |part: &str| {
            let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && (part.len() == 1 || !part.starts_with('0'));
            part.parse::<u32>().ok().filter(|_| plain)
        };
        let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
        match numbers.as_deref() {
            Some([major, minor, patch]) => Ok(ModelVersion::new(*major, *minor, *patch)),
            _ => Err(NoVersion(text.chars().take(40).collect())),
        }
    }
}

/// What is known of a registered version. Its file is kept beside the journal; the digest says whether it is that one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Registration {
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    pub bytes: u64,
    /// When it was trained, as its file says.
    pub trained: String,
    /// Names the data that it was trained on.
    pub data: String,
    /// Names what it reads.
    pub schema: String,
    /// What its training found, as JSON.
    pub metrics: String,
    pub by: String,
    /// When it was registered, plant time.
    pub at: EventMs,
    pub note: String,
}

/// A name for whichever version is meant by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Alias {
    /// The version that scores.
    Production,
    /// One that is to be compared with it.
    Challenger,
}

impl Alias {
    pub const ALL: [Alias; 2] = [Alias::Production, Alias::Challenger];

    pub fn text(self) -> &'static str {
        match self {
            Alias::Production => "production",
            Alias::Challenger => "challenger",
        }
    }

    pub fn parse(text: &str) -> Option<Alias> {
        Alias::ALL.into_iter().find(|alias| alias.text() == text)
    }
}

/// From when on an alias means a version. The latest whose time has come holds, so that what was scored before keeps
/// the version that scored it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Deployment {
    pub model: ModelKind,
    pub alias: Alias,
    /// Event time.
    pub at: EventMs,
    /// `None`: it means none from then on.
    pub version: Option<ModelVersion>,
    pub by: String,
    pub reason: String,
}

impl Publish for ModelKind {
    const KIND: ColumnType = ColumnType::Text;
    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.text().to_owned())
    }
}

impl Publish for ModelVersion {
    const KIND: ColumnType = ColumnType::Text;
    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.to_string())
    }
}

impl Publish for Alias {
    const KIND: ColumnType = ColumnType::Text;
    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.text().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_plain_numbers() {
        assert_eq!("1.20.3".parse(), Ok(ModelVersion::new(1, 20, 3)));
        assert_eq!(ModelVersion::new(1, 20, 3).to_string(), "1.20.3");
        assert!(ModelVersion::new(1, 9, 0) < ModelVersion::new(1, 10, 0));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.02.3", "+1.2.3", "1. 2.3", "v1.2.3", "1.2.4294967296", "1..3"] {
            assert!(wrong.parse::<ModelVersion>().is_err(), "{wrong}");
        }
    }
}
