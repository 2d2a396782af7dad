//! Random traces: a small plant with deviations, effects and edits in any order, made to meet each other.

use super::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const EFFECTS: [Node; 3] = [CRACK, Node::Defect(DefectType::Bubble), Node::Parameter(FURNACE)];
const DIRECTIONS: [Direction; 3] = [Direction::High, Direction::Low, Direction::Variation];
/// Event time of the trace, in minutes: short, so that lags reach from one end to the other.
const MINUTES: i64 = 240;

fn pick<T: Copy>(rng: &mut impl Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn pane(rng: &mut impl Rng) -> DeviatingPane {
    let parameter = ParameterId(rng.random_range(0..3));
    let direction = pick(rng, &DIRECTIONS);
    let start = minute(rng.random_range(0..MINUTES));
    let off = rng.random_range(1..=12) * if direction == Direction::Low { -1 } else { 1 };
    let centre = pick(rng, &[100, 100, 100, 108]);
    DeviatingPane {
        line: LineId(rng.random_range(0..2)),
        parameter,
        direction,
        sensor: SensorId(u32::from(parameter.0) * 2 + rng.random_range(0..2)),
        pane_start: start,
        pane_end: start + SpanMs::minutes(1),
        value: Micro::units(centre + off),
        centre: Micro::units(centre),
        sigmas: PerMille(off.abs() as i32 * pick(rng, &[600, 700])),
    }
}

fn effect(rng: &mut impl Rng) -> Effect {
    Effect {
        line: LineId(rng.random_range(0..2)),
        effect: pick(rng, &EFFECTS),
        at: minute(0) + SpanMs(rng.random_range(0..MINUTES * 60_000)),
        weight: rng.random_range(1..4),
        id: rng.random(),
    }
}

fn edge(rng: &mut impl Rng) -> Edge {
    let lag_min = rng.random_range(0..60);
    let direction = pick(rng, &DIRECTIONS);
    let threshold = if direction == Direction::Low { 92 } else { 106 };
    let cause = match rng.random_range(0..10) {
        0 => Node::Equipment(lehr_domain::EquipmentId(0)),
        _ => Node::Parameter(ParameterId(rng.random_range(0..3))),
    };
    Edge {
        cause,
        effect: pick(rng, &EFFECTS),
        direction,
        threshold: pick(rng, &[None, Some(Micro::units(threshold)), Some(Micro::units(100))]),
        confidence: PerMille(rng.random_range(500..=1000)),
        lag_min: SpanMs::minutes(lag_min),
        lag_max: SpanMs::minutes(lag_min + rng.random_range(0..60)),
        mechanism: pick(rng, &["heat", "cold"]).into(),
        advice: "look".into(),
    }
}

/// Takes a random row of `held` away, with its retraction.
fn retract<T: Clone>(rng: &mut impl Rng, held: &mut Vec<T>, change: impl Fn(T, Diff) -> Change) -> Option<Change> {
    if held.is_empty() {
        return None;
    }
    let index = rng.random_range(0..held.len());
    Some(change(held.swap_remove(index), -1))
}

pub fn trace(seed: u64, ticks: usize) -> Vec<Vec<Change>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let (mut panes, mut effects, mut edges) = (Vec::new(), Vec::new(), Vec::<(EdgeId, Edge)>::new());
    let mut next_edge = 0;
    let mut trace = Vec::new();
    for _ in 0..ticks {
        let mut changes = Vec::new();
        // Retractions come before insertions, so that no row is taken away in the tick that brought it.
        for _ in 0..rng.random_range(0..4) {
            changes.extend(match rng.random_range(0..3) {
                0 => retract(rng, &mut panes, Change::Pane),
                1 => retract(rng, &mut effects, Change::Effect),
                _ if rng.random_range(0..4) == 0 => {
                    retract(rng, &mut edges, |(id, edge), diff| Change::Edge(id, edge, diff))
                }
                _ => None,
            });
        }
        if rng.random_range(0..3) == 0 && !edges.is_empty() {
            let index = rng.random_range(0..edges.len());
            let (id, old) = edges[index].clone();
            let new = Edge { mechanism: format!("edit {}", trace.len()), ..edge(rng) };
            edges[index] = (id, new.clone());
            changes.push(Change::Edge(id, old, -1));
            changes.push(Change::Edge(id, new, 1));
        }
        for _ in 0..rng.random_range(0..6) {
            let new = pane(rng);
            let moment = |pane: &DeviatingPane| (pane.line, pane.sensor, pane.direction, pane.pane_start);
            if panes.iter().all(|old| moment(old) != moment(&new)) {
                panes.push(new);
                changes.push(Change::Pane(new, 1));
            }
        }
        for _ in 0..rng.random_range(0..4) {
            let new = effect(rng);
            effects.push(new);
            changes.push(Change::Effect(new, 1));
        }
        if edges.len() < 16 {
            let new = (EdgeId(next_edge), edge(rng));
            next_edge += 1;
            edges.push(new.clone());
            changes.push(Change::Edge(new.0, new.1, 1));
        }
        trace.push(changes);
    }
    trace
}
