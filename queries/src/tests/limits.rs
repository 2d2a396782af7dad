use super::fixture::{answer, ask, patient, rows_of, source};
use crate::guard::{TEXT_BYTES, TOKENS};
use crate::{ErrorKind, Limits, Queries, Resources};
use serde_json::json;
use std::time::Duration;

/// Hours of work each, some without any output.
const ENDLESS: [&str; 8] = [
    "SELECT count(*) FROM generate_series(1, 2000000) a(x) JOIN generate_series(1, 2000000) b(y) ON a.x * b.y < 0",
    "SELECT count(*) FROM generate_series(1, 2000000) a(x) LEFT JOIN generate_series(1, 2000000) b(y) ON x * y < 0",
    "SELECT sum(x * y) FROM generate_series(1, 3000000) a(x), generate_series(1, 3000000) b(y)",
    "SELECT count(*) FROM generate_series(1, 2000000) a(x) JOIN generate_series(1, 2000000) b(y) ON x % 1 = y % 1",
    "SELECT count(*) FROM generate_series(1, 2000000) a(x) JOIN generate_series(1, 2000000) b(y)
     ON x % 1 = y % 1 AND x * y < 0",
    "SELECT count(*) FROM generate_series(1, 2000000) a(x)
     WHERE NOT EXISTS (SELECT 1 FROM generate_series(1, 2000000) b(y) WHERE x * y < 0)",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 - 1 FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM generate_series(1, 1000000000000) WHERE value % 7 = 9",
];
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_query_past_its_time_ends_and_makes_room() {
    let queries = Queries::new(Resources { concurrent: 1, ..Resources::default() }).unwrap();
    for sql in ENDLESS {
        let error = ask(&queries, sql, &source(), Limits { time: SHORT, ..Limits::default() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimeLimit, "{sql}: {error}");
        assert!(error.to_string().contains("0.3 s") && error.to_string().contains("limits.seconds"), "{error}");
        // There is room for one query only: this one runs because the one before was stopped.
        let next = ask(&queries, "SELECT 1", &source(), patient()).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(next.rows(), 1);
    }
}

#[test]
fn a_query_that_finds_no_room_says_so() {
    let queries = Queries::new(Resources { concurrent: 0, ..Resources::default() }).unwrap();
    let error = ask(&queries, "SELECT 1", &source(), Limits { time: SHORT, ..Limits::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
}

#[test]
fn too_many_rows_are_an_error_that_says_how_many_are_allowed() {
    let queries = Queries::new(Resources::default()).unwrap();
    let limits = Limits { rows: 100, ..patient() };
    let error = ask(&queries, "SELECT * FROM panes", &source(), limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RowLimit);
    assert_eq!(error.to_string(), "more than 100 rows; add LIMIT, aggregate, or raise limits.rows (at most 1000000)");
    let exactly = ask(&queries, "SELECT * FROM panes LIMIT 100", &source(), limits).unwrap();
    assert_eq!(exactly.rows(), 100);
}

#[test]
fn limits_are_capped() {
    let queries = Queries::new(Resources::default()).unwrap();
    let limits = Limits { rows: usize::MAX, ..patient() };
    let error = ask(&queries, "SELECT * FROM generate_series(1, 1000001)", &source(), limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RowLimit, "{error}");
}

#[test]
fn memory_of_work_and_of_answers_is_bounded() {
    let queries = Queries::new(Resources { memory_bytes: 4 << 20, ..Resources::default() }).unwrap();
    let sort = "SELECT count(*) FROM (SELECT x, row_number() OVER (ORDER BY x % 1000, x DESC) AS n
                FROM generate_series(1, 3000000) AS t(x)) WHERE n % 2 = 0";
    let error = ask(&queries, sort, &source(), patient()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error}");
    assert!(error.to_string().contains("4 MiB"), "{error}");
    assert_eq!(ask(&queries, "SELECT 1", &source(), patient()).unwrap().rows(), 1, "the memory was given back");

    let limits = Limits { bytes: 1 << 20, ..patient() };
    let large = "SELECT * FROM panes CROSS JOIN generate_series(1, 5)";
    let error = ask(&queries, large, &source(), limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryLimit, "{error}");
    assert!(error.to_string().contains("the answer is larger than 1 MiB"), "{error}");
}

#[test]
fn deep_expressions_are_planned_or_refused_but_never_break_the_process() {
    let deepest = (TOKENS - 8) / 2;
    let sum = format!("SELECT bad{} FROM panes LIMIT 1", " + 1".repeat(deepest));
    assert_eq!(rows_of(&sum, &source()).len(), 1);
    let union = vec!["SELECT 1"; 300].join(" UNION ALL ");
    assert_eq!(rows_of(&format!("SELECT count(*) FROM ({union})"), &source()), [json!([300])]);
    let nested = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
    let longer = format!("SELECT 1{}", " + 1".repeat(TOKENS));
    let text = format!("SELECT '{}'", "x".repeat(TEXT_BYTES));
    for sql in [nested, longer, text] {
        let error = answer(&sql, &source()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Syntax, "{error:.300}");
    }
}
