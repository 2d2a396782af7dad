//! Damage to one of the two files of a segment loses nothing; damage to both is never taken for something else.

use super::super::storage::Storage;
use super::super::thin;
use super::*;

type Image = BTreeMap<String, Vec<u8>>;

/// The file's content after some harm; `None` when it is gone.
fn harmed(bytes: &[u8], kind: usize, at: usize) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    match kind {
        0 => bytes[at] ^= 0x11,
        1 => bytes.truncate(at),
        2 => bytes.iter_mut().skip(at).take(512).for_each(|byte| *byte = 0),
        3 => bytes.extend((0..100).map(|byte| (byte * 7 + at) as u8)),
        _ => return None,
    }
    Some(bytes)
}

fn put(image: &Image, name: &str, content: Option<Vec<u8>>) -> Image {
    let mut image = image.clone();
    match content {
        Some(bytes) => image.insert(name.to_owned(), bytes),
        None => image.remove(name),
    };
    image
}

/// Reads, opens and mends what is left of a sound disk after harm to one file of it.
fn check_healed(sound: &SimDisk, harmed: &Image, records: &[Inputs], context: &str) {
    let disk = SimDisk::from_image(harmed);
    let read = |disk: &SimDisk| {
        let mut reader = Reader::over(disk.clone());
        let records = std::iter::from_fn(|| reader.record()).map(|record| record.map(|record| record.inputs));
        records.collect::<Result<Vec<_>, _>>().unwrap_or_else(|error| panic!("{context}: {error}"))
    };
    assert!(read(&disk) == records, "{context}: read before it is opened");
    let (_, report) = open(&disk, &segments_of(700)).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!((report.last.0 as usize, report.torn), (records.len(), None), "{context}");
    mend_all(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(disk.image() == sound.image(), "{context}: mended");
}

fn harm_everywhere(disk: &SimDisk, records: &[Inputs]) -> usize {
    let image = disk.image();
    let mut harms = 0;
    for (name, bytes) in &image {
        for (kind, at) in (0..5).flat_map(|kind| (0..bytes.len()).step_by(11).map(move |at| (kind, at))) {
            let harmed = put(&image, name, harmed(bytes, kind, at));
            if harmed == image || (kind > 2 && at > 0) {
                continue;
            }
            check_healed(disk, &harmed, records, &format!("{name}: harm {kind} at {at}"));
            harms += 1;
        }
    }
    harms
}

#[test]
fn harm_to_one_file_loses_nothing_wherever_it_is_and_is_mended() {
    let (disk, written, _) = sample(31, 8, 700);
    assert!(disk.image().len() >= 6, "several segments");
    assert!(harm_everywhere(&disk, &written) > 300);
}

#[test]
fn harm_to_one_file_of_a_thin_segment_loses_nothing_and_is_mended() {
    let (mut disk, _, _) = sample(32, 8, 700);
    for segment in thin::closed(&disk).unwrap() {
        thin::write(&mut disk, segment).unwrap();
        thin::remove(&mut disk, segment).unwrap();
    }
    assert!(disk.image().keys().any(|name| name.ends_with(".thin.copy")));
    let mut reader = Reader::over(disk.clone());
    let records: Vec<Inputs> = std::iter::from_fn(|| reader.record()).map(|record| record.unwrap().inputs).collect();
    assert!(harm_everywhere(&disk, &records) > 150);
}

/// A directory from before there were copies gets them.
#[test]
fn segments_without_copies_get_them() {
    let (disk, written, _) = sample(33, 8, 700);
    let bare = without_copies(&disk);
    let (_, report) = open(&bare, &segments_of(700)).unwrap();
    assert_eq!(report.last.0 as usize, written.len());
    assert!(bare.image() == disk.image());
}

#[test]
fn harm_to_both_is_whole_or_refused_and_never_anything_else() {
    let (mut whole, mut refused, mut cut) = (0, 0, 0);
    for seed in 0..2_000 {
        let mut rng = rng(seed);
        let (disk, written, ends) = sample(34 + seed % 5, 8, 700);
        let names: Vec<String> = originals(&disk).into_keys().collect();
        let name = &names[rng.random_range(0..names.len())];
        let files = copies::both(name);
        for file in &files {
            disk.damage(&mut rng, |name| name == file);
        }
        let (read, error) = read_all(&disk);
        assert!(written.starts_with(&read), "seed {seed}: other content");
        match open(&disk, &segments_of(700)) {
            Ok((_, report)) => {
                let (read, error) = read_all(&disk);
                assert!(error.is_none() && written.starts_with(&read), "seed {seed}: {error:?}");
                assert_eq!(report.last.0 as usize, read.len(), "seed {seed}");
                if read.len() == written.len() {
                    whole += 1;
                } else {
                    // What is gone at the end looks as if it had never been written.
                    assert_eq!(Some(name), names.last(), "seed {seed}, of {} groups", ends.len());
                    cut += 1;
                }
            }
            Err(refusal) => {
                assert!(error.is_some(), "seed {seed}: the reader did not see it");
                let first = name.split('.').next().unwrap();
                let next = names.iter().find(|other| *other > name);
                let named = |name: &str| refusal.to_string().contains(name);
                assert!(named(first) || next.is_some_and(|next| named(next)), "seed {seed}, {name}: {refusal}");
                refused += 1;
            }
        }
    }
    println!("{whole} whole, {refused} refused, {cut} cut off at the end");
    assert!(whole > 200 && refused > 200, "{whole} whole, {refused} refused, {cut} cut off");
}

/// What was salvaged holds all that is good in either file.
#[test]
fn salvage_takes_what_is_good_from_either() {
    let (disk, written, _) = sample(35, 8, 1 << 20);
    let mut image = disk.image();
    let [file, copy] = copies::both(image.keys().next().unwrap());
    let places: Vec<usize> = {
        let bytes = &image[&file];
        let mut places = vec![16];
        while let Some(head) = bytes[places[places.len() - 1]..].first_chunk::<4>() {
            places.push(places[places.len() - 1] + 24 + u32::from_le_bytes(*head) as usize);
        }
        places
    };
    // The second record in one, the third in the other, the fourth in both.
    for (name, record) in [(&file, 1), (&copy, 2), (&file, 3), (&copy, 3)] {
        image.get_mut(name).unwrap()[places[record] + 30] ^= 1;
    }
    let disk = SimDisk::from_image(&image);
    assert!(matches!(open(&disk, &Options::default()), Err(JournalError::Corrupt { .. })));
    let (_, report) = open(&disk, &Options { salvage: true, ..Options::default() }).unwrap();
    assert_eq!((report.salvaged.len(), report.last.0 as usize), (1, written.len()));
    let mut expected = written;
    expected.remove(3);
    assert!(read_all(&disk).0 == expected);
    assert!(disk.len(&format!("{file}.damaged")).is_ok() && disk.len(&format!("{file}.damaged.copy")).is_ok());
}
