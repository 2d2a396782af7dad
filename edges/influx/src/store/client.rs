//! Requests, each bounded in time.

use super::answer::Answer;
use super::config::Config;
use flate2::Compression;
use flate2::write::GzEncoder;
use lehr_targets::TargetError;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Response};
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// To be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are looked at.
const ANSWER: usize = 16 << 10;

pub(super) struct Client {
    agent: reqwest::Client,
    place: String,
    authorization: Option<String>,
}

impl Client {
    /// With the token and the authorities as they are now: they may be changed while Lehr runs.
    pub fn new(config: &Config) -> Result<Client, TargetError> {
        let token = config.token.as_ref().map(|from| from.read());
        let token = token.transpose().map_err(|error| TargetError::Refused(format!("token: {error}")))?;
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent("lehr")
            .connect_timeout(CONNECT.min(config.timeout()))
            .timeout(config.timeout())
            .pool_max_idle_per_host(1);
        let builder = match &config.ca {
            Some(ca) => trusting(builder, ca)?,
            None => builder,
        };
        let agent = builder.build().map_err(|error| TargetError::Refused(causes(&error)))?;
        let place = format!(
            "{}/api/v2/write?org={}&bucket={}&precision=ms",
            config.url.trim_end_matches('/'),
            query(&config.org),
            query(&config.bucket)
        );
        let authorization = token.map(|token| format!("Token {}", token.reveal()));
        Ok(Client { agent, place, authorization })
    }

    /// Writes the lines; with none it asks whether it may.
    pub async fn write(&self, lines: &[String]) -> Result<Answer, TargetError> {
        let away = |why: String| TargetError::Away(format!("writing {} points: {why}", lines.len()));
        let body = packed(lines).map_err(|error| away(error.to_string()))?;
        let mut request = self.agent.post(&self.place);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.header(CONTENT_TYPE, "text/plain; charset=utf-8").header(CONTENT_ENCODING, "gzip");
        let answer = request.body(body).send().await.map_err(|error| match causes(&error) {
            why if why.contains("certificate") => TargetError::Refused(format!("no trusted connection: {why}")),
            why => away(why),
        })?;
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (status, retry_after, location) = (answer.status().as_u16(), header("Retry-After"), header("Location"));
        Ok(Answer { status, retry_after, location, body: said(answer).await })
    }
}

/// By these authorities in place of those of the system.
fn trusting(builder: ClientBuilder, ca: &Path) -> Result<ClientBuilder, TargetError> {
    let wrong = |why: String| TargetError::Refused(format!("ca {}: {why}", ca.display()));
    let pem = std::fs::read(ca).map_err(|error| wrong(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(causes(&error)))?;
    if found.is_empty() {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    Ok(found.into_iter().fold(builder.tls_built_in_root_certs(false), ClientBuilder::add_root_certificate))
}

/// The begin of the answer's text. What was done is said by the status: where the text breaks off, so be it.
async fn said(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER - bytes.len())]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An error and what lies under it: the library says of itself only that the request failed. Addresses are known.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(under) = cause.source() {
        cause = under;
    }
    if error.is_timeout() { format!("timeout: {cause}") } else { cause.to_string() }
}

fn packed(lines: &[String]) -> std::io::Result<Vec<u8>> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        packing.write_all(line.as_bytes())?;
        packing.write_all(b"\n")?;
    }
    packing.finish()
}

/// A value in a query.
fn query(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => query.push(char::from(byte)),
            other => query.push_str(&format!("%{other:02X}")),
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_part_a_query_is_written_by_its_code() {
        assert_eq!(query("Glas & Söhne_1"), "Glas%20%26%20S%C3%B6hne_1");
    }
}
