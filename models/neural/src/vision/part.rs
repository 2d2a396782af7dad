use lehr_camera::Kind;
use lehr_camera::set::{NONE, PATCH, Recipe, Sample};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::patches::{CELLS, DEVIATION, MASKS, MEAN, mask_patches, pixels};

/// From how much of a flaw a model is asked for the whole of it.
const SEEN: f32 = 0.6;
/// How often a window is laid over a flaw, if there is one: most of a picture is without.
const OVER_FLAW: f64 = 0.8;
/// The most that the light of a part is made redder or bluer.
const TINT: f32 = 0.07;

/// A picture, or a window of it, as a network gets it, with what it should say.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Patches along a side.
    pub grid: usize,
    /// The patch of the picture that is the part's first: row, column.
    pub corner: [usize; 2],
    /// Patches along a side of the picture.
    pub whole: usize,
    /// `[side, side, 3]`, scaled.
    pub light: Vec<f32>,
    /// Of each patch: a kind's index, none or ignored.
    pub classes: Vec<u8>,
    /// Of each patch, in patches; zeros where no flaw is.
    pub boxes: Vec<[f32; 4]>,
    /// Of each patch: its part of those that stand for the same flaw; 0 where no flaw is.
    pub shares: Vec<f32>,
    /// `[patches, 6 × 16]`.
    pub masks: Vec<f32>,
}

impl Part {
    pub fn whole(sample: &Sample, recipe: &Recipe) -> Self {
        let (mut light, mut masks) = (vec![], vec![]);
        pixels(&sample.image, recipe.side(), &mut light);
        mask_patches(&sample.masks, recipe.cells(), &mut masks);
        // A picture has one flaw of a kind at most.
        let share = |class: &u8| match *class < NONE {
            true => 1.0 / sample.classes.iter().filter(|other| *other == class).count() as f32,
            false => 0.0,
        };
        let shares = sample.classes.iter().map(share).collect();
        let (classes, boxes) = (sample.classes.clone(), sample.boxes.clone());
        Self { grid: recipe.grid(), corner: [0, 0], whole: recipe.grid(), light, classes, boxes, shares, masks }
    }

    /// A window of `grid` patches along a side, more often than not over a flaw.
    pub fn window(&self, grid: usize, random: &mut ChaCha8Rng) -> Self {
        let room = self.grid.saturating_sub(grid);
        let flawed: Vec<usize> = (0..self.classes.len()).filter(|patch| self.shares[*patch] > 0.0).collect();
        let corner = if !flawed.is_empty() && random.random_bool(OVER_FLAW) {
            // Each flaw is as likely, whatever its size.
            let kinds: Vec<u8> = {
                let mut kinds: Vec<u8> = flawed.iter().map(|patch| self.classes[*patch]).collect();
                kinds.sort_unstable();
                kinds.dedup();
                kinds
            };
            let kind = kinds[random.random_range(0..kinds.len())];
            let of_kind: Vec<usize> = flawed.into_iter().filter(|patch| self.classes[*patch] == kind).collect();
            let patch = of_kind[of_kind.len() / 2];
            let mut along = |place: usize| {
                let within = random.random_range(1..grid.max(3) - 1).min(grid.saturating_sub(1));
                place.saturating_sub(within).min(room)
            };
            [along(patch / self.grid), along(patch % self.grid)]
        } else {
            [random.random_range(0..=room), random.random_range(0..=room)]
        };
        self.cut(corner, grid.min(self.grid))
    }

    /// Mirrors every other part, and tints the light: the camera may hang on either side of the line, and lamps age.
    pub fn vary(&mut self, random: &mut ChaCha8Rng) {
        let tint = random.random_range(-TINT..=TINT);
        if random.random_bool(0.5) {
            *self = self.mirrored();
        }
        // Less red is more blue. Of the light itself, not of what is scaled.
        let factors = [1.0 + tint, 1.0, 1.0 - tint];
        for (at, light) in self.light.iter_mut().enumerate() {
            *light = *light * factors[at % 3] + (factors[at % 3] - 1.0) * MEAN / DEVIATION;
        }
    }

    /// As in a mirror that stands beside it.
    pub fn mirrored(&self) -> Self {
        let grid = self.grid;
        let [top, left] = self.corner;
        Self {
            grid,
            corner: [top, self.whole - grid - left],
            whole: self.whole,
            light: turned(&self.light, grid * PATCH, 3),
            classes: turned(&self.classes, grid, 1),
            boxes: turned(&self.boxes, grid, 1).into_iter().map(|[x, y, w, h]| [-x, y, w, h]).collect(),
            shares: turned(&self.shares, grid, 1),
            masks: turned(&turned(&self.masks, CELLS, 1), grid, MASKS),
        }
    }

    /// The window of `grid` patches along a side from a corner on. Of flaws that it hardly shows nothing is learned.
    pub fn cut(&self, corner: [usize; 2], grid: usize) -> Self {
        let [top, left] = corner;
        assert!(top + grid <= self.grid && left + grid <= self.grid, "a window lies within its picture");
        let patches: Vec<usize> =
            (0..grid * grid).map(|patch| (top + patch / grid) * self.grid + left + patch % grid).collect();
        let (side, whole) = (grid * PATCH, self.grid * PATCH);
        let mut light = Vec::with_capacity(side * side * 3);
        for row in 0..side {
            light.extend(&self.light[((top * PATCH + row) * whole + left * PATCH) * 3..][..side * 3]);
        }
        let masks: Vec<f32> = patches.iter().flat_map(|patch| &self.masks[patch * MASKS..][..MASKS]).copied().collect();
        let seen: [bool; Kind::COUNT] = std::array::from_fn(|kind| {
            let cells = |masks: &[f32]| -> f32 {
                let of_kind = |patch: &[f32]| patch[kind * CELLS * CELLS..][..CELLS * CELLS].iter().sum::<f32>();
                masks.chunks_exact(MASKS).map(of_kind).sum()
            };
            cells(&masks) >= SEEN * cells(&self.masks)
        });
        let of_flaw = |patch: &usize| usize::from(self.classes[*patch]) < Kind::COUNT;
        let asked = |patch: &usize| of_flaw(patch) && seen[usize::from(self.classes[*patch])];
        Self {
            grid,
            corner: [self.corner[0] + top, self.corner[1] + left],
            whole: self.whole,
            light,
            classes: patches
                .iter()
                .map(
                    |patch| {
                        if of_flaw(patch) && !asked(patch) { lehr_camera::set::IGNORED } else { self.classes[*patch] }
                    },
                )
                .collect(),
            boxes: patches.iter().map(|patch| if asked(patch) { self.boxes[*patch] } else { [0.0; 4] }).collect(),
            shares: patches.iter().map(|patch| if asked(patch) { self.shares[*patch] } else { 0.0 }).collect(),
            masks,
        }
    }
}

/// Rows of `length` places, the last place first.
fn turned<T: Copy>(values: &[T], length: usize, numbers: usize) -> Vec<T> {
    let rows = values.chunks(length * numbers);
    rows.flat_map(|row| row.chunks(numbers).rev().flatten()).copied().collect()
}

#[cfg(test)]
mod tests {
    use lehr_camera::Split;
    use lehr_camera::set::IGNORED;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn parts() -> Vec<Part> {
        let recipe = Recipe::new(5, Split::Training, 60, 224).unwrap();
        recipe.samples(0).map(|sample| Part::whole(&sample, &recipe)).collect()
    }

    #[test]
    fn the_shares_of_a_flaw_sum_to_one() {
        for part in parts() {
            let mut kinds: Vec<u8> = part.classes.iter().copied().filter(|class| *class < NONE).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert!((part.shares.iter().sum::<f32>() - kinds.len() as f32).abs() < 1e-4);
        }
    }

    #[test]
    fn a_mirror_shows_each_patch_on_the_other_side() {
        let part = parts().into_iter().find(|part| part.shares.iter().any(|share| *share > 0.0)).unwrap();
        let window = part.cut([2, 1], 8);
        let mirrored = window.mirrored();
        assert_eq!(mirrored.corner, [2, 5]);
        assert_eq!(mirrored.mirrored(), window);
        for patch in 0..64 {
            let other = patch / 8 * 8 + 7 - patch % 8;
            assert_eq!(mirrored.classes[other], window.classes[patch]);
            let ([x, y, width, height], [other_x, other_y, other_width, other_height]) =
                (window.boxes[patch], mirrored.boxes[other]);
            assert_eq!([-x, y, width, height], [other_x, other_y, other_width, other_height]);
            let cell =
                |part: &Part, patch: usize, column: usize| part.masks[patch * MASKS + 2 * CELLS * CELLS + 4 + column];
            assert_eq!(cell(&mirrored, other, 3), cell(&window, patch, 0));
            let pixel = |part: &Part, patch: usize, column: usize| {
                part.light[((patch / 8 * PATCH + 3) * 8 * PATCH + patch % 8 * PATCH + column) * 3 + 2]
            };
            assert_eq!(pixel(&mirrored, other, 15), pixel(&window, patch, 0));
        }
    }

    #[test]
    fn a_window_says_of_its_patches_what_the_picture_does() {
        let seed = 8;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut flawed, mut cut_off) = (0, 0);
        // Several windows of each.
        for part in parts().iter().flat_map(|part| std::iter::repeat_n(part, 6)) {
            let window = part.window(7, &mut random);
            let [top, left] = window.corner;
            for patch in 0..49 {
                let whole = (top + patch / 7) * 14 + left + patch % 7;
                assert_eq!(window.masks[patch * MASKS..][..MASKS], part.masks[whole * MASKS..][..MASKS]);
                let pixel = |part: &Part, patch: usize, grid: usize| {
                    let (down, across) = (patch / grid * PATCH + 5, patch % grid * PATCH + 9);
                    part.light[(down * grid * PATCH + across) * 3 + 1]
                };
                assert_eq!(pixel(&window, patch, 7), pixel(part, whole, 14), "seed {seed}");
                if window.classes[patch] == part.classes[whole] {
                    assert_eq!(window.boxes[patch], part.boxes[whole]);
                    assert_eq!(window.shares[patch], part.shares[whole]);
                } else {
                    assert!(part.classes[whole] < NONE && window.classes[patch] == IGNORED);
                    cut_off += 1;
                }
                flawed += usize::from(window.shares[patch] > 0.0);
            }
        }
        assert!(flawed > 60 && cut_off > 5, "seed {seed}: {flawed} patches, {cut_off} of flaws that are cut off");
    }
}
