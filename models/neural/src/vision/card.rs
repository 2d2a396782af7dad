use std::fmt::Write;

use lehr_camera::Kind;
use lehr_camera::set::{Ceiling, Recipe};

use super::report::VisionReport;
use super::thresholds::VisionThresholds;
use super::train::TrainedVision;

/// What a card says of a trained inspector.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub version: &'a str,
    pub date: &'a str,
    pub trained: &'a TrainedVision,
    /// By name.
    pub parts: &'a [(&'a str, &'a Recipe)],
    pub report: &'a VisionReport,
    /// Of the convolutions alone.
    pub plain: Option<&'a VisionReport>,
    pub thresholds: &'a VisionThresholds,
    pub ceiling: &'a Ceiling,
}

/// The card of a trained inspector, Markdown.
pub fn card(told: Told<'_>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, told);
    text
}

fn write_all(out: &mut String, told: Told<'_>) -> std::fmt::Result {
    let Told { version, date, trained, parts, report, plain, thresholds, ceiling } = told;
    let size = trained.architecture;
    writeln!(out, "# Inspector {version}\n")?;
    writeln!(
        out,
        "Finds six kinds of flaws on pictures of ware in back light, {0} × {0} pixels: their boxes and the cells that \
         they cover. A vision transformer of {1} layers, width {2}, {3} heads, on patches of 16 pixels that {4} \
         convolutions made. Trained {date}.\n",
        size.side,
        size.layers,
        size.width,
        size.heads,
        trained.network.convolutions.len()
    )?;
    writeln!(out, "## Data\n\n| part | pictures | seed | hash |\n|---|---|---|---|")?;
    for (name, recipe) in parts {
        writeln!(out, "| {name} | {} | {} | {:016x} |", recipe.count, recipe.seed, recipe.hash())?;
    }
    writeln!(
        out,
        "\nAll pictures are simulated. Contrast, light and textures of the test part lie outside of the ranges that the \
         others have. {:.0} % of the flaws do not show on their picture.\n",
        100.0 * ceiling.hidden
    )?;
    writeln!(out, "## Test\n\n| figure | target | reached | convolutions alone | ceiling |\n|---|---|---|---|---|")?;
    let mut row = |figure: &str, target: &str, of: fn(&VisionReport) -> f64, best: f64| {
        let plain = plain.map_or_else(String::new, |plain| format!("{:.3}", of(plain)));
        writeln!(out, "| {figure} | {target} | {:.3} | {plain} | {best:.3} |", of(report))
    };
    row("mAP@.5 of flaws that show", "> 0.85", |report| report.map_visible, ceiling.map_of_visible)?;
    row("mAP@.5 of all flaws", "", |report| report.map, ceiling.map)?;
    row("IoU of masks", "> 0.70", |report| report.mask_iou, ceiling.mask_iou)?;
    row("IoU of boxes", "> 0.70", |report| report.box_iou, ceiling.box_iou)?;
    writeln!(
        out,
        "\nThe ceiling is what exact boxes of every flaw that shows reach against the labels, which are as inexact as \
         people draw them. {} pictures with {} flaws.\n",
        report.pictures, report.flaws
    )?;
    writeln!(out, "| kind | average precision | threshold | precision there | recall there |\n|---|---|---|---|---|")?;
    for kind in Kind::ALL {
        let at = kind.index();
        write!(out, "| {} | {:.3} |", kind.text(), report.average_precision[at])?;
        if thresholds[at] > 1.0 {
            writeln!(out, " not told: it would be wrong too often | | |")?;
        } else {
            let (precision, recall) = (report.precision[at], report.recall[at]);
            writeln!(out, " {:.2} | {precision:.3} | {recall:.3} |", thresholds[at])?;
        }
    }
    writeln!(out, "\n## Training\n")?;
    writeln!(
        out,
        "{} epochs, the best is number {}; {}.",
        trained.history.len(),
        trained.best_epoch + 1,
        trained.stop
    )?;
    writeln!(
        out,
        "\n## Limits\n\nIt has seen simulated ware only. Cameras, light and ware of a plant differ: its labels must be \
         learned before it decides about ware."
    )
}
