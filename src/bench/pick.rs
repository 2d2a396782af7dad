//! Numbers that look random and are the same in every run.

use lehr_domain::ids::stable_hash;

/// A number below `below`, which must not be 0, that depends on `parts` alone.
pub fn pick(parts: &[u64], below: u64) -> u64 {
    stable_hash(parts) % below
}
