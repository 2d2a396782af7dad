//! Files that cannot be used.

use crate::support::file::File;
use crate::support::wait_for;
use crate::support::world::{World, tables};
use lehr_domain::Tick;
use lehr_sql::sqlite::{Config, probe};
use lehr_targets::TargetError;
use std::fs;

async fn refusal(config: &Config) -> String {
    match config.target().connect(&tables()).await {
        Err(TargetError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_database_is_left_as_it_is() {
    let file = File::new();
    let text = "what somebody wrote ".repeat(1000);
    fs::write(file.path(), &text).unwrap();
    let why = refusal(&file.config("")).await;
    assert!(why.contains("not a database") && why.contains("move it away"), "{why}");
    let why = probe(&file.config("")).await.unwrap_err();
    assert!(why.contains("not a database"), "{why}");
    assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let file = File::new();
    let config = Config { path: file.folder().join("data/reports.db"), ..file.config("") };
    let why = refusal(&config).await;
    assert!(why.contains("data/reports.db") && why.contains("its folder must exist"), "{why}");
    let why = probe(&config).await.unwrap_err();
    assert!(why.starts_with("there is no folder ") && why.contains("/data: make it"), "{why}");
    let why = refusal(&Config { path: file.folder().to_owned(), ..file.config("") }).await;
    assert!(why.contains("unable to open"), "{why}");
}

#[tokio::test]
async fn a_damaged_file_says_what_to_do() {
    let file = File::new();
    let world = World::new(3, 2, 40);
    let mut target = file.config("").target();
    target.connect(&tables()).await.unwrap();
    target.apply(&world.delta(Tick(0), Tick(1))).await.unwrap();
    drop(target);
    wait_for("the file is closed", || (!file.path().with_extension("db-shm").exists()).then_some(()));
    let mut bytes = fs::read(file.path()).unwrap();
    let length = bytes.len();
    bytes[100..length].fill(0xa5);
    fs::write(file.path(), bytes).unwrap();
    let why = refusal(&file.config("")).await;
    assert!(why.contains("malformed") && why.contains("let Lehr fill another one"), "{why}");
}

#[tokio::test]
async fn nothing_is_written_before_it_is_opened() {
    let file = File::new();
    let world = World::new(9, 4, 5);
    let mut target = file.config("").target();
    assert!(matches!(target.apply(&world.delta(Tick(3), Tick(4))).await, Err(TargetError::Away(_))));
    assert_eq!(fs::read_dir(file.folder()).unwrap().count(), 0);
    let made = probe(&file.config("")).await.unwrap();
    assert!(made[0].ends_with("reports.db is made at the start"), "{made:?}");
    assert_eq!(fs::read_dir(file.folder()).unwrap().count(), 0);
}
