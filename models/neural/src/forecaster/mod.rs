//! The forecaster: from the last two hours of a line's sensors to the probability of a defect event within 1, 4 and
//! 24 hours.
//!
//! Two recurrent layers read 120 minutes of 20 sensors, additive attention pools their states, and one head a horizon
//! gives a logit, which calibration turns into a probability. Scaler and calibration are part of the model.

mod calibration;
mod card;
mod export;
mod network;
mod predict;
mod report;
mod scaler;
mod task;
mod train;
mod windows;

pub use calibration::{Calibration, threshold};
pub use card::{DataCard, card};
pub use export::export;
pub use network::{Architecture, Forecaster, Reading};
pub use predict::{Logits, predict};
pub use report::report;
pub use scaler::Scaler;
pub use task::ForecastTask;
pub use train::{Settings, Trained, train};
pub use windows::{HORIZONS, Horizons, Windows};
