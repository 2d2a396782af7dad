use super::*;
use crate::journal::simulated::SimDisk;
use lehr_dataflows::tables::*;
use lehr_domain::event::{Event, SensorDef};
use lehr_domain::moments::Moments;
use lehr_domain::names::Names;
use lehr_domain::{EquipmentId, LineId, Micro, ParameterId, SensorId, Status};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A snapshot with some thousand rows, more than a block holds.
fn snapshot(tick: u64, rng: &mut ChaCha8Rng) -> Snapshot {
    let mut changes = Changes::default();
    for pane in 0..rng.random_range(4000..6000) {
        let start = EventMs(pane / 3 * 60_000);
        let mut moments = Moments::starting(start);
        for second in 0..rng.random_range(0..3) {
            moments.append(start + SpanMs::seconds(second), Micro(rng.random_range(-1_000_000..1_000_000_000)));
        }
        let (sensor_id, status) = (SensorId(pane as u32 % 3), Status::ALL[rng.random_range(0..4)]);
        changes
            .panes
            .push((PaneRow { sensor_id, start, bad: 1, uncertain: 0, last_reading: start, status, moments }, 1));
    }
    for sensor in 0..3 {
        let def = SensorDef {
            name: format!("sensor {sensor}"),
            line: LineId(0),
            equipment: EquipmentId(0),
            parameter: ParameterId(0),
            unit: "°C".into(),
            period: SpanMs::seconds(1),
            span: (Micro(0), Micro(1)),
            target: None,
            sigma: None,
        };
        let row = FactRow { revision: tick, event: Event::Sensor(SensorId(sensor), def) };
        changes.facts.push((row, 1));
        changes.newest.push((NewestRow { sensor_id: SensorId(sensor), start: EventMs(i64::from(sensor)) }, 1));
    }
    changes.heard.push((HeardRow { production_line: LineId(0), at: EventMs(7) }, 1));
    let names = Arc::new(Names::default());
    let snapshot = Snapshot::empty().apply(Tick(tick), EventMs(8), EventMs(9), &names, &changes);
    snapshot.expect("rows are there once").marked(EventMs(5))
}

fn held(snapshot: &Snapshot) -> Base {
    let panes: Vec<PaneRow> = snapshot.panes.iter().cloned().collect();
    Base {
        tick: snapshot.tick,
        low_water: snapshot.low_water,
        panes: panes.chunks(file::ROWS_PER_BLOCK).map(<[_]>::to_vec).collect(),
        facts: snapshot.facts.iter().cloned().collect(),
        newest: snapshot.newest.iter().cloned().collect(),
        heard: snapshot.heard.iter().cloned().collect(),
        carried: snapshot.carried.iter().cloned().collect(),
        twin_states: snapshot.twin_states.iter().cloned().collect(),
        forecasts: snapshot.forecasts.iter().cloned().collect(),
        inspections: snapshot.inspections.iter().cloned().collect(),
        readings: Default::default(),
        goes_on: false,
    }
}

fn newest(checkpoints: &Checkpoints<SimDisk>, up_to: u64) -> (Option<Base>, Vec<Passed>) {
    let (found, passed) = checkpoints.newest(&GraphConfig::default(), Tick(up_to)).expect("a disk that works");
    (found.map(|checkpoint| checkpoint.base), passed)
}

#[test]
fn what_was_written_is_read_back_and_two_are_kept() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut checkpoints = Checkpoints::over(SimDisk::default());
    let snapshots: Vec<Snapshot> = [10, 20, 30].into_iter().map(|tick| snapshot(tick, &mut rng)).collect();
    for snapshot in &snapshots {
        let written = checkpoints.write(snapshot, &GraphConfig::default()).expect("a disk that works");
        assert_eq!((written.tick, newest(&checkpoints, 99)), (snapshot.tick, (Some(held(snapshot)), vec![])));
    }
    assert_eq!(checkpoints.ticks().unwrap(), [Tick(20), Tick(30)]);
    assert_eq!(newest(&checkpoints, 29).0, Some(held(&snapshots[1])), "one that is too new is not used");
    assert_eq!(newest(&checkpoints, 19).0, None);
}

#[test]
fn one_made_under_other_settings_is_passed_over_and_says_why() {
    let mut checkpoints = Checkpoints::over(SimDisk::default());
    checkpoints.write(&snapshot(10, &mut ChaCha8Rng::seed_from_u64(2)), &GraphConfig::default()).unwrap();
    let (found, passed) = checkpoints.newest(&GraphConfig::FOREVER, Tick(99)).unwrap();
    assert_eq!(found, None);
    assert!(passed[0].reason.contains("retention"), "{passed:?}");
}

#[test]
fn a_crash_at_any_step_of_writing_leaves_the_old_one_or_the_new_one() {
    let (mut old, mut new, mut cut) = (0, 0, 0);
    for seed in 0..40 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let disk = SimDisk::default();
        let mut checkpoints = Checkpoints::over(disk.clone());
        let (first, second) = (snapshot(10, &mut rng), snapshot(20, &mut rng));
        checkpoints.write(&first, &GraphConfig::default()).unwrap();
        disk.set_fuse(Some(rng.random_range(0..8)));
        let written = checkpoints.write(&second, &GraphConfig::default());
        disk.crash(&mut rng);
        let (found, passed) = newest(&checkpoints, 99);
        let found = found.unwrap_or_else(|| panic!("seed {seed}: both are gone: {passed:?}"));
        if written.is_ok() {
            assert_eq!(found, held(&second), "seed {seed}: what was written stays");
        }
        assert!(passed.is_empty(), "seed {seed}: a name stands only for what is whole: {passed:?}");
        cut += usize::from(written.is_err());
        old += usize::from(found == held(&first));
        new += usize::from(found == held(&second));
        assert_eq!(old + new, seed as usize + 1, "seed {seed}: what is found is one of the two");
        // Leftovers do not grow.
        checkpoints.write(&second, &GraphConfig::default()).unwrap();
        assert!(disk.image().len() <= KEPT, "seed {seed}: {:?}", disk.image().keys());
    }
    assert!(old > 5 && new > 5 && cut > 5, "vacuous: {old} old, {new} new, {cut} cut");
}

#[test]
fn damage_of_any_byte_is_noticed_and_the_one_before_is_used() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let disk = SimDisk::default();
    let mut checkpoints = Checkpoints::over(disk.clone());
    let first = snapshot(10, &mut rng);
    for snapshot in [first.clone(), snapshot(20, &mut rng)] {
        checkpoints.write(&snapshot, &GraphConfig::default()).unwrap();
    }
    let sound = disk.image();
    let file = name(Tick(20));
    for _ in 0..200 {
        let mut image = sound.clone();
        let bytes = image.get_mut(&file).expect("it was written");
        let at = rng.random_range(0..bytes.len());
        if rng.random_bool(0.2) {
            bytes.truncate(at);
        } else {
            bytes[at] ^= rng.random_range(1..=255u8);
        }
        let (found, passed) = newest(&Checkpoints::over(SimDisk::from_image(&image)), 99);
        assert_eq!((found, passed.len()), (Some(held(&first)), 1), "byte {at}");
    }
}

#[test]
fn however_often_writing_is_cut_short_there_are_never_more_than_three() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let disk = SimDisk::default();
    let mut checkpoints = Checkpoints::over(disk.clone());
    let (mut cut, mut most) = (0, 0);
    for tick in 1..60 {
        disk.set_fuse(Some(rng.random_range(4..12)));
        let written = checkpoints.write(&snapshot(tick, &mut rng), &GraphConfig::default());
        cut += usize::from(written.is_err());
        disk.crash(&mut rng);
        most = most.max(checkpoints.ticks().expect("a disk that works").len());
    }
    assert!(cut > 10, "vacuous: {cut} cut short");
    assert_eq!(most, KEPT + 1);
}
