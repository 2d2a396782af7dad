//! The hub and its clients, tick by tick, with the clock in the test's hand; and the sockets.

use super::client::{Client, Text, Wish};
use super::hub::Hub;
use super::message::Channel;
use super::ring::TICKS_MOST;
use crate::api::fixture::{Fixture, MINUTES, minute, stretch};
use crate::auth::Role;
use crate::runtime::{Published, Submission};
use lehr_domain::{Micro, Reading, Tick};
use lehr_queries::Snapshot;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tungstenite::Message;

/// A plant whose ticks go to a hub only when the test says so.
struct Stage {
    fixture: Fixture,
    published: broadcast::Receiver<Published>,
    hub: Hub,
    minute: i64,
}

impl Stage {
    fn new() -> Stage {
        let fixture = Fixture::empty();
        fixture.submit(stretch(&fixture.app.runtime().snapshot().names, 0..10));
        let hub = Hub::default();
        let published = fixture.app.runtime().subscribe();
        hub.restart(fixture.app.runtime().snapshot().tick);
        Stage { fixture, published, hub, minute: 10 }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.fixture.app.runtime().snapshot()
    }

    fn submit(&mut self, submission: Submission) -> Published {
        self.fixture.submit(submission);
        let published = self.published.try_recv().expect("a closed tick is published before it is acknowledged");
        self.hub.publish(&published);
        published
    }

    /// One more minute of the plant's run, in one tick.
    fn step(&mut self) -> Published {
        self.minute += 1;
        let submission = stretch(&self.snapshot().names, self.minute - 1..self.minute);
        self.submit(submission)
    }

    fn client(
        &self,
        channels: &[Channel],
        interval_ms: u64,
        resume: Option<Tick>,
        now: Instant,
    ) -> (Client, Vec<Value>) {
        let interval = Duration::from_millis(interval_ms);
        let wish = Wish { channels: channels.to_vec(), line: None, interval, resume };
        let (client, texts) = Client::start(self.hub.clone(), wish, &self.snapshot(), now);
        (client, read(&texts))
    }
}

fn read(texts: &[Text]) -> Vec<Value> {
    texts.iter().map(|text| serde_json::from_str(text.as_str()).unwrap()).collect()
}

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

/// The rows of some tables as a client holds them.
#[derive(Default)]
struct Held(BTreeSet<String>);

impl Held {
    fn take(&mut self, message: &Value) {
        let rows = |data: &Value| -> Vec<String> {
            let tables = data.as_object().unwrap().iter();
            let row = |name: &str, row: &Value| format!("{name} {row}");
            tables.flat_map(|(name, rows)| rows.as_array().unwrap().iter().map(move |one| row(name, one))).collect()
        };
        match message["type"].as_str().unwrap() {
            "snapshot" => self.0.extend(rows(&message["data"])),
            "reset" => self.0.clear(),
            "heartbeat" => {}
            _ => {
                for row in rows(&message["data"]["removed"]) {
                    assert!(self.0.remove(&row), "removed but never sent: {row}");
                }
                for row in rows(&message["data"]["added"]) {
                    assert!(self.0.insert(row.clone()), "sent twice: {row}");
                }
            }
        }
    }
}

#[test]
fn snapshot_and_frames_add_up_to_the_state_whatever_the_interval() {
    let mut stage = Stage::new();
    let begin = Instant::now();
    let channels = [Channel::Sensors, Channel::Alerts];
    let intervals = [0, 1_500, 10_000];
    let mut clients: Vec<(Client, Held, usize)> = Vec::new();
    for interval in intervals {
        let (client, messages) = stage.client(&channels, interval, None, begin);
        let mut held = Held::default();
        messages.iter().for_each(|message| held.take(message));
        clients.push((client, held, 0));
    }
    let seconds = 50;
    for second in 1..=seconds {
        stage.step();
        let now = begin + Duration::from_secs(second);
        for (client, held, frames) in &mut clients {
            for message in read(&client.take(&stage.snapshot(), now)) {
                *frames += usize::from(message["channel"] == "sensors");
                held.take(&message);
            }
        }
    }
    assert_eq!(clients.iter().map(|(_, _, frames)| *frames).collect::<Vec<_>>(), [50, 25, 5]);
    let late = begin + Duration::from_secs(seconds + 100);
    for (client, held, _) in &mut clients {
        read(&client.take(&stage.snapshot(), late)).iter().for_each(|message| held.take(message));
    }
    let (first, rest) = clients.split_first().unwrap();
    assert!(first.1.0.iter().any(|row| row.starts_with("alerts")), "the furnace was too hot meanwhile");
    for (_, held, _) in rest {
        assert_eq!(held.0, first.1.0);
    }
    let (_, fresh) = stage.client(&channels, 0, None, late);
    for row in fresh.iter().flat_map(|message| message["data"]["latest"].as_array().into_iter().flatten()) {
        assert!(first.1.0.contains(&format!("latest {row}")), "{row}");
    }
}

#[test]
fn what_was_missed_is_sent_to_those_who_come_back() {
    let mut stage = Stage::new();
    let now = Instant::now();
    let seen = stage.snapshot().tick;
    let (_, messages) = stage.client(&[Channel::Sensors], 0, Some(seen), now);
    assert_eq!(types(&messages), ["heartbeat"], "nothing was missed");
    let (mut stayed, _) = stage.client(&[Channel::Sensors], 0, None, now);
    stage.step();
    stage.step();
    let (_, messages) = stage.client(&[Channel::Sensors], 0, Some(seen), now);
    assert_eq!(types(&messages), ["sensor_update"], "two ticks, added up");
    assert_eq!(messages[0]["tick"], seen.0 + 2);
    assert_eq!(messages, read(&stayed.take(&stage.snapshot(), now)), "as if it had never left");
    for unknown in [Tick(0), Tick(seen.0 + 1000)] {
        let (_, messages) = stage.client(&[Channel::Sensors], 0, Some(unknown), now);
        assert_eq!(types(&messages), ["snapshot"]);
    }
}

#[test]
fn a_slow_client_starts_again_and_the_others_do_not_notice() {
    let mut stage = Stage::new();
    let now = Instant::now();
    let (mut slow, _) = stage.client(&[Channel::Sensors], 0, None, now);
    let (mut quick, _) = stage.client(&[Channel::Sensors], 0, None, now);
    let published = stage.step();
    quick.take(&stage.snapshot(), now);
    let mut frames = 0;
    for more in 1..=TICKS_MOST as u64 {
        stage.hub.publish(&Published { tick: Tick(published.tick.0 + more), ..published.clone() });
        frames += read(&quick.take(&published.snapshot, now)).len();
    }
    assert_eq!(frames, TICKS_MOST);
    assert_eq!(types(&read(&slow.take(&published.snapshot, now))), ["reset", "snapshot"]);
    assert_eq!(stage.hub.stats().resets.load(Ordering::Relaxed), 1);
}

#[test]
fn an_interval_is_kept_but_alerts_go_out_at_once() {
    let mut stage = Stage::new();
    let begin = Instant::now();
    let (mut client, _) = stage.client(&[Channel::Sensors, Channel::Alerts], 60_000, None, begin);
    stage.step();
    assert_eq!(types(&read(&client.take(&stage.snapshot(), begin))), ["sensor_update"]);
    assert_eq!(client.next_due(), None, "nothing waits");
    while stage.minute < 35 {
        stage.step();
    }
    let later = begin + Duration::from_secs(1);
    assert_eq!(types(&read(&client.take(&stage.snapshot(), later))), ["alert"]);
    let due = client.next_due().expect("sensors wait");
    assert_eq!(due, begin + Duration::from_secs(60));
    assert_eq!(types(&read(&client.take(&stage.snapshot(), due))), ["sensor_update"]);
}

#[test]
fn clients_that_ask_for_the_same_share_it() {
    let mut stage = Stage::new();
    let now = Instant::now();
    let (mut one, _) = stage.client(&[Channel::Sensors], 0, None, now);
    let (mut two, _) = stage.client(&[Channel::Sensors], 0, None, now);
    stage.step();
    let (one, two) = (one.take(&stage.snapshot(), now), two.take(&stage.snapshot(), now));
    assert!(one[0].is_shared_with(&two[0]));
}

#[test]
fn a_late_reading_is_a_row_removed_and_one_added() {
    let mut stage = Stage::new();
    let now = Instant::now();
    let (mut client, _) = stage.client(&[Channel::Sensors], 0, None, now);
    let sensor = stage.snapshot().names.sensor_id("Line_A.belt_speed").unwrap();
    let reading = Reading { sensor, at: minute(3), value: Micro::units(170), ..Reading::default() };
    stage.submit(Submission { readings: [reading].into_iter().collect(), ..Submission::default() });
    let messages = read(&client.take(&stage.snapshot(), now));
    let panes = |part: &str| messages[0]["data"][part]["panes"].as_array().unwrap().clone();
    let (removed, added) = (panes("removed"), panes("added"));
    assert_eq!((removed.len(), added.len()), (1, 1));
    assert_eq!((&removed[0]["mean"], &added[0]["mean"]), (&json!(150.0), &json!(160.0)));
    assert_eq!(
        (&removed[0]["start"], &added[0]["start"]),
        (&json!(minute(3).to_string()), &json!(minute(3).to_string()))
    );
}

#[test]
fn a_line_gets_its_own_rows_alone() {
    let mut stage = Stage::new();
    let line = stage.snapshot().names.line_id("Line_B");
    let wish = Wish { channels: Channel::ALL.to_vec(), line, interval: Duration::ZERO, resume: None };
    let (mut client, texts) = Client::start(stage.hub.clone(), wish, &stage.snapshot(), Instant::now());
    let mut messages = read(&texts);
    assert_eq!(messages.len(), Channel::ALL.len());
    while stage.minute < 40 {
        stage.step();
        messages.extend(read(&client.take(&stage.snapshot(), Instant::now())));
    }
    assert!(messages.len() > 30);
    for message in &messages {
        assert_eq!(message["metadata"]["production_line"], "Line_B");
        assert!(!message.to_string().contains("Line_A"), "{message}");
    }
}

type Socket = tungstenite::WebSocket<tungstenite::stream::MaybeTlsStream<std::net::TcpStream>>;

fn connect(fixture: &Fixture, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    use tungstenite::client::IntoClientRequest;
    let mut request = format!("ws://{}{path}", fixture.address).into_client_request().unwrap();
    for (name, value) in headers {
        let name: tungstenite::http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    match tungstenite::connect(request) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{path}: {error}"),
    }
}

fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_socket_gets_the_snapshot_and_then_what_changes() {
    let fixture = Fixture::run();
    let token = fixture.token(Role::Viewer);
    let mut socket = connect(&fixture, &format!("/ws?channels=sensors&token={token}"), &[]).unwrap();
    let snapshot = next(&mut socket);
    assert_eq!((&snapshot["type"], &snapshot["channel"]), (&json!("snapshot"), &json!("sensors")));
    assert_eq!(snapshot["data"]["latest"].as_array().unwrap().len(), 3);
    socket.send(Message::text("ping")).unwrap();
    fixture.submit(stretch(&fixture.app.runtime().snapshot().names, MINUTES..MINUTES + 1));
    let frame = next(&mut socket);
    assert_eq!(
        (&frame["type"], &frame["timestamp"]),
        (&json!("sensor_update"), &json!(minute(MINUTES + 1).to_string()))
    );
    drop(socket);
    let mut socket = connect(&fixture, &format!("/ws/sensors?token={token}&resume={}", snapshot["tick"]), &[]).unwrap();
    assert_eq!(next(&mut socket), frame, "the missed frame is the same");
}

#[test]
fn sockets_are_for_those_who_have_a_token() {
    let fixture = Fixture::empty();
    let token = fixture.token(Role::Viewer);
    let status = |path: &str, headers: &[(&str, &str)]| connect(&fixture, path, headers).err().unwrap_or(101);
    assert_eq!(status("/ws", &[]), 401);
    assert_eq!(status("/ws?token=wrong", &[]), 401);
    assert_eq!(status(&format!("/ws?token={token}&channels=rumours"), &[]), 400);
    assert_eq!(status(&format!("/ws/rumours?token={token}"), &[]), 404);
    assert_eq!(status(&format!("/ws?token={token}&interval_ms=-1"), &[]), 400);
    assert_eq!(status("/ws", &[("cookie", &format!("other=1; lehr_token={token}"))]), 101);
    assert_eq!(status("/ws", &[("authorization", &format!("Bearer {token}"))]), 101);
    assert_eq!(status("/ws", &[("sec-websocket-protocol", &format!("bearer.{token}"))]), 101);
    let cookie = format!("lehr_token={token}");
    let foreign = [("cookie", cookie.as_str()), ("origin", "http://evil.example")];
    assert_eq!(status("/ws", &foreign), 403, "a cookie does not help other sites");
    let plain = fixture.call("GET", &format!("/ws?token={token}"), Role::Viewer, None);
    assert_eq!((plain.status, plain.header("upgrade")), (426, "websocket"));
}
