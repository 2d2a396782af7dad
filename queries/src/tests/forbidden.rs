use super::fixture::{answer, source};
use crate::ErrorKind;

#[test]
fn what_does_not_merely_read_is_refused() {
    for (sql, words) in [
        ("INSERT INTO panes VALUES (1)", "change data"),
        ("UPDATE panes SET bad = 0", "change data"),
        ("DELETE FROM panes", "change data"),
        ("TRUNCATE TABLE panes", "change data"),
        ("MERGE INTO panes USING units ON true WHEN MATCHED THEN DELETE", "change data"),
        ("EXPLAIN INSERT INTO panes VALUES (1)", "change data"),
        ("EXPLAIN ANALYZE DELETE FROM panes", "change data"),
        ("WITH gone AS (DELETE FROM panes RETURNING *) SELECT * FROM gone", "change data"),
        ("COPY panes TO '/tmp/panes.parquet'", "writes files"),
        ("EXPLAIN COPY panes TO '/tmp/panes.csv'", "writes files"),
        ("COPY (SELECT 1) TO 'x.csv' STORED AS CSV", "writes files"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "would read files"),
        ("CREATE TABLE t AS SELECT 1", "WITH"),
        ("CREATE VIEW v AS SELECT 1", "WITH"),
        ("CREATE SCHEMA s", "WITH"),
        ("CREATE DATABASE d", "only SELECT"),
        ("CREATE FUNCTION f(x INT) RETURNS INT RETURN x", "WITH"),
        ("SELECT 1 INTO t", "SELECT INTO"),
        ("SELECT * FROM (SELECT 1 INTO t) AS s", "SELECT INTO"),
        ("SELECT * FROM panes FOR UPDATE", "locks"),
        ("DROP TABLE panes", "change the schema"),
        ("DROP VIEW v", "change the schema"),
        ("ALTER TABLE panes ADD COLUMN x INT", "change the schema"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("RESET datafusion.execution.batch_size", "RESET"),
        ("PREPARE p AS SELECT 1", "prepared"),
        ("EXECUTE p", "prepared"),
        ("DEALLOCATE p", "prepared"),
        ("BEGIN", "transactions"),
        ("COMMIT", "transactions"),
        ("ROLLBACK", "transactions"),
        ("GRANT SELECT ON panes TO ada", "only SELECT"),
        ("VACUUM", "only SELECT"),
        ("CALL f()", "only SELECT"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("SELECT 1; DROP TABLE panes", "more than one"),
    ] {
        let error = answer(sql, &source()).expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{sql}: {error}");
        assert!(error.to_string().contains(words), "{sql}: {error}");
    }
}

#[test]
fn files_and_functions_that_could_read_them_are_refused() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'panes'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM x.parquet",
        "SELECT * FROM \"data.CSV\"",
        "SELECT * FROM 's3://bucket/x'",
        "SELECT * FROM \"C:\\x\"",
        "SELECT * FROM panes WHERE bad IN (SELECT 1 FROM '/etc/passwd')",
        "SELECT (SELECT count(*) FROM 'a.json')",
        "WITH t AS (SELECT * FROM \"a.arrow\") SELECT * FROM t",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x')",
        "SELECT * FROM panes, LATERAL read_json('x')",
        "SELECT * FROM TABLE(parquet_metadata('x'))",
        "DESCRIBE '/etc/passwd'",
    ] {
        let error = answer(sql, &source()).expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{sql}: {error}");
    }
}

#[test]
fn functions_whose_result_has_no_bound_are_not_there() {
    for sql in ["SELECT repeat('x', 1000000000)", "SELECT lpad('x', 1000000000)", "SELECT range(1, 10000000000)"] {
        let error = answer(sql, &source()).expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}: {error}");
    }
}

#[test]
fn what_reads_is_allowed() {
    for sql in [
        "SELECT 1",
        "SELECT 1;",
        "VALUES (1, 'a'), (2, 'b')",
        "WITH t AS (SELECT * FROM panes) SELECT count(*) FROM t",
        "WITH panes AS (SELECT 1 AS x) SELECT x FROM panes",
        "SELECT * FROM panes UNION ALL SELECT * FROM panes LIMIT 3",
        "SELECT * FROM public.panes p JOIN lehr.public.sensors s ON p.sensor_id = s.sensor_id LIMIT 1",
        "SELECT value FROM generate_series(1, 5)",
        "SELECT * FROM unnest(make_array(1, 2, 3))",
        "SELECT '/etc/passwd', 'x.parquet'",
        "SHOW TABLES",
        "SHOW COLUMNS FROM panes",
        "SHOW FUNCTIONS",
        "SHOW datafusion.execution.batch_size",
        "DESCRIBE panes",
        "EXPLAIN SELECT * FROM panes",
        "EXPLAIN ANALYZE SELECT count(*) FROM panes WHERE bad > 0",
        "SELECT table_name FROM information_schema.tables",
    ] {
        let result = answer(sql, &source()).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(result.rows() > 0, "{sql}");
    }
}
