//! A WebSocket client that notes when each frame came.

use super::BenchError;
use super::stage::Stage;
use crate::live::Channel;
use lehr_domain::Tick;
use serde::Deserialize;
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;

/// How long a frame may take before the benchmark gives up.
const FRAME_MOST: Duration = Duration::from_secs(60);

/// A frame of changes, without its rows.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: Instant,
    pub channel: Channel,
    /// The frame carries what changed up to and including this tick.
    pub tick: Tick,
    pub bytes: usize,
}

/// The members before `data`.
#[derive(Deserialize)]
struct Head<'a> {
    r#type: &'a str,
    channel: &'a str,
    tick: u64,
}

/// A client that follows all channels, every tick.
pub struct Screen {
    arrivals: Receiver<Arrival>,
    socket: TcpStream,
}

impl Screen {
    /// Connects, and waits for the snapshots.
    pub fn open(stage: &Stage) -> Result<Screen, BenchError> {
        let request = format!("ws://{}/ws?interval_ms=0&token={}", stage.address, stage.token)
            .into_client_request()
            .map_err(Box::new)?;
        let stream = TcpStream::connect(stage.address)?;
        stream.set_nodelay(true)?;
        let socket = stream.try_clone()?;
        let (mut client, _) = tungstenite::client(request, stream)
            .map_err(|error| BenchError::Setup(format!("the WebSocket handshake failed: {error}")))?;
        for _ in Channel::ALL {
            client.read().map_err(Box::new)?;
        }
        let (sender, arrivals) = mpsc::channel();
        std::thread::Builder::new().name("bench screen".into()).spawn(move || follow(client, &sender))?;
        Ok(Screen { arrivals, socket })
    }

    /// The first frame of `channel` that carries `tick`. Frames before it are forgotten.
    pub fn wait(&self, channel: Channel, tick: Tick) -> Result<Arrival, BenchError> {
        let until = Instant::now() + FRAME_MOST;
        loop {
            match self.arrivals.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(arrival) if arrival.channel == channel && arrival.tick >= tick => return Ok(arrival),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let waited = FRAME_MOST.as_secs();
                    return Err(BenchError::Setup(format!("no frame of {} for {waited} s", channel.text())));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(BenchError::Setup("the socket was closed".into())),
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Ends the thread; the socket may have been closed already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads until the socket closes.
fn follow(mut client: tungstenite::WebSocket<TcpStream>, arrivals: &Sender<Arrival>) {
    while let Ok(message) = client.read() {
        let at = Instant::now();
        let Message::Text(text) = message else { continue };
        let Some(arrival) = arrival(at, &text) else { continue };
        if arrivals.send(arrival).is_err() {
            return;
        }
    }
}

/// `None` for what carries no changes. A reset and the snapshot after it do: a screen is then up to date.
fn arrival(at: Instant, text: &str) -> Option<Arrival> {
    let end = text.find(r#","metadata":"#)?;
    let head: String = [&text[..end], "}"].concat();
    let head: Head = serde_json::from_str(&head).ok()?;
    if matches!(head.r#type, "heartbeat" | "reset") {
        return None;
    }
    Some(Arrival { at, channel: Channel::parse(head.channel)?, tick: Tick(head.tick), bytes: text.len() })
}

#[cfg(test)]
mod tests {
    use super::super::stage::BEGIN;
    use super::*;
    use crate::runtime::Submission;
    use lehr_domain::{Micro, Reading, SensorId};

    #[test]
    fn a_screen_sees_the_frame_of_a_tick() {
        let stage = Stage::open(None, 1).unwrap();
        let screen = Screen::open(&stage).unwrap();
        let reading = Reading { sensor: SensorId(0), at: BEGIN, value: Micro::units(1), ..Reading::default() };
        let readings = [reading].into_iter().collect();
        let submission = Submission { readings, now: Some(BEGIN), ..Submission::default() };
        let closed = stage.feed(submission).unwrap().wait().unwrap();
        let arrival = screen.wait(Channel::Sensors, closed.tick).unwrap();
        assert!(arrival.tick == closed.tick && arrival.bytes > 200, "{arrival:?}");
    }
}
