//! FMI 2.0 for co-simulation.

use super::library::{functions, load};
use super::{Calls, Status, Stepped};
use crate::archive::library;
use crate::description::{Description, Kind};
use crate::error::UnitError;
use crate::message::Value;
use libloading::os::unix::Library;
use std::ffi::{CStr, CString, c_char, c_double, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr::null_mut;

type Component = *mut c_void;
type State = *mut c_void;

/// `fmi2CallbackFunctions`.
#[repr(C)]
struct Callbacks {
    logger: unsafe extern "C" fn(*mut c_void, *const c_char, c_int, *const c_char, *const c_char, ...),
    allocate: unsafe extern "C" fn(usize, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
    /// None: steps are waited for.
    step_finished: Option<unsafe extern "C" fn(*mut c_void, c_int)>,
    environment: *mut c_void,
}

unsafe extern "C" {
    fn lehr_fmi2_logger(
        environment: *mut c_void,
        instance: *const c_char,
        status: c_int,
        category: *const c_char,
        message: *const c_char,
        ...
    );
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn free(memory: *mut c_void);
}

const CO_SIMULATION: c_int = 1;
/// Kinds of `fmi2GetRealStatus` and `fmi2GetBooleanStatus`.
const LAST_SUCCESSFUL_TIME: c_int = 2;
const TERMINATED: c_int = 3;

functions! {
    Functions {
        get_version = "fmi2GetVersion": fn() -> *const c_char;
        instantiate = "fmi2Instantiate":
            fn(*const c_char, c_int, *const c_char, *const c_char, *const Callbacks, c_int, c_int) -> Component;
        free_instance = "fmi2FreeInstance": fn(Component);
        setup_experiment = "fmi2SetupExperiment":
            fn(Component, c_int, c_double, c_double, c_int, c_double) -> c_int;
        enter_initialization = "fmi2EnterInitializationMode": fn(Component) -> c_int;
        exit_initialization = "fmi2ExitInitializationMode": fn(Component) -> c_int;
        terminate = "fmi2Terminate": fn(Component) -> c_int;
        reset = "fmi2Reset": fn(Component) -> c_int;
        get_real = "fmi2GetReal": fn(Component, *const c_uint, usize, *mut c_double) -> c_int;
        get_integer = "fmi2GetInteger": fn(Component, *const c_uint, usize, *mut c_int) -> c_int;
        get_boolean = "fmi2GetBoolean": fn(Component, *const c_uint, usize, *mut c_int) -> c_int;
        set_real = "fmi2SetReal": fn(Component, *const c_uint, usize, *const c_double) -> c_int;
        set_integer = "fmi2SetInteger": fn(Component, *const c_uint, usize, *const c_int) -> c_int;
        set_boolean = "fmi2SetBoolean": fn(Component, *const c_uint, usize, *const c_int) -> c_int;
        do_step = "fmi2DoStep": fn(Component, c_double, c_double, c_int) -> c_int;
        get_real_status = "fmi2GetRealStatus": fn(Component, c_int, *mut c_double) -> c_int;
        get_boolean_status = "fmi2GetBooleanStatus": fn(Component, c_int, *mut c_int) -> c_int;
    }
}

functions! {
    /// Only of units that say that they have them.
    Keeping {
        get = "fmi2GetFMUstate": fn(Component, *mut State) -> c_int;
        set = "fmi2SetFMUstate": fn(Component, State) -> c_int;
        free = "fmi2FreeFMUstate": fn(Component, *mut State) -> c_int;
    }
}

pub struct Two {
    functions: Functions,
    keeping: Option<Keeping>,
    component: Component,
    kept: State,
    abandoned: bool,
    /// The unit keeps a pointer to them.
    _callbacks: Box<Callbacks>,
    /// Last: dropped after all that points into it.
    _library: Library,
}

impl Two {
    pub fn open(dir: &Path, description: &Description, name: &CStr, token: &CStr) -> Result<Two, UnitError> {
        let loaded = load(&library(dir, description))?;
        let functions = Functions::load(&loaded)?;
        let keeping = if description.keeps_state { Some(Keeping::load(&loaded)?) } else { None };
        // SAFETY: it returns a constant string.
        let found = unsafe { (functions.get_version)() };
        super::instance::check_version(found, description.version)?;
        let logger = lehr_fmi2_logger;
        let callbacks =
            Box::new(Callbacks { logger, allocate: calloc, free, step_finished: None, environment: null_mut() });
        let resources = uri(&dir.join("resources"));
        // SAFETY: strings and callbacks outlive the call; the callbacks outlive the instance.
        let component = unsafe {
            let (token, resources) = (token.as_ptr(), resources.as_ptr());
            (functions.instantiate)(name.as_ptr(), CO_SIMULATION, token, resources, &*callbacks, 0, 1)
        };
        if component.is_null() {
            return Err(super::instance::refused(description));
        }
        let kept = null_mut();
        Ok(Two { functions, keeping, component, kept, abandoned: false, _callbacks: callbacks, _library: loaded })
    }
}

/// A file as URI, as 2.0 wants it.
fn uri(path: &Path) -> CString {
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    CString::new(uri).expect("a zero is escaped")
}

impl Calls for Two {
    fn enter_initialization(&mut self) -> (Status, &'static str) {
        // SAFETY: the instance lives, as `Instance` calls in the standard's order; so for all that follows.
        let setup = Status::from_c(unsafe { (self.functions.setup_experiment)(self.component, 0, 0.0, 0.0, 0, 0.0) });
        if !matches!(setup, Status::Ok | Status::Warning) {
            return (setup, "fmi2SetupExperiment");
        }
        let status = Status::from_c(unsafe { (self.functions.enter_initialization)(self.component) });
        (status, "fmi2EnterInitializationMode")
    }

    fn exit_initialization(&mut self) -> (Status, &'static str) {
        let status = Status::from_c(unsafe { (self.functions.exit_initialization)(self.component) });
        (status, "fmi2ExitInitializationMode")
    }

    fn set(&mut self, kind: Kind, reference: u32, value: Value) -> Status {
        let (functions, component) = (&self.functions, self.component);
        // SAFETY: one reference and one value of its type.
        Status::from_c(unsafe {
            match (kind, value) {
                (Kind::Float64, Value::Real(value)) => (functions.set_real)(component, &reference, 1, &value),
                (Kind::Int32 | Kind::Enumeration, Value::Int(value)) => {
                    (functions.set_integer)(component, &reference, 1, &(value as c_int))
                }
                (Kind::Boolean, Value::Bool(value)) => {
                    (functions.set_boolean)(component, &reference, 1, &c_int::from(value))
                }
                _ => return Status::Error,
            }
        })
    }

    fn get(&mut self, kind: Kind, reference: u32) -> (Status, Value) {
        let (functions, component) = (&self.functions, self.component);
        let (mut real, mut integer) = (f64::NAN, 0);
        // SAFETY: one reference and room for one value of its type.
        let status = unsafe {
            match kind {
                Kind::Float64 => (functions.get_real)(component, &reference, 1, &mut real),
                Kind::Int32 | Kind::Enumeration => (functions.get_integer)(component, &reference, 1, &mut integer),
                Kind::Boolean => (functions.get_boolean)(component, &reference, 1, &mut integer),
                _ => return (Status::Error, Value::Int(0)),
            }
        };
        let value = match kind {
            Kind::Float64 => Value::Real(real),
            Kind::Boolean => Value::Bool(integer != 0),
            _ => Value::Int(integer.into()),
        };
        (Status::from_c(status), value)
    }

    fn step(&mut self, at_s: f64, step_s: f64, state_is_kept: bool) -> Stepped {
        let (functions, component) = (&self.functions, self.component);
        let never_back = c_int::from(!state_is_kept);
        let status = Status::from_c(unsafe { (functions.do_step)(component, at_s, step_s, never_back) });
        let mut stepped = Stepped { status, ends: false, reached_s: None };
        if status == Status::Discard {
            let (mut reached, mut terminated) = (f64::NAN, 0);
            // SAFETY: room for one value each. These may be asked after a discarded step alone.
            unsafe {
                let told = (functions.get_real_status)(component, LAST_SUCCESSFUL_TIME, &mut reached);
                stepped.reached_s = Some(reached).filter(|reached| told == 0 && reached.is_finite());
                let told = (functions.get_boolean_status)(component, TERMINATED, &mut terminated);
                stepped.ends = told == 0 && terminated != 0;
            }
        }
        stepped
    }

    fn save(&mut self) -> Status {
        let Some(keeping) = &self.keeping else { return Status::Error };
        // SAFETY: null asks for a new state; one that was kept is written over.
        Status::from_c(unsafe { (keeping.get)(self.component, &mut self.kept) })
    }

    fn restore(&mut self) -> Status {
        let Some(keeping) = &self.keeping else { return Status::Error };
        Status::from_c(unsafe { (keeping.set)(self.component, self.kept) })
    }

    fn reset(&mut self) -> Status {
        Status::from_c(unsafe { (self.functions.reset)(self.component) })
    }

    fn terminate(&mut self) -> Status {
        Status::from_c(unsafe { (self.functions.terminate)(self.component) })
    }

    fn abandon(&mut self) {
        self.abandoned = true;
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        if self.abandoned {
            return;
        }
        // SAFETY: the last calls of this instance.
        unsafe {
            if let Some(keeping) = self.keeping.as_ref().filter(|_| !self.kept.is_null()) {
                (keeping.free)(self.component, &mut self.kept);
            }
            (self.functions.free_instance)(self.component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped_in_its_uri() {
        assert_eq!(uri(Path::new("/tmp/a b/ö")).to_str(), Ok("file:///tmp/a%20b/%C3%B6"));
    }
}
