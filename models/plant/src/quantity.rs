//! The quantities of a line that the simulator knows, with what they are when a catalogue does not say.

/// What the simulator needs to know of a quantity.
pub(crate) struct Profile {
    pub parameter: &'static str,
    pub target: f64,
    /// Standard deviation of one-minute means in normal operation.
    pub sigma: f64,
    /// Size, in sigmas, of the disturbance that acts on this quantity alone. Smaller where others act on it
    /// as well, so that the sum of all stays below about half a sigma and measuring adds the rest.
    pub own: f64,
    /// Whether a control loop holds it at a set-point.
    pub controlled: bool,
}

macro_rules! quantities {
    ($($name:ident = $parameter:literal, $target:literal, $sigma:literal, $own:literal, $controlled:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Quantity { $($name),* }

        impl Quantity {
            pub const ALL: &'static [Quantity] = &[$(Quantity::$name),*];
            pub const COUNT: usize = Self::ALL.len();

            pub fn profile(self) -> &'static Profile {
                const PROFILES: &[Profile] = &[$(Profile {
                    parameter: $parameter, target: $target, sigma: $sigma, own: $own, controlled: $controlled,
                }),*];
                &PROFILES[self as usize]
            }
        }
    };
}

quantities! {
    FurnaceTemperature = "furnace_temperature", 1520.0, 2.5, 0.3, true;
    CrownTemperature = "crown_temperature", 1575.0, 3.0, 0.35, false;
    ThroatTemperature = "throat_temperature", 1330.0, 2.0, 0.35, false;
    FurnacePressure = "furnace_pressure", 12.0, 0.25, 0.45, true;
    MeltLevel = "melt_level", 1200.0, 1.5, 0.45, true;
    FuelFlow = "fuel_flow", 900.0, 12.0, 0.25, false;
    CombustionAirFlow = "combustion_air_flow", 9450.0, 130.0, 0.2, false;
    FlueOxygen = "flue_oxygen", 2.0, 0.12, 0.42, true;
    BeltSpeed = "belt_speed", 150.0, 0.6, 0.45, true;
    MoldTemperature = "mold_temperature", 450.0, 2.0, 0.3, true;
    FormingPressure = "forming_pressure", 45.0, 0.4, 0.45, true;
    GobTemperature = "gob_temperature", 1140.0, 1.8, 0.4, true;
    BeltMotorCurrent = "belt_motor_current", 38.0, 0.35, 0.4, false;
    MoldHeaterPower = "mold_heater_power", 52.0, 0.7, 0.2, false;
    LehrZone1 = "lehr_zone_1_temperature", 565.0, 1.0, 0.45, true;
    LehrZone2 = "lehr_zone_2_temperature", 552.0, 1.0, 0.45, true;
    LehrZone3 = "lehr_zone_3_temperature", 505.0, 1.0, 0.45, true;
    LehrZone4 = "lehr_zone_4_temperature", 430.0, 1.2, 0.42, true;
    LehrZone5 = "lehr_zone_5_temperature", 330.0, 1.2, 0.42, true;
    CoolingRate = "cooling_rate", 4.5, 0.08, 0.4, true;
    CoolingFanSpeed = "cooling_fan_speed", 1200.0, 9.0, 0.35, false;
    LinePower = "line_power", 640.0, 8.0, 0.4, false;
}

impl Quantity {
    pub const ZONES: [Quantity; 5] =
        [Quantity::LehrZone1, Quantity::LehrZone2, Quantity::LehrZone3, Quantity::LehrZone4, Quantity::LehrZone5];

    /// The quantity that a parameter of this name measures; further instruments at the same place are
    /// numbered (`belt_speed_2`).
    pub fn measured_by(parameter: &str) -> Option<Quantity> {
        let exact = |name: &str| Quantity::ALL.iter().copied().find(|q| q.profile().parameter == name);
        exact(parameter).or_else(|| exact(without_number(parameter)))
    }
}

/// `furnace_temperature` of `furnace_temperature_2`; any other name as it is.
pub(crate) fn without_number(parameter: &str) -> &str {
    match parameter.rsplit_once('_') {
        Some((base, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => parameter,
    }
}

/// One value for each quantity.
#[derive(Clone, Debug)]
pub(crate) struct Table([f64; Quantity::COUNT]);

impl Table {
    pub fn of(value: impl Fn(Quantity) -> f64) -> Table {
        let mut table = Table([0.0; Quantity::COUNT]);
        for quantity in Quantity::ALL {
            table[*quantity] = value(*quantity);
        }
        table
    }
}

impl std::ops::Index<Quantity> for Table {
    type Output = f64;
    fn index(&self, quantity: Quantity) -> &f64 {
        &self.0[quantity as usize]
    }
}

impl std::ops::IndexMut<Quantity> for Table {
    fn index_mut(&mut self, quantity: Quantity) -> &mut f64 {
        &mut self.0[quantity as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_copies_measure_the_same_quantity() {
        assert_eq!(Quantity::measured_by("belt_speed_12"), Some(Quantity::BeltSpeed));
        assert_eq!(Quantity::measured_by("lehr_zone_1_temperature"), Some(Quantity::LehrZone1));
        assert_eq!(Quantity::measured_by("lehr_zone_1"), None);
    }
}
