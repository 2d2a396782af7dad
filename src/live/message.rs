//! What travels: one JSON object a message.

use super::ring::Frame;
use lehr_dataflows::Diff;
use lehr_dataflows::tables::{AlertState, Changes, LatestRow, PaneRow};
use lehr_domain::names::Names;
use lehr_domain::table::Row;
use lehr_domain::{EventMs, LineId, SensorId, SpanMs, Tick};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use serde_json::{Map, Value, json};

/// Rows of a frame. Beyond that (a rule was edited, a day was imported) a snapshot is smaller than the changes.
const FRAME_ROWS_MOST: usize = 5_000;
/// Alerts in a snapshot.
const ALERTS_MOST: usize = 500;
/// How far back a snapshot shows causes and incidents.
const CAUSES_OVER: SpanMs = SpanMs::hours(4);
/// How far back a snapshot shows alerts that are over.
const ALERTS_OVER: SpanMs = SpanMs::hours(24);

/// What a client can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Sensors,
    Predictions,
    Alerts,
    Recommendations,
    Quality,
}

impl Channel {
    pub const ALL: [Channel; 5] =
        [Channel::Sensors, Channel::Predictions, Channel::Alerts, Channel::Recommendations, Channel::Quality];

    pub fn text(self) -> &'static str {
        match self {
            Channel::Sensors => "sensors",
            Channel::Predictions => "predictions",
            Channel::Alerts => "alerts",
            Channel::Recommendations => "recommendations",
            Channel::Quality => "quality",
        }
    }

    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.text() == text)
    }

    /// Whether its frames go out at once, whatever interval was asked for.
    pub fn urgent(self) -> bool {
        matches!(self, Channel::Alerts | Channel::Recommendations)
    }

    fn frame_type(self) -> &'static str {
        match self {
            Channel::Sensors => "sensor_update",
            Channel::Predictions => "prediction_update",
            Channel::Alerts => "alert",
            Channel::Recommendations => "recommendation",
            Channel::Quality => "quality_metrics",
        }
    }
}

/// What a frame has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// Nothing that concerns this channel and line.
    Nothing,
    /// More than a frame holds.
    TooMuch,
    Text(String),
}

fn message(kind: &str, channel: Channel, at: (Tick, EventMs), line: Option<&str>, data: Value) -> String {
    json!({
        "type": kind,
        "channel": channel.text(),
        "timestamp": at.1.to_string(),
        "tick": at.0.0,
        "data": data,
        "metadata": { "production_line": line, "equipment_id": null },
    })
    .to_string()
}

pub fn heartbeat(channel: Channel, snapshot: &Snapshot) -> String {
    message("heartbeat", channel, (snapshot.tick, snapshot.now), None, json!({}))
}

/// What was sent so far no longer holds; a snapshot follows.
pub fn reset(channel: Channel, snapshot: &Snapshot) -> String {
    message("reset", channel, (snapshot.tick, snapshot.now), None, json!({}))
}

pub fn snapshot(channel: Channel, snapshot: &Snapshot, line: Option<LineId>) -> String {
    let names = &snapshot.names;
    let data = match channel {
        Channel::Sensors => sensors_now(snapshot, line),
        Channel::Alerts => alerts_now(snapshot, line),
        Channel::Quality => quality_now(snapshot, line),
        Channel::Predictions => json!({ "predictions": [] }),
        Channel::Recommendations => json!({ "recommendations": [] }),
    };
    message("snapshot", channel, (snapshot.tick, snapshot.now), line.map(|line| names.line(line)), data)
}

fn of(line: Option<LineId>) -> impl Fn(LineId) -> bool {
    move |other| line.is_none_or(|line| line == other)
}

fn sensor_of(names: &Names, line: Option<LineId>) -> impl Fn(SensorId) -> bool {
    move |sensor| line.is_none() || names.sensor_def(sensor).map(|def| def.line) == line
}

fn rows<'a, R: Row>(rows: impl IntoIterator<Item = &'a R>, names: &Names) -> Vec<Value> {
    rows.into_iter().map(|row| row_to_json(row, names)).collect()
}

fn sensors_now(snapshot: &Snapshot, line: Option<LineId>) -> Value {
    let names = &*snapshot.names;
    let wanted = sensor_of(names, line);
    let latest: Vec<&LatestRow> = snapshot.latest.iter().filter(|row| wanted(row.sensor_id)).collect();
    let newest = |row: &&LatestRow| -> Option<&PaneRow> {
        snapshot.panes.range(|pane| pane.sensor_id.cmp(&row.sensor_id)).next_back()
    };
    let panes: Vec<&PaneRow> = latest.iter().filter_map(newest).collect();
    json!({ "latest": rows(latest, names), "panes": rows(panes, names) })
}

fn alerts_now(snapshot: &Snapshot, line: Option<LineId>) -> Value {
    let (names, wanted) = (&*snapshot.names, of(line));
    let since = snapshot.now - ALERTS_OVER;
    let mut alerts: Vec<_> = snapshot
        .alerts
        .iter()
        .filter(|row| wanted(row.production_line))
        .filter(|row| match row.state {
            AlertState::Normal => false,
            AlertState::Withdrawn | AlertState::Dismissed => row.raised_at >= since,
            _ => true,
        })
        .collect();
    alerts.sort_by_key(|row| std::cmp::Reverse((row.raised_at, row.alert_id)));
    alerts.truncate(ALERTS_MOST);
    let from = snapshot.now - CAUSES_OVER;
    let causes =
        snapshot.root_causes.iter().filter(|row| row.rank == 1 && row.incident >= from && wanted(row.production_line));
    json!({ "alerts": rows(alerts, names), "root_causes": rows(causes, names) })
}

fn quality_now(snapshot: &Snapshot, line: Option<LineId>) -> Value {
    let (names, wanted, now) = (&*snapshot.names, of(line), snapshot.now);
    let kpis = snapshot.kpis.iter().filter(|row| row.start <= now && now < row.end && wanted(row.production_line));
    let states = snapshot.machine_states.iter().filter(|row| row.end.is_none() && wanted(row.production_line));
    let from = now - CAUSES_OVER;
    let incidents = snapshot.incidents.iter().filter(|row| row.start >= from && wanted(row.production_line));
    json!({ "kpis": rows(kpis, names), "machine_states": rows(states, names), "incidents": rows(incidents, names) })
}

/// What changed over several ticks, added up. `frames` is not empty.
pub fn changes(channel: Channel, frames: &[Frame], line: Option<LineId>) -> Made {
    let Some(last) = frames.last() else { return Made::Nothing };
    let names = &*last.names;
    let (of_line, of_sensor) = (of(line), sensor_of(names, line));
    let mut gathered = Gathered { names, rows: 0, added: Map::new(), removed: Map::new() };
    match channel {
        Channel::Sensors => {
            gathered.add("latest", frames, |changes| &changes.latest, |row| of_sensor(row.sensor_id));
            gathered.add("panes", frames, |changes| &changes.panes, |row| of_sensor(row.sensor_id));
        }
        Channel::Alerts => {
            gathered.add("alerts", frames, |changes| &changes.alerts, |row| of_line(row.production_line));
            let first = |row: &lehr_dataflows::tables::RootCauseRow| row.rank == 1 && of_line(row.production_line);
            gathered.add("root_causes", frames, |changes| &changes.root_causes, first);
        }
        Channel::Quality => {
            gathered.add("kpis", frames, |changes| &changes.kpis, |row| of_line(row.production_line));
            gathered.add(
                "machine_states",
                frames,
                |changes| &changes.machine_states,
                |row| of_line(row.production_line),
            );
            gathered.add("incidents", frames, |changes| &changes.incidents, |row| of_line(row.production_line));
        }
        Channel::Predictions | Channel::Recommendations => {}
    }
    match gathered.rows {
        0 => Made::Nothing,
        rows if rows > FRAME_ROWS_MOST => Made::TooMuch,
        _ => {
            let data = json!({ "added": gathered.added, "removed": gathered.removed });
            let line = line.map(|line| names.line(line));
            Made::Text(message(channel.frame_type(), channel, (last.tick, last.now), line, data))
        }
    }
}

struct Gathered<'n> {
    names: &'n Names,
    rows: usize,
    added: Map<String, Value>,
    removed: Map<String, Value>,
}

impl Gathered<'_> {
    fn add<R: Row>(
        &mut self,
        table: &str,
        frames: &[Frame],
        of: impl for<'a> Fn(&'a Changes) -> &'a Vec<(R, Diff)>,
        wanted: impl Fn(&R) -> bool,
    ) {
        let changed = frames.iter().flat_map(|frame| of(&frame.changes)).filter(|(row, _)| wanted(row));
        let mut net: Vec<(R, Diff)> = changed.cloned().collect();
        if frames.len() > 1 {
            differential_dataflow::consolidation::consolidate(&mut net);
        }
        self.rows += net.len();
        if self.rows > FRAME_ROWS_MOST {
            return;
        }
        for (into, sign) in [(&mut self.added, 1), (&mut self.removed, -1)] {
            let rows = net.iter().filter(|(_, diff)| diff.signum() == sign);
            into.insert(table.into(), rows.map(|(row, _)| row_to_json(row, self.names)).collect());
        }
    }
}
