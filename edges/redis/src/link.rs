//! A connection, each of whose exchanges is bounded in time. After an error it is dropped: a transaction that was not
//! ended is then none.

use crate::config::Config;
use crate::failure::{failure, told};
use lehr_targets::TargetError;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, Value};
use std::time::Duration;

/// To be connected and logged in.
const CONNECT: Duration = Duration::from_secs(10);

pub(crate) struct Link {
    connection: MultiplexedConnection,
    timeout: Duration,
}

impl Link {
    pub async fn open(config: &Config) -> Result<Link, TargetError> {
        // Whoever has chosen one for this process already has chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = config.client()?;
        let doing = format!("connecting to {}", config.address());
        // Answers are bounded by [`Link::ask`].
        let settings = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&settings);
        let connection = match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|error| failure(&doing, &error))?,
            Err(_) => return Err(silent(&doing, CONNECT)),
        };
        Ok(Link { connection, timeout: config.timeout() })
    }

    /// The answers, none of which is an error or has one in it.
    pub async fn ask(&mut self, doing: &str, commands: &Pipeline) -> Result<Vec<Value>, TargetError> {
        let asked = self.connection.req_packed_commands(commands, 0, commands.len());
        let answers = match tokio::time::timeout(self.timeout, asked).await {
            Ok(answers) => answers.map_err(|error| failure(doing, &error))?,
            Err(_) => return Err(silent(doing, self.timeout)),
        };
        // The first error is why there are more.
        match answers.iter().find_map(refused) {
            Some((code, detail)) => Err(told(doing, code, detail)),
            None if answers.len() == commands.len() => Ok(answers),
            None => Err(TargetError::Away(format!("{doing}: {} answers to {}", answers.len(), commands.len()))),
        }
    }

    pub async fn ask_one(&mut self, doing: &str, command: Cmd) -> Result<Value, TargetError> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command);
        Ok(self.ask(doing, &commands).await?.pop().unwrap_or_default())
    }
}

fn silent(doing: &str, limit: Duration) -> TargetError {
    TargetError::Away(format!("{doing}: no answer within {} s", limit.as_secs()))
}

fn refused(answer: &Value) -> Option<(&str, &str)> {
    match answer {
        Value::ServerError(error) => Some((error.code(), error.details().unwrap_or_default())),
        Value::Array(answers) => answers.iter().find_map(refused),
        _ => None,
    }
}

/// A string; `None` where there is none.
pub(crate) fn text(answer: &Value) -> Option<String> {
    match answer {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The strings of an array.
pub(crate) fn texts(answer: &Value) -> Vec<String> {
    match answer {
        Value::Array(answers) | Value::Set(answers) => answers.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}
