use super::super::{FOLDER, codec, storage::Disk};
use super::*;

fn write(dir: &std::path::Path, ticks: u64, segment_bytes: u64) -> Vec<Inputs> {
    let mut rng = rng(ticks);
    let (mut journal, _) = Journal::open(dir, segments_of(segment_bytes)).unwrap();
    let first = journal.next().0;
    let mut written = Vec::new();
    for tick in first..first + ticks {
        written.push(inputs(tick, 50, &mut rng));
        journal.append(&written[written.len() - 1]).unwrap();
        journal.sync().unwrap();
    }
    written
}

fn read(reader: Reader) -> Vec<Inputs> {
    reader.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_is_written_to_a_directory_is_read_from_any_tick_to_any_tick() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("plant/data");
    let mut written = write(&data, 20, 4000);
    written.extend(write(&data, 10, 4000));
    assert!(std::fs::read_dir(data.join(FOLDER)).unwrap().count() > 4, "several segments and the lock");
    for from in 0..=31 {
        for up_to in [0, 1, 7, 30] {
            let reader = Reader::open(&data).unwrap().from(Tick(from)).up_to(Tick(up_to));
            let expected: Vec<Inputs> =
                written.iter().filter(|i| (from..=up_to).contains(&i.tick.0)).cloned().collect();
            assert_eq!(read(reader), expected, "from {from} up to {up_to}");
        }
    }
    assert_eq!(read(Reader::open(&data).unwrap()), written);
}

#[test]
fn two_writers_exclude_each_other_and_readers_do_not_care() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    let refused = Journal::open(dir.path(), Options::default());
    assert!(matches!(refused, Err(JournalError::Locked { .. })));
    assert!(read(Reader::open(dir.path()).unwrap()).is_empty());
    drop(journal);
    assert!(Journal::open(dir.path(), Options::default()).is_ok());
}

#[test]
fn a_reader_follows_the_writer_over_segments_and_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = write(dir.path(), 3, 2000);
    let mut reader = Reader::open(dir.path()).unwrap();
    for inputs in &written {
        assert_eq!(&reader.next().unwrap().unwrap(), inputs);
    }
    let later = write(dir.path(), 9, 2000);
    for inputs in &later {
        assert_eq!(&reader.next().unwrap().unwrap(), inputs);
    }
    written.extend(later);
    assert!(reader.next().is_none());
    let mut told = Reader::open(dir.path()).unwrap().up_to(Tick(13));
    assert_eq!(told.by_ref().take_while(Result::is_ok).count(), written.len());
    let mut told = Reader::open(dir.path()).unwrap().from(Tick(12)).up_to(Tick(13));
    assert!(told.next().unwrap().is_ok());
    assert!(matches!(told.next(), Some(Err(JournalError::Ended { missing: 13, up_to: 13 }))));
    assert!(told.next().is_none());
}

#[test]
fn a_reader_ends_at_a_torn_tail_and_leaves_it_to_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let written = write(dir.path(), 3, 1 << 20);
    let path = dir.path().join(FOLDER).join("00000000000000000001.seg");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.by_ref().map(Result::unwrap).collect::<Vec<_>>(), written[..2]);
    assert!(reader.torn().is_some());
    assert_eq!(std::fs::metadata(&path).unwrap().len() as usize, whole.len() - 1);
    let (journal, report) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!((journal.durable(), report.torn.as_ref()), (Tick(2), reader.torn()));
}

#[test]
fn a_directory_without_a_journal_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Reader::open(dir.path()).map(drop).unwrap_err();
    assert!(missing.to_string().contains("journal"), "{missing}");
}

#[test]
fn a_large_batch_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = rng(100);
    let mut large = inputs(1, 0, &mut rng);
    for row in 0..100_000 {
        let status = Status::ALL[row % 4];
        let (sensor, at) = (SensorId(row as u32 % 60), EventMs(1_700_000_000_000 + row as i64));
        large.readings.push(Reading { sensor, at, revision: 1, value: Micro(rng.random()), status });
    }
    let mut payload = Vec::new();
    codec::encode(&large, &mut payload).unwrap();
    assert!(payload.len() < 100_000 * 29 + 1000, "columns are stored as they are");
    let (mut journal, _): (Journal<Disk>, _) = Journal::open(dir.path(), Options::default()).unwrap();
    journal.append(&large).unwrap();
    journal.sync().unwrap();
    assert_eq!(read(Reader::open(dir.path()).unwrap()), [large]);
}
