//! Whether a host application is there: `spBv1.0/STATE/host id`, retained.

use super::topic::NAMESPACE;
use lehr_domain::EventMs;
use serde::{Deserialize, Serialize};

/// The message of a host, online or offline, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    pub online: bool,
    /// When the host connected, ms since 1970: the same online and in the will, so that the two are of one connection.
    pub timestamp: i64,
}

impl HostState {
    pub fn topic(host_id: &str) -> String {
        format!("{NAMESPACE}/STATE/{host_id}")
    }

    pub fn at(online: bool, at: EventMs) -> HostState {
        HostState { online, timestamp: at.0 }
    }

    pub fn write(self) -> Vec<u8> {
        format!("{{\"online\":{},\"timestamp\":{}}}", self.online, self.timestamp).into_bytes()
    }

    pub fn read(payload: &[u8]) -> Option<HostState> {
        serde_json::from_slice(payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_and_read_and_nothing_else_is() {
        let state = HostState::at(true, EventMs(1_800_000_000_000));
        assert_eq!(state.write(), br#"{"online":true,"timestamp":1800000000000}"#);
        assert_eq!(HostState::read(&state.write()), Some(state));
        assert_eq!(HostState::topic("lehr"), "spBv1.0/STATE/lehr");
        for other in [&b"ONLINE"[..], b"", b"{}", b"{\"online\":1}", &[0xff, 0xfe]] {
            assert_eq!(HostState::read(other), None);
        }
    }
}
