//! Trained models run by ONNX Runtime: found, checked, and scored, by as many workers as there are cores.
//!
//! | what | where |
//! |---|---|
//! | ONNX Runtime's library, loaded when Lehr starts | [`Runtime`] |
//! | a file, checked against what its user expects | [`Model`], [`Contract`], [`Metadata`] |
//! | sessions that score rows | [`Pool`] |
//! | a model that another takes the place of while it is used | [`Live`] |
//! | the models of a plant | [`Forecaster`], [`Inspector`], [`Network`], [`Ensemble`] |
//!
//! ```no_run
//! use lehr_scoring::{Forecaster, Live, Options, Runtime, Schema};
//!
//! # fn main() -> Result<(), lehr_scoring::Error> {
//! # let (schema, sequence) = (Schema::from_text(""), vec![0.0; 2400]);
//! let runtime = Runtime::load(None)?;
//! let open = |file: &str| Forecaster::open(&runtime, file.as_ref(), schema.clone(), Options::default());
//! let forecaster = Live::new(open("models/artifacts/forecaster-1.0.0.onnx")?);
//! let forecast = forecaster.current().forecast(sequence)?;
//!
//! // A newer one. If it is refused, the old one goes on.
//! forecaster.replace(|| open("models/artifacts/forecaster-1.1.0.onnx"))?;
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: a score is a function of the row and of the model's bytes alone, down to the last bit: not of the batch
//! that it came in, nor of the number of workers; a call ends within its time-out; a library that is missing or too old,
//! a file that is not what was expected, and input that is not finite are errors, never panics, and never scores;
//! nothing that is used is taken away by a replacement that failed.

mod contract;
mod ensemble;
mod error;
mod forecaster;
mod inspector;
mod live;
mod metadata;
mod model;
mod network;
mod pool;
mod queue;
mod runtime;
mod session;

pub use contract::{Contract, OPSETS, Port};
pub use ensemble::{Ensemble, PREDICTIONS, predictions};
pub use error::{Error, Refusal};
pub use forecaster::{Attribution, Forecast, Forecaster, HORIZONS_H};
pub use inspector::{
    Bounds, DEFECTS, Detection, Inspection, Inspector, MASK_SIDE, PATCH_PX, PATCHES, SIDE_PX, Said, Thresholds,
    detections, masks_of,
};
pub use lehr_domain::model::ModelVersion;
pub use lehr_features::{MINUTES, SENSORS, WINDOW};
pub use live::Live;
pub use metadata::{Metadata, Scaler, Schema};
pub use model::{MAX_MODEL_BYTES, Model};
pub use network::{Network, Snapshot, Verdict};
pub use pool::{Batch, MAX_ROWS, MAX_WORKERS, Options, Pool};
pub use runtime::Runtime;
