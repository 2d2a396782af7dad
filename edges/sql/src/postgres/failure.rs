//! What an error of PostgreSQL means: whether it goes by itself, or what somebody has to do.

use lehr_targets::TargetError;
use sqlx::Error;
use sqlx::postgres::PgDatabaseError;
use std::io::ErrorKind;

/// While `doing` something. Holds neither secrets nor rows: PostgreSQL's details, which quote rows, are left out.
pub(crate) fn failure(doing: &str, error: Error) -> TargetError {
    match error {
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => told(doing, error.code(), error.message()),
            None => TargetError::Refused(format!("{doing}: {error}")),
        },
        Error::Tls(error) => untrusted(doing, &error.to_string()),
        // So come errors of the handshake.
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => untrusted(doing, &error.to_string()),
        Error::Configuration(_) | Error::Encode(_) | Error::InvalidArgument(_) | Error::ColumnDecode { .. } => {
            TargetError::Refused(format!("{doing}: {error}"))
        }
        // The connection is gone, or what came over it was cut.
        error => TargetError::Away(format!("{doing}: {error}")),
    }
}

fn untrusted(doing: &str, why: &str) -> TargetError {
    TargetError::Refused(format!(
        "{doing}: no trusted connection: {why}; set ca to the authority's certificate, or tls to what the server offers"
    ))
}

/// From a code as PostgreSQL's manual lists them, "Error Codes".
fn told(doing: &str, code: &str, message: &str) -> TargetError {
    let away = |why: &str| TargetError::Away(format!("{doing}: {message}{why}"));
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {message} ({code}){fix}"));
    match (code, code.get(..2).unwrap_or_default()) {
        ("25006", _) => away(": the server is a standby or read-only; give the address of the primary"),
        ("53100", _) => refused("; the server needs room on its disk"),
        ("55P03", _) => away(": another session holds the tables; see pg_stat_activity"),
        ("57014", _) => away(": it took longer than timeout_s"),
        (_, "08" | "40" | "53" | "57" | "58") | ("25P03" | "25P04", _) => away(""),
        (_, "28") => refused("; see user and password, and pg_hba.conf of the server"),
        ("3D000", _) => refused("; create the database"),
        ("42501", _) => refused("; grant it, or let the schema and its tables belong to this user"),
        ("23502", _) => refused("; a column that is not Lehr's must allow null or have a default"),
        ("22P05", _) => refused("; the database must be created with ENCODING 'UTF8'"),
        _ => refused(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_itself_is_away_and_the_rest_says_what_to_do() {
        for code in ["08006", "40001", "40P01", "53300", "57P01", "57P03", "57014", "55P03", "25006", "25P03"] {
            assert!(matches!(told("writing", code, "no"), TargetError::Away(_)), "{code}");
        }
        for code in ["28P01", "3D000", "42501", "42804", "23502", "53100"] {
            assert!(matches!(told("writing", code, "no"), TargetError::Refused(_)), "{code}");
        }
        assert_eq!(
            told("connecting", "3D000", "database \"glass\" does not exist").to_string(),
            "connecting: database \"glass\" does not exist (3D000); create the database"
        );
    }
}
