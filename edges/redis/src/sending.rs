//! A transaction, sent in bounded pieces. The server keeps them until it ends, and then carries out all at once.

use crate::link::Link;
use lehr_targets::TargetError;
use redis::{Cmd, Pipeline, Value};

/// Bytes and commands that are sent before their answers are waited for.
const BYTES: usize = 1 << 20;
const COMMANDS: usize = 1000;

/// Fields of one command, and their bytes: nothing else is done by the server meanwhile.
const FIELDS: usize = 500;
const FIELD_BYTES: usize = 256 << 10;

pub(crate) struct Transaction<'l> {
    link: &'l mut Link,
    doing: &'l str,
    waiting: Pipeline,
    bytes: usize,
}

/// Somebody else changed what was watched: nothing was done.
pub(crate) struct Overtaken;

impl Transaction<'_> {
    pub fn begin<'l>(link: &'l mut Link, doing: &'l str) -> Transaction<'l> {
        let mut waiting = Pipeline::new();
        waiting.cmd("MULTI");
        Transaction { link, doing, waiting, bytes: 0 }
    }

    /// `bytes`: about so long is it.
    pub async fn add(&mut self, command: Cmd, bytes: usize) -> Result<(), TargetError> {
        self.waiting.add_command(command);
        self.bytes += bytes;
        if self.bytes >= BYTES || self.waiting.len() >= COMMANDS {
            self.link.ask(self.doing, &self.waiting).await?;
            self.waiting.clear();
            self.bytes = 0;
        }
        Ok(())
    }

    /// One command with a key and many arguments, in as many as it takes.
    pub async fn add_fields<const N: usize>(
        &mut self,
        name: &str,
        key: &str,
        fields: impl Iterator<Item = [String; N]> + Send,
    ) -> Result<(), TargetError> {
        let begun = || {
            let mut command = redis::cmd(name);
            command.arg(key);
            command
        };
        let (mut command, mut count, mut bytes) = (begun(), 0, 0);
        for field in fields {
            for part in field {
                bytes += part.len();
                command.arg(part);
            }
            count += 1;
            if count >= FIELDS || bytes >= FIELD_BYTES {
                self.add(std::mem::replace(&mut command, begun()), bytes).await?;
                (count, bytes) = (0, 0);
            }
        }
        if count > 0 {
            self.add(command, bytes).await?;
        }
        Ok(())
    }

    /// Carries it out, unless something watched has changed since.
    pub async fn end(mut self) -> Result<Result<(), Overtaken>, TargetError> {
        self.waiting.cmd("EXEC");
        let answers = self.link.ask(self.doing, &self.waiting).await?;
        match answers.last() {
            Some(Value::Array(_)) => Ok(Ok(())),
            Some(Value::Nil) => Ok(Err(Overtaken)),
            other => Err(TargetError::Away(format!("{}: EXEC was answered with {other:?}", self.doing))),
        }
    }
}
