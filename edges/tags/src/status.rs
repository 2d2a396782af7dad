//! What is said of a source while it runs.

use lehr_domain::{EventMs, Micro};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How a source stands with its peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Connecting,
    Connected {
        since: EventMs,
    },
    /// It is tried again.
    Away {
        since: EventMs,
        why: String,
    },
}

/// Counters that only grow, and where the source stands. Shared between the source and whoever looks.
#[derive(Debug)]
pub struct SourceStatus {
    name: String,
    protocol: &'static str,
    messages: AtomicU64,
    readings: AtomicU64,
    unchanged: AtomicU64,
    refused: AtomicU64,
    missed: AtomicU64,
    connections: AtomicU64,
    now: Mutex<Now>,
}

#[derive(Clone, Debug, Default)]
struct Now {
    link: Link,
    last: Option<(String, Micro, EventMs)>,
}

/// All that is known at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub name: String,
    pub protocol: &'static str,
    pub link: Link,
    /// Messages, notifications or answers heard.
    pub messages: u64,
    /// Readings passed on.
    pub readings: u64,
    /// Values withheld because they changed too little.
    pub unchanged: u64,
    pub refused: u64,
    /// Polls that were due and not made: the peer or the intake was slow, or the peer away.
    pub missed: u64,
    /// How often a connection was made.
    pub connections: u64,
    /// Tag, value and time of the last reading.
    pub last: Option<(String, Micro, EventMs)>,
}

impl SourceStatus {
    pub fn new(name: &str, protocol: &'static str) -> SourceStatus {
        SourceStatus {
            name: name.to_owned(),
            protocol,
            messages: AtomicU64::new(0),
            readings: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            now: Mutex::default(),
        }
    }

    pub fn heard(&self, messages: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
    }

    pub fn unchanged(&self, values: u64) {
        self.unchanged.fetch_add(values, Ordering::Relaxed);
    }

    pub fn refused(&self, inputs: u64) {
        self.refused.fetch_add(inputs, Ordering::Relaxed);
    }

    pub fn missed(&self, polls: u64) {
        self.missed.fetch_add(polls, Ordering::Relaxed);
    }

    pub fn passed(&self, tag: &str, value: Micro, at: EventMs) {
        self.readings.fetch_add(1, Ordering::Relaxed);
        self.with(|now| now.last = Some((tag.to_owned(), value, at)));
    }

    pub fn connected(&self, since: EventMs) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.with(|now| now.link = Link::Connected { since });
    }

    /// The peer is away; since when is kept while it stays away. `why` must hold no secret.
    pub fn away(&self, at: EventMs, why: impl Into<String>) {
        self.with(|now| {
            let since = if let Link::Away { since, .. } = now.link { since } else { at };
            now.link = Link::Away { since, why: why.into() };
        });
    }

    pub fn standing(&self) -> Standing {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Now { link, last } = self.with(|now| now.clone());
        Standing {
            name: self.name.clone(),
            protocol: self.protocol,
            link,
            messages: count(&self.messages),
            readings: count(&self.readings),
            unchanged: count(&self.unchanged),
            refused: count(&self.refused),
            missed: count(&self.missed),
            connections: count(&self.connections),
            last,
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Now) -> T) -> T {
        look(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
