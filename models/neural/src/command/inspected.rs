use std::path::PathBuf;
use std::time::Duration;

use lehr_camera::set::Recipe;
use lehr_camera::{Kind, Split};
use lehr_neural::judging::Figure;
use lehr_neural::verdict::{Line, Target};
use lehr_neural::vision::{Said, VisionReport, VisionThresholds, tally};
use lehr_scoring::{Batch, Pool};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Deserialize;

use super::models::Models;

const MODEL: &str = "inspector";
/// Who is shown beside.
const PLAIN: &str = "convolutions alone";
/// Pictures of a call.
const ROWS: usize = 16;
/// Pictures by which is told how long one takes.
const PROBE: u64 = 32;
/// Fewer pictures than this say nothing of the rarer kinds.
const PICTURES_MIN: u64 = 600;
/// Sets drawn anew, by which an interval is told.
const DRAWS: usize = 200;

/// What the training of an inspector left.
#[derive(Debug, Deserialize)]
struct History {
    recipe: Sizes,
    ceiling: Best,
    /// What the convolutions reach alone.
    plain: Option<VisionReport>,
}

#[derive(Debug, Deserialize)]
struct Sizes {
    seed: u64,
    test: u64,
}

#[derive(Debug, Deserialize)]
struct Best {
    map_visible: f64,
    box_iou: f64,
    mask_iou: f64,
}

/// Figures of the inspector on its test part, which is made anew; of as many pictures as can be looked at in a time, but
/// never fewer than tell something.
pub fn lines(models: &Models, version: &str, budget: Duration) -> Result<Vec<Line>, Box<dyn std::error::Error>> {
    let History { recipe: sizes, ceiling, plain } = serde_json::from_value(models.history(MODEL, version)?)?;
    let (pool, side) = models.inspector(version)?;
    let thresholds: VisionThresholds = serde_json::from_value(pool.model().metadata().metrics["thresholds"].clone())?;
    let mut asked = |samples: &[lehr_camera::set::Sample]| -> Result<Said, lehr_scoring::Error> {
        let pictures = samples.iter().flat_map(|sample| &sample.image).copied().collect();
        let mut said = pool.score(Batch { rows: samples.len(), values: vec![pictures] })?.values.into_iter();
        let mut next = || said.next().unwrap_or_default();
        Ok(Said { classes: next(), boxes: next(), masks: next() })
    };
    let part = |count: u64| Recipe::new(sizes.seed, Split::Test, count, side);
    let begun = std::time::Instant::now();
    tally(&part(PROBE.min(sizes.test))?, ROWS, &mut asked)?;
    let fit = (budget.as_secs_f64() * PROBE as f64 / begun.elapsed().as_secs_f64().max(1e-3)) as u64;
    let tally = tally(&part(fit.max(PICTURES_MIN).min(sizes.test))?, ROWS, &mut asked)?;

    let report = tally.report(&thresholds);
    let mut drawn = tally.map_visible_of_draws(DRAWS, &mut ChaCha8Rng::seed_from_u64(sizes.seed));
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[(share * (DRAWS - 1) as f64).round() as usize];
    let map = Figure { value: report.map_visible, low: at(0.025), high: at(0.975) };
    let of_plain = |of: fn(&VisionReport) -> f64| plain.as_ref().map(of);
    let mut lines = vec![
        Line::new(MODEL, format!("mAP@.5 of flaws that show, {} pictures", report.pictures), Some(map))
            .target(Target::Above(0.85))
            .baseline(PLAIN, of_plain(|plain| plain.map_visible))
            .ceiling(Some(ceiling.map_visible)),
        Line::plain(MODEL, "mean IoU of boxes", report.box_iou)
            .target(Target::Above(0.70))
            .baseline(PLAIN, of_plain(|plain| plain.box_iou))
            .ceiling(Some(ceiling.box_iou)),
        Line::plain(MODEL, "mean IoU of masks", report.mask_iou)
            .target(Target::Above(0.70))
            .baseline(PLAIN, of_plain(|plain| plain.mask_iou))
            .ceiling(Some(ceiling.mask_iou)),
    ];
    for kind in Kind::ALL {
        let at = kind.index();
        lines.push(Line::plain(MODEL, format!("average precision, {}", kind.text()), report.average_precision[at]));
    }
    Ok(lines)
}

impl Models {
    /// An inspector's own answers, and the side of the pictures that it reads.
    fn inspector(&self, version: &str) -> Result<(Pool, usize), Box<dyn std::error::Error>> {
        let file: PathBuf = self.path(MODEL, version, "onnx");
        let light = format!("light 0-1, {0}x{0}", lehr_scoring::SIDE_PX);
        let schema = lehr_scoring::Schema::of(["red", "green", "blue"].map(|name| (name, light.as_str())));
        let runtime = self.runtime()?;
        let model = lehr_scoring::Model::read(&runtime, &file, lehr_scoring::Inspector::contract(schema))?;
        let side = lehr_scoring::SIDE_PX;
        let trial = Batch { rows: 1, values: vec![vec![0.5; 3 * side * side]] };
        Ok((Pool::open(&runtime, model, super::models::options(), &trial)?, side))
    }
}
