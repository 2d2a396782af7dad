//! What a model file says of itself.

use std::collections::BTreeMap;
use std::fmt;

use lehr_domain::model::ModelVersion;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Refusal;

/// What a model reads, as one number: names, units and order of its inputs. Two models with the same schema can take
/// each other's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema(String);

impl Schema {
    /// The SHA-256, in hexadecimal digits, of a line `name TAB unit LF` for each input, in their order.
    pub fn of<'a>(inputs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut hash = Sha256::new();
        for (name, unit) in inputs {
            hash.update(format!("{name}\t{unit}\n"));
        }
        Schema(hexadecimal(&hash.finalize()))
    }

    /// As a file has it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Schema(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Mean and standard deviation of each input over the training data, in engineering units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    pub mean: Vec<f32>,
    pub deviation: Vec<f32>,
}

impl Scaler {
    /// Whether it is for so many inputs, and can be divided by.
    fn fits(&self, inputs: usize) -> bool {
        let finite = |values: &[f32]| values.len() == inputs && values.iter().all(|value| value.is_finite());
        finite(&self.mean) && finite(&self.deviation) && self.deviation.iter().all(|&deviation| deviation > 0.0)
    }
}

/// Everything that a file says of itself besides its arithmetic.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// `lehr.model`: what it is for, such as `forecaster`.
    pub model: String,
    /// `lehr.version`.
    pub version: ModelVersion,
    /// `lehr.schema`.
    pub schema: Schema,
    /// `lehr.data`: the recipe of the set that it was trained on.
    pub data: Option<String>,
    /// `lehr.scaler`, where the model has one. The graph scales by itself: this is for whoever needs a mean.
    pub scaler: Option<Scaler>,
    /// `lehr.metrics`: what it reached on data that it never saw.
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// `lehr.trained`: the date.
    pub trained: Option<String>,
    /// All other keys, such as those of the model's card.
    pub rest: BTreeMap<String, String>,
}

impl Metadata {
    /// # Errors
    /// When a key that every model has is missing, or one cannot be read. `scaled` is how many inputs the scaler must
    /// have, where one is needed.
    pub(crate) fn read(mut all: BTreeMap<String, String>, scaled: Option<usize>) -> Result<Self, Refusal> {
        let mut needed = |key: &'static str| all.remove(key).ok_or(Refusal::Missing { key });
        let model = needed("lehr.model")?;
        let version = needed("lehr.version")?;
        let schema = Schema(needed("lehr.schema")?);
        let metrics = needed("lehr.metrics")?;
        let bad = |key, found: &str, expected: &str| Refusal::Metadata {
            key,
            found: shortened(found),
            expected: expected.to_owned(),
        };
        let scaler = match (all.remove("lehr.scaler"), scaled) {
            (None, Some(_)) => return Err(Refusal::Missing { key: "lehr.scaler" }),
            (None, None) => None,
            (Some(text), scaled) => {
                let scaler = serde_json::from_str::<Scaler>(&text).ok();
                let fits = |scaler: &Scaler| scaler.fits(scaled.unwrap_or(scaler.mean.len()));
                let inputs = scaled.map_or_else(|| "as many".to_owned(), |inputs| inputs.to_string());
                let expected = format!("JSON with {inputs} finite numbers in mean, and {inputs} above 0 in deviation");
                Some(scaler.filter(fits).ok_or_else(|| bad("lehr.scaler", &text, &expected))?)
            }
        };
        Ok(Metadata {
            model,
            version: version.parse().map_err(|_| bad("lehr.version", &version, "a version such as 1.2.3"))?,
            schema,
            data: all.remove("lehr.data"),
            scaler,
            metrics: serde_json::from_str(&metrics).map_err(|_| bad("lehr.metrics", &metrics, "a JSON object"))?,
            trained: all.remove("lehr.trained"),
            rest: all,
        })
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So much of a text as belongs into a message.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_tell_names_units_and_order_apart() {
        let schema = |inputs: &[(&str, &str)]| Schema::of(inputs.iter().copied());
        let one = schema(&[("melt", "°C"), ("level", "mm")]);
        assert_eq!(one, schema(&[("melt", "°C"), ("level", "mm")]));
        assert_ne!(one, schema(&[("level", "mm"), ("melt", "°C")]));
        assert_ne!(one, schema(&[("melt", "K"), ("level", "mm")]));
        assert_eq!(one.as_str().len(), 64);
    }

    fn all() -> BTreeMap<String, String> {
        [
            ("lehr.model", "forecaster"),
            ("lehr.version", "1.0.0"),
            ("lehr.schema", "abc"),
            ("lehr.metrics", r#"{"recall":0.91}"#),
            ("lehr.scaler", r#"{"mean":[1.0,2.0],"deviation":[0.5,1.0]}"#),
            ("card.author", "the melting shop"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn metadata_is_read_and_what_is_missing_or_wrong_is_named() {
        let read = Metadata::read(all(), Some(2)).unwrap();
        assert_eq!(read.metrics["recall"], 0.91);
        assert_eq!(read.rest["card.author"], "the melting shop");
        for key in ["lehr.model", "lehr.version", "lehr.schema", "lehr.metrics", "lehr.scaler"] {
            let mut without = all();
            without.remove(key);
            assert_eq!(Metadata::read(without, Some(2)), Err(Refusal::Missing { key }));
        }
        let said = |key: &str, value: &str| {
            let mut wrong = all();
            wrong.insert(key.to_owned(), value.to_owned());
            Metadata::read(wrong, Some(2)).unwrap_err().to_string()
        };
        assert_eq!(
            said("lehr.version", "newest"),
            "its metadata lehr.version is \"newest\", expected is a version such as 1.2.3"
        );
        assert_eq!(said("lehr.metrics", "[]"), "its metadata lehr.metrics is \"[]\", expected is a JSON object");
        for scaler in ["{}", r#"{"mean":[1.0],"deviation":[1.0]}"#, r#"{"mean":[1.0,1.0],"deviation":[1.0,0.0]}"#] {
            let said = said("lehr.scaler", scaler);
            assert!(
                said.ends_with("JSON with 2 finite numbers in mean, and 2 above 0 in deviation"),
                "{scaler}: {said}"
            );
        }
    }
}
