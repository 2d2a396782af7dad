//! The whole runtime on one thread, under a simulated clock, disks and a scheduler: whatever can happen between a
//! submission and a sink, and to what is kept on disk meanwhile, happens here in an order drawn from a seed, and after
//! every move it is checked that
//!
//! - the journal is a log that only grows: what was durable is there after any crash, in order, unchanged, whether its
//!   readings are still in a segment or in history;
//! - every reading that was ever journalled is found by a look-up, once;
//! - a checkpoint that was made is there after any crash, is sound, and is not ahead of the journal; there are few;
//! - what somebody was told is durable, visible, and in the tick that they were told;
//! - ticks are published in order, never ahead of what is durable, and each shows what a run shows that never crashes,
//!   has neither checkpoints nor history, and keeps the readings of every pane in memory; so does an earlier tick that
//!   is made again from disk;
//! - every sink holds exactly what the tables were at its tick, whatever was delivered twice or joined;
//! - every queue is within its bound, and so are the panes;
//! - when faults end, all comes to rest with nothing missing.
//!
//! | fault | of the disks of journal, history, checkpoints, changes | of the database |
//! |---|---|---|
//! | power off, unsynced sectors and names lost or kept each for itself | survived | – |
//! | power off in the middle of a commit, a conversion, a merge, a checkpoint, or of recovery | survived | – |
//! | process killed, also in the middle of these; bytes and names written and not synced | survived | – |
//! | disk full | survived | – |
//! | fsync fails, from some moment on | survived | – |
//! | down, or answers lost | – | survived |
//!
//! Recovery sees the disks and the sinks and nothing else. Not simulated: damage to what was durable (the tests of
//! journal, history and checkpoints do that), the keeper's work between two changes of a disk beside other stages'
//! (here one move does it whole, or is cut short), and time of day inside the stages, because they have none.
//!
//! To read it, begin with what can happen ([`moves`]) in a [`world`]: a [`plant`], [disks](disk), a database
//! ([`target`]), and a [`process`] whose life begins with a [`recovery`] and has a keeper beside it ([`keeping`]). The
//! [`model`] says what must hold, a [`mutation`] what must not go unnoticed, the [`tally`] what a run was worth.

mod disk;
mod keeping;
mod lockstep;
mod model;
mod moves;
mod mutation;
mod plant;
mod process;
mod recovery;
mod tally;
mod target;
mod tests;
mod world;

/// What must never happen, and did.
#[derive(Clone, Debug)]
pub struct Violation(pub String);
