//! From a request to a route's handler and back: the checks that every route shares, in this order:
//! path (404), method (405), token and role (401, 403), load (429), parameters (400), body (415, 413, 400).

use super::App;
use super::encoding;
use super::error::{ApiError, Problem};
use super::metrics::RouteStats;
use super::params::{self, Values};
use super::route::{Access, Body, Call, ContentType, Reply, Route};
use super::schema;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::{Map, Value};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use warp::filters::BoxedFilter;
use warp::http::header::{self, HeaderMap, HeaderValue};
use warp::http::{Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

/// Bytes of the largest body. A minute of a large plant, 60 000 readings of 100 bytes, is 6 MB.
pub const BODY_MOST: usize = 8 << 20;
/// Bytes of a body beyond those that it may have which are read before the connection is closed on it.
const BODY_DRAINED_MOST: usize = 7 * BODY_MOST;
/// How long a body may take: a client that sends a byte now and then must not hold a request open.
const BODY_TIME_MOST: std::time::Duration = std::time::Duration::from_secs(60);

/// Heavy requests (SQL, long series, uploads) in flight at once. What comes on top is told to come again
/// rather than left to queue: the answer would be too late to be of use.
pub const HEAVY_MOST: usize = 64;

/// Files that are taken in at once: each is in memory whole.
pub const FILES_MOST: usize = 2;

/// Kept by the client alone, since not everybody may see it, and for a year, which is how long caches keep anything.
const LASTING: &str = "private, max-age=31536000, immutable";

/// Seconds after which a refused heavy request should try again.
const RETRY_AFTER_S: &str = "1";

struct Served {
    route: Route,
    stats: Arc<RouteStats>,
}

/// What the path and method led to.
struct Selected {
    served: Arc<Vec<Served>>,
    /// Of [`Selected::served`], or the methods that would be allowed.
    found: Result<(usize, Vec<String>), ApiError>,
}

/// The filter of an area: takes the paths of its routes and rejects all others.
pub fn area(app: &App, routes: Vec<Route>) -> BoxedFilter<(Response,)> {
    let serve = |route: Route| {
        let stats = app.metrics().route(route.method.as_str(), route.path);
        Served { route, stats }
    };
    let served: Arc<Vec<Served>> = Arc::new(routes.into_iter().map(serve).collect());
    let app = app.clone();
    warp::method()
        .and(warp::path::full())
        .and_then(move |method: Method, path: FullPath| {
            let selected = select(&served, &method, path.as_str());
            async move { selected.ok_or_else(warp::reject::not_found) }
        })
        .and(warp::header::headers_cloned())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::body::stream())
        .then(move |selected: Selected, headers: HeaderMap, query: String, body| {
            let app = app.clone();
            async move { serve_selected(app, selected, &headers, &query, body).await }
        })
        .boxed()
}

fn select(served: &Arc<Vec<Served>>, method: &Method, path: &str) -> Option<Selected> {
    let mut allowed = Vec::new();
    for (place, entry) in served.iter().enumerate() {
        let Some(captures) = entry.route.captures(path) else { continue };
        if entry.route.method != *method {
            allowed.push(entry.route.method.as_str());
            continue;
        }
        let decoded: Result<Vec<String>, ApiError> = captures
            .into_iter()
            .map(|segment| params::decode(segment, false).map_err(|why| ApiError::bad("path", format!("path {why}"))))
            .collect();
        let found = decoded.map(|captures| (place, captures));
        return Some(Selected { served: served.clone(), found });
    }
    let error = ApiError {
        allow: Some(allowed.join(", ")),
        ..ApiError::new(
            Problem::MethodNotAllowed,
            format!("{method} is not allowed here; allowed: {}", allowed.join(", ")),
        )
    };
    (!allowed.is_empty()).then(|| Selected { served: served.clone(), found: Err(error) })
}

async fn serve_selected(
    app: App,
    selected: Selected,
    headers: &HeaderMap,
    query: &str,
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
) -> Response {
    let (place, captures) = match selected.found {
        Ok(found) => found,
        Err(error) => return error_response(&error),
    };
    let Served { route, stats } = &selected.served[place];
    let begun = Instant::now();
    // What is borrowed from here on is not looked at again after a panic.
    let outcome = AssertUnwindSafe(answer(&app, route, captures, headers, query, body)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(ApiError::internal("a handler panicked")));
    let response = match outcome {
        Ok(reply) => reply_response(reply),
        Err(error) if error.is_fault() => error_response(&hidden(route, error)),
        Err(error) => error_response(&error),
    };
    let took = begun.elapsed();
    stats.note(response.status().as_u16(), took);
    tracing::debug!("{} {} {} in {:?}", route.method, route.path, response.status(), took);
    response
}

/// Faults of ours are logged under an id, and only the id is shown.
fn hidden(route: &Route, error: ApiError) -> ApiError {
    let mut id = [0; 8];
    // Without randomness the id is zero, and the log line is found by its time.
    let _ = getrandom::fill(&mut id);
    let id = format!("{:016x}", u64::from_be_bytes(id));
    tracing::error!("internal error {id} in {} {}: {}", route.method, route.path, error.message);
    ApiError::internal(format!("internal error {id}; the log says more"))
}

async fn answer(
    app: &App,
    route: &Route,
    captures: Vec<String>,
    headers: &HeaderMap,
    query: &str,
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
) -> Result<Reply, ApiError> {
    let who = match route.access {
        Access::Open => None,
        Access::Needs(role) => {
            let token = bearer(headers).ok_or_else(|| {
                ApiError::new(Problem::Unauthorized, "a token is needed: send the header Authorization: Bearer TOKEN")
            })?;
            let who =
                app.auth().who(token).ok_or_else(|| ApiError::new(Problem::Unauthorized, "the token does not hold"))?;
            if !who.may(role) {
                let message = format!("role {} is needed; {} is {}", role.text(), who.name, who.role.text());
                return Err(ApiError::new(Problem::Forbidden, message));
            }
            Some(who)
        }
    };
    let _permit = match route.heavy {
        true => Some(app.heavy().try_acquire().map_err(|_| {
            ApiError::new(Problem::TooMany, format!("{HEAVY_MOST} heavy requests are running; try again shortly"))
        })?),
        false => None,
    };
    let _file = match route.body {
        Some(Body::File(_)) => Some(app.files().try_acquire().map_err(|_| {
            ApiError::new(Problem::TooMany, format!("{FILES_MOST} files are being taken in; try again shortly"))
        })?),
        _ => None,
    };
    let segments: Vec<(String, String)> =
        route.segments.iter().map(|param| param.name.to_owned()).zip(captures.iter().cloned()).collect();
    // A segment that cannot name anything names nothing that exists.
    Values::check(&route.segments, &segments)
        .map_err(|error| ApiError { field: error.field, ..ApiError::not_found(route.tag) })?;
    let query = Values::check(&route.query, &params::pairs(query)?)?;
    let mut call = Call { who, path: captures, query, ..Call::default() };
    if let Some(declared) = &route.body {
        call.content_type = content_type(headers, declared.takes())?;
        let bytes = encoding::decoded(headers, read_in_time(body, declared.most()).await?, declared.most())?;
        match declared {
            Body::Value(schema) => call.value = checked_body(schema, &bytes)?,
            Body::Rows(_) | Body::Lines(_) | Body::File(_) | Body::Picture(_) => call.rows = bytes,
        }
    }
    (route.handler)(app.clone(), call).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // InfluxDB's clients say "Token".
    ["bearer", "token"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| token.trim())
}

fn content_type(headers: &HeaderMap, taken: &[ContentType]) -> Result<ContentType, ApiError> {
    let refused = || {
        let names: Vec<&str> = taken.iter().map(|content_type| content_type.text()).collect();
        let message = format!("the header Content-Type must be {}", names.join(", or "));
        ApiError::new(Problem::UnsupportedType, message)
    };
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let utf_8 = parts.all(|part| match part.to_ascii_lowercase().split_once('=') {
        Some(("charset", charset)) => charset.trim_matches('"') == "utf-8",
        _ => true,
    });
    let said = match essence.as_str() {
        "application/json" => ContentType::Json,
        "application/x-ndjson" | "application/jsonl" => ContentType::JsonLines,
        "text/plain" => ContentType::Text,
        "application/octet-stream" => ContentType::File,
        "image/png" => ContentType::Png,
        _ => return Err(refused()),
    };
    if utf_8 && taken.contains(&said) { Ok(said) } else { Err(refused()) }
}

/// Reads a body that is neither too large nor too slow.
async fn read_in_time(
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    most: usize,
) -> Result<Bytes, ApiError> {
    let late = |_| ApiError::bad("body", format!("the body did not come within {} s", BODY_TIME_MOST.as_secs()));
    tokio::time::timeout(BODY_TIME_MOST, read(body, most)).await.map_err(late)?
}

/// Reads a body. What is too large is read on for a while and forgotten: a client that is still sending when
/// the connection closes would never see the answer.
async fn read(body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send, most: usize) -> Result<Bytes, ApiError> {
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    let mut total = 0;
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|error| ApiError::bad("body", format!("the body ended early: {error}")))?;
        total += chunk.remaining();
        if total > most + BODY_DRAINED_MOST {
            break;
        }
        while total <= most && chunk.has_remaining() {
            let part = chunk.chunk();
            bytes.extend_from_slice(part);
            let taken = part.len();
            chunk.advance(taken);
        }
    }
    if total > most { Err(too_large(most)) } else { Ok(bytes.freeze()) }
}

pub fn too_large(most: usize) -> ApiError {
    ApiError::new(Problem::TooLarge, format!("this body may have {most} bytes; send less at a time"))
}

/// A body as text.
pub fn utf_8(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|_| ApiError::bad("body", "the body is not UTF-8"))
}

fn checked_body(declared: &Value, bytes: &[u8]) -> Result<Value, ApiError> {
    let text = utf_8(bytes)?;
    // serde_json refuses to nest deeper than 128.
    let value: Value =
        serde_json::from_str(text).map_err(|error| ApiError::bad("body", format!("the body is not JSON: {error}")))?;
    checked(declared, value)
}

/// A value as its schema declares it; names the member that is not so.
pub fn checked(declared: &Value, value: Value) -> Result<Value, ApiError> {
    static COMPONENTS: OnceLock<Map<String, Value>> = OnceLock::new();
    match schema::check(declared, &value, COMPONENTS.get_or_init(schema::components)) {
        Ok(()) => Ok(schema::with_whole_numbers(value)),
        Err(wrong) if wrong.field.is_empty() => Err(ApiError::bad("body", format!("the body {}", wrong.message))),
        Err(wrong) => {
            let message = format!("{} {}", wrong.field, wrong.message);
            Err(ApiError::bad(wrong.field, message))
        }
    }
}

fn reply_response(reply: Reply) -> Response {
    let (content_type, bytes, caching) = match reply {
        Reply::Json(value) => ("application/json", Bytes::from(value.to_string()), "no-store"),
        Reply::Bytes { content_type, bytes } => (content_type, bytes, "no-store"),
        Reply::Lasting { content_type, bytes } => (content_type, bytes, LASTING),
        Reply::Nothing => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
    };
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// An error in the API's one shape.
pub fn error_response(error: &ApiError) -> Response {
    let mut response = reply_response(Reply::Json(error.body()));
    *response.status_mut() = error.problem.status();
    let headers = response.headers_mut();
    if let Some(allow) = error.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
        headers.insert(header::ALLOW, allow);
    }
    match error.problem.status() {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        StatusCode::UPGRADE_REQUIRED => {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        _ => {}
    }
    response
}

/// Whatever no filter took, in the API's one shape: a rejection is never a fault of ours.
pub async fn recover(rejection: Rejection) -> Result<Response, std::convert::Infallible> {
    let error = rejection.find::<super::guard::Refused>().map_or_else(
        || ApiError::new(Problem::NotFound, "there is nothing at this address; /api/openapi.json lists what is"),
        |refused| refused.0.clone(),
    );
    Ok(error_response(&error))
}
