//! The whole runtime on one thread, under a simulated clock, disk and scheduler: whatever can happen between a
//! submission and a sink happens here in an order drawn from a seed, and after every move it is checked that
//!
//! - the journal is a log that only grows: what was durable is there after any crash, in order, unchanged;
//! - what somebody was told is durable, visible, and in the tick that they were told;
//! - ticks are published in order, never ahead of what is durable, and each shows what a run without crashes shows;
//! - every sink holds exactly what the tables were at its tick, whatever was delivered twice or joined;
//! - every queue is within its bound;
//! - when faults end, all comes to rest with nothing missing.
//!
//! | fault | of the journal's disk | of the disk of changes | of the database |
//! |---|---|---|---|
//! | power off, unsynced sectors and names lost or kept each for itself | survived | survived | – |
//! | power off in the middle of writing, or of recovery | survived | survived | – |
//! | process killed, bytes written and not synced | survived | survived | – |
//! | disk full | survived | survived | – |
//! | fsync fails | survived | survived | – |
//! | down, or answers lost | – | – | survived |
//!
//! Recovery sees the disks and the sinks and nothing else. Not simulated: damage to what was durable (the journal's
//! own tests do that), and time of day inside the stages, because they have none.

mod disk;
mod lockstep;
mod model;
mod plant;
mod process;
mod target;
mod tests;
mod world;

/// What must never happen, and did.
#[derive(Clone, Debug)]
pub struct Violation(pub String);
