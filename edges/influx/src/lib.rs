//! InfluxDB's line protocol, as Telegraf and other agents push it: points in, readings out.
//!
//! ```text
//! Line_A furnace_temperature=1523.4,furnace_pressure=12i 1800000000000000000
//! furnace_temperature,line=Line_A,unit=°F value=2774.1
//! plc,sensor_id=Line_A.furnace_temperature value=1523.4
//! ```
//!
//! A field is the reading of a sensor, by the first of these that is in the catalogue:
//!
//! 1. `value` of a point with a tag `sensor_id`: that sensor
//! 2. `measurement.field`
//! 3. of a point with a tag `line`: `line.field`, or `line.measurement` when the field is `value`
//!
//! A tag `unit` is the unit of all fields of its point; a tag `quality` (`good`, `uncertain`, `bad`) is their quality. A
//! point without a time was measured when it arrived. Further tags are not looked at.
//!
//! The other way round, a bucket of InfluxDB follows Lehr's tables: `store`.

mod points;
#[cfg(feature = "store")]
pub mod store;

pub use points::{Mistake, Precision, Taken, read};
