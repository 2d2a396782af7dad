use super::Failure;
use clap::{Args, Subcommand};
use lehr_domain::EventMs;
use lehr_domain::SpanMs;
use lehr_fmi::{Causality, Component, Description, HostProgram, Source, Unit, Value, Variable, run as run_component};
use lehr_twin::{Guess, MINUTE, Minute, PaneValue};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Minutes that a trial runs.
const TRIAL_MINUTES: i64 = 60;

/// Look at models that a plant brings: co-simulation units of the Functional Mock-up Interface, 2.0 and 3.0.
#[derive(Debug, Args)]
pub struct FmuArgs {
    #[command(subcommand)]
    command: FmuCommand,
}

#[derive(Debug, Subcommand)]
enum FmuCommand {
    /// Say what a unit is, and its variables. Runs nothing of it.
    Describe {
        /// The .fmu file.
        file: PathBuf,
    },
    /// Check a file of components, and try each for an hour of a line that is at its targets.
    Check {
        /// The file of components; see docs/components.md.
        file: PathBuf,
    },
    /// The process of a unit, which Lehr starts itself.
    #[command(hide = true)]
    Host,
}

/// How Lehr starts the process of a unit.
pub fn host_program() -> HostProgram {
    HostProgram::this(&["fmu", "host"])
}

pub fn run(args: &FmuArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        FmuCommand::Describe { file } => {
            let description = Unit::describe(file)?;
            describe(&mut std::io::stdout().lock(), &description)?;
            // It is described also where it cannot run; that it cannot is said last.
            Unit::open(file)?;
            Ok(ExitCode::SUCCESS)
        }
        FmuCommand::Check { file } => {
            let mut out = std::io::stdout().lock();
            for component in lehr_fmi::read(file)? {
                check(&mut out, &Arc::new(component))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        FmuCommand::Host => Ok(lehr_fmi::host()),
    }
}

fn describe(out: &mut impl Write, unit: &Description) -> std::io::Result<()> {
    let Description { version, model_name, description, generation_tool, steps, .. } = unit;
    writeln!(out, "{model_name}, FMI {version}, co-simulation")?;
    for text in [description, generation_tool].into_iter().flatten() {
        writeln!(out, "{text}")?;
    }
    let of = |step: Option<f64>| step.map_or("none".to_owned(), |step| format!("{step} s"));
    let any = if steps.variable { "any length" } else { "one length" };
    writeln!(out, "steps: {any}; recommended: {}; its own: {}", of(steps.default_s), of(steps.internal_s))?;
    writeln!(out, "keeps its state: {}", if unit.keeps_state { "yes" } else { "no" })?;
    for causality in [Causality::Input, Causality::Output, Causality::Parameter] {
        writeln!(out, "\n{}s", causality.text())?;
        let header = ["name", "type", "unit", "start", "min", "max"];
        writeln!(out, "  {}  description", columns(header.map(str::to_owned)))?;
        for variable in unit.with(causality) {
            row(out, variable)?;
        }
    }
    Ok(())
}

fn columns([name, kind, unit, start, min, max]: [String; 6]) -> String {
    format!("{name:<32} {kind:<12} {unit:<10} {start:>12} {min:>12} {max:>12}")
}

fn row(out: &mut impl Write, variable: &Variable) -> std::io::Result<()> {
    let Variable { name, kind, unit, start, min, max, description, array, .. } = variable;
    let number = |value: &Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let start = match start {
        Some(Value::Real(value)) => value.to_string(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::Bool(value)) => value.to_string(),
        None => String::new(),
    };
    let kind = if *array { format!("{kind}[]") } else { kind.to_string() };
    let unit = unit.clone().unwrap_or_default();
    let text = columns([name.clone(), kind, unit, start, number(min), number(max)]);
    writeln!(out, "  {text}  {}", description.as_deref().unwrap_or_default())
}

fn check(out: &mut impl Write, component: &Arc<Component>) -> Result<(), Failure> {
    let Component { name, line, steps, step_s, .. } = &**component;
    writeln!(out, "{name} on {line}: {steps} steps of {step_s} s a minute")?;
    let unit_of = |at: u32| component.variable(at).unit.as_deref().unwrap_or("no unit").to_owned();
    for input in &component.inputs {
        let variable = &component.variable(input.variable).name;
        let law = if matches!(input.source, Source::Constant(_)) {
            String::new()
        } else {
            format!(" × {} + {}", input.scale, input.offset)
        };
        writeln!(out, "  in   {variable} [{}] = {}{law}", unit_of(input.variable), input.source.text())?;
    }
    for output in &component.outputs {
        let variable = &component.variable(output.variable).name;
        let with = output.compares_with.map_or(String::new(), |with| format!(", compared with {}", with.text()));
        let unit = unit_of(output.variable);
        writeln!(out, "  out  {variable} [{unit}] × {} + {}{with}", output.scale, output.offset)?;
    }
    out.flush()?;
    let begun = Instant::now();
    let ran = run_component(component.clone(), &host_program(), &at_targets())
        .map_err(|error| format!("component '{name}' cannot run an hour of a line at its targets: {error}"))?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    writeln!(out, "  ran {} minutes at the shipped targets in {took:.0} ms, start included; at their end:", ran.len())?;
    if let Some(last) = ran.last() {
        for (output, value) in component.outputs.iter().zip(&last.outputs) {
            writeln!(out, "       {} = {value}", component.variable(output.variable).name)?;
        }
    }
    Ok(())
}

/// A line that stands at the shipped plant's targets.
fn at_targets() -> Vec<Minute> {
    let targets = Guess::shipped().targets;
    let minute = |n: i64| Minute {
        values: targets.map(|value| Some(PaneValue { mean: value, n: 1, ..PaneValue::default() })),
        setpoints: targets.map(Some),
        ..Minute::gap(EventMs(0) + SpanMs(MINUTE.0 * n))
    };
    (0..TRIAL_MINUTES).map(minute).collect()
}
