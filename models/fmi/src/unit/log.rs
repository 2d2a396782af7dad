//! What the unit says while it works. Kept until the reply to the request takes it along, and bounded: a unit may log
//! at every step.

use super::Status;
use crate::message::{LogLine, Severity};
use std::ffi::{CStr, c_char, c_int};
use std::sync::{Mutex, PoisonError};

/// Messages kept of one request; of more, the first ones tell the cause.
const LINES_MOST: usize = 64;
/// Characters of one message.
const TEXT_MOST: usize = 500;
const CATEGORY_MOST: usize = 60;

struct Log {
    lines: Vec<LogLine>,
    dropped: u64,
}

/// One for the process, as there is one unit: what a unit hands back as environment may be anything.
static LOG: Mutex<Log> = Mutex::new(Log { lines: Vec::new(), dropped: 0 });

/// What was said since the last time, and how many messages more.
pub fn taken() -> (Vec<LogLine>, u64) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    (std::mem::take(&mut log.lines), std::mem::take(&mut log.dropped))
}

/// The last thing said that sounds like trouble; it tells why a call failed.
pub fn trouble() -> Option<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    log.lines.iter().rev().find(|line| line.severity > Severity::Info).map(|line| line.text.clone())
}

/// # Safety
///
/// `text` is null or a string that ends with a zero.
unsafe fn text(text: *const c_char, most: usize) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as this function asks of its caller.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().trim().chars().filter(|c| !c.is_control() || *c == '\n').take(most).collect()
}

/// Takes a message from either version, from whatever thread of the unit.
///
/// # Safety
///
/// `category` and `message` are null or strings that end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lehr_fmi_log(status: c_int, category: *const c_char, message: *const c_char) {
    let severity = match Status::from_c(status) {
        Status::Ok | Status::Pending => Severity::Info,
        Status::Warning | Status::Discard => Severity::Warning,
        Status::Error | Status::Fatal | Status::Unknown(_) => Severity::Error,
    };
    // SAFETY: as this function asks of its caller.
    let line = unsafe { LogLine { severity, category: text(category, CATEGORY_MOST), text: text(message, TEXT_MOST) } };
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    match log.lines.len() < LINES_MOST {
        true => log.lines.push(line),
        false => log.dropped += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_bounded_and_says_what_it_left_out() {
        for _ in 0..LINES_MOST + 10 {
            let long = std::ffi::CString::new("x".repeat(2000)).expect("no zero");
            // SAFETY: strings that end with a zero.
            unsafe { lehr_fmi_log(3, c"events".as_ptr(), long.as_ptr()) };
        }
        assert_eq!(trouble().map(|text| text.len()), Some(TEXT_MOST));
        let (lines, dropped) = taken();
        assert_eq!((lines.len(), dropped), (LINES_MOST, 10));
        assert_eq!(lines[0].severity, Severity::Error);
        // SAFETY: null is allowed.
        unsafe { lehr_fmi_log(0, std::ptr::null(), std::ptr::null()) };
        assert_eq!(taken().0[0].text, "");
    }
}
