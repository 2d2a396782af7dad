//! The quantities of a line that the twin knows, by the names that the catalogue gives them.

use serde::{Deserialize, Serialize};

macro_rules! parameters {
    ($($name:ident = $text:literal;)*) => {
        /// A measured quantity of one line. Sensors of other names are none of the twin's business.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Parameter { $($name),* }

        impl Parameter {
            /// In the order of their positions in arrays.
            pub const ALL: [Parameter; PARAMETERS] = [$(Parameter::$name),*];

            /// The parameter's name in the catalogue.
            pub fn text(self) -> &'static str {
                match self { $(Parameter::$name => $text),* }
            }
        }
    };
}

/// How many there are: the length of every array by parameter.
pub const PARAMETERS: usize = 22;
/// How many zones the lehr has.
pub const ZONES: usize = 5;

parameters! {
    FurnaceTemperature = "furnace_temperature";
    CrownTemperature = "crown_temperature";
    ThroatTemperature = "throat_temperature";
    FurnacePressure = "furnace_pressure";
    MeltLevel = "melt_level";
    FuelFlow = "fuel_flow";
    CombustionAirFlow = "combustion_air_flow";
    FlueOxygen = "flue_oxygen";
    BeltSpeed = "belt_speed";
    MoldTemperature = "mold_temperature";
    FormingPressure = "forming_pressure";
    GobTemperature = "gob_temperature";
    BeltMotorCurrent = "belt_motor_current";
    MoldHeaterPower = "mold_heater_power";
    LehrZone1 = "lehr_zone_1_temperature";
    LehrZone2 = "lehr_zone_2_temperature";
    LehrZone3 = "lehr_zone_3_temperature";
    LehrZone4 = "lehr_zone_4_temperature";
    LehrZone5 = "lehr_zone_5_temperature";
    CoolingRate = "cooling_rate";
    CoolingFanSpeed = "cooling_fan_speed";
    LinePower = "line_power";
}

impl Parameter {
    pub const LEHR: [Parameter; ZONES] =
        [Parameter::LehrZone1, Parameter::LehrZone2, Parameter::LehrZone3, Parameter::LehrZone4, Parameter::LehrZone5];

    /// The position in arrays by parameter.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `None` for names that the twin does not know.
    pub fn parse(text: &str) -> Option<Parameter> {
        Parameter::ALL.into_iter().find(|parameter| parameter.text() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};

    #[test]
    fn every_sensor_of_the_shipped_plant_has_its_parameter() {
        let catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
        for sensor in &catalogue.sensors {
            let parameter = Parameter::parse(&sensor.parameter).expect(&sensor.parameter);
            assert_eq!(Parameter::ALL[parameter.index()], parameter);
        }
        assert_eq!(catalogue.sensors.len(), PARAMETERS);
        assert_eq!(Parameter::parse("room_temperature"), None);
    }
}
