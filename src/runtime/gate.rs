//! What may enter the journal. The gate's verdicts are journalled with the tick, so that a replay repeats
//! them whatever the day.

use lehr_domain::event::{Event, Inputs, LateRow, Revised};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading, ReadingBatch, SpanMs, Tick};

/// A reading may be this far ahead of plant time, for clocks that are not quite right.
pub const AHEAD_MOST: SpanMs = SpanMs::minutes(5);

/// A reading older than this before plant time is refused as a clock error rather than kept as late.
pub const BEHIND_MOST: SpanMs = SpanMs::days(3650);

/// Decides per reading: taken, late, or refused.
pub struct Gate {
    /// Readings of panes that end at or before this are late.
    pub low_water: EventMs,
    pub pane_width: SpanMs,
    pub pane_retention: SpanMs,
}

/// How a tick's readings fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    pub taken: usize,
    pub late: usize,
    pub refused: usize,
}

/// Why a reading cannot be taken, or `None`. Sources that answer their sender ask this before they submit.
pub fn refusal(reading: &Reading, now: EventMs, names: &Names) -> Option<String> {
    if names.sensor_def(reading.sensor).is_none() {
        return Some(format!("sensor {} is not known; register it first", reading.sensor.0));
    }
    if reading.at > now + AHEAD_MOST {
        let most = AHEAD_MOST.0 / 60_000;
        return Some(format!("timestamp {} is more than {most} min ahead of plant time {now}", reading.at));
    }
    if reading.at < now - BEHIND_MOST {
        return Some(format!("timestamp {} is years before plant time {now}; check the clock", reading.at));
    }
    None
}

impl Gate {
    fn is_late(&self, at: EventMs) -> bool {
        let pane_end = at.floor(self.pane_width) + self.pane_width;
        pane_end <= (self.low_water - self.pane_retention).floor(self.pane_width)
    }

    /// Whether a reading of this time would be kept apart as late.
    pub fn late(&self, at: EventMs) -> bool {
        self.is_late(at)
    }

    /// Moves what is late or refused out of the readings and into events, and gives every reading without
    /// a revision the tick's.
    pub fn admit(
        &self,
        tick: Tick,
        now: EventMs,
        names: &Names,
        readings: ReadingBatch,
        into: &mut Inputs,
    ) -> Admitted {
        let mut admitted = Admitted::default();
        for mut reading in readings.iter() {
            if reading.revision == 0 {
                reading.revision = tick.0;
            }
            if let Some(reason) = refusal(&reading, now, names) {
                admitted.refused += 1;
                let row = lehr_domain::event::ErrorRow {
                    id: 0,
                    at: now,
                    source: "gate".into(),
                    reason,
                    hash: lehr_domain::ids::stable_hash(&[u64::from(reading.sensor.0), reading.at.0 as u64]),
                    sample: format!("{} {} {}", names.sensor(reading.sensor), reading.at, reading.value),
                };
                into.events.push(Revised { revision: tick.0, event: Event::Error(row) });
            } else if self.is_late(reading.at) {
                admitted.late += 1;
                let Reading { sensor, at, value, status, revision } = reading;
                let row = LateRow { sensor, at, value, arrived: now, status, revision };
                into.events.push(Revised { revision: tick.0, event: Event::Late(row) });
            } else {
                admitted.taken += 1;
                into.readings.push(reading);
            }
        }
        admitted
    }
}
