//! What Lehr's models learn from: sets made from seeds by the simulated plant, with their splits, their baselines, and the
//! best that any model could do on them.
//!
//! Invariants: the same recipe gives the same set, on any number of threads; no example of one part shares a plant, or a
//! minute of time, with another part; inputs are what Lehr itself would have read, and the truth enters labels alone.

mod error;
pub mod sequences;

pub use error::DatasetError;
