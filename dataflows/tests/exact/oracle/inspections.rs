//! What is found on pictures: every picture of every line looked at anew, at every tick.

use super::base::Base;
use super::twin::edge;
use crate::tables::Tables;
use crate::toy::Looker;
use lehr_dataflows::base::Retention;
use lehr_dataflows::inspections::{Agreement, Inspector};
use lehr_dataflows::tables::*;
use lehr_domain::model::{Alias, ModelKind, ModelVersion};
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{Event, EventMs, Inputs};
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;

pub struct Inspections {
    retention: Retention,
    edge: EventMs,
}

impl Inspections {
    pub fn new(retention: Retention) -> Inspections {
        Inspections { retention, edge: EventMs::MIN }
    }

    pub fn tables(&mut self, base: &Base, inputs: &Inputs, tables: &mut Tables) {
        self.edge = self.edge.max(edge(inputs.low_water, self.retention));
        let lines = base.lines();
        for row in base.rows() {
            let Event::Picture(picture) = row else { continue };
            tables.pictures.insert(PictureRow {
                unit_id: picture.unit,
                production_line: picture.line,
                taken_at: picture.at,
                content: picture.content,
            });
            if !lines.contains(&picture.line) || picture.at < self.edge {
                continue;
            }
            let Some(version) = version(base, picture.at) else { continue };
            let Some(found) = Looker.inspect(version, &[picture.content]).remove(0) else { continue };
            for (ordinal, finding) in found.findings().iter().enumerate() {
                let [x, y, width, height] = finding.bounds;
                tables.inspection_findings.insert(InspectionFindingRow {
                    unit_id: picture.unit,
                    ordinal: ordinal as i64,
                    production_line: picture.line,
                    taken_at: picture.at,
                    defect_type: finding.defect,
                    score: finding.score,
                    x,
                    y,
                    width,
                    height,
                });
            }
            tables.inspections.insert(InspectionRow {
                unit_id: picture.unit,
                production_line: picture.line,
                taken_at: picture.at,
                content: picture.content,
                version,
                findings: found.findings().to_vec(),
            });
        }
        quality(base, tables);
    }
}

/// The latest deployment whose time has come when the picture is taken.
fn version(base: &Base, at: EventMs) -> Option<ModelVersion> {
    let deployments = base.rows().filter_map(|row| if let Event::Deployment(row) = row { Some(row) } else { None });
    let own = deployments.filter(|row| row.model == ModelKind::Inspector && row.alias == Alias::Production);
    own.filter(|row| row.at <= at).max_by_key(|row| row.at)?.version
}

fn quality(base: &Base, tables: &mut Tables) {
    let units = base.units();
    let mut cells: BTreeMap<_, Agreement> = BTreeMap::new();
    for row in &tables.inspections {
        let Some(unit) = units.iter().find(|unit| unit.unit == row.unit_id) else { continue };
        let day = EventMs(row.taken_at.0.div_euclid(DAY) * DAY);
        for defect in DefectType::ALL.into_iter().filter(|defect| *defect != DefectType::StressFracture) {
            let sees = |findings: &[Defect]| findings.iter().any(|finding| finding.defect == defect);
            let cell = cells.entry((row.production_line, row.version, day, defect)).or_default();
            match (sees(&row.findings), sees(&unit.defects)) {
                (true, true) => cell.both += 1,
                (true, false) => cell.inspector_only += 1,
                (false, true) => cell.mik1_only += 1,
                (false, false) => cell.neither += 1,
            }
        }
    }
    for ((production_line, version, day, defect_type), agreement) in cells {
        tables.inspection_quality.insert(InspectionQualityRow {
            production_line,
            version,
            day,
            defect_type,
            agreement,
        });
    }
}
