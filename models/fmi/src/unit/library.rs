//! A shared library and the functions in it.

use crate::error::UnitError;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::error::Error;
use std::path::Path;

/// Loads a unit's library.
///
/// All that it needs is looked for now: what is missing is told here and not by the end of the process at the first
/// call.
pub fn load(path: &Path) -> Result<Library, UnitError> {
    // SAFETY: none that Rust could give: the library's initialisers run. That is why this is a process of its own.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        // What is missing stands in the cause.
        UnitError::Load(error.source().map_or_else(|| error.to_string(), ToString::to_string))
    })
}

/// A function of the library, by its name.
///
/// # Safety
///
/// `F` is the type that the function has in C. It is not called after the library is dropped.
pub unsafe fn function<F: Copy>(library: &Library, name: &str) -> Result<F, UnitError> {
    // SAFETY: as this function asks of its caller.
    let symbol = unsafe { library.get::<F>(name) };
    symbol.map(|symbol| *symbol).map_err(|_| UnitError::Missing(name.to_owned()))
}

/// Declares a struct of C functions and how it is loaded.
macro_rules! functions {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)* }) => {
        $(#[$doc])*
        struct $name { $($field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl $name {
            fn load(library: &libloading::os::unix::Library) -> Result<$name, crate::error::UnitError> {
                // SAFETY: the types are those of the standard's headers; the library outlives them in the struct that
                // has both.
                unsafe { Ok($name { $($field: crate::unit::library::function(library, $symbol)?,)* }) }
            }
        }
    };
}
pub(super) use functions;
