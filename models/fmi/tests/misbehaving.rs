//! Units that misbehave, each in a way of its own: Lehr goes on and says why.

mod support;

use lehr_fmi::{HostError, Hosted, Setting, Severity, Unit, UnitError, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{LIMIT, hosted, hosted_within, own};

/// As in `behaviour.h`.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Mode {
    Good,
    Crashes,
    Hangs,
    Fails,
    NotANumber,
    Discards,
    Ends,
    IsLost,
    Prints,
    LogsALot,
    Exits,
    IsPending,
    ReturnsEarly,
    NoStatus,
    EatsMemory,
    HangsWithAChild,
    FailsAtTheStart,
}

const BOTH: [Version; 2] = [Version::Two, Version::Three];

fn at(unit: &Unit, name: &str) -> u32 {
    unit.description().variable(name).expect(name).0
}

/// A minute that goes well, and what becomes of the second.
fn second_minute(unit: &Arc<Unit>, hosted: &mut Hosted, mode: Mode) -> Result<Vec<f64>, HostError> {
    let set = |name, value| Setting { variable: at(unit, name), value };
    let y = at(unit, "y");
    hosted.start(&[set("mode", f64::from(mode as u8)), set("k", 0.5)], &[set("u", 3.0)], &[])?;
    let first = hosted.advance(&[], 6, 10.0, &[y]).expect("the first minute goes well");
    assert_eq!(first, [90.0]);
    hosted.advance(&[set("u", 5.0)], 6, 10.0, &[y])
}

fn failure(version: Version, mode: Mode) -> (HostError, Hosted) {
    let unit = own(version);
    let mut hosted = hosted(&unit);
    let error = second_minute(&unit, &mut hosted, mode).expect_err("it misbehaves");
    (error, hosted)
}

fn unit_error(version: Version, mode: Mode) -> UnitError {
    match failure(version, mode).0 {
        HostError::Unit(error) => error,
        other => panic!("{mode:?}: {other}"),
    }
}

#[test]
fn a_good_unit_starts_anew_ends_and_keeps_its_state() {
    for version in BOTH {
        let unit = own(version);
        let mut hosted = hosted(&unit);
        let y = at(&unit, "y");
        for _ in 0..2 {
            assert_eq!(second_minute(&unit, &mut hosted, Mode::Good), Ok(vec![240.0]));
        }
        match version {
            Version::Two => assert!(matches!(hosted.save(), Err(HostError::Unit(UnitError::Order(_))))),
            Version::Three => {
                hosted.save().expect("kept");
                for _ in 0..2 {
                    assert_eq!(hosted.advance(&[], 6, 10.0, &[y]), Ok(vec![390.0]));
                    hosted.restore().expect("restored");
                }
            }
        }
        hosted.end().expect("ended");
        assert!(matches!(hosted.advance(&[], 1, 10.0, &[]), Err(HostError::Unit(UnitError::Order(_)))));
        assert_eq!(second_minute(&unit, &mut hosted, Mode::Good), Ok(vec![240.0]));
    }
}

#[test]
fn the_order_of_calls_is_kept() {
    for version in BOTH {
        let unit = own(version);
        let mut hosted = hosted(&unit);
        let set = |name, value| Setting { variable: at(&unit, name), value };
        let order = |result: Result<Vec<f64>, HostError>| {
            assert!(matches!(result, Err(HostError::Unit(UnitError::Order(_)))), "{result:?}");
        };
        order(hosted.advance(&[], 1, 1.0, &[]));
        hosted.start(&[], &[], &[]).expect("begun");
        order(hosted.advance(&[set("mode", 1.0)], 1, 1.0, &[]));
        order(hosted.advance(&[set("y", 1.0)], 1, 1.0, &[]));
        hosted.advance(&[set("k", 2.0), set("u", 1.0), set("on", 1.0)], 1, 1.0, &[]).expect("k is tunable");
        order(hosted.advance(&[], 1, 2.0, &[]));
        let none = hosted.advance(&[], 0, 1.0, &[99]);
        assert_eq!(none, Err(HostError::Unit(UnitError::NoVariable(99))));
        let unfit = hosted.start(&[set("mode", 1e10)], &[], &[]);
        assert!(matches!(unfit, Err(HostError::Unit(UnitError::Unfit { .. }))), "{unfit:?}");
    }
}

#[test]
fn a_crash_is_told_with_what_was_said_before_it() {
    for version in BOTH {
        let (error, mut hosted) = failure(version, Mode::Crashes);
        let text = error.to_string();
        assert!(text.contains("died: signal 11") && text.contains("about to reach too far"), "{text}");
        assert_eq!(hosted.advance(&[], 1, 10.0, &[]), Err(error.clone()), "it stays dead");
        assert_eq!(hosted.dead(), Some(&error));
        let (error, _) = failure(version, Mode::Exits);
        assert!(error.to_string().contains("exit status 3"), "{error}");
    }
}

#[test]
fn a_unit_that_hangs_is_ended_at_its_limit_with_what_it_started() {
    for version in BOTH {
        for mode in [Mode::Hangs, Mode::HangsWithAChild] {
            let unit = own(version);
            let limit = Duration::from_millis(700);
            let mut hosted = hosted_within(&unit, limit);
            let begun = Instant::now();
            let error = second_minute(&unit, &mut hosted, mode).expect_err("it hangs");
            assert_eq!(error, HostError::TimeLimit { limit });
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
        }
    }
    let left = processes_with("1000.125");
    assert!(left.is_empty(), "{left:?} were left");
}

/// Processes that have this argument.
fn processes_with(argument: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    let lines = entries.filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // A zombie that nobody waits for has no command line any more.
        line.contains(argument).then_some(line)
    });
    lines.collect()
}

#[test]
fn statuses_are_told_apart() {
    for version in BOTH {
        let text = unit_error(version, Mode::Fails).to_string();
        assert!(text.contains("'error'") && text.contains("no solution at 1500 K"), "{text}");
        let UnitError::NotFinite { variable, value, at_s } = unit_error(version, Mode::NotANumber) else {
            panic!("NaN is told as such")
        };
        assert!(variable == "y" && value.is_nan() && at_s == 120.0);
        let UnitError::Discarded { from_s: 60.0, reached_s } = unit_error(version, Mode::Discards) else {
            panic!("a discarded step is told as such")
        };
        assert_eq!(reached_s, if version == Version::Two { 60.0 } else { 62.5 });
        let ended = if version == Version::Two { 60.0 } else { 70.0 };
        assert_eq!(unit_error(version, Mode::Ends), UnitError::Ended { at_s: ended });
        let text = unit_error(version, Mode::NoStatus).to_string();
        assert!(text.contains("unknown (77)"), "{text}");
        let start = unit_error(version, Mode::FailsAtTheStart).to_string();
        assert!(start.contains("EnterInitializationMode"), "{start}");
    }
    assert_eq!(unit_error(Version::Two, Mode::IsPending), UnitError::Pending);
    let early = UnitError::Early { from_s: 60.0, reached_s: 65.0 };
    assert_eq!(unit_error(Version::Three, Mode::ReturnsEarly), early);
}

#[test]
fn after_an_error_a_unit_can_begin_anew_but_not_after_a_fatal_one() {
    for version in BOTH {
        let unit = own(version);
        let mut hosted = hosted(&unit);
        second_minute(&unit, &mut hosted, Mode::Fails).expect_err("it fails");
        assert_eq!(second_minute(&unit, &mut hosted, Mode::Good), Ok(vec![240.0]));
        let lost = second_minute(&unit, &mut hosted, Mode::IsLost).expect_err("it is lost");
        assert!(lost.to_string().contains("'fatal'"), "{lost}");
        let again = second_minute(&unit, &mut hosted, Mode::Good);
        assert!(matches!(again, Err(HostError::Unit(UnitError::Order(_)))), "{again:?}");
    }
}

#[test]
fn what_a_unit_prints_and_logs_does_no_harm() {
    for version in BOTH {
        let unit = own(version);
        let mut hosted = hosted(&unit);
        assert_eq!(second_minute(&unit, &mut hosted, Mode::Prints), Ok(vec![240.0]));
        assert_eq!(second_minute(&unit, &mut hosted, Mode::LogsALot), Ok(vec![240.0]));
        let (lines, dropped) = hosted.log();
        let lines: Vec<_> = lines.collect();
        assert!(!lines.is_empty() && lines.len() <= 100, "{}", lines.len());
        assert_eq!(lines.len() as u64 + dropped, 600_000);
        assert_eq!((lines[0].severity, lines[0].category.as_str()), (Severity::Warning, "steps"));
        let text = if version == Version::Two { "a step was taken (7 of it)" } else { "a step was taken" };
        assert_eq!(lines[0].text, text);
    }
}

#[test]
fn a_unit_that_eats_memory_is_ended_before_the_machine_is() {
    for version in BOTH {
        let (error, _) = failure(version, Mode::EatsMemory);
        assert!(error.to_string().contains("signal 6"), "{error}");
    }
}

#[test]
fn a_unit_that_refuses_to_start_says_why() {
    for version in BOTH {
        let (_dir, file) = support::own_file_with_token(version, "not mine");
        let unit = Arc::new(Unit::open(&file).expect("it can be opened"));
        let refused = Hosted::open(unit, &support::host(), "unit", &[], LIMIT).err().expect("it refuses");
        assert!(refused.to_string().contains("is not mine"), "{refused}");
    }
}

#[test]
fn a_request_beyond_its_bound_is_refused_and_does_no_harm() {
    let unit = own(Version::Three);
    let mut hosted = hosted(&unit);
    let inputs = vec![Setting { variable: 1, value: 1.5 }; 10_000];
    let refused = hosted.start(&[], &inputs, &[]);
    assert!(matches!(refused, Err(HostError::TooLarge { .. })), "{refused:?}");
    hosted.start(&[], &inputs[..10], &[]).expect("it lives");
}

#[test]
fn a_process_that_is_no_host_is_told_as_such() {
    let unit = own(Version::Three);
    let start = |program: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(Into::into).collect();
        let host = lehr_fmi::HostProgram { program: program.into(), arguments };
        Hosted::open(unit.clone(), &host, "unit", &[], LIMIT).err().expect("no host")
    };
    assert!(matches!(start("/nowhere", &[]), HostError::Spawn(_)));
    assert!(matches!(start("true", &[]), HostError::Died { .. }));
    let babble = start("sh", &["-c", "yes; sleep 100"]);
    assert!(matches!(babble, HostError::Protocol(_)), "{babble}");
}

#[test]
fn a_process_ends_with_its_client() {
    let unit = own(Version::Three);
    let mut hosted = hosted(&unit);
    second_minute(&unit, &mut hosted, Mode::Good).expect("it runs");
    // Other tests run hosts as well; each runs in the folder of its unit.
    let inside = || {
        let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
        processes
            .filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == unit.dir()))
            .count()
    };
    assert_eq!(inside(), 1);
    drop(hosted);
    assert_eq!(inside(), 0);
}

/// Lehr may be killed while the unit hangs: nothing but the end of the pipe tells the process.
#[test]
fn a_process_whose_unit_hangs_ends_when_its_pipe_does() {
    let unit = own(Version::Three);
    let host = support::host().program;
    let through_another = format!("timeout --foreground 2 cat | {}", host.display());
    let arguments = ["-c", &through_another].map(Into::into).to_vec();
    let host = lehr_fmi::HostProgram { program: "sh".into(), arguments };
    let mut hosted = Hosted::open(unit.clone(), &host, "unit", &[], LIMIT).expect("it starts");
    let error = second_minute(&unit, &mut hosted, Mode::Hangs).expect_err("it hangs");
    assert!(matches!(error, HostError::Died { .. }), "{error}");
    assert!(!unit.dir().exists(), "what was unpacked is removed by the last who can");
}
