//! Brokers that are away, slow or refuse; a source that is killed.

mod support;

use lehr_domain::EventMs;
use rdkafka::bindings::rd_kafka_resp_err_t as Answer;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::mock::brokers;
use support::{Alive, Dice, Kept, Running, Tally, committed, follower, of_kept, produce_rows, tally, until, wall};

const CONFIG: &str = "name = \"fails\"\nsession_timeout_ms = 3000\n[[rows]]\ntopic = \"rows\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_go_and_come_are_followed_again_where_it_was_left() {
    const EACH: usize = 900;
    let brokers = brokers(&[("rows", 3)]);
    let start = EventMs(wall().0 - 100_000);
    let kept = Kept::new(10, true, Duration::from_millis(5));
    let running = Running::start(&brokers, CONFIG, &kept);
    running.is_connected().await;
    for round in 0..3 {
        let third = EACH / 3;
        produce_rows(&brokers, "rows", start, 10, round * third..(round + 1) * third);
        // In the middle of them.
        until("some are taken", || kept.count() > round * third * 10 + 100).await;
        brokers.broker_down(-1).unwrap();
        running.is_away().await;
        brokers.broker_up(-1).unwrap();
        running.is_connected().await;
    }
    until("all are taken", || tally(of_kept(&kept), start, 10, EACH).lost == 0).await;
    let tally = tally(of_kept(&kept), start, 10, EACH);
    let standing = running.status.standing();
    println!("{} messages, brokers away 3 times: {tally:?}, {} connections", 10 * EACH, standing.connections);
    assert_eq!((tally.wrong, tally.disordered, standing.refused), (0, 0, 0));
    assert!(standing.connections >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_and_long_ways_lose_nothing_and_offsets_are_committed_in_the_end() {
    const EACH: usize = 300;
    let brokers = brokers(&[("rows", 3)]);
    let start = EventMs(wall().0 - 100_000);
    let kept = Kept::new(10, true, Duration::from_millis(5));
    let running = Running::start(&brokers, CONFIG, &kept);
    running.is_connected().await;
    let transport = Answer::RD_KAFKA_RESP_ERR__TRANSPORT;
    let not_leader = Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    let loading = Answer::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    brokers.request_errors(rdkafka::types::RDKafkaApiKey::Fetch, &[transport, not_leader, transport, not_leader]);
    brokers.request_errors(rdkafka::types::RDKafkaApiKey::OffsetCommit, &[loading, transport, loading, loading]);
    produce_rows(&brokers, "rows", start, 10, 0..EACH / 2);
    brokers.broker_round_trip_time(-1, Duration::from_millis(400)).unwrap();
    produce_rows(&brokers, "rows", start, 10, EACH / 2..EACH);
    until("all are taken", || tally(of_kept(&kept), start, 10, EACH).lost == 0).await;
    brokers.broker_round_trip_time(-1, Duration::ZERO).unwrap();
    let all = (10 * EACH) as i64;
    until("all are committed", || {
        committed(&brokers.bootstrap_servers(), "lehr-fails", "rows", 3).iter().sum::<i64>() == all
    })
    .await;
    let tally = tally(of_kept(&kept), start, 10, EACH);
    println!("{all} messages, refused and late: {tally:?}");
    assert_eq!((tally.wrong, tally.disordered), (0, 0));
}

/// SIGKILL at any moment: what was committed is in the file, and what is not comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_killed_at_any_moment_loses_nothing() {
    const EACH: usize = 300;
    // The mock cluster keeps the dead in the group for as long as their session, and so each takes seconds.
    const KILLS: usize = 3;
    let mut dice = Dice::fresh("a_source_that_is_killed");
    let brokers = brokers(&[("rows", 3)]);
    let start = EventMs(wall().0 - 100_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("readings");
    let begin = || {
        let bootstrap = brokers.bootstrap_servers();
        let arguments = ["take", &bootstrap, "killed", "rows", file.to_str().unwrap()];
        Alive(Command::new(follower()).args(arguments).stderr(Stdio::null()).spawn().unwrap())
    };
    let lines = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // A line that was cut off by the kill is no reading; its message was not committed.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let numbers = whole.map(|line| line.split_whitespace().map(|word| word.parse().unwrap_or(-1)).collect());
        numbers
            .filter_map(|line: Vec<i64>| Some((u32::try_from(*line.first()?).ok()?, *line.get(1)?, *line.get(2)?)))
            .collect::<Vec<_>>()
    };
    for kill in 0..KILLS {
        let child = begin();
        let part = EACH / KILLS;
        let before = lines().len();
        produce_rows(&brokers, "rows", start, 10, kill * part..(kill + 1) * part);
        let more = dice.below(10 * part as u64) as usize;
        until("some are taken", || lines().len() > before + more.min(10 * part / 2)).await;
        drop(child);
    }
    let child = begin();
    until("all are taken", || tally(lines(), start, 10, EACH).lost == 0).await;
    let all = (10 * EACH) as i64;
    until("all are committed", || {
        committed(&brokers.bootstrap_servers(), "killed", "rows", 3).iter().sum::<i64>() == all
    })
    .await;
    drop(child);
    let found = tally(lines(), start, 10, EACH);
    println!("{all} messages, {KILLS} kills: {found:?}");
    assert_eq!(Tally { again: 0, ..found }, Tally::default());
}
