//! What machines report besides readings: inspected units, states, set-points. As JSON objects.

use crate::tags::AHEAD_MOST;
use lehr_domain::machine::{MachineState, Setpoint, StateChange};
use lehr_domain::names::Names;
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{Event, EventMs, Micro, PerMille, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Reports of one message.
const REPORTS_MOST: usize = 10_000;
/// Characters of a reason.
const REASON_MOST: usize = 200;

/// Of what a message is a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// An inspected unit.
    Unit,
    /// From then on a line is in a state.
    State,
    /// From then on a sensor's quantity ought to be so.
    Setpoint,
}

impl ReportKind {
    pub const ALL: [ReportKind; 3] = [ReportKind::Unit, ReportKind::State, ReportKind::Setpoint];

    /// As a configuration names it.
    pub fn text(self) -> &'static str {
        match self {
            ReportKind::Unit => "unit",
            ReportKind::State => "state",
            ReportKind::Setpoint => "setpoint",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitReport {
    unit_id: u64,
    line: String,
    timestamp: String,
    product: String,
    verdict: Verdict,
    #[serde(default)]
    defects: Vec<DefectReport>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefectReport {
    #[serde(rename = "type")]
    kind: DefectType,
    #[serde(default = "certain")]
    score: f64,
    #[serde(rename = "box", default)]
    bounds: [u8; 4],
}

fn certain() -> f64 {
    1.0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateReport {
    line: String,
    timestamp: String,
    state: String,
    product: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetpointReport {
    sensor_id: String,
    timestamp: String,
    value: f64,
}

/// The reports of a message, which is one or an array of them. Each is an event, or says why it cannot be taken: field
/// and fix. A bad one takes no other along.
pub fn read_reports(kind: ReportKind, payload: &[u8], names: &Names, now: EventMs) -> Vec<Result<Event, String>> {
    let reports = match serde_json::from_slice(payload) {
        Ok(Value::Array(reports)) if reports.len() > REPORTS_MOST => {
            return vec![Err(format!("{} reports are more than {REPORTS_MOST}; send fewer at once", reports.len()))];
        }
        Ok(Value::Array(reports)) => reports,
        Ok(report) => vec![report],
        Err(error) => return vec![Err(format!("the payload is no JSON: {error}"))],
    };
    let read = |report: Value| match kind {
        ReportKind::Unit => unit(parse(report)?, names, now),
        ReportKind::State => state(parse(report)?, names, now),
        ReportKind::Setpoint => set_point(parse(report)?, names, now),
    };
    reports.into_iter().map(read).collect()
}

fn parse<T: for<'de> Deserialize<'de>>(report: Value) -> Result<T, String> {
    serde_json::from_value(report).map_err(|error| error.to_string())
}

fn time(text: &str, now: EventMs) -> Result<EventMs, String> {
    let at = EventMs::parse(text).map_err(|_| format!("timestamp '{text}' must be as 2026-01-31T06:00:00Z"))?;
    if at > now + AHEAD_MOST {
        return Err(format!("timestamp {at} is ahead of {now}; set the device's clock"));
    }
    Ok(at)
}

fn unit(report: UnitReport, names: &Names, now: EventMs) -> Result<Event, String> {
    let UnitReport { unit_id, line, timestamp, product, verdict, defects } = report;
    if defects.len() > Unit::MAX_DEFECTS {
        return Err(format!("defects has {} entries; {} are the most", defects.len(), Unit::MAX_DEFECTS));
    }
    let defect = |report: DefectReport| {
        let DefectReport { kind, score, bounds } = report;
        if !(0.0..=1.0).contains(&score) {
            return Err(format!("score {score} must lie in 0 to 1"));
        }
        Ok(Defect { defect: kind, score: PerMille::from_f64(score), bounds })
    };
    let mut defects = defects.into_iter().map(defect).collect::<Result<Vec<Defect>, String>>()?;
    defects.sort_unstable();
    Ok(Event::Unit(Unit {
        unit: UnitId(unit_id),
        line: names.line_id(&line).ok_or_else(|| format!("line '{line}' is not in the catalogue"))?,
        at: time(&timestamp, now)?,
        product: names.product_id(&product).ok_or_else(|| format!("product '{product}' is not in the catalogue"))?,
        verdict,
        defects,
    }))
}

fn state(report: StateReport, names: &Names, now: EventMs) -> Result<Event, String> {
    let StateReport { line, timestamp, state, product, reason } = report;
    let known = || MachineState::ALL.map(MachineState::text).join(", ");
    Ok(Event::State(StateChange {
        line: names.line_id(&line).ok_or_else(|| format!("line '{line}' is not in the catalogue"))?,
        at: time(&timestamp, now)?,
        state: MachineState::parse(&state).ok_or_else(|| format!("state '{state}' is none of {}", known()))?,
        product: names.product_id(&product).ok_or_else(|| format!("product '{product}' is not in the catalogue"))?,
        reason: reason.chars().take(REASON_MOST).collect(),
    }))
}

fn set_point(report: SetpointReport, names: &Names, now: EventMs) -> Result<Event, String> {
    let SetpointReport { sensor_id, timestamp, value } = report;
    Ok(Event::Setpoint(Setpoint {
        sensor: names
            .sensor_id(&sensor_id)
            .ok_or_else(|| format!("sensor_id '{sensor_id}' is not in the catalogue"))?,
        at: time(&timestamp, now)?,
        value: Micro::from_f64(value).map_err(|error| format!("value {value}: {error}"))?,
    }))
}

/// An event as its report, with its kind; `None` for what no machine reports.
pub fn report(event: &Event, names: &Names) -> Option<(ReportKind, String)> {
    let (kind, json) = match event {
        Event::Unit(unit) => {
            let defect =
                |found: &Defect| DefectReport { kind: found.defect, score: found.score.to_f64(), bounds: found.bounds };
            let report = UnitReport {
                unit_id: unit.unit.0,
                line: names.line(unit.line).to_owned(),
                timestamp: unit.at.to_string(),
                product: names.product(unit.product).to_owned(),
                verdict: unit.verdict,
                defects: unit.defects.iter().map(defect).collect(),
            };
            (ReportKind::Unit, serde_json::to_string(&report))
        }
        Event::State(change) => {
            let report = StateReport {
                line: names.line(change.line).to_owned(),
                timestamp: change.at.to_string(),
                state: change.state.text().to_owned(),
                product: names.product(change.product).to_owned(),
                reason: change.reason.clone(),
            };
            (ReportKind::State, serde_json::to_string(&report))
        }
        Event::Setpoint(set_point) => {
            let report = SetpointReport {
                sensor_id: names.sensor(set_point.sensor).to_owned(),
                timestamp: set_point.at.to_string(),
                value: set_point.value.to_f64(),
            };
            (ReportKind::Setpoint, serde_json::to_string(&report))
        }
        _ => return None,
    };
    Some((kind, json.expect("texts and finite numbers are JSON")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::ProductId;
    use lehr_domain::catalogue::{Catalogue, DEFAULT};
    use proptest::prelude::*;

    const NOW: EventMs = EventMs(1_800_000_000_000);

    fn names() -> Names {
        Catalogue::parse(DEFAULT).unwrap().names().unwrap()
    }

    fn product(names: &Names) -> String {
        let known = (0..100).map(|id| names.product(ProductId(id)).to_owned());
        known.into_iter().find(|name| names.product_id(name).is_some()).unwrap()
    }

    #[test]
    fn what_is_reported_is_what_is_read() {
        let names = names();
        let product = names.product_id(&product(&names)).unwrap();
        let line = names.line_id("Line_B").unwrap();
        let defects = vec![
            Defect { defect: DefectType::Crack, score: PerMille(875), bounds: [1, 2, 30, 40] },
            Defect { defect: DefectType::StressFracture, score: PerMille(1000), bounds: [0; 4] },
        ];
        let events = [
            Event::Unit(Unit { unit: UnitId(u64::MAX), line, at: NOW, product, verdict: Verdict::Scrap, defects }),
            Event::State(StateChange { line, at: NOW, state: MachineState::Down, product, reason: "jam".into() }),
            Event::Setpoint(Setpoint {
                sensor: names.sensor_id("Line_A.furnace_temperature").unwrap(),
                at: NOW,
                value: Micro(1_523_456_789),
            }),
        ];
        for event in events {
            let (kind, json) = report(&event, &names).unwrap();
            assert_eq!(read_reports(kind, json.as_bytes(), &names, NOW), [Ok(event)], "{json}");
        }
    }

    #[test]
    fn a_bad_report_takes_no_other_along_and_is_told_why() {
        let names = names();
        let good = format!(
            r#"{{"unit_id":1,"line":"Line_A","timestamp":"2026-01-31T06:00:00Z","product":"{}","verdict":"good"}}"#,
            product(&names)
        );
        let changed = |from: &str, to: &str| good.replace(from, to);
        let bad = [
            (changed("Line_A", "Line_X"), "line 'Line_X' is not in the catalogue"),
            (changed("2026-01-31T06", "2126-01-31T06"), "is ahead of"),
            (changed("T06:00:00Z", ""), "must be as"),
            (changed("\"good\"", "\"fine\""), "unknown variant `fine`"),
            (changed("\"line\"", "\"place\""), "unknown field `place`"),
            (changed("}", ",\"defects\":[{\"type\":\"crack\",\"score\":1.5}]}"), "score 1.5 must lie in 0 to 1"),
            ("17".to_owned(), "invalid type"),
        ];
        let all = std::iter::once(&good).chain(bad.iter().map(|(text, _)| text)).map(String::as_str);
        let message = format!("[{}]", all.collect::<Vec<&str>>().join(","));
        let read = read_reports(ReportKind::Unit, message.as_bytes(), &names, NOW);
        assert!(read[0].is_ok());
        for (read, (text, why)) in read[1..].iter().zip(&bad) {
            assert!(read.as_ref().unwrap_err().contains(why), "{text}: {read:?}");
        }
        assert!(read_reports(ReportKind::State, b"{", &names, NOW)[0].as_ref().unwrap_err().contains("no JSON"));
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused(payload in prop::collection::vec(any::<u8>(), 0..100)) {
            for kind in ReportKind::ALL {
                let read = read_reports(kind, &payload, &names(), NOW);
                prop_assert!(read.iter().all(Result::is_err));
            }
        }
    }
}
