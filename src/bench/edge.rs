//! An edited edge of the causal graph to the new rankings: with ten thousand open incidents, an edge's
//! confidence is set through the API, until the new root causes have come to a WebSocket client.

use super::BenchError;
use super::report::{Figure, Report};
use super::screen::Screen;
use super::stage::{BEGIN, Stage};
use crate::live::Channel;
use crate::runtime::Submission;
use lehr_dataflows::tables::EdgeRow;
use lehr_domain::causal::{Direction, Node};
use lehr_domain::event::Event;
use lehr_domain::names::Names;
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{
    EdgeId, EventMs, Micro, ParameterId, PerMille, ProductId, Reading, ReadingBatch, SpanMs, Status, UnitId,
};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Event time over which defects make one incident.
const INCIDENT: SpanMs = SpanMs::minutes(15);
/// How far every instrument is beyond its set-point, and beyond where it does harm.
const SIGMAS: i64 = 8;
/// Event time between two readings of a sensor: one a pane.
const PERIOD: SpanMs = SpanMs::minutes(1);

#[derive(Clone, Copy, Debug)]
pub struct EdgeOptions {
    pub incidents: usize,
    pub edits: usize,
    pub workers: usize,
}

pub fn run(options: &EdgeOptions) -> Result<Report, BenchError> {
    let stage = Stage::open(None, options.workers)?;
    trouble(&stage, options.incidents)?;
    let screen = Screen::open(&stage)?;
    let before = stage.runtime.snapshot();
    let (edge, explained) = busiest(&before)?;
    let mut edits = Vec::new();
    for number in 0..options.edits {
        let snapshot = stage.runtime.snapshot();
        let row = snapshot.edges.get(|row| row.edge_id.cmp(&edge));
        let row = row.ok_or_else(|| BenchError::Setup(format!("edge {} is gone", edge.0)))?;
        // Two values in turn: each edit moves every ranking in which the edge stands.
        let confidence = PerMille(if number % 2 == 0 { 310 } else { 920 });
        edits.push(edit(&stage, &screen, &snapshot, row, confidence)?);
    }
    let settings = [
        ("incidents", before.incidents.len() as f64),
        ("root_causes", before.root_causes.len() as f64),
        ("explained_by_the_edge", explained as f64),
        ("workers", options.workers as f64),
    ];
    let figures = vec![Figure::ms("edge edited to rankings on a screen", edits)];
    Ok(Report { bench: "edge", settings: settings.into(), figures })
}

/// Every instrument off its set-point and every kind of defect on every line, for as long as `incidents` take.
fn trouble(stage: &Stage, incidents: usize) -> Result<(), BenchError> {
    let names = stage.runtime.snapshot().names.clone();
    // The value at which an edge says that too much of a parameter does harm.
    let established: BTreeMap<ParameterId, Micro> = (stage.runtime.snapshot().edges.iter())
        .filter_map(|edge| match (edge.cause, edge.direction, edge.threshold) {
            (Node::Parameter(parameter), Direction::High, Some(threshold)) => Some((parameter, threshold)),
            _ => None,
        })
        .collect();
    let lines: Vec<_> = names.lines().map(|(line, _)| line).collect();
    let events = stage.produce(BEGIN);
    stage.submit(Submission { source: "bench".into(), events, now: Some(BEGIN), ..Submission::default() })?;
    let stretches = incidents.div_ceil(lines.len() * DefectType::COUNT) as i64;
    let mut unit = 0;
    for stretch in 0..stretches {
        let start = BEGIN + SpanMs(stretch * INCIDENT.0);
        let mut events = Vec::new();
        for line in &lines {
            unit += 1;
            let defect = |defect: DefectType| Defect { defect, score: PerMille(900), bounds: [1, 2, 3, 4] };
            events.push(Event::Unit(Unit {
                unit: UnitId(unit),
                line: *line,
                at: start + SpanMs::minutes(14),
                product: ProductId(0),
                verdict: Verdict::Scrap,
                defects: DefectType::ALL.into_iter().map(defect).collect(),
            }));
        }
        let submission = Submission {
            source: "bench".into(),
            readings: deviating(&names, &established, start),
            events,
            now: Some(start + INCIDENT),
            ..Submission::default()
        };
        stage.submit(submission)?;
    }
    Ok(())
}

fn deviating(names: &Names, established: &BTreeMap<ParameterId, Micro>, start: EventMs) -> ReadingBatch {
    let mut readings = ReadingBatch::default();
    for (sensor, def) in names.sensors() {
        let (Some(target), Some(sigma)) = (def.target, def.sigma) else { continue };
        for minute in 0..INCIDENT.0 / PERIOD.0 {
            let at = start + SpanMs(minute * PERIOD.0);
            let harmful = established.get(&def.parameter).copied().unwrap_or(target);
            let value = Micro(harmful.0.max(target.0) + SIGMAS * sigma.0);
            readings.push(Reading { sensor, at, revision: 0, value, status: Status::Ok });
        }
    }
    readings
}

/// The edge that is the likeliest cause of most incidents, and of how many.
fn busiest(snapshot: &Snapshot) -> Result<(EdgeId, usize), BenchError> {
    let mut first: BTreeMap<EdgeId, usize> = BTreeMap::new();
    for row in snapshot.root_causes.iter().filter(|row| row.rank == 1) {
        *first.entry(row.edge_id).or_default() += 1;
    }
    let busiest = first.into_iter().max_by_key(|(_, count)| *count);
    busiest.ok_or_else(|| BenchError::Setup("no incident has a cause".into()))
}

/// Sets the confidence of an edge through the API, and waits for the rankings.
fn edit(
    stage: &Stage,
    screen: &Screen,
    snapshot: &Snapshot,
    row: &EdgeRow,
    confidence: PerMille,
) -> Result<Duration, BenchError> {
    let changed = EdgeRow { confidence, ..row.clone() };
    let mut body = row_to_json(&changed, &snapshot.names);
    if let Some(members) = body.as_object_mut() {
        members.remove("edge_id");
        members.insert("reason".into(), "benchmark".into());
    }
    let url = format!("http://{}/api/knowledge-graph/edges/{}", stage.address, row.edge_id.0);
    let request = ureq::put(url).header("authorization", format!("Bearer {}", stage.token));
    let before = snapshot.tick;
    let begun = Instant::now();
    request.send_json(&body).map_err(Box::new)?;
    Ok(screen.wait(Channel::Alerts, before.next())?.at - begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_edge_comes_to_a_screen_as_new_rankings() {
        let report = run(&EdgeOptions { incidents: 210, edits: 2, workers: 1 }).unwrap();
        assert!(report.settings["incidents"] >= 210.0 && report.settings["explained_by_the_edge"] > 0.0, "{report}");
        assert!(report.figures[0].count == 2 && report.figures[0].max > 0.0, "{report}");
    }
}
