//! A thousand tags at ten hertz, for ten seconds: what it costs, and how late values are. Figures are printed.

#[path = "opcua/support.rs"]
mod support;

use support::{DEVICE, Memory, Plant, Running, counters, cpu, disorder, free_port, names};

const TAGS: usize = 1000;
const PERIOD_MS: i64 = 100;
const SECONDS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tags_at_ten_hertz_come_whole_and_in_order() {
    let mut plant = Plant::device(free_port().await, TAGS, PERIOD_MS).await;
    let endpoint = format!("opc.tcp://127.0.0.1:{}/", plant.port);
    let source = counters(&endpoint, DEVICE, TAGS, 100, 50);
    let running = Running::start(&source, Memory::new(names(TAGS)));
    running.until("all tags have a value", |it| it.intake.by_sensor().len() == TAGS).await;
    let (before, server_before) = (cpu(std::process::id()), plant.cpu());
    let (start, from) = (std::time::Instant::now(), running.status.standing());
    let wanted = from.readings + (TAGS * SECONDS * 10) as u64;
    running.until("ten seconds of values came", |it| it.status.standing().readings >= wanted).await;
    let (used, server) = (cpu(std::process::id()) - before, plant.cpu() - server_before);
    let (took, to) = (start.elapsed(), running.status.standing());
    let last = plant.pause().await;
    running
        .until("all are at the last tick", |it| {
            it.status.standing().readings % TAGS as u64 == 0
                && it.intake.ticks(TAGS - 1, PERIOD_MS).last() == Some(&last)
        })
        .await;
    let mut lags = running.intake.lags();
    lags.drain(..TAGS.min(lags.len()));
    lags.sort_unstable();
    let lag = |share: f64| lags[((lags.len() - 1) as f64 * share) as usize];
    let values = to.readings - from.readings;
    println!(
        "{values} values in {:.1} s ({:.0}/s) in {} messages; this process used {:.2} s of a core ({:.1} µs a value), \
         the server {:.2} s; behind the measurement by {} ms (median), {} ms (99 %), {} ms (most)",
        took.as_secs_f64(),
        values as f64 / took.as_secs_f64(),
        to.messages - from.messages,
        used.as_secs_f64(),
        used.as_secs_f64() * 1e6 / values as f64,
        server.as_secs_f64(),
        lag(0.5),
        lag(0.99),
        lag(1.0),
    );
    for counter in 0..TAGS {
        let ticks = running.intake.ticks(counter, PERIOD_MS);
        assert_eq!(disorder(&ticks), (0, 0), "counter {counter}: {ticks:?}");
    }
    assert_eq!(running.status.standing().refused, 0, "{:?}", running.intake.errors());
}
