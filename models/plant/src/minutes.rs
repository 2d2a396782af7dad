//! The plant in minutes: what training needs, without single readings.

use crate::error::PlantError;
use crate::sim::PlantSim;
use crate::truth::Truth;
use lehr_domain::{EventMs, LineId, SensorId};

/// One minute of a plant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlantMinute {
    pub at: EventMs,
    /// Mean of each sensor's good readings, in order of lines and of each line's sensors; NaN where there is none.
    pub means: Vec<(SensorId, f64)>,
    /// What really happened in it.
    pub truth: Vec<Truth>,
}

/// A simulated plant that is asked for minutes alone, three times as fast as reading by reading. Process, faults and ware are those
/// of [`PlantSim`], to the last unit; means of sound instruments are drawn from the law of the mean of their readings, rounding
/// of the display apart, and so agree in law and not in value.
pub struct PlantMinutes {
    sim: PlantSim,
}

impl PlantMinutes {
    pub(crate) fn new(sim: PlantSim) -> PlantMinutes {
        PlantMinutes { sim }
    }

    /// The next minute, begun where the plant was.
    pub fn minute(&mut self) -> PlantMinute {
        self.sim.minute()
    }

    pub fn now(&self) -> EventMs {
        self.sim.now()
    }

    /// See [`PlantSim::deviation`].
    pub fn deviation(&self, sensor: SensorId) -> Result<f64, PlantError> {
        self.sim.deviation(sensor)
    }

    /// See [`PlantSim::levels`].
    pub fn levels(&self, line: LineId) -> Result<[f32; crate::Branch::SLOW], PlantError> {
        self.sim.levels(line)
    }
}
