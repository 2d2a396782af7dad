//! A broker on disk that is killed under load and started again: what it acknowledged is there, once, and in order.

mod support;

use lehr_domain::EventMs;
use lehr_kafka::store::probe;
use lehr_targets::TargetError;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::model::{World, delta};
use support::tansu::Tansu;
use support::topics::{compared, config, connected, records_of};
use support::{DEADLINE, Dice, Kept, Reached, Running, Tally, committed, of_kept, records, tally, until, wall};

const SENSORS: usize = 10;
const PARTITIONS: i32 = 3;
const KILLS: usize = 3;

/// What became of what a client sent.
#[derive(Default)]
struct Acknowledged {
    count: AtomicUsize,
    refused: AtomicUsize,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.count } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

async fn create(broker: &Tansu, topic: &str) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    let topic = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
    let made = admin.create_topics([&topic], &AdminOptions::new().request_timeout(Some(DEADLINE))).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

/// Sends readings one by one, by a client that is not Lehr's and that tries for as long as it takes.
fn load(broker: &Tansu, start: EventMs, each: usize) -> Arc<ThreadedProducer<Acknowledged>> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", broker.bootstrap()).set("enable.idempotence", "true");
    settings.set("message.timeout.ms", "0").set("reconnect.backoff.max.ms", "200");
    let producer: Arc<ThreadedProducer<Acknowledged>> =
        Arc::new(settings.create_with_context(Acknowledged::default()).unwrap());
    let sending = producer.clone();
    std::thread::spawn(move || {
        for value in 0..each {
            for sensor in 0..SENSORS {
                let (key, at) = (format!("s{sensor}"), start.0 + value as i64);
                let row = format!("{{\"sensor_id\":\"{key}\",\"timestamp\":{at},\"value\":{value}}}");
                sending.send(BaseRecord::to("rows").key(&key).payload(&row)).map_err(|(error, _)| error).unwrap();
            }
            // A load that lasts as long as what is done to the broker.
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    producer
}

/// A reading is its sensor and its time: one that comes again is the same. So what a source passes on twice is once with
/// Lehr, and what a client has sent once is once with the broker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_that_a_broker_acknowledged_are_all_read_however_often_it_is_killed() {
    const EACH: usize = 500;
    let mut dice = Dice::fresh("a broker is killed under its source");
    let mut broker = Tansu::start();
    create(&broker, "rows").await;
    let start = EventMs(wall().0 - 100_000);
    let kept = Kept::new(SENSORS, true, Duration::from_millis(2));
    let running =
        Running::start(&broker, "name = \"disk\"\nsession_timeout_ms = 45000\n[[rows]]\ntopic = \"rows\"", &kept);
    let producer = load(&broker, start, EACH);
    let sent = SENSORS * EACH;
    let acknowledged = || producer.context().count.load(Ordering::Relaxed);
    for kill in 0..KILLS {
        let goal = sent * kill / KILLS + dice.below((sent / KILLS) as u64) as usize;
        until("some are acknowledged", || acknowledged() >= goal).await;
        broker.kill();
        broker.restart();
    }
    until("all are acknowledged", || acknowledged() == sent).await;
    until("all are taken", || tally(of_kept(&kept), start, SENSORS, EACH).lost == 0).await;
    until("all are committed", || {
        committed(&broker.bootstrap(), "lehr-disk", "rows", PARTITIONS).iter().sum::<i64>() == sent as i64
    })
    .await;
    let (arrived, stored) = (tally(of_kept(&kept), start, SENSORS, EACH), records(&broker.bootstrap(), "rows"));
    let distinct: BTreeSet<_> = stored.iter().map(|(_, key, value)| (key, value)).collect();
    let at_the_target: BTreeSet<_> = of_kept(&kept).into_iter().map(|(sensor, at, _)| (sensor, at)).collect();
    println!(
        "{sent} sent, {KILLS} kills of the broker: {} acknowledged, {} with the broker, {} duplicates; {} arrived, lost {}, \
         read again {}",
        acknowledged(),
        stored.len(),
        stored.len() - distinct.len(),
        at_the_target.len(),
        arrived.lost,
        arrived.again,
    );
    assert_eq!(producer.context().refused.load(Ordering::Relaxed), 0);
    assert_eq!((stored.len(), distinct.len(), at_the_target.len()), (sent, sent, sent));
    assert_eq!(Tally { again: 0, ..arrived }, Tally::default());
    assert_eq!(running.status.standing().refused, 0);
}

/// The topics are made by the store. Its producer goes on over a restart of the broker, which knows its numbers: nothing
/// is there twice, although there are no transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_once_and_in_order_with_a_broker_that_is_killed_and_started_again() {
    const TICKS: u64 = 120;
    let mut dice = Dice::fresh("a broker is killed under its store");
    let seed = dice.0;
    let broker = Tansu::start();
    let mut config = config(&broker, false);
    // Longer than a restart takes, so that no delta is given up.
    config.timeout_s = 120;
    let mut target = config.target();
    assert_eq!(connected(target.as_mut()).await, 0);
    let (reached, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let broker = Arc::new(Mutex::new(broker));
    let goals: Vec<usize> = (0..KILLS).map(|kill| 10 + kill * 35 + dice.below(25) as usize).collect();
    let killer = std::thread::spawn({
        let (reached, over, broker) = (reached.clone(), over.clone(), broker.clone());
        move || {
            for goal in goals {
                while reached.load(Ordering::Relaxed) < goal && !over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let mut broker = broker.lock().unwrap();
                broker.kill();
                broker.restart();
            }
        }
    });
    let (mut world, mut records, mut failures) = (World::new(seed), 0, 0);
    while world.tick < TICKS {
        let mut next = world.clone();
        next.step();
        let going = delta(&world, &next);
        records += going.tables.iter().map(records_of).sum::<usize>();
        match target.apply(&going).await {
            Ok(()) => world = next,
            Err(TargetError::Away(_)) => {
                failures += 1;
                world = World::at(seed, connected(target.as_mut()).await);
            }
            Err(error) => panic!("{error}"),
        }
        reached.store(world.tick as usize, Ordering::Relaxed);
    }
    over.store(true, Ordering::Relaxed);
    killer.join().unwrap();
    let arrived = compared(&*broker.lock().unwrap(), &world);
    println!(
        "{TICKS} ticks, {KILLS} kills of the broker, {failures} deltas given up: {records} records sent, {} rows of the log \
         arrived, duplicates {}, lost 0; {} records are left by compaction",
        arrived.logged, arrived.again, arrived.records,
    );
    // Of the topics of tables the broker drops what is overwritten, and so the log alone shows what came twice.
    assert_eq!((failures, arrived.again), (0, 0));
    assert!(arrived.records <= records, "{arrived:?}");
    let lines = probe(&config).await.unwrap().join("\n");
    assert!(lines.contains(&format!("4 topics begin with lehr.; they hold tick {TICKS}")), "{lines}");
}
