use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use lehr_datasets::graphs::GraphRecipe;
use lehr_datasets::sequences::{Recipe, SENSORS, Scaler, Sequences};
use lehr_datasets::study::Figures;
use lehr_datasets::{graphs, sequences};
use lehr_neural::ensemble::EnsembleReport;
use lehr_neural::fitting::order;
use lehr_neural::forecaster::{Horizons, report};
use lehr_neural::graph::{self, Baseline, GraphReport, GraphScores, GraphThresholds, Graphs, LineGraphs};
use lehr_neural::judging::Judged;
use lehr_neural::verdict::{Line, Target, table};
use lehr_scoring::{Ensemble, Forecaster, Network, Snapshot, predictions};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::found::{Found, curve, reliability};
use super::inspected;
use super::models::{Models, ROWS, forecasts, verdicts};
use super::span;

const NAMES: Horizons<&str> = ["1 h", "4 h", "24 h"];

/// Fewer windows than this say nothing of calibration.
const WINDOWS_MIN: usize = 5_000;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    models: Models,
    /// The models' version, instead of the newest of each.
    #[arg(long = "model-version", value_name = "VERSION")]
    version: Option<String>,
    /// Where simulated plants are kept; those of the test parts that are missing are made.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Time for scoring, such as 5m. What does not fit in is left out, days of lines at a time, but never so much that
    /// fewer than 5000 windows are left.
    #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "5m")]
    budget: Duration,
    /// Chooses what is left out.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Puts what was found into the files' metadata and histories, in place of what they said of the test. Weights stay.
    /// Needs time for all windows.
    #[arg(long)]
    keep: bool,
    /// As JSON, on standard output.
    #[arg(long)]
    json: bool,
}

/// Judges written models, as ONNX Runtime runs them, on their test parts. False when a figure is better than it can be.
pub fn run(arguments: Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let models = &arguments.models;
    let version = |name: &str| models.version(name, arguments.version.as_ref());
    let started = Instant::now();
    let of_graph_model = version("graph")?;
    let graph = models.graph(&of_graph_model)?;
    let of_graph = of_graph(&graph, &models.history("graph", &of_graph_model)?)?;
    let of_inspector = match models.newest("inspector") {
        Some(newest) => {
            let version = arguments.version.as_ref().unwrap_or(&newest);
            inspected::lines(models, version, arguments.budget / 2)?
        }
        None => Vec::new(),
    };
    let left = arguments.budget.saturating_sub(started.elapsed());
    let of_forecaster_model = version("forecaster")?;
    let history = models.history("forecaster", &of_forecaster_model)?;
    let forecaster = models.forecaster(&of_forecaster_model)?;
    let test = test_part(&forecaster, &history, &arguments)?;
    let chosen = chosen(&forecaster, &test, left, arguments.seed)?;
    let ensemble = models.ensemble(&version("ensemble")?)?;
    let of_windows = of_windows(&forecaster, &graph, &ensemble, &history, &test, &chosen)?;

    let all: Vec<Found> = of_windows.into_iter().chain([of_graph]).collect();
    let lines: Vec<&Line> = all.iter().flat_map(|found| &found.lines).chain(&of_inspector).collect();
    let leak = lines.iter().any(|line| line.leaks());
    let windows = [chosen.len(), test.len()];
    if arguments.json {
        println!("{:#}", as_json(&all, &lines, windows)?);
    } else {
        println!("{} of {} windows of the test part\n\n{}", windows[0], windows[1], table(&lines));
        print!("{}", reliability(&all));
    }
    if arguments.keep && !leak {
        if windows[0] < windows[1] {
            return Err("--keep needs all windows of the test part: give more time by --budget".into());
        }
        for (found, model) in all.iter().zip([forecaster.model(), ensemble.model(), graph.model()]) {
            found.keep(models, &model.metadata().metrics)?;
        }
    }
    Ok(!leak)
}

fn as_json(all: &[Found], lines: &[&Line], windows: [usize; 2]) -> Result<Value, serde_json::Error> {
    let told = |line: &&Line| {
        let mut told = serde_json::to_value(line)?;
        told["met"] = json!(line.met());
        told["leak_suspected"] = json!(line.leaks());
        Ok::<Value, serde_json::Error>(told)
    };
    let figures = lines.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    let bins: Map<String, Value> = all.iter().map(|found| (found.model.to_owned(), found.reliability())).collect();
    Ok(json!({
        "windows": windows[0],
        "windows_of": windows[1],
        "targets_met": lines.iter().filter_map(|line| line.met()).all(|met| met),
        "leak_suspected": lines.iter().any(|line| line.leaks()),
        "figures": figures,
        "reliability": bins,
    }))
}

/// The forecaster's test part, made anew; refused when the model was trained on another set than its history says.
fn test_part(
    forecaster: &Forecaster,
    history: &Value,
    arguments: &Arguments,
) -> Result<Sequences, Box<dyn std::error::Error>> {
    let recipe: Recipe = part(history, "recipe")?;
    let metadata = forecaster.model().metadata();
    if metadata.data.as_deref() != Some(&recipe.hash()) {
        let found = metadata.data.as_deref().unwrap_or("none");
        return Err(format!(
            "the forecaster's set is {found}, its history's {}: they do not belong together",
            recipe.hash()
        )
        .into());
    }
    let scaler = metadata.scaler.as_ref().ok_or("the forecaster has no scaler")?;
    let of =
        |values: &[f32]| <[f32; SENSORS]>::try_from(values).map_err(|_| "the forecaster's scaler has another size");
    let scaler = Scaler { mean: of(&scaler.mean)?, std: of(&scaler.deviation)? };
    let test = sequences::generate_test(&recipe, &arguments.data, &scaler, |progress| {
        if !arguments.json {
            eprintln!("{} of {} plants", progress.plants_done, progress.plants);
        }
    })?;
    Ok(test)
}

/// As many windows as can be scored in a time, by whole days, ascending. All of them if they can.
fn chosen(
    forecaster: &Forecaster,
    test: &Sequences,
    budget: Duration,
    seed: u64,
) -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let all: Vec<usize> = (0..test.len()).collect();
    let begun = Instant::now();
    let probe = ROWS.min(test.len());
    forecasts(forecaster, test, &all[..probe])?;
    let each = begun.elapsed().as_secs_f64() / probe.max(1) as f64;
    let fit = ((budget.as_secs_f64() / each) as usize).max(WINDOWS_MIN);
    if fit >= test.len() {
        return Ok(all);
    }
    let days = test.days();
    let mut chosen = BTreeSet::new();
    for day in order(seed, 0, days.len()) {
        if chosen.len() >= fit {
            break;
        }
        chosen.extend(days[day].clone());
    }
    Ok(chosen.into_iter().collect())
}

/// What was found of forecaster and ensemble on chosen windows of the test.
fn of_windows(
    forecaster: &Forecaster,
    graph: &Network,
    ensemble: &Ensemble,
    history: &Value,
    test: &Sequences,
    chosen: &[usize],
) -> Result<[Found; 2], Box<dyn std::error::Error>> {
    let said = forecasts(forecaster, test, chosen)?;
    let verdicts = verdicts(graph, test, chosen)?;
    let rows: Vec<f32> = said.iter().zip(&verdicts).flat_map(|(said, verdict)| predictions(said, verdict)).collect();
    let mut combined: Vec<Horizons<f64>> = Vec::with_capacity(chosen.len());
    for rows in rows.chunks(ROWS * predictions_of_a_row()) {
        combined.extend(ensemble.combine(rows.to_vec())?.into_iter().map(|row| row.map(f64::from)));
    }
    let said: Vec<Horizons<f64>> = said.iter().map(|forecast| forecast.probability.map(f64::from)).collect();

    let part = |values: &[Horizons<bool>]| chosen.iter().map(|&index| values[index]).collect::<Vec<_>>();
    let origins = chosen.iter().map(|&index| test.origins[index]).collect();
    let of_chosen =
        Sequences { truths: part(&test.truths), labels: part(&test.labels), origins, ..Sequences::default() };
    let days = of_chosen.days();
    let thresholds = |model: &lehr_scoring::Model| self::part(&json!(model.metadata().metrics), "thresholds");
    let forecasts = report(&said, &of_chosen.truths, &thresholds(forecaster.model())?, &days)?;
    let combined = report(&combined, &of_chosen.truths, &thresholds(ensemble.model())?, &days)?;
    let ladder: Vec<Figures> = self::part(history, "ladder")?;
    let curves = |report: &Horizons<Judged>| NAMES.iter().zip(report).map(|(name, of)| curve(*name, of)).collect();
    let version = |model: &lehr_scoring::Model| model.metadata().version.to_string();
    let of_forecaster = Found {
        model: "forecaster",
        version: version(forecaster.model()),
        lines: (0..NAMES.len()).flat_map(|h| of_forecaster(h, &forecasts[h], &ladder)).collect(),
        report: json!(forecasts),
        history: json!(forecasts),
        curves: curves(&forecasts),
    };
    let of_ensemble = Found {
        model: "ensemble",
        version: version(ensemble.model()),
        lines: (0..NAMES.len()).flat_map(|h| of_ensemble(h, &combined[h], &forecasts[h], &ladder)).collect(),
        report: json!(combined),
        curves: curves(&combined),
        history: json!(EnsembleReport { ensemble: combined, forecaster: forecasts }),
    };
    Ok([of_forecaster, of_ensemble])
}

fn predictions_of_a_row() -> usize {
    lehr_scoring::PREDICTIONS.len()
}

/// What is known of others on the same test part: the best of the plain methods, and the ceiling.
struct Known<'a> {
    best: Option<&'a Figures>,
    ceiling: Option<&'a Figures>,
    horizon: usize,
}

impl<'a> Known<'a> {
    fn new(ladder: &'a [Figures], horizon: usize) -> Self {
        let plain = ladder.iter().filter(|f| !f.name.contains("ceiling") && f.name != "this forecaster");
        let area = |figures: &&Figures| figures.horizons[horizon].auc;
        Self {
            best: plain.max_by(|a, b| area(a).total_cmp(&area(b))),
            ceiling: ladder.iter().find(|figures| figures.name.starts_with("observation ceiling")),
            horizon,
        }
    }

    fn beside(&self, line: Line, of: impl Fn(&lehr_datasets::study::Horizon) -> f64) -> Line {
        let name = self.best.map_or("", |figures| &figures.name);
        line.baseline(name, self.best.map(|figures| of(&figures.horizons[self.horizon])))
            .ceiling(self.ceiling.map(|figures| of(&figures.horizons[self.horizon])))
    }
}

fn of_forecaster(horizon: usize, judged: &Judged, ladder: &[Figures]) -> Vec<Line> {
    const MODEL: &str = "forecaster";
    let known = Known::new(ladder, horizon);
    let name = |figure: &str| format!("{figure}, {}", NAMES[horizon]);
    let line = |figure: &str, value| Line::new(MODEL, name(figure), value);
    vec![
        // No ceiling for a recall or a precision alone: each can be had for the other.
        line("recall", judged.recall)
            .target(Target::Above(0.90))
            .baseline("best plain method", known.best.map(|f| f.horizons[horizon].recall)),
        line("precision", judged.precision)
            .target(Target::Above(0.80))
            .baseline("best plain method", known.best.map(|f| f.horizons[horizon].precision)),
        known.beside(line("F1", judged.f1), |h| h.f1).target(Target::Above(0.85)),
        known.beside(line("area", judged.auc), |h| h.auc),
        Line::plain(MODEL, name("calibration error"), judged.ece)
            .target(Target::Below(0.05))
            .baseline("chance", Some(judged.ece_chance)),
        line("accuracy", judged.accuracy).baseline("never", Some(1.0 - judged.prevalence)),
        line("balanced accuracy", judged.balanced_accuracy).baseline("never", Some(0.5)),
        line("Matthews' correlation", judged.mcc).baseline("never", Some(0.0)),
    ]
}

fn of_ensemble(horizon: usize, judged: &Judged, forecaster: &Judged, ladder: &[Figures]) -> Vec<Line> {
    const MODEL: &str = "ensemble";
    let known = Known::new(ladder, horizon);
    let ceiling = |of: &dyn Fn(&lehr_datasets::study::Horizon) -> f64| known.ceiling.map(|f| of(&f.horizons[horizon]));
    let name = |figure: &str| format!("{figure}, {}", NAMES[horizon]);
    let alone = |figure: Option<lehr_neural::judging::Figure>| figure.map(|figure| figure.value);
    let line = |figure: &str, of: &dyn Fn(&Judged) -> Option<lehr_neural::judging::Figure>| {
        Line::new(MODEL, name(figure), of(judged)).baseline("forecaster alone", alone(of(forecaster)))
    };
    vec![
        line("accuracy", &|j| j.accuracy).target(Target::Above(0.92)),
        Line::plain(MODEL, name("accuracy of who never foretells"), 1.0 - judged.prevalence),
        line("balanced accuracy", &|j| j.balanced_accuracy),
        line("Matthews' correlation", &|j| j.mcc),
        line("F1", &|j| j.f1).ceiling(ceiling(&|h| h.f1)),
        line("area", &|j| j.auc).ceiling(ceiling(&|h| h.auc)),
        Line::plain(MODEL, name("calibration error"), judged.ece)
            .target(Target::Below(0.05))
            .baseline("chance", Some(judged.ece_chance)),
    ]
}

/// What is found of the graph network on the whole of its test part, which is made anew: a few seconds.
fn of_graph(network: &Network, history: &Value) -> Result<Found, Box<dyn std::error::Error>> {
    let recipe: GraphRecipe = part(history, "recipe")?;
    let set = graphs::generate_test(&recipe, |_| {})?;
    let test = LineGraphs::new(&set);
    let thresholds: GraphThresholds = part(&json!(network.model().metadata().metrics), "thresholds")?;
    let report = graph::report(&graph_scores(network, &test)?, &test, &thresholds)?;
    Ok(Found {
        model: "graph",
        version: network.model().metadata().version.to_string(),
        lines: graph_lines(&report, &part::<Vec<Baseline>>(history, "baselines")?, &recipe),
        report: json!(report),
        history: json!(report),
        curves: vec![curve("failure", &report.failure), curve("anomaly", &report.anomaly)],
    })
}

/// What the file says of each snapshot: of nodes by the two hours, of links by the memory.
fn graph_scores(network: &Network, test: &LineGraphs<'_>) -> Result<GraphScores, lehr_scoring::Error> {
    let mut scores = GraphScores::default();
    let all: Vec<usize> = (0..test.len()).collect();
    for rows in all.chunks(ROWS) {
        let truths: Vec<graph::Snapshot> = rows.iter().map(|&index| test.snapshot(index)).collect();
        let ask = |edges: fn(&graph::Snapshot) -> &Vec<f32>| {
            let snapshot =
                |truth: &graph::Snapshot| Snapshot { nodes: truth.nodes.clone(), edges: edges(truth).clone() };
            network.judge(&truths.iter().map(snapshot).collect::<Vec<_>>())
        };
        let (now, long) = (ask(|truth| &truth.edges)?, ask(|truth| &truth.memory)?);
        for ((now, long), truth) in now.iter().zip(&long).zip(&truths) {
            let pairs = |said: &[f32], truths: &[bool]| -> Vec<(f64, bool)> {
                said.iter().zip(truths).map(|(p, truth)| (f64::from(*p), *truth)).collect()
            };
            scores.failures.extend(pairs(&now.failure, &truth.failures));
            scores.anomalies.extend(pairs(&now.anomaly, &truth.anomalies));
            let below = (0..SENSORS).flat_map(|i| (0..i).map(move |j| i * SENSORS + j));
            scores.links.extend(below.map(|at| (f64::from(long.edge[at]), truth.linked[at])));
        }
    }
    Ok(scores)
}

fn graph_lines(report: &GraphReport, baselines: &[Baseline], recipe: &GraphRecipe) -> Vec<Line> {
    const MODEL: &str = "graph";
    let best = |of: &dyn Fn(&Baseline) -> Option<f64>| baselines.iter().filter_map(of).max_by(f64::total_cmp);
    let line = |figure: String, value| Line::new(MODEL, figure, value);
    let mut lines = vec![
        line("node accuracy".into(), Some(report.node_accuracy))
            .target(Target::Above(0.88))
            .baseline("best by sensor alone", best(&|b| Some(b.node_accuracy))),
        Line::plain(MODEL, "node accuracy of who says that nothing is wrong", report.nothing_wrong),
        Line::plain(MODEL, "recall of sound sensors", report.recall_of_sound),
    ];
    for (class, judged) in [("failure", &report.failure), ("anomaly", &report.anomaly)] {
        let of = |b: &Baseline| {
            if class == "failure" { (b.failure_auc, b.failure_mcc) } else { (b.anomaly_auc, b.anomaly_mcc) }
        };
        lines.extend([
            line(format!("recall of {class}"), judged.recall),
            line(format!("balanced accuracy of {class}"), judged.balanced_accuracy),
            line(format!("Matthews' correlation of {class}"), judged.mcc)
                .baseline("best by sensor alone", best(&|b| of(b).1)),
            line(format!("area of {class}"), judged.auc).baseline("best by sensor alone", best(&|b| of(b).0)),
        ]);
    }
    let longest = report.links.last().map(|link| link.snapshots);
    for link in &report.links {
        let days = link.snapshots as f64 * f64::from(recipe.every_minutes) / 1440.0;
        let of = line(format!("area of links, memory of {days:.1} days"), link.judged.auc)
            .baseline("size of partial correlation", link.auc_of_partial);
        lines.push(if Some(link.snapshots) == longest { of.target(Target::Above(0.90)) } else { of });
    }
    lines
}

fn part<T: DeserializeOwned>(of: &Value, name: &str) -> Result<T, Box<dyn std::error::Error>> {
    Ok(serde_json::from_value(of[name].clone()).map_err(|error| format!("the model's `{name}`: {error}"))?)
}
