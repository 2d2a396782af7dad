//! Which pictures are taken of units, and by whom they are inspected.

use super::definitions::pick;
use super::models::{deployment, version};
use super::{ChaCha8Rng, START};
use lehr_domain::event::Revised;
use lehr_domain::model::{Alias, ModelKind, ModelVersion};
use lehr_domain::picture::{Content, Picture};
use lehr_domain::unit::Unit;
use lehr_domain::{Event, EventMs, LineId, SpanMs, Tick, UnitId};
use rand::{RngExt, SeedableRng};

/// Files that there are: few, so that units share some.
const CONTENTS: u8 = 40;

/// Whoever takes them, with chances of their own: what else happens does not depend on them.
pub struct Photographers {
    rng: ChaCha8Rng,
    told: Vec<Picture>,
}

impl Photographers {
    pub fn new(seed: u64) -> Photographers {
        Photographers { rng: ChaCha8Rng::seed_from_u64(seed ^ 0x7069_6374_7572_6573), told: Vec::new() }
    }

    /// From before the beginning on an inspector looks. Most units of a tick get a picture, when they are inspected or
    /// a little later. Now and then a picture is replaced, moved to another time or line, or repeated; or taken of a unit
    /// that comes later, or never, or so long ago that it should have left; or another version looks, also from an
    /// earlier time on.
    pub fn act(&mut self, tick: Tick, now: EventMs, events: &[Revised]) -> Vec<Revised> {
        let mut taken = Vec::new();
        for row in events {
            if let Event::Unit(unit) = &row.event
                && self.rng.random_bool(0.7)
            {
                taken.push(self.of(unit));
            }
        }
        let newest = taken.iter().chain(&self.told).map(|picture| picture.unit.0).max().unwrap_or(0);
        if self.rng.random_bool(0.3) {
            let late = SpanMs::minutes(if self.rng.random_bool(0.1) { 90 } else { self.rng.random_range(0..30) });
            let unit = UnitId(newest + self.rng.random_range(1..8));
            taken.push(Picture { unit, line: self.line(), at: now - late, content: self.content() });
        }
        if self.rng.random_bool(0.4)
            && let Some(old) = self.one_of_the_told()
        {
            taken.push(match self.rng.random_range(0..6) {
                0 => old,
                1 => Picture { at: old.at - SpanMs::minutes(self.rng.random_range(0..60)), ..old },
                2 => Picture { line: self.line(), ..old },
                _ => Picture { content: self.content(), ..old },
            });
        }
        self.told.extend(&taken);
        let mut events: Vec<Event> = taken.into_iter().map(Event::Picture).collect();
        if tick == Tick(1) {
            events.push(looks(START - SpanMs::days(1), ModelVersion::new(1, 0, 0)));
        } else if self.rng.random_bool(0.1) {
            let at = EventMs((now.0 + self.rng.random_range(-1_200_000..120_000)) / 30_000 * 30_000);
            events.push(looks(at, version(&mut self.rng)));
        }
        events.into_iter().map(|event| Revised { revision: tick.0, event }).collect()
    }

    fn of(&mut self, unit: &Unit) -> Picture {
        let later = SpanMs::seconds(if self.rng.random_bool(0.2) { self.rng.random_range(1..90) } else { 0 });
        let line = if self.rng.random_bool(0.95) { unit.line } else { self.line() };
        Picture { unit: unit.unit, line, at: unit.at + later, content: self.content() }
    }

    fn one_of_the_told(&mut self) -> Option<Picture> {
        (!self.told.is_empty()).then(|| pick(&mut self.rng, &self.told))
    }

    fn content(&mut self) -> Content {
        Content([self.rng.random_range(0..CONTENTS); Content::BYTES])
    }

    /// One of them nobody registers.
    fn line(&mut self) -> LineId {
        LineId(self.rng.random_range(0..3))
    }
}

fn looks(at: EventMs, version: ModelVersion) -> Event {
    deployment(ModelKind::Inspector, Alias::Production, at, Some(version))
}
