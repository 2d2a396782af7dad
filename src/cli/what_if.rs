use super::{Failure, data};
use crate::api::what_if_json;
use crate::history::History;
use crate::runtime::{AsOf, rebuild};
use crate::twin::{Period, Question, Twins};
use clap::{Args, ValueEnum};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, SpanMs, Tick};
use lehr_twin::{Answer, Estimate, Range, Setting, Weights, WhatIf};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Ask the digital twin what would happen with other set-points.
///
/// Works on a data directory or recording, whether or not a server runs on it, and changes nothing. Give `--set`
/// once or several times; or `--best` with ranges, to have the best combination found; or `--stress`, to walk one
/// set-point to the first failure. With `--from` and `--to` a recorded period is lived through again with `--set`.
#[derive(Debug, Args)]
#[group(skip)]
pub struct WhatIfArgs {
    /// The line, such as Line_A.
    #[arg(long)]
    line: String,
    /// A set-point as it would be: PARAMETER=VALUE.
    #[arg(long, value_parser = setting, required_unless_present_any = ["best", "stress"])]
    set: Vec<Setting>,
    /// Find the best within a range: PARAMETER=LOW..HIGH.
    #[arg(long, value_parser = range, conflicts_with_all = ["set", "stress"])]
    best: Vec<Range>,
    /// Walk a set-point towards a value, to the first failure: PARAMETER=VALUE.
    #[arg(long, value_parser = setting, conflicts_with = "set")]
    stress: Option<Setting>,
    /// How far ahead.
    #[arg(long = "for", default_value = "6h", value_parser = data::span, conflicts_with = "from")]
    ahead: SpanMs,
    /// Begin of the recorded period.
    #[arg(long, value_parser = |text: &str| EventMs::parse(text), requires = "to", conflicts_with_all = ["best", "stress"])]
    from: Option<EventMs>,
    /// End of the recorded period.
    #[arg(long, value_parser = |text: &str| EventMs::parse(text), requires = "from")]
    to: Option<EventMs>,
    #[arg(long, default_value = "data", env = "LEHR_DATA")]
    data: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

fn setting(text: &str) -> Result<Setting, String> {
    let (parameter, value) = text.split_once('=').ok_or("give PARAMETER=VALUE, such as belt_speed=140")?;
    let value = value.trim().parse().map_err(|_| format!("'{value}' is not a number"))?;
    Ok(Setting { parameter: parameter.trim().to_owned(), value })
}

fn range(text: &str) -> Result<Range, String> {
    let wanted = "give PARAMETER=LOW..HIGH, such as belt_speed=120..160";
    let (parameter, bounds) = text.split_once('=').ok_or(wanted)?;
    let (low, high) = bounds.split_once("..").ok_or(wanted)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| format!("'{text}' is not a number"));
    Ok(Range { parameter: parameter.trim().to_owned(), low: number(low)?, high: number(high)? })
}

pub fn run(args: &WhatIfArgs) -> Result<(), Failure> {
    if !args.data.join("journal").is_dir() {
        return Err(format!("{} has no journal; give --data DIR", args.data.display()).into());
    }
    let history = Arc::new(History::open(&args.data)?);
    let now = AsOf::Time(EventMs::MAX);
    let snapshot = rebuild(&args.data, history, GraphConfig::FOREVER, Tick(u64::MAX), now)?;
    let line = snapshot.names.line_id(&args.line);
    let line =
        line.ok_or_else(|| format!("line '{}' is not known; see `lehr sql \"SELECT * FROM clocks\"`", args.line))?;
    let answer = Twins::default().ask(&snapshot, line, question(args))?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{}", what_if_json(&answer))?,
        Format::Table => table(&mut out, &answer)?,
    }
    Ok(())
}

fn question(args: &WhatIfArgs) -> Question {
    if let (Some(from), Some(to)) = (args.from, args.to) {
        return Question::Replay { period: Period { from, to }, settings: args.set.clone() };
    }
    let ask = match (&args.stress, args.set.as_slice()) {
        (Some(Setting { parameter, value }), _) => WhatIf::Stress { parameter: parameter.clone(), until: *value },
        (None, []) => WhatIf::Best { over: args.best.clone(), weights: Weights::default(), constraints: Vec::new() },
        (None, [one]) => WhatIf::One(one.clone()),
        (None, several) => WhatIf::Several(several.to_vec()),
    };
    Question::Ahead { ask, duration: args.ahead }
}

fn table(out: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    for Setting { parameter, value } in &answer.settings {
        writeln!(out, "{parameter} = {value:.2}")?;
    }
    let (before, after, changes) = (&answer.baseline, &answer.scenario, &answer.changes);
    writeln!(out, "\n{:<28}{:>12}{:>12}{:>12}   90 % band", "", "baseline", "scenario", "change")?;
    let mut row = |what: &str, before: f64, after: f64, change: &Estimate, digits: usize| {
        let Estimate { value, low, high } = change;
        writeln!(
            out,
            "{what:<28}{before:>12.digits$}{after:>12.digits$}{value:>+12.digits$}   {low:+.digits$} to {high:+.digits$}"
        )
    };
    row("defect rate", before.defect_rate, after.defect_rate, &changes.defect_rate, 5)?;
    for (index, defect) in DefectType::ALL.into_iter().enumerate() {
        let name = format!("  {}", defect.text());
        row(&name, before.defect_rates[index], after.defect_rates[index], &changes.defect_rates[index], 5)?;
    }
    row("quality score", before.quality_score, after.quality_score, &changes.quality_score, 5)?;
    row("units per hour", before.rate_per_h, after.rate_per_h, &changes.rate_per_h, 1)?;
    row("energy, kW", before.energy_kw, after.energy_kw, &changes.energy_kw, 1)?;
    writeln!(out)?;
    if let Some(Estimate { value, low, high }) = &answer.time_to_effect_min {
        writeln!(out, "Half of it has come after {value:.0} min ({low:.0} to {high:.0}).")?;
    }
    if let Some(failure) = &answer.failure {
        writeln!(
            out,
            "First failure: {} at {:.2} ({:.2} to {:.2}).",
            failure.mode, failure.at, failure.earliest, failure.latest
        )?;
    }
    for (parameter, low, high) in &answer.unseen {
        writeln!(out, "Careful: {} leaves what was seen on this line ({low:.2} to {high:.2}).", parameter.text())?;
    }
    for sentence in &answer.assumptions {
        writeln!(out, "- {sentence}")?;
    }
    Ok(())
}
