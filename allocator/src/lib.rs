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

/// Asks for memory in small pages, and keeps what is freed for the next tick instead of giving it back at once.
///
/// The system zeroes a page before a program gets it. A huge page of 2 MiB under a sparsely used area costs far more of
/// that than the small pages in use: half of the time of a batch job on a virtual machine, whose host has to back them
/// anew. The allocator's own delay is 10 ms, shorter than a busy tick, so that each tick would ask for its pages again.
///
/// `MIMALLOC_PURGE_DELAY` in the environment (milliseconds, -1 for never) goes before this delay. Call it first in
/// `main`: the option is not made for being set beside other threads. A system that refuses is no error, only slower.
pub fn ask_for_memory_sparingly() {
    let delay = PURGE_DELAY.as_millis() as std::ffi::c_long;
    // SAFETY: the library's option table is static, the index lies within it, and no other thread has been started.
    unsafe { libmimalloc_sys::mi_option_set_default(OPTION_PURGE_DELAY, delay) }
    // SAFETY: changes a flag of this process, and reads no memory of it.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_delay_is_the_options_own() {
        super::ask_for_memory_sparingly();
        // SAFETY: as above; this is the only test of the program.
        let delay = unsafe { libmimalloc_sys::mi_option_get(super::OPTION_PURGE_DELAY) };
        assert_eq!(delay, super::PURGE_DELAY.as_millis() as std::ffi::c_long);
    }
}
