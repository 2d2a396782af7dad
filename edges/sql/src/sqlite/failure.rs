//! What an error of SQLite means: whether it goes by itself, or what somebody has to do.

use lehr_targets::TargetError;
use sqlx::Error;

/// While `doing` something. Holds no rows.
pub(crate) fn failure(doing: &str, error: Error) -> TargetError {
    match error {
        Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse().ok()).unwrap_or(0);
            told(doing, code, error.message())
        }
        Error::Configuration(_) | Error::Encode(_) | Error::InvalidArgument(_) | Error::ColumnDecode { .. } => {
            TargetError::Refused(format!("{doing}: {error}"))
        }
        error => TargetError::Away(format!("{doing}: {error}")),
    }
}

/// From a code as SQLite lists them, "Result and Error Codes": its lowest byte tells the kind.
fn told(doing: &str, code: i32, message: &str) -> TargetError {
    let away = |why: &str| TargetError::Away(format!("{doing}: {message}{why}"));
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {message} ({code}){fix}"));
    match code & 0xff {
        5 | 6 | 15 => away(": another program is writing the file; Lehr goes on when that has ended"),
        7 => away(""),
        8 => refused("; the file and its folder must be writable for this user"),
        10 => refused("; see the disk, its quota and the log of the system"),
        11 | 26 => refused(
            "; the file is damaged, or of another program: move it away together with its -wal and -shm, and let Lehr \
             fill another one under a new name",
        ),
        13 => refused("; make room on the disk"),
        14 => refused("; its folder must exist and be writable for this user: -wal and -shm are made beside the file"),
        _ => refused(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_itself_is_away_and_the_rest_says_what_to_do() {
        // Busy, busy while another recovers, locked, no memory.
        for code in [5, 261, 6, 7] {
            assert!(matches!(told("writing", code, "no"), TargetError::Away(_)), "{code}");
        }
        for (code, fix) in
            [(8, "writable"), (1544, "writable"), (778, "disk"), (13, "room"), (14, "folder"), (26, "move")]
        {
            let told = told("writing", code, "no");
            assert!(matches!(&told, TargetError::Refused(why) if why.contains(fix)), "{told:?}");
        }
    }
}
