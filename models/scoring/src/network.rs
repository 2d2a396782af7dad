//! The model of a line's sensors as a graph: which of them fail, which behave oddly, which belong together.

use std::path::Path;

use crate::SENSORS;
use crate::{Batch, Contract, Error, Model, Options, Pool, Port, Runtime, Schema};

/// The sensors of a line as nodes and edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What is known of each sensor: `[SENSORS, features]`.
    pub nodes: Vec<f32>,
    /// The correlation of each two: `[SENSORS, SENSORS]`. Of the same two hours where [`Verdict::failure`] and
    /// [`Verdict::anomaly`] are asked for; the mean over days where [`Verdict::edge`] is, for which two hours tell too
    /// little.
    pub edges: Vec<f32>,
}

/// Probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Of each sensor's failure.
    pub failure: Vec<f32>,
    /// Of each sensor's anomaly.
    pub anomaly: Vec<f32>,
    /// That each two belong together: `[SENSORS, SENSORS]`. Follows from [`Snapshot::edges`] alone.
    pub edge: Vec<f32>,
}

/// A graph model that is ready.
#[derive(Debug)]
pub struct Network {
    pool: Pool,
    features: usize,
}

impl Network {
    /// What a graph model's file must be, with so many features of a node.
    pub fn contract(schema: Schema, features: usize) -> Contract {
        Contract {
            model: "graph",
            schema,
            inputs: vec![Port::new("nodes", [SENSORS, features]), Port::new("edges", [SENSORS, SENSORS])],
            outputs: vec![
                Port::new("failure", [SENSORS]),
                Port::new("anomaly", [SENSORS]),
                Port::new("edge", [SENSORS, SENSORS]),
            ],
            scaled: None,
        }
    }

    /// # Errors
    /// When the file cannot be read or is refused.
    pub fn open(
        runtime: &Runtime,
        file: &Path,
        schema: Schema,
        features: usize,
        options: Options,
    ) -> Result<Self, Error> {
        Self::from_model(runtime, Model::read(runtime, file, Self::contract(schema, features))?, features, options)
    }

    /// From a model that was checked against [`Network::contract`].
    ///
    /// # Errors
    /// When it fails on sensors that read nothing.
    pub fn from_model(runtime: &Runtime, model: Model, features: usize, options: Options) -> Result<Self, Error> {
        // Sensors that have nothing to do with each other.
        let alone = (0..SENSORS * SENSORS).map(|at| if at % (SENSORS + 1) == 0 { 1.0 } else { 0.0 });
        let trial = Batch { rows: 1, values: vec![vec![0.0; SENSORS * features], alone.collect()] };
        Ok(Network { pool: Pool::open(runtime, model, options, &trial)?, features })
    }

    pub fn model(&self) -> &Model {
        self.pool.model()
    }

    /// # Errors
    /// When a snapshot is not of this size or not finite, or scoring fails.
    pub fn judge(&self, snapshots: &[Snapshot]) -> Result<Vec<Verdict>, Error> {
        for (row, snapshot) in snapshots.iter().enumerate() {
            let sizes = (snapshot.nodes.len(), snapshot.edges.len());
            if sizes != (SENSORS * self.features, SENSORS * SENSORS) {
                let (nodes, edges) = sizes;
                let problem = format!(
                    "{nodes} and {edges} numbers are given, [{SENSORS}, {}] and [{SENSORS}, {SENSORS}] are needed",
                    self.features
                );
                return Err(Error::Input { field: format!("nodes and edges of row {row}"), problem });
            }
        }
        let all = |part: fn(&Snapshot) -> &Vec<f32>| snapshots.iter().flat_map(part).copied().collect();
        let values = vec![all(|snapshot| &snapshot.nodes), all(|snapshot| &snapshot.edges)];
        let scored = self.pool.score(Batch { rows: snapshots.len(), values })?;
        let [failure, anomaly, edge] = &scored.values[..] else { unreachable!("its contract has three outputs") };
        let rows = failure.chunks(SENSORS).zip(anomaly.chunks(SENSORS)).zip(edge.chunks(SENSORS * SENSORS));
        Ok(rows
            .map(|((failure, anomaly), edge)| Verdict {
                failure: failure.to_vec(),
                anomaly: anomaly.to_vec(),
                edge: edge.to_vec(),
            })
            .collect())
    }
}
