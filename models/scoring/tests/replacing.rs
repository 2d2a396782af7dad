//! A model is replaced while it is used: whoever asks gets an answer, all of it from one model; a new one that is
//! refused changes nothing.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lehr_scoring::{Forecaster, Live};
use support::models::{Random, SMALL, forecaster, sequences};
use support::{Files, runtime, schema, seed, workers};

#[test]
fn scoring_goes_on_while_models_come_and_are_refused() {
    let mut random = Random::new(seed());
    let files = Files::new();
    let good: Vec<_> = (0..3)
        .map(|index| {
            let version = format!("1.{index}.0");
            files.write_graph(&format!("good-{index}.onnx"), &forecaster(index, SMALL, &version, &[]))
        })
        .collect();
    let whole = std::fs::read(&good[0]).expect("it is there");
    let mut other = forecaster(9, SMALL, "2.0.0", &[]);
    other.metadata("lehr.schema", "another");
    let bad = [files.write("cut.onnx", &whole[..whole.len() / 2]), files.write_graph("other.onnx", &other)];

    let open = |path: &std::path::PathBuf| Forecaster::open(&runtime(), path, schema(), workers(2));
    let rows = 3;
    let input = sequences(&mut random, rows);
    let expected: Vec<_> =
        good.iter().map(|path| open(path).expect("it runs").forecast(input.clone()).expect("scores")).collect();
    assert!(expected[0] != expected[1] && expected[1] != expected[2]);

    let live = Live::new(open(&good[0]).expect("it runs"));
    let (done, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let forecasts = live.current().forecast(input.clone()).expect("it goes on");
                    // All rows are one model's.
                    assert!(expected.contains(&forecasts));
                    answers.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        let version = || live.current().model().metadata().version.to_string();
        for round in 0..12 {
            let before = version();
            let failed = live.replace(|| open(&bad[round % 2]));
            assert!(failed.is_err());
            assert_eq!((version(), live.current().forecast(input.clone()).expect("scores")), {
                let index: usize = before[2..3].parse().expect("a digit");
                (before, expected[index].clone())
            });
            let next = (round + 1) % 3;
            let old = live.replace(|| open(&good[next])).expect("it is taken");
            assert_ne!(old.model().digest(), live.current().model().digest());
            assert_eq!(version(), format!("1.{next}.0"));
            // Whoever kept the old one can go on with it.
            assert!(expected.contains(&old.forecast(input.clone()).expect("scores")));
        }
        done.store(true, Ordering::Release);
    });
    assert!(answers.into_inner() > 0);
}
