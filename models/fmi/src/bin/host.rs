//! Hosts one unit for the tests of this crate.

fn main() -> std::process::ExitCode {
    lehr_fmi::host()
}
