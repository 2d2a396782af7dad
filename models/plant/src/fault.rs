//! Faults: what can go wrong on a line or with an instrument, and how a person asks for it.
//!
//! As text: `kind[(parameter)][:line][@start][+duration][*severity]`, for instance `furnace_overheat@10m`,
//! `mold_cold:Line_B@1h+30m*0.5`, `stuck(furnace_temperature):Line_A@2h+1h`. The start counts from the
//! start of the simulation; one that is past means at once.

use crate::error::PlantError;
use lehr_domain::SpanMs;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An injected or random fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

macro_rules! kinds {
    ($($name:ident = $text:literal, $about:literal;)*) => {
        /// A way in which a line or an instrument fails.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FaultKind { $(#[doc = $about] $name),* }

        impl FaultKind {
            pub const ALL: &'static [FaultKind] = &[$(FaultKind::$name),*];

            pub fn text(self) -> &'static str {
                match self { $(FaultKind::$name => $text),* }
            }

            /// One line for a person who chooses a fault. Sizes are those at severity 1.
            pub fn about(self) -> &'static str {
                match self { $(FaultKind::$name => $about),* }
            }
        }
    };
}

kinds! {
    FurnaceOverheat = "furnace_overheat", "burner control fails high: fuel rises at once, the melt reaches about 1640 °C in half an hour; cracks";
    FurnaceCold = "furnace_cold", "burner control fails low: the melt falls to about 1430 °C; cloudiness";
    TemperatureDrift = "temperature_drift", "the control thermocouple ages: the melt drifts up by 55 °C within two hours";
    PressureSpikes = "pressure_spikes", "the forming pressure regulator hunts: spikes of about 22 MPa; bubbles";
    BeltOverspeed = "belt_overspeed", "the belt drive runs 42 m/min too fast; deformation";
    SpeedVariation = "speed_variation", "the belt drive swings by ±42 m/min; deformation";
    MoldCold = "mold_cold", "the mold heater fails: below 280 °C after a quarter of an hour; stress fractures";
    CoolingFast = "cooling_fast", "the cooling fan runs away: cooling at about 7.9 °C/min; cracks";
    BurnerFouling = "burner_fouling", "burners foul within a day: fuel and flue oxygen rise, at last the melt cools; cloudiness";
    RefractoryWear = "refractory_wear", "the lining wears within three days: fuel and crown temperature rise; stones seen as stains";
    CulletChange = "cullet_change", "another cullet enters the batch: less fuel needed; bubbles and cloudiness";
    LineStop = "line_stop", "the line is down; a quarter of an hour when no duration is given";
    Stuck = "stuck", "an instrument repeats its last value";
    Bias = "bias", "an instrument reads ten sigma too high";
    Dropout = "dropout", "an instrument sends nothing (severity below 1: that share of its readings is lost)";
    Failed = "failed", "an instrument reports its own failure: status ERROR";
    Noise = "noise", "an instrument's noise grows by eight sigma";
}

impl FaultKind {
    pub fn parse(text: &str) -> Option<FaultKind> {
        FaultKind::ALL.iter().copied().find(|kind| kind.text() == text)
    }

    /// Whether it befalls an instrument (and so names a parameter) rather than the process.
    pub fn of_sensor(self) -> bool {
        matches!(self, FaultKind::Stuck | FaultKind::Bias | FaultKind::Dropout | FaultKind::Failed | FaultKind::Noise)
    }

    /// How long it takes to develop fully.
    pub(crate) fn ramp(self) -> SpanMs {
        match self {
            FaultKind::TemperatureDrift => SpanMs::hours(2),
            FaultKind::BurnerFouling => SpanMs::hours(24),
            FaultKind::RefractoryWear => SpanMs::hours(72),
            FaultKind::CulletChange => SpanMs::minutes(30),
            _ => SpanMs(0),
        }
    }

    /// How long it lasts when nobody says: until cleared, but for stops.
    pub(crate) fn default_duration(self) -> Option<SpanMs> {
        (self == FaultKind::LineStop).then_some(SpanMs::minutes(15))
    }
}

/// A fault as asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSpec {
    pub kind: FaultKind,
    /// The first line of the plant when absent.
    #[serde(default)]
    pub line: Option<String>,
    /// The parameter whose instrument fails; for faults of instruments only.
    #[serde(default)]
    pub parameter: Option<String>,
    /// After the start of the simulation; at once when that is past.
    #[serde(default)]
    pub start: SpanMs,
    /// Until cleared when absent (a `line_stop`: 15 minutes).
    #[serde(default)]
    pub duration: Option<SpanMs>,
    #[serde(default = "full")]
    pub severity: f64,
}

fn full() -> f64 {
    1.0
}

impl FaultSpec {
    /// The greatest severity: three times a fault that is already beyond its threshold. More would only
    /// drive actuators further into saturation.
    pub const MAX_SEVERITY: f64 = 3.0;

    pub fn new(kind: FaultKind) -> FaultSpec {
        FaultSpec { kind, line: None, parameter: None, start: SpanMs(0), duration: None, severity: 1.0 }
    }

    pub fn parse(text: &str) -> Result<FaultSpec, PlantError> {
        let bad = |why: String| PlantError::Fault { text: text.into(), why };
        let span = |part: &str| SpanMs::parse(part).map_err(|error| bad(error.to_string()));
        let (rest, severity) = match text.trim().rsplit_once('*') {
            Some((rest, factor)) => {
                (rest, factor.trim().parse().map_err(|_| bad(format!("severity '{factor}' is not a number")))?)
            }
            None => (text.trim(), 1.0),
        };
        let (rest, duration) = match rest.rsplit_once('+') {
            Some((rest, duration)) => (rest, Some(span(duration)?)),
            None => (rest, None),
        };
        let (rest, start) = match rest.split_once('@') {
            Some((rest, start)) => (rest, span(start)?),
            None => (rest, SpanMs(0)),
        };
        let (rest, line) = match rest.split_once(':') {
            Some((rest, line)) => (rest, Some(line.trim().to_owned())),
            None => (rest, None),
        };
        let (name, parameter) = match rest.split_once('(') {
            Some((name, parameter)) => {
                let parameter = parameter.trim().strip_suffix(')');
                let parameter = parameter.ok_or_else(|| bad("parameter: the closing ')' is missing".into()))?;
                (name, Some(parameter.trim().to_owned()))
            }
            None => (rest, None),
        };
        let kind = FaultKind::parse(name.trim()).ok_or_else(|| {
            let known: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.text()).collect();
            bad(format!("kind '{}' is not known; use one of {}", name.trim(), known.join(", ")))
        })?;
        let spec = FaultSpec { kind, line, parameter, start, duration, severity };
        spec.check()?;
        Ok(spec)
    }

    /// Whether the fields go together.
    pub(crate) fn check(&self) -> Result<(), PlantError> {
        let bad = |why: String| Err(PlantError::Fault { text: self.to_string(), why });
        if !(self.severity > 0.0 && self.severity <= Self::MAX_SEVERITY) {
            return bad(format!("severity must be above 0 and at most {}", Self::MAX_SEVERITY));
        }
        if self.start.0 < 0 {
            return bad("start must not be negative".into());
        }
        if self.duration.is_some_and(|duration| duration.0 <= 0) {
            return bad("duration must be longer than nothing; leave it out for 'until cleared'".into());
        }
        match (self.kind.of_sensor(), &self.parameter) {
            (true, None) => bad(format!("parameter is missing; write {}(furnace_temperature)", self.kind.text())),
            (false, Some(_)) => bad("parameter is for faults of instruments only; leave it out".into()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for FaultSpec {
    /// The text that [`FaultSpec::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.text())?;
        if let Some(parameter) = &self.parameter {
            write!(f, "({parameter})")?;
        }
        if let Some(line) = &self.line {
            write!(f, ":{line}")?;
        }
        write!(f, "@{}", span_text(self.start))?;
        if let Some(duration) = self.duration {
            write!(f, "+{}", span_text(duration))?;
        }
        if self.severity != 1.0 {
            write!(f, "*{}", self.severity)?;
        }
        Ok(())
    }
}

fn span_text(span: SpanMs) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    match units.into_iter().find(|(_, ms)| span.0 != 0 && span.0 % ms == 0) {
        Some((unit, ms)) => format!("{}{unit}", span.0 / ms),
        None => format!("{}ms", span.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_and_print_the_same() {
        for text in [
            "furnace_overheat@10m",
            "mold_cold:Line_B@1h+30m*0.5",
            "stuck(furnace_temperature):Line_A@2h+1h",
            "noise(belt_speed)@1500ms",
        ] {
            assert_eq!(FaultSpec::parse(text).map(|spec| spec.to_string()), Ok(text.to_owned()));
        }
        let spec = FaultSpec::parse("cooling_fast").expect("a kind alone is enough");
        assert_eq!((spec.start, spec.duration, spec.severity), (SpanMs(0), None, 1.0));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("meteor@10m", "kind 'meteor' is not known"),
            ("furnace_cold@soon", "'soon' is not a span"),
            ("furnace_cold@1h*0", "severity must be above 0"),
            ("furnace_cold@1h*NaN", "severity must be above 0"),
            ("furnace_cold@1h+0s", "duration must be longer"),
            ("stuck@1h", "parameter is missing"),
            ("stuck(belt_speed@1h", "the closing ')' is missing"),
            ("mold_cold(belt_speed)@1h", "for faults of instruments only"),
        ] {
            let error = FaultSpec::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
