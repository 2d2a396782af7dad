//! What a set is like: how often events are, what plain methods make of it, and the best that any could.
//!
//!     cargo run --release -p lehr-datasets --example study -- FOLDER PLANTS DAYS EVERY_MINUTES [STATES]
//!
//! With STATES, the ceiling of whoever knows the plant's state is taken at about so many origins of the test.

use lehr_datasets::sequences::{HORIZONS, Recipe, Sequences, Split, generate};
use lehr_datasets::study::{Figures, Study, baselines, observation_ceiling, state_ceiling};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("study: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf =
        arguments.next().ok_or("FOLDER is missing: study FOLDER PLANTS DAYS EVERY_MINUTES [STATES]")?.into();
    let mut number = |name: &str| -> Result<u64, String> {
        let text = arguments.next().ok_or_else(|| format!("{name} is missing"))?;
        text.parse().map_err(|_| format!("{name} '{text}' is no number"))
    };
    let (plants, days, every) = (number("PLANTS")?, number("DAYS")? as u32, number("EVERY_MINUTES")? as u32);
    let states = number("STATES").ok();
    let recipe = Recipe::of_plants(plants, days, every);
    println!("set {}", recipe.hash());
    let began = std::time::Instant::now();
    let split = generate(&recipe, &folder, |progress| {
        eprintln!("{} of {} plants, {:.0?}", progress.plants_done, progress.plants, began.elapsed());
    })?;
    describe(&split);
    let mut study = Study { set: recipe.hash(), recipe: recipe.clone(), ladder: Vec::new() };
    // Kept after each step: the later ones take long.
    if let Some(states) = states {
        let ceiling = state_ceiling(&recipe, &split, states as usize, |done, all| {
            if done % 50 == 0 {
                eprintln!("{done} of {all} states, {:.0?}", began.elapsed());
            }
        })?;
        keep(&folder, &mut study, vec![ceiling])?;
    }
    keep(&folder, &mut study, vec![observation_ceiling(&split)?])?;
    keep(&folder, &mut study, baselines(&split)?)
}

fn keep(folder: &Path, study: &mut Study, figures: Vec<Figures>) -> Result<(), Box<dyn std::error::Error>> {
    figures.iter().for_each(show);
    study.ladder.extend(figures);
    let file = folder.join(format!("study-{}.json", study.set));
    std::fs::write(&file, serde_json::to_string_pretty(study)?)?;
    println!("written to {}", file.display());
    Ok(())
}

fn describe(split: &Split) {
    let parts = [
        ("train", &split.train),
        ("validation", &split.validation),
        ("calibration", &split.calibration),
        ("test", &split.test),
    ];
    for (name, part) in parts {
        let [p1, p4, p24] = part.prevalence().map(|share| 100.0 * share);
        println!(
            "{name}: {} windows, positive {p1:.1} % {p4:.1} % {p24:.1} %, labels that differ from the truth:",
            part.len()
        );
        for (horizon, minutes) in HORIZONS.iter().enumerate() {
            let (missed, spurious) = flips(part, horizon);
            println!("    {minutes:>4} min: missed {missed:.2} % of positives, spurious {spurious:.2} % of negatives");
        }
        let mut causes: BTreeMap<String, usize> = BTreeMap::new();
        for origin in &part.origins {
            *causes.entry(origin.cause.map_or("none".into(), |cause| format!("{cause:?}"))).or_default() += 1;
        }
        println!("    first event within a day by cause: {causes:?}, {} onsets", onsets(part));
    }
}

fn flips(part: &Sequences, horizon: usize) -> (f64, f64) {
    let share = |truth: bool| {
        let of = part.labels.iter().zip(&part.truths).filter(|(_, real)| real[horizon] == truth);
        let (flipped, all) = of.fold((0.0, 0.0), |(flipped, all), (label, _)| {
            (flipped + f64::from(u8::from(label[horizon] != truth)), all + 1.0)
        });
        100.0 * flipped / f64::max(all, 1.0)
    };
    (share(true), share(false))
}

/// Times that the label of the longest horizon rises on a line.
fn onsets(part: &Sequences) -> usize {
    let rises = |index: &usize| {
        let (before, now) = (&part.origins[index - 1], &part.origins[*index]);
        (before.seed, before.line) == (now.seed, now.line) && !part.truths[index - 1][2] && part.truths[*index][2]
    };
    (1..part.len()).filter(rises).count()
}

fn show(figures: &Figures) {
    println!("{}", figures.name);
    for (horizon, minutes) in HORIZONS.iter().enumerate() {
        println!("    {minutes:>4} min: {}", figures.horizons[horizon]);
    }
    for (cause, recall) in &figures.recall_by_cause {
        println!("    {cause}: recall within a day {recall:.3}");
    }
}
