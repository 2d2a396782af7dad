//! Any text, in any precision: fields are taken or refused one by one, and what comes behind another text is read as
//! it would be alone.
#![no_main]

use lehr_domain::EventMs;
use lehr_fuzz::NAMES;
use lehr_influx::{Precision, read};

const NOW: EventMs = EventMs(1_800_000_000_000);

libfuzzer_sys::fuzz_target!(|text: &str| {
    for precision in ["ns", "us", "ms", "s"] {
        let precision = Precision::parse(precision).expect("a precision");
        let taken = read(text, precision, &NAMES, NOW, |_| None);
        for reading in taken.readings.iter() {
            assert!(NAMES.sensor_def(reading.sensor).is_some());
        }
        assert!(taken.mistakes.iter().all(|mistake| !mistake.message.is_empty()));
        let refused = read(text, precision, &NAMES, NOW, |_| Some("not now".to_owned()));
        assert_eq!(refused.readings.iter().count(), 0);
        assert_eq!(refused.mistakes.len(), taken.mistakes.len() + taken.readings.iter().count());
    }
});
