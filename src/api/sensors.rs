//! Sensors and their series.

use super::App;
use super::error::ApiError;
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, row, text, time};
use lehr_dataflows::tables::{AlertRow, LatestRow, PaneRow, SensorRow, SetpointRow};
use lehr_domain::moments::Moments;
use lehr_domain::{EventMs, SensorId, SpanMs};
use lehr_queries::Snapshot;
use serde_json::{Value, json};

/// Points of a series when the request does not say: about what a chart is wide.
const POINTS: i64 = 500;
/// The most points of a series.
pub const POINTS_MOST: i64 = 20_000;
/// Length of a series when the request does not say.
const SERIES_OVER: SpanMs = SpanMs::hours(4);
/// Alerts that come with a series.
const SERIES_ALERTS_MOST: usize = 200;

/// Minutes that a point of a series may cover: whole divisors or multiples of an hour and a day, so that
/// points lie where people expect them.
const RESOLUTIONS_MIN: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 10_080];

pub fn routes() -> Vec<Route> {
    let series = answer([
        ("sensor", sensor_schema()),
        ("resolution_s", integer()),
        ("points", list(point_schema())),
        ("alerts", list(row::<AlertRow>())),
        ("setpoints", list(row::<SetpointRow>())),
        ("limits", list(limit_schema())),
    ]);
    vec![
        Route::get("/api/sensors", "sensors", "Sensors with their last value, set-point and limits.", sensors)
            .line()
            .answers(answer([("sensors", list(sensor_schema()))])),
        Route::get(
            "/api/sensors/{id}/series",
            "sensors",
            "A sensor's values over time, in evenly spaced points.",
            series_of,
        )
        .segment("id", Kind::Text(200), "Name of the sensor.")
        .range("Start of the time range; four hours before its end when absent.")
        .query("points", Kind::Int(1, POINTS_MOST), "The most points; panes are merged until they fit.")
        .answers(series)
        .heavy(),
    ]
}

fn limit_schema() -> Value {
    object([("rule", text()), ("value", number()), ("severity", text())])
}

pub fn sensor_schema() -> Value {
    let more = object([
        ("latest", nullable(row::<LatestRow>())),
        ("setpoint", nullable(number())),
        ("limits", list(limit_schema())),
    ]);
    json!({ "allOf": [row::<SensorRow>(), more] })
}

pub fn point_schema() -> Value {
    object([
        ("start", time()),
        ("n", integer()),
        ("mean", nullable(number())),
        ("min", nullable(number())),
        ("max", nullable(number())),
        ("std", nullable(number())),
        ("bad", integer()),
        ("uncertain", integer()),
    ])
}

async fn sensors(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let wanted = snapshot.sensors.iter().filter(|row| line.is_none_or(|line| row.production_line == line));
    let sensors: Vec<Value> = wanted.map(|row| look::sensor_json(&snapshot, row)).collect();
    Ok(look::answer(&snapshot, json!({ "sensors": sensors })).into())
}

async fn series_of(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let names = &*snapshot.names;
    let name = &call.path[0];
    let unknown = || ApiError::not_found(format!("sensor '{name}'"));
    let id = names.sensor_id(name).ok_or_else(unknown)?;
    let sensor = look::sensor(&snapshot, id).ok_or_else(unknown)?;
    let (from, to) = look::range(&call.query, snapshot.now, SERIES_OVER);
    let most = call.query.int("points").unwrap_or(POINTS).max(1);
    let width = app.runtime().options().graph.pane_width;
    let (resolution, points) = series(&snapshot, id, (from, to), most as usize, width);
    let alerts = snapshot
        .alerts
        .iter()
        .filter(|row| row.sensor_id == Some(id) && row.raised_at < to && row.cleared_at.is_none_or(|end| end >= from));
    let mut alerts: Vec<&AlertRow> = alerts.collect();
    alerts.sort_by_key(|row| std::cmp::Reverse((row.raised_at, row.alert_id)));
    alerts.truncate(SERIES_ALERTS_MOST);
    let given: Vec<&SetpointRow> = snapshot.setpoints.range(|row| row.sensor_id.cmp(&id)).collect();
    // The one that holds when the range begins, and those within it.
    let first = given.partition_point(|row| row.start <= from).saturating_sub(1);
    let setpoints = given[first.min(given.len())..].iter().copied().filter(|row| row.start < to);
    let members = json!({
        "sensor": look::sensor_json(&snapshot, sensor),
        "resolution_s": resolution.0 / 1000,
        "points": points,
        "alerts": look::rows(alerts, names),
        "setpoints": look::rows(setpoints, names),
        "limits": look::limits(&snapshot, sensor),
    });
    Ok(look::answer(&snapshot, members).into())
}

/// Panes of a sensor, merged until at most `most` points cover the range. A stretch without panes is no
/// point. Points are aligned at the epoch, and those at the ends may reach beyond the range.
pub fn series(
    snapshot: &Snapshot,
    sensor: SensorId,
    (from, to): (EventMs, EventMs),
    most: usize,
    pane_width: SpanMs,
) -> (SpanMs, Vec<Value>) {
    let panes: Vec<&PaneRow> = if from < to { panes_within(snapshot, sensor, from, to) } else { Vec::new() };
    let resolutions = RESOLUTIONS_MIN.iter().map(|minutes| SpanMs(minutes * pane_width.0));
    let coarsest = SpanMs(RESOLUTIONS_MIN[RESOLUTIONS_MIN.len() - 1] * pane_width.0);
    // Gaps make no points: what counts is the panes that are there, not the length of the range.
    let points_at = |resolution: SpanMs| {
        let mut starts = panes.iter().map(|pane| pane.start.floor(resolution));
        let mut last = starts.next();
        usize::from(last.is_some())
            + starts.filter(|start| last.replace(*start).is_some_and(|before| before != *start)).count()
    };
    let resolution = resolutions.into_iter().find(|resolution| points_at(*resolution) <= most).unwrap_or(coarsest);
    let mut points: Vec<Point> = Vec::new();
    for pane in panes {
        let start = pane.start.floor(resolution);
        match points.last_mut() {
            Some(point) if point.start == start => point.add(pane),
            _ => {
                points.push(Point::starting(start));
                points.last_mut().expect("just pushed").add(pane);
            }
        }
    }
    // Only where even the coarsest points are too many: the newest.
    let cut = points.len().saturating_sub(most);
    (resolution, points[cut..].iter().map(Point::json).collect())
}

fn panes_within(snapshot: &Snapshot, sensor: SensorId, from: EventMs, to: EventMs) -> Vec<&PaneRow> {
    let position = |pane: &PaneRow| {
        let within = match pane.start {
            start if start < from => std::cmp::Ordering::Less,
            start if start >= to => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        };
        pane.sensor_id.cmp(&sensor).then(within)
    };
    snapshot.panes.range(position).collect()
}

struct Point {
    start: EventMs,
    moments: Moments,
    bad: u64,
    uncertain: u64,
}

impl Point {
    fn starting(start: EventMs) -> Point {
        Point { start, moments: Moments::starting(start), bad: 0, uncertain: 0 }
    }

    fn add(&mut self, pane: &PaneRow) {
        self.moments.merge(&pane.moments);
        self.bad += u64::from(pane.bad);
        self.uncertain += u64::from(pane.uncertain);
    }

    fn json(&self) -> Value {
        let moments = &self.moments;
        let some = |value: lehr_domain::Micro| (moments.n > 0).then(|| value.to_f64());
        json!({
            "start": self.start.to_string(),
            "n": moments.n,
            "mean": moments.mean_f64(),
            "min": some(moments.min),
            "max": some(moments.max),
            "std": moments.std_f64(),
            "bad": self.bad,
            "uncertain": self.uncertain,
        })
    }
}
