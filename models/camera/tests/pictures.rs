//! What holds of every picture, and that nothing but a flaw's own pixels tells of it.

mod probe;

use lehr_camera::set::{NONE, Recipe, decode};
use lehr_camera::{Flaw, Kind, SIDE, Shape, Split, Style, picture};
use probe::Probe;

/// Pixels beside a box that a flaw's glint, soft edge and blur may reach.
fn margin(kind: Kind) -> usize {
    if kind == Kind::Cloudiness { 16 } else { 8 }
}

fn style(seed: u64) -> Style {
    Style::of(if seed.is_multiple_of(2) { Split::Training } else { Split::Test })
}

fn each(mut check: impl FnMut(u64, Shape, Flaw, &Style)) {
    for seed in 0..60u64 {
        let style = style(seed);
        for kind in Kind::ALL {
            check(seed, Shape::ALL[seed as usize % 3], Flaw::draw(seed, kind, &style), &style);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_picture_and_another_gives_another() {
    each(|seed, shape, flaw, style| {
        if seed < 6 {
            let taken = picture(seed, shape, &[flaw], style);
            assert_eq!(taken, picture(seed, shape, &[flaw], style), "seed {seed}, {flaw:?}");
            assert_ne!(taken.pixels, picture(seed + 1, shape, &[flaw], style).pixels, "seed {seed}, {flaw:?}");
        }
    });
}

#[test]
fn boxes_enclose_masks_tightly_and_masks_have_the_size_of_the_flaw() {
    each(|seed, shape, flaw, style| {
        let taken = picture(seed, shape, &[flaw], style);
        let mark = &taken.marks[0];
        let [left, top, width, height] = mark.bounds.whole().map(usize::from);
        assert!(left + width <= SIDE && top + height <= SIDE, "seed {seed}, {mark:?}");
        let mut touched = [false; 4];
        for (x, y) in mark.mask.pixels() {
            assert!((left..left + width).contains(&x) && (top..top + height).contains(&y), "seed {seed}, {flaw:?}");
            let edges = [x == left, x + 1 == left + width, y == top, y + 1 == top + height];
            touched.iter_mut().zip(edges).for_each(|(touched, edge)| *touched |= edge);
        }
        assert_eq!(touched, [true; 4], "seed {seed}, {flaw:?}");
        // Wherever it lies, a flaw is neither lost at the contour nor larger than it was asked to be.
        let longest = width.max(height) as f32;
        // A bent contour is as wide as the ware, however short the bend.
        let most = if flaw.kind == Kind::Deformation { 180.0 } else { 2.0 * flaw.size + 12.0 };
        assert!(longest >= 3.0 && longest <= most, "seed {seed}, {flaw:?}: {longest}");
    });
}

#[test]
fn a_flaw_changes_no_pixel_away_from_its_box() {
    each(|seed, shape, flaw, style| {
        let (with, without) = (picture(seed, shape, &[flaw], style), picture(seed, shape, &[], style));
        let [left, top, width, height] = with.marks[0].bounds.whole().map(usize::from);
        let margin = margin(flaw.kind);
        let near = |at: usize, from: usize, side: usize| at + margin >= from && at < from + side + margin;
        for y in 0..SIDE {
            for x in 0..SIDE {
                let at = 3 * (y * SIDE + x);
                let same = with.pixels[at..at + 3] == without.pixels[at..at + 3];
                let near = near(x, left, width) && near(y, top, height);
                assert!(same || near, "seed {seed}, {flaw:?}: pixel {x}, {y}");
            }
        }
    });
}

#[test]
fn look_alikes_are_as_frequent_beside_flaws_as_without() {
    each(|seed, shape, flaw, style| {
        if seed < 10 {
            let (with, without) = (picture(seed, shape, &[flaw], style), picture(seed, shape, &[], style));
            assert_eq!(with.alikes, without.alikes, "seed {seed}, {flaw:?}");
        }
    });
    // And over a set, where the seeds differ.
    let seed = 17;
    let recipe = Recipe::new(seed, Split::Training, 900, SIDE).unwrap();
    let mut counts: [Vec<f64>; 2] = [vec![], vec![]];
    for sample in recipe.samples(0) {
        let alikes = sample.picture.alikes;
        let count = alikes.seams + alikes.reflections + alikes.droplets + alikes.dust + alikes.fibres;
        counts[usize::from(sample.labels.is_empty())].push(count as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let error = |values: &[f64]| {
        let centre = mean(values);
        let square: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
        square / (values.len() as f64 * (values.len() as f64 - 1.0))
    };
    let apart = mean(&counts[0]) - mean(&counts[1]);
    let error = (error(&counts[0]) + error(&counts[1])).sqrt();
    assert!(mean(&counts[1]) > 3.0, "seed {seed}: pictures have look-alikes");
    assert!(apart.abs() < 3.5 * error, "seed {seed}: {apart} ± {error}");
}

/// Corners show background alone. A linear probe on them that told the class would have found a leak.
#[test]
fn corners_say_nothing_of_the_class() {
    let seed = 23;
    const COUNT: u64 = 1_400;
    let style = Style::of(Split::Training);
    let classes = Kind::COUNT + 1;
    let mut probe = Probe::new(classes);
    let mut tested: Vec<(Vec<f64>, usize)> = vec![];
    for index in 0..COUNT {
        let class = index as usize % classes;
        let own = seed * 1_000_000 + index;
        let flaws: Vec<Flaw> = Kind::ALL.get(class).map(|kind| Flaw::draw(own, *kind, &style)).into_iter().collect();
        let taken = picture(own, Shape::ALL[(index / 7) as usize % 3], &flaws, &style);
        let features = probe::corners(&taken.pixels);
        if index < COUNT / 2 {
            probe.learn(features, class);
        } else {
            tested.push((features, class));
        }
    }
    let probe = probe.fit();
    let right = tested.iter().filter(|(features, class)| probe.class(features) == *class).count();
    // Binomial at chance, 99.9 %: 3.3 standard deviations.
    let (count, chance) = (tested.len() as f64, 1.0 / classes as f64);
    let bound = 3.3 * (count * chance * (1.0 - chance)).sqrt();
    assert!((right as f64 - count * chance).abs() < bound, "seed {seed}: {right} of {count}, chance {chance:.3}");
}

/// The probe can find a leak: a flaw's own brightness put into a corner is found.
#[test]
fn the_probe_finds_a_class_that_is_written_into_a_corner() {
    let seed = 29;
    let classes = 2;
    let style = Style::of(Split::Training);
    let mut probe = Probe::new(classes);
    let mut tested = vec![];
    for index in 0..240u64 {
        let class = index as usize % classes;
        let mut taken = picture(seed * 1_000_000 + index, Shape::Jar, &[], &style);
        if class == 1 {
            taken.pixels[..3 * 16].iter_mut().for_each(|value| *value = value.saturating_sub(25));
        }
        let features = probe::corners(&taken.pixels);
        if index < 160 { probe.learn(features, class) } else { tested.push((features, class)) }
    }
    let probe = probe.fit();
    let right = tested.iter().filter(|(features, class)| probe.class(features) == *class).count();
    assert!(right > 60, "seed {seed}: {right} of {}", tested.len());
}

#[test]
fn sets_differ_by_split_and_are_the_same_in_any_order() {
    let seed = 31;
    let of = |split| Recipe::new(seed, split, 40, 112).unwrap();
    let (training, validation, test) = (of(Split::Training), of(Split::Validation), of(Split::Test));
    let forward: Vec<_> = training.samples(0).collect();
    for index in [39, 7, 0] {
        assert_eq!(
            training.sample(index, 3),
            forward[index as usize],
            "seed {seed}: views change augmented sets alone"
        );
    }
    for index in 0..40 {
        let first = &forward[index as usize].picture.pixels;
        assert_ne!(first, &validation.sample(index, 0).picture.pixels, "seed {seed}");
        assert_ne!(first, &test.sample(index, 0).picture.pixels, "seed {seed}");
    }
    let augmented = of(Split::Training).augmented();
    let (first, second) = (augmented.sample(4, 0), augmented.sample(4, 1));
    assert_ne!(first.picture.pixels, second.picture.pixels, "seed {seed}: each epoch has its view");
    assert_eq!(first.labels.len(), second.labels.len());
    assert_ne!(training.hash(), augmented.hash());
}

#[test]
fn kinds_and_products_are_spread_evenly_and_hidden_flaws_are_as_many_as_said() {
    let seed = 37;
    let recipe = Recipe::new(seed, Split::Test, 900, 112).unwrap();
    let (mut kinds, mut hidden, mut flaws) = ([0usize; Kind::COUNT], 0usize, 0usize);
    for sample in recipe.samples(0) {
        for label in &sample.labels {
            kinds[label.kind.index()] += 1;
            hidden += usize::from(!label.visible);
            flaws += 1;
        }
    }
    let share = flaws as f64 / Kind::COUNT as f64;
    let bound = 4.0 * share.sqrt();
    assert!(kinds.iter().all(|count| (*count as f64 - share).abs() < bound), "seed {seed}: {kinds:?}");
    let hidden = hidden as f64 / flaws as f64;
    assert!((0.125..0.215).contains(&hidden), "seed {seed}: {hidden} of {flaws}");
}

#[test]
fn what_a_patch_should_say_decodes_to_the_label() {
    let seed = 41;
    for side in [112, SIDE] {
        let recipe = Recipe::new(seed, Split::Training, 60, side).unwrap();
        let factor = side as f32 / SIDE as f32;
        for sample in recipe.samples(0) {
            assert_eq!(sample.image.len(), 3 * side * side);
            assert!(sample.image.iter().all(|value| (0.0..=1.0).contains(value)));
            assert_eq!(sample.masks.len(), Kind::COUNT * recipe.cells() * recipe.cells());
            for (patch, (class, numbers)) in sample.classes.iter().zip(&sample.boxes).enumerate() {
                if *class >= NONE {
                    continue;
                }
                let decoded = decode(patch, recipe.grid(), *numbers);
                let said = sample.labels.iter().find(|label| label.kind.index() == usize::from(*class));
                let iou = said.map_or(0.0, |label| label.bounds.scaled(factor).iou(&decoded));
                assert!(iou > 0.999, "seed {seed}, side {side}: patch {patch} says {numbers:?}");
            }
            // Of several flaws the smallest keeps its patch, so that at least one flaw is told.
            let told = sample.classes.iter().filter(|class| **class < NONE).count();
            assert_eq!(told > 0, !sample.labels.is_empty(), "seed {seed}, side {side}");
        }
    }
}
