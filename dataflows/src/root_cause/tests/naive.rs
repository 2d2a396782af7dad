//! Root causes from scratch: loops over everything, after the words of the documentation.

use super::*;
use lehr_domain::ids::stable_hash;
use std::cell::{Cell, RefCell};

#[derive(Default)]
pub struct Inputs {
    panes: BTreeSet<DeviatingPane>,
    effects: BTreeSet<Effect>,
    edges: BTreeMap<EdgeId, Edge>,
    /// Candidates of the last evaluation that came too late for some effects.
    pub late: Cell<usize>,
    /// Frequencies of the last evaluation.
    pub eighths: RefCell<BTreeSet<usize>>,
}

impl Inputs {
    pub fn apply(&mut self, changes: &[Change]) {
        // Retractions first: an edit is a retraction and an insertion in any order.
        for change in changes {
            let known = match change {
                Change::Pane(pane, -1) => self.panes.remove(pane),
                Change::Effect(effect, -1) => self.effects.remove(effect),
                Change::Edge(id, edge, -1) => self.edges.remove(id).as_ref() == Some(edge),
                _ => true,
            };
            assert!(known, "the trace retracts what is there: {change:?}");
        }
        for change in changes {
            let new = match change {
                Change::Pane(pane, 1) => self.panes.insert(*pane),
                Change::Effect(effect, 1) => self.effects.insert(*effect),
                Change::Edge(id, edge, 1) => self.edges.insert(*id, edge.clone()).is_none(),
                _ => true,
            };
            assert!(new, "the trace inserts what is not there: {change:?}");
        }
    }

    pub fn tables(&self) -> Tables {
        let deviations = self.deviations();
        let incidents = self.incidents();
        let root_causes = self.root_causes(&incidents, &deviations);
        Tables { deviations, incidents, root_causes }
    }

    fn deviations(&self) -> BTreeSet<DeviationRow> {
        let five = 300_000;
        let same = |a: &DeviatingPane, b: &DeviatingPane| {
            (a.line, a.parameter, a.direction, a.sensor) == (b.line, b.parameter, b.direction, b.sensor)
                && a.pane_start.0 / five == b.pane_start.0 / five
        };
        let row = |pane: &DeviatingPane| {
            let group: Vec<&DeviatingPane> = self.panes.iter().filter(|other| same(pane, other)).collect();
            let mut peak = group[0];
            for other in &group[1..] {
                let further = match pane.direction {
                    Direction::Low => other.value < peak.value,
                    _ => other.value > peak.value,
                };
                // Panes come in order of time, so of equals the first stays.
                if other.sigmas > peak.sigmas || other.sigmas == peak.sigmas && further {
                    peak = other;
                }
            }
            DeviationRow {
                production_line: pane.line,
                parameter_name: pane.parameter,
                direction: pane.direction,
                start: EventMs(pane.pane_start.0 / five * five),
                sensor_id: pane.sensor,
                first: group.iter().map(|pane| pane.pane_start).min().unwrap(),
                last: group.iter().map(|pane| pane.pane_end).max().unwrap(),
                panes: group.len() as i64,
                peak: peak.value,
                centre: peak.centre,
                sigmas: peak.sigmas,
            }
        };
        self.panes.iter().map(row).collect()
    }

    fn incidents(&self) -> BTreeSet<IncidentRow> {
        let quarter = 900_000;
        let row = |effect: &Effect| {
            let group = self.effects.iter().filter(|other| {
                (effect.line, effect.effect) == (other.line, other.effect)
                    && effect.at.0 / quarter == other.at.0 / quarter
            });
            IncidentRow {
                production_line: effect.line,
                effect: effect.effect,
                start: EventMs(effect.at.0 / quarter * quarter),
                first: group.clone().map(|effect| effect.at).min().unwrap(),
                last: group.clone().map(|effect| effect.at).max().unwrap(),
                count: group.map(|effect| effect.weight).sum(),
            }
        };
        self.effects.iter().map(row).collect()
    }

    fn root_causes(&self, incidents: &BTreeSet<IncidentRow>, rows: &BTreeSet<DeviationRow>) -> BTreeSet<RootCauseRow> {
        self.late.set(0);
        let mut answer = BTreeSet::new();
        for incident in incidents {
            let mut ranked = Vec::new();
            for (id, edge) in &self.edges {
                let Some((row, confidence)) = self.evidence(incident, *id, edge, rows) else { continue };
                let same_effect: Vec<_> = incidents.iter().filter(|other| other.effect == incident.effect).collect();
                let explained = same_effect.iter().filter(|other| self.evidence(other, *id, edge, rows).is_some());
                let eighths = explained.count() * 8 / same_effect.len();
                self.eighths.borrow_mut().insert(eighths);
                let confidence = rounded(confidence * (950 + 50 * eighths as i64 / 8));
                ranked.push(RootCauseRow { confidence: PerMille(confidence as i32), ..row });
            }
            ranked.sort_by_key(|row| (-row.confidence.0, -row.deviation_sigmas.0, row.evidence_from, row.edge_id));
            for (place, row) in ranked.into_iter().take(3).enumerate() {
                answer.insert(RootCauseRow { rank: place as u8 + 1, ..row });
            }
        }
        answer
    }

    fn evidence(
        &self,
        incident: &IncidentRow,
        id: EdgeId,
        edge: &Edge,
        rows: &BTreeSet<DeviationRow>,
    ) -> Option<(RootCauseRow, i64)> {
        let (opens, closes) = (incident.first.0 - edge.lag_max.0, incident.last.0 - edge.lag_min.0);
        let fitting: Vec<&DeviationRow> = rows
            .iter()
            .filter(|row| edge.effect == incident.effect && row.production_line == incident.production_line)
            .filter(|row| edge.cause == Node::Parameter(row.parameter_name) && edge.direction == row.direction)
            .filter(|row| row.sigmas.0 >= 3000)
            .filter(|row| row.first.0 <= closes && row.last.0 > opens)
            .collect();
        let greatest = fitting.iter().map(|row| row.sigmas).max()?;
        let strongest =
            fitting.iter().filter(|row| row.sigmas == greatest).min_by_key(|row| (row.sensor_id, row.first)).unwrap();
        let of_sensor: Vec<_> = fitting.iter().filter(|row| row.sensor_id == strongest.sensor_id).collect();
        let from = of_sensor.iter().map(|row| row.first).min().unwrap();
        let share = match edge.threshold {
            None => i64::from(strongest.sigmas.0) * 1000 / 6000,
            Some(threshold) => {
                let sign = if edge.direction == Direction::Low { -1 } else { 1 };
                let (way, gone) = (threshold.0 - strongest.centre.0, strongest.peak.0 - strongest.centre.0);
                if way * sign <= 0 { 1000 } else { gone * sign * 1000 / (way * sign) }
            }
        };
        if edge.threshold.is_some() && share < 300 {
            return None;
        }
        let size = 500 + share.clamp(0, 1000) / 2;
        let too_late = from.0 - (incident.first.0 - edge.lag_min.0);
        let time = if too_late > 0 {
            self.late.set(self.late.get() + 1);
            1000 - 200 * (too_late * 1000 / (incident.last.0 - incident.first.0)) / 1000
        } else {
            1000
        };
        let row = RootCauseRow {
            production_line: incident.production_line,
            effect: incident.effect,
            incident: incident.start,
            rank: 0,
            edge_id: id,
            root_cause_id: self.id(incident, id),
            cause: edge.cause,
            direction: edge.direction,
            confidence: PerMille(0),
            deviation_sigmas: strongest.sigmas,
            sensor_id: strongest.sensor_id,
            evidence_from: from,
            evidence_to: of_sensor.iter().map(|row| row.last).max().unwrap(),
            evidence_panes: of_sensor.iter().map(|row| row.panes).sum(),
            peak: strongest.peak,
            centre: strongest.centre,
            effects: incident.count,
            mechanism: edge.mechanism.clone(),
            recommended_action: edge.advice.clone(),
        };
        Some((row, rounded(rounded(i64::from(edge.confidence.0) * size) * time)))
    }

    fn id(&self, incident: &IncidentRow, edge: EdgeId) -> AlertId {
        let (kind, number) = match incident.effect {
            Node::Equipment(_) => unreachable!("equipment has no incidents"),
            Node::Parameter(id) => (1, u64::from(id.0)),
            Node::Defect(defect) => (2, defect as u64),
        };
        let line = u64::from(incident.production_line.0);
        AlertId(stable_hash(&[line, kind, number, incident.start.0 as u64, u64::from(edge.0)]))
    }
}

fn rounded(product: i64) -> i64 {
    (product + 500) / 1000
}
