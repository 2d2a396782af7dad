//! What travels: one JSON object a message.

use super::ring::Frame;
use lehr_dataflows::Diff;
use lehr_dataflows::tables::{AlertState, Changes, LatestRow, PaneRow, RecommendationRow, SensorVerdictRow};
use lehr_domain::names::Names;
use lehr_domain::recommendation::RecommendationState;
use lehr_domain::table::Row;
use lehr_domain::{EventMs, LineId, SensorId, SpanMs, Tick};
use lehr_queries::Snapshot;
use lehr_queries::json::JsonRows;
use std::io::Write;

/// Rows of a frame, 350 bytes each. The newest value and pane of 1000 sensors, taken away and added, are 4,000;
/// beyond some times that (a rule was edited, a day was imported) a snapshot is smaller than the changes.
const FRAME_ROWS_MOST: usize = 20_000;
/// Alerts in a snapshot.
const ALERTS_MOST: usize = 500;
/// How far back a snapshot shows causes and incidents.
const CAUSES_OVER: SpanMs = SpanMs::hours(4);
/// How far back a snapshot shows alerts that are over.
const ALERTS_OVER: SpanMs = SpanMs::hours(24);
/// How far back a snapshot shows forecasts.
const FORETOLD_OVER: SpanMs = SpanMs::hours(1);
/// How far back a snapshot shows what was found on pictures.
const INSPECTED_OVER: SpanMs = SpanMs::minutes(10);
/// How far back a snapshot shows recommendations that are decided. How many there may be is bounded where they are made.
const DECIDED_OVER: SpanMs = SpanMs::hours(24);

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

/// The members of `data`.
struct Data<'n> {
    names: &'n Names,
    text: Vec<u8>,
}

impl Data<'_> {
    fn new(names: &Names) -> Data<'_> {
        Data { names, text: vec![b'{'] }
    }

    /// Adds a member; `value` must be JSON.
    fn member(&mut self, name: &str, value: &[u8]) {
        self.key(name);
        self.text.extend_from_slice(value);
    }

    /// Adds a member with rows.
    fn rows<'r, R: Row>(&mut self, name: &str, rows: impl IntoIterator<Item = &'r R>) {
        self.key(name);
        JsonRows::default().array(&mut self.text, rows, self.names);
    }

    fn key(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        write!(self.text, "\"{name}\":").expect("memory takes every byte");
    }

    fn finish(mut self) -> Vec<u8> {
        self.text.push(b'}');
        self.text
    }
}

/// What a message tells besides its data. It comes first, so that a reader may look at the head alone.
fn message(kind: &str, channel: Channel, at: (Tick, EventMs), line: Option<&str>, data: &[u8]) -> String {
    let line = serde_json::to_string(&line).expect("a text is JSON");
    let head = format!(
        r#"{{"type":"{kind}","channel":"{}","timestamp":"{}","tick":{},"metadata":{{"production_line":{line},"equipment_id":null}},"data":"#,
        channel.text(),
        at.1,
        at.0.0,
    );
    let data = std::str::from_utf8(data).expect("texts are UTF-8, and so is what is written around them");
    [&head, data, "}"].concat()
}

pub fn heartbeat(channel: Channel, snapshot: &Snapshot) -> String {
    message("heartbeat", channel, (snapshot.tick, snapshot.now), None, b"{}")
}

/// What was sent so far no longer holds; a snapshot follows.
pub fn reset(channel: Channel, snapshot: &Snapshot) -> String {
    message("reset", channel, (snapshot.tick, snapshot.now), None, b"{}")
}

pub fn snapshot(channel: Channel, snapshot: &Snapshot, line: Option<LineId>) -> String {
    let names = &*snapshot.names;
    let mut data = Data::new(names);
    match channel {
        Channel::Sensors => sensors_now(&mut data, snapshot, line),
        Channel::Alerts => alerts_now(&mut data, snapshot, line),
        Channel::Quality => quality_now(&mut data, snapshot, line),
        Channel::Predictions => predictions_now(&mut data, snapshot, line),
        Channel::Recommendations => recommendations_now(&mut data, snapshot, line),
    }
    let line = line.map(|line| names.line(line));
    message("snapshot", channel, (snapshot.tick, snapshot.now), line, &data.finish())
}

fn of(line: Option<LineId>) -> impl Fn(LineId) -> bool {
    move |other| line.is_none_or(|line| line == other)
}

fn sensor_of(names: &Names, line: Option<LineId>) -> impl Fn(SensorId) -> bool {
    move |sensor| line.is_none() || names.sensor_def(sensor).map(|def| def.line) == line
}

fn sensors_now(data: &mut Data, snapshot: &Snapshot, line: Option<LineId>) {
    let wanted = sensor_of(&snapshot.names, line);
    let latest: Vec<&LatestRow> = snapshot.latest.iter().filter(|row| wanted(row.sensor_id)).collect();
    let newest = |row: &&LatestRow| -> Option<&PaneRow> {
        snapshot.panes.range(|pane| pane.sensor_id.cmp(&row.sensor_id)).next_back()
    };
    let panes: Vec<&PaneRow> = latest.iter().filter_map(newest).collect();
    data.rows("latest", latest);
    data.rows("panes", panes);
}

fn alerts_now(data: &mut Data, snapshot: &Snapshot, line: Option<LineId>) {
    let wanted = of(line);
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
    data.rows("alerts", alerts);
    data.rows("root_causes", causes);
}

fn quality_now(data: &mut Data, snapshot: &Snapshot, line: Option<LineId>) {
    let (wanted, now) = (of(line), snapshot.now);
    let kpis = snapshot.kpis.iter().filter(|row| row.start <= now && now < row.end && wanted(row.production_line));
    let states = snapshot.machine_states.iter().filter(|row| row.end.is_none() && wanted(row.production_line));
    let from = now - CAUSES_OVER;
    let incidents = snapshot.incidents.iter().filter(|row| row.start >= from && wanted(row.production_line));
    data.rows("kpis", kpis);
    data.rows("machine_states", states);
    let since = now - INSPECTED_OVER;
    let inspections = snapshot.inspections.iter().filter(|row| row.taken_at >= since && wanted(row.production_line));
    data.rows("incidents", incidents);
    data.rows("inspections", inspections);
}

/// All that wait for a decision, and what was decided lately.
fn recommendations_now(data: &mut Data, snapshot: &Snapshot, line: Option<LineId>) {
    let (wanted, since) = (of(line), snapshot.now - DECIDED_OVER);
    let lately = |row: &&RecommendationRow| {
        row.state == RecommendationState::Proposed || row.decided_at.is_some_and(|at| at >= since)
    };
    let rows = snapshot.recommendations.iter().filter(|row| wanted(row.production_line));
    data.rows("recommendations", rows.filter(lately));
}

/// What was foretold lately, and what is said of each sensor.
fn predictions_now(data: &mut Data, snapshot: &Snapshot, line: Option<LineId>) {
    let (of_line, of_sensor) = (of(line), sensor_of(&snapshot.names, line));
    let since = snapshot.now - FORETOLD_OVER;
    let lines = snapshot.names.lines().map(|(id, _)| id).filter(|id| of_line(*id));
    let lately = lines.flat_map(|line| {
        let rows = snapshot.forecasts.range(move |row| row.production_line.cmp(&line)).rev();
        rows.take_while(move |row| row.at >= since)
    });
    data.rows("forecasts", lately);
    data.rows("sensor_verdicts", snapshot.sensor_verdicts.iter().filter(|row| of_sensor(row.sensor_id)));
}

/// What changed over several ticks, added up. `frames` is not empty.
pub fn changes(channel: Channel, frames: &[Frame], line: Option<LineId>) -> Made {
    let Some(last) = frames.last() else { return Made::Nothing };
    let names = &*last.names;
    let (of_line, of_sensor) = (of(line), sensor_of(names, line));
    let mut gathered = Gathered { rows: 0, added: Data::new(names), removed: Data::new(names) };
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
            gathered.add("inspections", frames, |changes| &changes.inspections, |row| of_line(row.production_line));
        }
        Channel::Recommendations => {
            let of_line = |row: &RecommendationRow| of_line(row.production_line);
            gathered.add("recommendations", frames, |changes| &changes.recommendations, of_line);
        }
        Channel::Predictions => {
            gathered.add("forecasts", frames, |changes| &changes.forecasts, |row| of_line(row.production_line));
            let of_sensor = |row: &SensorVerdictRow| of_sensor(row.sensor_id);
            gathered.add("sensor_verdicts", frames, |changes| &changes.sensor_verdicts, of_sensor);
        }
    }
    match gathered.rows {
        0 => Made::Nothing,
        rows if rows > FRAME_ROWS_MOST => Made::TooMuch,
        _ => {
            let mut data = Data::new(names);
            data.member("added", &gathered.added.finish());
            data.member("removed", &gathered.removed.finish());
            let line = line.map(|line| names.line(line));
            Made::Text(message(channel.frame_type(), channel, (last.tick, last.now), line, &data.finish()))
        }
    }
}

struct Gathered<'n> {
    rows: usize,
    added: Data<'n>,
    removed: Data<'n>,
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
        let mut net: Vec<(&R, Diff)> = changed.map(|(row, diff)| (row, *diff)).collect();
        if frames.len() > 1 {
            differential_dataflow::consolidation::consolidate(&mut net);
        }
        self.rows += net.len();
        if self.rows > FRAME_ROWS_MOST {
            return;
        }
        for (into, sign) in [(&mut self.added, 1), (&mut self.removed, -1)] {
            into.rows(table, net.iter().filter(|(_, diff)| diff.signum() == sign).map(|(row, _)| *row));
        }
    }
}
