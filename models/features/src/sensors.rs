//! Which sensors the models read.

use crate::SENSORS;

/// The parameters that the forecaster reads, in the order in which it reads them: that of the plant catalogue. The level of the
/// melt and the second zone of the lehr are left out: nothing follows from the one, and the other lies between two that are
/// read.
pub const fn sensors() -> [&'static str; SENSORS] {
    [
        "furnace_temperature",
        "crown_temperature",
        "throat_temperature",
        "furnace_pressure",
        "fuel_flow",
        "combustion_air_flow",
        "flue_oxygen",
        "belt_speed",
        "mold_temperature",
        "forming_pressure",
        "gob_temperature",
        "belt_motor_current",
        "mold_heater_power",
        "lehr_zone_1_temperature",
        "lehr_zone_3_temperature",
        "lehr_zone_4_temperature",
        "lehr_zone_5_temperature",
        "cooling_rate",
        "cooling_fan_speed",
        "line_power",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    #[test]
    fn they_are_sensors_of_every_line_in_the_order_of_the_catalogue() {
        let names = Catalogue::parse(DEFAULT).unwrap().names().unwrap();
        for (line, name) in names.lines() {
            let of_line = names.sensors().filter(|(_, def)| def.line == line);
            let order: Vec<&str> = of_line.map(|(_, def)| names.parameter(def.parameter)).collect();
            let places: Vec<usize> =
                sensors().iter().map(|name| order.iter().position(|other| other == name).unwrap()).collect();
            assert!(places.is_sorted_by(|a, b| a < b), "{name}: {places:?}");
        }
    }
}
