//! Servers that refuse, are silent or gone.

mod support;

use lehr_domain::Tick;
use lehr_neo4j::{Config, drift, edits, probe};
use lehr_targets::TargetError;
use std::io::{Read, Write};
use std::net::TcpListener;
use support::driver::Driver;
use support::server::Server;
use support::world::{World, tables};

async fn failure(config: &Config) -> TargetError {
    config.target().connect(&tables()).await.expect_err("it cannot be reached")
}

fn at(port: u16) -> Config {
    toml::from_str(&format!("name = \"graph\"\nuri = \"bolt://127.0.0.1:{port}\"\nuser = \"root\"")).unwrap()
}

#[tokio::test]
async fn what_cannot_be_reached_is_away_in_bounded_time() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = failure(&at(refusing)).await;
    assert!(matches!(&away, TargetError::Away(why) if why.contains("refused")), "{away:?}");
    // Connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = at(silent.local_addr().unwrap().port());
    let away = failure(&config).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 10 s")), "{away:?}");
    let probed = probe(&config).await.unwrap_err();
    assert!(probed.ends_with("no answer within 10 s"), "{probed}");
}

/// neo4rs alone would ask for the rest without end.
#[tokio::test]
async fn a_connection_that_ends_within_an_answer_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read_exact(&mut [0; 20]).unwrap();
        // Version 4.1, and two bytes of a chunk of nine.
        client.write_all(&[0, 0, 1, 4, 0, 9, 0xB1, 0x70]).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        client
    });
    let away = failure(&at(port)).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("ended within an answer")), "{away:?}");
    drop(server.join());
}

#[tokio::test]
async fn what_is_refused_says_what_to_do_and_no_secret() {
    let server = Server::start().await;
    let wrong = server.folder().join("wrong");
    std::fs::write(&wrong, "s3cret").unwrap();
    let password = toml::from_str::<Config>(&format!("{}password = {{ file = {wrong:?} }}", {
        "name = \"a\"\nuri = \"bolt://a\"\nuser = \"a\"\n"
    }))
    .unwrap()
    .password;
    let refused = failure(&Config { password, ..server.config() }).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with("see user and password")), "{refused:?}");
    assert!(!format!("{refused:?}").contains("s3cret"));
    let missing = failure(&Config { database: "ware".to_owned(), ..server.config() }).await;
    assert!(!matches!(missing, TargetError::Differs { .. }), "{missing:?}");
    assert!(missing.to_string().contains("ware") || missing.to_string().contains("Database"), "{missing}");
    // Nothing is mirrored yet.
    let config = server.config();
    assert!(matches!(edits(&config).await, Err(TargetError::Away(_))));
    assert!(matches!(drift(&config, &tables()[1], &[]).await, Err(TargetError::Away(_))));
    assert_eq!(config.target().connect(&tables()).await.unwrap(), Some(Tick(0)));
    assert_eq!(probe(&config).await.unwrap()[1], "it holds tick 0 (no time), 0 edges");
    let other = Config { name: "other".to_owned(), ..config.clone() };
    let refused = failure(&other).await;
    assert!(
        matches!(&refused, TargetError::Refused(why) if why.contains("mirrors the store graph already")),
        "{refused:?}"
    );
    server.cypher("MATCH (p:LehrPosition) SET p.format = 9").await;
    let refused = failure(&config).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("has format 9")), "{refused:?}");
}

/// A server that goes and comes costs tries, and nothing else.
#[tokio::test]
async fn a_server_that_comes_back_is_followed_again() {
    let mut server = Server::start().await;
    let world = World::new(9, 6, 5);
    let mut driver = Driver::new(server.config().target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    server.kill();
    for _ in 0..2 {
        let away = driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap_err();
        assert!(matches!(away, TargetError::Away(_)), "{away:?}");
    }
    server.restart().await;
    driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(4)).await;
    // Without a new connection nothing is sent.
    let mut target = server.config().target();
    assert!(matches!(target.apply(&world.delta(Tick(4), Tick(5))).await, Err(TargetError::Away(_))));
}
