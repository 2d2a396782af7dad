//! Pictures of the running system: taken, shown, and whole after a kill.

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::Server;

/// Status and bytes of a picture.
fn picture(server: &Server, content: &str) -> (u16, Vec<u8>) {
    let request = ureq::get(server.url(&format!("/api/pictures/{content}")));
    let request = request.header("authorization", format!("Bearer {}", server.token));
    let mut got = request.config().http_status_as_error(false).build().call().expect("an answer");
    (got.status().as_u16(), got.body_mut().read_to_vec().expect("a body"))
}

fn contents(server: &Server) -> Vec<String> {
    let rows = server.sql("select content from pictures order by taken_at desc, content");
    rows.iter().map(|row| row["content"].as_str().expect("a text").to_owned()).collect()
}

fn assert_whole(server: &Server, contents: &[String]) {
    for content in contents {
        let (status, bytes) = picture(server, content);
        assert_eq!(status, 200, "{content}");
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hash, content);
        assert!(bytes.starts_with(b"\x89PNG"));
    }
}

#[test]
fn whatever_names_a_picture_finds_it_also_after_a_kill() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "40", "--pictures", "1"], None);
    let token = server.token.clone();
    let before = server.until("pictures of all lines", |server| {
        let lines = server.sql("select distinct production_line from pictures").len();
        let contents = contents(server);
        if lines == 3 && contents.len() > 30 { Ok(contents) } else { Err(format!("{} pictures", contents.len())) }
    });
    assert_whole(&server, &before[..3]);
    server.kill();
    let server = Server::start(dir.path(), &["--no-plant"], Some(&token));
    let after = contents(&server);
    assert!(before.iter().all(|content| after.contains(content)), "none is forgotten");
    assert_whole(&server, &after);
    let units: Vec<Value> = server
        .sql("select p.unit_id from pictures p left join units u on u.unit_id = p.unit_id where u.unit_id is null");
    assert!(units.is_empty(), "{units:?} are no units");
}

#[test]
fn without_a_camera_there_are_no_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "200", "--pictures", "off"], None);
    server.until("units", |server| {
        let units = server.sql("select unit_id from units").len();
        if units > 50 { Ok(()) } else { Err(format!("{units} units")) }
    });
    assert!(contents(&server).is_empty() && !dir.path().join("pictures").exists());
}
