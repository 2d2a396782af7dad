//! What is read, and that it is read once: slow intakes, rebalances.

mod support;

use arrow::array::{ArrayRef, DictionaryArray, Float32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int8Type;
use arrow::ipc::writer::StreamWriter;
use lehr_domain::{EventMs, Micro, Status};
use std::sync::Arc;
use std::time::Duration;
use support::mock::brokers;
use support::{Kept, Running, Tally, committed, of_kept, produce, produce_rows, tally, until, wall};

const SLOW: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_units_times_and_qualities_arrive_and_a_bad_message_harms_no_other() {
    let brokers = brokers(&[("furnace", 1), ("rows", 2)]);
    let kept = Kept::new(4, true, Duration::ZERO);
    let config = r#"
        name = "plant"
        [[tag]]
        topic = "furnace"
        value = "/temp"
        time = "/ts"
        quality = "/q"
        to = { sensor = "s0", unit = "°F" }
        [[tag]]
        topic = "furnace"
        key = "b"
        value = "/pressure"
        to = { sensor = "s1", scale = 0.5 }
        [[rows]]
        topic = "rows"
    "#;
    let running = Running::start(&brokers, config, &kept);
    running.is_connected().await;
    let sent = wall();
    let furnace: [(&str, Option<&[u8]>); 5] = [
        ("a", Some(br#"{"temp":2768,"ts":"2026-01-31T06:00:00Z","q":"uncertain"}"#)),
        ("a", Some(b"\xff\x00 not json")),
        ("a", None),
        ("b", Some(br#"{"temp":"hot","ts":1,"q":"good","pressure":8}"#)),
        ("a", Some(br#"{"temp":2786,"ts":"2026-01-31T06:00:01Z","q":"good"}"#)),
    ];
    produce(&brokers, "furnace", furnace);
    let rows: [(&str, Option<&[u8]>); 2] = [
        ("x", Some(br#"[{"sensor_id":"s2","timestamp":"2026-01-31T06:00:00Z","value":-4.5,"quality":"bad"},{"sensor_id":"s9","value":1}]"#)),
        ("y", Some(br#"{"sensor_id":"s3","timestamp":1769839200000,"value":12,"quality":192}"#)),
    ];
    produce(&brokers, "rows", rows);
    until("five readings", || kept.count() == 5).await;
    until("three errors", || kept.errors().len() == 3).await;
    let at = EventMs::parse("2026-01-31T06:00:00Z").unwrap();
    let of =
        |sensor: u32| kept.readings().into_iter().filter(move |reading| reading.sensor.0 == sensor).collect::<Vec<_>>();
    let told: Vec<(EventMs, Micro, Status)> = of(0).iter().map(|r| (r.at, r.value, r.status)).collect();
    assert_eq!(
        told,
        [(at, Micro::units(1520), Status::Warning), (EventMs(at.0 + 1000), Micro::units(1530), Status::Ok)]
    );
    let pressure = of(1)[0];
    assert_eq!(pressure.value, Micro::units(4));
    assert!((sent.0 - 1000..=wall().0).contains(&pressure.at.0), "the record's own time: {pressure:?}");
    assert_eq!((of(2)[0].status, of(3)[0].status, of(3)[0].at), (Status::Error, Status::Ok, at));
    let reasons: Vec<String> = kept.errors().into_iter().map(|error| error.reason).collect();
    for part in ["the payload is no JSON", "/temp is \"hot\"", "sensor s9 is not in the catalogue"] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    let standing = running.status.standing();
    assert_eq!((standing.messages, standing.readings, standing.refused), (7, 5, 3));
}

/// Values of all sensors, from `from` to `to`, as an Arrow stream.
fn stream(start: EventMs, range: std::ops::Range<usize>) -> Vec<u8> {
    let rows: Vec<(usize, i64)> = range.flat_map(|value| (0..10).map(move |sensor| (sensor, value as i64))).collect();
    let sensors: Vec<String> = rows.iter().map(|(sensor, _)| format!("s{sensor}")).collect();
    let sensors: DictionaryArray<Int8Type> = sensors.iter().map(String::as_str).collect();
    let times: TimestampMicrosecondArray = rows.iter().map(|(_, value)| Some((start.0 + value) * 1000)).collect();
    let values: Float32Array = rows.iter().map(|(_, value)| Some(*value as f32)).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("sensor_id", Arc::new(sensors)),
        ("timestamp", Arc::new(times.with_timezone("UTC"))),
        ("value", Arc::new(values)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrow_streams_are_read_and_a_broken_one_harms_no_other() {
    const EACH: usize = 2000;
    const AT_ONCE: usize = 100;
    let brokers = brokers(&[("tables", 1)]);
    let start = EventMs(wall().0 - 100_000);
    let kept = Kept::new(10, true, Duration::ZERO);
    let config = "name = \"tables\"\n[[rows]]\ntopic = \"tables\"\nformat = \"arrow\"";
    let running = Running::start(&brokers, config, &kept);
    let streams: Vec<Vec<u8>> =
        (0..EACH / AT_ONCE).map(|message| stream(start, message * AT_ONCE..(message + 1) * AT_ONCE)).collect();
    let broken = |stream: &'static str| ("k", Some(stream.as_bytes()));
    let mut messages = vec![broken(""), broken("no stream at all"), broken("ARROW1\0\0")];
    for stream in &streams {
        messages.extend([("k", Some(&stream[..stream.len() - 9])), ("k", None), ("k", Some(stream.as_slice()))]);
    }
    let (sent, refused) = (messages.len() as u64, (3 + streams.len()) as u64);
    produce(&brokers, "tables", messages);
    until("all are heard", || running.status.standing().messages == sent).await;
    until("all are taken", || kept.count() >= 10 * EACH).await;
    assert_eq!(tally(of_kept(&kept), start, 10, EACH), Tally::default());
    assert_eq!(running.status.standing().refused, refused);
    println!("{sent} messages, {refused} of them broken: {} readings, lost 0", kept.count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_slow_intake_has_not_taken_stays_with_the_brokers_and_uncommitted() {
    const EACH: usize = 3000;
    let brokers = brokers(&[("rows", 2)]);
    let start = EventMs(wall().0 - 100_000);
    produce_rows(&brokers, "rows", start, 10, 0..EACH);
    let kept = Kept::new(10, false, Duration::ZERO);
    let running = Running::start(&brokers, "name = \"slow\"\nfetch_ahead_kib = 64\n[[rows]]\ntopic = \"rows\"", &kept);
    until("a batch waits behind another", || running.status.standing().messages >= 5000).await;
    let heard = running.status.standing().messages;
    // That nothing happens can only be watched.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = running.status.standing().messages;
    let before = committed(&brokers.bootstrap_servers(), "lehr-slow", "rows", 2);
    assert!(later <= 10_000, "{later} messages were taken on while nothing was taken in");
    assert_eq!((kept.count(), before), (0, vec![0, 0]));
    kept.open();
    until("all are taken", || kept.count() >= 10 * EACH).await;
    let end = (10 * EACH) as i64;
    until("all are committed", || {
        committed(&brokers.bootstrap_servers(), "lehr-slow", "rows", 2).iter().sum::<i64>() == end
    })
    .await;
    println!("{end} messages: {heard} held when nothing was taken in, {later} two seconds later");
    assert_eq!(tally(of_kept(&kept), start, 10, EACH), Tally::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_lose_nothing_between_them() {
    const EACH: usize = 1500;
    let brokers = brokers(&[("rows", 4)]);
    let start = EventMs(wall().0 - 100_000);
    // The mock cluster takes so long, less a second, for whatever divides a group anew.
    let config = "name = \"shared\"\nsession_timeout_ms = 3000\n[[rows]]\ntopic = \"rows\"";
    let kept = Kept::new(10, true, SLOW);
    let first = Running::start(&brokers, config, &kept);
    first.is_connected().await;
    produce_rows(&brokers, "rows", start, 10, 0..EACH / 3);
    let second = Running::start(&brokers, config, &kept);
    second.is_connected().await;
    produce_rows(&brokers, "rows", start, 10, EACH / 3..2 * EACH / 3);
    until("the second has its share", || second.status.standing().messages > 0).await;
    drop(first);
    produce_rows(&brokers, "rows", start, 10, 2 * EACH / 3..EACH);
    let distinct = || tally(of_kept(&kept), start, 10, EACH).lost == 0;
    until("all are taken", distinct).await;
    let tally = tally(of_kept(&kept), start, 10, EACH);
    println!("{} messages, two members, one of them left: {tally:?}", 10 * EACH);
    assert_eq!((tally.lost, tally.wrong, tally.disordered), (0, 0, 0));
}
