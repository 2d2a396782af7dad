//! Messages to samples. Pure.

use super::arrow::{Table, Tables, Wanted};
use super::config::{Config, Format, Rows, Tag};
use super::fields::Fields;
use lehr_domain::EventMs;
use lehr_tags::json::{self, TimeUnit, measured, trust};
use lehr_tags::{Quality, Sample, Times};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// Characters of a payload that are kept with a refusal.
const KEPT: usize = 200;

/// A message, as far as its meaning goes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'m> {
    pub topic: &'m str,
    pub key: Option<&'m [u8]>,
    /// A tombstone has none, and says nothing of a sensor.
    pub payload: Option<&'m [u8]>,
    /// The record's timestamp.
    pub at: Option<EventMs>,
}

/// What a message says.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    /// Of the tags.
    pub samples: Vec<Sample>,
    /// Of rows: the sensor's name, and a sample whose tag is yet to be found.
    pub rows: Vec<(String, Sample)>,
    pub refused: Vec<Refused>,
}

/// What could not be read.
#[derive(Debug, PartialEq)]
pub struct Refused {
    pub why: String,
    /// The beginning of what it was.
    pub input: String,
}

/// Which tags and rows a topic has.
#[derive(Debug, Default)]
pub struct Decoder {
    tags: Vec<Tag>,
    rows: Vec<Rows>,
    topics: HashMap<String, Meaning>,
    largest_bytes: usize,
}

#[derive(Debug, Default)]
struct Meaning {
    format: Format,
    tags: Vec<usize>,
    rows: Option<usize>,
    /// Of Arrow's columns.
    wanted: Wanted,
}

impl Decoder {
    pub fn new(config: &Config) -> Decoder {
        let mut topics: HashMap<String, Meaning> = HashMap::new();
        for (place, tag) in config.tags.iter().enumerate() {
            let meaning = topics.entry(tag.topic.clone()).or_default();
            meaning.format = tag.format;
            meaning.tags.push(place);
            tag.pointers().into_iter().filter_map(|(_, at)| at).for_each(|at| meaning.wanted.add(at));
        }
        for (place, rows) in config.rows.iter().enumerate() {
            let meaning = topics.entry(rows.topic.clone()).or_default();
            meaning.format = rows.format;
            meaning.rows = Some(place);
            rows.pointers().into_iter().for_each(|(_, at)| meaning.wanted.add(at));
        }
        let largest_bytes = config.largest_message_kib << 10;
        Decoder { tags: config.tags.clone(), rows: config.rows.clone(), topics, largest_bytes }
    }

    /// A field that cannot be read is refused alone; the rest of the message is read.
    pub fn decode(&self, record: &Record<'_>) -> Decoded {
        let mut decoded = Decoded::default();
        let (Some(meaning), Some(payload)) = (self.topics.get(record.topic), record.payload) else { return decoded };
        if payload.len() > self.largest_bytes {
            let why = format!("{} bytes are more than largest_message_kib allows; raise it", payload.len());
            decoded.refuse(record, &why, payload);
            return decoded;
        }
        match meaning.format {
            Format::Json => self.json(meaning, record, payload, &mut decoded),
            Format::Arrow => self.arrow(meaning, record, payload, &mut decoded),
        }
        decoded
    }

    fn json(&self, meaning: &Meaning, record: &Record<'_>, payload: &[u8], into: &mut Decoded) {
        let message: Value = match serde_json::from_slice(payload) {
            Ok(message) => message,
            Err(error) => return into.refuse(record, &format!("the payload is no JSON: {error}"), payload),
        };
        for tag in meaning.tags.iter().copied().filter(|tag| self.is_of(*tag, record.key)) {
            into.sample(record, self.sample(tag, &message, record.at), || payload.into());
        }
        if let Some(rows) = meaning.rows.map(|rows| &self.rows[rows]) {
            let all = message.as_array().map_or(std::slice::from_ref(&message), Vec::as_slice);
            for row in all {
                into.row(record, read_row(rows, row, record.at), || row.shown().into_bytes().into());
            }
        }
    }

    /// Each row is read as a message of JSON is. Rows before what cannot be read are taken.
    fn arrow(&self, meaning: &Meaning, record: &Record<'_>, payload: &[u8], into: &mut Decoded) {
        for table in Tables::new(payload, &meaning.wanted) {
            let table = match table {
                Ok(table) => table,
                Err(why) => return into.refuse(record, &format!("the payload cannot be read: {why}"), payload),
            };
            // Columns that have to be there are missing for the message, and not for each row.
            let tags: Vec<usize> = meaning
                .tags
                .iter()
                .copied()
                .filter(|tag| self.is_of(*tag, record.key))
                .filter(|tag| {
                    let Tag { value, time, .. } = &self.tags[*tag];
                    into.has(record, &table, [Some(value), time.as_ref()], payload)
                })
                .collect();
            let rows = meaning.rows.map(|rows| &self.rows[rows]);
            let rows = rows.filter(|rows| into.has(record, &table, [Some(&rows.sensor), Some(&rows.value)], payload));
            for row in table.rows() {
                let shown = || row.shown().into_bytes().into();
                for tag in &tags {
                    into.sample(record, self.sample(*tag, &row, record.at), shown);
                }
                if let Some(rows) = rows {
                    into.row(record, read_row(rows, &row, record.at), shown);
                }
            }
        }
    }

    fn is_of(&self, tag: usize, key: Option<&[u8]>) -> bool {
        self.tags[tag].key.as_ref().is_none_or(|wanted| key == Some(wanted.as_bytes()))
    }

    fn sample(&self, place: usize, message: &impl Fields, record_at: Option<EventMs>) -> Read<Sample> {
        let tag = &self.tags[place];
        let said = tag.quality.as_deref().map(|at| field(message, at).map(|found| (found, at))).transpose();
        let (quality, complaint) = trust(lent(&said), tag.quality_codes);
        let value = number(field(message, &tag.value), &tag.value, quality)?;
        let source =
            tag.time.as_deref().map(|at| moment(message, &*field(message, at)?, at, tag.time_unit)).transpose()?;
        let times = Times { source, server: record_at };
        Ok((Sample { tag: place, value, times, quality, historical: false }, complaint))
    }
}

/// What was read, and what is wrong with it all the same; or why it is not taken.
type Read<T> = Result<(T, Option<String>), String>;

impl Decoded {
    fn sample<'s>(&mut self, record: &Record<'_>, read: Read<Sample>, shown: impl Fn() -> Cow<'s, [u8]>) {
        let taken = self.taken(record, read, shown);
        self.samples.extend(taken);
    }

    fn row<'s>(&mut self, record: &Record<'_>, read: Read<(String, Sample)>, shown: impl Fn() -> Cow<'s, [u8]>) {
        let taken = self.taken(record, read, shown);
        self.rows.extend(taken);
    }

    fn taken<'s, T>(&mut self, record: &Record<'_>, read: Read<T>, shown: impl Fn() -> Cow<'s, [u8]>) -> Option<T> {
        let (taken, complaint) = match read {
            Ok((taken, complaint)) => (Some(taken), complaint),
            Err(why) => (None, Some(why)),
        };
        if let Some(why) = complaint {
            self.refuse(record, &why, &shown());
        }
        taken
    }

    /// Whether a table has these columns. One that it lacks is refused.
    fn has(
        &mut self,
        record: &Record<'_>,
        table: &Table<'_, '_>,
        columns: [Option<&String>; 2],
        payload: &[u8],
    ) -> bool {
        let lacking = columns.into_iter().flatten().find(|at| !table.has(at));
        if let Some(at) = lacking {
            self.refuse(record, &format!("there is no column {at}"), payload);
        }
        lacking.is_none()
    }

    fn refuse(&mut self, record: &Record<'_>, why: &str, input: &[u8]) {
        let input = String::from_utf8_lossy(&input[..input.len().min(4 * KEPT)]).chars().take(KEPT).collect();
        self.refused.push(Refused { why: format!("topic {}: {why}", record.topic), input });
    }
}

fn read_row(rows: &Rows, row: &impl Fields, record_at: Option<EventMs>) -> Read<(String, Sample)> {
    let Rows { sensor, value, time, time_unit, quality, quality_codes, .. } = rows;
    let name = field(row, sensor)?;
    let name =
        name.as_str().ok_or_else(|| format!("{sensor} is {}; it must be a sensor's name", json::shown(&name)))?;
    let of = |why: String| format!("{name}: {why}");
    let said = optional(row, quality).map(|found| found.map(|found| (found, quality.as_str())));
    let (quality, complaint) = trust(lent(&said), *quality_codes);
    let value = number(field(row, value), value, quality).map_err(of)?;
    let read = |found: Cow<'_, Value>| moment(row, &found, time, *time_unit);
    let source = optional(row, time).and_then(|found| found.map(read).transpose()).map_err(of)?;
    let times = Times { source, server: record_at };
    let sample = Sample { tag: 0, value, times, quality, historical: false };
    Ok(((name.to_owned(), sample), complaint.map(of)))
}

/// A field that has to be there.
fn field<'m>(message: &'m impl Fields, at: &str) -> Result<Cow<'m, Value>, String> {
    message.find(at)?.ok_or_else(|| format!("there is no {at}"))
}

/// A field that may be left out, or be null.
fn optional<'m>(message: &'m impl Fields, at: &str) -> Result<Option<Cow<'m, Value>>, String> {
    Ok(message.find(at)?.filter(|found| !found.is_null()))
}

fn number(found: Result<Cow<'_, Value>, String>, at: &str, quality: Quality) -> Result<f64, String> {
    measured(found.as_deref().map_err(Clone::clone), at, quality)
}

fn moment(message: &impl Fields, found: &Value, at: &str, unit: TimeUnit) -> Result<EventMs, String> {
    json::time(found, at, message.time_unit(at).unwrap_or(unit))
}

type Found<'m, 'a> = Result<Option<(Cow<'m, Value>, &'a str)>, String>;

fn lent<'f>(said: &'f Found<'_, 'f>) -> Result<Option<(&'f Value, &'f str)>, String> {
    said.as_ref().map(|said| said.as_ref().map(|(found, at)| (&**found, *at))).map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONFIG: &str = r#"
        name = "plant"
        bootstrap = ["127.0.0.1:9092"]
        [[tag]]
        topic = "furnace"
        value = "/temp"
        time = "/ts"
        quality = "/q"
        to = { sensor = "x" }
        [[tag]]
        topic = "furnace"
        value = "/pressure"
        to = { sensor = "y" }
        [[tag]]
        topic = "plain"
        key = "a"
        to = { sensor = "z" }
        [[rows]]
        topic = "rows"
    "#;

    const AT: EventMs = EventMs(1_769_839_000_000);

    fn said(topic: &str, key: Option<&str>, payload: &[u8]) -> Decoded {
        let decoder = Decoder::new(&toml::from_str(CONFIG).unwrap());
        decoder.decode(&Record { topic, key: key.map(str::as_bytes), payload: Some(payload), at: Some(AT) })
    }

    #[test]
    fn value_time_and_quality_are_where_the_paths_say() {
        let payload = br#"{"temp":1520.5,"pressure":"3.2","ts":"2026-01-31T06:00:00.250Z","q":"uncertain"}"#;
        let decoded = said("furnace", None, payload);
        let at = EventMs::parse("2026-01-31T06:00:00.250Z").unwrap();
        let [temperature, pressure] = decoded.samples.as_slice() else { panic!("{decoded:?}") };
        assert_eq!((temperature.tag, temperature.value, temperature.times.source), (0, 1520.5, Some(at)));
        assert_eq!(temperature.quality, Quality::Uncertain);
        assert_eq!((pressure.tag, pressure.value), (1, 3.2));
        assert_eq!((pressure.times.source, pressure.times.server), (None, Some(AT)), "the record's time is left");
        assert_eq!(said("plain", Some("a"), b" 17 ").samples[0].value, 17.0);
        assert_eq!(said("plain", Some("b"), b"17"), Decoded::default(), "of another key");
        assert_eq!(said("elsewhere", None, b"not even json"), Decoded::default());
    }

    #[test]
    fn rows_come_alone_or_many_and_a_bad_one_takes_no_other_along() {
        let one = said("rows", None, br#"{"sensor_id":"s1","timestamp":1769839200000,"value":4,"unit":"K"}"#);
        assert_eq!((one.rows[0].0.as_str(), one.rows[0].1.value), ("s1", 4.0));
        let many = br#"[{"sensor_id":"s1","value":4},{"value":5},{"sensor_id":"s2","value":"hot"},
            {"sensor_id":"s3","value":6,"timestamp":"soon"},{"sensor_id":"s4","value":null,"quality":"bad"},
            {"sensor_id":"s5","value":7,"quality":"??"},8]"#;
        let many = said("rows", None, many);
        let rows: Vec<(&str, Quality)> = many.rows.iter().map(|(name, row)| (name.as_str(), row.quality)).collect();
        assert_eq!(rows, [("s1", Quality::Good), ("s4", Quality::Bad), ("s5", Quality::Uncertain)]);
        let refused: Vec<&str> = many.refused.iter().map(|refused| refused.why.as_str()).collect();
        for (refused, part) in refused.iter().zip([
            "topic rows: there is no /sensor_id",
            "s2: /value is \"hot\"; it must be a number",
            "s3: /timestamp is \"soon\"; it must be RFC 3339",
            "s5: /quality is \"??\"; it must be good",
            "there is no /sensor_id",
        ]) {
            assert!(refused.contains(part), "{refused} has no {part}");
        }
        assert_eq!(refused.len(), 5);
        assert_eq!(many.refused[4].input, "8");
    }

    #[test]
    fn a_bad_field_takes_no_other_along() {
        for (payload, kept, complaint) in [
            (r#"{"temp":"hot","ts":1,"q":"good","pressure":4}"#, vec![1], "/temp is \"hot\"; it must be a number"),
            (r#"{"temp":7,"ts":"soon","q":"good","pressure":4}"#, vec![1], "/ts is \"soon\"; it must be RFC 3339"),
            (r#"{"temp":7,"q":"good","pressure":4}"#, vec![1], "there is no /ts"),
            (r#"{"temp":7,"ts":1,"pressure":4}"#, vec![0, 1], "there is no /q"),
            (r#"{"temp":null,"ts":1,"q":192,"pressure":4}"#, vec![1], "/temp is null"),
        ] {
            let decoded = said("furnace", None, payload.as_bytes());
            let tags: Vec<usize> = decoded.samples.iter().map(|sample| sample.tag).collect();
            assert_eq!(tags, kept, "{payload}");
            assert_eq!(decoded.refused.len(), 1, "{payload}");
            assert!(decoded.refused[0].why.contains(complaint), "{payload}: {:?}", decoded.refused);
        }
        let large = vec![b' '; (1 << 20) + 1];
        assert!(said("furnace", None, &large).refused[0].why.contains("largest_message_kib"));
    }

    proptest! {
        #[test]
        fn every_tag_of_a_message_is_a_sample_or_a_refusal(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            for topic in ["furnace", "rows"] {
                let decoded = said(topic, None, &payload);
                let rows = serde_json::from_slice::<Value>(&payload).ok().and_then(|all| all.as_array().map(Vec::len));
                let least = if topic == "rows" && rows == Some(0) { 0 } else { 1 };
                prop_assert!(decoded.samples.len() + decoded.rows.len() + decoded.refused.len() >= least);
            }
        }

        #[test]
        fn almost_json_is_read_or_refused(value in ".{0,12}", at in any::<f64>(), q in any::<i64>(), rows in 1..5_usize) {
            let row = format!("{{\"sensor_id\":\"s\",\"value\":{value},\"timestamp\":{at:?},\"quality\":{q}}}");
            let decoded = said("rows", None, format!("[{}]", vec![row; rows].join(",")).as_bytes());
            let all_or_none = decoded.rows.len() + decoded.refused.len() >= rows || decoded.refused.len() == 1;
            prop_assert!(all_or_none, "{decoded:?}");
            let finite = |(_, row): &(String, Sample)| row.value.is_finite() || row.quality == Quality::Bad;
            prop_assert!(decoded.rows.iter().all(finite));
        }
    }
}
