//! What people do about the alerts that there are, and corrections that take alerts away.

use super::ChaCha8Rng;
use super::definitions::{LEVEL, pick};
use super::sensors::Sensors;
use crate::tables::Tables;
use lehr_dataflows::tables::AlertRow;
use lehr_domain::operator::{AlertSubject, OperatorAction, OperatorEvent};
use lehr_domain::{EventMs, Micro, Reading, SensorId, SpanMs, Status, Tick};
use rand::RngExt;

fn about(alert: &AlertRow) -> AlertSubject {
    AlertSubject {
        rule: alert.rule_id,
        line: alert.production_line,
        sensor: alert.sensor_id,
        raised_at: alert.raised_at,
        severity: alert.severity,
    }
}

/// An action on a random alert; half of them are on one of the latest.
pub fn act(rng: &mut ChaCha8Rng, tables: &Tables, id: u64, now: EventMs) -> Option<OperatorEvent> {
    let mut alerts: Vec<&AlertRow> = tables.alerts.iter().collect();
    if rng.random_bool(0.5) {
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.raised_at));
        alerts.truncate(8);
    }
    if alerts.is_empty() {
        return None;
    }
    let alert = alerts[rng.random_range(0..alerts.len())];
    let until = now + SpanMs::minutes(rng.random_range(0..40));
    let action = match rng.random_range(0..13) {
        0 | 1 => OperatorAction::Acknowledge,
        2..5 => OperatorAction::Shelve { until },
        5..7 => OperatorAction::ShelveOneShot { until },
        7 => OperatorAction::Unshelve,
        8 => OperatorAction::OutOfService,
        9 => OperatorAction::ReturnToService,
        10 => OperatorAction::Dismiss,
        11 => OperatorAction::Note,
        _ => OperatorAction::Respond,
    };
    let at = now - SpanMs::seconds(rng.random_range(0..400));
    let by = format!("operator {}", rng.random_range(0..3));
    let reason = pick(rng, &["", "seen", "as planned"]).to_owned();
    Some(OperatorEvent { id, alert: alert.alert_id, about: about(alert), at, action, by, reason })
}

/// Corrects the readings with which an alert began that somebody acted on, so that it never was.
pub fn false_alarm(rng: &mut ChaCha8Rng, tables: &Tables, sensors: &Sensors, tick: Tick) -> Vec<Reading> {
    let acted: Vec<(SensorId, EventMs)> = tables
        .alerts
        .iter()
        .filter(|alert| alert.events > 0)
        .filter_map(|alert| Some((alert.sensor_id?, alert.raised_at)))
        .collect();
    if acted.is_empty() {
        return Vec::new();
    }
    let (sensor, from) = acted[rng.random_range(0..acted.len())];
    let minutes = rng.random_range(1..4);
    let told = sensors.sent.range((sensor, from)..(sensor, from + SpanMs::minutes(minutes)));
    told.map(|(_, old)| Reading { revision: tick.0, value: Micro(LEVEL), status: Status::Ok, ..*old }).collect()
}
