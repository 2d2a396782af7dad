//! Topics that follow tables: whatever happens, the last values of the keys are the rows.

mod support;

use lehr_domain::table::Cell;
use lehr_domain::{EventMs, Tick};
use lehr_kafka::store::probe;
use lehr_targets::{Change, Delta, TableDelta, TargetError, row_to_json};
use rdkafka::bindings::rd_kafka_resp_err_t as Answer;
use rdkafka::types::RDKafkaApiKey;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::mock::brokers;
use support::model::{World, delta, tables};
use support::topics::{compared, config, connected, folded};
use support::{Alive, DEADLINE, Dice, follower, until};

const TOPICS: [(&str, i32); 4] = [("lehr.wares", 2), ("lehr.alarms", 1), ("lehr.readings", 2), ("lehr.position", 1)];

/// Random steps with faults, each redelivered from where the store says it stands, in steps of other sizes.
async fn follows(transactions: bool, ticks: u64) {
    let mut dice = Dice::fresh(if transactions { "in transactions" } else { "without transactions" });
    let seed = dice.0;
    let brokers = brokers(&TOPICS);
    let mut target = config(&brokers, transactions).target();
    assert_eq!(connected(target.as_mut()).await, 0);
    let (mut world, mut failures, mut wanted, mut compares) = (World::new(seed), 0, 0, 0);
    // Nothing behind it can have reached the store.
    let mut under_way = 0;
    // Where interrupted deltas ended: none that comes later reaches across.
    let mut ends = BTreeSet::new();
    while world.tick < ticks || world.tick < under_way {
        let mut next = world.clone();
        for _ in 0..1 + dice.below(6) {
            next.step();
            if ends.contains(&next.tick) {
                break;
            }
        }
        under_way = under_way.max(next.tick);
        let going = delta(&world, &next);
        match dice.below(8) {
            0 => brokers.request_errors(RDKafkaApiKey::Produce, &[Answer::RD_KAFKA_RESP_ERR__TRANSPORT; 2]),
            1 => brokers.request_errors(
                RDKafkaApiKey::Produce,
                &[Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Answer::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT],
            ),
            // The topic says no, for good: part of the delta is there, and part is not.
            2 => {
                brokers.request_errors(RDKafkaApiKey::Produce, &[Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
            }
            3 => brokers.broker_round_trip_time(-1, Duration::from_millis(20)).unwrap(),
            _ => {}
        }
        wanted += going.tables.iter().map(|table| table.changes.len()).sum::<usize>();
        let applied = target.apply(&going).await;
        brokers.clear_request_errors(RDKafkaApiKey::Produce);
        brokers.broker_round_trip_time(-1, Duration::ZERO).unwrap();
        match applied {
            Ok(()) => {
                world = next;
                if dice.below(4) == 0 {
                    // The same again.
                    target.apply(&going).await.unwrap();
                }
                // By then each table has rows. What was interrupted on the way to a later tick may show it before.
                if world.tick > 20 && world.tick >= under_way && dice.below(8) == 0 {
                    compares += 1;
                    compared(&brokers, &world);
                }
            }
            Err(_) => {
                failures += 1;
                ends.insert(going.tick.0);
                let holds = connected(target.as_mut()).await;
                assert!((world.tick..=under_way).contains(&holds), "{holds} is not in {}..={under_way}", world.tick);
                world = World::at(seed, holds);
            }
        }
    }
    let arrived = compared(&brokers, &world);
    println!(
        "transactions {transactions}: {ticks} ticks, {wanted} changes handed over, {failures} failures, compared {} times: \
         equal, lost 0, {arrived:?}",
        compares + 1
    );
    assert!(failures > 0, "no fault did anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_follow_in_transactions() {
    follows(true, 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_follow_without_transactions() {
    follows(false, 150).await;
}

/// More than the client takes at once: it is sent in pieces, and is one delta all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_delta_may_hold_whole_tables() {
    const ROWS: i64 = 110_000;
    let table = tables().swap_remove(0);
    let row = |number: i64| {
        vec![
            Cell::Text("Line_A".into()),
            Cell::Int(number),
            Cell::Float(number as f64 / 8.0),
            Cell::Time(EventMs(number)),
        ]
    };
    let changes = (0..ROWS).map(|number| Change { appeared: true, row: row(number) }).collect();
    let whole = TableDelta { table: table.clone(), changes };
    let first = Delta { after: Tick(0), tick: Tick(9), now: EventMs(9000), tables: vec![whole] };
    for transactions in [false, true] {
        // The mock cluster forgets what is more than 5 MB of a partition.
        let brokers = brokers(&[("lehr.wares", 16), TOPICS[1], TOPICS[2], TOPICS[3]]);
        let mut config = config(&brokers, transactions);
        config.timeout_s = DEADLINE.as_secs();
        let mut target = config.target();
        connected(target.as_mut()).await;
        target.apply(&first).await.unwrap();
        let (found, sent) = folded(&brokers, "lehr.wares");
        let wrong = (0..ROWS).filter(|number| {
            let key = Value::Array(vec!["Line_A".into(), (*number).into()]).to_string();
            found.get(&key) != Some(&Value::Object(row_to_json(&table, &row(*number))))
        });
        let (lost, again) = (wrong.count(), sent - found.len());
        println!(
            "transactions {transactions}: {ROWS} rows at once, {sent} arrived, lost or wrong {lost}, again {again}"
        );
        assert_eq!((lost, again), (0, 0));
    }
}

/// Nearly all of it is waiting, so both ways wait together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_go_and_come_get_the_rest() {
    let go_and_come = async |transactions: bool| {
        let brokers = brokers(&TOPICS);
        let mut config = config(&brokers, transactions);
        config.timeout_s = 2;
        let mut target = config.target();
        connected(target.as_mut()).await;
        let (first, second) = (World::at(7, 20), World::at(7, 40));
        target.apply(&delta(&World::new(7), &first)).await.unwrap();
        brokers.broker_down(-1).unwrap();
        let away = target.apply(&delta(&first, &second)).await;
        assert!(matches!(away, Err(TargetError::Away(_))), "{away:?}");
        assert!(matches!(target.connect(&tables()).await, Err(TargetError::Away(_))));
        brokers.broker_up(-1).unwrap();
        let holds = connected(target.as_mut()).await;
        assert!([20, 40].contains(&holds), "{holds}");
        target.apply(&delta(&World::at(7, holds), &second)).await.unwrap();
        println!("transactions {transactions}: away in the middle: equal, lost 0, {:?}", compared(&brokers, &second));
    };
    tokio::join!(go_and_come(false), go_and_come(true));
}

/// SIGKILL of the writer at any moment, in the middle of whatever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_killed_at_any_moment_leaves_what_the_next_one_completes() {
    const TICKS: u64 = 400;
    let killed = async |transactions: &str| {
        let mut dice = Dice::fresh("a_writer_that_is_killed");
        let seed = dice.0;
        let brokers = brokers(&TOPICS);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mark");
        let (bootstrap, seed_text) = (brokers.bootstrap_servers(), seed.to_string());
        let begin = |until: u64| {
            let until = until.to_string();
            let arguments = ["keep", &bootstrap, &seed_text, transactions, file.to_str().unwrap(), &until];
            Alive(Command::new(follower()).args(arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
        };
        let noted = || std::fs::read_to_string(&file).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let mut kills = 0;
        while noted() < TICKS * 3 / 4 {
            let child = begin(TICKS);
            let goal = noted() + 1 + dice.below(TICKS / 5);
            until("the writer goes on", || noted() >= goal.min(TICKS)).await;
            // At any moment of what it does next.
            tokio::time::sleep(Duration::from_millis(dice.below(30))).await;
            drop(child);
            kills += 1;
        }
        let mut last = begin(TICKS);
        until("the last writer is done", || last.0.try_wait().unwrap().is_some()).await;
        assert!(last.0.wait().unwrap().success());
        let arrived = compared(&brokers, &World::at(seed, TICKS));
        println!("transactions {transactions}: {TICKS} ticks, {kills} kills: equal, lost 0, {arrived:?}");
    };
    tokio::join!(killed("false"), killed("true"));
}

/// Each of the three waits for an answer that these brokers do not give, or nobody does: they wait together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_says_what_there_is_and_what_to_do() {
    let there = async {
        let brokers = brokers(&TOPICS);
        let mut target = config(&brokers, false).target();
        connected(target.as_mut()).await;
        target.apply(&delta(&World::new(3), &World::at(3, 9))).await.unwrap();
        let lines = probe(&config(&brokers, false)).await.unwrap().join("\n");
        assert!(lines.starts_with("3 brokers: 127.0.0.1:"), "{lines}");
        assert!(lines.contains("4 topics begin with lehr.; they hold tick 9"), "{lines}");
    };
    // These brokers have no way to make topics: what is missing is named.
    let empty = async {
        let brokers = brokers(&[]);
        let lines = probe(&config(&brokers, false)).await.unwrap().join("\n");
        assert!(lines.contains("lehr.position is not there yet"), "{lines}");
        let refused = config(&brokers, false).target().connect(&tables()).await.unwrap_err().to_string();
        assert!(refused.contains("cannot be created"), "{refused}");
    };
    let nobody = async {
        let gone = brokers(&[]);
        let config = config(&gone, false);
        drop(gone);
        let error = probe(&config).await.unwrap_err();
        assert!(error.contains("is a broker running there"), "{error}");
    };
    tokio::join!(there, empty, nobody);
}

/// Numbers of requests in Kafka's protocol.
const PRODUCE: i16 = 0;
const ADD_PARTITIONS_TO_TRANSACTION: i16 = 24;
const END_TRANSACTION: i16 = 26;

/// These brokers do not hide what a transaction has not committed. What Lehr owes to those that do: all that it sends of a
/// delta, its position included, lies between the begin and the end of one transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delta_is_one_transaction_and_one_that_fails_is_none_that_was_left_open() {
    let mut dice = Dice::fresh("transactions from outside");
    let brokers = brokers(&TOPICS);
    brokers.listen();
    let mut target = config(&brokers, true).target();
    connected(target.as_mut()).await;
    let mut world = World::new(dice.0);
    let (mut sent, mut failures) = (0, 0);
    for _ in 0..60 {
        brokers.asked();
        let mut next = world.clone();
        next.step();
        let fails = dice.below(4) == 0;
        if fails {
            brokers.request_errors(RDKafkaApiKey::Produce, &[Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
        }
        let applied = target.apply(&delta(&world, &next)).await;
        brokers.clear_request_errors(RDKafkaApiKey::Produce);
        let of_interest = [PRODUCE, ADD_PARTITIONS_TO_TRANSACTION, END_TRANSACTION];
        let asked: Vec<i16> = brokers.asked().into_iter().filter(|key| of_interest.contains(key)).collect();
        let ends = asked.iter().filter(|key| **key == END_TRANSACTION).count();
        match applied {
            Ok(()) => {
                assert_eq!((asked.last(), ends), (Some(&END_TRANSACTION), 1), "{asked:?}");
                assert_eq!(asked.first(), Some(&ADD_PARTITIONS_TO_TRANSACTION), "{asked:?}");
                sent += asked.iter().filter(|key| **key == PRODUCE).count();
                world = next;
            }
            Err(_) => {
                failures += 1;
                // Ended at once, or by the next connection, which takes it over; nothing of it comes behind its end.
                let behind = asked.iter().skip_while(|key| **key != END_TRANSACTION).filter(|key| **key == PRODUCE);
                assert!(ends <= 1 && behind.count() == 0, "{asked:?}");
                let holds = connected(target.as_mut()).await;
                world = World::at(dice.0, holds);
            }
        }
    }
    println!("{sent} requests with records, each within its delta's transaction; {failures} deltas failed");
    assert!(sent > 60 && failures > 0, "vacuous: {sent} sent, {failures} failed");
}
