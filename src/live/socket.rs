//! The sockets: who may open one, and the loop that serves it.

use super::client::{Client, Text, Wish};
use super::message::Channel;
use crate::api::App;
use crate::api::{ApiError, Kind, Param, Problem, Values, decode_pairs, error_response};
use crate::auth::Principal;
use futures_util::{Sink, SinkExt, StreamExt};
use lehr_domain::Tick;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, timeout};
use warp::filters::BoxedFilter;
use warp::http::header::{self, HeaderMap, HeaderValue};
use warp::http::{Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::ws::{Message, WebSocket, Ws};
use warp::{Filter, Reply};

/// How often a client is told that the line is not dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is dropped; it may come back and resume.
const SEND_MOST: Duration = Duration::from_secs(20);
/// Bytes of the largest message that a client may send. There is nothing to say but "ping".
const RECEIVE_MOST: usize = 4096;
/// Milliseconds of the longest interval between frames.
const INTERVAL_MOST_MS: i64 = 3_600_000;

/// Close codes: the server stops (RFC 6455); the token was revoked (private range).
const GOING_AWAY: u16 = 1001;
const TOKEN_REVOKED: u16 = 4401;

/// The subprotocol that a server answers with when the token came as one.
const PROTOCOL: &str = "lehr";

const QUERY: &[Param] = &[
    Param { name: "channels", kind: Kind::Text(200), about: "Channels, separated by commas.", required: false },
    Param {
        name: "interval_ms",
        kind: Kind::Int(0, INTERVAL_MOST_MS),
        about: "Least time between frames.",
        required: false,
    },
    Param { name: "line", kind: Kind::Text(64), about: "Production line.", required: false },
    Param { name: "resume", kind: Kind::Int(0, i64::MAX), about: "The last tick that is known.", required: false },
    Param { name: "token", kind: Kind::Text(512), about: "Token.", required: false },
];

/// `/ws` and `/ws/CHANNEL`.
pub fn socket(app: &App) -> BoxedFilter<(Response,)> {
    let app = app.clone();
    warp::path::full()
        .and_then(|path: FullPath| async move {
            let rest = path.as_str().strip_prefix("/ws").filter(|rest| rest.is_empty() || rest.starts_with('/'));
            let channel = rest.map(|rest| rest.trim_start_matches('/').to_owned());
            channel.ok_or_else(warp::reject::not_found)
        })
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::ws().map(Some).or(warp::any().map(|| None)).unify())
        .map(move |channel: String, method: Method, headers: HeaderMap, query: String, ws: Option<Ws>| {
            open(&app, &channel, &method, &headers, &query, ws).unwrap_or_else(|error| error_response(&error))
        })
        .boxed()
}

fn open(
    app: &App,
    channel: &str,
    method: &Method,
    headers: &HeaderMap,
    query: &str,
    ws: Option<Ws>,
) -> Result<Response, ApiError> {
    let only = match channel {
        "" => None,
        name => Some(Channel::parse(name).ok_or_else(|| ApiError::not_found(format!("channel '{name}'")))?),
    };
    if *method != Method::GET {
        let message = format!("{method} is not allowed here; allowed: GET");
        return Err(ApiError { allow: Some("GET".into()), ..ApiError::new(Problem::MethodNotAllowed, message) });
    }
    let values = Values::check(QUERY, &decode_pairs(query)?)?;
    let (who, protocol) = authenticate(app, &values, headers)?;
    let wish = wish(app, only, &values)?;
    let ws = ws.ok_or_else(|| ApiError::new(Problem::Upgrade, "this address speaks WebSocket only"))?;
    let admitted = app
        .hub()
        .admit()
        .ok_or_else(|| ApiError::new(Problem::TooMany, "too many WebSocket clients; try again later"))?;
    let app = app.clone();
    let ws = ws.max_message_size(RECEIVE_MOST).max_frame_size(RECEIVE_MOST);
    let mut response = ws
        .on_upgrade(move |socket| async move {
            serve(&app, socket, &who, wish).await;
            drop(admitted);
        })
        .into_response();
    debug_assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    if let Some(protocol) = protocol.and_then(|protocol| HeaderValue::from_str(&protocol).ok()) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

/// Who asks, by `?token=`, header, subprotocol `bearer.TOKEN` or cookie; and the subprotocol to answer with.
fn authenticate(app: &App, values: &Values, headers: &HeaderMap) -> Result<(Principal, Option<String>), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let offered: Vec<&str> =
        text(header::SEC_WEBSOCKET_PROTOCOL).into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    let by_protocol = offered.iter().find_map(|protocol| protocol.strip_prefix("bearer."));
    let by_header = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let by_cookie = text(header::COOKIE)
        .into_iter()
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("lehr_token="));
    let token = values.text("token").or(by_header).or(by_protocol).or(by_cookie);
    let refused = |message: &str| ApiError::new(Problem::Unauthorized, message);
    let token = token.ok_or_else(|| refused("a token is needed: ?token=TOKEN, or the subprotocol bearer.TOKEN"))?;
    let who = app.auth().who(token).ok_or_else(|| refused("the token does not hold"))?;
    // A browser gives up when none of the subprotocols that it offered comes back.
    let protocol = by_protocol.map(|token| match offered.contains(&PROTOCOL) {
        true => PROTOCOL.to_owned(),
        false => format!("bearer.{token}"),
    });
    Ok((who, protocol))
}

fn wish(app: &App, only: Option<Channel>, values: &Values) -> Result<Wish, ApiError> {
    let mut channels: Vec<Channel> = match (only, values.text("channels")) {
        (Some(only), _) => vec![only],
        (None, None) => Channel::ALL.to_vec(),
        (None, Some(names)) => names
            .split(',')
            .map(|name| {
                let known: Vec<&str> = Channel::ALL.iter().map(|channel| channel.text()).collect();
                let message = || format!("channel '{name}' is not known; known are {}", known.join(", "));
                Channel::parse(name).ok_or_else(|| ApiError::bad("channels", message()))
            })
            .collect::<Result<_, _>>()?,
    };
    channels.sort();
    channels.dedup();
    let line = match values.text("line") {
        None => None,
        Some(name) => {
            let id = app.runtime().snapshot().names.line_id(name);
            Some(id.ok_or_else(|| ApiError::unknown("line", "line", name))?)
        }
    };
    let interval = Duration::from_millis(values.int("interval_ms").unwrap_or(0).unsigned_abs());
    let resume = values.int("resume").map(|tick| Tick(tick.unsigned_abs()));
    Ok(Wish { channels, line, interval, resume })
}

async fn serve(app: &App, socket: WebSocket, who: &Principal, wish: Wish) {
    let hub = app.hub();
    let (mut sink, mut stream) = socket.split();
    let (mut head, mut closing) = (hub.head(), hub.closing());
    let (mut client, mut texts) = Client::start(hub.clone(), wish, &app.runtime().snapshot(), Instant::now());
    let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        for text in texts.drain(..) {
            if !send(app, &mut sink, &text).await {
                return;
            }
        }
        let due = client.next_due();
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            _ = wait_until(due) => {}
            _ = heartbeat.tick() => {
                if !app.auth().holds(who) {
                    let _ = timeout(SEND_MOST, sink.send(Message::close_with(TOKEN_REVOKED, "the token was revoked"))).await;
                    return;
                }
                texts.extend(client.heartbeat(&app.runtime().snapshot()));
            }
            () = closed(&mut closing) => {
                let _ = timeout(SEND_MOST, sink.send(Message::close_with(GOING_AWAY, "the server stops"))).await;
                return;
            }
            received = stream.next() => match received {
                Some(Ok(message)) if !message.is_close() => continue,
                _ => return,
            },
        }
        texts.extend(client.take(&app.runtime().snapshot(), Instant::now()));
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn closed(closing: &mut watch::Receiver<bool>) {
    while !*closing.borrow_and_update() {
        if closing.changed().await.is_err() {
            return;
        }
    }
}

/// Whether the client took it.
async fn send(app: &App, sink: &mut (impl Sink<Message, Error = warp::Error> + Unpin), text: &Text) -> bool {
    let sent = timeout(SEND_MOST, sink.send(Message::text(text.as_str()))).await;
    let stats = app.hub().stats();
    stats.frames.fetch_add(1, Ordering::Relaxed);
    if let Some(published) = text.published {
        stats.sent.note(published.elapsed());
    }
    matches!(sent, Ok(Ok(())))
}
