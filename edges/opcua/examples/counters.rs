//! A device whose variables count: for tests that kill a server, and for measuring one source against it.
//!
//! `counters PORT COUNT PERIOD_MS`. At K periods after 1970 variables have the value 1 + K modulo a million. Reads the commands
//! `tick` and `pause`, and answers with the last tick that was set.

use lehr_domain::EventMs;
use lehr_opcua::{Device, DeviceConfig, Point, Variable};
use lehr_tags::Quality;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::time::sleep;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, count, period_ms] = arguments.as_slice() else { return Err("counters PORT COUNT PERIOD_MS".into()) };
    let (count, period_ms): (usize, i64) = (count.parse()?, period_ms.parse()?);
    let variables: Vec<Variable> = (0..count)
        .map(|number| Variable { name: format!("Line_A.c{number}"), unit: "1".into(), range: None })
        .collect();
    let config = DeviceConfig { listen: format!("127.0.0.1:{port}").parse()?, ..DeviceConfig::default() };
    let device = Device::start(&config, &variables, &[], Arc::new(|_, _| Err("there are none".into()))).await?;
    println!("{{\"ready\": {port}}}");
    let mut commands = BufReader::new(stdin()).lines();
    let (mut tick, mut going) = (now_ms() / period_ms, true);
    loop {
        let due = Duration::from_millis(u64::try_from((tick + 1) * period_ms - now_ms()).unwrap_or(0));
        tokio::select! {
            () = sleep(due), if going => {
                tick += 1;
                let at = EventMs(tick * period_ms);
                let point = |variable| Point { variable, value: (1 + tick % 1_000_000) as f64, quality: Quality::Good, at };
                device.set(&(0..count).map(point).collect::<Vec<_>>())?;
            }
            command = commands.next_line() => match command?.as_deref() {
                Some("tick") => println!("{{\"tick\": {tick}}}"),
                Some("pause") => {
                    going = false;
                    println!("{{\"tick\": {tick}}}");
                }
                _ => return Ok(()),
            }
        }
    }
}
