//! Other programs at the file while Lehr writes it.

use crate::support::driver::Driver;
use crate::support::file::{File, empty_log};
use crate::support::world::{Store, World, tables};
use crate::support::{seed, wait_for};
use lehr_domain::Tick;
use lehr_sql::sqlite::probe;
use lehr_targets::TargetError;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

#[test]
fn a_reader_sees_whole_ticks() {
    let seed = seed();
    let world = World::new(seed, 300, 12);
    let file = File::new();
    let mut driver = Driver::new(file.config("").target(), Tick(0), Tick(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(driver.deliver(&world, Tick(1), false, |_, _| ())).unwrap();
    let (reads, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let seen = thread::scope(|threads| {
        let read = threads.spawn(|| {
            let (reader, mut seen) = (file.reader(), BTreeSet::new());
            while !ended.load(Ordering::SeqCst) {
                let tick = reader.at_once(|reader| {
                    let (tick, _) = reader.position();
                    world.compare(reader, tick);
                    tick
                });
                seen.insert(tick);
                reads.fetch_add(1, Ordering::SeqCst);
            }
            seen
        });
        let write = threads.spawn(|| {
            for tick in 2..=world.last().0 {
                runtime.block_on(driver.deliver(&world, Tick(tick), false, |_, _| ())).unwrap();
                if tick % 10 == 0 {
                    // It is not left behind.
                    let before = reads.load(Ordering::SeqCst);
                    wait_for("a read", || (reads.load(Ordering::SeqCst) > before).then_some(()));
                }
            }
        });
        let written = write.join();
        ended.store(true, Ordering::SeqCst);
        written.unwrap();
        read.join().unwrap()
    });
    world.compare(&file.reader(), world.last());
    println!("{} reads while {} ticks were written, of {} ticks", reads.into_inner(), world.last().0, seen.len());
    assert!(seen.len() >= 20, "it saw {} ticks", seen.len());
}

#[tokio::test]
async fn what_another_program_holds_is_not_waited_for_without_end() {
    let file = File::new();
    let world = World::new(8, 4, 5);
    let mut driver = Driver::new(file.config("").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let other = file.reader();
    other.ask("BEGIN IMMEDIATE");
    for _ in 0..2 {
        let away = driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap_err();
        assert!(matches!(&away, TargetError::Away(why) if why.contains("another program is writing")), "{away:?}");
    }
    let busy = probe(&file.config("")).await.unwrap();
    assert!(busy[1].starts_with("another program") && busy[2].contains("holds tick 1"), "{busy:?}");
    other.ask("ROLLBACK");
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    world.compare(&other, Tick(2));
}

/// The log cannot be emptied while somebody reads what was before it.
#[tokio::test]
async fn a_reader_that_never_ends_does_not_fill_the_disk() {
    let file = File::new();
    let world = World::large(9, 20_000);
    let mut driver = Driver::new(file.config("log_mib = 1").target(), Tick(0), Tick(0));
    let mut target = file.config("").target();
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    let reader = file.reader();
    empty_log(&reader);
    reader.ask("BEGIN");
    world.compare(&reader, Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let away = driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap_err();
    assert!(matches!(&away, TargetError::Away(why) if why.contains("end the reader's transaction")), "{away:?}");
    world.compare(&reader, Tick(0));
    reader.ask("COMMIT");
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    world.compare(&reader, Tick(2));
}

/// A file that is moved away is not written any more, and one in its place is not taken for it.
#[tokio::test]
async fn a_file_that_was_moved_or_removed_is_noticed() {
    let file = File::new();
    let world = World::new(10, 6, 5);
    let mut target = file.config("").target();
    assert_eq!(target.connect(&tables()).await.unwrap(), Some(Tick(0)));
    target.apply(&world.delta(Tick(0), Tick(2))).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("reports.db{suffix}");
        std::fs::rename(file.folder().join(&name), file.folder().join(format!("old-{name}"))).unwrap();
    }
    let away = target.apply(&world.delta(Tick(2), Tick(4))).await.unwrap_err();
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("was moved, removed or replaced")), "{away:?}");
    // Another file stands where an empty one does.
    assert_eq!(target.connect(&tables()).await.unwrap(), Some(Tick(0)));
    let differs = target.apply(&world.delta(Tick(2), Tick(4))).await.unwrap_err();
    assert!(matches!(differs, TargetError::Differs { holds: 0, left: 2 }), "{differs:?}");
}
