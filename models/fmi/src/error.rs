//! What can go wrong, by where: opening a file, a call of the unit, the process around it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// A file that is no unit that Lehr can run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot read {path}; check that the file is there and readable")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no zip archive; give the .fmu file as the modelling tool exported it")]
    NotAnArchive {
        path: PathBuf,
        #[source]
        source: zip::result::ZipError,
    },
    #[error("the archive's entry '{0}' leads out of the archive; refuse the file, and ask who made it")]
    Escapes(String),
    #[error("the archive's entry '{0}' is a link; export the unit anew, with files alone")]
    Link(String),
    #[error(
        "the archive is too large: {what} above {most}; export it without documentation, sources and other platforms"
    )]
    TooLarge { what: &'static str, most: u64 },
    #[error("cannot unpack the archive to {path}; check that there is space")]
    Unpack {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the archive's entry '{name}' is damaged; copy or export the file anew")]
    Damaged {
        name: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the archive has no modelDescription.xml at its top; it is no FMU, or was zipped with its folder")]
    NoDescription,
    #[error("modelDescription.xml cannot be read: {0}; export the unit anew")]
    Description(String),
    #[error("the unit is of FMI {0}; Lehr runs 2.0 and 3.0: export it as one of these")]
    Version(String),
    #[error(
        "the unit is for model exchange or scheduled execution alone; export it for co-simulation, with its solver"
    )]
    NotCoSimulation,
    #[error("the unit has no {wanted}; it was made for {found}: export it for this platform, or from its sources here")]
    Platform { wanted: String, found: String },
    #[error("the unit has clocks, which Lehr does not drive; export it without clocked inputs")]
    Clocks,
}

/// What a call of the unit came to. Crosses the border of processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum UnitError {
    #[error("the unit's library cannot be loaded: {0}; install what it needs, or name it in the environment")]
    Load(String),
    #[error("the unit's library lacks the function {0}; it is not of the version that its description says")]
    Missing(String),
    #[error("the unit's library says it is of FMI {found}, its description {described}; export it anew")]
    Version { found: String, described: String },
    #[error("the unit refused to start: {0}")]
    Instantiate(String),
    #[error("{call} failed with the unit's status '{status}'{}", because(.message))]
    Status { call: String, status: String, message: Option<String> },
    #[error("the unit discarded the step from {from_s} s on and came to {reached_s} s; give it a shorter step_s")]
    Discarded { from_s: f64, reached_s: f64 },
    #[error("the unit asked to end its simulation at {at_s} s; it cannot run on")]
    Ended { at_s: f64 },
    #[error("the unit stopped early at {reached_s} s in the step from {from_s} s on, which it was not allowed to")]
    Early { from_s: f64, reached_s: f64 },
    #[error(
        "the unit computes steps in the background, which Lehr does not wait for; export it to compute in the call"
    )]
    Pending,
    #[error("the unit's variable '{variable}' is {value} at {at_s} s, which is no number")]
    NotFinite { variable: String, value: f64, at_s: f64 },
    #[error("the value {value} does not fit variable '{variable}' of type {kind}")]
    Unfit { variable: String, value: f64, kind: String },
    #[error("no variable has the number {0}")]
    NoVariable(u32),
    #[error("{0} is not possible in this state of the unit")]
    Order(String),
}

fn because(message: &Option<String>) -> String {
    message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
}

/// What became of a request to the process of a unit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HostError {
    #[error(transparent)]
    Unit(#[from] UnitError),
    #[error("the unit's process cannot be started: {0}")]
    Spawn(String),
    #[error("the unit did not answer within {} s and was ended; give it longer with limit_s, or a shorter step_s", .limit.as_secs_f64())]
    TimeLimit { limit: Duration },
    #[error("the unit's process died: {how}{}", because(.said))]
    Died {
        how: String,
        /// The last that it wrote to its standard error.
        said: Option<String>,
    },
    #[error("the unit's process answered what is no answer ({0}) and was ended")]
    Protocol(String),
    #[error("the request is too large: {size} bytes, {most} at most; map fewer variables")]
    TooLarge { size: usize, most: usize },
}
