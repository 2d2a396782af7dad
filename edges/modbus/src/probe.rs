//! Asks a device once, for whoever sets it up.

use crate::config::{Config, ConfigError, Device};
use crate::link::{Link, Silence};
use crate::plan::{Piece, plan};
use crate::sweep::sweep;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;
use tokio_modbus::prelude::ReadCode;
use tokio_modbus::{Request, Response};

/// For all that is asked.
const LIMIT: Duration = Duration::from_secs(15);
/// Tags that are named; the rest is counted.
const NAMED_MOST: usize = 20;

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Silent(String),
    #[error("{0} takes more than {LIMIT:?} for all tags; ask for fewer, or lower timeout_ms")]
    Slow(String),
}

/// Reads all tags once, and says what answers, as whom, and which tags can be read. Takes 15 seconds at most. The error
/// says what is wrong where nothing answers.
pub async fn probe(config: &Config) -> Result<Vec<String>, ProbeError> {
    let devices = config.devices()?;
    let slow = || ProbeError::Slow(config.address.clone());
    timeout(LIMIT, ask_all(config, devices)).await.map_err(|_| slow())?
}

async fn ask_all(config: &Config, devices: Vec<Device>) -> Result<Vec<String>, ProbeError> {
    let mut link = Link::new(&config.address, config.timeout());
    let (mut lines, mut silences) = (Vec::new(), Vec::new());
    for device in devices {
        let unit = device.unit;
        if let Ok(Some(identity)) = identity(&mut link, unit).await {
            lines.push(format!("unit {unit} is {identity}"));
        }
        let mut pieces = plan(&device.places, config.limits());
        let (mut read, mut missing) = (BTreeMap::new(), Vec::new());
        let swept = sweep(&mut link, unit, &device.places, &mut pieces, |piece: &mut Piece, found| match found {
            Ok(values) => read.extend(piece.tags.iter().copied().zip(values)),
            Err(why) => missing.extend(piece.tags.iter().map(|place| (*place, why.clone()))),
        })
        .await;
        let (all, requests) = (device.tags(), pieces.len());
        let clock = device.clock.zip(read.remove(&all));
        match swept {
            Ok(()) => {
                lines.push(format!("unit {unit}: {} of {all} tags can be read; requests: {requests}", read.len()));
                lines.extend(clock.map(|(counts, value)| match counts.time(value) {
                    Some(at) => format!("unit {unit}: its clock says {at}"),
                    None => format!("unit {unit}: its clock says {value}, which is no time since 1970"),
                }));
            }
            Err(why) => {
                lines.push(format!("unit {unit} is silent: {why}"));
                silences.push(why);
            }
        }
        for (place, why) in missing.iter().take(NAMED_MOST) {
            lines.push(format!("{} cannot be read: {why}", device.named(*place)));
        }
        if missing.len() > NAMED_MOST {
            lines.push(format!("… and {} more tags of unit {unit}", missing.len() - NAMED_MOST));
        }
    }
    match silences.pop() {
        Some(why) if link.heard == 0 => Err(ProbeError::Silent(why)),
        _ => Ok(lines),
    }
}

/// What the unit says it is. Few devices do; one that refuses says nothing.
async fn identity(link: &mut Link, unit: u8) -> Result<Option<String>, Silence> {
    let answer = link.ask(unit, Request::ReadDeviceIdentification(ReadCode::Basic, 0)).await?;
    let Ok(Response::ReadDeviceIdentification(found)) = answer else { return Ok(None) };
    let objects = found.device_id_objects.iter().take(3).map(|object| String::from_utf8_lossy(&object.value));
    let said = objects.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join(" ");
    Ok((!said.is_empty()).then_some(said))
}
