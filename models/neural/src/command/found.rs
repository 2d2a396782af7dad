use lehr_metrics::Bin;
use lehr_neural::judging::Judged;
use lehr_neural::properties::with_property;
use lehr_neural::replacing::replace;
use lehr_neural::verdict::{Line, columns};
use serde_json::{Map, Value, json};

use super::models::{Models, read};

/// What was found of a written model on its test part.
pub struct Found {
    pub model: &'static str,
    pub version: String,
    pub lines: Vec<Line>,
    /// The report of its test, as the model's file has it.
    pub report: Value,
    /// The same, as its history has it.
    pub history: Value,
    /// What its probabilities were worth, for each thing that it says.
    pub curves: Vec<(String, Vec<Bin>)>,
}

impl Found {
    /// Puts what was found into the model's file and history, in place of what they said of the test. What the model
    /// computes is left as it is.
    pub fn keep(&self, models: &Models, metrics: &Map<String, Value>) -> Result<(), Box<dyn std::error::Error>> {
        let path = models.path(self.model, &self.version, "onnx");
        let mut metrics = metrics.clone();
        metrics.insert("test".to_owned(), self.report.clone());
        replace(&path, &with_property(&read(&path)?, "lehr.metrics", &Value::Object(metrics).to_string(), &path)?)?;

        let mut history = models.history(self.model, &self.version)?;
        history["test"] = self.history.clone();
        replace(&models.path(self.model, &self.version, "json"), &serde_json::to_vec_pretty(&history)?)?;
        Ok(())
    }

    /// As JSON: the bins of each thing that the model says.
    pub fn reliability(&self) -> Value {
        self.curves.iter().map(|(of, bins)| (of.clone(), json!(bins))).collect::<Map<String, Value>>().into()
    }
}

/// The curve of one thing that a model says.
pub fn curve(of: impl Into<String>, judged: &Judged) -> (String, Vec<Bin>) {
    (of.into(), judged.reliability.clone())
}

/// What was said against what came, of all models, as a table for people.
pub fn reliability(all: &[Found]) -> String {
    let heads = ["reliability", "examples", "said", "came"].map(str::to_owned);
    let mut rows = vec![heads];
    for found in all {
        for (of, bins) in &found.curves {
            rows.extend(bins.iter().map(|bin| {
                let name = format!("{}: {of}", found.model);
                [name, bin.count.to_string(), format!("{:.3}", bin.confidence), format!("{:.3}", bin.frequency)]
            }));
        }
    }
    columns(&rows)
}
