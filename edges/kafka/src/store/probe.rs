//! Are the brokers there, and may topics be made?

use super::config::Config;
use super::position;
use crate::client;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Asks the brokers once what there is, and changes nothing. The lines say what was found, and what to do.
///
/// # Errors
/// No broker answers within ten seconds.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    let asked = config.clone();
    let (mut lines, there) = match tokio::task::spawn_blocking(move || ask(&asked)).await {
        Ok(answer) => answer?,
        Err(error) => return Err(error.to_string()),
    };
    lines.extend(cleanup(config, &there).await);
    Ok(lines)
}

fn ask(config: &Config) -> Result<(Vec<String>, Vec<String>), String> {
    let (_, library) = rdkafka::util::get_rdkafka_version();
    let unreachable = |error| {
        let said = client::said(&error);
        format!("{}: {said}; is a broker running there, does it listen without encryption?", config.bootstrap.join(","))
    };
    let mut settings = client::settings(&config.bootstrap, "lehr-probe");
    settings.set("allow.auto.create.topics", "false");
    let asking: BaseConsumer = settings.create().map_err(unreachable)?;
    let metadata = asking.fetch_metadata(None, ANSWER_WITHIN).map_err(unreachable)?;
    let brokers: Vec<String> =
        metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
    let mut lines = vec![format!("{} brokers: {} (librdkafka {library})", brokers.len(), brokers.join(", "))];
    if let Some(copies) = config.replication.filter(|copies| *copies as usize > brokers.len()) {
        lines.push(format!("replication is {copies}, and there are {} brokers; lower it", brokers.len()));
    }
    let topics = metadata.topics().iter().map(|topic| topic.name());
    let mut there: Vec<String> = topics.filter(|name| name.starts_with(&config.prefix)).map(str::to_owned).collect();
    there.sort();
    let position = config.position();
    if there.contains(&position) {
        lines.push(match position::read(client::settings(&config.bootstrap, "lehr-probe"), &position, ANSWER_WITHIN) {
            Ok(tick) => format!("{} topics begin with {}; they hold tick {}", there.len(), config.prefix, tick.0),
            Err(error) => error.to_string(),
        });
    } else {
        lines.push(format!("{position} is not there yet; Lehr makes it, and a topic for each table"));
    }
    Ok((lines, there))
}

/// Topics that do not keep the last value of every key, as is right for logs alone.
async fn cleanup(config: &Config, there: &[String]) -> Vec<String> {
    let admin: Result<AdminClient<DefaultClientContext>, _> =
        client::settings(&config.bootstrap, "lehr-probe").create();
    let Ok(admin) = admin else { return Vec::new() };
    let asked: Vec<ResourceSpecifier<'_>> = there.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
    let Ok(answers) = admin.describe_configs(&asked, &options).await else {
        return vec![
            "the topics' cleanup.policy cannot be asked for; it must be compact, and delete for readings".into(),
        ];
    };
    let policy = |answer: &rdkafka::admin::ConfigResource| {
        answer.get("cleanup.policy").and_then(|entry| entry.value.clone()).unwrap_or_default()
    };
    answers
        .iter()
        .zip(there)
        .filter_map(|(answer, name)| {
            let policy = answer.as_ref().map(policy).unwrap_or_default();
            let right = "compact is right for tables, delete for logs such as readings";
            (policy != "compact").then(|| format!("cleanup.policy of {name} is {policy:?}; {right}"))
        })
        .collect()
}
