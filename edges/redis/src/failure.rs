//! What an error of Redis means: whether it goes by itself, or what somebody has to do.

use lehr_targets::TargetError;
use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::io;
use std::sync::Arc;

/// While `doing` something. Holds neither secrets nor rows.
pub(crate) fn failure(doing: &str, error: &RedisError) -> TargetError {
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {error}{fix}"));
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            TargetError::Refused(format!("{doing}: the server refuses user and password; see both, and its ACL"))
        }
        ErrorKind::InvalidClientConfig => refused(""),
        // So come errors of the handshake.
        ErrorKind::Io if io_kind(error) == Some(io::ErrorKind::InvalidData) => refused(
            ": no trusted connection; set ca to the authority's certificate, or leave tls out where the server has none",
        ),
        _ => match error.code() {
            Some(code) => told(doing, code, error.detail().unwrap_or_default()),
            // The connection is gone, or what came over it was cut.
            None => TargetError::Away(format!("{doing}: {error}")),
        },
    }
}

fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    let source = error.source()?;
    // The client shares its causes.
    let shared = source.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    let cause = shared.map_or_else(|| source.downcast_ref::<io::Error>(), |shared| shared.downcast_ref::<io::Error>());
    cause.map(io::Error::kind)
}

/// What the server said.
pub(crate) fn told(doing: &str, code: &str, detail: &str) -> TargetError {
    let away = |why: &str| TargetError::Away(format!("{doing}: {detail} ({code}){why}"));
    let refused = |fix: &str| TargetError::Refused(format!("{doing}: {detail} ({code}){fix}"));
    match code {
        "LOADING" | "BUSY" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN" | "NOREPLICAS" => away(""),
        "READONLY" => away(": the server is a replica; give the address of the primary"),
        "OOM" => refused("; the server's memory is used up: raise its maxmemory, or keep fewer tables"),
        "MISCONF" => refused("; the server cannot write to its disk: see its log"),
        "NOAUTH" | "WRONGPASS" => refused("; see user and password, and the server's ACL"),
        "NOPERM" => refused("; the user needs ~PREFIX* &* +@read +@write +@transaction +info, as ACL SETUSER says it"),
        "WRONGTYPE" => refused("; a key of Lehr's is not as Lehr made it: delete it, or choose another prefix"),
        "MOVED" | "ASK" | "CROSSSLOT" => refused(
            "; the server is part of a cluster, whose transactions stay on one node: set prefix to one in braces, such \
             as {lehr}:, and address to the node that has it",
        ),
        _ => refused(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_by_itself_is_away_and_the_rest_says_what_to_do() {
        for code in ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY"] {
            assert!(matches!(told("writing", code, "no"), TargetError::Away(_)), "{code}");
        }
        for code in ["OOM", "NOPERM", "WRONGPASS", "WRONGTYPE", "CROSSSLOT", "MISCONF", "ERR"] {
            assert!(matches!(told("writing", code, "no"), TargetError::Refused(_)), "{code}");
        }
        let lost = RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(matches!(failure("writing", &lost), TargetError::Away(_)));
    }
}
