//! One line's state: its pictures, what was found on them, and how a tick's changes reach that.

use super::Fact;
use super::inspector::Inspector;
use crate::Diff;
use crate::operators::KeyState;
use crate::tables::InspectionRow;
use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use lehr_domain::{EventMs, LineId, UnitId};
use std::collections::{BTreeMap, BTreeSet};

/// Pictures that are handed over at once: an inspector holds 600 kB of each while it looks.
const INSPECTED_AT_ONCE: usize = 64;

/// State: some 300 bytes a picture from the edge on.
#[derive(Default)]
pub struct Line {
    deployed: BTreeMap<EventMs, Option<ModelVersion>>,
    /// Pictures from before this are not looked at; nothing is inspected before it is known.
    edge: Option<EventMs>,
    pictures: BTreeMap<UnitId, (EventMs, Content)>,
    by_time: BTreeSet<(EventMs, UnitId)>,
    rows: BTreeMap<UnitId, InspectionRow>,
    /// What no answer was given to, so that it is not asked again while it is the same.
    unanswered: BTreeMap<UnitId, Asked>,
    /// What was found before a restart, until the edge is known.
    remembered: BTreeMap<UnitId, InspectionRow>,
}

/// Which picture, and who looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    at: EventMs,
    content: Content,
    version: ModelVersion,
}

/// Units to be asked about, those with the same content together.
type Questions = BTreeMap<ModelVersion, BTreeMap<Content, Vec<UnitId>>>;

impl KeyState for Line {
    fn is_idle(&self) -> bool {
        // Rows and what is unanswered are of pictures.
        self.deployed.is_empty() && self.edge.is_none() && self.pictures.is_empty() && self.remembered.is_empty()
    }
}

impl Line {
    pub fn step(
        &mut self,
        line: LineId,
        inspector: &dyn Inspector,
        changes: &[(Fact, Diff)],
        out: &mut Vec<(InspectionRow, Diff)>,
    ) {
        let begun = self.edge.is_some();
        let mut touched = self.take(changes);
        let Some(edge) = self.edge else { return };
        if !begun {
            touched.extend(self.pictures.keys());
        }
        self.forget(edge, &mut touched);
        let mut after = BTreeMap::new();
        let questions = self.settle(&touched, &mut after);
        // What is not remembered by now never will be.
        self.remembered.clear();
        for (version, contents) in questions {
            self.ask(line, inspector, version, &contents, &mut after);
        }
        self.show(after, out);
    }

    /// Takes up what a tick changed. Units of which something may be otherwise than it was.
    fn take(&mut self, changes: &[(Fact, Diff)]) -> BTreeSet<UnitId> {
        let mut touched = BTreeSet::new();
        let mut versions: Option<EventMs> = None;
        // Retractions first, so that what is gone does not take its successor along.
        let gone = changes.iter().filter(|(_, diff)| *diff < 0);
        let new = changes.iter().filter(|(_, diff)| *diff > 0);
        for (fact, diff) in gone.chain(new) {
            let there = *diff > 0;
            match fact {
                Fact::Taken(unit, at, content) => {
                    touched.insert(*unit);
                    if let Some((before, _)) = self.pictures.remove(unit) {
                        self.by_time.remove(&(before, *unit));
                    }
                    if there {
                        self.pictures.insert(*unit, (*at, *content));
                        self.by_time.insert((*at, *unit));
                    }
                }
                Fact::Deployed(at, version) => {
                    versions = Some(versions.map_or(*at, |from| from.min(*at)));
                    match there {
                        true => self.deployed.insert(*at, *version),
                        false => self.deployed.remove(at),
                    };
                }
                Fact::Edge(at) => self.edge = self.edge.max(there.then_some(*at)),
                Fact::Remembered(row) => drop(self.remembered.insert(row.unit_id, (**row).clone())),
            }
        }
        if let Some(from) = versions {
            touched.extend(self.by_time.range((from, UnitId(0))..).map(|(_, unit)| *unit));
        }
        touched
    }

    /// Pictures from before the edge leave; retention of events comes later, and finds nothing.
    fn forget(&mut self, edge: EventMs, touched: &mut BTreeSet<UnitId>) {
        while let Some(&(at, unit)) = self.by_time.first().filter(|(at, _)| *at < edge) {
            self.by_time.remove(&(at, unit));
            self.pictures.remove(&unit);
            touched.insert(unit);
        }
    }

    /// Says what is known of units without looking again, into `after`; gives what is to be asked.
    fn settle(&mut self, touched: &BTreeSet<UnitId>, after: &mut BTreeMap<UnitId, Option<InspectionRow>>) -> Questions {
        let mut questions = Questions::new();
        for unit in touched {
            let Some(asked) = self.asked(*unit) else {
                self.unanswered.remove(unit);
                after.insert(*unit, None);
                continue;
            };
            let same = |row: &&InspectionRow| row.content == asked.content && row.version == asked.version;
            let known = [self.rows.get(unit), self.remembered.get(unit)].into_iter().flatten().find(same);
            if let Some(row) = known {
                after.insert(*unit, Some(InspectionRow { taken_at: asked.at, ..row.clone() }));
            } else if self.unanswered.get(unit) != Some(&asked) {
                questions.entry(asked.version).or_default().entry(asked.content).or_default().push(*unit);
            }
        }
        questions
    }

    /// What is to be asked about a unit's picture; `None` where there is none, or nobody who looks at it.
    fn asked(&self, unit: UnitId) -> Option<Asked> {
        let (at, content) = *self.pictures.get(&unit)?;
        let (_, version) = self.deployed.range(..=at).next_back()?;
        Some(Asked { at, content, version: (*version)? })
    }

    /// Has contents inspected by a version, and notes what was found.
    fn ask(
        &mut self,
        line: LineId,
        inspector: &dyn Inspector,
        version: ModelVersion,
        contents: &BTreeMap<Content, Vec<UnitId>>,
        after: &mut BTreeMap<UnitId, Option<InspectionRow>>,
    ) {
        let pictures: Vec<Content> = contents.keys().copied().collect();
        for part in pictures.chunks(INSPECTED_AT_ONCE) {
            for (content, answer) in part.iter().zip(inspector.inspect(version, part)) {
                for unit in &contents[content] {
                    let (at, _) = self.pictures[unit];
                    match &answer {
                        Some(_) => drop(self.unanswered.remove(unit)),
                        None => drop(self.unanswered.insert(*unit, Asked { at, content: *content, version })),
                    }
                    let row = answer.as_ref().map(|found| InspectionRow {
                        unit_id: *unit,
                        production_line: line,
                        taken_at: at,
                        content: *content,
                        version,
                        findings: found.findings().to_vec(),
                    });
                    after.insert(*unit, row);
                }
            }
        }
    }

    /// Shows rows as they are now.
    fn show(&mut self, after: BTreeMap<UnitId, Option<InspectionRow>>, out: &mut Vec<(InspectionRow, Diff)>) {
        for (unit, row) in after {
            let before = self.rows.remove(&unit);
            if before != row {
                out.extend(before.map(|row| (row, -1)));
                out.extend(row.clone().map(|row| (row, 1)));
            }
            if let Some(row) = row {
                self.rows.insert(unit, row);
            }
        }
    }
}
