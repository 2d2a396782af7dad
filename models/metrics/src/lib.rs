//! How good a model is, in figures: of decisions ([`Confusion`]), of scores ([`Scored`]: ranking and calibration), of
//! boxes and masks ([`detection`]), each with what chance alone would give ([`interval`], [`Scored::ece_null`]).
//!
//! Pure functions. A figure that is not defined (a recall without positives, say) is `None` and never a number.
//! What is drawn at random comes from a seed, so that a report can be made again.

mod calibration;
mod confusion;
pub mod detection;
mod error;
pub mod interval;
mod logistic;
mod random;
mod ranking;
mod scored;

pub use calibration::{Bin, Binning, EceNull};
pub use confusion::Confusion;
pub use error::MetricError;
pub use logistic::Logistic;
pub use ranking::{BestF1, Point};
pub use scored::Scored;
