//! Looks whether a store can be used, and changes nothing in it.

use crate::config::Config;
use crate::keys::Keys;
use crate::layout::Found;
use crate::link::{Link, texts};
use crate::server::Server;
use lehr_targets::TargetError;
use redis::cmd;
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(20);

/// What is there, what is missing, and what to do about it. An error when the store cannot be reached or used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    match tokio::time::timeout(LIMIT, look(config)).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: no answer within {} s", config.address(), LIMIT.as_secs())),
    }
}

async fn look(config: &Config) -> Result<Vec<String>, TargetError> {
    let mut link = Link::open(config).await?;
    let server = Server::ask(&mut link).await?;
    server.check()?;
    if server.says("role") == Some("slave") {
        return Err(TargetError::Refused("the server is a replica: give the address of the primary".to_owned()));
    }
    let mut lines = match server.says("redis_version") {
        Some(version) => vec![format!("Redis {version} at {}", config.address())],
        None => vec![format!("a server at {} that does not let this user ask what it is (INFO)", config.address())],
    };
    lines.push(durability(&mut link, &server).await?);
    let found = Found::read(&mut link, &Keys::new(&config.prefix)).await?;
    lines.push(match found.tick {
        None => format!("nothing is there yet under {}: it is made at the start", config.prefix),
        Some(tick) => {
            let partly = found.tables.values().filter(|kept| kept.since > 0).count();
            let partly = if partly > 0 { format!(", {partly} of them only from some tick on") } else { String::new() };
            let now = found.now.unwrap_or("no time".to_owned());
            format!("{} holds tick {} ({now}), {} tables{partly}", config.prefix, tick.0, found.tables.len())
        }
    });
    Ok(lines)
}

/// What the server still has after a crash.
async fn durability(link: &mut Link, server: &Server) -> Result<String, TargetError> {
    match server.says("aof_enabled") {
        Some("1") => {}
        Some(_) => {
            return Ok("appendonly is off: what the server forgets when it is restarted, Lehr must fill anew; set \
                       appendonly yes and appendfsync always"
                .to_owned());
        }
        None => return Ok("whether the server keeps what it is told over a restart is not known".to_owned()),
    }
    let mut asked = cmd("CONFIG");
    asked.arg("GET").arg("appendfsync");
    let policy = match link.ask_one("asking the server", asked).await {
        Ok(answer) => texts(&answer).pop(),
        Err(TargetError::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(match policy.as_deref() {
        Some("always") => "appendonly with appendfsync always: nothing is forgotten".to_owned(),
        Some(policy) => format!(
            "appendfsync is {policy}: a crash of the machine may lose the last seconds, and then Lehr must fill the store \
             anew; set it to always"
        ),
        None => "appendonly is on; appendfsync, which may not be asked for, should be always".to_owned(),
    })
}
