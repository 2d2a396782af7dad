//! What every training here shares: the loop over epochs with early stopping, the optimiser's helpers, checkpoints
//! that resume to the very same result, and progress.
//!
//! A network's own part is a [`Task`]: how many batches an epoch has, the gradients of one of them, and what
//! validation says. All that is random in a task follows from the [`Step`] it is given, so a training that was
//! interrupted and resumed ends in the same weights as one that was not.

mod checkpoint;
mod early;
mod fit;
mod gradients;
mod initial;
mod progress;
mod schedule;
mod step;

pub use checkpoint::{Checkpoint, Progress};
pub use early::EarlyStopping;
pub use fit::{Epoch, Fitted, Plan, Stop, Task, Validation, fit, restore};
pub use gradients::{clip_to_norm, norm, register};
pub use initial::Initial;
pub use progress::{Event, JsonLines, Quiet, Terminal, Watch};
pub use schedule::Schedule;
pub use step::{Step, order};
