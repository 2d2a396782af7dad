use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The place of a batch within a training; all that is random about the batch follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub seed: u64,
    /// From 0.
    pub epoch: usize,
    /// From 0 within the epoch.
    pub batch: usize,
}

impl Step {
    /// The generator of one part of a batch, such as the drop-out of its shard `part`. Generators of other steps,
    /// parts and purposes are independent.
    pub fn random(&self, purpose: u8, part: usize) -> ChaCha8Rng {
        random(self.seed, purpose, &[self.epoch as u64, self.batch as u64, part as u64])
    }
}

/// The order in which an epoch visits `count` examples.
pub fn order(seed: u64, epoch: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut random(seed, b'o', &[epoch as u64]));
    order
}

fn random(seed: u64, purpose: u8, place: &[u64]) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    let words = std::iter::once(seed).chain(place.iter().copied());
    for (slot, word) in key.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(u64::from(purpose));
    generator
}
