use lehr_datasets::sequences::Sequences;

use super::Foretold;
use super::fallen::Fallen;
use super::shuffled::{FIGURES, Said, figures, with_blocks};
use crate::error::NeuralError;
use crate::forecaster::Horizons;

const REVERSED: &str = "inputs reversed in time";
const TURNED: &str = "windows turned round";

/// Minutes from the beginning of a cause to its repair, as most last: windows that are nearer than that to the one whose
/// place they take may still tell of the same cause.
pub const CAUSE_LASTS: i64 = 10 * 1440;

/// Examples that are at least so many minutes from their mirror image.
pub fn apart(part: &Sequences, minutes: i64) -> Vec<usize> {
    let far = |(place, image): (usize, usize)| {
        let between = (part.origins[place].minute - part.origins[image].minute).abs();
        (between >= minutes).then_some(place)
    };
    part.mirrored().into_iter().enumerate().filter_map(|(place, image)| far((place, image))).collect()
}

/// Areas and F1s of somebody who has learned, on the test with its inputs reversed in time, beside the same with windows
/// turned round and with nothing altered; by lines, in windows that are `apart` minutes from their mirror images.
///
/// # Errors
/// Whatever saying something costs; scores that are no numbers; no windows so far apart.
pub fn reversed<E: From<NeuralError>>(
    who: &str,
    say: &mut dyn FnMut(&Sequences) -> Result<Foretold, E>,
    thresholds: &Horizons<f64>,
    test: &Sequences,
    minutes: i64,
) -> Result<Vec<Fallen>, E> {
    let places = apart(test, minutes);
    if places.is_empty() {
        return Err(NeuralError::TooFew { split: "test", found: 0, needed: 1 }.into());
    }
    let unaltered = test.at(&places);
    let (truths, lines) = (&unaltered.truths, unaltered.lines());
    let mut said =
        |part: &Sequences| -> Result<Vec<Said>, E> { Ok(Said::of_horizons(&say(part)?, truths, thresholds, &lines)) };
    let (right, turned) = (said(&unaltered)?, said(&unaltered.turned_round())?);
    let back = said(&test.reversed_in_time().at(&places))?;
    let mut all = Vec::new();
    for ((right, back), turned) in right.iter().zip(&back).zip(&turned) {
        let known = figures(&right.scores, &right.truths, right.threshold)?;
        for (control, said, judged) in [(REVERSED, back, true), (TURNED, turned, false)] {
            let chances = said.chances().map(|chance| judged.then_some(chance));
            let values = with_blocks(said)?;
            for (which, name) in FIGURES.into_iter().enumerate() {
                all.push(Fallen {
                    control,
                    who: who.to_owned(),
                    figure: format!("{name}, {}", said.of),
                    value: values[which],
                    chance: chances[which],
                    unaltered: known[which],
                });
            }
        }
    }
    Ok(all)
}
