//! What an error of Neo4j or of the way to it means: whether it goes by itself, or what somebody has to do.

use lehr_targets::TargetError;
use neo4rs::Error;
use std::io::ErrorKind;

/// Longest message that is passed on, characters: some quote what was sent.
const LONGEST: usize = 300;

/// While `doing` something. Holds no secret.
pub(crate) fn failure(doing: &str, error: Error) -> TargetError {
    match error {
        Error::Neo4j(error) => told(doing, error.code(), error.message()),
        // Answers to BEGIN, COMMIT and PULL come as text.
        Error::UnexpectedMessage(text) => match code_in(&text) {
            Some(code) => told(doing, code, code),
            None => TargetError::Away(format!("{doing}: {}", short(&text))),
        },
        Error::AuthenticationError(why) => {
            TargetError::Refused(format!("{doing}: {}; see user and password", short(&why)))
        }
        // So come errors of the handshake.
        Error::IOError { detail } if detail.kind() == ErrorKind::InvalidData => TargetError::Refused(format!(
            "{doing}: no trusted connection: {detail}; set ca to the authority's certificate, or uri to what the server \
             offers"
        )),
        Error::IOError { detail } => TargetError::Away(format!("{doing}: {detail}")),
        Error::ConnectionError => TargetError::Away(format!("{doing}: no connection")),
        Error::UnsupportedVersion(why) => TargetError::Refused(format!(
            "{doing}: {}; the server must speak Bolt 4.0 or 4.1, as Neo4j 4 and 5 do",
            short(&why)
        )),
        Error::UrlParseError(_) | Error::UnsupportedScheme(_) | Error::InvalidDnsName(_) | Error::InvalidConfig => {
            TargetError::Refused(format!("{doing}: {error}"))
        }
        // What came was cut, or is not what the protocol says: another connection is tried.
        error => TargetError::Away(format!("{doing}: {}", short(&error.to_string()))),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A code such as `Neo.ClientError.Database.DatabaseNotFound`.
fn code_in(text: &str) -> Option<&str> {
    let code = &text[text.find("Neo.")?..];
    let end = code.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.').unwrap_or(code.len());
    Some(&code[..end])
}

/// From a code as Neo4j's manual lists them, "Status codes".
fn told(doing: &str, code: &str, message: &str) -> TargetError {
    let message = short(message);
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {message} ({code}){fix}"));
    let parts: Vec<&str> = code.split('.').collect();
    match (parts.get(1).copied(), parts.get(2).copied(), parts.get(3).copied()) {
        (Some("ClientError"), Some("Security"), Some("AuthorizationExpired" | "TokenExpired"))
        | (Some("ClientError"), Some("Transaction"), _)
        | (Some("TransientError"), _, _) => TargetError::Away(format!("{doing}: {message} ({code})")),
        (Some("ClientError"), Some("Cluster"), _) | (_, Some("General"), Some("ForbiddenOnReadOnlyDatabase")) => {
            TargetError::Away(format!("{doing}: {message} ({code}): give the address of the member that leads"))
        }
        (Some("ClientError"), Some("Security"), Some("Forbidden")) => refused("; grant it"),
        (Some("ClientError"), Some("Security"), _) => refused("; see user and password"),
        (Some("ClientError"), Some("Database"), _) => refused("; create the database"),
        (Some("ClientError"), Some("Schema"), _) => refused(
            "; what others made in the database contradicts Lehr's constraints: remove it, or give Lehr another",
        ),
        (Some("ClientError"), _, _) => refused(""),
        // Trouble of the server's own.
        _ => TargetError::Away(format!("{doing}: {message} ({code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_itself_is_away_and_the_rest_says_what_to_do() {
        for code in [
            "Neo.TransientError.Transaction.DeadlockDetected",
            "Neo.ClientError.Transaction.TransactionTimedOut",
            "Neo.ClientError.Cluster.NotALeader",
            "Neo.DatabaseError.General.UnknownError",
        ] {
            assert!(matches!(told("writing", code, "no"), TargetError::Away(_)), "{code}");
        }
        for (code, fix) in [
            ("Neo.ClientError.Security.Unauthorized", "; see user and password"),
            ("Neo.ClientError.Security.Forbidden", "; grant it"),
            ("Neo.ClientError.Database.DatabaseNotFound", "; create the database"),
            ("Neo.ClientError.Statement.SyntaxError", ")"),
        ] {
            let refused = told("writing", code, "no");
            assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with(fix)), "{refused:?}");
        }
    }

    #[test]
    fn a_code_is_found_in_a_text_and_long_texts_are_cut() {
        let text =
            "unexpected response for BEGIN: Failure { code: \"Neo.ClientError.Database.DatabaseNotFound\", m: 1 }";
        assert_eq!(code_in(text), Some("Neo.ClientError.Database.DatabaseNotFound"));
        assert_eq!(code_in("nothing"), None);
        assert_eq!(short(&"ä".repeat(LONGEST + 1)).chars().count(), LONGEST + 1);
        let failed = failure("beginning", Error::UnexpectedMessage(text.to_owned()));
        assert!(matches!(failed, TargetError::Refused(why) if why.ends_with("; create the database")));
    }
}
