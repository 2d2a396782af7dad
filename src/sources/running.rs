//! Peers at work, each on a task of its own.

use super::intake::RuntimeIntake;
use super::peers::Peer;
use crate::runtime::Runtime;
use futures_util::FutureExt;
use lehr_tags::{Intake, SourceStatus, Standing};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A peer and how it stands.
struct Followed {
    peer: Arc<dyn Peer>,
    status: Arc<SourceStatus>,
}

/// The running sources. They end when this is dropped.
#[derive(Default)]
pub struct Sources {
    followed: Vec<Followed>,
    /// Held for its end.
    _tasks: JoinSet<()>,
}

impl Sources {
    /// Starts them all on the current async runtime.
    pub fn start(peers: Vec<Arc<dyn Peer>>, runtime: &Runtime) -> Sources {
        let mut tasks = JoinSet::new();
        let follow = |peer: Arc<dyn Peer>| {
            let status = Arc::new(SourceStatus::new(peer.name(), peer.protocol()));
            let intake = Arc::new(RuntimeIntake::new(runtime.clone(), peer.name()));
            tasks.spawn(run(peer.clone(), intake, status.clone()));
            Followed { peer, status }
        };
        let followed = peers.into_iter().map(follow).collect();
        Sources { followed, _tasks: tasks }
    }

    /// How each stands, and the address of its peer.
    pub fn standings(&self) -> Vec<(Standing, String)> {
        self.followed.iter().map(|followed| (followed.status.standing(), followed.peer.address())).collect()
    }
}

/// Runs a peer to its end, and says which it was.
async fn run(peer: Arc<dyn Peer>, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) {
    // What is borrowed from here on is looked at again for its counters alone.
    let ended = AssertUnwindSafe(peer.run(intake.clone(), status.clone())).catch_unwind().await;
    let why =
        ended.unwrap_or_else(|_| "it failed from within; the log says more, and a restart starts it again".into());
    tracing::error!("source {} has ended: {why}", peer.name());
    status.away(intake.now(), why);
}
