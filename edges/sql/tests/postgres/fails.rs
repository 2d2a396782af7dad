//! Servers that refuse, are silent, slow or gone.

use crate::support::driver::Driver;
use crate::support::server::Server;
use crate::support::world::{World, tables};
use lehr_domain::Tick;
use lehr_sql::postgres::{Config, Tls, probe};
use lehr_targets::TargetError;
use std::net::TcpListener;
use std::process::{Command, Stdio};

async fn failure(config: &Config) -> TargetError {
    config.target().connect(&tables()).await.expect_err("it cannot be reached")
}

#[tokio::test]
async fn what_cannot_be_reached_is_away_in_bounded_time() {
    let server = Server::start();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = failure(&server.config_at(refusing, "")).await;
    assert!(matches!(&away, TargetError::Away(why) if why.contains("refused")), "{away:?}");
    // Connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = server.config_at(silent.local_addr().unwrap().port(), "");
    let away = failure(&config).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 10 s")), "{away:?}");
    let probed = probe(&config).await.unwrap_err();
    assert!(probed.ends_with("no answer within 10 s"), "{probed}");
}

#[tokio::test]
async fn what_is_refused_says_what_to_do_and_no_secret() {
    let server = Server::start();
    let wrong = server.folder().join("wrong");
    std::fs::write(&wrong, "s3cret").unwrap();
    let password =
        toml::from_str::<Config>(&format!("name = \"a\"\npassword = {{ file = {wrong:?} }}")).unwrap().password;
    let refused = failure(&Config { password, ..server.config("") }).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("pg_hba.conf")), "{refused:?}");
    assert!(!format!("{refused:?}").contains("s3cret"));
    let refused = failure(&Config { database: Some("ware".to_owned()), ..server.config("") }).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with("create the database")), "{refused:?}");
    server.psql("CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let refused = failure(&Config { database: Some("old".to_owned()), ..server.config("") }).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with("ENCODING 'UTF8'")), "{refused:?}");
    server.psql("ALTER ROLE lehr SET default_transaction_read_only = on");
    let away = failure(&server.config("")).await;
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("the address of the primary")), "{away:?}");
}

/// A session of a Lehr that is gone may still be writing: its delta is waited for, and not written twice.
#[tokio::test]
async fn a_transaction_that_was_left_behind_is_waited_for() {
    let server = Server::start();
    let world = World::new(7, 4, 5);
    let mut driver = Driver::new(server.config("").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    let _left = server.session("BEGIN; UPDATE lehr.position SET tick = 3", "SELECT pg_sleep(1); COMMIT");
    assert_eq!(server.config("").target().connect(&tables()).await.unwrap(), Some(Tick(3)));
    // A connection from before finds out by itself.
    let differs = driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap_err();
    assert!(matches!(differs, TargetError::Differs { holds: 3, left: 2 }), "{differs:?}");
}

#[tokio::test]
async fn what_another_session_holds_is_not_waited_for_without_end() {
    let server = Server::start();
    let world = World::new(8, 4, 5);
    let mut driver = Driver::new(server.config("timeout_s = 1").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    let holding = server.session("BEGIN; LOCK lehr.position", "SELECT pg_sleep(600)");
    for _ in 0..2 {
        let away = driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap_err();
        assert!(matches!(&away, TargetError::Away(why) if why.ends_with("longer than timeout_s")), "{away:?}");
    }
    drop(holding);
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(2));
}

/// A session that the server ends while nothing is to be written costs one try.
#[tokio::test]
async fn an_ended_session_is_followed_by_another() {
    let server = Server::start();
    let world = World::new(9, 4, 5);
    let mut driver = Driver::new(server.config("").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    server.end_sessions();
    let away = driver.deliver(&world, Tick(3), false, |_, _| ()).await.unwrap_err();
    assert!(matches!(away, TargetError::Away(_)), "{away:?}");
    driver.deliver(&world, Tick(3), false, |_, _| ()).await.unwrap();
    world.compare(&server, Tick(3));
    // Without a new connection nothing is sent.
    let mut target = server.config("").target();
    assert!(matches!(target.apply(&world.delta(Tick(3), Tick(4))).await, Err(TargetError::Away(_))));
}

#[tokio::test]
async fn an_encrypted_connection_is_held_to_the_authority() {
    let server = Server::start();
    let dir = server.folder().to_owned();
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").current_dir(&dir).args(arguments.split(' ')).stderr(Stdio::null()).status();
        assert!(made.expect("openssl: run `make test-setup`").success(), "{arguments}");
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for authority in ["ca", "other"] {
        openssl(&format!("req -x509 {new} -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"));
    }
    std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl(&format!("req {new} -subj /CN=localhost -keyout key.pem -out request.pem"));
    openssl(
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
    let [key, certificate, ca, other] = ["key.pem", "server.pem", "ca.pem", "other.pem"].map(|name| dir.join(name));
    server.give(&key);
    let refused = failure(&server.config("tls = \"require\"")).await;
    assert!(matches!(&refused, TargetError::Refused(why) if why.contains("does not support TLS")), "{refused:?}");
    let set = |name: &str, value: &str| server.psql(&format!("ALTER SYSTEM SET {name} = '{value}'"));
    set("ssl_key_file", key.to_str().unwrap());
    set("ssl_cert_file", certificate.to_str().unwrap());
    set("ssl", "on");
    server.psql("SELECT pg_reload_conf()");
    let encrypted = |lines: Vec<String>| lines[0].ends_with(", encrypted");
    let config = server.config("tls = \"require\"");
    let deadline = std::time::Instant::now() + crate::support::LIMIT;
    while !probe(&config).await.is_ok_and(encrypted) {
        assert!(std::time::Instant::now() < deadline, "the server does not encrypt");
    }
    assert!(encrypted(probe(&server.config("")).await.unwrap()));
    assert!(!encrypted(probe(&server.config("tls = \"off\"")).await.unwrap()));
    let verified = Config {
        address: Some(format!("localhost:{}", server.port)),
        tls: Some(Tls::Verify),
        ca: Some(ca),
        ..server.config("")
    };
    let seen = probe(&verified).await;
    assert!(encrypted(seen.unwrap()));
    for ca in [Some(other), None, Some(dir.join("missing.pem"))] {
        let refused = failure(&Config { ca, ..verified.clone() }).await;
        let said = |why: &str| why.contains("no trusted connection") || why.contains("missing.pem: No such file");
        assert!(matches!(&refused, TargetError::Refused(why) if said(why)), "{refused:?}");
    }
    let by_number = Config { address: Some(format!("127.0.0.1:{}", server.port)), ..verified };
    assert!(matches!(failure(&by_number).await, TargetError::Refused(_)));
}
