//! The runtime, as sources see it.

use crate::runtime::{Receipt, Runtime, RuntimeError, Submission};
use async_trait::async_trait;
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs};
use lehr_tags::{Gathered, Intake, Stopped};
use std::sync::Arc;

/// Takes what one source gathers. The runtime's queue of submissions is bounded, and holds the source up.
pub struct RuntimeIntake {
    runtime: Runtime,
    source: String,
}

impl RuntimeIntake {
    pub fn new(runtime: Runtime, source: &str) -> RuntimeIntake {
        RuntimeIntake { runtime, source: source.to_owned() }
    }

    async fn submit(&self, gathered: Gathered) -> Result<Receipt, Stopped> {
        let Gathered { readings, mut events, errors } = gathered;
        events.extend(errors.into_iter().map(Event::Error));
        let submission = Submission { source: self.source.clone(), readings, events, ..Submission::default() };
        self.runtime.submit(submission).await.map_err(stopped)
    }
}

fn stopped(error: RuntimeError) -> Stopped {
    Stopped(error.to_string())
}

#[async_trait]
impl Intake for RuntimeIntake {
    fn names(&self) -> Arc<Names> {
        self.runtime.snapshot().names.clone()
    }

    fn now(&self) -> EventMs {
        self.runtime.now()
    }

    async fn take(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.submit(gathered).await.map(drop)
    }

    async fn take_durably(&self, gathered: Gathered) -> Result<(), Stopped> {
        self.submit(gathered).await?.closed().await.map(drop).map_err(stopped)
    }
}
