//! What an answer of the server means. Pure.

use lehr_targets::TargetError;
use serde::Deserialize;
use std::time::Duration;

/// Longest pause that a server may ask for.
const PAUSE_MOST: Duration = Duration::from_secs(60);
/// When it does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
/// Characters of a server's message, and of a line, that are passed on.
const QUOTED: usize = 300;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub location: Option<String>,
    pub body: String,
}

/// What to do about it.
#[derive(Debug)]
pub(super) enum Meaning {
    Taken,
    /// Taken, but for points that are older than the bucket keeps any.
    TooOld(String),
    /// The batch is to be sent in smaller ones.
    TooLarge,
    /// Not before so long.
    Pause(Duration, TargetError),
    Failed(TargetError),
}

/// As InfluxDB says what is wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    /// From 1 on.
    line: Option<usize>,
}

impl Answer {
    /// To a batch of these lines.
    pub fn meaning(&self, lines: &[String]) -> Meaning {
        let said = self.said();
        let message = short(&said.message);
        let refused = |why: String| Meaning::Failed(TargetError::Refused(why));
        match self.status {
            200..=299 => Meaning::Taken,
            // The rest of the batch is taken. Sent again, they would be refused for ever.
            400 | 422 if said.message.contains("retention") => Meaning::TooOld(message),
            413 if lines.len() > 1 => Meaning::TooLarge,
            300..=399 => refused(format!(
                "the server sends elsewhere, to {}: give that as url",
                self.location.as_deref().map_or("no place".to_owned(), short)
            )),
            401 => {
                refused(format!("the server does not know the token: {message}; give one that may write the bucket"))
            }
            403 => refused(format!("the token may not write the bucket: {message}; give one that may")),
            404 => refused(format!("there is no such bucket, organisation or API: {message}; see bucket, org and url")),
            429 | 503 => {
                let pause = self.pause();
                let why =
                    format!("the server is busy ({}) and wants {} s of rest: {message}", self.status, pause.as_secs());
                Meaning::Pause(pause, TargetError::Away(why))
            }
            500..=599 => Meaning::Failed(TargetError::Away(format!("the server failed ({}): {message}", self.status))),
            status => refused(format!("the server refuses points ({status}): {message}{}", self.line(&said, lines))),
        }
    }

    fn said(&self) -> Said {
        serde_json::from_str(&self.body).unwrap_or_else(|_| Said { message: self.body.clone(), line: None })
    }

    /// The line that it names, so that somebody sees what is wrong with it.
    fn line(&self, said: &Said, lines: &[String]) -> String {
        let named = said.line.filter(|line| *line > 0).and_then(|line| lines.get(line - 1));
        match (named, lines) {
            (Some(line), _) => format!("; line {} of {}: {}", said.line.unwrap_or_default(), lines.len(), short(line)),
            (None, [only]) => format!("; the line: {}", short(only)),
            (None, []) => String::new(),
            (None, [first, ..]) => format!("; one of {} lines, the first of which is: {}", lines.len(), short(first)),
        }
    }

    /// Seconds alone are understood; a date is another way to say it, which InfluxDB does not use.
    fn pause(&self) -> Duration {
        let seconds = self.retry_after.as_ref().and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        seconds.unwrap_or(PAUSE).min(PAUSE_MOST)
    }
}

fn short(text: impl AsRef<str>) -> String {
    let text = text.as_ref().trim();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str) -> Meaning {
        let lines = ["first", "second"].map(str::to_owned);
        Answer { status, body: body.to_owned(), ..Answer::default() }.meaning(&lines)
    }

    fn refusal(status: u16, body: &str) -> String {
        match meaning(status, body) {
            Meaning::Failed(TargetError::Refused(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_line_that_is_refused_is_shown() {
        let why = refusal(400, r#"{"code":"invalid","message":"unable to parse","line":2}"#);
        assert_eq!(why, "the server refuses points (400): unable to parse; line 2 of 2: second");
        let why = refusal(422, r#"{"code":"x","message":"field type conflict"}"#);
        assert!(why.ends_with("one of 2 lines, the first of which is: first"), "{why}");
        assert!(refusal(400, &"x".repeat(10_000)).len() < 500);
    }

    #[test]
    fn each_answer_has_its_meaning() {
        assert!(matches!(meaning(204, ""), Meaning::Taken));
        assert!(matches!(meaning(413, ""), Meaning::TooLarge));
        assert!(matches!(meaning(500, "x"), Meaning::Failed(TargetError::Away(_))));
        let old = r#"{"message":"partial write: points beyond retention policy dropped=3"}"#;
        assert!(matches!(meaning(422, old), Meaning::TooOld(why) if why.ends_with("dropped=3")));
        for (status, part) in [(401, "token"), (403, "may not write"), (404, "bucket"), (302, "give that as url")] {
            assert!(refusal(status, "").contains(part), "{status}");
        }
        for (after, seconds) in [(None, 1), (Some("7"), 7), (Some("9999"), 60), (Some("Wed, 21 Oct"), 1)] {
            let answer = Answer { status: 503, retry_after: after.map(str::to_owned), ..Answer::default() };
            let Meaning::Pause(pause, _) = answer.meaning(&[]) else { panic!("no pause") };
            assert_eq!(pause.as_secs(), seconds);
        }
    }
}
