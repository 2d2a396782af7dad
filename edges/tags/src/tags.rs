//! Samples to readings.

use crate::intake::Gathered;
use crate::quality::Quality;
use crate::status::SourceStatus;
use crate::target::{Resolved, Target, TargetError};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Micro, Reading, SensorId, SpanMs, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Whose clock a reading goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestampOf {
    /// The device's, where it says one.
    #[default]
    Source,
    /// The server's that passes the value on.
    Server,
    /// Lehr's, when the value arrives.
    Arrival,
}

/// When a value was measured, by the clocks that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub source: Option<EventMs>,
    pub server: Option<EventMs>,
}

/// A clock that is ahead of Lehr's by more than this is wrong: what it says would hold back everything after it.
pub(crate) const AHEAD_MOST: SpanMs = SpanMs::minutes(2);

/// What a device says of a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Position of the tag among those of the source.
    pub tag: usize,
    /// Booleans are 0 and 1.
    pub value: f64,
    pub times: Times,
    pub quality: Quality,
    /// From a device's memory: passed on whatever the deadband, and no last value.
    pub historical: bool,
}

/// The tags of a source.
#[derive(Debug)]
pub struct Tags {
    source: String,
    clock: TimestampOf,
    tags: Vec<(String, Resolved)>,
    passed: BTreeMap<usize, Passed>,
}

/// What was passed on last of a tag.
#[derive(Clone, Copy, Debug)]
struct Passed {
    at: EventMs,
    value: Micro,
    status: Status,
}

impl Tags {
    /// `tags` are addresses, for messages, and what they are. The error names the tag.
    pub fn new<'t>(
        source: &str,
        clock: TimestampOf,
        tags: impl IntoIterator<Item = (String, &'t Target)>,
        names: &Names,
    ) -> Result<Tags, (String, TargetError)> {
        let tags = tags.into_iter().map(|(address, target)| match target.resolve(names) {
            Ok(resolved) => Ok((address, resolved)),
            Err(error) => Err((address, error)),
        });
        Ok(Tags { source: source.to_owned(), clock, tags: tags.collect::<Result<_, _>>()?, passed: BTreeMap::new() })
    }

    pub fn len(&self) -> usize {
        self.tags.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// A value of the device as the sensor's, for sources that make readings of their own. The error says what is wrong.
    pub fn convert(&self, tag: usize, value: f64) -> Result<(SensorId, Micro), String> {
        let (_, resolved) = self.tags.get(tag).ok_or_else(|| format!("there is no tag {tag}"))?;
        Ok((resolved.sensor, resolved.convert(value)?))
    }

    /// Takes a sample that arrived at `now`. What cannot be taken becomes an error, and harms nothing else.
    pub fn take(&mut self, sample: &Sample, now: EventMs, into: &mut Gathered, status: &SourceStatus) {
        let Some((address, resolved)) = self.tags.get(sample.tag) else { return };
        let at = match self.clock {
            TimestampOf::Source => sample.times.source.or(sample.times.server),
            TimestampOf::Server => sample.times.server.or(sample.times.source),
            TimestampOf::Arrival => None,
        };
        let at = at.unwrap_or(now);
        let refused = if at > now + AHEAD_MOST {
            Some(format!("time {at} is ahead of {now}; set the device's clock, or go by the time of arrival"))
        } else {
            None
        };
        // A bad value need not be a number.
        let bad = sample.quality == Quality::Bad;
        let value = match resolved.convert(sample.value) {
            Err(_) if bad => Ok(Micro(0)),
            converted => converted.map_err(|error| format!("value {}: {error}", sample.value)),
        };
        let value = match (refused, value) {
            (None, Ok(value)) => value,
            (Some(reason), _) | (None, Err(reason)) => {
                status.refused(1);
                return into.refuse(&self.source, now, &format!("tag {address}: {reason}"), &sample.value.to_string());
            }
        };
        let reading = Reading { sensor: resolved.sensor, at, revision: 0, value, status: sample.quality.status() };
        if !sample.historical {
            if self.passed.get(&sample.tag).is_some_and(|last| !is_news(last, &reading, resolved)) {
                return status.unchanged(1);
            }
            self.passed.insert(sample.tag, Passed { at, value, status: reading.status });
        }
        status.passed(address, value, at);
        into.readings.push(reading);
    }
}

fn is_news(last: &Passed, reading: &Reading, tag: &Resolved) -> bool {
    let moved = (reading.value.to_f64() - last.value.to_f64()).abs();
    let same_time = reading.at == last.at;
    let due = (reading.at - last.at).0 >= tag.at_least_every_ms;
    let changed = reading.status != last.status || moved > tag.deadband || (tag.deadband == 0.0 && !same_time);
    (changed && !(same_time && moved == 0.0 && reading.status == last.status)) || due && !same_time
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    const SENSOR: &str = "Line_A.furnace_temperature";
    const NOW: EventMs = EventMs(1_800_000_000_000);

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    fn target(text: &str) -> Target {
        toml::from_str(text).unwrap()
    }

    fn tags(text: &str) -> Tags {
        let target = target(&format!("sensor = \"{SENSOR}\"\n{text}"));
        Tags::new("plc", TimestampOf::Source, [("40001".into(), &target)], &names()).unwrap()
    }

    fn sample(value: f64, at: EventMs) -> Sample {
        let times = Times { source: Some(at), server: None };
        Sample { tag: 0, value, times, quality: Quality::Good, historical: false }
    }

    #[test]
    fn values_are_converted_and_carry_quality_and_time() {
        let (mut tags, mut into, status) =
            (tags("unit = \"°F\"\nscale = 0.1"), Gathered::default(), SourceStatus::new("plc", "modbus"));
        let at = NOW - SpanMs::seconds(3);
        tags.take(&Sample { quality: Quality::Uncertain, ..sample(27_680.0, at) }, NOW, &mut into, &status);
        let reading = into.readings.iter().next().unwrap();
        assert_eq!((reading.at, reading.value, reading.status), (at, Micro::units(1520), Status::Warning));
    }

    #[test]
    fn small_changes_are_withheld_but_not_for_long_and_a_change_of_quality_is_none() {
        let (mut tags, mut into, status) =
            (tags("deadband = 0.5\nat_least_every_s = 30"), Gathered::default(), SourceStatus::new("plc", "modbus"));
        let seconds = |n| NOW + SpanMs::seconds(n);
        for (value, second) in [(1500.0, 0), (1500.4, 1), (1500.6, 2), (1500.7, 3), (1500.7, 33)] {
            tags.take(&sample(value, seconds(second)), seconds(second), &mut into, &status);
        }
        tags.take(&Sample { quality: Quality::Bad, ..sample(1500.7, seconds(34)) }, seconds(34), &mut into, &status);
        let passed: Vec<f64> = into.readings.iter().map(|reading| reading.value.to_f64()).collect();
        assert_eq!(passed, [1500.0, 1500.6, 1500.7, 1500.7]);
        assert_eq!(status.standing().unchanged, 2);
    }

    #[test]
    fn a_bad_value_is_refused_alone_and_named() {
        let (mut tags, mut into, status) = (tags(""), Gathered::default(), SourceStatus::new("plc", "modbus"));
        tags.take(&sample(f64::NAN, NOW), NOW, &mut into, &status);
        tags.take(&sample(1500.0, NOW + SpanMs::hours(1)), NOW, &mut into, &status);
        tags.take(&Sample { quality: Quality::Bad, ..sample(f64::NAN, NOW) }, NOW, &mut into, &status);
        tags.take(&sample(1501.0, NOW + SpanMs::seconds(1)), NOW, &mut into, &status);
        assert_eq!((into.readings.len(), into.errors.len(), status.standing().refused), (2, 2, 2));
        assert!(into.errors[0].reason.starts_with("tag 40001: value NaN"), "{}", into.errors[0].reason);
        assert!(into.errors[1].reason.contains("set the device's clock"), "{}", into.errors[1].reason);
    }

    #[test]
    fn what_comes_from_a_devices_memory_is_passed_on_and_is_no_last_value() {
        let (mut tags, mut into, status) =
            (tags("deadband = 100"), Gathered::default(), SourceStatus::new("plc", "mqtt"));
        tags.take(&sample(1500.0, NOW), NOW, &mut into, &status);
        tags.take(&Sample { historical: true, ..sample(1501.0, NOW - SpanMs::hours(1)) }, NOW, &mut into, &status);
        tags.take(&sample(1502.0, NOW + SpanMs::seconds(1)), NOW, &mut into, &status);
        assert_eq!((into.readings.len(), status.standing().unchanged), (2, 1));
    }

    #[test]
    fn a_sensor_that_is_not_there_is_named_with_one_that_is() {
        let target = target("sensor = \"LineA.furnace_temperature\"");
        let (tag, error) = Tags::new("plc", TimestampOf::Source, [("40001".into(), &target)], &names()).unwrap_err();
        assert_eq!(
            (tag.as_str(), error.to_string().as_str()),
            (
                "40001",
                "sensor LineA.furnace_temperature is not in the catalogue; did you mean Line_A.furnace_temperature?",
            )
        );
    }
}
