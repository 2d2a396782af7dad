use super::super::storage::Storage;
use super::super::{Reason, thin};
use super::*;

/// Segment names, ascending.
fn names(disk: &SimDisk) -> Vec<String> {
    disk.image().into_keys().collect()
}

#[test]
fn every_changed_byte_is_found() {
    let (disk, written, ends) = sample(11, 12, 700);
    let image = disk.image();
    assert!(image.len() >= 3, "several segments");
    let last_name = image.keys().last().unwrap().clone();
    let before_last_group = ends[ends.len() - 2] as usize;
    for (name, bytes) in &image {
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let context = format!("{name} byte {at} mask {mask:#x}");
                let mut bent = image.clone();
                bent.get_mut(name).unwrap()[at] ^= mask;
                let disk = SimDisk::from_image(&bent);
                match open(&disk, &segments_of(700)) {
                    Ok((_, report)) => {
                        // Only in the last group can damage not be told from a torn write.
                        assert_eq!(*name, last_name, "{context}");
                        assert!(report.torn.is_some(), "{context}: not reported");
                        let (read, error) = read_all(&disk);
                        assert!(error.is_none(), "{context}: {error:?}");
                        assert!(read.len() >= before_last_group && read.len() < written.len(), "{context}");
                        assert!(read[..] == written[..read.len()], "{context}: other content");
                    }
                    Err(error) => {
                        assert!(matches!(error, JournalError::Corrupt { .. }), "{context}: {error}");
                        assert_eq!(disk.image(), bent, "{context}: nothing is changed on damage");
                        let (read, reading) = read_all(&disk);
                        assert!(reading.is_some(), "{context}: the reader did not see it");
                        assert!(read[..] == written[..read.len()], "{context}: other content");
                    }
                }
            }
        }
    }
}

#[test]
fn cut_at_every_length_the_last_segment_recovers_what_is_whole() {
    let (disk, written, _) = sample(12, 1, 1 << 20);
    let name = names(&disk).pop().unwrap();
    let whole = disk.image();
    let bytes = &whole[&name];
    let mut ends: Vec<usize> = records(&disk).into_iter().map(|(_, offset, _)| offset).collect();
    ends.push(bytes.len());
    assert_eq!(ends.len(), written.len() + 1);
    for cut in 0..=bytes.len() {
        let mut image = whole.clone();
        image.insert(name.clone(), bytes[..cut].to_vec());
        let disk = SimDisk::from_image(&image);
        let whole_records = ends[1..].iter().filter(|end| **end <= cut).count();
        let (mut journal, report) = open(&disk, &Options::default()).unwrap();
        assert_eq!(report.torn.is_some(), !ends.contains(&cut), "cut at {cut}");
        assert_eq!(report.last, Tick(whole_records as u64), "cut at {cut}");
        let next = inputs(journal.next().0, 5, &mut rng(cut as u64));
        journal.append(&next).unwrap();
        journal.sync().unwrap();
        let mut expected = written[..whole_records].to_vec();
        expected.push(next);
        assert_eq!(read_all(&disk).0, expected, "cut at {cut}");
    }
}

#[test]
fn cut_groups_that_were_acknowledged_before_later_ones_are_damage() {
    let (disk, _, _) = sample(13, 8, 700);
    let whole = disk.image();
    let first = names(&disk)[0].clone();
    for cut in 0..whole[&first].len() {
        let mut image = whole.clone();
        image.get_mut(&first).unwrap().truncate(cut);
        let disk = SimDisk::from_image(&image);
        let refused = open(&disk, &segments_of(700));
        assert!(matches!(refused, Err(JournalError::Corrupt { .. })), "cut at {cut}");
        assert!(read_all(&disk).1.is_some(), "cut at {cut}");
    }
}

#[test]
fn a_torn_record_followed_by_good_ones_of_the_same_group_is_cut_off() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, &Options::default()).unwrap();
    let mut rng = rng(14);
    journal.append(&inputs(1, 5, &mut rng)).unwrap();
    journal.sync().unwrap();
    let durable = disk.used();
    for tick in 2..=4 {
        journal.append(&inputs(tick, 5, &mut rng)).unwrap();
    }
    journal.sync().unwrap();
    let mut image = disk.image();
    image.values_mut().next().unwrap()[durable + 8] ^= 1;
    let (journal, report) = open(&SimDisk::from_image(&image), &Options::default()).unwrap();
    assert_eq!(journal.durable(), Tick(1));
    let torn = report.torn.unwrap();
    assert_eq!((torn.offset, torn.reason), (durable as u64, Reason::Checksum));
}

#[test]
fn a_missing_segment_is_damage_and_salvage_marks_it() {
    let (disk, written, _) = sample(15, 12, 700);
    let whole = disk.image();
    let names = names(&disk);
    for gone in 0..names.len() - 1 {
        let mut image = whole.clone();
        let lost = image.remove(&names[gone]).unwrap();
        let disk = SimDisk::from_image(&image);
        let refused = open(&disk, &segments_of(700));
        assert!(
            matches!(&refused, Err(JournalError::Corrupt { reason: Reason::Missing(..), .. })),
            "without {}: {refused:?}",
            names[gone]
        );
        let (_, report) = open(&disk, &Options { segment_bytes: 700, salvage: true, ..Options::default() }).unwrap();
        assert_eq!(report.last.0 as usize, written.len());
        // The mark stays: later openings need no salvage, and readers go over the gap.
        let (_, report) = open(&disk, &segments_of(700)).unwrap();
        assert_eq!((report.salvaged.len(), report.damaged.len()), (0, 1));
        let (read, error) = read_all(&disk);
        assert!(error.is_none());
        let (from, to) = (tick_of(&names[gone]), tick_of(&names[gone + 1]));
        let expected: Vec<&Inputs> = written.iter().filter(|i| i.tick.0 < from || i.tick.0 >= to).collect();
        assert_eq!(read.iter().collect::<Vec<_>>(), expected);
        // Found again and put back, it counts.
        let mut image = disk.image();
        image.insert(names[gone].clone(), lost);
        assert_eq!(read_all(&SimDisk::from_image(&image)).0, written);
    }
}

fn tick_of(name: &str) -> u64 {
    name[..20].parse().unwrap()
}

#[test]
fn salvage_keeps_every_record_but_the_damaged_one_and_never_gives_a_tick_out_again() {
    for segment_bytes in [700, 1 << 20] {
        let (disk, written, ends) = sample(16, 8, segment_bytes);
        let before_last_group = ends[ends.len() - 2];
        for (name, offset, tick) in records(&disk) {
            if tick <= before_last_group {
                salvage_one(&disk, &written, segment_bytes, (&name, offset, tick));
            }
        }
    }
}

/// Segment, offset and tick of each record.
fn records(disk: &SimDisk) -> Vec<(String, usize, u64)> {
    let mut records = Vec::new();
    for (name, bytes) in disk.image() {
        let mut at = 16;
        while at < bytes.len() {
            let tick = u64::from_le_bytes(*bytes[at + 8..].first_chunk().unwrap());
            records.push((name.clone(), at, tick));
            at += 24 + u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
        }
    }
    records
}

fn salvage_one(disk: &SimDisk, written: &[Inputs], segment_bytes: u64, record: (&str, usize, u64)) {
    let (name, offset, tick) = record;
    let mut bent = disk.image();
    bent.get_mut(name).unwrap()[offset + 24] ^= 0x10;
    let disk = SimDisk::from_image(&bent);
    let (mut journal, report) = open(&disk, &Options { segment_bytes, salvage: true, ..Options::default() }).unwrap();
    assert_eq!(report.salvaged.len(), 1, "tick {tick}");
    assert_eq!(report.salvaged[0].offset, offset as u64, "tick {tick}");
    assert_eq!(report.last.0 as usize, written.len(), "tick {tick}");
    assert_eq!(disk.image().get(&format!("{name}.damaged")), bent.get(name), "nothing is deleted");

    let next = inputs(journal.next().0, 5, &mut rng(tick));
    journal.append(&next).unwrap();
    journal.sync().unwrap();
    let mut expected = written.to_vec();
    expected.remove(tick as usize - 1);
    expected.push(next);
    let (_, again) = open(&disk, &segments_of(segment_bytes)).unwrap();
    assert_eq!((again.last.0 as usize, again.damaged.len()), (written.len() + 1, 1), "tick {tick}");
    assert_eq!(read_all(&disk).0, expected, "tick {tick}");
}

/// What was set aside is the only copy: a second salvage of the same name must not overwrite it.
#[test]
fn salvage_refuses_to_overwrite_what_an_earlier_one_set_aside() {
    let (disk, _, _) = sample(19, 8, 700);
    let mut image = disk.image();
    let name = names(&disk)[0].clone();
    image.insert(format!("{name}.damaged"), b"the first copy".to_vec());
    image.get_mut(&name).unwrap()[30] ^= 1;
    let disk = SimDisk::from_image(&image);
    let refused = open(&disk, &Options { segment_bytes: 700, salvage: true, ..Options::default() });
    assert!(matches!(refused, Err(JournalError::Corrupt { .. })), "{refused:?}");
    assert_eq!(disk.image(), image);
}

#[test]
fn another_format_version_is_named_and_never_touched() {
    let (disk, _, _) = sample(17, 1, 700);
    let mut image = disk.image();
    let bytes = image.values_mut().next().unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let disk = SimDisk::from_image(&image);
    let refused = open(&disk, &Options { salvage: true, ..Options::default() });
    assert!(matches!(refused, Err(JournalError::Version { version: 2, .. })));
    assert_eq!(disk.image(), image);
}

#[test]
fn a_segment_copied_under_another_name_is_found() {
    let (disk, _, _) = sample(18, 8, 700);
    let mut image = disk.image();
    let (name, bytes) = image.pop_first().unwrap();
    let second = image.keys().next().unwrap().clone();
    image.insert(second, bytes.clone());
    image.insert(name, bytes);
    let refused = open(&SimDisk::from_image(&image), &segments_of(700));
    assert!(matches!(refused, Err(JournalError::Corrupt { reason: Reason::Tick { .. }, .. })), "{refused:?}");
}

/// All closed segments made thin.
fn thinned(seed: u64) -> (SimDisk, Vec<Inputs>) {
    let (mut disk, written, _) = sample(seed, 12, 700);
    let closed = thin::closed(&disk).unwrap();
    assert!(closed.len() >= 3, "several segments");
    for segment in closed {
        thin::write(&mut disk, segment).unwrap();
        thin::remove(&mut disk, segment).unwrap();
    }
    (disk, written)
}

/// Every record as it is, readings or not.
fn events_of(disk: &SimDisk) -> Result<Vec<Inputs>, JournalError> {
    let mut reader = Reader::over(disk.clone());
    std::iter::from_fn(|| reader.record()).map(|recorded| recorded.map(|recorded| recorded.inputs)).collect()
}

#[test]
fn every_changed_byte_of_a_thin_segment_is_damage_wherever_it_stands() {
    for last in [false, true] {
        let (mut disk, written) = thinned(21);
        if last {
            disk.remove(names(&disk).last().unwrap()).unwrap();
        }
        let image = disk.image();
        let name = if last { image.keys().last() } else { image.keys().next() }.unwrap();
        assert!(name.ends_with(".thin"));
        for at in 0..image[name].len() {
            let mut bent = image.clone();
            bent.get_mut(name).unwrap()[at] ^= 0x80;
            let disk = SimDisk::from_image(&bent);
            let refused = open(&disk, &segments_of(700));
            assert!(matches!(refused, Err(JournalError::Corrupt { .. })), "{name} byte {at}: {refused:?}");
            assert_eq!(disk.image(), bent, "nothing is changed on damage");
            assert!(events_of(&disk).is_err(), "{name} byte {at}: the reader did not see it");
            let (_, report) =
                open(&disk, &Options { segment_bytes: 700, salvage: true, ..Options::default() }).unwrap();
            assert_eq!(report.salvaged.len(), 1, "{name} byte {at}");
            assert_eq!(disk.image().get(&format!("{name}.damaged")), bent.get(name), "nothing is deleted");
            assert!(events_of(&disk).unwrap().len() <= written.len());
        }
    }
}

#[test]
fn whole_inputs_are_not_read_from_a_thin_segment_by_mistake() {
    let (disk, written) = thinned(22);
    let (read, error) = read_all(&disk);
    assert!(matches!(error, Some(JournalError::Thin { .. })), "{error:?}");
    assert!(read[..] == written[..read.len()], "only ticks without readings before it");
    let without: Vec<Inputs> = written.iter().cloned().map(|i| Inputs { readings: Default::default(), ..i }).collect();
    let last = names(&disk).last().map(|name| tick_of(name)).unwrap();
    let kept = events_of(&disk).unwrap();
    assert_eq!(kept[..last as usize - 1], without[..last as usize - 1]);
    assert_eq!(kept[last as usize - 1..], written[last as usize - 1..]);
}

#[test]
fn a_whole_segment_counts_as_long_as_it_is_beside_its_thin_one() {
    let (mut disk, written, _) = sample(23, 12, 700);
    for segment in thin::closed(&disk).unwrap() {
        thin::write(&mut disk, segment).unwrap();
    }
    assert_eq!(read_all(&disk).0, written);
    let (_, report) = open(&disk, &segments_of(700)).unwrap();
    assert_eq!(report.last.0 as usize, written.len());
}
