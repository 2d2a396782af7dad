//! What has happened within the current second and was not handed out yet.

use crate::truth::Truth;
use lehr_domain::machine::Setpoint;
use lehr_domain::{Event, EventMs, Micro, SensorId};

/// Holds what at most one second of all lines brings, and what was written since.
#[derive(Default)]
pub(crate) struct Pending {
    events: Vec<(EventMs, Event)>,
    pub truth: Vec<Truth>,
}

impl Pending {
    pub fn event(&mut self, at: EventMs, event: Event) {
        self.events.push((at, event));
    }

    /// Of several set-points of a sensor at one time the last holds: the earlier ones never happened.
    pub fn setpoint(&mut self, sensor: SensorId, at: EventMs, value: Micro) {
        let event = Event::Setpoint(Setpoint { sensor, at, value });
        match self.events.iter_mut().find(|(_, other)| other.key() == event.key()) {
            Some(earlier) => earlier.1 = event,
            None => self.events.push((at, event)),
        }
    }

    /// Hands out what happened before `end`, in order of time.
    pub fn release(&mut self, end: EventMs, events: &mut Vec<Event>, truth: &mut Vec<Truth>) {
        self.events.sort_by_key(|(at, _)| *at);
        let due = self.events.partition_point(|(at, _)| *at < end);
        events.extend(self.events.drain(..due).map(|(_, event)| event));
        self.truth.sort_by_key(Truth::at);
        let due = self.truth.partition_point(|truth| truth.at() < end);
        truth.extend(self.truth.drain(..due));
    }
}
