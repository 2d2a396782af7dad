//! Looks whether a store can be used, and changes nothing in it.

use super::config::Config;
use super::target::standing;
use lehr_domain::Tick;

/// What is there. An error when the broker cannot be reached or does not let one in.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    let tick = standing(config).await.map_err(|error| format!("{}: {error}", config.address()))?;
    let protocol = if config.version >= 5 { "5" } else { "3.1.1" };
    let encrypted = if config.ca.is_some() { ", encrypted" } else { "" };
    let first = format!("{} speaks MQTT {protocol}{encrypted}", config.address);
    let standing = match tick {
        Tick(0) => format!("nothing is there yet below {}", config.prefix),
        Tick(tick) => format!("{} holds tick {tick}", config.prefix),
    };
    let note = "the broker must keep retained messages over a restart: see its persistence".to_owned();
    Ok(vec![first, standing, note])
}
