//! Alarm performance per line and hour of event time.
//!
//! Counted is what was annunciated: suppressed alerts are counted apart, everything else counts also when it
//! was shelved or withdrawn later, because somebody was called. State: one sum a line and hour.

use crate::Rows;
use crate::sums::sums;
use crate::tables::{AlertMetricRow, AlertRow, AlertState};
use differential_dataflow::operators::CountTotal;
use lehr_domain::rule::Severity;
use lehr_domain::{EventMs, LineId, SpanMs};

/// So many alerts within ten minutes are a flood (ISA-18.2).
pub const FLOOD: i64 = 10;

const HOUR: SpanMs = SpanMs::hours(1);
const STRETCH: SpanMs = SpanMs::minutes(10);
const STRETCHES: usize = (HOUR.0 / STRETCH.0) as usize;

sums! {
    /// The alerts of an hour.
    pub struct AlertCounts {
        pub raised: i64,
        /// By [`Severity`].
        pub by_severity: [i64; Severity::ALL.len()],
        pub chattering: i64,
        /// Raised, by ten minutes of the hour.
        pub by_stretch: [i64; STRETCHES],
        pub suppressed: i64,
    }
}

/// One row per line and UTC hour in which an alert was raised or suppressed.
pub fn alert_metrics<'s>(alerts: Rows<'s, AlertRow>) -> Rows<'s, AlertMetricRow> {
    alerts
        .explode(|alert| Some(((alert.production_line, alert.raised_at.floor(HOUR)), AlertCounts::of(&alert))))
        .count_total()
        .map(|((line, hour), counts)| row(line, hour, &counts))
}

impl AlertCounts {
    fn of(alert: &AlertRow) -> AlertCounts {
        if alert.state == AlertState::Suppressed {
            return AlertCounts { suppressed: 1, ..AlertCounts::default() };
        }
        let mut counts = AlertCounts { raised: 1, chattering: i64::from(alert.chattering), ..AlertCounts::default() };
        counts.by_severity[alert.severity as usize] = 1;
        counts.by_stretch[alert.raised_at.pane(STRETCH).rem_euclid(STRETCHES as i64) as usize] = 1;
        counts
    }
}

fn row(line: LineId, hour: EventMs, counts: &AlertCounts) -> AlertMetricRow {
    let of = |severity: Severity| counts.by_severity[severity as usize];
    let peak = counts.by_stretch.into_iter().max().unwrap_or(0);
    AlertMetricRow {
        production_line: line,
        start: hour,
        raised: counts.raised,
        critical: of(Severity::Critical),
        high: of(Severity::High),
        medium: of(Severity::Medium),
        low: of(Severity::Low),
        chattering: counts.chattering,
        peak_10_min: peak,
        flood: peak >= FLOOD,
        suppressed: counts.suppressed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trials::{assert_tracks, plant};
    use lehr_domain::{AlertId, RuleId};
    use rand::RngExt;
    use std::collections::BTreeSet;

    fn alert(rng: &mut plant::ChaCha8Rng, id: u64) -> AlertRow {
        AlertRow {
            alert_id: AlertId(id),
            raised_at: plant::instant(rng, 150),
            cleared_at: None,
            severity: Severity::ALL[rng.random_range(0..4)],
            state: AlertState::ALL[rng.random_range(0..AlertState::ALL.len())],
            production_line: plant::line(rng),
            sensor_id: None,
            equipment_id: None,
            parameter_name: None,
            rule_id: RuleId(0),
            message: String::new(),
            recommended_action: String::new(),
            peak: None,
            limit: None,
            acknowledged: false,
            acknowledged_at: None,
            acknowledged_by: None,
            shelved_until: None,
            responded_at: None,
            note: None,
            events: 0,
            chattering: rng.random_range(0..3) == 0,
        }
    }

    fn oracle(alerts: &BTreeSet<AlertRow>) -> BTreeSet<AlertMetricRow> {
        let hours: BTreeSet<_> =
            alerts.iter().map(|alert| (alert.production_line, alert.raised_at.0 / 3_600_000 * 3_600_000)).collect();
        let of_hour = |(line, hour): (LineId, i64)| {
            let within =
                |alert: &&AlertRow| alert.production_line == line && alert.raised_at.0 / 3_600_000 * 3_600_000 == hour;
            let (silent, raised): (Vec<&AlertRow>, Vec<&AlertRow>) =
                alerts.iter().filter(within).partition(|alert| alert.state == AlertState::Suppressed);
            let count = |severity: Severity| raised.iter().filter(|alert| alert.severity == severity).count() as i64;
            let stretch = |n: i64| {
                let start = hour + n * 600_000;
                raised.iter().filter(|alert| (start..start + 600_000).contains(&alert.raised_at.0)).count() as i64
            };
            let peak = (0..6).map(stretch).max().unwrap_or(0);
            AlertMetricRow {
                production_line: line,
                start: EventMs(hour),
                raised: raised.len() as i64,
                critical: count(Severity::Critical),
                high: count(Severity::High),
                medium: count(Severity::Medium),
                low: count(Severity::Low),
                chattering: raised.iter().filter(|alert| alert.chattering).count() as i64,
                peak_10_min: peak,
                flood: peak >= 10,
                suppressed: silent.len() as i64,
            }
        };
        hours.into_iter().map(of_hour).collect()
    }

    #[test]
    fn metrics_equal_a_recount_while_alerts_come_go_and_change() {
        let (mut floods, mut calm) = (0, 0);
        for seed in 0..6 {
            let mut rng = plant::rng(seed);
            let mut held = std::collections::BTreeMap::new();
            let mut snapshots = Vec::new();
            for _ in 0..20 {
                for _ in 0..30 {
                    let id = rng.random_range(0..250);
                    if rng.random_range(0..5) == 0 {
                        held.remove(&id);
                    } else {
                        held.insert(id, alert(&mut rng, id));
                    }
                }
                snapshots.push(held.values().cloned().collect());
            }
            let outputs = assert_tracks(seed, &snapshots, alert_metrics, oracle);
            floods += outputs.iter().flatten().filter(|row| row.flood).count();
            calm += outputs.iter().flatten().filter(|row| !row.flood).count();
        }
        assert!(floods > 20 && calm > 20, "{floods} floods and {calm} calm hours: too few to test anything");
    }
}
