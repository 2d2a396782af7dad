//! Benchmarks of the whole system, part of the product: `lehr bench` on the machine at hand says what Lehr does
//! there.
//!
//! Each builds a system in a temporary folder (journal on, an fsync per tick, all graphs, the server on
//! loopback), measures from the outside where people look (a WebSocket client, an HTTP client), and removes the
//! folder. Inputs go in through [`crate::runtime::Runtime::submit`] in the same process, unless it says otherwise:
//! what is measured is Lehr, not a load generator's JSON.

pub mod edge;
pub mod late;
pub mod latency;
mod pick;
pub mod pipeline;
mod report;
pub mod restart;
mod screen;
pub mod soak;
pub mod sql;
mod stage;
pub mod what_if;

pub use report::{Figure, Report};

use crate::recording::RecordingError;
use crate::replay::ReplayError;
use crate::runtime::RuntimeError;

#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("the runtime failed")]
    Runtime(#[from] RuntimeError),
    #[error("the recording failed")]
    Recording(#[from] RecordingError),
    #[error("the replay failed")]
    Replay(#[from] ReplayError),
    #[error("the journal failed")]
    Journal(#[from] crate::journal::JournalError),
    #[error("the plant catalogue cannot be used")]
    Catalogue(#[from] lehr_domain::catalogue::BadCatalogue),
    #[error("the simulated plant failed")]
    Plant(#[from] lehr_plant::PlantError),
    #[error("tokens cannot be made")]
    Auth(#[from] crate::auth::AuthError),
    #[error("the server cannot start")]
    Serve(#[from] crate::api::ServeError),
    #[error("the WebSocket client failed")]
    Socket(#[from] Box<tungstenite::Error>),
    #[error("the HTTP client failed")]
    Http(#[from] Box<ureq::Error>),
    #[error("pictures cannot be kept")]
    Pictures(#[from] crate::pictures::PictureError),
    #[error("files of the benchmark cannot be read or written")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Setup(String),
}
