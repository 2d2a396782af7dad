//! Making a set.

use super::event::next_event;
use super::scaler::Sums;
use super::{
    CAUSES, HORIZONS, LineSeries, MINUTES, Origin, Recipe, SENSORS, Scaler, Sequences, Split, cache, fill, simulate,
};
use crate::DatasetError;
use lehr_domain::EventMs;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub plants_done: usize,
    pub plants: usize,
}

/// Makes the set of a recipe, or takes it from `folder` as far as it was made before.
///
/// Plants are simulated on all cores, each on one; which core takes which makes no difference. Memory: one plant a core (28 MB for
/// 100 days), then the set itself (9.6 kB a window).
pub fn generate(recipe: &Recipe, folder: &Path, progress: impl Fn(Progress) + Sync) -> Result<Split, DatasetError> {
    recipe.check()?;
    let folder = simulated(recipe, folder, &[0, 1, 2, 3], &progress)?;
    let mut sums = Sums::default();
    each_plant(recipe, &folder, 0, |_, lines| lines.iter().for_each(|series| sums.add(&series.means)))?;
    let scaler = sums.scaler();
    let part = |index: usize| sequences(recipe, &folder, index, &scaler);
    Ok(Split { train: part(0)?, validation: part(1)?, calibration: part(2)?, test: part(3)?, scaler })
}

/// The test part of [`generate`] alone, for a model that was trained before: its scaler fills the gaps.
pub fn generate_test(
    recipe: &Recipe,
    folder: &Path,
    scaler: &Scaler,
    progress: impl Fn(Progress) + Sync,
) -> Result<Sequences, DatasetError> {
    recipe.check()?;
    let folder = simulated(recipe, folder, &[3], &progress)?;
    sequences(recipe, &folder, 3, scaler)
}

/// The examples of one part, of plants that have been simulated.
fn sequences(recipe: &Recipe, folder: &Path, part: usize, scaler: &Scaler) -> Result<Sequences, DatasetError> {
    let mut all = Sequences::default();
    each_plant(recipe, folder, part, |seed, lines| {
        for series in lines {
            windows(seed, series, recipe, |window, label, truth, origin| {
                let end = (origin.minute - series.first_minute) as usize;
                all.levels.push([series.levels[end - MINUTES], series.levels[end - 1]]);
                let begin = all.inputs.len();
                all.inputs.extend_from_slice(window);
                fill(&mut all.inputs[begin..], &scaler.mean);
                all.labels.push(label);
                all.truths.push(truth);
                all.origins.push(origin);
            });
        }
    })?;
    Ok(all)
}

/// Simulates the plants of some parts that are not in the folder yet; returns where they are.
fn simulated(
    recipe: &Recipe,
    folder: &Path,
    parts: &[usize],
    progress: &(impl Fn(Progress) + Sync),
) -> Result<PathBuf, DatasetError> {
    let folder = folder.join(format!("plants-{}", recipe.plants_hash()));
    fs::create_dir_all(&folder).map_err(|source| DatasetError::Folder { path: folder.clone(), source })?;
    let mut jobs: Vec<(u64, EventMs, u32, bool)> = Vec::new();
    for part in parts {
        let (start, part) = recipe.parts()[*part];
        jobs.extend(part.seeds.clone().map(|seed| (seed, start, part.days, part.rare_cause)));
    }
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        while let Some((seed, start, days, rare_cause)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            let path = cache::file(&folder, seed);
            let made = match cache::read(&path) {
                Ok(Some(_)) => Ok(()),
                Ok(None) => simulate(seed, start, days, rare_cause).and_then(|lines| cache::write(&path, &lines)),
                Err(error) => Err(error),
            };
            if let Err(error) = made {
                // The others stop at their next plant.
                next.store(jobs.len(), Ordering::Relaxed);
                failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
            }
            let plants_done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Progress { plants_done, plants: jobs.len() });
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(folder), Err)
}

/// The plants of one part, in order of seed.
fn each_plant(
    recipe: &Recipe,
    folder: &Path,
    part: usize,
    mut take: impl FnMut(u64, &[LineSeries]),
) -> Result<(), DatasetError> {
    for seed in recipe.parts()[part].1.seeds.clone() {
        let path = cache::file(folder, seed);
        let lines = cache::read(&path)?
            .ok_or_else(|| DatasetError::Damaged { path: path.clone(), why: "was there and is gone".into() })?;
        take(seed, &lines);
    }
    Ok(())
}

/// Hands out the windows of a line with their labels, truths and origins: those that have all their minutes, and a day after
/// them.
fn windows(
    seed: u64,
    series: &LineSeries,
    recipe: &Recipe,
    mut take: impl FnMut(&[f32], [bool; HORIZONS.len()], [bool; HORIZONS.len()], Origin),
) {
    let minutes = series.units.len();
    let longest = HORIZONS[HORIZONS.len() - 1];
    let reported = next_event(&recipe.rule.minutes(&series.units, &series.reported));
    let real = next_event(&recipe.rule.minutes(&series.units, &series.defective));
    let within = |next: Option<usize>, origin: usize| {
        HORIZONS.map(|horizon| next.is_some_and(|minute| minute < origin + horizon))
    };
    for origin in (MINUTES..(minutes + 1).saturating_sub(longest)).step_by(recipe.every_minutes as usize) {
        let window = &series.means[(origin - MINUTES) * SENSORS..origin * SENSORS];
        let truth = within(real[origin], origin);
        let cause =
            real[origin].filter(|_| truth[HORIZONS.len() - 1]).and_then(|minute| cause_of(series, minute, recipe));
        let place = Origin { seed, line: series.line, minute: series.first_minute + origin as i64, cause };
        take(window, within(reported[origin], origin), truth, place);
    }
}

/// The cause that most minutes name of those that make `minute` an event.
fn cause_of(series: &LineSeries, minute: usize, recipe: &Recipe) -> Option<lehr_plant::Cause> {
    let first = (minute + 1).saturating_sub(recipe.rule.minutes as usize);
    let count = |code: usize| series.cause[first..=minute].iter().filter(|other| usize::from(**other) == code).count();
    let most = (1..=CAUSES.len()).max_by_key(|code| count(*code)).filter(|code| count(*code) > 0)?;
    Some(CAUSES[most - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::{EventRule, Part};
    use lehr_domain::LineId;
    use lehr_plant::Cause;

    /// A line of which one minute in an hour is as the minute's number says.
    fn series(minutes: usize, bad_from: usize) -> LineSeries {
        LineSeries {
            line: LineId(1),
            first_minute: 1000,
            means: (0..minutes * SENSORS).map(|i| (i / SENSORS) as f32).collect(),
            units: vec![15; minutes],
            defective: (0..minutes).map(|minute| if minute >= bad_from { 10 } else { 0 }).collect(),
            reported: vec![0; minutes],
            levels: vec![[0.0; lehr_plant::Branch::SLOW]; minutes],
            cause: (0..minutes).map(|minute| if minute >= bad_from { 2 } else { 0 }).collect(),
        }
    }

    #[test]
    fn windows_end_where_labels_begin() {
        let rule = EventRule { minutes: 1, limit: 0.1, least_units: 1 };
        let recipe = Recipe { every_minutes: 60, rule, ..Recipe::small() };
        let bad_from = 2000;
        let mut seen = 0;
        windows(9, &series(3000, bad_from), &recipe, |window, label, truth, origin| {
            let first = (origin.minute - 1000) as usize;
            assert_eq!(
                (window.len(), window[0], window[MINUTES * SENSORS - 1]),
                (2400, (first - MINUTES) as f32, (first - 1) as f32)
            );
            assert_eq!(truth, HORIZONS.map(|horizon| first + horizon > bad_from), "at {first}");
            assert_eq!(label, [false; 3], "inspection saw nothing");
            assert_eq!(origin.cause, truth[2].then_some(Cause::FurnaceCold));
            assert_eq!((origin.seed, origin.line), (9, LineId(1)));
            seen += 1;
        });
        assert_eq!(seen, (3000 - 1440 - 120) / 60 + 1);
    }

    #[test]
    fn a_set_is_the_same_made_anew_and_from_the_folder() {
        let part = |seeds| Part { seeds, days: 2, rare_cause: false };
        let recipe = Recipe {
            train: part(1..2),
            validation: part(2..3),
            calibration: part(3..4),
            test: part(4..5),
            every_minutes: 90,
            rule: EventRule::default(),
        };
        let folder = std::env::temp_dir().join(format!("lehr-set-{}", std::process::id()));
        let told = AtomicUsize::new(0);
        let made = generate(&recipe, &folder, |progress| {
            told.fetch_max(progress.plants_done, Ordering::Relaxed);
            assert_eq!(progress.plants, 4);
        });
        let made = made.unwrap();
        assert_eq!(told.into_inner(), 4);
        assert_eq!(made.train.len(), 3 * 15);
        assert_eq!(made.train.inputs.len(), 45 * crate::sequences::WINDOW);
        assert!(made.train.inputs.iter().all(|value| value.is_finite()));
        assert!((made.scaler().mean[0] - 1520.0).abs() < 5.0 && made.scaler().std[0] > 1.0);
        assert_eq!(generate(&recipe, &folder, |_| ()).unwrap(), made);
        std::fs::remove_dir_all(&folder).unwrap();
        let plants = |progress: Progress| assert_eq!(progress.plants, 1, "those of the test alone");
        assert_eq!(generate_test(&recipe, &folder, made.scaler(), plants).unwrap(), made.test);
        assert_eq!(generate(&recipe, &folder, |_| ()).unwrap(), made);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
