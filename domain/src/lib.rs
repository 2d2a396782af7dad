//! The vocabulary of Lehr: what a reading, a ware unit, a machine state, a rule or a causal edge *is*.
//!
//! Everything here is plain data with a total order, so that it can be a row of a collection. There is no
//! I/O, no asynchrony and no time of day in this crate: what happens depends on its inputs alone.

pub mod calendar;
pub mod catalogue;
pub mod causal;
pub mod control;
pub mod defect_event;
pub mod event;
pub mod finding;
pub mod fixed;
pub mod ids;
pub mod machine;
pub mod model;
pub mod moments;
pub mod names;
pub mod operator;
pub mod picture;
pub mod reading;
pub mod recommendation;
pub mod rule;
pub mod scenario;
pub mod table;
pub mod time;
pub mod unit;

pub use event::{Event, EventKey, Inputs};
pub use fixed::{Micro, PerMille, Ratio};
pub use ids::{
    AlertId, EdgeId, EquipmentId, LineId, ParameterId, ProductId, RecommendationId, RuleId, ScenarioId, SensorId, Tick,
    UnitId,
};
pub use reading::{Reading, ReadingBatch, Status};
pub use time::{EventMs, SpanMs};
