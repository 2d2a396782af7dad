use lehr_camera::set::Recipe;
use rand::seq::SliceRandom;

use super::part::Part;
use super::task::parts;
use crate::fitting::{Step, order};

/// Batches' worth of pictures that are held at once, so that windows of a batch are of different pictures.
const HELD: usize = 8;

/// The pictures that windows are cut of. To make one takes longer than to learn from a window of it, so several are cut
/// of each, in different batches.
#[derive(Debug, Default)]
pub struct Pool {
    /// Seed, epoch and block of what is held.
    of: Option<(u64, usize, usize)>,
    held: Vec<Part>,
    /// The held picture of each window.
    order: Vec<usize>,
}

impl Pool {
    /// The windows of a step: `rows` of `of_epoch`, `looks` of each picture.
    pub fn windows(&mut self, recipe: &Recipe, step: Step, size: PoolSize) -> Vec<Part> {
        let PoolSize { rows, of_epoch, looks, window } = size;
        let batches = HELD * looks;
        let (block, within) = (step.batch / batches, step.batch % batches);
        if self.of != Some((step.seed, step.epoch, block)) {
            let order = order(step.seed, step.epoch, recipe.count as usize);
            let made = &order[..of_epoch.div_ceil(looks).min(order.len())];
            let chosen = made.chunks(HELD * rows).nth(block).unwrap_or_default();
            self.held = parts(recipe, chosen, step.epoch);
            self.order = (0..chosen.len() * looks).map(|look| look % chosen.len()).collect();
            self.order.shuffle(&mut Step { batch: block, ..step }.random(b'l', 0));
            self.of = Some((step.seed, step.epoch, block));
        }
        let mut random = step.random(b'w', 0);
        let chosen = self.order.chunks(rows).nth(within).unwrap_or_default();
        chosen.iter().map(|at| self.held[*at].window(window, &mut random)).collect()
    }
}

/// How many windows are cut, and how large they are.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// Windows of a batch.
    pub rows: usize,
    /// Windows of an epoch.
    pub of_epoch: usize,
    /// Windows of a picture; at least 1.
    pub looks: usize,
    /// Patches along the side of a window.
    pub window: usize,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lehr_camera::Split;

    use super::*;

    #[test]
    fn an_epoch_looks_as_often_at_each_of_its_pictures() {
        let recipe = Recipe::new(5, Split::Training, 40, 112).unwrap();
        let size = PoolSize { rows: 2, of_epoch: 60, looks: 3, window: 7 };
        let mut pool = Pool::default();
        let mut seen: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut each = vec![];
        for batch in 0..30 {
            let windows = pool.windows(&recipe, Step { seed: 1, epoch: 2, batch }, size);
            assert_eq!(windows.len(), 2);
            // A window as large as the picture is the picture.
            for window in &windows {
                *seen.entry(window.light.iter().map(|light| light.to_bits()).collect()).or_default() += 1;
            }
            each.push(windows);
        }
        assert_eq!(seen.into_values().collect::<Vec<_>>(), vec![3; 20]);
        // The same from a step in the middle on.
        let again = Pool::default().windows(&recipe, Step { seed: 1, epoch: 2, batch: 25 }, size);
        assert_eq!(again, each[25]);
    }
}
