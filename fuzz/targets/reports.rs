//! Any message of a machine on a topic of reports: an event or a reason for each report, and what is taken is said again
//! so that it reads the same.
#![no_main]

use lehr_domain::EventMs;
use lehr_fuzz::NAMES;
use lehr_tags::{ReportKind, read_reports, report};

const NOW: EventMs = EventMs(1_800_000_000_000);

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    for kind in [ReportKind::Unit, ReportKind::State, ReportKind::Setpoint] {
        for read in read_reports(kind, payload, &NAMES, NOW) {
            match read {
                Ok(event) => {
                    let (same, json) = report(&event, &NAMES).expect("machines report what was read of them");
                    assert_eq!(same, kind);
                    assert_eq!(read_reports(kind, json.as_bytes(), &NAMES, NOW), [Ok(event)]);
                }
                Err(why) => assert!(!why.is_empty()),
            }
        }
    }
});
