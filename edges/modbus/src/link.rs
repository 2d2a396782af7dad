//! The connection, and one request at a time.

use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, tcp};
use tokio_modbus::slave::SlaveContext;
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    #[error("cannot connect to {address}: {why}; check the address and whether the device is on")]
    Connect { address: String, why: String },
    #[error("{address} did not answer within {limit:?}; check unit, or raise timeout_ms")]
    Late { address: String, limit: Duration },
    #[error("{address} ended the connection: {why}")]
    Ended { address: String, why: String },
}

/// Connects when asked. After a late, broken or mismatching answer the connection is given up, so that no answer is ever
/// taken for another question's.
pub struct Link {
    address: String,
    limit: Duration,
    context: Option<Context>,
    /// Answers, exceptions among them.
    pub heard: u64,
    /// Connections that gave an answer.
    pub connections: u64,
    answered: bool,
}

impl Link {
    pub fn new(address: &str, limit: Duration) -> Link {
        Link { address: address.to_owned(), limit, context: None, heard: 0, connections: 0, answered: false }
    }

    /// Asks once. Devices close a connection that was quiet for long: one that has served before and is found closed is
    /// made anew, and the question put once more.
    pub async fn ask(
        &mut self,
        unit: u8,
        request: Request<'static>,
    ) -> Result<Result<Response, ExceptionCode>, Silence> {
        loop {
            let served = self.context.is_some() && self.answered;
            let mut context = match self.context.take() {
                Some(context) => context,
                None => self.connect().await?,
            };
            context.set_slave(Slave(unit));
            let answer = timeout(self.limit, context.call(request.clone())).await;
            match answer {
                Ok(Ok(answer)) => {
                    self.heard += 1;
                    self.connections += u64::from(!self.answered);
                    self.answered = true;
                    self.context = Some(context);
                    return Ok(answer);
                }
                Ok(Err(_)) if served => {}
                Ok(Err(error)) => return Err(Silence::Ended { address: self.address.clone(), why: reason(&error) }),
                Err(_) => return Err(Silence::Late { address: self.address.clone(), limit: self.limit }),
            }
        }
    }

    async fn connect(&mut self) -> Result<Context, Silence> {
        self.answered = false;
        let failed = |why: String| Silence::Connect { address: self.address.clone(), why };
        let stream = timeout(self.limit, TcpStream::connect(&self.address))
            .await
            .map_err(|_| failed(format!("no answer within {:?}", self.limit)))?
            .map_err(|error| failed(error.to_string()))?;
        // Requests are small and waited for.
        stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
        Ok(tcp::attach(stream))
    }
}

/// The library asks the system for the last error where a peer has closed the connection, which is any or none.
fn reason(error: &tokio_modbus::Error) -> String {
    match error {
        tokio_modbus::Error::Transport(error) if error.kind() == io::ErrorKind::InvalidData => {
            format!("what it sends is no Modbus: {error}")
        }
        tokio_modbus::Error::Transport(_) => "closed by the device".into(),
        tokio_modbus::Error::Protocol(_) => "it answered another question".into(),
    }
}
