use super::*;
use crate::journal::check::check;
use crate::verify::{Finding, State};
use std::collections::BTreeMap;

type Image = BTreeMap<String, Vec<u8>>;

/// What is found damaged on disks with this content.
fn damaged(journal: &Image, files: &Image) -> Vec<String> {
    let (journal, files) = (SimDisk::from_image(journal), SimDisk::from_image(files));
    let mut findings = check(&journal).unwrap();
    match History::over((journal.clone(), files.clone()), (journal, files)) {
        Ok(history) => findings.extend(history.check().unwrap()),
        Err(error) => findings.push(Finding::damaged("history/manifest", error.to_string(), "restore it")),
    }
    for finding in &findings {
        assert_eq!(finding.state == State::Good, finding.advice.is_empty(), "{finding:?}: damage comes with advice");
    }
    findings.into_iter().filter(|finding| finding.state == State::Damaged).map(|finding| finding.file).collect()
}

/// A directory with files of every kind.
fn images() -> (Image, Image) {
    let mut world = World::new(300, 36, 4_000);
    let history = world.history();
    world.convert_all(&history);
    history.compact(START + SpanMs::days(5)).unwrap();
    world.write(&mut rng(300), 20, 4_000);
    let (journal, files) = (world.journal.image(), world.files.image());
    let count = |image: &Image, suffix: &str| image.keys().filter(|name| name.ends_with(suffix)).count();
    assert!(count(&journal, ".thin") > 3 && count(&journal, ".seg") > 2 && count(&files, ".parquet") > 5);
    (journal, files)
}

#[test]
fn a_sound_directory_has_no_damage() {
    let (journal, files) = images();
    assert_eq!(damaged(&journal, &files), Vec::<String>::new());
}

#[test]
fn a_changed_byte_is_found_in_whichever_file_it_is() {
    let (journal, files) = images();
    let last = journal.keys().last().unwrap().clone();
    let mut rng = rng(301);
    for of_files in [false, true] {
        let image = if of_files { &files } else { &journal };
        for (name, bytes) in image.iter().filter(|(name, _)| **name != last) {
            for _ in 0..2 {
                let at = rng.random_range(0..bytes.len());
                let mut bent = image.clone();
                bent.get_mut(name).unwrap()[at] ^= 1 << rng.random_range(0..8);
                let found = if of_files { damaged(&journal, &bent) } else { damaged(&bent, &files) };
                assert!(found.iter().any(|file| file.ends_with(name)), "{name} at {at}: {found:?}");
            }
        }
    }
}

#[test]
fn what_is_cut_short_missing_or_swapped_is_found() {
    let (journal, files) = images();
    let last = journal.keys().last().unwrap().clone();
    for of_files in [false, true] {
        let image = if of_files { &files } else { &journal };
        let check = |bent: &Image| if of_files { damaged(&journal, bent) } else { damaged(bent, &files) };
        let names: Vec<&String> = image.keys().filter(|name| **name != last).collect();
        for pair in names.windows(2) {
            let [name, next] = pair else { unreachable!("windows of two") };
            let mut bent = image.clone();
            let half = bent[*name].len() / 2;
            bent.get_mut(*name).unwrap().truncate(half);
            assert!(check(&bent).iter().any(|file| file.ends_with(*name)), "{name} cut short");
            let mut bent = image.clone();
            bent.remove(*name);
            assert!(!check(&bent).is_empty(), "{name} missing");
            let mut bent = image.clone();
            let (a, b) = (image[*name].clone(), image[*next].clone());
            bent.insert((*name).clone(), b);
            bent.insert((*next).clone(), a);
            assert!(image[*name] == image[*next] || !check(&bent).is_empty(), "{name} and {next} swapped");
        }
    }
}

/// Readings that are double, or of another tick, pass every checksum of a file: the digests tell.
#[test]
fn a_manifest_that_names_other_files_is_found() {
    let (journal, files) = images();
    let disk = SimDisk::from_image(&files);
    let whole = super::super::Manifest::load(&disk).unwrap();
    for index in 0..whole.files.len() {
        let mut less = whole.clone();
        less.files.remove(index);
        let mut disk = SimDisk::from_image(&files);
        less.store(&mut disk).unwrap();
        assert!(!damaged(&journal, &disk.image()).is_empty(), "without {}", whole.files[index].name);
    }
}

#[test]
fn left_overs_of_a_crash_are_no_damage() {
    let (mut journal, mut files) = images();
    let thin = journal.keys().find(|name| name.ends_with(".thin")).unwrap().clone();
    journal.insert(format!("{thin}.unfinished"), b"half".to_vec());
    files.insert("2026-03-09/Line_A/00000000000000000900-00000000000000000901.parquet".into(), b"half".to_vec());
    files.insert("manifest.unfinished".into(), b"half".to_vec());
    let last = journal.keys().rfind(|name| name.ends_with(".seg")).unwrap().clone();
    let torn = journal[&last].len() - 3;
    journal.get_mut(&last).unwrap().truncate(torn);
    assert_eq!(damaged(&journal, &files), Vec::<String>::new());
}
