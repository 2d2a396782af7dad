//! A session with a server.

use crate::config::{Config, Trust};
use crate::security::{REQUEST_MOST, client, endpoint, identity};
use futures_util::{Stream, StreamExt};
use lehr_tags::SecretError;
use opcua::client::{Client, Session, SessionActivity, SessionPollResult};
use opcua::types::{Error, StatusCode};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Reconnections of one session, 1 to 10 s apart: while they go on, the server keeps its subscriptions for it. After that
/// a new session is made, which also learns of a new certificate.
const RECONNECTS: i32 = 5;
const KEEP_ALIVES_MISSED_MOST: u32 = 2;

/// Why a server cannot be reached or used. Says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("{0} does not answer within {t} s; is the server running, and the address right?", t = REQUEST_MOST.as_secs())]
    Silent(String),
    #[error("{0}")]
    Said(String),
    #[error("the server does not offer the configured security; it offers {offered}")]
    Security { offered: String },
    #[error("the server does not take {login} on this endpoint; it takes {offered}")]
    Login { login: &'static str, offered: String },
    #[error("certificates in {}: {}", .0.display(), .1)]
    Pki(PathBuf, String),
    #[error("password: {0}")]
    Password(#[from] SecretError),
}

/// Reconnects by itself while it is polled; ends when that has failed too often.
pub(crate) type Events = Pin<Box<dyn Stream<Item = Result<SessionPollResult, StatusCode>> + Send>>;

/// Who connects: one that tries once and tells why it failed, and one whose session reconnects.
pub(crate) struct Clients {
    once: Client,
    lasting: Client,
}

impl Clients {
    pub(crate) async fn new(config: &Config, lasting: bool) -> Result<Clients, PeerError> {
        let config = config.clone();
        // Making a key takes long enough to hold up others.
        let made = tokio::task::spawn_blocking(move || {
            Ok(Clients { once: client(&config, 0)?, lasting: client(&config, if lasting { RECONNECTS } else { 0 })? })
        });
        made.await.unwrap_or_else(|error| Err(PeerError::Said(error.to_string())))
    }

    /// Asks for the server's endpoints, and makes a session that connects when its events are polled.
    pub(crate) async fn open(&self, config: &Config) -> Result<(Arc<Session>, Events), PeerError> {
        let offered = timeout(REQUEST_MOST, self.once.get_server_endpoints_from_url(config.endpoint.as_str()))
            .await
            .map_err(|_| PeerError::Silent(config.endpoint.clone()))?
            .map_err(|error| PeerError::Said(explained(config, error.status(), &error)))?;
        let endpoint = endpoint(config, offered)?;
        let failed = |error: Error| PeerError::Said(explained(config, error.status(), &error));
        let (session, events) = self
            .lasting
            .session_builder()
            .connect_to_endpoint_directly(endpoint)
            .map_err(failed)?
            .user_identity_token(identity(config)?)
            .build(self.lasting.certificate_store().clone())
            .map_err(failed)?;
        Ok((session, Box::pin(events.enter())))
    }
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Down(String),
    /// Counts the connections.
    Up(u64),
    Ended(String),
}

/// Drives a session until it cannot be kept, and says how it stands. The connection is closed when this is dropped.
pub(crate) async fn drive(config: &Config, mut events: Events, line: &watch::Sender<Line>) -> String {
    let (mut connections, mut missed) = (0, 0);
    let why = loop {
        match events.next().await {
            Some(Ok(SessionPollResult::Reconnected(_))) => {
                (connections, missed) = (connections + 1, 0);
                line.send_replace(Line::Up(connections));
            }
            Some(Ok(SessionPollResult::ConnectionLost(code))) => {
                line.send_replace(Line::Down(explained(config, code, &"the connection was lost")));
            }
            Some(Ok(SessionPollResult::ReconnectFailed(code))) => {
                line.send_replace(Line::Down(explained(config, code, &"connecting failed")));
            }
            Some(Ok(SessionPollResult::SessionActivity(SessionActivity::KeepAliveSucceeded))) => missed = 0,
            Some(Ok(SessionPollResult::SessionActivity(SessionActivity::KeepAliveFailed(code)))) => {
                missed += 1;
                if missed >= KEEP_ALIVES_MISSED_MOST {
                    break explained(config, code, &format!("{missed} keep-alives in a row had no good answer"));
                }
            }
            Some(Ok(_)) => {}
            Some(Err(code)) => break explained(config, code, &"connecting failed"),
            None => break "the session was closed".to_owned(),
        }
    };
    drop(events);
    line.send_replace(Line::Ended(why.clone()));
    why
}

/// A session for a few questions, which ends with them.
pub(crate) async fn briefly<T>(
    config: &Config,
    most: Duration,
    ask: impl AsyncFnOnce(&Arc<Session>) -> Result<T, PeerError>,
) -> Result<T, PeerError> {
    let clients = Clients::new(config, false).await?;
    let (session, events) = clients.open(config).await?;
    let (line, mut standing) = watch::channel(Line::Down(String::new()));
    let asked = async {
        let silent = || PeerError::Silent(config.endpoint.clone());
        let up = standing.wait_for(|line| !matches!(line, Line::Down(why) if why.is_empty()));
        match timeout(REQUEST_MOST, up).await.map_err(|_| silent())?.map_err(|_| silent())?.clone() {
            Line::Down(why) | Line::Ended(why) => return Err(PeerError::Said(why)),
            Line::Up(_) => {}
        }
        let answer = timeout(most, ask(&session)).await.map_err(|_| silent())?;
        // Best effort: the server forgets the session by itself.
        let _ = timeout(REQUEST_MOST, session.disconnect()).await;
        answer
    };
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The session ended first; what was asked has its error, or the end of it.
        why = drive(config, events, &line) => {
            timeout(REQUEST_MOST, asked).await.unwrap_or(Err(PeerError::Said(why)))
        }
    }
}

/// A status code, and what to do about it.
pub(crate) fn explained(config: &Config, code: StatusCode, what: &dyn std::fmt::Display) -> String {
    let trusted = config.pki.join("trusted");
    let advice = match code {
        StatusCode::BadCertificateUntrusted | StatusCode::BadSecurityChecksFailed if config.trust == Trust::Folder => {
            let rejected = config.pki.join("rejected");
            format!(
                "; if the server's certificate is in {}, look at it and move it to {}; else the server does not trust {}",
                rejected.display(),
                trusted.display(),
                config.pki.join("own/cert.der").display()
            )
        }
        StatusCode::BadCertificateHostNameInvalid
        | StatusCode::BadCertificateUriInvalid
        | StatusCode::BadCertificateTimeInvalid => {
            "; mend the server's certificate, or set verify = false when it is the right one".to_owned()
        }
        StatusCode::BadUserAccessDenied
        | StatusCode::BadIdentityTokenRejected
        | StatusCode::BadIdentityTokenInvalid => "; look at user and password, or the user's certificate".to_owned(),
        StatusCode::BadTooManySessions => "; close sessions of other clients".to_owned(),
        _ => String::new(),
    };
    format!("{what}: {code}{advice}")
}
