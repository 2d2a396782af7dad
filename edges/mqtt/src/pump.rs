//! From what was heard to the intake: what has arrived goes on at once, and meanwhile the next gathers, up to a bound.

use crate::link::Heard;
use lehr_tags::{Gathered, Intake, Stopped};
use std::future::{Future, pending};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;

/// Messages that may wait while the intake is behind, and the bytes of their payloads. Beyond it nothing more is read from
/// the connection. A reading takes about 40 bytes.
const MESSAGES_MOST: usize = 4096;
const BYTES_MOST: usize = 16 << 20;
/// Acknowledgements that can wait: of what gathers and of what is being taken.
pub const ACKNOWLEDGEMENTS_MOST: usize = 2 * MESSAGES_MOST + 64;

/// Messages whose readings go on together.
#[derive(Debug, Default)]
pub struct Batch {
    pub gathered: Gathered,
    messages: Vec<Heard>,
    bytes: usize,
}

type Taking = Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send>>;

/// Survives a connection: a batch that is being taken is waited for, so that it is known whether it was.
pub struct Pump {
    intake: Arc<dyn Intake>,
    /// Messages are acknowledged, and so must be durable before.
    durable: bool,
    pub waiting: Batch,
    taking: Option<(Taking, Vec<Heard>)>,
}

impl Pump {
    pub fn new(intake: Arc<dyn Intake>, durable: bool) -> Pump {
        Pump { intake, durable, waiting: Batch::default(), taking: None }
    }

    pub fn has_room(&self) -> bool {
        self.waiting.messages.len() < MESSAGES_MOST && self.waiting.bytes < BYTES_MOST
    }

    /// The readings of the message are in `waiting.gathered`, or it had none.
    pub fn heard(&mut self, mut message: Heard) {
        self.waiting.bytes += message.payload.len();
        // All that the acknowledgement needs is its number.
        message.payload = bytes::Bytes::new();
        message.topic = String::new();
        self.waiting.messages.push(message);
    }

    /// Begins to hand over what waits, if nothing is under way.
    pub fn start(&mut self) {
        if self.taking.is_some() || (self.waiting.messages.is_empty() && self.waiting.gathered.is_empty()) {
            return;
        }
        let Batch { gathered, messages, .. } = mem::take(&mut self.waiting);
        let (intake, durable) = (self.intake.clone(), self.durable);
        let taking: Taking = Box::pin(async move {
            match (gathered.is_empty(), durable) {
                (true, _) => Ok(()),
                (false, true) => intake.take_durably(gathered).await,
                (false, false) => intake.take(gathered).await,
            }
        });
        self.taking = Some((taking, messages));
    }

    /// Messages that were taken: they can be acknowledged. Waits for ever if nothing is under way. Can be cancelled and
    /// called again.
    pub async fn taken(&mut self) -> Result<Vec<Heard>, Stopped> {
        let Some((taking, _)) = &mut self.taking else { return pending().await };
        taking.as_mut().await?;
        Ok(self.taking.take().map_or_else(Vec::new, |(_, messages)| messages))
    }

    /// Hands over all that was heard. Nothing is acknowledged: the connection is gone.
    pub async fn drain(&mut self) -> Result<(), Stopped> {
        loop {
            self.start();
            if self.taking.is_none() {
                return Ok(());
            }
            self.taken().await?;
        }
    }
}
