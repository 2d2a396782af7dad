//! Harm to one file of a data directory loses nothing; to a file and its copy it is named.

use super::*;
use std::collections::BTreeMap;

type Image = BTreeMap<String, Vec<u8>>;

/// Times that each file is harmed, each time in another way.
const TIMES: u64 = 3;

/// A directory with files of every kind.
fn world(seed: u64) -> World {
    let mut world = World::new(seed, 24, 4_000);
    let history = world.history();
    world.convert_all(&history);
    history.compact(START + SpanMs::days(5)).unwrap();
    world.write(&mut rng(seed), 12, 4_000);
    world
}

fn on(journal: &Image, files: &Image, sound: &World) -> World {
    World {
        journal: SimDisk::from_image(journal),
        files: SimDisk::from_image(files),
        written: sound.written.clone(),
        names: names(),
    }
}

fn look_at_all(history: &SimHistory) -> Result<(), HistoryError> {
    let mut round = history.round()?;
    while history.look_at_next(&mut round)?.is_some() {}
    Ok(())
}

#[test]
fn harm_to_any_one_file_loses_nothing_and_is_mended() {
    let sound = world(400);
    let (journal, files) = (sound.journal.image(), sound.files.image());
    for (of_files, name) in journal.keys().map(|name| (false, name)).chain(files.keys().map(|name| (true, name))) {
        for time in 0..TIMES {
            let mut rng = rng(400 + time);
            let world = on(&journal, &files, &sound);
            let disk = if of_files { &world.files } else { &world.journal };
            disk.damage(&mut rng, |other| other == name);
            let context = format!("{name}, time {time}");
            let (_, report) = Journal::recover(world.journal.clone(), Options::default())
                .unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!((report.last.0 as usize, report.torn), (world.written.len(), None), "{context}");
            let history = world.history();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: before tidying");
            world.check_lookups(&history, &mut rng, &context);
            history.tidy().unwrap();
            look_at_all(&history).unwrap();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: mended");
            assert!(world.journal.image() == journal, "{context}: the journal is as it was");
            assert!(world.files.image() == files, "{context}: history is as it was");
        }
    }
}

#[test]
fn a_file_that_is_harmed_in_both_copies_is_named_and_a_salvage_goes_on_without_it() {
    let sound = world(401);
    let (journal, files) = (sound.journal.image(), sound.files.image());
    let mut lost = 0;
    for name in files.keys().filter(|name| name.ends_with(".parquet")) {
        let mut rng = rng(401);
        let world = on(&journal, &files, &sound);
        for file in [name.clone(), format!("{name}.copy")] {
            world.files.damage(&mut rng, |other| other == file);
        }
        let history = world.history();
        let stem = name.rsplit_once('/').unwrap().1;
        let refused = look_at_all(&history).unwrap_err();
        assert!(refused.is_damage() && refused.to_string().contains(stem), "{name}: {refused}");
        assert!(world.read(&history).is_err(), "{name}: nobody saw it");

        assert_eq!(history.salvage().unwrap(), std::slice::from_ref(name));
        history.tidy().unwrap();
        look_at_all(&history).unwrap();
        let (read, expected) = (world.read(&world.history()).unwrap(), world.expected());
        assert_eq!(read.len(), expected.len(), "{name}: ticks are there");
        for (read, expected) in read.iter().zip(&expected) {
            assert_eq!(read.events, expected.events, "{name}");
            let left: Vec<Reading> = expected.readings.iter().collect();
            assert!(read.readings.iter().all(|reading| left.contains(&reading)), "{name}: other readings");
            lost += expected.readings.len() - read.readings.len();
        }
        let aside = world.files.list().unwrap().into_iter().filter(|file| file.contains(".damaged")).count();
        assert!(aside > 0 || !world.files.image().contains_key(name), "{name}: nothing is deleted");
    }
    assert!(lost > 100, "vacuous: {lost} readings lost");
}

/// A directory from before there were copies.
#[test]
fn files_without_copies_get_them() {
    let sound = world(402);
    let (mut journal, mut files) = (sound.journal.image(), sound.files.image());
    [&mut journal, &mut files].iter_mut().for_each(|image| image.retain(|name, _| !name.ends_with(".copy")));
    let world = on(&journal, &files, &sound);
    Journal::recover(world.journal.clone(), Options::default()).unwrap();
    let history = world.history();
    assert!(world.read(&history).unwrap() == world.expected());
    history.tidy().unwrap();
    look_at_all(&history).unwrap();
    assert!(world.journal.image() == sound.journal.image() && world.files.image() == sound.files.image());
}
