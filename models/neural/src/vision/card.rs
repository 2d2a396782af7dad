use std::fmt::Write;

use lehr_camera::Kind;
use lehr_camera::set::{Ceiling, Recipe};

use super::report::VisionReport;
use super::thresholds::VisionThresholds;
use super::train::TrainedVision;

/// The card of a trained inspector, Markdown.
pub fn card(
    version: &str,
    date: &str,
    trained: &TrainedVision,
    parts: &[(&str, &Recipe)],
    report: &VisionReport,
    thresholds: &VisionThresholds,
    ceiling: &Ceiling,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, version, date, trained, parts, report, thresholds, ceiling);
    text
}

fn write_all(
    out: &mut String,
    version: &str,
    date: &str,
    trained: &TrainedVision,
    parts: &[(&str, &Recipe)],
    report: &VisionReport,
    thresholds: &VisionThresholds,
    ceiling: &Ceiling,
) -> std::fmt::Result {
    let size = trained.architecture;
    writeln!(out, "# Inspector {version}\n")?;
    writeln!(
        out,
        "Finds six kinds of flaws on pictures of ware in back light, {0} × {0} pixels: their boxes and the cells that \
         they cover. A vision transformer of {1} layers, width {2}, {3} heads, on patches of 16 pixels. Trained {date}.\n",
        size.side, size.layers, size.width, size.heads
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
    writeln!(out, "## Test\n\n| figure | target | reached | ceiling |\n|---|---|---|---|")?;
    writeln!(
        out,
        "| mAP@.5 of flaws that show | > 0.85 | {:.3} | {:.3} |",
        report.map_visible, ceiling.map_of_visible
    )?;
    writeln!(out, "| mAP@.5 of all flaws | | {:.3} | {:.3} |", report.map, ceiling.map)?;
    writeln!(out, "| IoU of masks | > 0.70 | {:.3} | {:.3} |", report.mask_iou, ceiling.mask_iou)?;
    writeln!(out, "| IoU of boxes | | {:.3} | {:.3} |", report.box_iou, ceiling.box_iou)?;
    writeln!(
        out,
        "\nThe ceiling is what exact boxes of every flaw that shows reach against the labels, which are as inexact as \
         people draw them. {} pictures with {} flaws.\n",
        report.pictures, report.flaws
    )?;
    writeln!(out, "| kind | average precision | threshold | precision there | recall there |\n|---|---|---|---|---|")?;
    for kind in Kind::ALL {
        let at = kind.index();
        writeln!(
            out,
            "| {} | {:.3} | {:.2} | {:.3} | {:.3} |",
            kind.text(),
            report.average_precision[at],
            thresholds[at],
            report.precision[at],
            report.recall[at]
        )?;
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
