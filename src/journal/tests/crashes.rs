use super::*;

/// What the test knows: everything appended, and how much of it was acknowledged.
struct Model {
    written: Vec<Inputs>,
    acknowledged: usize,
}

impl Model {
    /// After a crash: all that was acknowledged is there, and what is there is a prefix of what was appended.
    fn check(&mut self, disk: &SimDisk, report: &OpenReport, context: &str) {
        let (read, error) = read_all(disk);
        assert!(error.is_none(), "{context}: reading failed: {error:?}");
        assert!(read.len() >= self.acknowledged, "{context}: {} of {} left", read.len(), self.acknowledged);
        assert!(read.len() <= self.written.len(), "{context}: more ticks than were appended");
        assert!(read[..] == self.written[..read.len()], "{context}: other content");
        assert_eq!(report.last, Tick(read.len() as u64), "{context}");
        assert!(report.salvaged.is_empty() && report.damaged.is_empty(), "{context}: a crash is no damage");
        self.written.truncate(read.len());
        self.acknowledged = read.len();
    }
}

/// Opens until it succeeds, with the power failing during recovery now and then.
fn reopen(disk: &SimDisk, options: &Options, rng: &mut ChaCha8Rng, context: &str) -> (Journal<SimDisk>, OpenReport) {
    for _ in 0..20 {
        if rng.random_bool(0.3) {
            disk.restart();
        } else {
            disk.crash(rng);
        }
        if rng.random_bool(0.4) {
            disk.set_fuse(Some(rng.random_range(0..4)));
        }
        match open(disk, options) {
            Ok(opened) => {
                disk.set_fuse(None);
                return opened;
            }
            Err(JournalError::Io { .. }) => {}
            Err(error) => panic!("{context}: recovery failed: {error}"),
        }
    }
    disk.restart();
    open(disk, options).unwrap_or_else(|error| panic!("{context}: recovery failed: {error}"))
}

fn run(seed: u64) {
    let mut rng = rng(seed);
    let disk = SimDisk::default();
    let options = segments_of(rng.random_range(1..3000));
    let mut model = Model { written: Vec::new(), acknowledged: 0 };
    let (mut journal, _) = open(&disk, &options).unwrap();
    for step in 0..60 {
        let context = format!("seed {seed} step {step}");
        match rng.random_range(0..10) {
            0..5 => {
                let inputs = inputs(journal.next().0, 6, &mut rng);
                match journal.append(&inputs) {
                    Ok(()) => model.written.push(inputs),
                    Err(error) => assert!(matches!(error, JournalError::Poisoned), "{context}: {error}"),
                }
            }
            5..8 => match journal.sync() {
                Ok(tick) => {
                    assert_eq!(tick.0 as usize, model.written.len(), "{context}: all of the group is durable");
                    model.acknowledged = model.written.len();
                }
                Err(error) => {
                    assert!(matches!(error, JournalError::Io { .. } | JournalError::Poisoned), "{context}: {error}")
                }
            },
            8 => match rng.random_range(0..6) {
                0 => disk.set_fuse(Some(rng.random_range(0..6))),
                1 => disk.set_capacity(Some(disk.used() + rng.random_range(0..400))),
                2 => disk.fail_truncates(rng.random_bool(0.7)),
                3 => disk.fail_syncs(rng.random_bool(0.5)),
                4 => disk.write_back(),
                _ => disk.set_capacity(None),
            },
            _ => {
                disk.set_capacity(None);
                let (opened, report) = reopen(&disk, &options, &mut rng, &context);
                model.check(&disk, &report, &context);
                journal = opened;
            }
        }
    }
    disk.set_capacity(None);
    let context = format!("seed {seed} end");
    let (_, report) = reopen(&disk, &options, &mut rng, &context);
    model.check(&disk, &report, &context);
}

#[test]
fn everything_acknowledged_survives_any_crash_and_nothing_is_made_up() {
    for seed in 0..3000 {
        run(seed);
    }
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_sync_succeeds_when_there_is_room() {
    for segment_bytes in [1, 1 << 20] {
        let disk = SimDisk::default();
        let (mut journal, _) = open(&disk, &segments_of(segment_bytes)).unwrap();
        let mut rng = rng(1);
        let mut written = Vec::new();
        for tick in 1..=6 {
            written.push(inputs(tick, 5, &mut rng));
            journal.append(&written[tick as usize - 1]).unwrap();
            if tick == 3 {
                assert_eq!(journal.sync().unwrap(), Tick(3));
                disk.set_capacity(Some(disk.used() + 20));
            } else if tick > 3 {
                let durable = disk.used();
                assert!(matches!(journal.sync(), Err(JournalError::Io { .. })));
                assert_eq!(journal.durable(), Tick(3));
                assert!(disk.used() <= durable + 16, "what was written in vain is given back");
            }
        }
        disk.set_capacity(None);
        assert_eq!(journal.sync().unwrap(), Tick(6));
        assert_eq!(read_all(&disk).0, written);
        drop(journal);
        assert_eq!(open(&disk, &segments_of(segment_bytes)).unwrap().1.torn, None);
    }
}

#[test]
fn a_failing_fsync_poisons_the_handle_for_good() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, &Options::default()).unwrap();
    let mut rng = rng(2);
    journal.append(&inputs(1, 5, &mut rng)).unwrap();
    journal.sync().unwrap();
    journal.append(&inputs(2, 5, &mut rng)).unwrap();
    disk.fail_syncs(true);
    assert!(matches!(journal.sync(), Err(JournalError::Io { action: "sync", .. })));
    disk.fail_syncs(false);
    assert!(matches!(journal.sync(), Err(JournalError::Poisoned)));
    assert!(matches!(journal.append(&inputs(3, 5, &mut rng)), Err(JournalError::Poisoned)));
    assert!(open(&disk, &Options::default()).is_ok());
}

#[test]
fn ticks_are_contiguous_from_the_first() {
    let disk = SimDisk::default();
    let (mut journal, report) = open(&disk, &Options::default()).unwrap();
    assert_eq!((report.last, journal.durable(), journal.next()), (Tick(0), Tick(0), Tick(1)));
    let mut rng = rng(3);
    for wrong in [0, 2] {
        let refused = journal.append(&inputs(wrong, 5, &mut rng));
        assert!(matches!(refused, Err(JournalError::OutOfOrder { expected: 1, .. })));
    }
    assert_eq!(journal.sync().unwrap(), Tick(0));
    assert_eq!(journal.pending_bytes(), 0);
}

/// A failed write that could not be taken back reaches the disk; then the group goes to the next segment. The
/// segment before it must not keep the rest, or it would look damaged after a loss of power.
#[test]
fn what_a_failed_write_left_behind_is_gone_before_the_next_segment_begins() {
    for seed in 0..50 {
        let mut rng = rng(seed);
        let disk = SimDisk::default();
        let options = segments_of(2000);
        let (mut journal, _) = open(&disk, &options).unwrap();
        journal.append(&inputs(1, 0, &mut rng)).unwrap();
        journal.sync().unwrap();
        journal.append(&inputs(2, 10, &mut rng)).unwrap();
        disk.set_capacity(Some(disk.used() + 30));
        disk.fail_truncates(true);
        assert!(journal.sync().is_err());
        disk.write_back();
        disk.set_capacity(None);
        disk.fail_truncates(false);
        while journal.pending_bytes() < 2000 {
            journal.append(&inputs(journal.next().0, 30, &mut rng)).unwrap();
        }
        let last = journal.sync().unwrap();
        assert_eq!(disk.image().len(), 2, "seed {seed}");
        disk.crash(&mut rng);
        let (_, report) = open(&disk, &options).unwrap();
        assert_eq!((report.last, report.torn), (last, None), "seed {seed}");
    }
}
