//! Which set-points may be asked about, and within what.

use super::ask::{Scenario, ScenarioError, Setting, WhatIf};
use crate::minute::MINUTE;
use crate::parameter::Parameter;
use crate::process::{Drive, controlled};
use Parameter::*;
use lehr_domain::control;

/// Lowest and highest set-point: the limits of control where there are some, else the instrument's span.
pub fn limits(parameter: Parameter) -> (f64, f64) {
    if let Some(limit) = control::limit(parameter.text()) {
        return (limit.low.to_f64(), limit.high.to_f64());
    }
    match parameter {
        FurnaceTemperature | BeltSpeed | MoldTemperature | FormingPressure => unreachable!("control limits them"),
        CrownTemperature => (1300.0, 1700.0),
        ThroatTemperature => (1100.0, 1500.0),
        FurnacePressure => (0.0, 50.0),
        MeltLevel => (0.0, 5000.0),
        FuelFlow => (0.0, 2000.0),
        CombustionAirFlow => (0.0, 20000.0),
        FlueOxygen => (0.0, 10.0),
        GobTemperature => (900.0, 1300.0),
        BeltMotorCurrent => (0.0, 100.0),
        MoldHeaterPower => (0.0, 120.0),
        LehrZone1 | LehrZone2 | LehrZone3 | LehrZone4 | LehrZone5 => (20.0, 700.0),
        CoolingRate => (0.0, 20.0),
        CoolingFanSpeed => (0.0, 3000.0),
        LinePower => (0.0, 2000.0),
    }
}

/// A change above which a person must approve, where there is such a bound.
pub fn approval_above(parameter: Parameter) -> Option<f64> {
    control::limit(parameter.text()).map(|limit| limit.approval_above.to_f64())
}

fn list(which: impl Fn(Parameter) -> bool) -> String {
    let names: Vec<&str> = Parameter::ALL.into_iter().filter(|p| which(*p)).map(Parameter::text).collect();
    names.join(", ")
}

/// The parameter of that name, if it has a set-point of its own.
pub fn adjustable(name: &str) -> Result<Parameter, ScenarioError> {
    let parameter = Parameter::parse(name.trim())
        .ok_or_else(|| ScenarioError::UnknownParameter { name: name.to_owned(), known: list(controlled) })?;
    if !controlled(parameter) {
        return Err(ScenarioError::NotControlled { parameter: parameter.text(), known: list(controlled) });
    }
    Ok(parameter)
}

/// `value` if it is within the limits of its parameter; `field` names where it was given.
pub fn within(field: &'static str, parameter: Parameter, value: f64) -> Result<f64, ScenarioError> {
    let (low, high) = limits(parameter);
    let parameter = parameter.text();
    if value.is_nan() {
        return Err(ScenarioError::NotANumber { field, parameter, low, high });
    }
    if !(low..=high).contains(&value) {
        return Err(ScenarioError::OutsideLimits { field, parameter, value, low, high });
    }
    Ok(value)
}

/// What is driven with these settings.
pub fn driven(drive: &Drive, settings: &[Setting]) -> Result<Drive, ScenarioError> {
    let mut changed = *drive;
    let mut given = [false; crate::parameter::PARAMETERS];
    for setting in settings {
        let parameter = adjustable(&setting.parameter)?;
        if std::mem::replace(&mut given[parameter.index()], true) {
            return Err(ScenarioError::Twice(parameter.text()));
        }
        changed.setpoints[parameter.index()] = within("value", parameter, setting.value)?;
    }
    Ok(changed)
}

/// The length of a scenario in minutes.
pub fn minutes(scenario: &Scenario) -> Result<usize, ScenarioError> {
    let most = Scenario::LONGEST.0 / MINUTE.0;
    let minutes = match &scenario.ask {
        WhatIf::Replay { record, .. } if record.is_empty() => return Err(ScenarioError::Empty("record")),
        WhatIf::Replay { record, .. } => record.len() as i64,
        _ if scenario.duration.0 % MINUTE.0 != 0 => {
            return Err(ScenarioError::Duration { minutes: scenario.duration.0 / MINUTE.0, most });
        }
        _ => scenario.duration.0 / MINUTE.0,
    };
    if !(1..=most).contains(&minutes) {
        return Err(ScenarioError::Duration { minutes, most });
    }
    Ok(minutes as usize)
}
