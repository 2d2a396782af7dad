//! On plants of the simulator nothing is foretold where there is nothing to know. A few plants over a few days; `lehr-train
//! controls` shows the same of the whole set, and of the models that are shipped.

use std::sync::LazyLock;
use std::time::Duration;

use lehr_datasets::sequences::{Recipe, Sequences, Split, generate};
use lehr_neural::NeuralError;
use lehr_neural::controls::{
    Draws, Fallen, NetworkPupil, PlainPupil, Pupil, StackedPupil, Tables, apart, fallen, reversed, shuffled,
};
use lehr_neural::forecaster::{Architecture, Settings};

/// Ten plants of three lines, twelve days, a window an hour.
static SPLIT: LazyLock<Split> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut split = generate(&Recipe::of_plants(10, 12, 60), folder.path(), |_| {}).unwrap();
    split.train = split.train.balanced(1);
    split.validation = split.validation.balanced(1);
    split
});
static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::new(&SPLIT));

/// Areas with nothing altered are above this, or a control shows nothing: of plain methods, and of a network that has
/// learned for a second.
const SKILL: f64 = 0.8;
const SKILL_OF_NETWORK: f64 = 0.65;

fn draws(count: usize) -> Draws {
    Draws { least: count, most: count, budget: Duration::ZERO, seed: 1 }
}

#[track_caller]
fn assert_fallen(found: &[Fallen], skill: f64) {
    assert!(!found.is_empty());
    println!("{}", fallen(found));
    for fallen in found {
        assert!(!fallen.above_chance(), "{fallen:?}");
        if fallen.figure.starts_with("area") {
            assert!(fallen.unaltered.unwrap() > skill, "{fallen:?}");
        }
    }
}

#[test]
fn plain_methods_and_their_ensemble_learn_nothing_from_shuffled_labels() {
    let pupils: [&mut dyn Pupil; 2] = [&mut PlainPupil::boosting(&TABLES), &mut StackedPupil::new(&TABLES)];
    for pupil in pupils {
        assert_fallen(&shuffled(pupil, draws(5)).unwrap(), SKILL);
    }
}

#[test]
fn a_reduced_forecaster_learns_nothing_from_shuffled_labels() {
    let mut split = Split::clone(&SPLIT);
    split.test = split.test.thinned(1200);
    let mut settings = Settings::new(Architecture { sensors: 20, width: 8, layers: 1, attention: 8 }, 1);
    (settings.rows, settings.rate, settings.epochs_max) = (32, 1e-2, 4);
    assert_fallen(&shuffled(&mut NetworkPupil { split: &split, settings }, draws(6)).unwrap(), SKILL_OF_NETWORK);
}

#[test]
fn sensors_that_run_backwards_foretell_nothing_and_windows_that_do_tell_as_much_as_ever() {
    // Lines of twelve days leave five between a window and its mirror image.
    const BETWEEN: i64 = 5 * 1440;
    assert!(apart(&SPLIT.test, BETWEEN).len() > SPLIT.test.len() / 3);
    for pupil in [PlainPupil::regression(&TABLES), PlainPupil::boosting(&TABLES)] {
        let taught = pupil.taught(SPLIT.scaler()).unwrap();
        let mut say = |part: &Sequences| Ok::<_, NeuralError>((taught.said)(part));
        let found = reversed(pupil.name(), &mut say, &taught.thresholds, &SPLIT.test, BETWEEN).unwrap();
        let (backwards, turned): (Vec<Fallen>, Vec<Fallen>) = found.into_iter().partition(|f| f.chance.is_some());
        assert_fallen(&backwards, SKILL);
        for fallen in turned.iter().filter(|fallen| fallen.figure.starts_with("area")) {
            let (left, had) = (fallen.value.unwrap().value, fallen.unaltered.unwrap());
            assert!((left - had).abs() < 0.05, "causes are known from their levels, whichever way: {fallen:?}");
        }
    }
}
