use std::fmt::Write;

use super::baselines::Baseline;
use super::report::GraphReport;
use super::train::TrainedGraph;
use crate::fitting::Epoch;
use crate::judging::{Judged, figure, number};

/// What a card tells of the data.
#[derive(Debug, Clone)]
pub struct GraphData {
    /// The recipe, as it can be given again.
    pub recipe: String,
    pub hash: String,
    /// Name, snapshots, share of failed nodes and of those that see something strange, of each part.
    pub parts: Vec<(&'static str, usize, f64, f64)>,
    pub minutes_between: u32,
}

/// The card of a trained graph network, Markdown.
pub fn card(
    version: &str,
    date: &str,
    trained: &TrainedGraph,
    data: &GraphData,
    baselines: &[Baseline],
    report: &GraphReport,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_head(&mut text, version, date, trained, data)
        .and_then(|()| write_nodes(&mut text, baselines, report))
        .and_then(|()| write_links(&mut text, data, report))
        .and_then(|()| write_end(&mut text, trained));
    text
}

fn write_head(
    out: &mut String,
    version: &str,
    date: &str,
    trained: &TrainedGraph,
    data: &GraphData,
) -> std::fmt::Result {
    let size = trained.architecture;
    writeln!(out, "# Graph network {version}\n")?;
    writeln!(
        out,
        "Says of the {} sensors of a line which have failed, which see something strange, and which belong together. Trained \
         {date} on the simulated plant; it has seen no real one.\n",
        size.nodes
    )?;
    writeln!(
        out,
        "{} layers of graph attention, {} heads of {} units, over sensors that correlate (|r| > 0.2) and themselves; two \
         linear heads for each sensor. Links are judged pair by pair, by correlation and partial correlation, through 8 \
         units. The scaler is part of the file. Inputs `nodes` f32 `[batch, {}, {}]` (of two hours of minute means: mean, \
         deviation and rise in engineering units, first autocorrelation, share of minutes missing) and `edges` f32 \
         `[batch, {}, {}]` (correlations, 1 on the diagonal); outputs `failure`, `anomaly` `[batch, {}]` and `edge` \
         `[batch, {}, {}]`, probabilities.\n",
        size.layers,
        size.heads,
        size.width,
        size.nodes,
        size.features,
        size.nodes,
        size.nodes,
        size.nodes,
        size.nodes,
        size.nodes
    )?;
    writeln!(out, "## Data\n")?;
    writeln!(
        out,
        "Plants with faults of process and instruments at random, something wrong with every line half of the time; a \
         snapshot of two hours every {} minutes. Parts have plants of their own. An instrument has failed when a fault of \
         it has lasted ten minutes; something is strange when the true value is more than three sigma from where it ought \
         to be.\n",
        data.minutes_between
    )?;
    writeln!(out, "Recipe `{}`:\n\n```json\n{}\n```\n", data.hash, data.recipe)?;
    writeln!(out, "| part | snapshots | sensors that have failed | that see something strange |\n|---|---|---|---|")?;
    for (name, snapshots, failed, strange) in &data.parts {
        writeln!(out, "| {name} | {snapshots} | {:.1} % | {:.1} % |", failed * 100.0, strange * 100.0)?;
    }
    Ok(())
}

fn write_nodes(out: &mut String, baselines: &[Baseline], report: &GraphReport) -> std::fmt::Result {
    writeln!(out, "\n## Sensors\n")?;
    writeln!(
        out,
        "On the test part, with 95 % intervals (bootstrap of the days of each line); thresholds were chosen on the \
         validation part. A node is right when both is said rightly of it.\n"
    )?;
    writeln!(out, "| | target | |\n|---|---|---|")?;
    writeln!(out, "| node accuracy | > 0.88 | {} |", figure(Some(report.node_accuracy)))?;
    writeln!(out, "| node accuracy of who says that nothing is wrong | | {:.3} |", report.nothing_wrong)?;
    writeln!(out, "| sound sensors that are said to be sound | | {:.3} |", report.recall_of_sound)?;
    writeln!(out, "\n| | failure | anomaly |\n|---|---|---|")?;
    let mut row = |name: &str, of: &dyn Fn(&Judged) -> String| {
        writeln!(out, "| {name} | {} | {} |", of(&report.failure), of(&report.anomaly))
    };
    row("prevalence", &|j| format!("{:.3}", j.prevalence))?;
    row("recall", &|j| figure(j.recall))?;
    row("precision", &|j| figure(j.precision))?;
    row("F1", &|j| figure(j.f1))?;
    row("balanced accuracy", &|j| figure(j.balanced_accuracy))?;
    row("Matthews' correlation", &|j| figure(j.mcc))?;
    row("area under the ROC curve", &|j| figure(j.auc))?;
    row("average precision", &|j| figure(j.average_precision))?;
    row("calibration error", &|j| format!("{:.3} (chance: up to {:.3})", j.ece, j.ece_chance))?;
    row("threshold", &|j| format!("{:.3}", j.threshold))?;
    if baselines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBeside those who judge each sensor by itself, by the same rules:\n")?;
    writeln!(
        out,
        "| | node accuracy | failure: area, Matthews' correlation | anomaly: area, Matthews' correlation |\n|---|---|---|---|"
    )?;
    for of in baselines {
        let failure = [of.failure_auc, of.failure_mcc].map(number).join(", ");
        let anomaly = [of.anomaly_auc, of.anomaly_mcc].map(number).join(", ");
        writeln!(out, "| {} | {:.3} | {failure} | {anomaly} |", of.name, of.node_accuracy)?;
    }
    let pair = |judged: &Judged| [judged.auc, judged.mcc].map(|f| number(f.map(|f| f.value))).join(", ");
    writeln!(
        out,
        "| this network | {:.3} | {} | {} |",
        report.node_accuracy.value,
        pair(&report.failure),
        pair(&report.anomaly)
    )
}

fn write_links(out: &mut String, data: &GraphData, report: &GraphReport) -> std::fmt::Result {
    writeln!(out, "\n## Links\n")?;
    writeln!(
        out,
        "What belongs together is the same for every line and every part: whose quantities act on each other in the plant. A \
         network that can tell sensors apart has this by heart, with an area of 1 that says nothing. So this one sees of a \
         pair its own correlations alone, and no features of sensors: what it says follows from evidence, and sensors that \
         change places change their links with them. Two hours hold little evidence, whoever judges it; `edges` is \
         therefore to be the mean of the line's correlations over days where links are asked for. Target: an area above \
         0.90, which needs a memory of days.\n"
    )?;
    writeln!(
        out,
        "| memory | area under the ROC curve | average precision (prevalence) | area of the correlation's size | of the partial \
         correlation's |\n|---|---|---|---|---|"
    )?;
    for link in &report.links {
        let hours = link.snapshots as f64 * f64::from(data.minutes_between) / 60.0;
        let memory = if hours < 48.0 { format!("{hours:.0} h") } else { format!("{:.0} days", hours / 24.0) };
        writeln!(
            out,
            "| {memory} | {} | {} ({:.3}) | {} | {} |",
            figure(link.judged.auc),
            figure(link.judged.average_precision),
            link.judged.prevalence,
            number(link.auc_of_correlation),
            number(link.auc_of_partial)
        )?;
    }
    Ok(())
}

fn write_end(out: &mut String, trained: &TrainedGraph) -> std::fmt::Result {
    writeln!(out, "\n## Training\n")?;
    writeln!(
        out,
        "Cross-entropies of failures, anomalies and links, added; AdamW, cosine schedule, gradients clipped to norm 1. Links \
         were learned from memories of every length. It ended because {}; the weights are those of epoch {}.\n",
        trained.stop,
        trained.best_epoch + 1
    )?;
    writeln!(
        out,
        "| epoch | training loss | validation loss | areas failure, anomaly, link | seconds |\n|---|---|---|---|---|"
    )?;
    for Epoch { epoch, loss, validation, seconds, .. } in &trained.history {
        let areas =
            ["auc_failure", "auc_anomaly", "auc_link"].map(|name| number(validation.metrics.get(name).copied()));
        writeln!(out, "| {} | {loss:.4} | {:.4} | {} | {seconds:.0} |", epoch + 1, validation.loss, areas.join(", "))?;
    }
    writeln!(out, "\n## Limits\n")?;
    writeln!(
        out,
        "- Learned from a simulated plant with far more faults than a real one has: where faults are rarer, its probabilities \
         are too high. Ranks hold, calibration has to be done anew.\n\
         - A sensor's features are scaled by the catalogue's target and sigma: one whose set-point was moved looks strange.\n\
         - A fault that began some minutes ago is hardly seen in two hours.\n\
         - Links are of this plant's law; a pair that acts on each other only when something is changed, which nobody did, \
         leaves no correlation.\n\
         - The areas of links are of few lines and of sixteen links, the same in each: their intervals are of lines, and \
         say nothing of another plant."
    )
}
