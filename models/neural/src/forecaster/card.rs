use std::fmt::Write;

use lehr_datasets::study::{Figures, Horizon};

use super::train::Trained;
use super::windows::Horizons;
use crate::fitting::Epoch;
use crate::judging::{Judged, figure, number};

const NAMES: Horizons<&str> = ["1 h", "4 h", "24 h"];

/// What a card tells of the data.
#[derive(Debug, Clone)]
pub struct DataCard {
    /// The recipe, as it can be given again.
    pub recipe: String,
    pub hash: String,
    /// Name, windows and prevalence of each part.
    pub parts: Vec<(&'static str, usize, Horizons<f64>)>,
    pub event: String,
}

/// The card of a trained forecaster, Markdown.
pub fn card(
    version: &str,
    date: &str,
    trained: &Trained,
    data: &DataCard,
    ladder: &[Figures],
    report: &Horizons<Judged>,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, version, date, trained, data, ladder, report);
    text
}

fn write_all(
    out: &mut String,
    version: &str,
    date: &str,
    trained: &Trained,
    data: &DataCard,
    ladder: &[Figures],
    report: &Horizons<Judged>,
) -> std::fmt::Result {
    let size = trained.architecture;
    writeln!(out, "# Forecaster {version}\n")?;
    writeln!(
        out,
        "Foretells from the last {} minutes of {} sensors of a line whether a defect event follows within 1, 4 and 24 \
         hours. Trained {date} on the simulated plant; it has seen no real one.\n",
        trained.steps, size.sensors
    )?;
    writeln!(
        out,
        "{} recurrent layers (LSTM) of {} units, additive attention ({} units) over the minutes, a linear head a horizon. \
         Scaler, calibration and attention are part of the file. Input `input` f32 `[batch, {}, {}]` in engineering units, \
         oldest minute first, NaN for what is missing; outputs `probability` `[batch, 3]` and `attention` `[batch, {}]`.\n",
        size.layers, size.width, size.attention, trained.steps, size.sensors, trained.steps
    )?;

    writeln!(out, "## Data\n\n{}\n", data.event)?;
    writeln!(out, "Recipe `{}`:\n\n```json\n{}\n```\n", data.hash, data.recipe)?;
    writeln!(out, "| part | windows | events within 1 h | 4 h | 24 h |\n|---|---|---|---|---|")?;
    for (name, windows, [one, four, day]) in &data.parts {
        writeln!(out, "| {name} | {windows} | {:.1} % | {:.1} % | {:.1} % |", one * 100.0, four * 100.0, day * 100.0)?;
    }

    writeln!(out, "\n## Figures on the test part\n")?;
    writeln!(
        out,
        "Against what really happened to the ware, with 95 % intervals (bootstrap of the days of each line). Each \
         threshold has the greatest recall with a precision of 0.85 on the validation and calibration parts; the \
         calibration was fit on a part of its own.\n"
    )?;
    writeln!(out, "| | target | {} |\n|---|---|---|---|---|", NAMES.join(" | "))?;
    let mut row = |name: &str, target: &str, of: &dyn Fn(&Judged) -> String| {
        writeln!(out, "| {name} | {target} | {} |", report.each_ref().map(of).join(" | "))
    };
    row("recall", "> 0.90", &|r| figure(r.recall))?;
    row("precision", "> 0.80", &|r| figure(r.precision))?;
    row("F1", "> 0.85", &|r| figure(r.f1))?;
    row("recall where precision is 0.80", "", &|r| number(r.recall_at_precision_80))?;
    row("area under the ROC curve", "", &|r| figure(r.auc))?;
    row("average precision", "", &|r| figure(r.average_precision))?;
    row("Brier score", "", &|r| figure(r.brier))?;
    row("Brier skill", "", &|r| figure(r.brier_skill))?;
    row("calibration error", "< 0.05", &|r| format!("{:.3} (chance: up to {:.3})", r.ece, r.ece_chance))?;
    row("accuracy", "", &|r| figure(r.accuracy))?;
    row("balanced accuracy", "", &|r| figure(r.balanced_accuracy))?;
    row("Matthews' correlation", "", &|r| figure(r.mcc))?;
    row("prevalence", "", &|r| format!("{:.3}", r.prevalence))?;
    row("threshold", "", &|r| format!("{:.3}", r.threshold))?;

    if !ladder.is_empty() {
        write_ladder(out, ladder)?;
    }
    write_curve(out, trained)
}

/// Whoever foretells the same test windows, by the same rules.
fn write_ladder(out: &mut String, ladder: &[Figures]) -> std::fmt::Result {
    writeln!(out, "\n## Beside others\n")?;
    writeln!(
        out,
        "Each cell: area under the ROC curve, recall where precision is 0.80, Brier score; against the truth. No forecast \
         that is honest stands above a ceiling by more than chance.\n"
    )?;
    writeln!(out, "| | {} |\n|---|---|---|---|", NAMES.join(" | "))?;
    for figures in ladder {
        let cell = |of: &Horizon| format!("{:.3}, {:.3}, {:.4}", of.auc, of.recall_at_80, of.brier);
        writeln!(
            out,
            "| {} ({} windows) | {} |",
            figures.name,
            figures.windows,
            figures.horizons.each_ref().map(cell).join(" | ")
        )?;
    }
    writeln!(
        out,
        "\nRecall of events within 24 h by what caused them, at a threshold chosen on the calibration part:\n"
    )?;
    for figures in ladder {
        let causes: Vec<String> =
            figures.recall_by_cause.iter().map(|(cause, recall)| format!("{cause} {recall:.2}")).collect();
        writeln!(out, "- {}: {}", figures.name, causes.join(", "))?;
    }
    Ok(())
}

fn write_curve(out: &mut String, trained: &Trained) -> std::fmt::Result {
    writeln!(out, "\n## Training\n")?;
    writeln!(
        out,
        "Cross-entropy and Brier score, added; Adam, cosine schedule, gradients clipped to norm 1. It ended because {}; the \
         weights are those of epoch {}.\n",
        trained.stop,
        trained.best_epoch + 1
    )?;
    writeln!(
        out,
        "| epoch | training loss | validation loss | areas 1 h, 4 h, 24 h | seconds |\n|---|---|---|---|---|"
    )?;
    for Epoch { epoch, loss, validation, seconds, .. } in &trained.history {
        let areas = ["auc_1h", "auc_4h", "auc_24h"].map(|name| number(validation.metrics.get(name).copied()));
        writeln!(out, "| {} | {loss:.4} | {:.4} | {} | {seconds:.0} |", epoch + 1, validation.loss, areas.join(", "))?;
    }
    writeln!(out, "\n## Limits\n")?;
    writeln!(
        out,
        "- Learned from a simulated plant: its figures say how much of the simulator's law can be known, not how well a real \
         line is foretold. Train again on a plant's own history before anybody relies on it.\n\
         - Windows of the same day depend on each other, and those of 24 hours beyond it: intervals of the longest horizon are \
         somewhat too narrow.\n\
         - Labels come from inspection, which misses defects and sees some that are not there; even a perfect forecaster \
         would be wrong at times.\n\
         - Sensors that fail are taken as they read, within eight deviations of their mean."
    )
}
