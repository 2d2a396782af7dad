//! Pictures of ware, and what stands for a trained inspector: it finds by hashing whatever it is given.

use lehr_dataflows::inspections::{Found, Inspector};
use lehr_domain::ids::stable_hash;
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion};
use lehr_domain::picture::{Content, Picture};
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{Event, EventMs, LineId, PerMille, SpanMs, UnitId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Files that there are: few, so that units share some.
const CONTENTS: u8 = 30;

/// Takes pictures with chances of its own: what else happens does not depend on them.
pub struct Camera(ChaCha8Rng);

impl Camera {
    pub fn new(seed: u64) -> Camera {
        Camera(ChaCha8Rng::seed_from_u64(seed ^ 0x0063_616d_6572_6100))
    }

    /// Of units that may be there, come later or never; now and then another version looks at them.
    pub fn events(&mut self, now: EventMs) -> Vec<Event> {
        let rng = &mut self.0;
        let mut events = Vec::new();
        for _ in 0..rng.random_range(0..3) {
            events.push(Event::Picture(Picture {
                // Few, so that pictures are replaced, and of units that are inspected.
                unit: UnitId(rng.random_range(0..500)),
                line: LineId(rng.random_range(0..2)),
                at: now - SpanMs::seconds(rng.random_range(0..1200)),
                content: Content([rng.random_range(0..CONTENTS); Content::BYTES]),
            }));
        }
        if rng.random_bool(0.08) {
            let at = now - SpanMs::seconds(rng.random_range(0..1200));
            let version = rng.random_bool(0.9).then(|| ModelVersion::new(1, rng.random_range(0..3), 0));
            let (model, alias) = (ModelKind::Inspector, Alias::Production);
            let (by, reason) = ("ada".to_owned(), String::new());
            events.push(Event::Deployment(Box::new(Deployment { model, alias, at, version, by, reason })));
        }
        events
    }
}

#[derive(Debug)]
pub struct Looker;

impl Inspector for Looker {
    /// Of one content in seven a version says nothing.
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>> {
        let found = |content: &Content| {
            let bytes = content.0.iter().map(|byte| u64::from(*byte));
            let seen = stable_hash(&bytes.chain([u64::from(version.minor)]).collect::<Vec<_>>());
            let finding = |ordinal: u64| {
                let score = PerMille((stable_hash(&[seen, ordinal]) % 1001) as i32);
                let kind = stable_hash(&[seen, ordinal, 1]) as usize % DefectType::COUNT;
                Defect { defect: DefectType::ALL[kind], score, bounds: [1, 2, 3, 4] }
            };
            (!seen.is_multiple_of(7)).then(|| Found::of((0..seen % 3).map(finding).collect()))
        };
        pictures.iter().map(found).collect()
    }
}
