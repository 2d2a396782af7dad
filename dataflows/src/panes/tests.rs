use super::*;
use lehr_domain::SensorId;
use lehr_domain::moments::Moments;
use lehr_domain::{Micro, Reading, Status};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WIDTH: SpanMs = SpanMs::minutes(1);

fn config(retention: SpanMs, seal_after: SpanMs) -> PaneConfig {
    PaneConfig { width: WIDTH, retention, seal_after }
}

/// The panes of a set of readings, made in the plainest way.
fn oracle(readings: &[Reading], low_water: EventMs) -> Vec<PaneRow> {
    let mut holds: BTreeMap<(SensorId, EventMs), Reading> = BTreeMap::new();
    for reading in readings {
        let slot = holds.entry((reading.sensor, reading.at)).or_insert(*reading);
        let better = (reading.revision, reading.value, reading.status) > (slot.revision, slot.value, slot.status);
        if better {
            *slot = *reading;
        }
    }
    let mut rows: BTreeMap<(SensorId, EventMs), PaneRow> = BTreeMap::new();
    for reading in holds.values() {
        let start = reading.at.floor(WIDTH);
        if start + WIDTH <= low_water {
            continue;
        }
        let row = rows.entry((reading.sensor, start)).or_insert(PaneRow {
            sensor_id: reading.sensor,
            start,
            bad: 0,
            uncertain: 0,
            last_reading: start,
            status: Status::Ok,
            moments: Moments::starting(start),
        });
        row.last_reading = reading.at;
        row.status = reading.status;
        if reading.status.counts() {
            row.moments.append(reading.at, reading.value);
            row.uncertain += u32::from(reading.status == Status::Warning);
        } else {
            row.bad += 1;
        }
    }
    rows.into_values().collect()
}

fn random_readings(rng: &mut ChaCha8Rng, count: usize) -> Vec<Reading> {
    let mut readings: Vec<Reading> = (0..count)
        .map(|_| Reading {
            sensor: SensorId(rng.random_range(0..4)),
            at: EventMs(rng.random_range(-300..1200) * 1_000),
            revision: rng.random_range(0..3),
            value: Micro(rng.random_range(-5..5) * 1_000_000),
            status: Status::ALL[rng.random_range(0..4)],
        })
        .collect();
    readings.sort_by_key(|reading| reading.at);
    readings
}

fn accumulate(held: &mut BTreeMap<PaneRow, Diff>, out: &mut Vec<(PaneRow, Diff)>) {
    for (row, diff) in out.drain(..) {
        *held.entry(row).or_default() += diff;
    }
    held.retain(|_, diff| *diff != 0);
}

#[test]
fn panes_equal_a_recomputation_after_every_tick_in_any_order() {
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut readings = random_readings(&mut rng, 400);
        if seed % 2 == 0 {
            readings.shuffle(&mut rng);
        }
        let mut panes = Panes::new(config(SpanMs::minutes(15), SpanMs::FOREVER));
        let (mut seen, mut held, mut out) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (mut mark, mut low_water, mut restated) = (EventMs::MIN, EventMs::MIN, 0);
        for batch in readings.chunks(23) {
            // A row is taken only while its pane is there: the gate in front keeps others away.
            let taken: Vec<Reading> = batch.iter().copied().filter(|r| r.at.floor(WIDTH) + WIDTH > low_water).collect();
            panes.fold(&batch.iter().copied().collect());
            seen.extend(taken);
            if seed % 3 == 0 {
                mark = mark.max(batch.iter().map(|r| r.at).max().expect("chunks are not empty") - SpanMs::minutes(2));
                panes.take(PaneFeed::LowWater(mark), &mut out);
                low_water = low_water.max((mark - SpanMs::minutes(15)).floor(WIDTH));
            }
            panes.close(&mut out);
            restated += out.iter().filter(|(_, diff)| *diff < 0).count();
            accumulate(&mut held, &mut out);
            assert!(held.values().all(|diff| *diff == 1), "seed {seed}: a row is there once");
            assert_eq!(held.keys().cloned().collect::<Vec<_>>(), oracle(&seen, low_water), "seed {seed}");
        }
        assert!(restated > 0, "seed {seed}: nothing was restated, so nothing was tested");
    }
}

#[test]
fn a_repeated_batch_changes_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let batch: ReadingBatch = random_readings(&mut rng, 300).into_iter().collect();
    let mut panes = Panes::new(config(SpanMs::days(1), SpanMs::FOREVER));
    let mut out = Vec::new();
    panes.fold(&batch);
    panes.close(&mut out);
    out.clear();
    panes.fold(&batch);
    panes.close(&mut out);
    assert_eq!(out, []);
}

#[test]
fn a_reading_an_hour_late_reopens_a_packed_pane() {
    let reading = |second: i64, value: i64| Reading {
        at: EventMs(second * 1000),
        value: Micro::units(value),
        ..Reading::default()
    };
    let mut panes = Panes::new(config(SpanMs::days(1), SpanMs::FOREVER));
    let mut out = Vec::new();
    for second in (0..7200).step_by(30) {
        panes.fold(&[reading(second, 10)].into_iter().collect());
        panes.close(&mut out);
    }
    out.clear();
    panes.fold(&[reading(615, 40)].into_iter().collect());
    panes.close(&mut out);
    let means: Vec<_> = out.iter().map(|(row, diff)| (row.start.0, row.moments.mean_f64(), *diff)).collect();
    assert_eq!(means, [(600_000, Some(10.0), -1), (600_000, Some(20.0), 1)]);
}

/// Stands between the journal and the panes, as the runtime does: gives back the readings of sealed panes.
struct Feeder {
    config: PaneConfig,
    journalled: Vec<Reading>,
    mark: EventMs,
    reopened: usize,
}

impl Feeder {
    fn batch(readings: impl Iterator<Item = Reading>) -> ReadingBatch {
        readings.collect()
    }

    /// Closes a tick.
    fn tick(&mut self, panes: &mut Panes, readings: &[Reading], mark: EventMs, out: &mut Vec<(PaneRow, Diff)>) {
        let sealed_until = self.config.sealed_until(self.mark);
        let pane = |reading: &Reading| (reading.sensor, reading.at.floor(WIDTH));
        let touched: Vec<_> = readings.iter().map(pane).filter(|(_, start)| *start + WIDTH <= sealed_until).collect();
        let earlier = self.journalled.iter().filter(|reading| touched.contains(&pane(reading))).copied();
        let reopened = Feeder::batch(earlier);
        self.reopened += usize::from(!reopened.is_empty());
        panes.take(PaneFeed::Reopened(reopened), out);
        panes.take(PaneFeed::Readings(Feeder::batch(readings.iter().copied())), out);
        self.mark = self.mark.max(mark);
        panes.take(PaneFeed::LowWater(self.mark), out);
        panes.close(out);
        self.journalled.extend(readings);
    }

    /// New panes that go on from the rows that are out there.
    fn restart(&self, held: &BTreeMap<PaneRow, Diff>) -> Panes {
        let (mut panes, mut out) = (Panes::new(self.config), Vec::new());
        let sealed_until = self.config.sealed_until(self.mark);
        let open = |reading: &&Reading| reading.at.floor(WIDTH) + WIDTH > sealed_until;
        panes.take(PaneFeed::Restored(held.keys().cloned().collect()), &mut out);
        panes.take(PaneFeed::LowWater(self.mark), &mut out);
        panes.take(PaneFeed::Reopened(Feeder::batch(self.journalled.iter().filter(open).copied())), &mut out);
        panes.close(&mut out);
        let mut restored = BTreeMap::new();
        accumulate(&mut restored, &mut out);
        assert_eq!(restored, *held, "a restart shows what was shown");
        panes
    }
}

#[test]
fn sealed_panes_that_are_given_their_readings_back_equal_a_recomputation_also_across_restarts() {
    let (mut reopened, mut restarts) = (0, 0);
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut readings = random_readings(&mut rng, 400);
        // Some come late by up to the whole trace.
        for _ in 0..60 {
            let (from, to) = (rng.random_range(0..readings.len()), rng.random_range(0..readings.len()));
            readings.swap(from, to);
        }
        let config = config(SpanMs::minutes(12), SpanMs::minutes(rng.random_range(0..4)));
        let mut feeder = Feeder { config, journalled: Vec::new(), mark: EventMs::MIN, reopened: 0 };
        let (mut panes, mut held, mut out) = (Panes::new(config), BTreeMap::new(), Vec::new());
        for batch in readings.chunks(23) {
            let left_until = config.left_until(feeder.mark);
            // The gate in front keeps away what is too late.
            let taken: Vec<Reading> =
                batch.iter().copied().filter(|r| r.at.floor(WIDTH) + WIDTH > left_until).collect();
            let newest = taken.iter().map(|r| r.at).max().unwrap_or(EventMs::MIN);
            feeder.tick(&mut panes, &taken, newest - SpanMs::seconds(90), &mut out);
            accumulate(&mut held, &mut out);
            let left_until = config.left_until(feeder.mark);
            let expected = oracle(&feeder.journalled, left_until);
            assert_eq!(held.keys().cloned().collect::<Vec<_>>(), expected, "seed {seed}");
            if rng.random_bool(0.2) {
                restarts += 1;
                panes = feeder.restart(&held);
            }
        }
        reopened += feeder.reopened;
    }
    assert!(reopened > 200 && restarts > 100, "panes must be reopened and restarted: {reopened}, {restarts}");
}

#[test]
#[should_panic(expected = "is sealed")]
fn a_reading_of_a_sealed_pane_without_its_earlier_readings_is_a_fault_of_the_feeder() {
    let mut panes = Panes::new(config(SpanMs::days(1), SpanMs(0)));
    let mut out = Vec::new();
    let reading = |second: i64| Reading { at: EventMs(second * 1000), ..Reading::default() };
    panes.fold(&[reading(10)].into_iter().collect());
    panes.take(PaneFeed::LowWater(EventMs(120_000)), &mut out);
    panes.close(&mut out);
    panes.fold(&[reading(20)].into_iter().collect());
}
