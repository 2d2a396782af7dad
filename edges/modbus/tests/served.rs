//! The plant as a device, for clients of other makes and for Lehr's own source.

mod support;

use lehr_domain::{EventMs, SpanMs, Status};
use lehr_modbus::{Board, Config, Map, Point, Role, Served, WriteSetPoint, probe};
use std::process::Command;
use std::sync::{Arc, Mutex};
use support::{Running, in_order, names, now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const UNIT: u8 = 1;
const SENSORS: usize = 200;

struct Plant {
    port: u16,
    board: Board,
    mapping: String,
    task: JoinHandle<()>,
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn plant(write: Box<WriteSetPoint>) -> Plant {
    let sensors = (0..SENSORS).map(|number| (format!("s{number}"), Role::Sensor));
    let set_points = ["bath", "fan"].map(|name| (name.to_owned(), Role::SetPoint { low: 1400.0, high: 1600.0 }));
    let points = sensors.chain(set_points).map(|(name, role)| Point { name, unit: "°C".into(), role });
    let map = Map::new(points).unwrap();
    let served = Served::bind(map.clone(), "127.0.0.1:0", UNIT, write).await.unwrap();
    let (address, board) = (served.local_addr().unwrap(), served.board());
    let task = tokio::spawn(served.run());
    Plant { port: address.port(), board, mapping: map.mapping("plant", &address.to_string(), UNIT), task }
}

/// By Lehr's clock: most devices have none.
fn config(plant: &Plant, every_ms: u64) -> String {
    let mut entry: toml::Table = toml::from_str(&config_by_its_clock(plant, every_ms)).unwrap();
    entry.remove("clock").expect("the mapping says where the clock is");
    toml::to_string(&entry).unwrap()
}

fn config_by_its_clock(plant: &Plant, every_ms: u64) -> String {
    let sources: toml::Value = toml::from_str(&plant.mapping).unwrap();
    let mut entry = sources["modbus"][0].as_table().unwrap().clone();
    entry.insert("every_ms".into(), toml::Value::Integer(every_ms as i64));
    toml::to_string(&entry).unwrap()
}

/// What mbpoll says, all of it.
async fn mbpoll(plant: &Plant, options: &str, values: &str) -> String {
    let port = plant.port.to_string();
    let arguments: Vec<String> = format!("-m tcp -p {port} -0 -B -1 {options} 127.0.0.1 {values}")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let output = tokio::task::spawn_blocking(move || Command::new("mbpoll").args(arguments).output());
    let output = output.await.unwrap().expect("mbpoll is there: run `make test-setup`");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_client_reads_sensors_and_writes_set_points_within_their_limits() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let kept = written.clone();
    let write = move |name: &str, value: f64| {
        if name == "fan" {
            return Err("the fan is interlocked".into());
        }
        kept.lock().unwrap().push((name.to_owned(), value));
        Ok(())
    };
    let plant = plant(Box::new(write)).await;
    assert!(plant.board.set("s0", 1520.5) && plant.board.set("s1", -3.25) && plant.board.set("bath", 1500.0));
    assert!(!plant.board.set("nobody", 1.0));

    let read = mbpoll(&plant, "-a 1 -t 3:float -r 0 -c 2", "").await;
    assert!(read.contains("[0]: \t1520.5") && read.contains("[2]: \t-3.25"), "{read}");
    let read = mbpoll(&plant, "-a 1 -t 4:float -r 0 -c 1", "").await;
    assert!(read.contains("[0]: \t1500"), "{read}");

    let said = mbpoll(&plant, "-a 1 -t 4:float -r 0", "1550.5").await;
    assert!(said.contains("Written 1 references"), "{said}");
    let read = mbpoll(&plant, "-a 1 -t 4:float -r 0 -c 1", "").await;
    assert!(read.contains("[0]: \t1550.5"), "{read}");
    for (options, values, expected) in [
        ("-a 1 -t 4:float -r 0", "1600.5", "Illegal data value"),
        ("-a 1 -t 4:float -r 0", "1399", "Illegal data value"),
        ("-a 1 -t 4:float -r 2", "1500", "Illegal data value"),
        ("-a 1 -t 4:float -r 4", "1500", "Illegal data address"),
        ("-a 1 -t 4 -r 0", "1500", "Illegal data address"),
        ("-a 1 -t 3:float -r 404 -c 1", "", "Illegal data address"),
        ("-a 1 -t 0 -r 0 -c 1", "", "Illegal function"),
        ("-a 5 -t 3:float -r 0 -c 1", "", "Target device failed to respond"),
    ] {
        let said = mbpoll(&plant, options, values).await;
        assert!(said.contains(expected), "{options} {values}: {said}");
    }
    assert_eq!(*written.lock().unwrap(), [("bath".to_owned(), 1550.5)], "only what is within the limits");
}

#[tokio::test]
async fn what_the_plant_serves_is_what_the_mapping_reads() {
    let plant = plant(Box::new(|_, _| Ok(()))).await;
    // One has no value yet.
    let value = |sensor: usize| 1000.0 + sensor as f64 / 4.0;
    for sensor in 1..SENSORS {
        plant.board.set(&format!("s{sensor}"), value(sensor));
    }
    let text = config(&plant, 20);
    let source = Running::start(&text, names(SENSORS, "°C"));
    source.polled(SENSORS as u32 - 1, 3).await;
    assert_eq!(source.kept.of(0)[0].status, Status::Error);
    for sensor in 1..SENSORS {
        let reading = source.kept.of(sensor as u32)[0];
        assert_eq!((reading.value.to_f64(), reading.status), (value(sensor), Status::Ok), "s{sensor}");
    }
    in_order(&source.kept.readings());
    assert_eq!(source.kept.errors(), []);

    // Another unit is not there; a device says so as a gateway does.
    let other = text.replace("unit = 1\n", "unit = 2\n");
    let source = Running::start(&other, names(SENSORS, "°C"));
    source.until("an error", |it| !it.kept.errors().is_empty()).await;
    let reason = &source.kept.errors()[0].reason;
    assert!(reason.starts_with("200 tags, input:0 to input:398: the unit does not answer its gateway"), "{reason}");
    assert_eq!((source.kept.readings().len(), source.status.standing().messages), (SENSORS, 1), "asked once");

    let said = probe(&toml::from_str::<Config>(&text).unwrap()).await.unwrap();
    assert_eq!(
        said,
        [
            format!("unit 1 is Lehr simulated plant {}", env!("CARGO_PKG_VERSION")),
            "unit 1: 200 of 200 tags can be read; requests: 4".to_owned()
        ]
    );
}

#[tokio::test]
async fn readings_have_the_time_of_the_devices_clock_and_that_of_arrival_where_it_is_wrong() {
    let plant = plant(Box::new(|_, _| Ok(()))).await;
    let show = |value: f64, at: EventMs| {
        for sensor in 0..SENSORS {
            plant.board.set(&format!("s{sensor}"), value);
        }
        plant.board.set_clock(at);
    };
    let shift = SpanMs::hours(8);
    let first = now() - shift;
    show(1500.0, first);
    let begun = now();
    let source = Running::start(&config_by_its_clock(&plant, 20), names(SENSORS, "°C"));
    source.polled(SENSORS as u32 - 1, 1).await;
    show(1510.0, first + SpanMs::minutes(1));
    source.polled(SENSORS as u32 - 1, 2).await;
    // The same value at the same time is the same reading, however often it is polled.
    for sensor in 0..SENSORS as u32 {
        let read: Vec<EventMs> = source.kept.of(sensor).iter().map(|reading| reading.at).collect();
        assert_eq!((read[0], *read.last().unwrap()), (first, first + SpanMs::minutes(1)), "s{sensor}");
        assert!(read.len() <= 3, "s{sensor}: {read:?}");
    }
    assert_eq!(source.kept.errors(), []);

    plant.board.set_clock(EventMs(0));
    source.until("an error", |it| !it.kept.errors().is_empty()).await;
    assert_eq!(
        source.kept.errors()[0].reason,
        "clock of unit 1: 0 is no time since 1970; its readings have that of arrival"
    );
    source.until("readings that arrived", |it| it.kept.of(7).last().is_some_and(|reading| reading.at >= begun)).await;
}

#[tokio::test]
async fn clients_that_send_anything_or_nothing_do_no_harm() {
    let plant = plant(Box::new(|_, value| if value.is_finite() { Ok(()) } else { Err("no number".into()) })).await;
    plant.board.set("s0", 1520.5);
    let seed = now().0 as u64;
    println!("seed {seed}");
    let mut state = seed | 1;
    let mut random = move || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut answered = 0;
    for round in 0..300 {
        let mut client = TcpStream::connect(("127.0.0.1", plant.port)).await.unwrap();
        let mut sent: Vec<u8> = (0..random() % 300).map(|_| random() as u8).collect();
        if round % 3 > 0 {
            // A good header, and a function that the device knows.
            let body: Vec<u8> = sent.iter().take(250).copied().collect();
            let function = [3, 4, 6, 15, 16, 43][random() as usize % 6];
            sent = [&[0, 1, 0, 0, 0, body.len() as u8 + 2, UNIT, function], body.as_slice()].concat();
        }
        // It may have closed already.
        if client.write_all(&sent).await.is_ok() && client.shutdown().await.is_ok() {
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer).await;
            answered += usize::from(!answer.is_empty());
        }
    }
    println!("{answered} of 300 were answered");
    assert!(answered >= 200, "{answered}");

    // So many that the next is turned away, and is served when there is room.
    let mut idle = Vec::new();
    loop {
        let mut client = TcpStream::connect(("127.0.0.1", plant.port)).await.unwrap();
        let asked = client.write_all(&[0, 1, 0, 0, 0, 6, UNIT, 4, 0, 0, 0, 2]).await;
        let mut answer = [0; 13];
        if asked.is_err() || client.read_exact(&mut answer).await.is_err() {
            break;
        }
        assert_eq!(answer[9..], 1520.5_f32.to_be_bytes());
        idle.push(client);
    }
    assert_eq!(idle.len(), 64);
    drop(idle);
    let source = Running::start(&config(&plant, 20), names(SENSORS, "°C"));
    source.until("served again", |it| it.kept.of(0).iter().any(|reading| reading.status == Status::Ok)).await;
}
