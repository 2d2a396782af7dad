//! The built dashboard. Addresses of its views are the page itself; files whose names hold a hash of their
//! contents never change and are kept by browsers.

use super::error::{ApiError, Problem};
use std::path::{Path, PathBuf};
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::http::header::{self, HeaderValue};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Reply};

const KEEP: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Characters of a hash in a name.
const HASH: usize = 8;

const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Lehr</title>\
    <p>Lehr is running, but its dashboard is not built. Run <code>make build-frontend</code>, then reload.</p>\
    <p>The API is described at <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// Files below `folder`, and its page for every other address that is not the API's.
pub fn assets(folder: PathBuf) -> BoxedFilter<(Response,)> {
    let index = folder.join("index.html");
    let page_exists = {
        let index = index.clone();
        move || index.is_file()
    };
    let ours = warp::path::full()
        .and(warp::method())
        .and_then(|path: FullPath, method: Method| async move {
            let path = path.as_str();
            let api = ["/api", "/ws", "/metrics"]
                .iter()
                .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
            if api {
                return Err(warp::reject::not_found());
            }
            if method != Method::GET && method != Method::HEAD {
                let message = format!("{method} is not allowed here; allowed: GET, HEAD");
                let error =
                    ApiError { allow: Some("GET, HEAD".into()), ..ApiError::new(Problem::MethodNotAllowed, message) };
                return Err(warp::reject::custom(super::guard::Refused(error)));
            }
            Ok(())
        })
        .untuple_one();
    let file = warp::path::full().and(warp::fs::dir(folder)).map(|path: FullPath, file: warp::fs::File| {
        let keep = if is_hashed(path.as_str()) { KEEP } else { ASK_AGAIN };
        with_cache(file.into_response(), keep)
    });
    // A path that names a file that is not there is not a view.
    let view = warp::path::full()
        .and_then(|path: FullPath| async move {
            let name = path.as_str().rsplit('/').next().unwrap_or_default();
            if name.contains('.') { Err(warp::reject::not_found()) } else { Ok(()) }
        })
        .untuple_one();
    let page = warp::fs::file(index).map(|file: warp::fs::File| with_cache(file.into_response(), ASK_AGAIN));
    let missing = warp::any()
        .and_then(move || {
            let missing = !page_exists();
            async move { if missing { Ok(()) } else { Err(warp::reject::not_found()) } }
        })
        .untuple_one()
        .map(|| with_cache(warp::reply::html(MISSING).into_response(), ASK_AGAIN));
    ours.and(file.or(view.and(page.or(missing).unify())).unify()).boxed()
}

fn with_cache(mut response: Response, value: &'static str) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// Whether a name is like `index-B7x9_kQ2.js`: the build gives every file of that folder one.
fn is_hashed(path: &str) -> bool {
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let split = stem.len().checked_sub(HASH + 1).and_then(|at| stem.split_at_checked(at));
    let hash = split.and_then(|(_, rest)| rest.strip_prefix('-'));
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    path.starts_with("/assets/") && hash.is_some_and(|hash| hash.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept() {
        assert!(is_hashed("/assets/index-B7x9_kQ2.js") && is_hashed("/assets/index-B7x-_kQ2.js"));
        for path in ["/index.html", "/assets/logo.svg", "/assets/line-art.svg", "/other-B7x9_kQ2.js", "/assets/ä.js"] {
            assert!(!is_hashed(path), "{path}");
        }
    }
}
