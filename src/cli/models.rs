use super::evaluate::EvaluateArgs;
use super::{Failure, data};
use crate::registry::FILE_MOST;
use clap::{Args, Subcommand};
use lehr_domain::SpanMs;
use lehr_domain::model::{ModelKind, ModelVersion};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer may take: a file of 64 MiB is opened and tried.
const PATIENCE: Duration = Duration::from_secs(120);

/// Look after the trained models of a running server.
///
/// Asks the server over HTTP, with a token of role viewer to look, and engineer to change. docs/models.md says what models
/// there are, and how they are trained.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// The server.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8000", env = "LEHR_SERVER")]
    server: String,
    /// A token. Given as a variable, it stays out of the list of processes.
    #[arg(long, global = true, env = "LEHR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Registered versions, the newest first.
    List {
        /// This kind alone.
        #[arg(value_parser = model)]
        model: Option<ModelKind>,
    },
    /// A version, with its metrics and its card.
    Show {
        /// forecaster, graph, ensemble or inspector.
        #[arg(value_parser = model)]
        model: ModelKind,
        /// Such as 1.0.2.
        #[arg(value_parser = version)]
        version: ModelVersion,
    },
    /// Register a version from its ONNX file; puts nothing into production.
    Register {
        /// The file, which says itself of which kind and version it is.
        file: PathBuf,
        /// Its card, Markdown; the .md beside the file when absent.
        #[arg(long)]
        card: Option<PathBuf>,
        /// Why, or where it comes from.
        #[arg(long)]
        note: Option<String>,
    },
    /// Put a version into production.
    Promote {
        /// forecaster, graph, ensemble or inspector.
        #[arg(value_parser = model)]
        model: ModelKind,
        /// Such as 1.0.2.
        #[arg(value_parser = version)]
        version: ModelVersion,
        /// Why, for the audit trail.
        #[arg(long)]
        reason: String,
    },
    /// Put the version into production that was before the present one.
    Rollback {
        /// forecaster, graph, ensemble or inspector.
        #[arg(value_parser = model)]
        model: ModelKind,
        /// Why, for the audit trail.
        #[arg(long)]
        reason: String,
    },
    /// Have the server train a new version; it is registered as the challenger of the one in production, and not promoted.
    Retrain {
        /// forecaster, graph, ensemble or inspector.
        #[arg(value_parser = model)]
        model: ModelKind,
        /// Time for training.
        #[arg(long, default_value = "1h", value_parser = data::span)]
        budget: SpanMs,
        /// Plants to be simulated for a forecaster or graph model, instead of as many as come with Lehr learned from.
        #[arg(long, requires = "days")]
        plants: Option<u32>,
        /// Days that each plant is watched.
        #[arg(long, requires = "plants")]
        days: Option<u32>,
        /// Why, for the audit trail.
        #[arg(long)]
        reason: String,
    },
    /// Trainings of this run of the server.
    Jobs,
    Evaluate(EvaluateArgs),
}

fn model(text: &str) -> Result<ModelKind, String> {
    ModelKind::parse(text).ok_or_else(|| {
        let all: Vec<&str> = ModelKind::ALL.iter().map(|kind| kind.text()).collect();
        format!("give one of {}", all.join(", "))
    })
}

pub fn version(text: &str) -> Result<ModelVersion, String> {
    text.parse().map_err(|error: lehr_domain::model::NoVersion| error.to_string())
}

pub fn run(args: &ModelsArgs) -> Result<(), Failure> {
    if let ModelsCommand::Evaluate(evaluate) = &args.command {
        return evaluate.run(args.json);
    }
    let client = Client::new(args)?;
    let out = &mut std::io::stdout().lock();
    match &args.command {
        ModelsCommand::List { model } => {
            let query = model.map(|model| format!("?model={model}")).unwrap_or_default();
            let answer = client.get(&format!("/api/models{query}"))?;
            shown(out, args.json, &answer["models"], &MODEL)
        }
        ModelsCommand::Show { model, version } => {
            let answer = client.get(&format!("/api/models/{model}/{version}"))?;
            match args.json {
                true => Ok(writeln!(out, "{answer}")?),
                false => Ok(detail(out, &answer)?),
            }
        }
        ModelsCommand::Register { file, card, note } => {
            let answer = register(&client, file, card.as_deref(), note.as_deref())?;
            shown(out, args.json, &answer["model"], &MODEL)
        }
        ModelsCommand::Promote { model, version, reason } => {
            let body = json!({ "version": version.to_string(), "reason": reason });
            let answer = client.post(&format!("/api/models/{model}/promote"), &body)?;
            shown(out, args.json, &answer["model"], &MODEL)
        }
        ModelsCommand::Rollback { model, reason } => {
            let answer = client.post(&format!("/api/models/{model}/rollback"), &json!({ "reason": reason }))?;
            shown(out, args.json, &answer["model"], &MODEL)
        }
        ModelsCommand::Retrain { model, budget, plants, days, reason } => {
            let budget = format!("{}s", budget.0 / 1000);
            let data = plants.zip(*days).map(|(plants, days)| json!({ "plants": plants, "days": days }));
            let body = json!({ "model": model.text(), "budget": budget, "data": data, "reason": reason });
            shown(out, args.json, &client.post("/api/models/retrain", &body)?, &JOB)
        }
        ModelsCommand::Jobs => shown(out, args.json, &client.get("/api/models/jobs")?["jobs"], &JOB),
        ModelsCommand::Evaluate(_) => unreachable!("it was carried out without a server"),
    }
}

/// The server sees the card once it has the file.
fn register(client: &Client, file: &Path, card: Option<&Path>, note: Option<&str>) -> Result<Value, Failure> {
    let unread = |file: &Path, error: std::io::Error| format!("{}: {error}", file.display());
    let size = std::fs::metadata(file).map_err(|error| unread(file, error))?.len();
    if size > FILE_MOST as u64 {
        return Err(format!("{} has {size} bytes; a model may have {FILE_MOST}", file.display()).into());
    }
    let bytes = std::fs::read(file).map_err(|error| unread(file, error))?;
    let beside = file.with_extension("md");
    let card = card.or(beside.is_file().then_some(beside.as_path()));
    let card = card.map(|card| std::fs::read(card).map_err(|error| unread(card, error))).transpose()?;
    let query = note.map(|note| format!("?note={}", encoded(note))).unwrap_or_default();
    let path = format!("/api/models/register{query}");
    let answer = client.send("POST", &path, Some(("application/octet-stream", bytes)))?;
    if let Some(card) = card {
        let text = |name: &str| answer["model"][name].as_str().unwrap_or_default().to_owned();
        let path = format!("/api/models/{}/{}/card", text("model"), text("version"));
        client.send("PUT", &path, Some(("text/plain; charset=utf-8", card)))?;
    }
    Ok(answer)
}

/// A text as a query may hold it.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let byte = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// Whoever asks the server.
struct Client {
    agent: ureq::Agent,
    server: String,
    token: String,
}

impl Client {
    fn new(args: &ModelsArgs) -> Result<Client, Failure> {
        let token = args.token.clone().filter(|token| !token.is_empty());
        let token =
            token.ok_or("a token is needed: set LEHR_TOKEN, or give --token; `lehr serve` prints the first one")?;
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        let server = args.server.trim_end_matches('/').to_owned();
        Ok(Client { agent: config.build().into(), server, token })
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send("GET", path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send("POST", path, Some(("application/json", body.to_string().into_bytes())))
    }

    /// What is answered; nothing where there is nothing to say. A refusal is an error, in the server's words.
    fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Value, Failure> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header("authorization", format!("Bearer {}", self.token));
        let unreachable =
            |error: ureq::Error| format!("{} cannot be asked: {error}; name another with --server", self.server);
        let mut response = match body {
            Some((kind, bytes)) => self.agent.run(request.header("content-type", kind).body(bytes)?),
            None => self.agent.run(request.body(())?),
        }
        .map_err(unreachable)?;
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        if response.status().is_success() {
            return Ok(answer);
        }
        let said = answer["error"]["message"].as_str();
        Err(said.map_or_else(|| format!("{} answers {}", self.server, response.status()), str::to_owned).into())
    }
}

/// A column of a table: its heading, and the member that it shows.
type Columns = [(&'static str, &'static str)];

const MODEL: [(&str, &str); 7] = [
    ("MODEL", "model"),
    ("VERSION", "version"),
    ("ALIASES", "aliases"),
    ("FILE", "file"),
    ("TRAINED", "trained"),
    ("REGISTERED", "registered_at"),
    ("BY", "by"),
];

const JOB: [(&str, &str); 7] = [
    ("JOB", "job_id"),
    ("MODEL", "model"),
    ("STATE", "state"),
    ("VERSION", "version"),
    ("STAGE", "stage"),
    ("LIKELY END", "estimated_end"),
    ("ERROR", "error"),
];

/// Prints one row or several.
fn shown(out: &mut impl Write, as_json: bool, rows: &Value, columns: &Columns) -> Result<(), Failure> {
    if as_json {
        return Ok(writeln!(out, "{rows}")?);
    }
    let rows = rows.as_array().cloned().unwrap_or_else(|| vec![rows.clone()]);
    Ok(table(out, &rows, columns)?)
}

fn table(out: &mut impl Write, rows: &[Value], columns: &Columns) -> std::io::Result<()> {
    let line = |row: &Value| columns.iter().map(|(_, member)| cell(row, member)).collect::<Vec<String>>();
    let mut lines = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect::<Vec<String>>()];
    lines.extend(rows.iter().map(line));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", padded.collect::<Vec<String>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn cell(row: &Value, member: &str) -> String {
    let value = if member == "stage" { &row["progress"]["stage"] } else { &row[member] };
    match value {
        Value::Null => String::new(),
        // A row is a line.
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn detail(out: &mut impl Write, answer: &Value) -> std::io::Result<()> {
    for name in ["model", "version", "aliases", "file", "trained", "data", "schema", "digest", "bytes", "registered_at"]
    {
        writeln!(out, "{name:<14}{}", cell(&answer["model"], name))?;
    }
    for name in ["by", "note"] {
        writeln!(out, "{name:<14}{}", cell(&answer["model"], name))?;
    }
    writeln!(out, "\n{:#}", answer["metrics"])?;
    match answer["card"].as_str() {
        Some(card) => writeln!(out, "\n{}", card.trim_end()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_plain_table() {
        let rows = [
            json!({ "model": "ensemble", "version": "1.0.1", "aliases": ["production", "previous"], "file": "ready" }),
            json!({ "model": "graph", "version": "1.0.0", "aliases": [], "file": "missing", "by": "anna" }),
        ];
        let mut out = Vec::new();
        table(&mut out, &rows, &MODEL).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "MODEL     VERSION  ALIASES               FILE     TRAINED  REGISTERED  BY");
        assert_eq!(lines[1], "ensemble  1.0.1    production, previous  ready");
        assert_eq!(lines[2], "graph     1.0.0                          missing                       anna");
    }

    #[test]
    fn notes_are_encoded() {
        assert_eq!(encoded("a b&c=ä~"), "a%20b%26c%3D%C3%A4~");
    }
}
