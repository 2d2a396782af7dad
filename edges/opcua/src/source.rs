//! A source: connects, follows, and begins again.

use crate::config::{Config, ConfigError};
use crate::follow::{End, Follow};
use crate::open::{Clients, Line, PeerError, drive};
use lehr_tags::{Backoff, Intake, SourceStatus, Stopped};
use opcua::client::Session;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// The library may take a moment to say that the connection is gone which a request has found gone. When it says nothing,
/// the session is useless although the connection stands.
const LINE_SAYS: Duration = Duration::from_secs(2);
/// How long a server may take to say goodbye.
const GOODBYE_MOST: Duration = Duration::from_secs(2);

/// Runs until the intake has stopped. What the server's queues hold meanwhile is asked for when Lehr has taken what came
/// before; when they overflow, the server says so, and it is counted. Dropping it closes the connection; what was taken
/// and not yet durable is then told again by the server, if the source comes back within the life of its session.
pub async fn run(config: Config, intake: Arc<dyn Intake>, status: Arc<SourceStatus>) -> Result<Stopped, ConfigError> {
    config.check(&intake.names())?;
    let mut follow = Follow::new(&config, intake.clone(), status.clone())?;
    let mut backoff = Backoff::default();
    let mut clients = None;
    loop {
        match attempt(&config, &mut clients, &mut follow, &mut backoff, &*intake, &status).await {
            Ok(stopped) => return Ok(stopped),
            Err(error) => {
                status.away(intake.now(), error.to_string());
                sleep(backoff.failed()).await;
            }
        }
    }
}

async fn attempt(
    config: &Config,
    clients: &mut Option<Clients>,
    follow: &mut Follow,
    backoff: &mut Backoff,
    intake: &dyn Intake,
    status: &SourceStatus,
) -> Result<Stopped, PeerError> {
    let ready = match clients.take() {
        Some(ready) => ready,
        None => Clients::new(config, true).await?,
    };
    let (session, events) = clients.insert(ready).open(config).await?;
    let (line, standing) = watch::channel(Line::Down(String::new()));
    let kept = keep(&session, standing, follow, backoff, intake, status);
    tokio::pin!(kept);
    tokio::select! {
        stopped = &mut kept => stopped,
        // What is being handed over is not dropped half way.
        _ = drive(config, events, &line) => kept.await,
    }
}

/// Follows one session through its reconnections.
async fn keep(
    session: &Arc<Session>,
    mut line: watch::Receiver<Line>,
    follow: &mut Follow,
    backoff: &mut Backoff,
    intake: &dyn Intake,
    status: &SourceStatus,
) -> Result<Stopped, PeerError> {
    let mut anew = Backoff::default();
    let closed = || PeerError::Said("the session was closed".into());
    loop {
        let standing = line.borrow_and_update().clone();
        match standing {
            Line::Ended(why) => return Err(PeerError::Said(why)),
            Line::Down(why) => {
                if !why.is_empty() {
                    status.away(intake.now(), why);
                }
                line.changed().await.map_err(|_| closed())?;
                continue;
            }
            Line::Up(_) => {}
        }
        follow.fruitful = false;
        let end = follow.attend(session).await;
        if follow.fruitful {
            backoff.succeeded();
            anew.succeeded();
        }
        match end {
            End::Stopped(stopped) => {
                // Best effort: the server forgets the session by itself.
                let goodbye = async {
                    follow.subscriptions.forget(session).await;
                    let _ = session.disconnect().await;
                };
                let _ = timeout(GOODBYE_MOST, goodbye).await;
                return Ok(stopped);
            }
            End::Lost(why) => {
                status.away(intake.now(), why.clone());
                if timeout(LINE_SAYS, line.changed()).await.is_err() {
                    return Err(PeerError::Said(why));
                }
            }
            End::Anew(why) => {
                status.away(intake.now(), why);
                follow.subscriptions.forget(session).await;
                sleep(anew.failed()).await;
            }
        }
    }
}
