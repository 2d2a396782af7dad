//! What a trained inspector finds on pictures of ware, and how that agrees with MIK-1.
//!
//! ```text
//! pictures ──────────┐
//! deployments, edge ─┤ per line: inspected ─┬→ inspections, and their findings
//!                    │                      │
//! units, by unit ────┴──────────────────────┴→ inspection_quality
//! ```
//!
//! - `inspector`: what a trained inspector must be able to do; it is handed in
//! - `line`: one line's state, and how a tick's changes reach it
//! - `agreement`: findings held against those of MIK-1, summed up
//!
//! **What it is a function of.** A picture is inspected by the version that was in production when it was taken. A
//! deployment changes the pictures from its time on; a picture that is replaced is inspected anew; a unit that comes
//! later than its picture, or is inspected again, restates the figures.
//!
//! **Nothing is inspected twice.** A row stands while content and version are the same, also when the picture's time is
//! corrected. Rows are given back after a restart, and taken where both are the same. What no answer was given to has no
//! row: it is asked again when something of it changes, or after a restart.
//!
//! **Retention.** Rows leave when their picture is from before the edge of the twins ([`crate::twin::edge`]), and figures
//! with them.

mod agreement;
mod inspector;
mod line;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, SEEN};
pub use inspector::{Found, Inspector};

use crate::operators::{empty, per_key};
use crate::tables::{InspectionQualityRow, InspectionRow};
use crate::{Diff, Rows};
use agreement::Types;
use differential_dataflow::operators::CountTotal;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion};
use lehr_domain::picture::{Content, Picture};
use lehr_domain::unit::Unit;
use lehr_domain::{EventMs, LineId, SpanMs, UnitId};
use line::Line;
use serde::{Deserialize, Serialize};

const DAY: SpanMs = SpanMs::days(1);

/// Everything that the inspections of a line depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Taken(UnitId, EventMs, Content),
    Deployed(EventMs, Option<ModelVersion>),
    Edge(EventMs),
    /// After a restart, once, and before the edge.
    Remembered(Box<InspectionRow>),
}

/// What inspections are made from.
pub struct Told<'s> {
    pub pictures: Rows<'s, Picture>,
    pub units: Rows<'s, Unit>,
    pub deployments: Rows<'s, Deployment>,
    pub lines: Rows<'s, LineId>,
    /// One row; see [`crate::twin::edge`].
    pub edge: Rows<'s, EventMs>,
    pub remembered: Rows<'s, InspectionRow>,
}

pub struct Inspections<'s> {
    /// Also what is to be given back as `remembered` after a restart.
    pub inspections: Rows<'s, InspectionRow>,
    pub quality: Rows<'s, InspectionQualityRow>,
}

impl<'s> Inspections<'s> {
    /// Where nothing is inspected.
    pub fn none(scope: timely::dataflow::Scope<'s, crate::Ts>) -> Inspections<'s> {
        Inspections { inspections: empty(scope), quality: empty(scope) }
    }
}

/// The inspections of every line.
pub fn inspections<'s>(inspector: &'static dyn Inspector, told: Told<'s>) -> Inspections<'s> {
    let Told { pictures, units, deployments, lines, edge, remembered } = told;
    let deployed = deployments
        .filter(|row| row.model == ModelKind::Inspector && row.alias == Alias::Production)
        .map(|row| Fact::Deployed(row.at, row.version));
    let of_every_line = deployed.concat(edge.map(Fact::Edge)).map(|fact| ((), fact));
    let of_every_line = of_every_line.join_map(lines.map(|line| ((), line)), |_, fact, line| (*line, fact.clone()));
    let facts = of_every_line.concatenate([
        pictures.map(|row| (row.line, Fact::Taken(row.unit, row.at, row.content))),
        remembered.map(|row| (row.production_line, Fact::Remembered(Box::new(row)))),
    ]);
    let inspections =
        per_key(facts, "inspections", move |line: &LineId, state: &mut Line, changes: &[(Fact, Diff)], out| {
            state.step(*line, inspector, changes, out);
        });
    let quality = quality(inspections.clone(), units);
    Inspections { inspections, quality }
}

/// Findings of both on the same unit. A unit or an inspection that is not there yet counts for nothing. State: some 40
/// bytes a unit.
fn quality<'s>(inspections: Rows<'s, InspectionRow>, units: Rows<'s, Unit>) -> Rows<'s, InspectionQualityRow> {
    let found = inspections.map(|row| {
        let about = (row.production_line, row.version, row.taken_at.floor(DAY));
        (row.unit_id, (about, Types::of(&row.findings)))
    });
    let labels = units.map(|unit| (unit.unit, Types::of(&unit.defects)));
    let held = found.join_map(labels, |_, (about, found), label| (*about, *found, *label));
    let cells = held.explode(|(about, found, label)| {
        SEEN.map(move |defect| ((about, defect), Agreement::on(defect, found, label)))
    });
    cells.count_total().map(|(((production_line, version, day), defect_type), agreement)| InspectionQualityRow {
        production_line,
        version,
        day,
        defect_type,
        agreement,
    })
}
