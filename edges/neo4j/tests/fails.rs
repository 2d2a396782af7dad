//! Servers that refuse, are silent or gone.

mod support;

use lehr_domain::Tick;
use lehr_neo4j::{Config, drift, edits, probe};
use lehr_targets::TargetError;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
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
    let (away, probed) = tokio::join!(failure(&config), probe(&config));
    let probed = probed.unwrap_err();
    assert!(matches!(&away, TargetError::Away(why) if why.ends_with("no answer within 10 s")), "{away:?}");
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

/// What a Lehr that is gone left behind may be committed while the next one writes: one of them alone is.
#[tokio::test]
async fn a_transaction_that_was_left_behind_and_a_delta_are_not_both_committed() {
    let server = Server::start().await;
    let world = World::new(7, 6, 5);
    let mut driver = Driver::new(server.config().target(), Tick(0), Tick(0));
    for (left_first, from) in [(true, 2), (false, 4)] {
        driver.deliver(&world, Tick(from), false, |_, _| ()).await.unwrap();
        let graph = server.graph().await;
        let mut left = graph.start_txn().await.unwrap();
        left.run(neo4rs::query("MATCH (p:LehrPosition) SET p.other = 1")).await.unwrap();
        let (left, delta) = match left_first {
            true => (left.commit().await, driver.deliver(&world, Tick(from + 1), false, |_, _| ()).await),
            false => {
                let delta = driver.deliver(&world, Tick(from + 1), false, |_, _| ()).await;
                (left.commit().await, delta)
            }
        };
        assert!(left.is_ok() == left_first, "{left:?}");
        assert!(left_first || delta.is_ok(), "{delta:?}");
        if delta.is_err() {
            driver.deliver(&world, Tick(from + 1), false, |_, _| ()).await.unwrap();
        }
        world.compare(&server, Tick(from + 1)).await;
    }
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An encrypted way to the server, for one connection.
fn encrypted(server: &Server, certificate: &str) -> (Ended, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = support::bound_to_us("openssl")
        .current_dir(server.folder())
        .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-naccept", "1"])
        .args(["-cert", certificate, "-key", "key.pem"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let (mut out, mut into) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let mut there = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut back = there.try_clone().unwrap();
    std::thread::spawn(move || std::io::copy(&mut out, &mut there));
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = back.read(&mut buffer) {
            if into.write_all(&buffer[..count]).and_then(|()| into.flush()).is_err() {
                return;
            }
        }
    });
    (Ended(child), port)
}

#[tokio::test]
async fn an_encrypted_connection_is_held_to_the_authority() {
    let server = Server::start().await;
    let dir = server.folder().to_owned();
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").current_dir(&dir).args(arguments.split(' ')).stderr(Stdio::null()).status();
        assert!(made.expect("openssl: run `make test-setup`").success(), "{arguments}");
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {new} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem"));
    std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl(&format!("req {new} -subj /CN=localhost -keyout key.pem -out request.pem"));
    openssl(
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
    let at = |host: &str, port: u16, ca: Option<&str>| Config {
        uri: format!("bolt+s://{host}:{port}"),
        ca: ca.map(|ca| dir.join(ca)),
        ..server.config()
    };
    // The port is waited for.
    async fn connected(config: &Config) -> Result<Option<Tick>, TargetError> {
        let deadline = std::time::Instant::now() + support::LIMIT;
        loop {
            match config.target().connect(&tables()).await {
                Err(TargetError::Away(why)) if why.contains("refused") && std::time::Instant::now() < deadline => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                done => return done,
            }
        }
    }
    for (host, ca) in [("localhost", None), ("127.0.0.1", Some("ca.pem")), ("localhost", Some("missing.pem"))] {
        let (_way, port) = encrypted(&server, "server.pem");
        let refused = connected(&at(host, port, ca)).await.unwrap_err();
        let said = |why: &str| why.contains("no trusted connection") || why.contains("missing.pem: No such file");
        assert!(matches!(&refused, TargetError::Refused(why) if said(why)), "{refused:?}");
    }
    let (_way, port) = encrypted(&server, "server.pem");
    assert_eq!(connected(&at("localhost", port, Some("ca.pem"))).await.unwrap(), Some(Tick(0)));
    // A server that does not encrypt.
    let plain = connected(&at("localhost", server.port, Some("ca.pem"))).await.unwrap_err();
    assert!(!matches!(plain, TargetError::Differs { .. }), "{plain:?}");
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
