//! A device that other Modbus clients read and write.

use crate::answer::{Values, answer};
use crate::map::Map;
use lehr_domain::EventMs;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use crate::answer::WriteSetPoint;

/// Clients at once; one more is turned away.
const CLIENTS_MOST: usize = 64;
/// A client that asks nothing for so long has gone.
const QUIET: Duration = Duration::from_secs(600);
/// A client that does not take its answer for so long has gone.
const UNREAD: Duration = Duration::from_secs(10);
/// Until the next is accepted where one could not be.
const NOT_ACCEPTED: Duration = Duration::from_millis(100);
/// Transaction, protocol, length, unit.
const HEADER: usize = 7;
/// A request's bytes after the header.
const REQUEST_MOST: usize = 253;
/// A gateway's exception where the unit is another.
const NO_SUCH_UNIT: u8 = 11;
/// Units by which a client addresses whoever is at the other end of a connection.
const ANYBODY: [u8; 2] = [0, 255];

/// Serves a [`Map`]: sensors as input registers, set-points as holding registers.
pub struct Served {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    map: Map,
    values: Values,
    unit: u8,
    write: Box<WriteSetPoint>,
}

/// Sets what the device shows.
#[derive(Clone)]
pub struct Board(Arc<Shared>);

impl Served {
    /// `write` is told of each set-point that a client writes within its limits. What it refuses, the client is refused
    /// as an illegal value.
    pub async fn bind(map: Map, address: &str, unit: u8, write: Box<WriteSetPoint>) -> io::Result<Served> {
        let listener = TcpListener::bind(address).await?;
        let values = Values::of(&map);
        Ok(Served { listener, shared: Arc::new(Shared { map, values, unit, write }) })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn board(&self) -> Board {
        Board(self.shared.clone())
    }

    /// Serves until it is dropped, which closes all connections.
    pub async fn run(self) {
        let mut clients = JoinSet::new();
        loop {
            let (client, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Of a client that has gone again, or for want of file handles: those served now go on.
                    tracing::warn!("a client was not accepted: {error}");
                    sleep(NOT_ACCEPTED).await;
                    continue;
                }
            };
            while clients.try_join_next().is_some() {}
            if clients.len() >= CLIENTS_MOST {
                tracing::warn!(%peer, "turned away: {CLIENTS_MOST} clients are served already");
                continue;
            }
            let shared = self.shared.clone();
            clients.spawn(async move {
                if let Err(error) = serve(client, &shared).await {
                    tracing::debug!(%peer, "connection ended: {error}");
                }
            });
        }
    }
}

impl Board {
    /// Shows a sensor's or set-point's value, rounded to an `f32`. False where the device has no such name.
    pub fn set(&self, name: &str, value: f64) -> bool {
        let Some(place) = self.0.map.place(name) else { return false };
        let position = usize::from(place.register.address / place.kind.width());
        self.0.values.set(place.register.table, position, value as f32);
        true
    }

    /// Of when the values are that it shows.
    pub fn set_clock(&self, at: EventMs) {
        self.0.values.set_clock(at.0.max(0) as u64);
    }
}

/// Bytes that are no frame end the connection: where the next one begins cannot be known.
async fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    loop {
        let mut header = [0; HEADER];
        match timeout(QUIET, client.read_exact(&mut header)).await? {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        };
        let [_, _, p, q, h, l, unit] = header;
        // The length counts the unit too.
        let length = usize::from(u16::from_be_bytes([h, l]));
        if (p, q) != (0, 0) || !(2..=REQUEST_MOST + 1).contains(&length) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no Modbus TCP"));
        }
        let mut request = vec![0; length - 1];
        timeout(UNREAD, client.read_exact(&mut request)).await??;
        let answer = if unit == shared.unit || ANYBODY.contains(&unit) {
            answer(&shared.map, &shared.values, &*shared.write, &request)
        } else {
            vec![request[0] | 0x80, NO_SUCH_UNIT]
        };
        let [h, l] = ((answer.len() + 1) as u16).to_be_bytes();
        let frame = [&header[..4], &[h, l, unit], &answer].concat();
        timeout(UNREAD, client.write_all(&frame)).await??;
    }
}
