use burn::tensor::{Device, activation};
use lehr_camera::set::{Recipe, Sample};
use lehr_camera::{Bounds, Kind};
use lehr_metrics::detection::{Found, Present, Rect, average_precision};
use lehr_scoring::{Detection, Thresholds, detections, masks_of};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::network::VisionTransformer;
use super::part::Part;
use super::patches::{CLASSES, MASKS, masks_of_patches};
use super::task::Batch;
use super::thresholds::{VisionThresholds, decisions};
use super::trunk::Trunk;
use crate::error::NeuralError;
use crate::kernels::Precision;
use crate::writing::values;

/// Findings that are less sure than this do not enter a curve of precision and recall.
const LEAST_SCORE: f32 = 0.02;
/// What a box must overlap a label to be right.
pub(super) const LEAST_OVERLAP: f64 = 0.5;

/// How good an inspector is on a set, against labels as people give them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisionReport {
    pub pictures: usize,
    pub flaws: usize,
    /// Mean average precision at an overlap of a half; of all flaws, also those that no picture shows.
    pub map: f64,
    /// The same of flaws that show.
    pub map_visible: f64,
    /// Average precision of each kind, of flaws that show, in the order of the kinds.
    pub average_precision: [f64; Kind::COUNT],
    /// Mean overlap with the label of flaws that show, of the surest finding of the kind; 0 where there is none.
    pub box_iou: f64,
    /// Mean over the kinds of the overlap of all cells of what was found; flaws that do not show are left out.
    pub mask_iou: f64,
    /// At the thresholds, of each kind, of flaws that show: the share of findings that are right, and of flaws that are
    /// found. 1 where nothing is found, or there.
    pub precision: [f64; Kind::COUNT],
    pub recall: [f64; Kind::COUNT],
}

/// A set's loss and report.
pub(super) struct Scores {
    pub loss: f64,
    pub tally: Tally,
}

/// The report of a network on a set.
pub fn report(
    network: &VisionTransformer,
    thresholds: &VisionThresholds,
    recipe: &Recipe,
    rows: usize,
) -> VisionReport {
    score(network, Precision::Single, network.blocks.len(), recipe, rows).tally.report(thresholds)
}

/// Through the first `depth` layers.
pub(super) fn score(
    network: &VisionTransformer,
    precision: Precision,
    depth: usize,
    recipe: &Recipe,
    rows: usize,
) -> Scores {
    let (mut trunk, mut loss, device) = (Trunk::default(), 0.0, &Device::flex());
    let weights = network.trunk(precision);
    let patches = recipe.grid() * recipe.grid();
    let said = |samples: &[Sample]| -> Result<Said, NeuralError> {
        let parts: Vec<Part> = samples.iter().map(|sample| Part::whole(sample, recipe)).collect();
        let batch = Batch::new(&parts, device);
        let known = trunk.forward(&weights, depth, &batch.pictures);
        let (patches_known, fine) = known.tensors(parts.len(), patches, device);
        let reading = network.read(patches_known, fine);
        let of_batch = batch.targets.loss(reading.clone()).into_scalar::<f64>();
        loss += of_batch * parts.len() as f64 / recipe.count as f64;
        let masks = values(activation::sigmoid(reading.masks));
        let masks = masks.chunks(patches * MASKS).flat_map(|masks| masks_of_patches(masks, recipe.cells())).collect();
        Ok(Said { classes: values(reading.classes), boxes: values(reading.boxes), masks })
    };
    let tally = tally(recipe, rows, said).expect("nothing here fails");
    Scores { loss, tally }
}

/// What is said of a few pictures, one behind the other: class logits `[patches, 7]`, boxes `[patches, 4]`, probabilities
/// of masks `[6, cells, cells]`.
#[derive(Debug, Clone)]
pub struct Said {
    pub classes: Vec<f32>,
    pub boxes: Vec<f32>,
    pub masks: Vec<f32>,
}

/// Holds what is said of a set's pictures, asked `rows` at a time, against their labels.
///
/// # Errors
/// Those of who is asked.
pub fn tally<E>(recipe: &Recipe, rows: usize, mut said: impl FnMut(&[Sample]) -> Result<Said, E>) -> Result<Tally, E> {
    let mut tally = Tally::default();
    let (patches, cells) = (recipe.grid() * recipe.grid(), recipe.cells());
    let all: Vec<u64> = (0..recipe.count).collect();
    for chosen in all.chunks(rows) {
        let samples: Vec<Sample> = chosen.par_iter().map(|index| recipe.sample(*index, 0)).collect();
        let said = said(&samples)?;
        let each = said.classes.chunks(patches * CLASSES).zip(said.boxes.chunks(patches * 4));
        let each = each.zip(said.masks.chunks(Kind::COUNT * cells * cells));
        for (sample, ((classes, boxes), masks)) in samples.iter().zip(each) {
            let said = lehr_scoring::Said { grid: recipe.grid(), classes, boxes, masks };
            let found = detections(said, Thresholds { score: LEAST_SCORE, ..Thresholds::default() });
            tally.add(sample, &found, &masks_of(&found, said), recipe);
        }
    }
    Ok(tally)
}

/// What is found and what is there, over a set.
#[derive(Debug, Default)]
pub struct Tally {
    pictures: usize,
    pub(super) found: Vec<Found>,
    pub(super) visible: Vec<Present>,
    /// Flaws that do not show on their picture.
    pub(super) hidden: Vec<Present>,
    box_iou: f64,
    both: [f64; Kind::COUNT],
    either: [f64; Kind::COUNT],
}

impl Tally {
    fn add(&mut self, sample: &Sample, found: &[Detection], masks: &[f32], recipe: &Recipe) {
        let factor = recipe.side() as f32 / lehr_camera::SIDE as f32;
        let picture = self.pictures;
        self.pictures += 1;
        self.found.extend(found.iter().map(|found| Found {
            picture,
            class: found.defect,
            score: found.score,
            rect: rect_of(found),
        }));
        let mut hidden = [false; Kind::COUNT];
        for label in &sample.labels {
            let bounds = label.bounds.scaled(factor);
            let present = Present { picture, class: label.kind.index(), rect: rect(&bounds) };
            if label.visible {
                self.visible.push(present);
                let surest = found.iter().find(|found| found.defect == label.kind.index());
                self.box_iou += surest.map_or(0.0, |found| rect_of(found).iou(&present.rect));
            } else {
                self.hidden.push(present);
                hidden[label.kind.index()] = true;
            }
        }
        let cells = recipe.cells() * recipe.cells();
        let planes = masks.chunks(cells).zip(sample.masks.chunks(cells)).zip(hidden).enumerate();
        for (kind, ((said, truth), hidden)) in planes {
            if hidden {
                continue;
            }
            for (said, truth) in said.iter().zip(truth) {
                let (said, truth) = (*said >= 0.5, *truth >= 0.5);
                self.both[kind] += f64::from(u8::from(said && truth));
                self.either[kind] += f64::from(u8::from(said || truth));
            }
        }
    }

    /// Flaws of a kind that show.
    pub fn count(&self, kind: usize) -> usize {
        self.visible.iter().filter(|present| present.class == kind).count()
    }

    /// Pictures drawn anew from these, with their findings and flaws; with all of them the mean average precision of flaws
    /// that show is spread as over sets of this size.
    pub fn map_visible_of_draws(&self, draws: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        let of_picture = |places: Vec<usize>| -> Vec<Vec<usize>> {
            let mut of_picture = vec![vec![]; self.pictures];
            places.into_iter().enumerate().for_each(|(at, picture)| of_picture[picture].push(at));
            of_picture
        };
        let found = of_picture(self.found.iter().map(|found| found.picture).collect());
        let visible = of_picture(self.visible.iter().map(|present| present.picture).collect());
        let draw = |chosen: Vec<usize>| {
            let (mut drawn, mut there) = (vec![], vec![]);
            for (picture, chosen) in chosen.into_iter().enumerate() {
                drawn.extend(found[chosen].iter().map(|at| Found { picture, ..self.found[*at] }));
                there.extend(visible[chosen].iter().map(|at| Present { picture, ..self.visible[*at] }));
            }
            let of = |kind| average_precision(&drawn, &there, kind, LEAST_OVERLAP).unwrap_or(0.0);
            (0..Kind::COUNT).map(of).sum::<f64>() / Kind::COUNT as f64
        };
        let chosen: Vec<Vec<usize>> =
            (0..draws).map(|_| (0..self.pictures).map(|_| random.random_range(0..self.pictures)).collect()).collect();
        chosen.into_iter().map(draw).collect()
    }

    pub fn report(&self, thresholds: &VisionThresholds) -> VisionReport {
        let of = |present: &[Present]| -> [f64; Kind::COUNT] {
            std::array::from_fn(|kind| average_precision(&self.found, present, kind, LEAST_OVERLAP).unwrap_or(0.0))
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let average_precision = of(&self.visible);
        let mask_iou: Vec<f64> = self
            .both
            .iter()
            .zip(&self.either)
            .map(|(both, either)| if *either > 0.0 { both / either } else { 0.0 })
            .collect();
        let present: Vec<Present> = self.visible.iter().chain(&self.hidden).copied().collect();
        let share = |part: usize, of: usize| if of > 0 { part as f64 / of as f64 } else { 1.0 };
        let at_threshold: [(f64, f64); Kind::COUNT] = std::array::from_fn(|kind| {
            let decided = decisions(kind, &self.found, &self.visible, &self.hidden);
            let counted = decided.iter().filter(|(score, _)| *score >= thresholds[kind]);
            let (right, all) = counted.fold((0, 0), |(right, all), (_, is)| (right + usize::from(*is), all + 1));
            (share(right, all), share(right, self.count(kind)))
        });
        VisionReport {
            pictures: self.pictures,
            flaws: present.len(),
            map: mean(&of(&present)),
            map_visible: mean(&average_precision),
            average_precision,
            box_iou: self.box_iou / self.visible.len().max(1) as f64,
            mask_iou: mean(&mask_iou),
            precision: at_threshold.map(|(precision, _)| precision),
            recall: at_threshold.map(|(_, recall)| recall),
        }
    }
}

fn rect_of(found: &Detection) -> Rect {
    let lehr_scoring::Bounds { left, top, right, bottom } = found.bounds;
    Rect { x0: left, y0: top, x1: right, y1: bottom }
}

fn rect(bounds: &Bounds) -> Rect {
    Rect { x0: bounds.left, y0: bounds.top, x1: bounds.right, y1: bounds.bottom }
}
