//! Servers that take points: one that keeps them, and one that answers as it is told.
#![allow(dead_code)]

pub mod stub;
pub mod victoria;
#[path = "../../../redis/tests/support/world.rs"]
pub mod world;

use lehr_domain::Tick;
use lehr_targets::{Target, TargetError};
use std::time::{Duration, Instant};
use world::World;

/// After so long a test gives up.
pub const LIMIT: Duration = Duration::from_secs(60);

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

/// As Lehr drives it: connects anew after every failure.
pub async fn deliver(
    target: &mut Box<dyn Target>,
    connected: &mut bool,
    world: &World,
    (after, tick): (Tick, Tick),
) -> Result<(), TargetError> {
    if !*connected {
        assert_eq!(target.connect(&world.tables).await?, None, "it keeps no tick");
        *connected = true;
    }
    let done = target.apply(&world.delta(after, tick)).await;
    *connected = done.is_ok();
    done
}
