//! A Redis server, a bad network before it, and rows to follow.
#![allow(dead_code)]

#[path = "../../../sql/tests/support/driver.rs"]
pub mod driver;
pub mod held;
#[path = "../../../sql/tests/support/proxy.rs"]
pub mod proxy;
pub mod server;
pub mod world;

use std::time::{Duration, Instant};

/// After so long a test gives up.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Waits for a condition.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(met) = condition() {
            return met;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A seed that can be given again as LEHR_SEED.
pub fn seed() -> u64 {
    let seed = std::env::var("LEHR_SEED").ok().map(|text| text.parse().expect("a number"));
    let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed = seed.unwrap_or_else(|| since().subsec_nanos().into());
    println!("LEHR_SEED={seed}");
    seed
}
