//! Any messages of edge nodes in any order, with time and connections that come and go: samples are of tags that there are,
//! and the same messages make the same host.
#![no_main]

use lehr_domain::EventMs;
use lehr_fuzz::Bytes;
use lehr_mqtt::sparkplug::{Host, HostOptions, MetricAddress, Moment, Reaction};
use std::time::Duration;

const TAGS: [&str; 4] = ["g/n//a", "g/n/d/a", "g/n/d/b", "h/n/d/a"];
const KINDS: [&str; 8] = ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "STATE"];

fn host() -> Host {
    let tags = TAGS.map(|tag| tag.parse::<MetricAddress>().expect("an address"));
    let options = HostOptions { reorder_timeout: Duration::from_secs(2), rebirth_every: Duration::from_secs(10) };
    Host::new(options, tags)
}

/// One step: what happens, to whom, and how long the payload is, a byte each.
fn step(host: &mut Host, bytes: &mut Bytes, clock: &mut Duration) -> Option<Reaction> {
    let what = bytes.byte()?;
    *clock += Duration::from_millis(u64::from(what >> 4) * 200);
    let now = Moment { plant: EventMs(1_800_000_000_000 + clock.as_millis() as i64), clock: *clock };
    Some(match what & 0x0F {
        0 => host.connected(now),
        1 => host.disconnected(now),
        2 => host.tick(now),
        kind => {
            let kind = KINDS[usize::from(kind) % KINDS.len()];
            let whom = bytes.byte()?;
            let group = if whom & 1 == 0 { "g" } else { "h" };
            let device = if kind.starts_with('D') { "/d" } else { "" };
            let length = usize::from(bytes.byte()?);
            host.hear(&format!("spBv1.0/{group}/{kind}/n{device}"), bytes.take(length), now)
        }
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [mut one, mut other] = [host(), host()];
    let (mut bytes, mut same) = (Bytes(data), Bytes(data));
    let [mut clock, mut other_clock] = [Duration::ZERO; 2];
    while let Some(reaction) = step(&mut one, &mut bytes, &mut clock) {
        assert!(reaction.samples.iter().all(|sample| sample.tag < TAGS.len()));
        let again = step(&mut other, &mut same, &mut other_clock);
        // As text: a value may be no number, and equals nothing then.
        assert_eq!(format!("{again:?}"), format!("{:?}", Some(reaction)));
    }
    assert_eq!(one.counts(), other.counts());
    assert_eq!(one.known().len(), other.known().len());
});
