//! One unit at work: the standard's order of calls, values by type, statuses as errors.

use super::{Calls, Status, log, three::Three, two::Two};
use crate::archive::described;
use crate::description::{Causality, Description, Kind, Variability, Variable, Version};
use crate::error::UnitError;
use crate::message::{Setting, Value};
use std::ffi::{CStr, CString, c_char};
use std::path::Path;

/// Where in the standard's order of calls the unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// As instantiated.
    New,
    Stepping,
    /// Ended or failed; a reset brings it back.
    Over,
    /// A fatal error: nothing may be called any more.
    Lost,
}

/// Declared in this order: the calls are dropped first, while the library's files are there.
pub struct Instance {
    calls: Box<dyn Calls>,
    description: Description,
    phase: Phase,
    /// Steps since the beginning of the simulation; the time is their product with the length of one.
    steps: u64,
    step_s: Option<f64>,
    /// The steps when the state was kept.
    kept: Option<u64>,
}

impl Instance {
    /// Loads the unit that is unpacked in `dir`.
    pub fn open(dir: &Path, name: &str) -> Result<Instance, UnitError> {
        let description = described(dir).map_err(|error| UnitError::Load(error.to_string()))?;
        let c_string = |text: &str| CString::new(text).map_err(|_| UnitError::Load("a name has a zero".into()));
        let (name, token) = (c_string(name)?, c_string(&description.token)?);
        let calls: Box<dyn Calls> = match description.version {
            Version::Two => Box::new(Two::open(dir, &description, &name, &token)?),
            Version::Three => Box::new(Three::open(dir, &description, &name, &token)?),
        };
        Ok(Instance { calls, description, phase: Phase::New, steps: 0, step_s: None, kept: None })
    }

    /// Begins a simulation at time 0.
    pub fn start(&mut self, parameters: &[Setting], inputs: &[Setting]) -> Result<(), UnitError> {
        match self.phase {
            Phase::New => {}
            Phase::Stepping | Phase::Over => {
                let status = self.calls.reset();
                self.check(status, "the reset")?;
            }
            Phase::Lost => return Err(UnitError::Order("a new simulation".into())),
        }
        // Until the end of what follows, a failure leaves it where a reset is needed.
        self.phase = Phase::Over;
        (self.steps, self.step_s, self.kept) = (0, None, None);
        self.set(parameters)?;
        let (status, call) = self.calls.enter_initialization();
        self.check(status, call)?;
        self.set(inputs)?;
        let (status, call) = self.calls.exit_initialization();
        self.check(status, call)?;
        self.phase = Phase::Stepping;
        Ok(())
    }

    /// Sets inputs and takes so many steps.
    pub fn advance(&mut self, inputs: &[Setting], steps: u32, step_s: f64) -> Result<(), UnitError> {
        if self.phase != Phase::Stepping || !(step_s.is_finite() && step_s > 0.0) {
            return Err(UnitError::Order("a step".into()));
        }
        // The time of a step is a product, so that a day of steps does not add up a day of roundings.
        if *self.step_s.get_or_insert(step_s) != step_s {
            return Err(UnitError::Order("another length of steps".into()));
        }
        self.set(inputs)?;
        for _ in 0..steps {
            self.step(step_s)?;
        }
        Ok(())
    }

    fn step(&mut self, step_s: f64) -> Result<(), UnitError> {
        let from_s = self.steps as f64 * step_s;
        let stepped = self.calls.step(from_s, step_s, self.kept.is_some());
        let reached_s = stepped.reached_s.unwrap_or(from_s);
        let failed = match stepped.status {
            Status::Discard if stepped.ends => UnitError::Ended { at_s: reached_s },
            Status::Discard => UnitError::Discarded { from_s, reached_s },
            Status::Pending => UnitError::Pending,
            status => {
                self.check(status, &format!("the step from {from_s} s on"))?;
                self.steps += 1;
                match stepped.reached_s {
                    _ if stepped.ends => UnitError::Ended { at_s: from_s + step_s },
                    Some(reached_s) if reached_s < from_s + step_s * (1.0 - 1e-9) => {
                        UnitError::Early { from_s, reached_s }
                    }
                    _ => return Ok(()),
                }
            }
        };
        self.phase = Phase::Over;
        Err(failed)
    }

    /// Values as they are now; none that is no number.
    pub fn read(&mut self, variables: &[u32]) -> Result<Vec<f64>, UnitError> {
        if self.phase != Phase::Stepping {
            return Err(UnitError::Order("reading".into()));
        }
        variables.iter().map(|variable| self.read_one(*variable)).collect()
    }

    fn read_one(&mut self, at: u32) -> Result<f64, UnitError> {
        let variable = self.variable(at)?;
        let (kind, reference) = (variable.kind, variable.reference);
        let (status, value) = self.calls.get(kind, reference);
        self.check_about(status, "reading", at)?;
        let value = value.number();
        if value.is_finite() {
            return Ok(value);
        }
        let at_s = self.steps as f64 * self.step_s.unwrap_or(0.0);
        Err(UnitError::NotFinite { variable: self.variable(at)?.name.clone(), value, at_s })
    }

    fn set(&mut self, settings: &[Setting]) -> Result<(), UnitError> {
        for setting in settings {
            let variable = self.variable(setting.variable)?;
            // Fixed parameters are set before the simulation begins, and no more.
            let settable = match variable.causality {
                Causality::Input => true,
                Causality::Parameter => self.phase != Phase::Stepping || variable.variability == Variability::Tunable,
                _ => false,
            };
            if !settable {
                return Err(UnitError::Order(format!("setting variable '{}'", variable.name)));
            }
            let value = fitting(variable, setting.value)?;
            let (kind, reference) = (variable.kind, variable.reference);
            let status = self.calls.set(kind, reference, value);
            self.check_about(status, "setting", setting.variable)?;
        }
        Ok(())
    }

    /// Keeps the state as it is now.
    pub fn save(&mut self) -> Result<(), UnitError> {
        if self.phase != Phase::Stepping || !self.description.keeps_state {
            return Err(UnitError::Order("keeping the state".into()));
        }
        let status = self.calls.save();
        self.check(status, "keeping the state")?;
        self.kept = Some(self.steps);
        Ok(())
    }

    /// Goes back to the state that was kept.
    pub fn restore(&mut self) -> Result<(), UnitError> {
        let (Some(steps), true) = (self.kept, matches!(self.phase, Phase::Stepping | Phase::Over)) else {
            return Err(UnitError::Order("restoring a state".into()));
        };
        let status = self.calls.restore();
        self.check(status, "restoring the state")?;
        self.steps = steps;
        self.phase = Phase::Stepping;
        Ok(())
    }

    pub fn end(&mut self) -> Result<(), UnitError> {
        if self.phase != Phase::Stepping {
            return Err(UnitError::Order("the end".into()));
        }
        self.phase = Phase::Over;
        let status = self.calls.terminate();
        self.check(status, "the end of the simulation")
    }

    fn variable(&self, at: u32) -> Result<&Variable, UnitError> {
        let variable = self.description.variables.get(at as usize);
        variable.filter(|variable| !variable.array).ok_or(UnitError::NoVariable(at))
    }

    /// Names the variable only where something failed.
    fn check_about(&mut self, status: Status, call: &str, at: u32) -> Result<(), UnitError> {
        match status {
            Status::Ok | Status::Warning => Ok(()),
            _ => {
                let name = self.variable(at)?.name.clone();
                self.check(status, &format!("{call} variable '{name}'"))
            }
        }
    }

    fn check(&mut self, status: Status, call: &str) -> Result<(), UnitError> {
        match status {
            Status::Ok | Status::Warning => return Ok(()),
            Status::Fatal | Status::Unknown(_) => {
                self.phase = Phase::Lost;
                self.calls.abandon();
            }
            Status::Discard | Status::Error | Status::Pending => self.phase = Phase::Over,
        }
        Err(UnitError::Status { call: call.to_owned(), status: status.to_string(), message: log::trouble() })
    }
}

/// The value as one of the variable's type. Whole numbers are rounded to; half of a boolean is true.
fn fitting(variable: &Variable, value: f64) -> Result<Value, UnitError> {
    let bounds = match variable.kind {
        Kind::Float64 => (f64::MIN, f64::MAX),
        Kind::Float32 => (f32::MIN.into(), f32::MAX.into()),
        Kind::Int8 => (i8::MIN.into(), i8::MAX.into()),
        Kind::UInt8 => (0.0, u8::MAX.into()),
        Kind::Int16 => (i16::MIN.into(), i16::MAX.into()),
        Kind::UInt16 => (0.0, u16::MAX.into()),
        Kind::Int32 => (i32::MIN.into(), i32::MAX.into()),
        // An enumeration of 2.0 is an int.
        Kind::Enumeration => (i32::MIN.into(), i32::MAX.into()),
        Kind::UInt32 => (0.0, u32::MAX.into()),
        // What a real can hold of them exactly.
        Kind::Int64 => (-9e15, 9e15),
        Kind::UInt64 => (0.0, 9e15),
        Kind::Boolean => (0.0, 1.0),
        Kind::String | Kind::Binary | Kind::Clock => (f64::NAN, f64::NAN),
    };
    let whole = if variable.kind.is_real() { value } else { value.round() };
    if !(whole >= bounds.0 && whole <= bounds.1) {
        let (variable, kind) = (variable.name.clone(), variable.kind.to_string());
        return Err(UnitError::Unfit { variable, value, kind });
    }
    Ok(match variable.kind {
        kind if kind.is_real() => Value::Real(value),
        Kind::Boolean => Value::Bool(whole >= 1.0),
        _ => Value::Int(whole as i64),
    })
}

/// Error: the library is of another version than the description.
pub fn check_version(found: *const c_char, described: Version) -> Result<(), UnitError> {
    let found = match found.is_null() {
        true => String::new(),
        // SAFETY: a unit's constant string.
        false => unsafe { CStr::from_ptr(found) }.to_string_lossy().into_owned(),
    };
    let major = described.to_string();
    let major = major.split('.').next().expect("split yields something");
    match found.split('.').next() == Some(major) {
        true => Ok(()),
        false => Err(UnitError::Version { found, described: described.to_string() }),
    }
}

/// The unit gave no instance: why, as far as it said.
pub fn refused(description: &Description) -> UnitError {
    let tool = match (description.needs_tool, &description.generation_tool) {
        (true, Some(tool)) => format!("; it says that it needs a tool beside it ({tool})"),
        (true, None) => "; it says that it needs a tool beside it".to_owned(),
        _ => String::new(),
    };
    UnitError::Instantiate(log::trouble().unwrap_or_else(|| "it did not say why".to_owned()) + &tool)
}
