//! What an inspector is asked, and what it is not asked again.

use super::line::Line;
use super::*;
use lehr_domain::PerMille;
use lehr_domain::unit::{Defect, DefectType};
use std::sync::{Mutex, PoisonError};

const LINE: LineId = LineId(3);
/// Of this content no version says anything.
const UNREADABLE: Content = Content([0; 32]);

/// Finds a crack whose score is the content's first byte and whose place is the version; keeps what it was asked.
#[derive(Debug, Default)]
struct Noting(Mutex<Vec<(ModelVersion, Vec<Content>)>>);

impl Inspector for Noting {
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((version, pictures.to_vec()));
        let found = |content: &Content| {
            let (score, bounds) = (PerMille(i32::from(content.0[0])), [version.minor as u8, 0, 9, 9]);
            (*content != UNREADABLE).then(|| Found::of(vec![Defect { defect: DefectType::Crack, score, bounds }]))
        };
        pictures.iter().map(found).collect()
    }
}

impl Noting {
    /// What it was asked since it was last asked for that.
    fn asked(&self) -> Vec<(ModelVersion, Vec<Content>)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn content(number: u8) -> Content {
    Content([number; 32])
}

fn version(minor: u32) -> ModelVersion {
    ModelVersion::new(1, minor, 0)
}

fn taken(unit: u64, minute: i64, content: Content) -> Fact {
    Fact::Taken(UnitId(unit), EventMs(minute * 60_000), content)
}

fn deployed(minute: i64, minor: u32) -> Fact {
    Fact::Deployed(EventMs(minute * 60_000), Some(version(minor)))
}

fn edge(minute: i64) -> Fact {
    Fact::Edge(EventMs(minute * 60_000))
}

/// Rows as people see them: unit, minute, content, version.
type Shown = (u64, i64, u8, u32);

fn shown(row: &InspectionRow) -> Shown {
    (row.unit_id.0, row.taken_at.0 / 60_000, row.content.0[0], row.version.minor)
}

#[derive(Default)]
struct Held {
    line: Line,
    rows: Vec<InspectionRow>,
}

impl Held {
    /// A tick in which some facts are gone and others are new.
    fn tick(&mut self, inspector: &Noting, gone: &[Fact], new: &[Fact]) -> Vec<Shown> {
        let gone = gone.iter().map(|fact| (fact.clone(), -1));
        let mut changes: Vec<(Fact, Diff)> = gone.chain(new.iter().map(|fact| (fact.clone(), 1))).collect();
        changes.sort();
        let mut out = Vec::new();
        self.line.step(LINE, inspector, &changes, &mut out);
        for (row, diff) in out {
            match diff {
                -1 => self.rows.retain(|held| *held != row),
                1 => self.rows.push(row),
                other => panic!("{other} times {row:?}"),
            }
        }
        self.rows.sort();
        self.rows.iter().map(shown).collect()
    }
}

#[test]
fn a_picture_is_inspected_once_by_the_version_of_its_time() {
    let (mut held, inspector) = (Held::default(), Noting::default());
    let early = held.tick(&inspector, &[], &[deployed(0, 1), taken(7, 5, content(1))]);
    assert_eq!((early, inspector.asked()), (vec![], vec![]), "before it is known how far to look back");
    let rows = held.tick(&inspector, &[], &[edge(0), taken(8, 6, content(2)), taken(9, 6, content(2))]);
    assert_eq!(rows, [(7, 5, 1, 1), (8, 6, 2, 1), (9, 6, 2, 1)]);
    assert_eq!(inspector.asked(), [(version(1), vec![content(1), content(2)])], "one call, each content once");
    // Another version from minute 6 on looks at what was taken then.
    let rows = held.tick(&inspector, &[], &[deployed(6, 2)]);
    assert_eq!(rows, [(7, 5, 1, 1), (8, 6, 2, 2), (9, 6, 2, 2)]);
    assert_eq!(inspector.asked(), [(version(2), vec![content(2)])]);
    // From a later time on: nothing is otherwise.
    held.tick(&inspector, &[], &[deployed(60, 3)]);
    assert_eq!(inspector.asked(), []);
    // A time that is corrected restates the row, and is nothing to look at again, unless another version was there then.
    let moved = [taken(7, 5, content(1)), taken(9, 6, content(2))];
    let rows = held.tick(&inspector, &moved, &[taken(7, 4, content(1)), taken(9, 3, content(2))]);
    assert_eq!(rows, [(7, 4, 1, 1), (8, 6, 2, 2), (9, 3, 2, 1)]);
    assert_eq!(inspector.asked(), [(version(1), vec![content(2)])]);
    let rows = held.tick(&inspector, &[taken(7, 4, content(1))], &[taken(7, 4, content(3))]);
    assert_eq!((rows[0], inspector.asked()), ((7, 4, 3, 1), vec![(version(1), vec![content(3)])]));
    // With nobody in production the rows of that time go.
    let none = Fact::Deployed(EventMs(0), None);
    let rows = held.tick(&inspector, &[deployed(0, 1)], &[none]);
    assert_eq!((rows, inspector.asked()), (vec![(8, 6, 2, 2)], vec![]));
}

#[test]
fn what_got_no_answer_has_no_row_and_is_asked_again_when_it_changes() {
    let (mut held, inspector) = (Held::default(), Noting::default());
    let rows = held.tick(&inspector, &[], &[edge(0), deployed(0, 1), taken(7, 5, UNREADABLE)]);
    assert_eq!((rows, inspector.asked().len()), (vec![], 1));
    held.tick(&inspector, &[], &[taken(8, 5, content(1)), deployed(5, 1)]);
    assert_eq!(inspector.asked(), [(version(1), vec![content(1)])], "the same version looks at the same picture");
    held.tick(&inspector, &[deployed(5, 1)], &[deployed(5, 2)]);
    assert_eq!(inspector.asked(), [(version(2), vec![UNREADABLE, content(1)])]);
    let rows = held.tick(&inspector, &[taken(7, 5, UNREADABLE)], &[taken(7, 5, content(4))]);
    assert_eq!(rows, [(7, 5, 4, 2), (8, 5, 1, 2)]);
}

#[test]
fn what_was_found_before_a_restart_is_not_looked_at_again() {
    let facts = [
        deployed(0, 1),
        taken(7, 5, content(1)),
        taken(8, 6, content(2)),
        taken(9, 6, UNREADABLE),
        taken(10, 7, content(4)),
    ];
    let (mut before, inspector) = (Held::default(), Noting::default());
    let rows = before.tick(&inspector, &[], &[&facts[..], &[edge(0)]].concat());
    inspector.asked();
    let remembered = before.rows.iter().map(|row| match row.unit_id {
        // As if its picture had been replaced since, and as if it had been looked at by another version.
        UnitId(8) => InspectionRow { content: content(9), ..row.clone() },
        UnitId(10) => InspectionRow { version: version(7), ..row.clone() },
        _ => row.clone(),
    });
    let remembered: Vec<Fact> = remembered.map(|row| Fact::Remembered(Box::new(row))).collect();
    let mut after = Held::default();
    after.tick(&inspector, &[], &remembered);
    after.tick(&inspector, &[], &facts);
    assert_eq!(inspector.asked(), [], "not before all is there");
    assert_eq!(after.tick(&inspector, &[], &[edge(0)]), rows);
    assert_eq!(after.rows, before.rows);
    assert_eq!(inspector.asked(), [(version(1), vec![UNREADABLE, content(2), content(4)])]);
}

#[test]
fn what_is_from_before_the_edge_leaves_and_does_not_come_back() {
    let (mut held, inspector) = (Held::default(), Noting::default());
    held.tick(&inspector, &[], &[edge(0), deployed(0, 1), taken(7, 5, content(1)), taken(8, 9, content(2))]);
    let rows = held.tick(&inspector, &[edge(0)], &[edge(6)]);
    assert_eq!(rows, [(8, 9, 2, 1)]);
    inspector.asked();
    let rows = held.tick(&inspector, &[taken(7, 5, content(1))], &[taken(11, 5, content(3)), deployed(1, 2)]);
    assert_eq!(rows, [(8, 9, 2, 2)]);
    assert_eq!(inspector.asked(), [(version(2), vec![content(2)])]);
}

#[test]
fn many_pictures_are_handed_over_in_parts() {
    let (mut held, inspector) = (Held::default(), Noting::default());
    let many = (1..=200).map(|number| taken(u64::from(number), 5, content(number)));
    let facts: Vec<Fact> = many.chain([edge(0), deployed(0, 1)]).collect();
    assert_eq!(held.tick(&inspector, &[], &facts).len(), 200);
    let asked = inspector.asked();
    assert_eq!(asked.iter().map(|(_, part)| part.len()).collect::<Vec<_>>(), [64, 64, 64, 8]);
}
