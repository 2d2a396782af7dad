//! One client, without its socket: what it follows, how far it has come, and what it is to be sent when.

use super::hub::Hub;
use super::message::{self, Channel, Made};
use lehr_domain::{LineId, Tick};
use lehr_queries::Snapshot;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub channels: Vec<Channel>,
    pub line: Option<LineId>,
    /// Least time between two frames of a channel.
    pub interval: Duration,
    /// The last tick whose changes the client has.
    pub resume: Option<Tick>,
}

/// A text to send.
#[derive(Clone, Debug)]
pub struct Text {
    body: Body,
    /// When the newest tick in it was published, for frames.
    pub published: Option<Instant>,
}

/// Shared with other clients where they are sent the same.
#[derive(Clone, Debug)]
enum Body {
    Shared(Arc<Made>),
    Own(String),
}

impl Text {
    fn own(text: String) -> Text {
        Text { body: Body::Own(text), published: None }
    }

    fn shared(made: Arc<Made>, published: Option<Instant>) -> Text {
        Text { body: Body::Shared(made), published }
    }

    #[cfg(test)]
    pub fn is_shared_with(&self, other: &Text) -> bool {
        matches!((&self.body, &other.body), (Body::Shared(left), Body::Shared(right)) if Arc::ptr_eq(left, right))
    }

    pub fn as_str(&self) -> &str {
        match &self.body {
            Body::Own(text) => text,
            Body::Shared(made) => match &**made {
                Made::Text(text) => text,
                // Only texts are ever put in.
                Made::Nothing | Made::TooMuch => "",
            },
        }
    }
}

struct Followed {
    channel: Channel,
    /// The last tick whose changes were sent, or concern nothing here.
    seen: Tick,
    sent: Option<Instant>,
}

pub struct Client {
    hub: Hub,
    followed: Vec<Followed>,
    line: Option<LineId>,
    interval: Duration,
}

impl Client {
    /// A client and its first messages: the snapshot of each channel; or, where `resume` is recent enough,
    /// what was missed, or a heartbeat when that is nothing.
    pub fn start(hub: Hub, wish: Wish, snapshot: &Snapshot, now: Instant) -> (Client, Vec<Text>) {
        let resumed = wish.resume.filter(|tick| *tick <= hub.newest() && hub.since(*tick).is_some());
        let mut texts = Vec::new();
        let mut followed = Vec::new();
        for channel in wish.channels {
            let seen = match resumed {
                Some(tick) => tick,
                None => {
                    texts.push(Text::shared(hub.snapshot_text(channel, snapshot, wish.line), None));
                    snapshot.tick
                }
            };
            followed.push(Followed { channel, seen, sent: None });
        }
        let mut client = Client { hub, followed, line: wish.line, interval: wish.interval };
        if resumed.is_some() {
            texts = client.take(snapshot, now);
            if let (true, Some(first)) = (texts.is_empty(), client.followed.first()) {
                texts.push(Text::own(message::heartbeat(first.channel, snapshot)));
            }
        }
        (client, texts)
    }

    /// What is to be sent now. `snapshot` is the newest: it is used where the ring has nothing any more.
    pub fn take(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<Text> {
        let mut texts = Vec::new();
        for place in 0..self.followed.len() {
            if self.due(&self.followed[place]).is_none_or(|due| due <= now) {
                self.take_channel(place, snapshot, now, &mut texts);
            }
        }
        texts
    }

    fn take_channel(&mut self, place: usize, snapshot: &Snapshot, now: Instant, texts: &mut Vec<Text>) {
        let followed = &mut self.followed[place];
        let (channel, seen) = (followed.channel, followed.seen);
        let mut published = None;
        let made = match self.hub.since(seen) {
            None => Arc::new(Made::TooMuch),
            Some(frames) => {
                let Some(last) = frames.last() else { return };
                followed.seen = last.tick;
                published = Some(last.published);
                self.hub.changes_text(channel, seen, &frames, self.line)
            }
        };
        match &*made {
            Made::Nothing => return,
            Made::Text(_) => texts.push(Text::shared(made.clone(), published)),
            Made::TooMuch => {
                self.hub.stats().resets.fetch_add(1, Ordering::Relaxed);
                texts.push(Text::own(message::reset(channel, snapshot)));
                texts.push(Text::shared(self.hub.snapshot_text(channel, snapshot, self.line), None));
                // The ring may be a tick ahead of the snapshot: that tick is sent next.
                followed.seen = snapshot.tick;
            }
        }
        followed.sent = Some(now);
    }

    /// From when on a frame of this channel may go out; `None`: at once.
    fn due(&self, followed: &Followed) -> Option<Instant> {
        if followed.channel.urgent() {
            return None;
        }
        Some(followed.sent? + self.interval)
    }

    /// When [`Client::take`] is to be asked again although no tick has closed; `None`: not before one has.
    pub fn next_due(&self) -> Option<Instant> {
        let head = self.hub.newest();
        self.followed.iter().filter(|followed| followed.seen < head).filter_map(|followed| self.due(followed)).min()
    }

    pub fn heartbeat(&self, snapshot: &Snapshot) -> Option<Text> {
        self.followed.first().map(|first| Text::own(message::heartbeat(first.channel, snapshot)))
    }
}
