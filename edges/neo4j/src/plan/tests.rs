use super::*;
use crate::config::shape;
use crate::mirror::Position;
use lehr_domain::table::{Column, ColumnType};
use lehr_targets::Change;
use std::slice::from_ref;
use std::sync::Arc;

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn table() -> Arc<Table> {
    use ColumnType::{Float, Int, Text};
    let columns = [
        ("edge_id", Int),
        ("cause", Text),
        ("effect", Text),
        ("direction", Text),
        ("threshold", Float),
        ("confidence", Float),
    ];
    let columns = columns.into_iter().map(|(name, kind)| Column { name, kind, doc: "" }).collect();
    Arc::new(Table { name: "edges", doc: "Edges.", columns, key: 1, log: false })
}

fn row(edge: i64, cause: &str, effect: &str, confidence: f64) -> Vec<Cell> {
    vec![Cell::Int(edge), text(cause), text(effect), text("high"), Cell::Null, Cell::Float(confidence)]
}

fn delta(gone: &[Vec<Cell>], come: &[Vec<Cell>]) -> TableDelta {
    let change = |appeared| move |row: &Vec<Cell>| Change { appeared, row: row.clone() };
    TableDelta {
        table: table(),
        changes: gone.iter().map(change(false)).chain(come.iter().map(change(true))).collect(),
    }
}

fn found(at: i64, row: &[Cell]) -> Found {
    let (Cell::Text(cause), Cell::Text(effect)) = (&row[1], &row[2]) else { panic!("texts") };
    let all = table().columns.iter().zip(row).map(|(column, cell)| (column.name.to_owned(), cell.clone())).collect();
    Found { at, cause: Some(cause.clone()), effect: Some(effect.clone()), properties: not_null(&all) }
}

fn columns() -> Vec<String> {
    table().columns.iter().map(|column| column.name.to_owned()).collect()
}

/// Lehr wrote `rows`, and then there is `found`.
fn mirror(rows: &[Vec<Cell>], all: Vec<Found>) -> Mirror {
    let hash_of = |row: &Vec<Cell>| {
        let Cell::Int(edge) = row[0] else { panic!("a number") };
        (edge, hash(&found(0, row).properties, &columns()))
    };
    let written = rows.iter().map(hash_of).collect();
    Mirror::of(Position { columns: columns(), written, ..Position::default() }, all)
}

fn plan(mirror: &Mirror, gone: &[Vec<Cell>], come: &[Vec<Cell>]) -> Plan {
    Plan::of(mirror, &delta(gone, come), shape(&table()).unwrap()).unwrap()
}

#[test]
fn an_edge_is_changed_where_it_is_and_moved_by_making_it_anew() {
    let (old, new) = (row(1, "a", "crack", 0.5), row(1, "a", "crack", 0.6));
    let there = mirror(from_ref(&old), vec![found(70, &old)]);
    assert_eq!(there.edits(), 0);
    let changed = plan(&there, from_ref(&old), &[new]);
    assert_eq!((changed.deleted.len(), changed.writes[0].at, changed.overwritten.len()), (0, Some(70), 0));
    assert_eq!(changed.kinds, BTreeMap::from([("crack".to_owned(), "defect".to_owned())]));
    assert!(changed.left.is_empty());
    assert_eq!(changed.writes[0].properties["threshold"], Cell::Null);
    let moved = plan(&there, from_ref(&old), &[row(1, "b", "crack", 0.5)]);
    assert_eq!((moved.deleted.as_slice(), moved.writes[0].at), (&[(1, 70)][..], None));
    assert_eq!(moved.left, BTreeSet::from(["a".to_owned()]));
    let removed = plan(&there, &[old], &[]);
    assert_eq!((removed.deleted.as_slice(), removed.writes.len(), removed.written.len()), (&[(1, 70)][..], 0, 0));
    assert_eq!(removed.left, BTreeSet::from(["a".to_owned(), "crack".to_owned()]));
}

#[test]
fn an_edit_is_overwritten_by_lehrs_own_change_alone_and_not_in_silence() {
    let (one, two) = (row(1, "a", "b", 0.5), row(2, "b", "crack", 0.5));
    let edited = row(1, "a", "b", 0.9);
    let there = mirror(&[one.clone(), two.clone()], vec![found(70, &edited), found(71, &two)]);
    assert_eq!(there.edits(), 1);
    let other = plan(&there, from_ref(&two), &[row(2, "b", "crack", 0.6)]);
    assert_eq!(other.writes.len(), 1);
    assert_eq!(other.written[&1], there.position.written[&1], "the edit is still known for one");
    let lost = plan(&there, from_ref(&one), &[row(1, "a", "b", 0.7)]);
    assert_eq!(lost.overwritten.len(), 1);
    assert!(lost.overwritten[0].contains("confidence Float(0.9)"), "{:?}", lost.overwritten);
    let imported = plan(&there, from_ref(&one), &[edited]);
    assert!(imported.overwritten.is_empty());
    assert_eq!(plan(&there, &[one], &[]).overwritten.len(), 1);
}

#[test]
fn what_was_drawn_by_hand_becomes_the_edge_that_lehr_makes_of_it() {
    let drawn = Found {
        properties: Properties::from([("direction".to_owned(), text("high"))]),
        ..found(80, &row(9, "a", "b", 0.5))
    };
    let low = Found { properties: Properties::from([("direction".to_owned(), text("low"))]), ..drawn.clone() };
    let there = mirror(&[], vec![drawn, Found { at: 79, ..low }]);
    let taken = plan(&there, &[], &[row(4, "a", "b", 0.5), row(5, "a", "b", 0.5), row(6, "a", "c", 0.5)]);
    let at: Vec<Option<i64>> = taken.writes.iter().map(|write| write.at).collect();
    assert_eq!(at, [Some(80), None, None]);
}

#[test]
fn of_copies_the_one_as_it_was_written_is_the_edge() {
    let own = row(1, "a", "b", 0.5);
    let mut copy = found(60, &own);
    copy.effect = Some("c".to_owned());
    let there = mirror(from_ref(&own), vec![copy, found(70, &own), found(75, &own)]);
    assert_eq!(there.edges[&1].at, 70);
    assert_eq!(there.by_hand.iter().map(|found| found.at).collect::<Vec<_>>(), [60, 75]);
    // Removed ones are known too.
    let there = mirror(&[own.clone(), row(2, "x", "y", 0.1)], vec![found(70, &own)]);
    assert_eq!((there.removed().collect::<Vec<_>>(), there.edits()), (vec![2], 1));
}

#[test]
fn a_kind_is_what_the_table_says_or_what_can_be_known() {
    assert_eq!(kind_of("crack", None, true).as_deref(), Some("defect"));
    assert_eq!(kind_of("melt_viscosity", None, true).as_deref(), Some("parameter"));
    assert_eq!(kind_of("furnace_burner", None, false), None);
    assert_eq!(kind_of("furnace_burner", Some(&text("equipment")), false).as_deref(), Some("equipment"));
}
