//! What an error of an object store means: whether it goes by itself, or what somebody has to do.

use lehr_targets::TargetError;
use object_store::Error;
use std::error::Error as _;
use std::io::ErrorKind;

/// Servers answer with pages of XML, characters of which so many are shown.
const SHOWN: usize = 400;

/// While `doing` something. Holds no secret: those are in no answer.
pub(crate) fn failure(doing: &str, error: &Error) -> TargetError {
    let text = told(error);
    let away = || TargetError::Away(format!("{doing}: {text}"));
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {text}; {fix}"));
    if no_bucket(error) {
        return TargetError::Refused(format!("{doing}: there is no such bucket; make it"));
    }
    let keys = "see access_key and secret_key, and what they may do in the bucket";
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => refused(keys),
        Error::NotImplemented { .. } | Error::NotSupported { .. } => refused("the server lacks what Lehr needs"),
        _ => match input_output(error) {
            Some(ErrorKind::PermissionDenied) => refused("let Lehr's user write there"),
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => refused("make room on the disk"),
            Some(ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory) => refused("give another folder"),
            // Listing has no kind of error of its own for it.
            _ if text.contains("status code: 403") || text.contains("status code: 401") => refused(keys),
            _ if text.contains("status code: 400") || text.contains("status code: 301") => {
                refused("see region, endpoint and url")
            }
            _ => away(),
        },
    }
}

/// Servers say that the object is not there; only the reason tells.
pub(crate) fn no_bucket(error: &Error) -> bool {
    match error {
        Error::NotFound { source, .. } | Error::Generic { source, .. } => source.to_string().contains("NoSuchBucket"),
        _ => false,
    }
}

/// An error with what caused it, as one line.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn input_output(error: &Error) -> Option<ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn what_goes_by_itself_is_away_and_the_rest_says_what_to_do() {
        let away = failure("reading", &generic("Server returned non-2xx status code: 503"));
        assert!(matches!(away, TargetError::Away(_)), "{away:?}");
        let disk = Error::Generic { store: "folder", source: Box::new(std::io::Error::from(ErrorKind::StorageFull)) };
        let missing = Error::NotFound { path: "a".into(), source: "<Code>NoSuchBucket</Code>".into() };
        for (error, fix) in [
            (Error::PermissionDenied { path: "a".into(), source: "no".into() }, "see access_key and secret_key"),
            (generic("Server returned non-2xx status code: 400 Bad Request"), "see region, endpoint and url"),
            (generic("Server returned non-2xx status code: 403 Forbidden"), "see access_key and secret_key"),
            (disk, "make room on the disk"),
            (missing, "there is no such bucket; make it"),
        ] {
            let refused = failure("writing", &error);
            assert!(matches!(&refused, TargetError::Refused(why) if why.contains(fix)), "{refused:?}");
        }
    }

    #[test]
    fn long_answers_are_cut_and_on_one_line() {
        let shown = told(&generic(&"<a>\n".repeat(1000)));
        assert!(shown.chars().count() == SHOWN + 1 && !shown.contains('\n'), "{shown}");
    }
}
