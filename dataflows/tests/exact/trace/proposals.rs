//! What people propose, and what they decide about it.

use super::ChaCha8Rng;
use super::definitions::pick;
use crate::tables::Tables;
use lehr_domain::recommendation::{Band, Decision, Expected, Origin, Recommendation, Resolution, Step};
use lehr_domain::{Event, EventMs, LineId, Micro, ParameterId, SpanMs};
use rand::RngExt;

/// Sometimes a proposal; oftener a decision on one that there is, also on one that is decided, also dated before it.
pub fn act(rng: &mut ChaCha8Rng, tables: &Tables, id: u64, now: EventMs) -> Option<Event> {
    match rng.random_range(0..10) {
        0..2 => {
            let made_at = now - SpanMs::seconds(rng.random_range(0..600));
            let row = proposal(rng, made_at);
            Some(Event::Recommendation(row.id(), Box::new(row)))
        }
        2..5 => {
            let rows: Vec<_> = tables.recommendations.iter().collect();
            let row = rows.get(rng.random_range(0..rows.len().max(1)))?;
            let at = now - SpanMs::seconds(rng.random_range(0..900));
            let recommendation = row.recommendation_id;
            let resolution = Resolution::ALL[rng.random_range(0..3)];
            let by = pick(rng, &["ada", "bob"]).to_owned();
            let reason = pick(rng, &["", "not now", "go"]).to_owned();
            Some(Event::Decision(Decision { id, recommendation, at, resolution, by, reason }))
        }
        _ => None,
    }
}

fn proposal(rng: &mut ChaCha8Rng, made_at: EventMs) -> Recommendation {
    let mut band = || {
        let value = rng.random_range(-1000..1000);
        Band { value: Micro(value), low: Micro(value - 10), high: Micro(value + 10) }
    };
    let expected = Expected {
        over: SpanMs::hours(6),
        defect_rate: band(),
        quality_score: band(),
        rate_per_h: band(),
        energy_kw: band(),
        effect_min: Some(band()),
        unseen: false,
    };
    let effect_min = expected.effect_min.filter(|_| rng.random_bool(0.8));
    let step = |id: u16| Step { parameter: ParameterId(id), from: Micro(1), to: Micro(i64::from(id) + 2) };
    Recommendation {
        line: LineId(rng.random_range(0..2)),
        steps: (0..rng.random_range(1..3)).map(step).collect(),
        origin: Origin::ALL[rng.random_range(0..2)],
        by: pick(rng, &["ada", "bob"]).to_owned(),
        made_at,
        reason: "fewer cracks".to_owned(),
        expected: Expected { effect_min, ..expected },
        large: rng.random_bool(0.3),
    }
}
