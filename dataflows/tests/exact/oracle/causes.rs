//! Deviations, incidents, and their likely causes: loops over everything.

use lehr_dataflows::deviations::DeviatingPane;
use lehr_dataflows::tables::{AlertRow, AlertState, DefectRow, DeviationRow, IncidentRow, RootCauseRow};
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::ids::stable_hash;
use lehr_domain::{AlertId, EdgeId, EventMs, LineId, PerMille};
use std::collections::{BTreeMap, BTreeSet};

const FIVE_MINUTES: i64 = 300_000;
const QUARTER: i64 = 900_000;

pub fn deviations(panes: &[DeviatingPane]) -> BTreeSet<DeviationRow> {
    let mut groups: BTreeMap<_, Vec<&DeviatingPane>> = BTreeMap::new();
    for pane in panes {
        let start = pane.pane_start.0.div_euclid(FIVE_MINUTES) * FIVE_MINUTES;
        groups.entry((pane.line, pane.parameter, pane.direction, start, pane.sensor)).or_default().push(pane);
    }
    groups.into_values().map(|group| deviation(&group)).collect()
}

/// `group` comes in order of time, so that of equals the first stays.
fn deviation(group: &[&DeviatingPane]) -> DeviationRow {
    let mut peak = group[0];
    for pane in &group[1..] {
        let further = match pane.direction {
            Direction::Low => pane.value < peak.value,
            Direction::High | Direction::Variation => pane.value > peak.value,
        };
        if pane.sigmas > peak.sigmas || pane.sigmas == peak.sigmas && further {
            peak = pane;
        }
    }
    DeviationRow {
        production_line: peak.line,
        parameter_name: peak.parameter,
        direction: peak.direction,
        start: EventMs(peak.pane_start.0.div_euclid(FIVE_MINUTES) * FIVE_MINUTES),
        sensor_id: peak.sensor,
        first: group.iter().map(|pane| pane.pane_start).min().expect("a group has panes"),
        last: group.iter().map(|pane| pane.pane_end).max().expect("a group has panes"),
        panes: group.len() as i64,
        peak: peak.value,
        centre: peak.centre,
        sigmas: peak.sigmas,
    }
}

/// Defects, and alerts on a parameter that were not withdrawn, per quarter of an hour.
pub fn incidents(defects: &BTreeSet<DefectRow>, alerts: &BTreeSet<AlertRow>) -> BTreeSet<IncidentRow> {
    let found = defects.iter().map(|row| (row.production_line, Node::Defect(row.defect_type), row.at));
    let alerted = alerts
        .iter()
        .filter(|row| row.state != AlertState::Withdrawn)
        .filter_map(|row| Some((row.production_line, Node::Parameter(row.parameter_name?), row.raised_at)));
    let mut groups: BTreeMap<(LineId, Node, i64), Vec<EventMs>> = BTreeMap::new();
    for (line, effect, at) in found.chain(alerted) {
        groups.entry((line, effect, at.0.div_euclid(QUARTER) * QUARTER)).or_default().push(at);
    }
    let row = |((production_line, effect, start), times): ((LineId, Node, i64), Vec<EventMs>)| IncidentRow {
        production_line,
        effect,
        start: EventMs(start),
        first: *times.iter().min().expect("a group has effects"),
        last: *times.iter().max().expect("a group has effects"),
        count: times.len() as i64,
    };
    groups.into_iter().map(row).collect()
}

pub fn root_causes(
    incidents: &BTreeSet<IncidentRow>,
    edges: BTreeMap<EdgeId, &Edge>,
    deviations: &BTreeSet<DeviationRow>,
) -> BTreeSet<RootCauseRow> {
    // Per edge and incident of its effect what speaks for it, and the confidence without the frequency.
    let mut evident: BTreeMap<(EdgeId, &IncidentRow), (RootCauseRow, i64)> = BTreeMap::new();
    for (id, edge) in &edges {
        for incident in incidents.iter().filter(|incident| incident.effect == edge.effect) {
            if let Some(found) = evidence(incident, *id, edge, deviations) {
                evident.insert((*id, incident), found);
            }
        }
    }
    let mut answer = BTreeSet::new();
    for incident in incidents {
        let mut ranked = Vec::new();
        for id in edges.keys() {
            let Some((row, confidence)) = evident.get(&(*id, incident)) else { continue };
            let all = incidents.iter().filter(|other| other.effect == incident.effect).count();
            let explained =
                evident.keys().filter(|(edge, other)| edge == id && other.effect == incident.effect).count();
            let eighths = (explained * 8 / all) as i64;
            let confidence = rounded(confidence * (950 + 50 * eighths / 8));
            ranked.push(RootCauseRow { confidence: PerMille(confidence as i32), ..row.clone() });
        }
        ranked.sort_by_key(|row| (-row.confidence.0, -row.deviation_sigmas.0, row.evidence_from, row.edge_id));
        answer.extend(ranked.into_iter().take(3).zip(1..).map(|(row, rank)| RootCauseRow { rank, ..row }));
    }
    answer
}

fn rounded(product: i64) -> i64 {
    (product + 500) / 1000
}

fn evidence(
    incident: &IncidentRow,
    edge_id: EdgeId,
    edge: &Edge,
    deviations: &BTreeSet<DeviationRow>,
) -> Option<(RootCauseRow, i64)> {
    let (opens, closes) = (incident.first.0 - edge.lag_max.0, incident.last.0 - edge.lag_min.0);
    let fitting: Vec<&DeviationRow> = deviations
        .iter()
        .filter(|row| row.production_line == incident.production_line && edge.direction == row.direction)
        .filter(|row| edge.cause == Node::Parameter(row.parameter_name) && row.sigmas.0 >= 3000)
        .filter(|row| row.first.0 <= closes && row.last.0 > opens)
        .collect();
    let greatest = fitting.iter().map(|row| row.sigmas).max()?;
    let strongest = fitting.iter().filter(|row| row.sigmas == greatest).min_by_key(|row| (row.sensor_id, row.first))?;
    let of_sensor: Vec<_> = fitting.iter().filter(|row| row.sensor_id == strongest.sensor_id).collect();
    let from = of_sensor.iter().map(|row| row.first).min()?;
    let size = 500 + share(edge, strongest)?.clamp(0, 1000) / 2;
    let too_late = from.0 - (incident.first.0 - edge.lag_min.0);
    let length = (incident.last.0 - incident.first.0).max(1);
    let time = if too_late > 0 { 1000 - 200 * (too_late * 1000 / length).min(1000) / 1000 } else { 1000 };
    let row = RootCauseRow {
        production_line: incident.production_line,
        effect: incident.effect,
        incident: incident.start,
        rank: 0,
        edge_id,
        root_cause_id: id(incident, edge_id),
        cause: edge.cause,
        direction: edge.direction,
        confidence: PerMille(0),
        deviation_sigmas: strongest.sigmas,
        sensor_id: strongest.sensor_id,
        evidence_from: from,
        evidence_to: of_sensor.iter().map(|row| row.last).max()?,
        evidence_panes: of_sensor.iter().map(|row| row.panes).sum(),
        peak: strongest.peak,
        centre: strongest.centre,
        effects: incident.count,
        mechanism: edge.mechanism.clone(),
        recommended_action: edge.advice.clone(),
    };
    Some((row, rounded(rounded(i64::from(edge.confidence.0) * size) * time)))
}

/// How much of the way to the threshold, in thousandths; without one, of six sigma. `None`: too little.
fn share(edge: &Edge, strongest: &DeviationRow) -> Option<i64> {
    let Some(threshold) = edge.threshold else { return Some(i64::from(strongest.sigmas.0) * 1000 / 6000) };
    let sign = if edge.direction == Direction::Low { -1 } else { 1 };
    let way = (threshold.0 - strongest.centre.0) * sign;
    let gone = (strongest.peak.0 - strongest.centre.0) * sign;
    let share = if way <= 0 { 1000 } else { gone * 1000 / way };
    (share >= 300).then_some(share)
}

fn id(incident: &IncidentRow, edge: EdgeId) -> AlertId {
    let (kind, number) = match incident.effect {
        Node::Equipment(id) => (0, u64::from(id.0)),
        Node::Parameter(id) => (1, u64::from(id.0)),
        Node::Defect(defect) => (2, defect as u64),
    };
    let line = u64::from(incident.production_line.0);
    AlertId(stable_hash(&[line, kind, number, incident.start.0 as u64, u64::from(edge.0)]))
}
