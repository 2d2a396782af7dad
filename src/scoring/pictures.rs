//! Pictures of ware, inspected as the graphs ask for it.

use super::ahead::Claim;
use super::opened::Inspecting;
use super::{Scoring, ScoringError};
use lehr_dataflows::inspections::{Found, Inspector, SEEN};
use lehr_domain::PerMille;
use lehr_domain::model::ModelVersion;
use lehr_domain::picture::Content;
use lehr_domain::unit::{Defect, DefectType};
use lehr_scoring::{Bounds, DEFECTS, Detection, SIDE_PX};
use std::error::Error;
use std::fmt::Debug;
use std::sync::atomic::Ordering;

/// Bytes of a picture: red, green and blue of each pixel, row by row.
pub const RGB_BYTES: usize = 3 * SIDE_PX * SIDE_PX;

/// Pictures that are scored at once: 10 MB of numbers.
const SCORED_AT_ONCE: usize = 16;

/// The classes of inspectors, in their order: what a camera sees.
const CLASSES: [DefectType; DEFECTS] = SEEN;

/// Where pictures are kept.
pub trait Pictures: Send + Sync + Debug {
    /// The pixels of a picture: [`RGB_BYTES`], red, green and blue of each pixel, row by row.
    ///
    /// # Errors
    /// When it is not there, or is no picture of 224 × 224 pixels.
    fn read(&self, content: Content) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

impl Inspector for Scoring {
    fn inspect(&self, version: ModelVersion, pictures: &[Content]) -> Vec<Option<Found>> {
        let mut found = vec![None; pictures.len()];
        let (mut unseen, mut under_way) = (Vec::new(), Vec::new());
        for (place, claim) in self.shelf.claim(version, pictures).into_iter().enumerate() {
            match claim {
                Claim::Found(answer) => found[place] = Some(answer),
                Claim::UnderWay => under_way.push(place),
                Claim::Unseen => unseen.push(place),
            }
        }
        // Others get on with theirs meanwhile.
        self.look(version, pictures, &unseen, &mut found);
        let mut failed = Vec::new();
        for place in under_way {
            match self.shelf.wait(pictures[place], version) {
                Some(answer) => found[place] = Some(answer),
                None => failed.push(place),
            }
        }
        self.look(version, pictures, &failed, &mut found);
        let missing = found.iter().filter(|found| found.is_none()).count();
        self.uninspected.fetch_add(missing as u64, Ordering::Relaxed);
        found
    }
}

impl Scoring {
    /// Looks at the pictures of some places, and notes there what was found.
    fn look(&self, version: ModelVersion, pictures: &[Content], places: &[usize], found: &mut [Option<Found>]) {
        for places in places.chunks(SCORED_AT_ONCE) {
            let part: Vec<Content> = places.iter().map(|place| pictures[*place]).collect();
            match self.inspected(version, &part) {
                Ok(answers) => places.iter().zip(answers).for_each(|(place, answer)| found[*place] = answer),
                Err(error) => tracing::debug!("{} pictures were not inspected: {error}", part.len()),
            }
        }
    }

    /// One answer a picture; none of those that cannot be read.
    pub(super) fn inspected(
        &self,
        version: ModelVersion,
        contents: &[Content],
    ) -> Result<Vec<Option<Found>>, ScoringError> {
        let inspector = self.inspector(version)?;
        let lights: Vec<Option<Vec<f32>>> = contents.iter().map(|content| self.light(*content)).collect();
        if lights.iter().all(Option::is_none) {
            return Ok(vec![None; contents.len()]);
        }
        let readable: Vec<f32> = lights.iter().flatten().flatten().copied().collect();
        let mut inspections = inspector.model.inspect(readable)?.into_iter();
        let answer = |light: Option<Vec<f32>>| {
            let inspection = light.and_then(|_| inspections.next())?;
            Some(found(&inspection.detections, &inspector))
        };
        Ok(lights.into_iter().map(answer).collect())
    }

    fn light(&self, content: Content) -> Option<Vec<f32>> {
        let read = self.pictures.as_ref()?.read(content);
        let read = read.inspect_err(|error| tracing::debug!("picture {content} is not inspected: {error}"));
        read.ok().and_then(|rgb| light(&rgb))
    }
}

/// As inspectors read it: a plane a colour, of light between 0 and 1. `None` of anything but [`RGB_BYTES`].
fn light(rgb: &[u8]) -> Option<Vec<f32>> {
    let plane = |colour: usize| rgb.iter().skip(colour).step_by(3).map(|byte| f32::from(*byte) / 255.0);
    (rgb.len() == RGB_BYTES).then(|| (0..3).flat_map(plane).collect())
}

/// What is sure enough for its class.
fn found(detections: &[Detection], inspector: &Inspecting) -> Found {
    let sure = detections.iter().filter(|seen| seen.score >= inspector.thresholds[seen.defect]);
    let defect = |seen: &Detection| Defect {
        defect: CLASSES[seen.defect],
        score: PerMille((f64::from(seen.score) * 1000.0).round() as i32),
        bounds: bounds(&seen.bounds),
    };
    Found::of(sure.map(defect).collect())
}

/// The whole pixels that a box touches: x, y, width and height.
fn bounds(of: &Bounds) -> [u8; 4] {
    const { assert!(SIDE_PX <= u8::MAX as usize) };
    let within = |value: f32| value.clamp(0.0, SIDE_PX as f32) as u8;
    let (left, top) = (within(of.left.floor()), within(of.top.floor()));
    let (right, bottom) = (within(of.right.ceil()), within(of.bottom.ceil()));
    [left, top, right.saturating_sub(left), bottom.saturating_sub(top)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_planes_of_light() {
        let mut rgb = vec![0; RGB_BYTES];
        rgb[3..6].copy_from_slice(&[255, 51, 102]);
        let light = light(&rgb).unwrap();
        let pixels = SIDE_PX * SIDE_PX;
        assert_eq!([light[1], light[pixels + 1], light[2 * pixels + 1]], [1.0, 0.2, 0.4]);
        assert_eq!(light.iter().filter(|light| **light > 0.0).count(), 3);
        assert_eq!(super::light(&rgb[1..]), None);
    }

    #[test]
    fn boxes_are_the_pixels_that_they_touch() {
        let of = |left, top, right, bottom| bounds(&Bounds { left, top, right, bottom });
        assert_eq!(of(10.2, 20.0, 30.0, 40.7), [10, 20, 20, 21]);
        assert_eq!(of(0.0, 0.0, 224.0, 224.0), [0, 0, 224, 224]);
        assert_eq!(of(-5.0, 223.5, 900.0, 224.0), [0, 223, 224, 1]);
        assert_eq!(of(f32::NAN, 0.0, 9.0, 9.0), [0, 0, 9, 9]);
    }
}
