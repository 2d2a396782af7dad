//! The allocator of Lehr's programs: a program that links this crate allocates by it.

use std::time::Duration;

/// Every tick makes and drops thousands of small immutable chunks, on one thread what another made: the system's
/// allocator takes a fifth of the publisher's time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long freed pages stay with the process before the system gets them back; the allocator's own areas of them
/// stay ten times as long.
const PURGE_DELAY: Duration = Duration::from_secs(1);

/// `mi_option_purge_delay` of mimalloc.h, which the bindings leave out.
const OPTION_PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps freed memory for the next tick instead of giving it back at once.
///
/// The allocator's own delay is 10 ms, shorter than a busy tick, so that each tick would have its pages zeroed by the
/// system anew: on a virtual machine that is half of the time of a batch job. `MIMALLOC_PURGE_DELAY` in the
/// environment (milliseconds, -1 for never) goes before this. Call it first in `main`: the option is not made for
/// being set beside other threads.
pub fn keep_freed_memory() {
    let delay = PURGE_DELAY.as_millis() as std::ffi::c_long;
    // SAFETY: the library's option table is static, the index lies within it, and no other thread has been started.
    unsafe { libmimalloc_sys::mi_option_set_default(OPTION_PURGE_DELAY, delay) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_delay_is_the_options_own() {
        super::keep_freed_memory();
        // SAFETY: as above; this is the only test of the program.
        let delay = unsafe { libmimalloc_sys::mi_option_get(super::OPTION_PURGE_DELAY) };
        assert_eq!(delay, super::PURGE_DELAY.as_millis() as std::ffi::c_long);
    }
}
