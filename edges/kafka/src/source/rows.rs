//! The sensors of the catalogue as tags, for rows that name them.

use lehr_domain::names::Names;
use lehr_tags::{Tags, Target, TargetError, TimestampOf};
use std::collections::HashMap;

/// Sensors that are added to the catalogue while the source runs are found too.
#[derive(Debug)]
pub struct Sensors {
    source: String,
    clock: TimestampOf,
    pub tags: Tags,
    places: HashMap<String, usize>,
}

impl Sensors {
    pub fn new(source: &str, clock: TimestampOf, names: &Names) -> Result<Sensors, (String, TargetError)> {
        let defined: Vec<(String, Target)> =
            names.sensors().map(|(_, def)| (def.name.clone(), Target::of(&def.name))).collect();
        let tags = Tags::new(source, clock, defined.iter().map(|(name, target)| (name.clone(), target)), names)?;
        let places = defined.into_iter().enumerate().map(|(place, (name, _))| (name, place)).collect();
        Ok(Sensors { source: source.to_owned(), clock, tags, places })
    }

    /// The tag of a sensor. `names` is asked only for one that is not known.
    pub fn place(&mut self, sensor: &str, names: impl FnOnce() -> std::sync::Arc<Names>) -> Option<usize> {
        if let Some(place) = self.places.get(sensor) {
            return Some(*place);
        }
        let names = names();
        if names.sensor_id(sensor).is_some()
            && let Ok(anew) = Sensors::new(&self.source, self.clock, &names)
        {
            *self = anew;
        }
        self.places.get(sensor).copied()
    }
}
