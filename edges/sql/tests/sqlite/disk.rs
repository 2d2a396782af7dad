//! A disk that is full, and one that is read-only. The disks are in memory, and seen only by this test, which runs
//! itself again in name spaces of its own.

use crate::support::file::{Reader, empty_log};
use crate::support::world::{World, tables};
use lehr_domain::Tick;
use lehr_sql::sqlite::{Config, probe};
use lehr_targets::TargetError;
use std::fs;
use std::path::Path;
use std::process::Command;

const INSIDE: &str = "LEHR_TEST_DISK";

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.expect("util-linux is there").success(), "{program} {arguments:?}");
}

/// Runs the test of this name again, with a disk of its own of so many MiB, whose folder is given to it.
fn with_disk(test: &str, mib: u32, inside: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        let folder = Path::new(&folder);
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "none", folder.to_str().unwrap()]);
        return inside(folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, folder.path())
        .status();
    assert!(status.expect("unshare of util-linux").success(), "see above");
}

fn config(folder: &Path) -> Config {
    toml::from_str(&format!("name = \"local\"\npath = {:?}", folder.join("reports.db"))).unwrap()
}

fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_full_disk_says_so_and_is_gone_on_with_when_there_is_room() {
    with_disk("disk::a_full_disk_says_so_and_is_gone_on_with_when_there_is_room", 6, |folder| {
        threads().block_on(full(folder));
    });
}

async fn full(folder: &Path) {
    let mut target = config(folder).target();
    target.connect(&tables()).await.unwrap();
    let reader = Reader::of(&folder.join("reports.db"));
    let world = World::new(6, 40, 30);
    target.apply(&world.delta(Tick(0), Tick(1))).await.unwrap();
    // What fills the disk is somebody else's.
    let filler = folder.join("filler");
    empty_log(&reader);
    assert!(fs::write(&filler, vec![0; 64 << 20]).is_err());
    let (mut held, mut refused) = (1, None);
    while held < world.last().0 && refused.is_none() {
        refused = target.apply(&world.delta(Tick(held), Tick(held + 1))).await.err();
        held += u64::from(refused.is_none());
    }
    let refused = refused.expect("the disk is full");
    assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with("make room on the disk")), "{refused:?}");
    world.compare(&reader, Tick(held));
    fs::remove_file(&filler).unwrap();
    assert_eq!(target.connect(&tables()).await.unwrap(), Some(Tick(held)));
    target.apply(&world.delta(Tick(held), world.last())).await.unwrap();
    let rows = world.compare(&reader, world.last());
    println!("the disk was full at tick {held}; {rows} rows at tick {}, duplicates 0, lost 0", world.last().0);
}

#[test]
fn a_disk_that_is_read_only_says_so() {
    with_disk("disk::a_disk_that_is_read_only_says_so", 16, |folder| threads().block_on(read_only(folder)));
}

async fn read_only(folder: &Path) {
    let world = World::new(6, 4, 30);
    let mut target = config(folder).target();
    let read_only = |how: &str| run("mount", &["-o", &format!("remount,{how}"), folder.to_str().unwrap()]);
    read_only("ro");
    let told = |error: TargetError| {
        let good = matches!(&error, TargetError::Refused(why) if why.contains("writable for this user"));
        assert!(good, "{error:?}");
    };
    told(target.connect(&tables()).await.unwrap_err());
    read_only("rw");
    target.connect(&tables()).await.unwrap();
    target.apply(&world.delta(Tick(0), Tick(2))).await.unwrap();
    drop(target);
    let path = folder.join("reports.db");
    crate::support::wait_for("the file is closed", || (!path.with_extension("db-shm").exists()).then_some(()));
    read_only("ro");
    let mut target = config(folder).target();
    told(target.connect(&tables()).await.unwrap_err());
    let why = probe(&config(folder)).await.unwrap_err();
    assert!(why.contains("writable for this user"), "{why}");
    read_only("rw");
    assert_eq!(target.connect(&tables()).await.unwrap(), Some(Tick(2)));
    target.apply(&world.delta(Tick(2), Tick(4))).await.unwrap();
    world.compare(&Reader::of(&path), Tick(4));
}
