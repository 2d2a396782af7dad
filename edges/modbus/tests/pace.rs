//! What it costs to poll a large device.

mod support;

use lehr_domain::Status;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::time::Duration;
use support::{Pymodbus, Running, in_order, names};

const REGISTERS: usize = 1000;
const POLLS: usize = 10;

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

#[tokio::test]
async fn a_thousand_registers_a_second() {
    let held: Vec<usize> = (0..REGISTERS).collect();
    let device = Pymodbus::start(&json!({ "port": 0, "units": [{ "unit": 1, "holding": [[0, "UINT16", held]] }] }));
    let tag =
        |at: usize| format!("[[tag]]\nregister = \"holding:{at}\"\ntype = \"u16\"\nto = {{ sensor = \"s{at}\" }}\n");
    let tags: String = (0..REGISTERS).map(tag).collect();
    let text = format!("name = \"plc\"\naddress = \"{}\"\nevery_ms = 1000\n{tags}", device.address());
    let source = Running::start(&text, names(REGISTERS, "1"));
    source.polled(REGISTERS as u32 - 1, 1).await;
    let (before, heard) = (cpu(), source.status.standing().messages);
    source.polled(REGISTERS as u32 - 1, 1 + POLLS).await;
    let (spent, standing) = (cpu() - before, source.status.standing());
    let requests = (standing.messages - heard) as usize;
    println!(
        "{REGISTERS} registers at 1 Hz: {} requests and {:.2} ms of CPU time a second, the test's own counting in it; {} polls missed",
        requests / POLLS,
        spent.as_secs_f64() * 1e3 / POLLS as f64,
        standing.missed
    );
    let readings = source.kept.readings();
    assert_eq!(in_order(&readings), REGISTERS * (1 + POLLS), "each register in each poll, once");
    assert!(readings.iter().all(|it| it.status == Status::Ok && it.value.to_f64() == f64::from(it.sensor.0)));
    assert_eq!((requests, standing.refused), (8 * POLLS, 0));
}
