//! Pictures that somebody looked at before they were asked for: the same answers, whatever the timing.

use super::*;
use crate::pictures::{Looked, Viewer};
use crate::registry::tests::runtime_with;
use crate::runtime::{Runtime, Submission};
use crate::scoring::Ahead;
use crate::scoring::ahead::{Room, Shelf};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::tables::InspectionRow;
use lehr_domain::model::{Alias, Deployment};
use lehr_domain::picture::Picture;
use lehr_domain::{Event, EventMs, LineId, UnitId};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// When pictures are taken: after any wall time at which a test runs.
const TAKEN: EventMs = EventMs(4_102_725_600_000);
/// Of the fifty of [`burst`].
const READABLE: u64 = 44;

/// More than a tick is held for gladly. Each has another amount of light; some are of nothing that can be looked at.
fn burst() -> Vec<Content> {
    let row = |number: u8| match number % 20 {
        7 => GONE,
        9 => BROKEN,
        other => other % 10,
    };
    (0..50).map(|number| content(5 * number, 255 - 4 * number, row(number))).collect()
}

/// What is found where nobody looks ahead.
fn expected(folder: &Path) -> Vec<Option<Found>> {
    let found = scoring(folder, &[(0, LIGHT, "{}")]).inspect(version(0), &burst());
    assert!(found.iter().flatten().any(|found| !found.findings().is_empty()), "something is found");
    found
}

/// Asks while so many threads look ahead.
fn looking<T>(scoring: &Scoring, threads: usize, ask: impl FnOnce() -> T) -> T {
    /// Also where what was asked fails: else the threads would be waited for in vain.
    struct Closing<'s>(&'s Shelf);
    impl Drop for Closing<'_> {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    std::thread::scope(|scope| {
        let _closing = Closing(&scoring.shelf);
        for _ in 0..threads {
            scope.spawn(|| scoring.look_ahead());
        }
        ask()
    })
}

fn expect(scoring: &Scoring, contents: &[Content]) {
    contents.iter().for_each(|content| scoring.shelf.expect(*content, version(0)));
}

fn settle(scoring: &Scoring, contents: &[Content]) {
    contents.iter().for_each(|content| scoring.shelf.settle(*content, PATIENCE));
}

#[test]
fn what_was_looked_at_ahead_is_what_is_found_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    let scoring = scoring(folder.path(), &[]);
    looking(&scoring, 2, || {
        expect(&scoring, &burst());
        settle(&scoring, &burst());
        let all = Looked { ahead: READABLE, passed_over: 0 };
        assert_eq!(scoring.shelf.looked(), all);
        assert_eq!(scoring.inspect(version(0), &burst()), expected);
        assert_eq!(scoring.shelf.looked(), all, "nothing was looked at again");
    });
    assert_eq!(scoring.status().uninspected, 50 - READABLE, "what could not be looked at is counted once");
}

#[test]
fn whoever_asks_in_the_midst_of_it_gets_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    // Asked when so many of them are over, with the others under way, waiting, or not expected at all.
    for over in [0, 1, 10, 30] {
        let scoring = scoring(folder.path(), &[]);
        let found = looking(&scoring, 2, || {
            expect(&scoring, &burst()[..40]);
            settle(&scoring, &burst()[..over]);
            scoring.inspect(version(0), &burst())
        });
        assert_eq!(found, expected, "after {over}");
    }
}

#[test]
fn a_full_queue_loses_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let expected = expected(folder.path());
    let room = Room { waiting: 3, found: 2 };
    let scoring = Scoring { shelf: Shelf::with_room(room), ..scoring(folder.path(), &[]) };
    // Nobody looks yet, so that three wait, and the others are passed over.
    expect(&scoring, &burst());
    assert_eq!(scoring.shelf.looked(), Looked { ahead: 0, passed_over: 47 });
    assert_eq!(scoring.inspect(version(0), &burst()), expected, "whoever asks takes back what waits");
    assert!(burst().iter().all(|content| !scoring.shelf.is_pending(*content)));
    looking(&scoring, 1, || {
        for _ in 0..3 {
            expect(&scoring, &burst());
            assert_eq!(scoring.inspect(version(0), &burst()), expected);
        }
    });
}

#[test]
fn a_model_that_cannot_be_opened_gives_no_answer_ahead_either() {
    let folder = tempfile::tempdir().unwrap();
    let scoring = scoring(folder.path(), &[]);
    let red = [content(255, 0, 3)];
    let found = looking(&scoring, 1, || {
        expect(&scoring, &red);
        settle(&scoring, &red);
        scoring.inspect(version(0), &red)
    });
    assert_eq!(found, [None]);
}

/// A plant whose inspector has been in production for long.
fn runtime(folder: &Path, scoring: &'static Scoring) -> Runtime {
    let inspector: &dyn Inspector = scoring;
    let runtime = runtime_with(folder, GraphConfig { inspector: Some(inspector), ..GraphConfig::default() });
    let deployment = Deployment {
        model: ModelKind::Inspector,
        alias: Alias::Production,
        at: EventMs(0),
        version: Some(version(0)),
        by: "somebody".into(),
        reason: String::new(),
    };
    submit(&runtime, vec![Event::Deployment(Box::new(deployment))]);
    runtime
}

fn submit(runtime: &Runtime, events: Vec<Event>) {
    let submission = Submission { events, ..Submission::default() };
    runtime.submit_blocking(submission).unwrap().wait().unwrap();
}

#[test]
fn tables_are_the_same_with_and_without_looking_ahead() {
    let folder = tempfile::tempdir().unwrap();
    expected(folder.path());
    let inspected = |name: &str, ahead: bool| -> Vec<InspectionRow> {
        let scoring: &'static Scoring = Box::leak(Box::new(scoring(folder.path(), &[])));
        let runtime = runtime(&folder.path().join(name), scoring);
        let viewer = ahead.then(|| Ahead::start(scoring, runtime.clone()).unwrap());
        let picture = |(unit, content): (usize, &Content)| {
            if let Some(viewer) = &viewer {
                viewer.expect(*content);
            }
            let (unit, line) = (UnitId(unit as u64 + 1), LineId(unit as u16 % 3));
            Event::Picture(Picture { unit, line, at: TAKEN, content: *content })
        };
        let events = burst().iter().enumerate().map(picture).collect();
        if let Some(viewer) = &viewer {
            viewer.settle(burst()[0], PATIENCE);
            assert!(viewer.looked().ahead > 0, "which version is in production is known");
        }
        submit(&runtime, events);
        runtime.snapshot().inspections.iter().cloned().collect()
    };
    let rows = inspected("without", false);
    assert_eq!(rows.len() as u64, READABLE, "all that can be looked at");
    assert_eq!(inspected("with", true), rows);
}
