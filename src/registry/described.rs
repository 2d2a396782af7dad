//! What a model file says of itself, read from its bytes alone: no library, and nothing of the file is run.
//!
//! An ONNX file is a protobuf message whose field 14 is repeated: an entry of the metadata, with its key as field 1 and
//! its value as field 2. All else is skipped by its length.

use lehr_domain::model::{ModelKind, ModelVersion};
use std::collections::BTreeMap;

/// Field of a model's message that holds an entry of its metadata.
const METADATA: u64 = 14;
const KEY: u64 = 1;
const VALUE: u64 = 2;

/// Entries that are looked at: Lehr's own models have ten.
const ENTRIES_MOST: usize = 256;
/// Bytes of the metrics, which are kept in the journal. Lehr's own have 14 kB.
const METRICS_MOST: usize = 256 << 10;
/// Characters of every other text that is kept.
const TEXT_MOST: usize = 200;

/// Why bytes are no model of Lehr's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    #[error("the file is no ONNX file, or is cut off: {0}")]
    Broken(&'static str),
    #[error(
        "the file's metadata lacks {0}; Lehr takes files that lehr-train wrote, or that say the same of themselves"
    )]
    Missing(&'static str),
    #[error("the file's metadata {key} is '{found}'; expected is {expected}")]
    Bad { key: &'static str, found: String, expected: &'static str },
    #[error("the file has {bytes} bytes, and {most} at most are taken", most = super::files::FILE_MOST)]
    TooLarge { bytes: usize },
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub model: ModelKind,
    pub version: ModelVersion,
    /// When it was trained; empty where it does not say.
    pub trained: String,
    /// Names the data that it was trained on; empty where it does not say.
    pub data: String,
    pub schema: String,
    /// A JSON object.
    pub metrics: String,
}

impl Description {
    pub fn read(bytes: &[u8]) -> Result<Description, NoModel> {
        let mut all = metadata(bytes)?;
        let model = needed(&mut all, "lehr.model")?;
        let kind = "forecaster, graph, ensemble or inspector";
        let model = ModelKind::parse(&model).ok_or_else(|| bad("lehr.model", &model, kind))?;
        let version = needed(&mut all, "lehr.version")?;
        let version = version.parse().map_err(|_| bad("lehr.version", &version, "three numbers, such as 1.0.2"))?;
        let metrics = needed(&mut all, "lehr.metrics")?;
        let parsed = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&metrics);
        if parsed.is_err() || metrics.len() > METRICS_MOST {
            return Err(bad("lehr.metrics", &metrics, "a JSON object of at most 256 KiB"));
        }
        Ok(Description {
            model,
            version,
            trained: short(&all.remove("lehr.trained").unwrap_or_default()),
            data: short(&all.remove("lehr.data").unwrap_or_default()),
            schema: short(&needed(&mut all, "lehr.schema")?),
            metrics,
        })
    }
}

fn needed(all: &mut BTreeMap<String, String>, key: &'static str) -> Result<String, NoModel> {
    all.remove(key).ok_or(NoModel::Missing(key))
}

fn bad(key: &'static str, found: &str, expected: &'static str) -> NoModel {
    NoModel::Bad { key, found: found.chars().take(60).collect(), expected }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MOST).collect()
}

/// The entries of a model's metadata; of a key that is there twice, the last.
fn metadata(bytes: &[u8]) -> Result<BTreeMap<String, String>, NoModel> {
    let mut entries = BTreeMap::new();
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        if let (METADATA, Some(entry)) = (field, value) {
            let (key, value) = pair(entry)?;
            entries.insert(key, value);
            if entries.len() > ENTRIES_MOST {
                return Err(NoModel::Broken("its metadata has too many entries"));
            }
        }
    }
    Ok(entries)
}

fn pair(entry: &[u8]) -> Result<(String, String), NoModel> {
    let (mut key, mut value) = (String::new(), String::new());
    let mut fields = Fields(entry);
    while let Some((field, found)) = fields.next()? {
        let into = match field {
            KEY => &mut key,
            VALUE => &mut value,
            _ => continue,
        };
        let text = found.and_then(|bytes| std::str::from_utf8(bytes).ok());
        *into = text.ok_or(NoModel::Broken("its metadata is no text"))?.to_owned();
    }
    Ok((key, value))
}

/// A field's number, and its bytes where it has a length.
type Field<'b> = (u64, Option<&'b [u8]>);

/// The fields of a message, one behind the other.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn next(&mut self) -> Result<Option<Field<'b>>, NoModel> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => self.take(8).map(|_| None)?,
            2 => {
                let length = usize::try_from(self.varint()?);
                Some(self.take(length.map_err(|_| NoModel::Broken("a field is longer than the file"))?)?)
            }
            5 => self.take(4).map(|_| None)?,
            _ => return Err(NoModel::Broken("a field has no type that there is")),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], NoModel> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(NoModel::Broken("a field is longer than the file"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Seven bits a byte, the lowest first, ten bytes at most.
    fn varint(&mut self) -> Result<u64, NoModel> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(NoModel::Broken("a number in it does not end"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combined, written};
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        let bytes = written(&combined("1.2.3", 7));
        let said = Description::read(&bytes).unwrap();
        assert_eq!((said.model, said.version), (ModelKind::Ensemble, ModelVersion::new(1, 2, 3)));
        assert_eq!((said.trained.as_str(), said.data.as_str()), ("2026-01-05", "recipe"));
        assert_eq!(said.metrics, r#"{"test":[0.5]}"#);
    }

    #[test]
    fn whatever_is_cut_off_or_made_up_is_no_model_and_no_panic() {
        let bytes = written(&combined("1.0.0", 7));
        for end in 0..bytes.len() {
            assert!(Description::read(&bytes[..end]).is_err(), "cut at {end} of {}", bytes.len());
        }
        for broken in
            [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x72\xff\xff\xff\xff\x0f", b"\x07", b"{}"]
        {
            assert!(matches!(Description::read(broken), Err(NoModel::Broken(_))), "{broken:?}");
        }
        assert_eq!(Description::read(b""), Err(NoModel::Missing("lehr.model")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |key: &str, value: &str| {
            let mut graph = combined("1.0.0", 7);
            graph.metadata(key, value);
            Description::read(&written(&graph)).unwrap_err().to_string()
        };
        assert!(with("lehr.model", "oracle").contains("lehr.model is 'oracle'; expected is forecaster"));
        assert!(with("lehr.version", "1").contains("three numbers"));
        assert!(with("lehr.metrics", "[]").contains("a JSON object"));
    }
}
