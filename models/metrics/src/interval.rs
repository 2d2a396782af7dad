//! How sure a figure is.

use crate::random::Random;

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Quantile of the normal law at 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval of a share (Wilson 1927): (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n). For independent
/// trials. 0 to 1 when there were none.
pub fn wilson(successes: u64, trials: u64) -> Interval {
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let square = Z * Z;
    let middle = p + square / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
    let below = 1.0 + square / n;
    Interval { low: ((middle - half) / below).max(0.0), high: ((middle + half) / below).min(1.0) }
}

/// The 95 % interval of a figure of examples that depend on each other within blocks (windows of one line's day, say) and not
/// across: blocks are drawn with replacement, `draws` times, and the figure taken of each draw (Künsch 1989; percentiles).
///
/// `blocks` are ranges of examples; `figure` gets the examples of one draw, by index, and may have none to tell. `None` when
/// no draw has.
///
/// The bound: a draw holds at most blocks × longest block indices.
pub fn block_bootstrap(
    blocks: &[std::ops::Range<usize>],
    draws: usize,
    seed: u64,
    mut figure: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let mut random = Random::new(seed);
    let mut drawn = Vec::new();
    let mut values: Vec<f64> = (0..draws)
        .filter_map(|_| {
            drawn.clear();
            for _ in 0..blocks.len() {
                drawn.extend(blocks[random.below(blocks.len())].clone());
            }
            figure(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: f64| values[(share * last as f64).round() as usize];
    Some(Interval { low: at(0.025), high: at(0.975) })
}

/// Blocks of at most `length` successive examples.
pub fn blocks(examples: usize, length: usize) -> Vec<std::ops::Range<usize>> {
    let length = length.max(1);
    (0..examples.div_ceil(length)).map(|block| block * length..((block + 1) * length).min(examples)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brown, Cai & DasGupta 2001 and every statistics package: 81 of 263 gives 0.2553 to 0.3662 (Newcombe 1998, table I).
    #[test]
    fn known_values_of_wilson() {
        let near = |successes, trials, low: f64, high: f64| {
            let interval = wilson(successes, trials);
            assert!((interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5, "{interval:?}");
        };
        near(81, 263, 0.2553, 0.3662);
        near(15, 148, 0.0624, 0.1605);
        near(0, 20, 0.0, 0.1611);
        near(1, 29, 0.0061, 0.1718);
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
    }

    /// Independent trials: close to the normal interval. Blocks that are alike within: as wide as so many trials as blocks.
    #[test]
    fn blocks_that_are_alike_count_once() {
        let mut random = Random::new(4);
        let share = |values: &[bool]| values.iter().filter(|v| **v).count() as f64 / values.len() as f64;
        let (blocks_n, each) = (100, 50);
        let alike: Vec<bool> = (0..blocks_n).flat_map(|_| vec![random.uniform() < 0.4; each]).collect();
        let free: Vec<bool> = (0..blocks_n * each).map(|_| random.uniform() < 0.4).collect();
        let width = |values: &[bool], length: usize| {
            let figure = |drawn: &[usize]| Some(share(&drawn.iter().map(|index| values[*index]).collect::<Vec<_>>()));
            let interval = block_bootstrap(&blocks(values.len(), length), 1000, 9, figure).unwrap();
            assert!((interval.low..=interval.high).contains(&share(values)));
            interval.high - interval.low
        };
        let normal = |values: &[bool], n: f64| 2.0 * Z * (share(values) * (1.0 - share(values)) / n).sqrt();
        assert!((width(&free, each) / normal(&free, 5000.0) - 1.0).abs() < 0.25);
        assert!((width(&alike, each) / normal(&alike, 100.0) - 1.0).abs() < 0.25);
        // Without blocks the interval claims far too much.
        assert!(width(&alike, 1) < 0.25 * width(&alike, each));
    }

    #[test]
    fn the_interval_holds_the_truth_about_as_often_as_it_says() {
        let mut holds = 0;
        for seed in 0..200 {
            let mut random = Random::new(1000 + seed);
            let values: Vec<f64> = (0..60).flat_map(|_| [random.uniform(); 5]).collect();
            let mean = |drawn: &[usize]| Some(drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64);
            let interval = block_bootstrap(&blocks(values.len(), 5), 300, seed, mean).unwrap();
            holds += usize::from((interval.low..=interval.high).contains(&0.5));
        }
        assert!((178..=199).contains(&holds), "{holds} of 200");
    }

    #[test]
    fn examples_are_cut_without_loss() {
        assert_eq!(blocks(7, 3), [0..3, 3..6, 6..7]);
        assert_eq!(blocks(0, 3), []);
        assert_eq!(block_bootstrap(&[], 10, 1, |_| None), None);
    }
}
