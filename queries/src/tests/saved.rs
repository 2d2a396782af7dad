use super::fixture::{answer, snapshot};
use crate::{Snapshot, Source, saved};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn every_saved_query_answers_with_and_without_rows() {
    let empty = Source { snapshot: Arc::new(Snapshot::empty()), history: None };
    let filled = Source { snapshot: snapshot(), history: None };
    for query in saved() {
        let none = answer(query.sql, &empty).unwrap_or_else(|error| panic!("{} on nothing: {error}", query.name));
        // Sensors that never gave a reading are silent, but here are no sensors either.
        assert_eq!(none.rows(), 0, "{}", query.name);
        let some = answer(query.sql, &filled).unwrap_or_else(|error| panic!("{}: {error}", query.name));
        assert!(some.rows() > 0, "{} finds nothing", query.name);
        assert_eq!(none.schema.fields().len(), some.schema.fields().len());
        some.to_csv().unwrap_or_else(|error| panic!("{} as CSV: {error}", query.name));
    }
}

#[test]
fn every_file_is_listed_and_has_its_headers() {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let files: BTreeSet<String> = folder
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".sql")?.to_owned()))
        .collect();
    let listed: BTreeSet<String> = saved().iter().map(|query| query.name.to_owned()).collect();
    assert_eq!(files, listed);
    for query in saved() {
        assert!(!query.title.is_empty() && query.about.ends_with('.'), "{}: title and about", query.name);
    }
}

#[test]
fn the_pareto_counts_every_defect_of_the_day_once() {
    let filled = Source { snapshot: snapshot(), history: None };
    let pareto = saved().into_iter().find(|query| query.name == "defect_pareto_today").unwrap();
    let json = answer(pareto.sql, &filled).unwrap().to_json().unwrap();
    let rows = json["rows"].as_array().unwrap();
    let total: i64 = rows.iter().map(|row| row[1].as_i64().unwrap()).sum();
    assert_eq!(total as usize, snapshot().defects.len());
    assert!(rows.windows(2).all(|pair| pair[0][1].as_i64() >= pair[1][1].as_i64()));
    assert_eq!(rows.last().unwrap()[4], 1.0);
}
