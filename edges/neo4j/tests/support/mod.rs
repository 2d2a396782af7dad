//! A server that speaks Bolt, a bad network before it, and edges to follow.
#![allow(dead_code)]

#[path = "../../../sql/tests/support/driver.rs"]
pub mod driver;
pub mod proxy;
pub mod seen;
pub mod server;
pub mod world;

use rustix::process::{Signal, set_parent_process_death_signal};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// After so long a test gives up.
pub const LIMIT: Duration = Duration::from_secs(180);

/// A seed that can be given again as LEHR_SEED.
pub fn seed() -> u64 {
    let seed = std::env::var("LEHR_SEED").ok().map(|text| text.parse().expect("a number"));
    let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed = seed.unwrap_or_else(|| since().subsec_nanos().into());
    println!("LEHR_SEED={seed}");
    seed
}

/// A process that does not outlive the test, however that ends: it is killed when the thread that starts it is gone.
pub fn bound_to_us(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    // SAFETY: between fork and exec this makes one system call, and allocates nothing.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
    command
}
