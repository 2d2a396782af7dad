//! What a server says of itself.

use crate::link::{Link, text};
use lehr_targets::TargetError;
use redis::cmd;
use std::collections::HashMap;

/// The answer of INFO; empty where the user may not ask.
pub(crate) struct Server(HashMap<String, String>);

impl Server {
    pub async fn ask(link: &mut Link) -> Result<Server, TargetError> {
        let said = match link.ask_one("asking the server", cmd("INFO")).await {
            Ok(said) => text(&said).unwrap_or_default(),
            // It is not needed.
            Err(TargetError::Refused(_)) => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Server::read(&said))
    }

    fn read(said: &str) -> Server {
        let lines = said.lines().filter_map(|line| line.split_once(':'));
        Server(lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    pub fn says(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Refuses one that throws Lehr's rows away to make room.
    pub fn check(&self) -> Result<(), TargetError> {
        match (self.says("maxmemory_policy"), self.says("maxmemory")) {
            (Some(policy), Some(limit)) if policy.starts_with("allkeys") && limit != "0" => {
                Err(TargetError::Refused(format!(
                    "the server drops any key when its memory is used up, Lehr's tables too (maxmemory-policy {policy}): \
                     set it to noeviction or to one of volatile-*, which leave Lehr's keys"
                )))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_drops_any_key_is_refused() {
        let server = |policy: &str, limit: u64| {
            Server::read(&format!("# Memory\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n"))
        };
        assert!(server("allkeys-lru", 1 << 20).check().is_err());
        assert!(server("allkeys-lru", 0).check().is_ok());
        assert!(server("volatile-lru", 1 << 20).check().is_ok());
        assert!(Server::read("").check().is_ok());
    }
}
