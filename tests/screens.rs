//! Screens go on as they were, whatever becomes of the stores: while all of them are there, while the network to them
//! swallows what is sent, and while they refuse.

mod support;

use lehr_domain::EventMs;
use rdkafka::mocking::MockCluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::peers::{free_port, mosquitto_in, output, psql, redis_in, start, start_postgres};
use support::proxy::{Mode, Proxy};
use support::{PATIENCE, Server, WebSocket};

const SENSOR: &str = "Line_A.furnace_temperature";
/// Readings of a phase, each of which is a tick of its own.
const READINGS: usize = 150;
/// Readings that warm everything up.
const FIRST: usize = 30;
const STORES: [&str; 4] = ["archive", "cache", "log", "screens"];

/// A frame of changes as it came.
struct Frame {
    at: Instant,
    message: Value,
}

/// Follows the sensors, every tick, on a thread of its own.
struct Screen {
    frames: Receiver<Frame>,
    /// The last tick that was shown.
    tick: u64,
    /// Rows of the newest values by sensor, as the frames add up to.
    latest: BTreeMap<String, Value>,
}

impl Screen {
    fn open(server: &Server) -> Screen {
        let mut socket: WebSocket = server.websocket("/ws?channels=sensors&interval_ms=0");
        let snapshot = socket.next();
        assert_eq!(snapshot["type"], "snapshot", "{snapshot}");
        let (sender, frames) = channel();
        // It ends with the server.
        std::thread::spawn(move || {
            while let Some(message) = socket.try_next() {
                if sender.send(Frame { at: Instant::now(), message }).is_err() {
                    return;
                }
            }
        });
        let rows = snapshot["data"]["latest"].as_array().expect("rows").iter();
        let latest = rows.map(|row| (row["sensor_id"].as_str().expect("a sensor").to_owned(), row.clone())).collect();
        Screen { frames, tick: snapshot["tick"].as_u64().expect("a tick"), latest }
    }

    /// Takes frames until this tick is shown; when that was. Each is newer than the last one, and takes nothing away that
    /// was not there: so none is missing.
    fn until(&mut self, tick: u64) -> Instant {
        loop {
            let Frame { at, message } = self.frames.recv_timeout(PATIENCE).expect("frames keep coming");
            if message["type"] == "heartbeat" {
                continue;
            }
            assert_eq!(message["type"], "sensor_update", "{message}");
            let shown = message["tick"].as_u64().expect("a tick");
            assert!(shown > self.tick, "tick {shown} comes after {}", self.tick);
            for row in message["data"]["removed"]["latest"].as_array().expect("rows") {
                let sensor = row["sensor_id"].as_str().expect("a sensor");
                assert_eq!(self.latest.remove(sensor).as_ref(), Some(row), "what goes was there");
            }
            for row in message["data"]["added"]["latest"].as_array().expect("rows") {
                let sensor = row["sensor_id"].as_str().expect("a sensor").to_owned();
                assert_eq!(self.latest.insert(sensor, row.clone()), None, "what comes was not there");
            }
            self.tick = shown;
            if shown >= tick {
                return at;
            }
        }
    }
}

/// What was sent: each reading has a time and a value of its own.
struct Sent {
    count: usize,
    at: EventMs,
}

/// From a reading that is sent to the frame that shows it, for each reading of a phase.
fn phase(server: &Server, screen: &mut Screen, sent: &mut Sent, readings: usize) -> Vec<Duration> {
    let mut delays = Vec::new();
    for _ in 0..readings {
        sent.count += 1;
        let value = 1400.0 + sent.count as f64 / 10.0;
        sent.at = EventMs(jiff::Timestamp::now().as_millisecond().max(sent.at.0 + 1));
        let at = sent.at.to_string();
        let begun = Instant::now();
        let answer = server.post("/api/readings", &json!([{ "sensor_id": SENSOR, "timestamp": at, "value": value }]));
        assert_eq!((&answer["accepted"], &answer["late"]), (&json!(1), &json!(0)), "{answer}");
        let acknowledged = answer["tick"].as_u64().expect("a tick");
        let shown = screen.until(acknowledged);
        assert_eq!(screen.tick, acknowledged, "each tick that was acknowledged has a frame");
        assert_eq!(screen.latest[SENSOR]["value"], value, "{:?}", screen.latest.get(SENSOR));
        delays.push(shown.saturating_duration_since(begun));
    }
    delays
}

fn figures(what: &str, mut delays: Vec<Duration>) {
    delays.sort();
    let at = |share: usize| delays[(delays.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("{what}: {} readings, each shown; median {:.1} ms, p99 {:.1} ms", delays.len(), at(50), at(99));
}

fn stores_file(dir: &Path, [postgres, redis, kafka, mqtt]: [u16; 4]) -> String {
    let tables = "tables = [\"panes\"]\ntimeout_s = 2";
    let text = format!(
        r#"
        [[postgres]]
        name = "archive"
        address = "127.0.0.1:{postgres}"
        database = "glass"
        user = "postgres"
        {tables}
        [[redis]]
        name = "cache"
        address = "127.0.0.1:{redis}"
        {tables}
        [[kafka]]
        name = "log"
        bootstrap = ["127.0.0.1:{kafka}"]
        {tables}
        [[mqtt]]
        name = "screens"
        address = "127.0.0.1:{mqtt}"
        {tables}
        "#
    );
    let file = dir.join("stores.toml");
    fs::write(&file, text).expect("a file");
    file.to_string_lossy().into_owned()
}

/// The store and how far it is behind, of each.
fn behind(server: &Server) -> BTreeMap<String, u64> {
    let stores = server.get("/api/stores");
    let all = stores["stores"].as_array().expect("stores").iter();
    all.map(|store| (store["name"].as_str().expect("a name").to_owned(), store["behind"].as_u64().expect("a number")))
        .collect()
}

fn all_caught_up(server: &Server) {
    server.until("stores that hold everything", |server| {
        let behind = behind(server);
        assert!(STORES.iter().all(|store| behind.contains_key(*store)), "{behind:?}");
        match behind.values().all(|ticks| *ticks == 0) {
            true => Ok(()),
            false => Err(server.get("/api/stores").to_string()),
        }
    });
}

#[test]
fn screens_go_on_while_stores_are_cut_off_or_refuse() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let brokers = MockCluster::new(1).expect("brokers");
    for topic in ["lehr.panes", "lehr.position"] {
        brokers.create_topic(topic, 1, 1).expect("a topic");
    }
    let broker = brokers.bootstrap_servers().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let (_postgres, postgres) = start_postgres(&dir.path().join("postgres"), "glass");
    let (redis, mosquitto) = (free_port(), free_port());
    let _redis = start(redis_in(dir.path(), redis), redis);
    let _mosquitto = start(mosquitto_in(dir.path(), mosquitto), mosquitto);
    let mut proxies =
        [Proxy::before(postgres), Proxy::before(redis), Proxy::before_broker(broker), Proxy::before(mosquitto)];
    let file = stores_file(dir.path(), [0, 1, 2, 3].map(|place: usize| proxies[place].port));
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--no-plant", "--clock-every", "0s", "--stores", &file], None);
    let mut screen = Screen::open(&server);
    let mut sent = Sent { count: 0, at: EventMs(0) };

    phase(&server, &mut screen, &mut sent, FIRST);
    all_caught_up(&server);
    let up = phase(&server, &mut screen, &mut sent, READINGS);
    all_caught_up(&server);

    let mut dead = Vec::new();
    for mode in [Mode::Swallowing, Mode::Refusing] {
        let held = behind(&server);
        proxies.iter_mut().for_each(|proxy| proxy.set(mode));
        let delays = phase(&server, &mut screen, &mut sent, READINGS);
        let lacks = behind(&server);
        for store in STORES {
            assert!(lacks[store] > held[store] + READINGS as u64 / 2, "{store} is cut off, yet it follows: {lacks:?}");
        }
        dead.push(delays);
    }

    proxies.iter_mut().for_each(|proxy| proxy.set(Mode::Up));
    let again = phase(&server, &mut screen, &mut sent, FIRST);
    all_caught_up(&server);
    let counted = output(psql(postgres, "glass", "SELECT sum(n) FROM lehr.panes"));
    assert_eq!(counted.trim(), sent.count.to_string(), "what the store lacked has come");

    let [swallowed, refused] = &dead[..] else { panic!("two phases") };
    figures("stores up", up);
    figures("stores cut off", swallowed.clone());
    figures("stores refusing", refused.clone());
    figures("stores back", again);
}
