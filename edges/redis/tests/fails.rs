//! Servers that refuse, are silent, full or gone, and keys that are not as they were.

mod support;

use lehr_domain::Tick;
use lehr_redis::{Config, probe};
use lehr_targets::TargetError;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::driver::Driver;
use support::held::compare;
use support::server::Server;
use support::world::{World, tables};

async fn failure(config: &Config) -> TargetError {
    config.target().connect(&tables()).await.expect_err("it cannot be used")
}

fn refused(error: &TargetError, part: &str) {
    assert!(matches!(error, TargetError::Refused(why) if why.contains(part)), "{error:?}");
}

fn away(error: &TargetError, part: &str) {
    assert!(matches!(error, TargetError::Away(why) if why.contains(part)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_away_in_bounded_time() {
    let server = Server::start();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    away(&failure(&server.config_at(refusing, "")).await, "refused");
    // Connections are accepted by the system, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = server.config_at(silent.local_addr().unwrap().port(), "");
    away(&failure(&config).await, "connecting to 127.0.0.1:");
    assert!(probe(&config).await.is_err());
    // One that is busy: what was sent may be done or not, and comes again.
    let world = World::new(7, 4, 5);
    let mut driver = Driver::new(server.config("timeout_s = 1").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    server.cli(&["CLIENT", "PAUSE", "3000", "ALL"]);
    let silent = driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap_err();
    away(&silent, "no answer within 1 s");
    server.cli(&["CLIENT", "UNPAUSE"]);
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    assert_eq!(server.cli(&["HGET", "lehr:position", "tick"]), ["2"]);
}

#[tokio::test]
async fn what_is_refused_says_what_to_do_and_no_secret() {
    let server = Server::start();
    let wrong = server.folder().join("wrong");
    std::fs::write(&wrong, "s3cret").unwrap();
    let password =
        toml::from_str::<Config>(&format!("name = \"a\"\npassword = {{ file = {wrong:?} }}")).unwrap().password;
    let error = failure(&Config { password, ..server.config("") }).await;
    refused(&error, "refuses user and password");
    assert!(!format!("{error:?}").contains("s3cret"));
    refused(&failure(&Config { password: None, ..server.config("") }).await, "see user and password");
    server.cli(&["ACL", "SETUSER", "reader", "on", ">x", "~*", "&*", "+@read", "+@connection", "+@transaction"]);
    let file = server.folder().join("reader");
    std::fs::write(&file, "x").unwrap();
    let password =
        toml::from_str::<Config>(&format!("name = \"a\"\npassword = {{ file = {file:?} }}")).unwrap().password;
    let reader = Config { user: Some("reader".to_owned()), password, ..server.config("") };
    refused(&failure(&reader).await, "ACL SETUSER");
    // What the error names is enough.
    server.cli(&["ACL", "SETUSER", "reader", "resetkeys", "~lehr:*", "+@write", "+info"]);
    assert_eq!(reader.target().connect(&tables()).await.unwrap(), Some(Tick(0)));
    let seen = probe(&reader).await.unwrap();
    assert!(seen[1].starts_with("appendonly is on"), "{seen:?}");
    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let replica = probe(&server.config("")).await.unwrap_err();
    assert!(replica.contains("the address of the primary"), "{replica}");
}

/// A delta that does not fit into the server's memory is refused whole; there is room again when somebody has made it.
#[tokio::test]
async fn a_full_server_takes_nothing_and_goes_on_when_it_may() {
    let server = Server::with(&["appendonly yes", "appendfsync always", "maxmemory 3mb"]);
    let world = World::large(3, 20_000);
    let mut driver = Driver::new(server.config("").target(), Tick(0), Tick(0));
    refused(&driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap_err(), "raise its maxmemory");
    assert_eq!(server.cli(&["HGET", "lehr:position", "tick"]), ["0"]);
    assert_eq!(server.cli(&["EXISTS", "lehr:ware"]), ["0"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    driver.deliver(&world, Tick(1), false, |_, _| ()).await.unwrap();
    assert_eq!(server.cli(&["HLEN", "lehr:ware"]), ["20000"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "1gb"]);
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    refused(&failure(&server.config("")).await, "maxmemory-policy allkeys-lru");
}

/// Redis does not undo a transaction one of whose commands fails: so none is begun that would.
#[tokio::test]
async fn a_key_of_another_type_stops_the_delta_before_it_begins() {
    let server = Server::start();
    let world = World::new(4, 6, 9);
    let mut driver = Driver::new(server.config("").target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(2), false, |_, _| ()).await.unwrap();
    let before = server.cli(&["HGETALL", "lehr:ware"]);
    server.cli(&["DEL", "lehr:panes"]);
    server.cli(&["SET", "lehr:panes", "mine"]);
    refused(&driver.deliver(&world, Tick(6), false, |_, _| ()).await.unwrap_err(), "lehr:panes must be a hash");
    assert_eq!(server.cli(&["HGET", "lehr:position", "tick"]), ["2"]);
    assert_eq!(server.cli(&["HGETALL", "lehr:ware"]), before);
}

/// A server that forgot, or was emptied, is not taken for one that stands where it was left; an empty one is filled.
#[tokio::test]
async fn a_store_that_forgot_says_so_and_an_emptied_one_begins_anew() {
    let server = Server::start();
    let world = World::new(5, 8, 9);
    let logs = server.config("tables = [\"ware\", \"panes\", \"readings\"]");
    let mut target = logs.target();
    target.connect(&world.tables).await.unwrap();
    target.apply(&world.delta(Tick(0), Tick(4))).await.unwrap();
    server.cli(&["DEL", "lehr:position"]);
    let differs = target.apply(&world.delta(Tick(4), Tick(6))).await.unwrap_err();
    assert!(matches!(differs, TargetError::Differs { holds: 0, left: 4 }), "{differs:?}");
    // What was there without a position is not counted on.
    let mut anew = logs.target();
    assert_eq!(anew.connect(&world.tables).await.unwrap(), Some(Tick(0)));
    assert_eq!(server.cli(&["EXISTS", "lehr:ware", "lehr:readings"]), ["0"]);
    anew.apply(&world.delta(Tick(0), Tick(8))).await.unwrap();
    compare(&world, &server, Tick(8));
}

#[tokio::test]
async fn only_tables_that_are_asked_for_are_kept_and_one_that_was_left_begins_anew() {
    let server = Server::start();
    let world = World::new(6, 8, 9);
    let only = server.config("tables = [\"ware\"]");
    let mut driver = Driver::new(only.target(), Tick(0), Tick(0));
    driver.deliver(&world, Tick(4), false, |_, _| ()).await.unwrap();
    assert_eq!(server.cli(&["EXISTS", "lehr:panes", "lehr:readings"]), ["0"]);
    let mut both = Driver::new(server.config("").target(), Tick(4), Tick(4));
    both.deliver(&world, Tick(5), false, |_, _| ()).await.unwrap();
    assert_eq!(
        server.cli(&["HGET", "lehr:tables", "panes"]),
        [r#"{"key":["sensor","start","level"],"since":4,"log":false}"#]
    );
    let seen = probe(&server.config("")).await.unwrap();
    assert!(seen[2].contains("holds tick 5") && seen[2].ends_with("1 of them only from some tick on"), "{seen:?}");
    // A table that is not kept is not shown as it once was.
    let mut driver = Driver::new(only.target(), Tick(5), Tick(5));
    driver.deliver(&world, Tick(8), false, |_, _| ()).await.unwrap();
    assert_eq!(server.cli(&["EXISTS", "lehr:panes"]), ["0"]);
    assert_eq!(server.cli(&["HKEYS", "lehr:tables"]), ["ware"]);
    let mut keyed = (*tables()[0]).clone();
    keyed.key = 2;
    let error = only.target().connect(&[Arc::new(keyed)]).await.unwrap_err();
    refused(&error, "rows of lehr:ware are told apart by id, and Lehr has id, flag: delete");
    server.cli(&["HSET", "lehr:position", "format", "9"]);
    refused(&failure(&only).await, "lehr:position has the format 9, and this Lehr writes 1");
}

#[tokio::test]
async fn an_encrypted_connection_is_held_to_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").current_dir(dir).args(arguments.split(' ')).stderr(Stdio::null()).status();
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
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let place = dir.display();
    let server = Server::with(&[
        &format!("tls-port {port}"),
        &format!("tls-cert-file {place}/server.pem\ntls-key-file {place}/key.pem\ntls-ca-cert-file {place}/ca.pem"),
        "tls-auth-clients no",
    ]);
    let encrypted = Config {
        address: Some(format!("localhost:{port}")),
        tls: true,
        ca: Some(dir.join("ca.pem")),
        ..server.config("")
    };
    let seen = probe(&encrypted).await.unwrap();
    assert!(seen[0].starts_with("Redis ") && seen[1].starts_with("appendonly is off"), "{seen:?}");
    for ca in [Some(dir.join("other.pem")), None] {
        refused(&failure(&Config { ca, ..encrypted.clone() }).await, "no trusted connection");
    }
    refused(&failure(&Config { ca: Some(dir.join("missing.pem")), ..encrypted.clone() }).await, "missing.pem");
    let by_number = Config { address: Some(format!("127.0.0.1:{port}")), ..encrypted };
    refused(&failure(&by_number).await, "no trusted connection");
}
