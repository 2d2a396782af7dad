//! The simulated plant's camera: pictures of some of its ware, with what is truly wrong with it.
//!
//! What is reported stays as it is but for the boxes of what was found, which are then where it lies in the picture, as
//! exact as people draw them. What inspection missed does not show in the picture either, what it found does, and what it
//! reported without cause is not there. A unit whose picture cannot be kept is as one that was not photographed.

use crate::causes::with_causes;
use crate::pictures::{PictureError, PictureStore};
use lehr_camera::{Flaw, Kind, Mark, SIDE, Shape, Split, Style, annotate, picture, png};
use lehr_domain::ids::stable_hash;
use lehr_domain::names::Names;
use lehr_domain::picture::{Content, Picture};
use lehr_domain::unit::{DefectType, Unit};
use lehr_domain::{Event, UnitId};
use lehr_plant::{Output, Truth, UnitTruth};
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Told apart from whatever else is drawn for a unit.
const PICTURED: u64 = 1;
const SEED: u64 = 2;

/// Which units are photographed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photographed {
    None,
    /// One in so many, of each line.
    OneIn(NonZeroU64),
    /// About one of a line every four seconds of wall time, which is every unit when the plant runs in real time.
    Auto,
}

impl Photographed {
    /// Reads `off`, a number, or `auto`.
    pub fn parse(text: &str) -> Result<Photographed, String> {
        match text {
            "off" => Ok(Photographed::None),
            "auto" => Ok(Photographed::Auto),
            number => match number.parse() {
                Ok(one_in) => Ok(Photographed::OneIn(one_in)),
                Err(_) => Err("give off, auto, or N for one picture in N units".into()),
            },
        }
    }

    /// One in how many, of a plant that runs so many times as fast as the wall clock; `None`: not any.
    pub fn one_in(self, speed: f64) -> Option<NonZeroU64> {
        match self {
            Photographed::None => None,
            Photographed::OneIn(one_in) => Some(one_in),
            Photographed::Auto => NonZeroU64::new(speed.ceil() as u64).or(Some(NonZeroU64::MIN)),
        }
    }
}

/// A camera before every line. The same plant, by its seed, gets the same pictures.
pub struct Camera {
    seed: u64,
    one_in: NonZeroU64,
    names: Arc<Names>,
    store: Arc<PictureStore>,
    /// Ranges that no model was trained on.
    shown: Style,
    /// The same, of flaws that nobody can see.
    hidden: Style,
}

impl Camera {
    pub fn new(seed: u64, one_in: NonZeroU64, names: Arc<Names>, store: Arc<PictureStore>) -> Camera {
        let style = |hidden_share| Style { hidden_share, ..Style::of(Split::Test) };
        Camera { seed, one_in, names, store, shown: style(0.0), hidden: style(1.0) }
    }

    /// Photographs `most` units at most. Each picture is durable, and follows its unit among the events.
    pub fn photograph(&self, output: &mut Output, most: usize) {
        let truths: BTreeMap<UnitId, &UnitTruth> = output.truth.iter().filter_map(of_unit).collect();
        let mut events = Vec::with_capacity(output.events.len());
        let mut taken = 0;
        for mut event in std::mem::take(&mut output.events) {
            let mut pictured = None;
            if let Event::Unit(unit) = &mut event
                && taken < most
                && self.sees(unit.unit)
                && let Some(truth) = truths.get(&unit.unit)
            {
                taken += 1;
                match self.take(unit, truth) {
                    Ok(content) => {
                        pictured = Some(Picture { unit: unit.unit, line: unit.line, at: unit.at, content });
                    }
                    Err(error) => tracing::warn!("unit {} has no picture: {}", unit.unit.0, with_causes(&error)),
                }
            }
            events.push(event);
            events.extend(pictured.map(Event::Picture));
        }
        output.events = events;
    }

    /// By chance that hangs on the unit's number alone: whatever steps the plant takes, they are the same units.
    fn sees(&self, unit: UnitId) -> bool {
        stable_hash(&[PICTURED, unit.0]).is_multiple_of(self.one_in.get())
    }

    fn take(&self, unit: &mut Unit, truth: &UnitTruth) -> Result<Content, PictureError> {
        let seed = stable_hash(&[SEED, self.seed, unit.unit.0]);
        let shape = Shape::of_product(self.names.product(unit.product));
        let taken = picture(seed, shape, &self.flaws(seed, truth), &self.shown);
        let content = self.store.put(&png(&taken.pixels, SIDE, SIDE)?)?;
        put_boxes(unit, seed, &taken.marks);
        Ok(content)
    }

    /// Of what is wrong with the unit, what a camera sees.
    fn flaws(&self, seed: u64, truth: &UnitTruth) -> Vec<Flaw> {
        let seen = truth.defects.iter().filter_map(|truth| Kind::try_from(truth.defect).ok());
        let flaw = |kind: Kind| {
            let missed = truth.missed.contains(&DefectType::from(kind));
            Flaw::draw(seed, kind, if missed { &self.hidden } else { &self.shown })
        };
        seen.map(flaw).collect()
    }
}

fn of_unit(truth: &Truth) -> Option<(UnitId, &UnitTruth)> {
    match truth {
        Truth::Unit(unit) => Some((unit.unit, unit)),
        _ => None,
    }
}

/// Puts the boxes of what was found where the picture has it.
fn put_boxes(unit: &mut Unit, seed: u64, marks: &[Mark]) {
    for (index, mark) in (0..).zip(marks) {
        let label = annotate(seed, index, mark);
        for found in unit.defects.iter_mut().filter(|found| found.defect == DefectType::from(label.kind)) {
            found.bounds = label.bounds.whole();
        }
    }
    unit.defects.sort();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{Bound, Pictures};
    use lehr_camera::Bounds;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};
    use lehr_domain::unit::{Defect, Verdict};
    use lehr_domain::{EventMs, LineId, PerMille, ProductId, SpanMs};
    use lehr_plant::{Cause, FaultSpec, PlantConfig, PlantSim, TrueDefect};

    const SEED_OF_PLANT: u64 = 7;

    fn names() -> Arc<Names> {
        Arc::new(Catalogue::parse(DEFAULT).unwrap().names().unwrap())
    }

    fn camera(one_in: u64, data: &std::path::Path) -> Camera {
        let store = PictureStore::open(Pictures::of(data), Bound::default()).unwrap();
        Camera::new(SEED_OF_PLANT, NonZeroU64::new(one_in).unwrap(), names(), Arc::new(store))
    }

    /// What a plant whose furnace overheats does in the second hour, in steps of so many minutes.
    fn plant(minutes: i64) -> Vec<Output> {
        let config = PlantConfig { seed: SEED_OF_PLANT, ..PlantConfig::default() };
        let mut sim = PlantSim::new(&names(), config).unwrap();
        sim.inject(FaultSpec::parse("furnace_overheat:Line_A@1m").unwrap()).unwrap();
        sim.advance(EventMs(0) + SpanMs::minutes(70));
        (0..10 / minutes).map(|_| sim.advance(sim.now() + SpanMs::minutes(minutes))).collect()
    }

    fn units(events: &[Event]) -> Vec<Unit> {
        let unit = |event: &Event| match event {
            Event::Unit(unit) => Some(unit.clone()),
            _ => None,
        };
        events.iter().filter_map(unit).collect()
    }

    fn pictures(events: &[Event]) -> Vec<Picture> {
        let picture = |event: &Event| match event {
            Event::Picture(picture) => Some(*picture),
            _ => None,
        };
        events.iter().filter_map(picture).collect()
    }

    #[test]
    fn which_units_follows_from_the_setting_and_the_speed() {
        let one_in = |text: &str, speed| Photographed::parse(text).unwrap().one_in(speed).map(NonZeroU64::get);
        assert_eq!(one_in("off", 1.0), None);
        assert_eq!(one_in("12", 60.0), Some(12));
        let auto = [0.1, 1.0, 1.5, 60.0, 100_000.0].map(|speed| one_in("auto", speed).unwrap());
        assert_eq!(auto, [1, 1, 2, 60, 100_000]);
        for wrong in ["0", "-1", "1.5", "on", ""] {
            assert!(Photographed::parse(wrong).unwrap_err().contains("off, auto, or N"), "{wrong}");
        }
    }

    #[test]
    fn the_same_plant_gets_the_same_pictures_whatever_its_steps() {
        let run = |minutes: i64| {
            let data = tempfile::tempdir().unwrap();
            let camera = camera(8, data.path());
            let mut events = Vec::new();
            for mut output in plant(minutes) {
                camera.photograph(&mut output, usize::MAX);
                events.extend(output.events);
            }
            events
        };
        let events = run(1);
        assert_eq!(events, run(10));
        let (units, pictures) = (units(&events).len(), pictures(&events).len());
        assert!(units > 200 && (units / 2..units * 2).contains(&(pictures * 8)), "{pictures} of {units}");
    }

    #[test]
    fn only_boxes_of_photographed_units_differ_from_what_the_plant_says_without_a_camera() {
        let data = tempfile::tempdir().unwrap();
        let camera = camera(4, data.path());
        let (mut moved, mut same) = (0, 0);
        for mut output in plant(2) {
            let before = output.clone();
            camera.photograph(&mut output, usize::MAX);
            let pictured: Vec<UnitId> = pictures(&output.events).iter().map(|picture| picture.unit).collect();
            for (with, without) in units(&output.events).iter().zip(units(&before.events)) {
                let plain = |unit: &Unit| {
                    let found = unit.defects.iter().map(|found| (found.defect, found.score)).collect::<Vec<_>>();
                    (unit.unit, unit.at, unit.product, unit.verdict, found)
                };
                assert_eq!(plain(with), plain(&without));
                if *with != without {
                    assert!(pictured.contains(&with.unit), "{with:?}");
                    moved += 1;
                } else if !with.defects.is_empty() {
                    same += 1;
                }
            }
            let others = |events: &[Event]| -> Vec<Event> {
                events.iter().filter(|e| !matches!(e, Event::Unit(_) | Event::Picture(_))).cloned().collect()
            };
            assert_eq!(others(&output.events), others(&before.events));
            assert_eq!((output.readings, output.truth), (before.readings, before.truth));
        }
        assert!(moved > 5 && same > 20, "{moved} moved, {same} did not");
    }

    #[test]
    fn a_picture_follows_its_unit_and_is_durable() {
        let data = tempfile::tempdir().unwrap();
        let camera = camera(1, data.path());
        let mut output = plant(2).remove(0);
        camera.photograph(&mut output, 5);
        let mut followed = 0;
        for pair in output.events.windows(2) {
            let [event, Event::Picture(picture)] = pair else { continue };
            let Event::Unit(unit) = event else { panic!("{event:?} before {picture:?}") };
            assert_eq!((picture.unit, picture.line, picture.at), (unit.unit, unit.line, unit.at));
            assert_eq!(camera.store.pictures().rgb(picture.content).unwrap().len(), 3 * SIDE * SIDE);
            followed += 1;
        }
        assert_eq!(followed, 5, "no more than asked");
    }

    fn found(defect: DefectType) -> Defect {
        Defect { defect, score: PerMille(800), bounds: [1, 2, 3, 4] }
    }

    fn unit(defects: &[DefectType]) -> Unit {
        Unit {
            unit: UnitId(77),
            line: LineId(0),
            at: EventMs(1000),
            product: ProductId(0),
            verdict: Verdict::Scrap,
            defects: defects.iter().copied().map(found).collect(),
        }
    }

    fn truth(defects: &[DefectType], missed: &[DefectType]) -> UnitTruth {
        let at = EventMs(0);
        UnitTruth {
            unit: UnitId(77),
            line: LineId(0),
            at,
            melted_at: at,
            formed_at: at,
            annealed_at: at,
            defects: defects.iter().map(|defect| TrueDefect { defect: *defect, cause: Cause::Background }).collect(),
            missed: missed.to_vec(),
            spurious: Vec::new(),
        }
    }

    #[test]
    fn what_is_found_shows_where_its_box_is_and_what_is_missed_does_not_show() {
        use DefectType::{Bubble, Crack, Stain, StressFracture};
        let data = tempfile::tempdir().unwrap();
        let camera = camera(1, data.path());
        let truth = truth(&[Crack, Stain, StressFracture], &[Stain]);
        let mut unit = unit(&[Crack, Bubble, StressFracture]);
        camera.take(&mut unit, &truth).unwrap();
        let seed = stable_hash(&[SEED, SEED_OF_PLANT, 77]);
        let flaws = camera.flaws(seed, &truth);
        let shown: Vec<(Kind, bool)> = flaws.iter().map(|flaw| (flaw.kind, flaw.visible())).collect();
        assert_eq!(shown, [(Kind::Crack, true), (Kind::Stain, false)], "the camera sees no stress");
        let taken = picture(seed, Shape::SmallBottle, &flaws, &Style::of(Split::Test));
        let [x, y, width, height] = unit.defects[0].bounds.map(f32::from);
        let reported = Bounds { left: x, top: y, right: x + width, bottom: y + height };
        let overlap = reported.iou(&taken.marks[0].bounds);
        assert!(overlap > 0.5, "{reported:?} and {:?}", taken.marks[0].bounds);
        assert_eq!(
            &unit.defects[1..],
            [Bubble, StressFracture].map(found),
            "what the picture does not have keeps its box"
        );
    }

    #[test]
    fn without_room_for_a_picture_the_unit_is_told_of_all_the_same() {
        let data = tempfile::tempdir().unwrap();
        let camera = camera(1, data.path());
        std::fs::write(data.path().join(crate::pictures::FOLDER), "in the way").unwrap();
        let mut output = plant(2).remove(0);
        let before = output.clone();
        camera.photograph(&mut output, 3);
        assert_eq!(output, before);
        assert_eq!(camera.store.figures().failures, 3);
    }
}
