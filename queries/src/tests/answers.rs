use super::fixture::{answer, changes, names, now, rows_of, snapshot, source};
use crate::arrow::{cell_to_json, row_to_json};
use crate::json::JsonRows;
use crate::{ErrorKind, QueryError, Snapshot, Source};
use arrow::ipc::reader::StreamReader;
use lehr_dataflows::tables::*;
use lehr_domain::table::{Cell, Row};
use lehr_domain::{EventMs, SensorId, SpanMs};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn every_table_reads_back_as_its_rows() {
    let names = names();
    let source = source();
    macro_rules! compare {
        ($(($field:ident, $row:ident)),* $(,)?) => {$({
            let mut expected: Vec<$row> = changes().$field.into_iter().map(|(row, _)| row).collect();
            expected.sort();
            let expected: Vec<Value> = expected
                .iter()
                .map(|row| row.cells(&names).iter().map(cell_to_json).collect())
                .collect();
            let found = rows_of(&format!("SELECT * FROM {}", $row::TABLE), &source);
            assert_eq!(found, expected, "table {}", $row::TABLE);
            let count = rows_of(&format!("SELECT count(*) FROM {}", $row::TABLE), &source);
            assert_eq!(count, [json!([expected.len()])], "table {}", $row::TABLE);
        })*};
    }
    lehr_dataflows::for_all_tables!(compare);
}

#[test]
fn aggregates_over_panes_are_those_of_the_panes() {
    let mut direct: BTreeMap<SensorId, (i64, i64, f64, f64)> = BTreeMap::new();
    for (pane, _) in &changes().panes {
        if pane.start < now() - SpanMs::minutes(30) {
            continue;
        }
        let sums = direct.entry(pane.sensor_id).or_insert((0, 0, f64::INFINITY, f64::NEG_INFINITY));
        sums.0 += pane.moments.n;
        sums.1 += i64::from(pane.bad);
        sums.2 = sums.2.min(pane.moments.min.to_f64());
        sums.3 = sums.3.max(pane.moments.max.to_f64());
    }
    let mut expected: Vec<Value> = direct
        .into_iter()
        .map(|(sensor, sums)| json!([names().sensor(sensor), sums.0, sums.1, sums.2, sums.3]))
        .collect();
    expected.sort_by_key(|row| row[0].as_str().map(str::to_owned));
    let sql = "SELECT sensor_id, sum(n), sum(bad), min(min), max(max) FROM panes
               WHERE start >= now() - INTERVAL '30 minutes' GROUP BY sensor_id ORDER BY sensor_id";
    assert!(expected.len() >= 60, "a plant's worth of sensors");
    assert_eq!(rows_of(sql, &source()), expected);
}

#[test]
fn now_is_the_plant_time_of_the_snapshot() {
    let at = now().to_string();
    let sql = "SELECT now(), current_timestamp, CAST(current_date AS TEXT), arrow_typeof(now())";
    let row = rows_of(sql, &source()).remove(0);
    assert_eq!(row, json!([at, at, "2026-03-10", "Timestamp(ns, \"UTC\")"]));
    let early = Snapshot { now: EventMs(0), ..Snapshot::clone(&snapshot()) };
    let early = Source { snapshot: Arc::new(early), history: None };
    assert_eq!(rows_of("SELECT now()", &early), [json!(["1970-01-01T00:00:00.000Z"])]);
}

#[test]
fn an_answer_says_which_tick_it_is_of() {
    let json = answer("SELECT 1 AS one, 'x' AS letter", &source()).unwrap().to_json().unwrap();
    let columns = json!([{ "name": "one", "type": "int" }, { "name": "letter", "type": "text" }]);
    let expected = json!({ "columns": columns, "rows": [[1, "x"]], "tick": 7, "now": now().to_string() });
    assert_eq!(json, expected);
}

#[test]
fn what_json_cannot_say_is_null() {
    let sql = "SELECT CAST('NaN' AS DOUBLE), CAST('inf' AS DOUBLE), CAST(NULL AS TEXT), make_array(1, NULL, 3),
               named_struct('a', TIMESTAMP '2026-03-10T12:00:00.5Z'), DATE '2026-03-10', 12.5";
    let expected = json!([null, null, null, [1, null, 3], { "a": "2026-03-10T12:00:00.500Z" }, "2026-03-10", 12.5]);
    assert_eq!(rows_of(sql, &source()), [expected]);
    assert_eq!(cell_to_json(&Cell::Float(f64::NEG_INFINITY)), Value::Null);
}

#[test]
fn a_row_is_an_object_of_its_columns() {
    let row = changes().latest.remove(1).0;
    let object = row_to_json(&row, &names());
    assert_eq!(object["sensor_id"], names().sensor(row.sensor_id));
    assert_eq!(object.as_object().unwrap().len(), LatestRow::columns().len());
}

#[test]
fn the_text_of_rows_is_that_of_their_objects() {
    let (names, changes, mut filled) = (names(), changes(), 0);
    macro_rules! compare {
        ($(($field:ident, $row:ident)),* $(,)?) => {$({
            let rows: Vec<&$row> = changes.$field.iter().map(|(row, _)| row).collect();
            filled += usize::from(!rows.is_empty());
            let mut text = Vec::new();
            JsonRows::default().array(&mut text, rows.iter().copied(), &names);
            let read: Vec<Value> = serde_json::from_slice(&text).unwrap();
            assert_eq!(read.len(), rows.len(), "table {}", $row::TABLE);
            for (row, read) in rows.iter().zip(read) {
                // Through a text as well, because reading one may lose the last digit of a number.
                let object: Value = serde_json::from_str(&row_to_json(*row, &names).to_string()).unwrap();
                assert_eq!(read, object, "table {}", $row::TABLE);
            }
        })*};
    }
    lehr_dataflows::for_all_tables!(compare);
    assert!(filled > 15, "{filled} tables hold rows");
}

#[test]
fn csv_quotes_what_must_be_quoted_and_has_a_header_without_rows() {
    let result = answer("SELECT alert_id, message, raised_at, note FROM alerts LIMIT 1", &source()).unwrap();
    let text = String::from_utf8(result.to_csv().unwrap()).unwrap();
    let expected = "alert_id,message,raised_at,note\n\
                    0000000000000000,\"beyond its limit, \"\"high\"\"\",2026-03-10T11:55:00.000Z,\n";
    assert_eq!(text, expected);
    let none = answer("SELECT alert_id FROM alerts WHERE false", &source()).unwrap();
    assert_eq!(none.to_csv().unwrap(), b"alert_id\n");
    let nested = answer("SELECT make_array(1) AS list", &source()).unwrap();
    assert!(nested.to_csv().unwrap_err().to_string().contains("'list' is nested"));
}

#[test]
fn arrow_streams_read_back_as_they_were() {
    let result = answer("SELECT * FROM panes", &source()).unwrap();
    let bytes = result.to_arrow_stream().unwrap();
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    assert_eq!(reader.schema(), result.schema);
    let batches: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
    assert!(batches.len() > 1 && batches == result.batches);
}

#[test]
fn panes_start_at_or_before_and_ratios_over_nothing_are_null() {
    let sql = "SELECT pane_start(TIMESTAMP '2026-03-10T12:07:31Z', 900), pane_start(CAST(-1 AS TIMESTAMP), 60),
               ratio(3, 4), ratio(3, 0), ratio(NULL, 2)";
    let expected = json!(["2026-03-10T12:00:00.000Z", "1969-12-31T23:59:00.000Z", 0.75, null, null]);
    assert_eq!(rows_of(sql, &source()), [expected]);
    let grouped = "SELECT pane_start(start, 900) AS quarter, sum(n) FROM panes GROUP BY quarter ORDER BY quarter";
    assert_eq!(rows_of(grouped, &source()).len(), 5);
    let error = answer("SELECT pane_start(start, 0) FROM panes", &source()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[test]
fn tables_document_themselves() {
    let described = rows_of("DESCRIBE kpis", &source());
    let columns = KpiRow::columns();
    assert_eq!(described.len(), columns.len());
    assert_eq!(described[0], json!(["scope", "text", columns[0].doc.trim()]));
    let sql = "SELECT row_count, doc FROM tables WHERE table_name = 'units'";
    assert_eq!(rows_of(sql, &source()), [json!([super::fixture::UNITS, UnitRow::DOC.trim()])]);
    let undocumented = "SELECT count(*) FROM columns WHERE doc = ''";
    assert_eq!(rows_of(undocumented, &source()), [json!([0])]);
    let shown = rows_of("SHOW TABLES", &source());
    assert!(shown.iter().any(|row| row[2] == "panes"), "{shown:?}");
}

#[test]
fn mistakes_name_what_was_probably_meant() {
    for (sql, kind, words) in [
        ("SELEC 1", ErrorKind::Syntax, "SELEC"),
        ("", ErrorKind::Syntax, "empty"),
        ("SELECT * FROM pane", ErrorKind::UnknownTable, "did you mean 'panes'?"),
        ("SELECT * FROM zebra", ErrorKind::UnknownTable, "tables: sensors,"),
        ("SELECT * FROM other.panes", ErrorKind::UnknownTable, "other.panes"),
        ("SELECT * FROM readings", ErrorKind::UnknownTable, "readings"),
        ("DESCRIBE alert", ErrorKind::UnknownTable, "did you mean 'alerts'?"),
        ("SELECT sensor FROM panes", ErrorKind::UnknownColumn, "columns: sensor_id, start"),
        ("SELECT p.men FROM panes p", ErrorKind::UnknownColumn, "did you mean 'mean'?"),
        ("SELECT sine(1)", ErrorKind::Invalid, "sine"),
        ("SELECT 1 / 0", ErrorKind::Invalid, "ivide by zero"),
        ("SELECT sum(sensor_id) FROM panes", ErrorKind::Invalid, "sum"),
    ] {
        let error = answer(sql, &source()).expect_err(sql);
        assert_eq!(error.kind(), kind, "{sql}: {error}");
        assert!(error.to_string().contains(words), "{sql}: {error}");
    }
}

#[test]
fn errors_of_graphs_are_ours() {
    let error = QueryError::Multiplicity { table: "panes", weight: 2, row: String::new() };
    assert_eq!(error.kind(), ErrorKind::Internal);
}
