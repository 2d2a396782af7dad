//! Requests, each bounded in time. They block: the target has them made on a thread of their own.

use super::answer::Answer;
use super::config::Config;
use flate2::Compression;
use flate2::write::GzEncoder;
use lehr_targets::TargetError;
use std::io::Write;
use std::time::Duration;
use ureq::Agent;

/// To be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are looked at.
const ANSWER: u64 = 16 << 10;

pub(super) struct Client {
    agent: Agent,
    place: String,
    authorization: Option<String>,
}

impl Client {
    /// With the token as it is now: it may be changed while Lehr runs.
    pub fn new(config: &Config) -> Result<Client, TargetError> {
        let token = config.token.as_ref().map(|from| from.read());
        let token = token.transpose().map_err(|error| TargetError::Refused(format!("token: {error}")))?;
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent("lehr")
            .timeout_connect(Some(CONNECT.min(config.timeout())))
            .timeout_global(Some(config.timeout()))
            .max_idle_connections(1);
        let place = format!(
            "{}/api/v2/write?org={}&bucket={}&precision=ms",
            config.url.trim_end_matches('/'),
            query(&config.org),
            query(&config.bucket)
        );
        let authorization = token.map(|token| format!("Token {}", token.reveal()));
        Ok(Client { agent: settings.build().new_agent(), place, authorization })
    }

    /// Writes the lines; with none it asks whether it may.
    pub fn write(&self, lines: &[String]) -> Result<Answer, TargetError> {
        let away = |why: String| TargetError::Away(format!("writing {} points: {why}", lines.len()));
        let body = packed(lines).map_err(|error| away(error.to_string()))?;
        let mut request = self.agent.post(&self.place);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let request = request.header("Content-Type", "text/plain; charset=utf-8").header("Content-Encoding", "gzip");
        let mut answer = request.send(body.as_slice()).map_err(|error| away(error.to_string()))?;
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (status, retry_after, location) = (answer.status().as_u16(), header("Retry-After"), header("Location"));
        let body = answer.body_mut().with_config().limit(ANSWER).lossy_utf8(true).read_to_string();
        // What was done is said by the status.
        Ok(Answer { status, retry_after, location, body: body.unwrap_or_default() })
    }
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
