//! Root causes: which deviations, seen through the causal graph, explain what went wrong.
//!
//! ```text
//! effects → incidents (15 min) ────────────────┐
//! deviations ⋈ edges → (line, effect, 15 min) ─⋈→ evidence per incident and edge → candidates
//!                                                   candidates ⋈ frequency of the edge → top 3 ⋈ edge texts
//! ```
//!
//! A deviation is compared with the incidents that it could have led to: it is spread over the 15-minute
//! stretches of event time that its edge's lags reach, joined with the incidents there, and then checked to
//! the millisecond. Deviations are spread rather than incidents, because normal operation has many of these
//! and few of those. Everything follows from the rows: an edited edge, a late reading or a corrected defect
//! ranks the incidents that it touches anew.
//!
//! State: per deviation and edge that starts at its parameter at most [`MAX_STRETCHES`] rows; per incident
//! and edge with evidence one candidate. All of it leaves with the deviations and incidents themselves.

mod confidence;
#[cfg(test)]
mod tests;

use crate::Rows;
use crate::tables::{DeviationRow, IncidentRow, RootCauseRow};
use confidence::{MIN_SIGMAS, Size, eighths};
use differential_dataflow::operators::CountTotal;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::{EdgeId, EventMs, LineId, Micro, ParameterId, PerMille, SensorId, SpanMs};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The stretch over which effects make one incident, aligned at the epoch.
pub const INCIDENT_SPAN: SpanMs = SpanMs::minutes(15);

/// The most stretches that a deviation is spread over: a lag of [`Edge::MAX_LAG`] is 96 of them, and the
/// deviation's own length and the two ends make it 100. What an edge or a deviation asks beyond is cut at
/// the far end.
const MAX_STRETCHES: usize = 100;

/// Causes given per incident.
const TOP: usize = 3;

/// Something to be explained: a defect on a unit, or an alert on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Effect {
    pub line: LineId,
    pub effect: Node,
    pub at: EventMs,
    /// How many occurrences it stands for.
    pub weight: i64,
    /// Keeps equal effects apart.
    pub id: u64,
}

/// Effects of the same kind on a line, per 15 minutes.
pub fn incidents<'s>(effects: Rows<'s, Effect>) -> Rows<'s, IncidentRow> {
    effects
        .map(|effect| {
            ((effect.line, effect.effect, effect.at.floor(INCIDENT_SPAN)), (effect.at, effect.weight, effect.id))
        })
        .reduce_named("incidents", |_key, effects, out| {
            // Values are sorted, so the first and the last in time stand at the ends.
            if let (Some(((first, ..), _)), Some(((last, ..), _))) = (effects.first(), effects.last()) {
                let count: i64 = effects.iter().map(|((_, weight, _), times)| weight * *times as i64).sum();
                out.push(((*first, *last, count), 1));
            }
        })
        .map(|((line, effect, start), (first, last, count))| IncidentRow {
            production_line: line,
            effect,
            start,
            first,
            last,
            count,
        })
}

type IncidentKey = (LineId, Node, EventMs);

/// When the effects of an incident occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Occurrence {
    first: EventMs,
    last: EventMs,
    count: i64,
}

/// An edge without its texts, which join when the ranking is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Link {
    edge_id: EdgeId,
    cause: ParameterId,
    direction: Direction,
    threshold: Option<Micro>,
    confidence: PerMille,
    lag_min: SpanMs,
    lag_max: SpanMs,
}

impl Link {
    /// `None` for edges that start at equipment: these show structure and are matched with nothing.
    fn new(edge_id: EdgeId, edge: &Edge) -> Option<Link> {
        let Node::Parameter(cause) = edge.cause else { return None };
        Some(Link {
            edge_id,
            cause,
            direction: edge.direction,
            threshold: edge.threshold,
            confidence: edge.confidence,
            lag_min: edge.lag_min.clamp(SpanMs(0), Edge::MAX_LAG),
            lag_max: edge.lag_max.clamp(SpanMs(0), Edge::MAX_LAG),
        })
    }

    /// The 15-minute stretches in which a deviation over `[first, last)` may have effects.
    fn reach(&self, seen: &Sighting) -> impl Iterator<Item = EventMs> + use<> {
        let start = (seen.first + self.lag_min).floor(INCIDENT_SPAN);
        let end = seen.last + self.lag_max;
        (0..MAX_STRETCHES as i64)
            .map(move |stretch| start + SpanMs(stretch * INCIDENT_SPAN.0))
            .take_while(move |start| *start < end)
    }

    /// Whether the deviation touches the time from `lag_max` before the first effect to `lag_min` before the
    /// last one.
    fn explains(&self, seen: &Sighting, effects: &Occurrence) -> bool {
        seen.first + self.lag_min <= effects.last && effects.first < seen.last + self.lag_max
    }
}

/// A deviation of one sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Sighting {
    sensor: SensorId,
    first: EventMs,
    last: EventMs,
    panes: i64,
    peak: Micro,
    centre: Micro,
    sigmas: PerMille,
}

/// What speaks for an edge as the cause of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Candidate {
    link: Link,
    evidence: Sighting,
    effects: i64,
    /// Confidence before the frequency of the edge is taken into account.
    confidence: PerMille,
}

/// Gathers the sightings of one edge for one incident. Several sensors may measure the parameter: the one
/// that shows the greatest deviation gives the evidence alone. `None` when the deviation is too small.
fn candidate(link: Link, effects: Occurrence, sightings: &[Sighting]) -> Option<Candidate> {
    let strongest = sightings.iter().max_by_key(|seen| (seen.sigmas, Reverse(seen.sensor), Reverse(seen.first)))?;
    let mut evidence = Sighting { panes: 0, ..*strongest };
    for seen in sightings.iter().filter(|seen| seen.sensor == strongest.sensor) {
        evidence.first = evidence.first.min(seen.first);
        evidence.last = evidence.last.max(seen.last);
        evidence.panes += seen.panes;
    }
    let size = Size {
        direction: link.direction,
        threshold: link.threshold,
        peak: evidence.peak,
        centre: evidence.centre,
        sigmas: evidence.sigmas,
    };
    let latest_cause = effects.first - link.lag_min;
    let time = confidence::time_factor(evidence.first - latest_cause, effects.last - effects.first);
    let known = link.confidence.clamp(PerMille(0), PerMille::ONE);
    let confidence = known.times(confidence::size_factor(&size)?).times(time);
    Some(Candidate { link, evidence, effects: effects.count, confidence })
}

/// The top three causes of each incident, by edge confidence × size × time × frequency (see
/// [`confidence`]); among equals the greater deviation, then the earlier one, then the edge with the lower
/// number. An incident without evidence has no row.
///
/// **Contract:** at each tick an incident, and an edge number, occurs once.
pub fn root_causes<'s>(
    incidents: Rows<'s, IncidentRow>,
    edges: Rows<'s, (EdgeId, Edge)>,
    deviations: Rows<'s, DeviationRow>,
) -> Rows<'s, RootCauseRow> {
    let candidates = candidates(incidents.clone(), edges.clone(), deviations);
    let frequencies = frequencies(incidents, candidates.clone());
    let ranked = candidates
        .map(|(incident, candidate)| (candidate.link.edge_id, (incident, candidate)))
        .join_map(frequencies, |_edge, (incident, candidate), eighths| {
            let confidence = candidate.confidence.times(confidence::frequency_factor(*eighths));
            (*incident, Candidate { confidence, ..*candidate })
        })
        .reduce_named("root causes: ranking", |_incident, candidates, out| {
            let mut best: Vec<Candidate> = candidates.iter().map(|(candidate, _)| **candidate).collect();
            best.sort_unstable_by_key(|candidate| {
                let evidence = &candidate.evidence;
                (Reverse(candidate.confidence), Reverse(evidence.sigmas), evidence.first, candidate.link.edge_id)
            });
            out.extend(best.into_iter().take(TOP).zip(1_u8..).map(|(candidate, rank)| ((rank, candidate), 1)));
        });
    let texts = edges.map(|(id, edge)| (id, (edge.mechanism, edge.advice)));
    ranked.map(|(incident, (rank, candidate))| (candidate.link.edge_id, (incident, rank, candidate))).join_map(
        texts,
        |_edge, (incident, rank, candidate), (mechanism, advice)| {
            publish(*incident, *rank, candidate, mechanism, advice)
        },
    )
}

/// Per incident and edge, what speaks for the edge.
fn candidates<'s>(
    incidents: Rows<'s, IncidentRow>,
    edges: Rows<'s, (EdgeId, Edge)>,
    deviations: Rows<'s, DeviationRow>,
) -> Rows<'s, (IncidentKey, Candidate)> {
    let links = edges.flat_map(|(id, edge)| {
        let link = Link::new(id, &edge)?;
        Some(((link.cause, link.direction), (link, edge.effect)))
    });
    let reached = deviations
        .filter(|row| row.sigmas >= MIN_SIGMAS)
        .map(|row| {
            let seen = Sighting {
                sensor: row.sensor_id,
                first: row.first,
                last: row.last,
                panes: row.panes,
                peak: row.peak,
                centre: row.centre,
                sigmas: row.sigmas,
            };
            ((row.parameter_name, row.direction), (row.production_line, seen))
        })
        .join_map(links, |_cause, (line, seen), (link, effect)| (*line, *effect, *link, *seen))
        .flat_map(|(line, effect, link, seen)| {
            link.reach(&seen).map(move |start| ((line, effect, start), (link, seen)))
        });
    let occurred = incidents.map(|row| {
        let occurrence = Occurrence { first: row.first, last: row.last, count: row.count };
        ((row.production_line, row.effect, row.start), occurrence)
    });
    reached
        .join_map(occurred, |incident, (link, seen), effects| (*incident, *link, *effects, *seen))
        .filter(|(_, link, effects, seen)| link.explains(seen, effects))
        .map(|(incident, link, effects, seen)| ((incident, link, effects), seen))
        .reduce_named("root causes: evidence", |(_, link, effects), sightings, out| {
            let sightings: Vec<Sighting> = sightings.iter().map(|(seen, _)| **seen).collect();
            out.extend(candidate(*link, *effects, &sightings).map(|candidate| (candidate, 1)));
        })
        .map(|((incident, ..), candidate)| (incident, candidate))
}

/// Per edge, the share of the incidents of its effect in which it had evidence, in whole eighths: coarse,
/// so that a new incident seldom ranks the old ones anew.
fn frequencies<'s>(
    incidents: Rows<'s, IncidentRow>,
    candidates: Rows<'s, (IncidentKey, Candidate)>,
) -> Rows<'s, (EdgeId, u8)> {
    let all = incidents.map(|row| row.effect).count_total();
    candidates
        .map(|((_, effect, _), candidate)| (effect, candidate.link.edge_id))
        .count_total()
        .map(|((effect, edge), with_evidence)| (effect, (edge, with_evidence)))
        .join_map(all, |_effect, (edge, with_evidence), all| (*edge, eighths(*with_evidence, *all)))
        .consolidate()
}

fn publish(
    (line, effect, start): IncidentKey,
    rank: u8,
    found: &Candidate,
    mechanism: &str,
    advice: &str,
) -> RootCauseRow {
    RootCauseRow {
        production_line: line,
        effect,
        incident: start,
        rank,
        edge_id: found.link.edge_id,
        root_cause_id: RootCauseRow::id_of(line, effect, start, found.link.edge_id),
        cause: Node::Parameter(found.link.cause),
        direction: found.link.direction,
        confidence: found.confidence,
        deviation_sigmas: found.evidence.sigmas,
        sensor_id: found.evidence.sensor,
        evidence_from: found.evidence.first,
        evidence_to: found.evidence.last,
        evidence_panes: found.evidence.panes,
        peak: found.evidence.peak,
        centre: found.evidence.centre,
        effects: found.effects,
        mechanism: mechanism.to_owned(),
        recommended_action: advice.to_owned(),
    }
}
