//! FMI 3.0 for co-simulation, without event mode, early return and intermediate update.

use super::library::{functions, load};
use super::{Calls, Status, Stepped, log};
use crate::archive::library;
use crate::description::{Description, Kind};
use crate::error::UnitError;
use crate::message::Value;
use libloading::os::unix::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};

type Instance = *mut c_void;
type State = *mut c_void;
type LogMessage = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char);

functions! {
    Functions {
        get_version = "fmi3GetVersion": fn() -> *const c_char;
        instantiate = "fmi3InstantiateCoSimulation": fn(
            *const c_char, *const c_char, *const c_char, bool, bool, bool, bool, *const u32, usize, *mut c_void,
            LogMessage, *const c_void
        ) -> Instance;
        free_instance = "fmi3FreeInstance": fn(Instance);
        enter_initialization = "fmi3EnterInitializationMode": fn(Instance, bool, f64, f64, bool, f64) -> c_int;
        exit_initialization = "fmi3ExitInitializationMode": fn(Instance) -> c_int;
        terminate = "fmi3Terminate": fn(Instance) -> c_int;
        reset = "fmi3Reset": fn(Instance) -> c_int;
        get_float64 = "fmi3GetFloat64": fn(Instance, *const u32, usize, *mut f64, usize) -> c_int;
        get_float32 = "fmi3GetFloat32": fn(Instance, *const u32, usize, *mut f32, usize) -> c_int;
        get_int8 = "fmi3GetInt8": fn(Instance, *const u32, usize, *mut i8, usize) -> c_int;
        get_uint8 = "fmi3GetUInt8": fn(Instance, *const u32, usize, *mut u8, usize) -> c_int;
        get_int16 = "fmi3GetInt16": fn(Instance, *const u32, usize, *mut i16, usize) -> c_int;
        get_uint16 = "fmi3GetUInt16": fn(Instance, *const u32, usize, *mut u16, usize) -> c_int;
        get_int32 = "fmi3GetInt32": fn(Instance, *const u32, usize, *mut i32, usize) -> c_int;
        get_uint32 = "fmi3GetUInt32": fn(Instance, *const u32, usize, *mut u32, usize) -> c_int;
        get_int64 = "fmi3GetInt64": fn(Instance, *const u32, usize, *mut i64, usize) -> c_int;
        get_uint64 = "fmi3GetUInt64": fn(Instance, *const u32, usize, *mut u64, usize) -> c_int;
        get_boolean = "fmi3GetBoolean": fn(Instance, *const u32, usize, *mut u8, usize) -> c_int;
        set_float64 = "fmi3SetFloat64": fn(Instance, *const u32, usize, *const f64, usize) -> c_int;
        set_float32 = "fmi3SetFloat32": fn(Instance, *const u32, usize, *const f32, usize) -> c_int;
        set_int8 = "fmi3SetInt8": fn(Instance, *const u32, usize, *const i8, usize) -> c_int;
        set_uint8 = "fmi3SetUInt8": fn(Instance, *const u32, usize, *const u8, usize) -> c_int;
        set_int16 = "fmi3SetInt16": fn(Instance, *const u32, usize, *const i16, usize) -> c_int;
        set_uint16 = "fmi3SetUInt16": fn(Instance, *const u32, usize, *const u16, usize) -> c_int;
        set_int32 = "fmi3SetInt32": fn(Instance, *const u32, usize, *const i32, usize) -> c_int;
        set_uint32 = "fmi3SetUInt32": fn(Instance, *const u32, usize, *const u32, usize) -> c_int;
        set_int64 = "fmi3SetInt64": fn(Instance, *const u32, usize, *const i64, usize) -> c_int;
        set_uint64 = "fmi3SetUInt64": fn(Instance, *const u32, usize, *const u64, usize) -> c_int;
        set_boolean = "fmi3SetBoolean": fn(Instance, *const u32, usize, *const u8, usize) -> c_int;
        do_step = "fmi3DoStep": fn(Instance, f64, f64, bool, *mut u8, *mut u8, *mut u8, *mut f64) -> c_int;
    }
}

functions! {
    /// Only of units that say that they have them.
    Keeping {
        get = "fmi3GetFMUState": fn(Instance, *mut State) -> c_int;
        set = "fmi3SetFMUState": fn(Instance, State) -> c_int;
        free = "fmi3FreeFMUState": fn(Instance, *mut State) -> c_int;
    }
}

unsafe extern "C" fn log_message(_: *mut c_void, status: c_int, category: *const c_char, message: *const c_char) {
    // SAFETY: strings of the unit, as the standard has it.
    unsafe { log::lehr_fmi_log(status, category, message) }
}

pub struct Three {
    functions: Functions,
    keeping: Option<Keeping>,
    instance: Instance,
    kept: State,
    abandoned: bool,
    /// Last: dropped after all that points into it.
    _library: Library,
}

impl Three {
    pub fn open(dir: &Path, description: &Description, name: &CStr, token: &CStr) -> Result<Three, UnitError> {
        let loaded = load(&library(dir, description))?;
        let functions = Functions::load(&loaded)?;
        let keeping = if description.keeps_state { Some(Keeping::load(&loaded)?) } else { None };
        // SAFETY: it returns a constant string.
        let found = unsafe { (functions.get_version)() };
        super::instance::check_version(found, description.version)?;
        // With the separator at its end, as 3.0 wants it.
        let resources = dir.join("resources/").into_os_string().into_encoded_bytes();
        let resources = CString::new(resources).map_err(|_| UnitError::Load("the folder has a zero".into()))?;
        let (visible, logging, events, early) = (false, true, false, false);
        // SAFETY: strings outlive the call; there are no intermediate variables, and there is no environment.
        let instance = unsafe {
            let (name, token, resources) = (name.as_ptr(), token.as_ptr(), resources.as_ptr());
            let instantiate = functions.instantiate;
            let (none, nowhere) = (null(), null_mut());
            instantiate(name, token, resources, visible, logging, events, early, none, 0, nowhere, log_message, null())
        };
        if instance.is_null() {
            return Err(super::instance::refused(description));
        }
        Ok(Three { functions, keeping, instance, kept: null_mut(), abandoned: false, _library: loaded })
    }
}

/// Reads one value of a type.
macro_rules! got {
    ($this:ident, $reference:ident, $function:ident, $zero:expr, $into:expr) => {{
        let mut value = $zero;
        // SAFETY: the instance lives; one reference and room for one value of its type.
        let status = unsafe { ($this.functions.$function)($this.instance, &$reference, 1, &mut value, 1) };
        (Status::from_c(status), $into(value))
    }};
}

impl Calls for Three {
    fn enter_initialization(&mut self) -> (Status, &'static str) {
        // SAFETY: the instance lives, as `Instance` calls in the standard's order; so for all that follows.
        let status = unsafe { (self.functions.enter_initialization)(self.instance, false, 0.0, 0.0, false, 0.0) };
        (Status::from_c(status), "fmi3EnterInitializationMode")
    }

    fn exit_initialization(&mut self) -> (Status, &'static str) {
        let status = unsafe { (self.functions.exit_initialization)(self.instance) };
        (Status::from_c(status), "fmi3ExitInitializationMode")
    }

    fn set(&mut self, kind: Kind, reference: u32, value: Value) -> Status {
        let (f, i, r) = (&self.functions, self.instance, &reference);
        // SAFETY: one reference and one value of its type. That integers fit was seen to.
        Status::from_c(unsafe {
            match (kind, value) {
                (Kind::Float64, Value::Real(v)) => (f.set_float64)(i, r, 1, &v, 1),
                (Kind::Float32, Value::Real(v)) => (f.set_float32)(i, r, 1, &(v as f32), 1),
                (Kind::Int8, Value::Int(v)) => (f.set_int8)(i, r, 1, &(v as i8), 1),
                (Kind::UInt8, Value::Int(v)) => (f.set_uint8)(i, r, 1, &(v as u8), 1),
                (Kind::Int16, Value::Int(v)) => (f.set_int16)(i, r, 1, &(v as i16), 1),
                (Kind::UInt16, Value::Int(v)) => (f.set_uint16)(i, r, 1, &(v as u16), 1),
                (Kind::Int32, Value::Int(v)) => (f.set_int32)(i, r, 1, &(v as i32), 1),
                (Kind::UInt32, Value::Int(v)) => (f.set_uint32)(i, r, 1, &(v as u32), 1),
                (Kind::Int64 | Kind::Enumeration, Value::Int(v)) => (f.set_int64)(i, r, 1, &v, 1),
                (Kind::UInt64, Value::Int(v)) => (f.set_uint64)(i, r, 1, &(v as u64), 1),
                (Kind::Boolean, Value::Bool(v)) => (f.set_boolean)(i, r, 1, &u8::from(v), 1),
                _ => return Status::Error,
            }
        })
    }

    fn get(&mut self, kind: Kind, reference: u32) -> (Status, Value) {
        let int = |value: i64| Value::Int(value);
        match kind {
            Kind::Float64 => got!(self, reference, get_float64, f64::NAN, Value::Real),
            Kind::Float32 => got!(self, reference, get_float32, f32::NAN, |v: f32| Value::Real(v.into())),
            Kind::Int8 => got!(self, reference, get_int8, 0, |v: i8| int(v.into())),
            Kind::UInt8 => got!(self, reference, get_uint8, 0, |v: u8| int(v.into())),
            Kind::Int16 => got!(self, reference, get_int16, 0, |v: i16| int(v.into())),
            Kind::UInt16 => got!(self, reference, get_uint16, 0, |v: u16| int(v.into())),
            Kind::Int32 => got!(self, reference, get_int32, 0, |v: i32| int(v.into())),
            Kind::UInt32 => got!(self, reference, get_uint32, 0, |v: u32| int(v.into())),
            Kind::Int64 | Kind::Enumeration => got!(self, reference, get_int64, 0, int),
            // Beyond i64 it is no count of anything in a plant; a real holds its size.
            Kind::UInt64 => got!(self, reference, get_uint64, 0, |v: u64| Value::Real(v as f64)),
            Kind::Boolean => got!(self, reference, get_boolean, 0, |v: u8| Value::Bool(v != 0)),
            Kind::String | Kind::Binary | Kind::Clock => (Status::Error, Value::Int(0)),
        }
    }

    fn step(&mut self, at_s: f64, step_s: f64, state_is_kept: bool) -> Stepped {
        // Bytes, not `bool`: a unit that writes 2 must not be undefined behaviour here.
        let (mut event, mut ends, mut early, mut reached) = (0u8, 0u8, 0u8, f64::NAN);
        let step = self.functions.do_step;
        // SAFETY: room for one value each.
        let status = unsafe {
            step(self.instance, at_s, step_s, !state_is_kept, &mut event, &mut ends, &mut early, &mut reached)
        };
        // Only where the unit says that it stopped before the end does the time mean something to us.
        let status = Status::from_c(status);
        let short = early != 0 || status == Status::Discard;
        Stepped { status, ends: ends != 0, reached_s: short.then_some(reached).filter(|reached| reached.is_finite()) }
    }

    fn save(&mut self) -> Status {
        let Some(keeping) = &self.keeping else { return Status::Error };
        // SAFETY: null asks for a new state; one that was kept is written over.
        Status::from_c(unsafe { (keeping.get)(self.instance, &mut self.kept) })
    }

    fn restore(&mut self) -> Status {
        let Some(keeping) = &self.keeping else { return Status::Error };
        Status::from_c(unsafe { (keeping.set)(self.instance, self.kept) })
    }

    fn reset(&mut self) -> Status {
        Status::from_c(unsafe { (self.functions.reset)(self.instance) })
    }

    fn terminate(&mut self) -> Status {
        Status::from_c(unsafe { (self.functions.terminate)(self.instance) })
    }

    fn abandon(&mut self) {
        self.abandoned = true;
    }
}

impl Drop for Three {
    fn drop(&mut self) {
        if self.abandoned {
            return;
        }
        // SAFETY: the last calls of this instance.
        unsafe {
            if let Some(keeping) = self.keeping.as_ref().filter(|_| !self.kept.is_null()) {
                (keeping.free)(self.instance, &mut self.kept);
            }
            (self.functions.free_instance)(self.instance);
        }
    }
}
