use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::stack::Ensemble;
use crate::forecaster::Horizons;
use crate::judging::{Judged, figure, number};

const NAMES: Horizons<&str> = ["1 h", "4 h", "24 h"];

/// How good an ensemble is, beside the forecaster whose word it takes in, on the same windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleReport {
    pub ensemble: Horizons<Judged>,
    pub forecaster: Horizons<Judged>,
}

/// The card of an ensemble, Markdown. `data` says what the set is and how large its parts are, `models` which models it
/// combines.
pub fn card(
    version: &str,
    date: &str,
    ensemble: &Ensemble,
    models: &str,
    data: &str,
    report: &EnsembleReport,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, version, date, ensemble, models, data, report);
    text
}

fn write_all(
    out: &mut String,
    version: &str,
    date: &str,
    ensemble: &Ensemble,
    models: &str,
    data: &str,
    report: &EnsembleReport,
) -> std::fmt::Result {
    writeln!(out, "# Ensemble {version}\n")?;
    writeln!(
        out,
        "One probability of a defect event within 1, 4 and 24 hours from what {models} say of the same two hours of a line. \
         Fit {date} on the simulated plant; it has seen no real one.\n"
    )?;
    writeln!(
        out,
        "Stacking: the logarithms of the members' odds, weighted, none below 0, horizon by horizon, then calibrated. Input \
         `predictions` f32 `[batch, {}]`: {}; the graph network reads the window with its gaps filled, as the forecaster \
         does. Output `probability` f32 `[batch, 3]`.\n",
        ensemble.members.len(),
        ensemble.members.join(", ")
    )?;
    writeln!(out, "## Data\n\n{data}\n")?;
    writeln!(out, "## Figures on the test part\n")?;
    writeln!(
        out,
        "Against what really happened to the ware, with 95 % intervals (bootstrap of the days of each line). Where accuracy is \
         asked for, balanced accuracy and Matthews' correlation say what the many quiet windows hide.\n"
    )?;
    writeln!(out, "| | target | {} |\n|---|---|---|---|---|", NAMES.join(" | "))?;
    let mut row = |name: &str, target: &str, of: &dyn Fn(usize) -> String| {
        writeln!(out, "| {name} | {target} | {} |", [0, 1, 2].map(of).join(" | "))
    };
    let (ours, theirs) = (&report.ensemble, &report.forecaster);
    row("accuracy", "> 0.92", &|h| figure(ours[h].accuracy))?;
    row("accuracy of who never foretells", "", &|h| format!("{:.3}", 1.0 - ours[h].prevalence))?;
    row("accuracy of the forecaster alone", "", &|h| figure(theirs[h].accuracy))?;
    row("balanced accuracy", "", &|h| figure(ours[h].balanced_accuracy))?;
    row("Matthews' correlation", "", &|h| figure(ours[h].mcc))?;
    row("that of the forecaster alone", "", &|h| figure(theirs[h].mcc))?;
    row("recall", "", &|h| figure(ours[h].recall))?;
    row("precision", "", &|h| figure(ours[h].precision))?;
    row("F1", "", &|h| figure(ours[h].f1))?;
    row("area under the ROC curve", "", &|h| figure(ours[h].auc))?;
    row("that of the forecaster alone", "", &|h| figure(theirs[h].auc))?;
    row("Brier score", "", &|h| figure(ours[h].brier))?;
    row("that of the forecaster alone", "", &|h| figure(theirs[h].brier))?;
    row("calibration error", "< 0.05", &|h| format!("{:.3} (chance: up to {:.3})", ours[h].ece, ours[h].ece_chance))?;
    row("windows", ">= 5000", &|h| ours[h].examples.to_string())?;
    row("prevalence", "", &|h| format!("{:.3}", ours[h].prevalence))?;
    row("threshold", "", &|h| format!("{:.3}", ours[h].threshold))?;

    writeln!(out, "\n## Weights\n")?;
    writeln!(out, "| | {} |\n|---|---|---|---|", NAMES.join(" | "))?;
    for (member, name) in ensemble.members.iter().enumerate() {
        let weights = ensemble.stacks.each_ref().map(|stack| number(Some(stack.slope * stack.weights[member])));
        writeln!(out, "| {name} | {} |", weights.join(" | "))?;
    }
    let shifts = ensemble.stacks.each_ref().map(|stack| number(Some(stack.slope * stack.bias + stack.shift)));
    writeln!(out, "| nothing | {} |", shifts.join(" | "))?;
    writeln!(out, "\n## Limits\n")?;
    writeln!(
        out,
        "- All that its members do not see, it does not see either; what each card says of its model holds here.\n\
         - Weights were fit on the part by which the forecaster was stopped, so the forecaster counts for a little too \
         much.\n\
         - Windows of the same day depend on each other, and those of 24 hours beyond it: intervals of the longest horizon are \
         somewhat too narrow."
    )
}
