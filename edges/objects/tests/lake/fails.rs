//! Servers that refuse, are silent, slow or gone; folders that cannot be used.

use crate::support::driver::Driver;
use crate::support::proxy::Proxy;
use crate::support::server::Server;
use crate::support::world::{TABLES, World, tables};
use lehr_domain::Tick;
use lehr_objects::{Config, probe};
use lehr_targets::TargetError;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

async fn failure(config: &Config) -> TargetError {
    config.target().connect(&tables()).await.expect_err("it cannot be reached")
}

#[tokio::test]
async fn what_cannot_be_reached_is_away_in_bounded_time() {
    let server = Server::start();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = failure(&server.config_at(refusing, "timeout_s = 2")).await;
    assert!(matches!(away, TargetError::Away(_)), "{away:?}");
    // Connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let config = server.config_at(port, "timeout_s = 2");
    let away = failure(&config).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 2 s")), "{away:?}");
    let probed = probe(&config).await.unwrap_err();
    assert!(probed.ends_with("no answer within 2 s"), "{probed}");
    let away = failure(&server.config_at(port, "")).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 10 s")), "{away:?}");
}

#[tokio::test]
async fn what_is_refused_says_what_to_do_and_no_secret() {
    let server = Server::start();
    let text = server.config_text(server.port, "");
    let wrong: Config = toml::from_str(&text.replace("/secret\"", "/wrong\"")).unwrap();
    let refused = failure(&wrong).await;
    let shown = refused.to_string();
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("see access_key and secret_key")), "{shown}");
    assert!(!shown.contains("wr0ng") && !shown.contains("pass'w"), "{shown}");
    assert!(probe(&wrong).await.unwrap_err().contains("see access_key"));
    let missing: Config = toml::from_str(&text.replace("s3://glass", "s3://glasses")).unwrap();
    let refused = failure(&missing).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("no such bucket; make it")), "{refused:?}");
    assert!(probe(&missing).await.unwrap_err().contains("no such bucket"));
    let none: Config = toml::from_str(&text.replace("/secret\"", "/nothing\"")).unwrap();
    let refused = failure(&none).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.starts_with("secret_key: cannot read")), "{refused:?}");
}

#[tokio::test]
async fn a_slow_server_is_followed() {
    let server = Server::start();
    let world = World::new(7, 6, 8);
    let proxy = Proxy::before(server.port);
    proxy.slow_down(Duration::from_millis(30));
    let mut driver = Driver::new(server.config_at(proxy.port, TABLES).target(), Tick(0), Tick(0));
    for tick in [2, 4, 6] {
        driver.deliver(&world, Tick(tick), false, |_, _| ()).await.unwrap();
    }
    world.compare(&server.config(""), Tick(6)).await;
    // One that does not come to an end is given up.
    proxy.slow_down(Duration::from_secs(600));
    let config = server.config_at(proxy.port, "timeout_s = 1");
    let away = failure(&config).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 1 s")), "{away:?}");
}

#[tokio::test]
async fn what_is_not_lehrs_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let config: Config =
        toml::from_str(&format!("name = \"lake\"\nfolder = {:?}\nevery = \"0s\"", dir.path())).unwrap();
    assert_eq!(probe(&config).await.unwrap()[1], "it holds nothing yet: position.json is made at the start");
    let day = dir.path().join("ware/day=2026-01-01");
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join("notes.txt"), "mine").unwrap();
    let world = World::new(8, 4, 20);
    let mut target = config.target();
    target.connect(&world.tables).await.unwrap();
    target.apply(&world.delta(Tick(0), Tick(1))).await.unwrap();
    // What a killed process left.
    for left in ["changes-1-2.1-0.parquet", "changes-1-2.1-1.parquet.partial"] {
        fs::write(day.join(left), "torn").unwrap();
    }
    target.connect(&world.tables).await.unwrap();
    target.apply(&world.delta(Tick(1), Tick(2))).await.unwrap();
    let names: Vec<_> = fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(day.join("notes.txt").exists() && !day.join("changes-1-2.1-1.parquet.partial").exists(), "{names:?}");
    let seen = probe(&config).await.unwrap();
    assert!(seen[1].starts_with("it holds tick 2 (2026-01-01T04:48:00.000Z), 3 tables"), "{seen:?}");
    // Objects without a position: whose they are is not known.
    fs::remove_file(dir.path().join("position.json")).unwrap();
    target.connect(&world.tables).await.unwrap();
    let refused = target.apply(&world.delta(Tick(0), Tick(1))).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("without position.json")), "{refused:?}");
    fs::write(dir.path().join("position.json"), "{").unwrap();
    assert!(matches!(failure(&config).await, TargetError::Refused(_)));
}

#[tokio::test]
async fn a_damaged_object_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config: Config =
        toml::from_str(&format!("name = \"lake\"\nfolder = {:?}\nevery = \"0s\"", dir.path())).unwrap();
    let world = World::large(9, 20);
    Driver::new(config.target(), Tick(0), Tick(0)).deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let object = crate::support::server::objects_in(dir.path()).remove(0);
    fs::write(dir.path().join(&object), "torn").unwrap();
    let refused = lehr_objects::read(&config, "ware", &lehr_objects::Days::All).await.unwrap_err().to_string();
    assert!(refused.starts_with(&format!("{object} is damaged: it has another length")), "{refused}");
}

#[tokio::test]
async fn deltas_are_gathered_and_who_gives_up_waiting_has_written_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text = |every: &str| format!("name = \"lake\"\nfolder = {:?}\nevery = \"{every}\"\n{TABLES}", dir.path());
    let config: Config = toml::from_str(&text("10m")).unwrap();
    let world = World::new(10, 4, 8);
    let mut target = config.target();
    target.connect(&world.tables).await.unwrap();
    target.apply(&world.delta(Tick(0), Tick(1))).await.unwrap();
    let second = world.delta(Tick(1), Tick(2));
    assert!(tokio::time::timeout(Duration::from_millis(300), target.apply(&second)).await.is_err());
    assert_eq!(target.connect(&world.tables).await.unwrap(), Some(Tick(1)));
    world.compare(&config, Tick(1)).await;
    let config: Config = toml::from_str(&text("200ms")).unwrap();
    let mut target = config.target();
    target.connect(&world.tables).await.unwrap();
    target.apply(&second).await.unwrap();
    let written = Instant::now();
    target.apply(&world.delta(Tick(2), Tick(4))).await.unwrap();
    assert!(written.elapsed() >= Duration::from_millis(195));
    world.compare(&config, Tick(4)).await;
}
