//! The ceiling of whoever knows the plant's full state.

use super::figures::{Figures, figures};
use crate::DatasetError;
use crate::sequences::{HORIZONS, Recipe, Sequences, Split, branches};
use lehr_domain::ids::stable_hash;
use lehr_plant::Branch;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Futures of one state: so many to begin with, and in all where those disagree.
const FIRST: u64 = 8;
const MOST: u64 = 40;

/// The chance of an event within each horizon given all that the simulator knows, by living futures of states of the test part
/// with the simulator itself and the rule of the labels. About `states` origins are taken, evenly spread; lines are lived on all
/// cores, and which core makes no difference.
///
/// States whose first futures all agree are left there; what is uncertain gets more. The error of a chance of a half is then 0.08.
pub fn state_ceiling(
    recipe: &Recipe,
    split: &Split,
    states: usize,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Figures, DatasetError> {
    let test = &split.test;
    let every = (test.len() / states.max(1)).max(1);
    let taken: Vec<usize> = (every / 2..test.len()).step_by(every).collect();
    let line = |index: usize| (test.origins[index].seed, test.origins[index].line);
    let lines: Vec<&[usize]> = taken.chunk_by(|a, b| line(*a) == line(*b)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || -> Result<Vec<(usize, [f64; HORIZONS.len()])>, DatasetError> {
        let mut chances = Vec::new();
        while let Some(indices) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
            branches(recipe, test, indices, |index, branch, recent| {
                chances.push((index, chances_of(branch, recent, recipe, index as u64)));
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, taken.len());
            })?;
        }
        Ok(chances)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic is caught here")).collect()
    });
    let mut chances: Vec<(usize, [f64; HORIZONS.len()])> = Vec::new();
    for part in found {
        chances.extend(part?);
    }
    chances.sort_by_key(|(index, _)| *index);
    let mut part = Sequences::default();
    let mut scores = Vec::new();
    for (index, chances) in chances {
        part.labels.push(test.labels[index]);
        part.truths.push(test.truths[index]);
        part.origins.push(test.origins[index]);
        scores.push(chances);
    }
    figures("state ceiling: futures of the simulator's state", &part, &scores, &part, &scores)
}

/// `recent` is the ware of the minutes before, as far back as the rule looks.
fn chances_of(branch: &Branch, recent: &[(u8, u8)], recipe: &Recipe, state: u64) -> [f64; HORIZONS.len()] {
    let mut hits = [0u64; HORIZONS.len()];
    let mut lived = 0;
    while lived < MOST {
        let mut future = branch.clone();
        future.fork(stable_hash(&[state, lived]));
        let first = first_event(&mut future, recent, recipe);
        for (hits, horizon) in hits.iter_mut().zip(HORIZONS) {
            *hits += u64::from(first.is_some_and(|minute| minute < horizon));
        }
        lived += 1;
        if lived == FIRST && hits.iter().all(|hits| *hits == 0 || *hits == FIRST) {
            break;
        }
    }
    // Laplace's rule would pull sure states from the ends; ranking needs the plain share.
    hits.map(|hits| hits as f64 / lived as f64)
}

/// Minutes until the first that is in an event, within the longest horizon.
fn first_event(future: &mut Branch, recent: &[(u8, u8)], recipe: &Recipe) -> Option<usize> {
    let (mut units, mut bad): (Vec<u8>, Vec<u8>) = recent.iter().copied().unzip();
    let before = units.len();
    for minute in 0..HORIZONS[HORIZONS.len() - 1] {
        let ware = future.minute();
        units.push(ware.units.min(255) as u8);
        bad.push(ware.defective.min(255) as u8);
        let from = (before + minute + 1).saturating_sub(recipe.rule.minutes as usize);
        if recipe.rule.minutes(&units[from..], &bad[from..]).last() == Some(&true) {
            return Some(minute);
        }
    }
    None
}
