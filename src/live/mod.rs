//! The WebSocket door: every closed tick's changes, to everybody who follows.
//!
//! ```text
//! closed ticks → [ring of recent changes] ← cursor of each client → frames (shared) → sockets
//! ```
//!
//! There is no queue per client. A client is a cursor into one ring: it takes what lies between its cursor
//! and the newest tick, adds it up, and sends that. So a client that is slow, that asked for fewer frames, or
//! that comes back after a break is one and the same case, and costs nobody anything; one whose cursor the
//! ring has passed starts again from a snapshot.
//!
//! Invariants: the frames that a client gets, added to its snapshot, are exactly the rows of the tick that
//! the last of them names; of a row, what is removed was added before, in the same words.

mod client;
mod hub;
mod message;
mod ring;
mod socket;
#[cfg(test)]
mod tests;

pub use client::Wish;
pub use hub::{Hub, LiveStats};
pub use message::Channel;
pub use socket::socket;
