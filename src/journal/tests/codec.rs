use super::super::codec::{MAX_PAYLOAD_BYTES, decode as decode_record, digest, encode, thin};
use super::super::{JournalError, Reason};
use super::*;
use std::mem::discriminant;

fn decode(tick: Tick, payload: &[u8]) -> Result<Inputs, Reason> {
    decode_record(tick, payload).map(|recorded| recorded.inputs)
}

#[test]
fn what_was_encoded_decodes_to_the_same_and_damage_never_panics() {
    for seed in 0..300 {
        let mut rng = rng(seed);
        let inputs = inputs(seed + 1, 20, &mut rng);
        let mut payload = b"before".to_vec();
        encode(&inputs, &mut payload).unwrap();
        let payload = &payload[6..];
        assert_eq!(decode(inputs.tick, payload).as_ref(), Ok(&inputs), "seed {seed}");
        for cut in 0..payload.len() {
            assert!(decode(inputs.tick, &payload[..cut]).is_err(), "seed {seed} cut at {cut}");
        }
        let mut longer = payload.to_vec();
        longer.push(0);
        assert!(decode(inputs.tick, &longer).is_err(), "seed {seed}: a byte too many");
        for _ in 0..50 {
            let mut bent = payload.to_vec();
            let at = rng.random_range(0..bent.len());
            bent[at] ^= rng.random_range(1..=255u8);
            // Checksums guard the content; here it must only come back, with whatever.
            let _ = decode(inputs.tick, &bent);
        }
    }
}

#[test]
fn every_default_rule_and_registration_survives() {
    let catalogue = lehr_domain::catalogue::Catalogue::parse(lehr_domain::catalogue::DEFAULT).unwrap();
    let events = catalogue.events(&lehr_domain::names::Names::default()).unwrap();
    assert!(events.iter().any(|event| matches!(event, Event::Rule(..))), "the catalogue has rules");
    let events = events.into_iter().map(|event| Revised { revision: 1, event }).collect();
    let inputs = Inputs { tick: Tick(1), events, ..Inputs::default() };
    let mut payload = Vec::new();
    encode(&inputs, &mut payload).unwrap();
    assert_eq!(decode(Tick(1), &payload), Ok(inputs));
}

/// Journals outlive releases. When this fails, the disk format has changed: that needs a new payload version and
/// code that still reads the old one.
#[test]
fn the_disk_format_is_pinned() {
    let mut inputs = Inputs { tick: Tick(1), now: EventMs(1), wall: EventMs(2), ..Inputs::default() };
    inputs.readings.push(Reading {
        sensor: SensorId(0x01020304),
        at: EventMs(5),
        revision: 9,
        value: Micro(-1),
        status: Status::Error,
    });
    inputs.offsets.push(("k".into(), 300));
    let action = OperatorAction::Shelve { until: EventMs(4) };
    let (by, reason) = ("b".into(), String::new());
    let event = OperatorEvent { id: 1, alert: AlertId(2), about: about(), at: EventMs(3), action, by, reason };
    inputs.events.push(Revised { revision: 6, event: Event::Operator(event) });
    let mut payload = Vec::new();
    encode(&inputs, &mut payload).unwrap();
    let mut expected = vec![1, 1, 0, 0, 0, 4, 3, 2, 1, 5, 0, 0, 0, 0, 0, 0, 0];
    expected.extend([0xff; 8]);
    expected.extend([3, 9, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([2, 4, 0, 1, 1, b'k', 0xac, 2, 1]);
    expected.extend([6, 11, 1, 2, 4, 1, 1, 3, 10, 2, 6, 1, 8, 1, b'b', 0]);
    assert_eq!(payload, expected);
}

/// One event of every kind, for the positions of variants and fields that the test above does not reach.
#[test]
fn the_disk_form_of_every_event_is_pinned() {
    let mut events = one_of_each();
    for (position, event) in events.iter().enumerate() {
        let repeated = events[..position].iter().any(|earlier| discriminant(earlier) == discriminant(event));
        assert!(!repeated, "one event of each kind");
    }
    events.extend(checks().map(|check| Event::Rule(RuleId(1), Some(rule(check)))));
    events.push(Event::Rule(RuleId(1), None));
    let events = events.into_iter().map(|event| Revised { revision: 300, event }).collect();
    let inputs = Inputs { tick: Tick(1), events, ..Inputs::default() };
    let mut payload = Vec::new();
    encode(&inputs, &mut payload).unwrap();
    assert_eq!(decode(Tick(1), &payload), Ok(inputs));
    assert_eq!((payload.len(), crc32fast::hash(&payload)), (1608, 583_809_509));
}

/// Version 1 had neither status nor revision of a late reading.
#[test]
fn late_readings_of_the_old_form_still_read() {
    let late = LateRow {
        sensor: SensorId(1),
        at: EventMs(-2),
        value: Micro(3),
        arrived: EventMs(4),
        status: Status::Ok,
        revision: 7,
    };
    let inputs =
        Inputs { tick: Tick(7), events: vec![Revised { revision: 7, event: Event::Late(late) }], ..Inputs::default() };
    let mut payload = Vec::new();
    encode(&inputs, &mut payload).unwrap();
    assert_eq!(payload[0], 2);
    assert_eq!(decode(Tick(7), &payload), Ok(inputs.clone()));
    payload[0] = 1;
    payload.truncate(payload.len() - 2);
    assert_eq!(decode(Tick(7), &payload), Ok(inputs));
}

#[test]
fn a_thin_payload_says_which_readings_were_taken_out() {
    for seed in 0..50 {
        let inputs = inputs(seed + 1, 20, &mut rng(seed));
        let (mut payload, mut taken) = (Vec::new(), Vec::new());
        encode(&inputs, &mut payload).unwrap();
        thin(&payload, &mut taken).unwrap();
        let recorded = decode_record(inputs.tick, &taken).unwrap();
        let removed = recorded.removed.unwrap();
        assert_eq!(removed.rows as usize, inputs.readings.len());
        let mut reversed: Vec<Reading> = inputs.readings.iter().collect();
        reversed.reverse();
        assert_eq!(removed.digest, digest(reversed.iter().copied()), "seed {seed}");
        if let Some(first) = reversed.first_mut() {
            first.value.0 ^= 1;
            assert_ne!(removed.digest, digest(reversed), "seed {seed}");
        }
        let rest = Inputs { readings: Default::default(), ..inputs };
        assert_eq!(recorded.inputs, rest, "seed {seed}");
        assert!(thin(&taken, &mut Vec::new()).is_err(), "twice");
        assert!((0..taken.len()).all(|cut| decode(Tick(1), &taken[..cut]).is_err()), "seed {seed}");
    }
}

#[test]
fn a_segment_with_one_record_is_pinned() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, &Options::default()).unwrap();
    journal.append(&Inputs { tick: Tick(1), ..Inputs::default() }).unwrap();
    journal.sync().unwrap();
    let (name, bytes) = disk.image().pop_first().unwrap();
    assert_eq!(name, "00000000000000000001.seg");
    let mut expected = b"LEHRJRN1\x01\0\0\0".to_vec();
    expected.extend(crc32fast::hash(&expected).to_le_bytes());
    let mut covered = vec![10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    covered.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([10, 0, 0, 0]);
    expected.extend(crc32fast::hash(&covered).to_le_bytes());
    expected.extend(&covered[4..]);
    assert_eq!(bytes, expected);
}

#[test]
fn ragged_and_oversized_inputs_are_refused_and_leave_nothing_behind() {
    let mut ragged = Inputs { tick: Tick(4), ..Inputs::default() };
    ragged.readings.at.push(1);
    let mut out = vec![7];
    assert!(matches!(encode(&ragged, &mut out), Err(JournalError::Ragged { tick: Tick(4) })));

    let sample = "x".repeat(MAX_PAYLOAD_BYTES);
    let row = ErrorRow { id: 1, at: EventMs(0), source: String::new(), reason: String::new(), hash: 0, sample };
    let events = vec![Revised { revision: 1, event: Event::Error(row) }];
    let large = Inputs { tick: Tick(5), events, ..Inputs::default() };
    assert!(matches!(encode(&large, &mut out), Err(JournalError::TooLarge { tick: Tick(5), .. })));
    assert_eq!(out, [7]);
}

#[test]
fn a_count_of_readings_beyond_the_payload_is_refused_before_memory_is_asked_for() {
    let payload = [1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0];
    assert!(matches!(decode(Tick(1), &payload), Err(Reason::Payload(_))));
}
