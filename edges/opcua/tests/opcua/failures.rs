//! Servers that die, connections that are cut or go dead, an intake that is behind: nothing acknowledged is lost, nothing
//! comes twice, the order is kept.

use crate::support::{
    ASYNCUA, DEVICE, LIMIT, LOOK_AGAIN, Memory, Plant, Running, Wire, counters, disorder, free_port, names,
};
use std::time::Duration;
use tokio::time::sleep;

const COUNT: usize = 20;
const PERIOD: &str = "50";
const PERIOD_MS: i64 = 50;

/// Whose server it is.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Asyncua,
    Device,
}

async fn ticking(peer: Peer, port: u16) -> Plant {
    match peer {
        Peer::Asyncua => Plant::start(port, &["--counters", &COUNT.to_string(), "--period", PERIOD]).await,
        Peer::Device => Plant::device(port, COUNT, PERIOD_MS).await,
    }
}

fn source(peer: Peer, endpoint: &str) -> String {
    let node = match peer {
        Peer::Asyncua => ASYNCUA,
        Peer::Device => DEVICE,
    };
    counters(endpoint, node, COUNT, 100, 50)
}

/// Waits until all counters have come up to a tick.
async fn until_tick(running: &Running, tick: i64) {
    let what = format!("all counters are at {tick}");
    running
        .until(&what, |it| (0..COUNT).all(|counter| it.intake.ticks(counter, PERIOD_MS).last() >= Some(&tick)))
        .await;
}

/// More than so many readings than now.
async fn until_more(running: &Running, more: usize) {
    let wanted = running.intake.readings().len() + more;
    running.until("more values come", |it| it.intake.readings().len() >= wanted).await;
}

/// Halts the plant, waits for its last tick, and looks at all that came: how much is missing, and how much is wrong.
async fn disorder_at_rest(plant: &mut Plant, running: &Running) -> (i64, usize) {
    let last = plant.pause().await;
    until_tick(running, last).await;
    all_disorder(running)
}

/// Missing and disordered ticks of all counters.
fn all_disorder(running: &Running) -> (i64, usize) {
    (0..COUNT)
        .map(|counter| disorder(&running.intake.ticks(counter, PERIOD_MS)))
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

async fn what_happens_during_a_cut_is_told_afterwards(peer: Peer) {
    let mut plant = ticking(peer, free_port().await).await;
    let wire = Wire::to(plant.port).await;
    let running = Running::start(&source(peer, &wire.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    for _ in 0..3 {
        wire.cut();
        running.until("the server counts as away", Running::away).await;
        wire.mend();
        running.until("the server is there again", Running::connected).await;
        until_more(&running, 100).await;
    }
    let (missing, wrong) = disorder_at_rest(&mut plant, &running).await;
    let standing = running.status.standing();
    println!(
        "{peer:?}, cut 3 times: {} values, {missing} missing, {wrong} twice or out of order, {} connections, {} refused",
        standing.readings, standing.connections, standing.refused
    );
    assert_eq!((missing, wrong, standing.refused), (0, 0, 0), "{:?}", running.intake.errors());
    assert!(standing.connections >= 4);
}

async fn a_server_that_is_killed_and_comes_back_is_followed_again(peer: Peer) {
    let plant = ticking(peer, free_port().await).await;
    let running = Running::start(&source(peer, &plant.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    let port = plant.kill().await;
    running.until("the server counts as away", Running::away).await;
    println!("{peer:?}, away: {}", running.why());
    let mut plant = ticking(peer, port).await;
    running.until("the server is there again", Running::connected).await;
    until_more(&running, 200).await;
    let (missing, wrong) = disorder_at_rest(&mut plant, &running).await;
    println!(
        "{peer:?}, killed once: {} values, {missing} ticks while it was dead, {wrong} twice or out of order",
        running.intake.readings().len()
    );
    assert_eq!(wrong, 0);
    // What it told before and after is whole: each counter has at most one gap, that of its death.
    for counter in 0..COUNT {
        let ticks = running.intake.ticks(counter, PERIOD_MS);
        assert!(ticks.windows(2).filter(|pair| pair[1] - pair[0] > 1).count() <= 1, "{ticks:?}");
    }
}

async fn a_connection_that_goes_dead_without_a_word_is_noticed(peer: Peer) {
    let mut plant = ticking(peer, free_port().await).await;
    let wire = Wire::to(plant.port).await;
    let running = Running::start(&source(peer, &wire.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    wire.deaden();
    running.until("the server counts as away", Running::away).await;
    println!("{peer:?}, away: {}", running.why());
    wire.mend();
    running.until("the server is there again", Running::connected).await;
    until_more(&running, 100).await;
    let (missing, wrong) = disorder_at_rest(&mut plant, &running).await;
    println!(
        "{peer:?}, dead once: {} values, {missing} missing, {wrong} twice or out of order",
        running.intake.readings().len()
    );
    assert_eq!(wrong, 0);
}

async fn an_intake_that_is_behind_holds_the_server_up_and_loses_nothing(peer: Peer) {
    let mut plant = ticking(peer, free_port().await).await;
    let running = Running::start(&source(peer, &plant.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    *running.intake.delay.lock().unwrap() = Duration::from_millis(400);
    until_more(&running, 1000).await;
    running.intake.shut();
    let stands = running.intake.readings().len();
    // Fifty ticks, which the queues of a thousand hold.
    let shut_at = plant.tick().await;
    while plant.tick().await < shut_at + 50 {
        sleep(LOOK_AGAIN).await;
    }
    assert!(running.intake.readings().len() <= stands, "nothing is taken while it is shut");
    *running.intake.delay.lock().unwrap() = Duration::ZERO;
    running.intake.open();
    let (missing, wrong) = disorder_at_rest(&mut plant, &running).await;
    let standing = running.status.standing();
    println!(
        "{peer:?}, behind: {} values, {missing} missing, {wrong} twice or out of order, {} refused, {} connections",
        standing.readings, standing.refused, standing.connections
    );
    assert_eq!((missing, wrong, standing.refused, standing.connections), (0, 0, 0, 1), "{:?}", running.intake.errors());
}

async fn queues_that_overflow_are_told_of(peer: Peer) {
    let mut plant = ticking(peer, free_port().await).await;
    let config = source(peer, &plant.endpoint()).replace("queue = 1000", "queue = 5");
    let running = Running::start(&config, Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    running.intake.shut();
    let shut_at = plant.tick().await;
    while plant.tick().await < shut_at + 50 {
        sleep(LOOK_AGAIN).await;
    }
    running.intake.open();
    let (missing, wrong) = disorder_at_rest(&mut plant, &running).await;
    let refused = running.status.standing().refused;
    println!("{peer:?}, overflowed: {missing} missing, {wrong} twice or out of order, {refused} told of");
    assert!(missing > 0 && wrong == 0);
    // asyncua 2.1.0 throws away without a word.
    if let Peer::Device = peer {
        assert!(refused > 0);
        let reason = &running.intake.errors()[0].reason;
        assert!(reason.contains("the server's queue was full; make queue longer"), "{reason}");
    }
}

async fn it_ends_when_the_intake_stops_and_when_it_is_dropped(peer: Peer) {
    let plant = ticking(peer, free_port().await).await;
    let running = Running::start(&source(peer, &plant.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    running.intake.stop();
    assert_eq!(running.ended().await.0, "the test has seen enough");

    let wire = Wire::to(plant.port).await;
    let running = Running::start(&source(peer, &wire.endpoint()), Memory::new(names(COUNT)));
    until_more(&running, 100).await;
    let (intake, status) = (running.intake.clone(), running.status.clone());
    drop(running);
    // The task is gone when nothing else holds its status.
    let gone = async {
        while std::sync::Arc::strong_count(&status) > 1 || std::sync::Arc::strong_count(&intake) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("it lets go of everything");
}

macro_rules! against_both {
    ($($name:ident),*) => {
        mod asyncua {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Peer::Asyncua).await;
            })*
        }
        mod device {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Peer::Device).await;
            })*
        }
    };
}

against_both!(
    what_happens_during_a_cut_is_told_afterwards,
    a_server_that_is_killed_and_comes_back_is_followed_again,
    a_connection_that_goes_dead_without_a_word_is_noticed,
    an_intake_that_is_behind_holds_the_server_up_and_loses_nothing,
    queues_that_overflow_are_told_of,
    it_ends_when_the_intake_stops_and_when_it_is_dropped
);
