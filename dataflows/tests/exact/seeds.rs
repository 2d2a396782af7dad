//! Which seeds are tried.

use rand::rngs::SysRng;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn number(variable: &str) -> Option<u64> {
    // The graphs must not read the environment; what tests them may.
    #[expect(clippy::disallowed_methods)]
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a whole number, not '{text}'")))
}

/// The fixed seeds and some fresh ones, as many as usual or as asked for; or the one that is asked for.
pub fn seeds(fixed: impl IntoIterator<Item = u64>, usual: u64) -> Vec<u64> {
    if let Some(seed) = number("LEHR_SEED") {
        return vec![seed];
    }
    let mut seeds: Vec<u64> = fixed.into_iter().collect();
    let mut rng = ChaCha8Rng::try_from_rng(&mut SysRng).expect("the system has random bytes");
    seeds.extend((0..number("LEHR_SEEDS").unwrap_or(usual)).map(|_| u64::from(rng.random::<u32>())));
    seeds
}

/// Whether all that is to be seen over the fixed seeds can be asked for: not when a single one was tried.
pub fn is_whole_corpus() -> bool {
    number("LEHR_SEED").is_none()
}
