//! The model files that come with Lehr, opened as Lehr opens them.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_features::{FEATURES, sensors};
use lehr_scoring::{
    Contract, Ensemble, Forecaster, Inspector, Network, Options, PREDICTIONS, Runtime, SENSORS, SIDE_PX, Schema,
    Snapshot, Thresholds, WINDOW,
};

/// What every input is, here and in Python: times do not depend on it.
const VALUE: f32 = 0.5;
const PICTURE: usize = 3 * SIDE_PX * SIDE_PX;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts")
}

/// All that come with Lehr, by name.
pub fn shipped() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("the folder is there").filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "onnx")).collect();
    files.sort();
    files
}

/// Such as `forecaster-1.0.0`.
pub fn name(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.display().to_string())
}

/// The newest forecaster.
pub fn forecaster(runtime: &Runtime) -> Forecaster {
    let newest = shipped().into_iter().rfind(|path| name(path).starts_with("forecaster-"));
    Forecaster::open(runtime, &newest.expect("there is one"), of_sensors(), one_worker()).expect("it runs")
}

/// One of them, ready.
pub enum Shipped {
    Forecaster(Forecaster),
    Graph(Network),
    Ensemble(Ensemble),
    Inspector(Inspector),
}

impl Shipped {
    pub fn open(runtime: &Runtime, path: &Path) -> Self {
        let (options, kind) = (one_worker(), name(path));
        let opened = match kind.split('-').next() {
            Some("forecaster") => Forecaster::open(runtime, path, of_sensors(), options).map(Self::Forecaster),
            Some("graph") => Network::open(runtime, path, of_sensors(), FEATURES, options).map(Self::Graph),
            Some("ensemble") => {
                let schema = Schema::of(PREDICTIONS.map(|name| (name, "probability")));
                Ensemble::open(runtime, path, schema, PREDICTIONS.len(), options).map(Self::Ensemble)
            }
            Some("inspector") => {
                let light = format!("light 0-1, {SIDE_PX}x{SIDE_PX}");
                let schema = Schema::of(["red", "green", "blue"].map(|name| (name, light.as_str())));
                Inspector::open(runtime, path, schema, options, Thresholds::default()).map(Self::Inspector)
            }
            _ => panic!("{kind} is of no kind that there is"),
        };
        opened.unwrap_or_else(|error| panic!("{error}"))
    }

    /// One row.
    pub fn score(&mut self) {
        let scored = match self {
            Self::Forecaster(model) => model.forecast(vec![VALUE; WINDOW]).map(drop),
            Self::Graph(model) => {
                let (nodes, edges) = (vec![VALUE; SENSORS * FEATURES], vec![VALUE; SENSORS * SENSORS]);
                model.judge(&[Snapshot { nodes, edges }]).map(drop)
            }
            Self::Ensemble(model) => model.combine(vec![VALUE; PREDICTIONS.len()]).map(drop),
            Self::Inspector(model) => model.inspect(vec![VALUE; PICTURE]).map(drop),
        };
        scored.expect("a score");
    }

    /// Name and shape of each input, of one row.
    pub fn inputs(&self) -> Vec<(&'static str, Vec<usize>)> {
        let contract: &Contract = match self {
            Self::Forecaster(model) => model.model().contract(),
            Self::Graph(model) => model.model().contract(),
            Self::Ensemble(model) => model.model().contract(),
            Self::Inspector(model) => model.model().contract(),
        };
        contract.inputs.iter().map(|port| (port.name, [&[1], &port.extents[..]].concat())).collect()
    }
}

fn one_worker() -> Options {
    Options { workers: NonZero::<usize>::MIN, time_out: Duration::from_secs(60) }
}

fn of_sensors() -> Schema {
    let catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
    let unit = |name: &'static str| {
        let entry = catalogue.sensors.iter().find(|entry| entry.parameter == name);
        (name, entry.expect("every sensor is in it").unit.as_str())
    };
    Schema::of(sensors().map(unit))
}
