//! Which sites may talk to Lehr through somebody's browser.
//!
//! When Lehr listens on loopback, a request must name a loopback host: else a page of another site could
//! point its own name at 127.0.0.1 and read Lehr through the visitor's browser (DNS rebinding). A request
//! that a page of another origin made is refused, so that a cookie alone cannot be used from there.

use super::error::{ApiError, Problem};
use std::net::{IpAddr, SocketAddr};
use warp::http::header::{self, HeaderMap};

/// The variable that lists further names under which Lehr is reached, separated by commas.
pub const HOSTS_VARIABLE: &str = "LEHR_ALLOWED_HOSTS";

#[derive(Clone, Debug)]
pub struct Guard {
    /// Host names, lower case, that are taken; `None`: every one.
    hosts: Option<Vec<String>>,
}

/// A request refused before any route saw it.
#[derive(Debug)]
pub struct Refused(pub ApiError);

impl warp::reject::Reject for Refused {}

impl Guard {
    pub fn new(listen: SocketAddr, allowed: &str) -> Guard {
        let mut hosts: Vec<String> =
            allowed.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        if !listen.ip().is_loopback() && hosts.is_empty() {
            return Guard { hosts: None };
        }
        if !listen.ip().is_loopback() {
            hosts.push(listen.ip().to_string());
        }
        hosts.push("localhost".into());
        Guard { hosts: Some(hosts) }
    }

    pub fn check(&self, headers: &HeaderMap, authority: Option<&str>) -> Result<(), ApiError> {
        let refused = |what: &str, name: &str| {
            let message = format!("{what} '{name}' is not allowed; list it in {HOSTS_VARIABLE} if it is yours");
            ApiError { code: "forbidden_host", ..ApiError::new(Problem::Forbidden, message) }
        };
        let header = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or("?"));
        let host = header(header::HOST).or(authority).unwrap_or_default();
        if !self.allows(host_name(host)) {
            return Err(refused("Host", host));
        }
        match header(header::ORIGIN) {
            // Not from a page, or from a page of this very host and port.
            None => Ok(()),
            Some(origin) => match origin.split_once("://") {
                Some((_, site)) if site.eq_ignore_ascii_case(host) => Ok(()),
                _ => Err(refused("Origin", origin)),
            },
        }
    }

    fn allows(&self, name: &str) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        let name = name.to_ascii_lowercase();
        let loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        loopback || hosts.contains(&name)
    }
}

/// The host without its port, and without the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        guard.check(&headers, None).is_ok()
    }

    #[test]
    fn on_loopback_only_loopback_names_are_taken() {
        let guard = Guard::new("127.0.0.1:8000".parse().unwrap(), "lehr.plant.example");
        for good in ["127.0.0.1:8000", "localhost:5173", "LOCALHOST", "[::1]:8000", "lehr.plant.example"] {
            assert!(check(&guard, good, None), "{good}");
        }
        for bad in ["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1:8000", ""] {
            assert!(!check(&guard, bad, None), "{bad}");
        }
    }

    #[test]
    fn elsewhere_any_name_is_taken_unless_some_are_listed() {
        assert!(check(&Guard::new("0.0.0.0:8000".parse().unwrap(), ""), "lehr.plant.example", None));
        let guard = Guard::new("10.0.0.1:8000".parse().unwrap(), "lehr.plant.example");
        assert!(check(&guard, "10.0.0.1:8000", None) && check(&guard, "lehr.plant.example:80", None));
        assert!(!check(&guard, "evil.example", None));
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let guard = Guard::new("127.0.0.1:8000".parse().unwrap(), "");
        assert!(check(&guard, "localhost:8000", Some("http://localhost:8000")));
        for bad in ["http://evil.example", "http://localhost:3000", "null", "localhost:8000"] {
            assert!(!check(&guard, "localhost:8000", Some(bad)), "{bad}");
        }
    }
}
