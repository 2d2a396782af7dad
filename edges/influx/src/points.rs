//! Points to readings. Every field is taken or refused on its own.

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines, split_lines};
use lehr_domain::event::SensorDef;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Micro, Reading, ReadingBatch, SensorId, Status};
use lehr_tags::{Quality, conversion};

/// In which unit the times of points are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

/// What came of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken<'t> {
    /// Revision 0 stands for "none given".
    pub readings: ReadingBatch,
    pub mistakes: Vec<Mistake<'t>>,
}

/// A point or a field that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake<'t> {
    /// Position of the point in the text, from 0. Comments and empty lines do not count.
    pub point: usize,
    /// The field, tag or `time` that is wrong; empty when the point cannot be read at all.
    pub field: String,
    pub message: String,
    /// The begin of the point as it was sent.
    pub sent: &'t str,
}

/// Characters of a point that are shown. A point may be as long as the text and have as many mistakes as fields.
const SENT_MOST: usize = 200;

impl Precision {
    /// As InfluxDB's API spells it.
    pub fn parse(text: &str) -> Option<Precision> {
        match text {
            "ns" | "n" => Some(Precision::Nanoseconds),
            "us" | "u" => Some(Precision::Microseconds),
            "ms" => Some(Precision::Milliseconds),
            "s" => Some(Precision::Seconds),
            _ => None,
        }
    }

    /// Times between milliseconds belong to the one before.
    fn time(self, stamp: i64) -> Option<EventMs> {
        match self {
            Precision::Nanoseconds => Some(stamp.div_euclid(1_000_000)),
            Precision::Microseconds => Some(stamp.div_euclid(1_000)),
            Precision::Milliseconds => Some(stamp),
            Precision::Seconds => stamp.checked_mul(1_000),
        }
        .map(EventMs)
    }
}

/// Reads a text that arrived at `now`. `refusal` says why a reading cannot be taken, if it cannot, because of its time.
pub fn read<'t>(
    text: &'t str,
    precision: Precision,
    names: &Names,
    now: EventMs,
    refusal: impl Fn(&Reading) -> Option<String>,
) -> Taken<'t> {
    let mut taken = Taken::default();
    for (index, line) in parse_lines(text).enumerate() {
        match line {
            Ok(line) => Point { index, line: &line, names }.take(precision, now, &refusal, &mut taken),
            Err(error) => taken.refuse(index, "", format!("this is no point of the line protocol: {error}")),
        }
    }
    if !taken.mistakes.is_empty() {
        let points = split_lines(text).map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let points: Vec<&str> = points.collect();
        for mistake in &mut taken.mistakes {
            mistake.sent = points.get(mistake.point).map(|point| begin(point)).unwrap_or_default();
        }
    }
    taken
}

fn begin(point: &str) -> &str {
    point.char_indices().nth(SENT_MOST).map_or(point, |(end, _)| &point[..end])
}

impl Taken<'_> {
    fn refuse(&mut self, point: usize, field: &str, message: String) {
        self.mistakes.push(Mistake { point, field: field.to_owned(), message, sent: "" });
    }
}

struct Point<'p, 't> {
    index: usize,
    line: &'p ParsedLine<'t>,
    names: &'p Names,
}

impl Point<'_, '_> {
    fn take(
        &self,
        precision: Precision,
        now: EventMs,
        refusal: &impl Fn(&Reading) -> Option<String>,
        into: &mut Taken<'_>,
    ) {
        let Some(at) = self.line.timestamp.map_or(Some(now), |stamp| precision.time(stamp)) else {
            return into.refuse(self.index, "time", "is out of range; is `precision` right?".to_owned());
        };
        let Some(status) = self.status() else {
            return into.refuse(self.index, "quality", "must be good, uncertain or bad".to_owned());
        };
        for (field, value) in &self.line.field_set {
            let reading = self.value(field.as_str(), value).and_then(|(sensor, value)| {
                let reading = Reading { sensor, at, revision: 0, value, status };
                refusal(&reading).map_or(Ok(reading), |message| Err(("time".to_owned(), message)))
            });
            match reading {
                Ok(reading) => into.readings.push(reading),
                Err((wrong, message)) => into.refuse(self.index, &wrong, message),
            }
        }
    }

    fn tag(&self, name: &str) -> Option<String> {
        self.line.tag_value(name).map(|value| value.to_string())
    }

    fn status(&self) -> Option<Status> {
        match self.tag("quality").as_deref() {
            None | Some("good") => Some(Quality::Good.status()),
            Some("uncertain") => Some(Quality::Uncertain.status()),
            Some("bad") => Some(Quality::Bad.status()),
            Some(_) => None,
        }
    }

    /// The reading of a field; or what is wrong, and how.
    fn value(&self, field: &str, value: &FieldValue<'_>) -> Result<(SensorId, Micro), (String, String)> {
        let wrong = |message: String| (field.to_owned(), message);
        let number = match value {
            FieldValue::F64(value) => *value,
            FieldValue::I64(value) => *value as f64,
            FieldValue::U64(value) => *value as f64,
            FieldValue::Boolean(value) => f64::from(u8::from(*value)),
            FieldValue::String(_) => return Err(wrong("is text; a sensor's value is a number".to_owned())),
        };
        let (sensor, def) = self.sensor(field).map_err(wrong)?;
        let (factor, offset) = match self.tag("unit") {
            None => (1.0, 0.0),
            Some(unit) => conversion(&unit, &def.unit)
                .map_err(|error| ("unit".to_owned(), format!("of {}: {error}", def.name)))?,
        };
        let value = Micro::from_f64(number * factor + offset).map_err(|error| wrong(error.to_string()))?;
        Ok((sensor, value))
    }

    /// See the head of the crate.
    fn sensor(&self, field: &str) -> Result<(SensorId, &SensorDef), String> {
        let measurement = self.line.series.measurement.as_str();
        let mut candidates = Vec::with_capacity(3);
        if field == "value" {
            candidates.extend(self.tag("sensor_id"));
        }
        candidates.push(format!("{measurement}.{field}"));
        if let Some(line) = self.tag("line") {
            candidates.push(format!("{line}.{}", if field == "value" { measurement } else { field }));
        }
        let find = |name: &String| {
            let sensor = self.names.sensor_id(name)?;
            Some((sensor, self.names.sensor_def(sensor)?))
        };
        candidates.iter().find_map(find).ok_or_else(|| {
            format!(
                "is of no known sensor: {} is not in the catalogue; give a tag sensor_id",
                candidates.join(", nor ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};
    use proptest::prelude::*;

    const NOW: EventMs = EventMs(1_800_000_000_000);

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    fn taken(text: &str) -> Vec<(String, i64, f64, Status)> {
        let names = names();
        let taken = read(text, Precision::Nanoseconds, &names, NOW, |_| None);
        assert_eq!(taken.mistakes, []);
        let shown = |reading: Reading| {
            (names.sensor(reading.sensor).to_owned(), reading.at.0, reading.value.to_f64(), reading.status)
        };
        taken.readings.iter().map(shown).collect()
    }

    fn mistakes(text: &str) -> Vec<(usize, String, String)> {
        let taken = read(text, Precision::Nanoseconds, &names(), NOW, |_| None);
        taken.mistakes.into_iter().map(|Mistake { point, field, message, .. }| (point, field, message)).collect()
    }

    #[test]
    fn a_mistake_shows_the_point_as_it_was_sent() {
        let text = "# a remark\n\nplc value=1 1\nnonsense\n  Line_B nothing=2i\n";
        let sent = |text: &str| -> Vec<String> {
            let taken = read(text, Precision::Nanoseconds, &names(), NOW, |_| None);
            taken.mistakes.into_iter().map(|mistake| mistake.sent.to_owned()).collect()
        };
        assert_eq!(sent(text), ["plc value=1 1", "nonsense", "Line_B nothing=2i"]);
        assert_eq!(sent("plc note=\"two\nlines\"\nnonsense\n"), ["plc note=\"two\nlines\"", "nonsense"]);
        let long = format!("plc ü=\"{}\",b=2", "ü".repeat(1000));
        assert_eq!(sent(&long).iter().map(|sent| sent.chars().count()).collect::<Vec<_>>(), [SENT_MOST, SENT_MOST]);
    }

    #[test]
    fn a_field_finds_its_sensor_by_tag_by_measurement_and_by_line() {
        let text = "# from the gateway\n\
                    plc,sensor_id=Line_A.furnace_temperature,host=gw1 value=1500.5 1799999999123456789\n\
                    Line_B furnace_temperature=1501i\n\
                    furnace_temperature,line=Line_C,unit=°F,quality=uncertain value=2732 1799999999000000000\n";
        let expected = [
            ("Line_A.furnace_temperature", 1_799_999_999_123, 1500.5, Status::Ok),
            ("Line_B.furnace_temperature", NOW.0, 1501.0, Status::Ok),
            ("Line_C.furnace_temperature", 1_799_999_999_000, 1500.0, Status::Warning),
        ];
        assert_eq!(taken(text), expected.map(|(name, at, value, status)| (name.to_owned(), at, value, status)));
    }

    #[test]
    fn what_is_wrong_is_named_and_harms_nothing_else() {
        let text = "Line_A furnace_temperature=\"hot\",nothing=1\nthis is none\nLine_A,quality=fine furnace_temperature=1\n\
                    Line_A,unit=bar furnace_temperature=1500";
        let found = mistakes(text);
        let fields: Vec<(usize, &str)> = found.iter().map(|(point, field, _)| (*point, field.as_str())).collect();
        assert_eq!(fields, [(0, "furnace_temperature"), (0, "nothing"), (1, ""), (2, "quality"), (3, "unit")]);
        assert!(found[1].2.contains("Line_A.nothing is not in the catalogue; give a tag sensor_id"), "{found:?}");
    }

    #[test]
    fn times_are_read_in_the_precision_that_was_said() {
        let names = names();
        let all =
            [("s", "1800000000"), ("ms", "1800000000000"), ("us", "1800000000000999"), ("ns", "1800000000000999999")];
        for (precision, stamp) in all {
            let precision = Precision::parse(precision).unwrap();
            let text = format!("Line_A furnace_temperature=1500 {stamp}");
            let taken = read(&text, precision, &names, EventMs(0), |_| None);
            assert_eq!(taken.readings.iter().map(|reading| reading.at).collect::<Vec<_>>(), [NOW], "{precision:?}");
        }
        let far = read("Line_A furnace_temperature=1 9223372036854775807", Precision::Seconds, &names, NOW, |_| None);
        assert_eq!(far.mistakes[0].field, "time");
        assert_eq!(Precision::parse("min"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_taken_or_refused(text in "[a-zA-Z_.,= \\\\\"0-9\n-]{0,200}|\\PC{0,100}") {
            let taken = read(&text, Precision::Nanoseconds, &names(), NOW, |_| None);
            let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
            prop_assert!(taken.mistakes.iter().all(|mistake| mistake.point < lines.max(1)));
        }
    }
}
