//! The ceiling of whoever knows the plant's full state.

use super::figures::{Figures, figures};
use crate::DatasetError;
use crate::sequences::{HORIZONS, Recipe, Sequences, Split, branches};
use lehr_domain::ids::stable_hash;
use lehr_plant::Branch;

/// Futures of one state: so many to begin with, and in all where those disagree.
const FIRST: u64 = 8;
const MOST: u64 = 40;

/// The chance of an event within each horizon given all that the simulator knows, by living futures of states of the test part
/// with the simulator itself and the rule of the labels. About `states` origins are taken, evenly spread.
///
/// States whose first futures all agree are left there; what is uncertain gets more. The error of a chance of a half is then 0.08.
pub fn state_ceiling(
    recipe: &Recipe,
    split: &Split,
    states: usize,
    progress: impl Fn(usize, usize),
) -> Result<Figures, DatasetError> {
    let every = (split.test.len() / states.max(1)).max(1);
    let taken: Vec<usize> = (every / 2..split.test.len()).step_by(every).collect();
    let mut part = Sequences::default();
    let mut scores = Vec::new();
    let mut done = 0;
    branches(recipe, &split.test, &taken, |index, branch, recent| {
        part.labels.push(split.test.labels[index]);
        part.truths.push(split.test.truths[index]);
        part.origins.push(split.test.origins[index]);
        scores.push(chances(branch, recent, recipe, index as u64));
        done += 1;
        progress(done, taken.len());
    })?;
    figures("state ceiling: futures of the simulator's state", &part, &scores, &part, &scores)
}

/// `recent` is the ware of the minutes before, as far back as the rule looks.
fn chances(branch: &Branch, recent: &[(u8, u8)], recipe: &Recipe, state: u64) -> [f64; HORIZONS.len()] {
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
