//! A small plant's worth of rows in every table, the same in every run.

use crate::{Limits, Queries, QueryResult, Resources, Result, Snapshot, Source};
use lehr_dataflows::Diff;
use lehr_dataflows::tables::*;
use lehr_domain::calendar::Scope;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::causal::{Direction, Node};
use lehr_domain::event::SensorDef;
use lehr_domain::ids::stable_hash;
use lehr_domain::machine::MachineState;
use lehr_domain::moments::Moments;
use lehr_domain::names::Names;
use lehr_domain::rule::Severity;
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{
    AlertId, EdgeId, EventMs, LineId, Micro, PerMille, ProductId, SensorId, SpanMs, Status, Tick, UnitId,
};
use std::sync::{Arc, LazyLock};

pub const PANES_PER_SENSOR: i64 = 60;
pub const UNITS: u64 = 900;

pub fn now() -> EventMs {
    EventMs::parse("2026-03-10T12:00:00Z").expect("a time")
}

/// A number below `below` that depends on `parts` alone.
pub fn pick(parts: &[u64], below: u64) -> u64 {
    stable_hash(parts) % below
}

pub fn names() -> Arc<Names> {
    static NAMES: LazyLock<Arc<Names>> = LazyLock::new(|| {
        let catalogue = Catalogue::parse(DEFAULT).expect("the shipped catalogue is good");
        Arc::new(catalogue.names().expect("the shipped catalogue is good"))
    });
    NAMES.clone()
}

fn rows<R>(rows: impl IntoIterator<Item = R>) -> Vec<(R, Diff)> {
    rows.into_iter().map(|row| (row, 1)).collect()
}

fn sensor_row(id: SensorId, def: &SensorDef) -> SensorRow {
    SensorRow {
        sensor_id: id,
        production_line: def.line,
        equipment_id: def.equipment,
        parameter_name: def.parameter,
        unit: def.unit.clone(),
        period_s: def.period,
        span_low: def.span.0,
        span_high: def.span.1,
        target: def.target,
        sigma: def.sigma,
    }
}

pub fn pane_row(sensor: SensorId, minute: i64) -> PaneRow {
    let start = now() - SpanMs::minutes(minute);
    let mut moments = Moments::starting(start);
    for reading in 0..6 {
        let noise = pick(&[u64::from(sensor.0), minute as u64, reading], 1_000_000) as i64;
        moments.append(start + SpanMs::seconds(reading as i64 * 10), Micro(Micro::units(1500).0 + noise));
    }
    let last_reading = start + SpanMs::seconds(50);
    PaneRow {
        sensor_id: sensor,
        start,
        bad: (minute % 7) as u32,
        uncertain: 0,
        last_reading,
        status: Status::Ok,
        moments,
    }
}

fn unit_rows() -> (Vec<UnitRow>, Vec<DefectRow>) {
    let (mut units, mut defects) = (Vec::new(), Vec::new());
    for number in 0..UNITS {
        let at = now() - SpanMs::seconds(number as i64 * 30);
        let production_line = LineId((number % 3) as u16);
        let defect = DefectType::ALL.get(pick(&[number, 1], 40) as usize).copied();
        units.push(UnitRow {
            unit_id: UnitId(number),
            production_line,
            at,
            product: ProductId((number % 3) as u16),
            verdict: if defect.is_some() { Verdict::Scrap } else { Verdict::Good },
            defects: i64::from(defect.is_some()),
        });
        defects.extend(defect.map(|defect_type| DefectRow {
            unit_id: UnitId(number),
            ordinal: 0,
            production_line,
            at,
            defect_type,
            score: PerMille(500 + pick(&[number, 2], 500) as i32),
            x: 1,
            y: 2,
            width: 30,
            height: 40,
        }));
    }
    (units, defects)
}

fn kpi_row(scope: Scope, start: EventMs, hours: i64, line: LineId) -> KpiRow {
    let busy = SpanMs::hours(hours);
    KpiRow {
        scope,
        start,
        end: start + busy,
        production_line: line,
        product: ProductId::ALL,
        inspected: 900 * hours,
        good: 870 * hours,
        rework: 10 * hours,
        scrap: 20 * hours,
        defective: 30 * hours,
        crack: 12 * hours,
        bubble: 18 * hours,
        chip: 0,
        cloudiness: 0,
        deformation: 0,
        stain: 0,
        stress_fracture: 0,
        production_s: SpanMs(busy.0 * 9 / 10),
        setup_s: SpanMs(0),
        down_s: SpanMs(busy.0 / 10),
        planned_stop_s: SpanMs(0),
        planned_run_s: SpanMs(busy.0 * 8 / 10),
        planned_good_s: SpanMs(busy.0 * 7 / 10),
    }
}

fn alert_row(number: u64, sensor: SensorId, def: &SensorDef) -> AlertRow {
    let raised_at = now() - SpanMs::minutes(5 + number as i64 * 3);
    let answered = number.is_multiple_of(2);
    AlertRow {
        alert_id: AlertId(number),
        raised_at,
        cleared_at: answered.then(|| raised_at + SpanMs::minutes(2)),
        severity: Severity::ALL[(number % 4) as usize],
        state: if answered { AlertState::Normal } else { AlertState::ActiveUnacknowledged },
        production_line: def.line,
        sensor_id: Some(sensor),
        equipment_id: Some(def.equipment),
        parameter_name: Some(def.parameter),
        rule_id: lehr_domain::RuleId(number as u32 % 3),
        message: "beyond its limit, \"high\"".to_owned(),
        recommended_action: "look, then act".to_owned(),
        peak: Some(Micro::units(1610)),
        limit: Some(Micro::units(1600)),
        acknowledged: answered,
        acknowledged_at: None,
        acknowledged_by: None,
        shelved_until: None,
        responded_at: answered.then(|| raised_at + SpanMs::minutes(number as i64)),
        note: None,
        events: 0,
        chattering: number == 3,
    }
}

fn root_cause_row(rank: u8, sensor: SensorId, def: &SensorDef) -> RootCauseRow {
    RootCauseRow {
        production_line: def.line,
        effect: Node::Defect(DefectType::Crack),
        incident: now() - SpanMs::minutes(30),
        rank,
        edge_id: EdgeId(0),
        root_cause_id: AlertId(u64::from(rank)),
        cause: Node::Parameter(def.parameter),
        direction: Direction::High,
        confidence: PerMille(850 - i32::from(rank)),
        deviation_sigmas: PerMille(7500),
        sensor_id: sensor,
        evidence_from: now() - SpanMs::minutes(60),
        evidence_to: now() - SpanMs::minutes(40),
        evidence_panes: 20,
        peak: Micro::units(1610),
        centre: Micro::units(1520),
        effects: 4,
        mechanism: "thermal stress".to_owned(),
        recommended_action: "lower the furnace".to_owned(),
    }
}

pub fn changes() -> Changes {
    let names = names();
    let sensors: Vec<(SensorId, &SensorDef)> = names.sensors().collect();
    let (first, def) = sensors[0];
    let (units, defects) = unit_rows();
    let hour = now().floor(SpanMs::hours(1));
    let lines: Vec<LineId> = names.lines().map(|(line, _)| line).chain([LineId::ALL]).collect();
    let panes: Vec<PaneRow> =
        sensors.iter().flat_map(|(id, _)| (0..PANES_PER_SENSOR).rev().map(|minute| pane_row(*id, minute))).collect();
    let feature = |pane: &PaneRow| FeatureRow {
        sensor_id: pane.sensor_id,
        window_s: SpanMs::minutes(1),
        start: pane.start,
        panes: 1,
        moments: pane.moments,
    };
    let stop = |line: &LineId, end: Option<EventMs>| MachineStateRow {
        production_line: *line,
        start: now() - SpanMs::minutes(90),
        end,
        state: MachineState::Down,
        product: ProductId(0),
        reason: "gob distributor jam".to_owned(),
    };
    Changes {
        sensors: rows(sensors.iter().map(|(id, def)| sensor_row(*id, def))),
        latest: rows(sensors.iter().map(|(id, _)| LatestRow {
            sensor_id: *id,
            at: now() - SpanMs::minutes(i64::from(id.0 % 9)),
            value: (id.0 % 5 != 0).then_some(Micro::units(12)),
            status: Status::Ok,
        })),
        features: rows(panes.iter().map(feature)),
        panes: rows(panes),
        units: rows(units),
        defects: rows(defects),
        machine_states: rows(vec![stop(&lines[0], Some(now() - SpanMs::minutes(60))), stop(&lines[1], None)]),
        kpis: rows(lines.iter().flat_map(|line| {
            [
                kpi_row(Scope::Hour, hour, 1, *line),
                kpi_row(Scope::Shift, hour - SpanMs::hours(7), 8, *line),
                kpi_row(Scope::Day, hour - SpanMs::hours(13), 24, *line),
            ]
        })),
        rules: rows((0..3).map(|id| RuleRow {
            rule_id: lehr_domain::RuleId(id),
            name: format!("rule {id}"),
            enabled: true,
            subject: lehr_domain::rule::Subject::EverySensor,
            condition: lehr_domain::rule::Check::Stuck { panes: 10 },
            severity: Severity::High,
            on_delay: 1,
            off_delay: 1,
            suppress_when_stopped: false,
            message: "stuck".to_owned(),
            advice: "look".to_owned(),
        })),
        alerts: rows((0..8).map(|number| alert_row(number, sensors[number as usize].0, sensors[number as usize].1))),
        alert_metrics: rows(lines[..3].iter().map(|line| AlertMetricRow {
            production_line: *line,
            start: hour,
            raised: 4,
            critical: 1,
            high: 1,
            medium: 1,
            low: 1,
            chattering: 0,
            peak_10_min: 3,
            flood: false,
            suppressed: 0,
        })),
        deviations: rows([DeviationRow {
            production_line: def.line,
            parameter_name: def.parameter,
            direction: Direction::High,
            start: now() - SpanMs::minutes(60),
            sensor_id: first,
            first: now() - SpanMs::minutes(60),
            last: now() - SpanMs::minutes(56),
            panes: 4,
            peak: Micro::units(1610),
            centre: Micro::units(1520),
            sigmas: PerMille(7500),
        }]),
        root_causes: rows((1..=3).map(|rank| root_cause_row(rank, first, def))),
        audit: rows([AuditRow {
            id: 1,
            at: now() - SpanMs::hours(1),
            by: "ada".to_owned(),
            action: "rule.update".to_owned(),
            subject: "rule 1".to_owned(),
            before: "1600".to_owned(),
            after: "1610".to_owned(),
            reason: "trial".to_owned(),
        }]),
        operator_events: rows([OperatorEventRow {
            id: 1,
            alert_id: AlertId(0),
            at: now() - SpanMs::hours(2),
            action: "acknowledge".to_owned(),
            by: "ada".to_owned(),
            reason: String::new(),
        }]),
        errors: rows([ErrorTableRow {
            id: 1,
            at: now() - SpanMs::hours(3),
            source: "http".to_owned(),
            reason: "value: is not a number".to_owned(),
            sample: "{}".to_owned(),
        }]),
        late: rows([LateTableRow {
            sensor_id: first,
            at: EventMs(0),
            arrived: now() - SpanMs::hours(1),
            value: Micro(1),
        }]),
        ..Changes::default()
    }
}

pub fn snapshot() -> Arc<Snapshot> {
    static FILLED: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
        let wall = now() + SpanMs::days(30);
        let filled = Snapshot::empty().apply(Tick(7), now(), wall, &names(), &changes());
        Arc::new(filled.expect("rows that are there once"))
    });
    FILLED.clone()
}

pub fn source() -> Source {
    Source { snapshot: snapshot(), history: None }
}

/// Asks within a runtime of its own, as the application would from one of its.
pub fn ask(queries: &Queries, sql: &str, source: &Source, limits: Limits) -> Result<QueryResult> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(queries.run(sql, source, limits))
}

/// Queries without a limit that a slow test machine could meet.
pub fn patient() -> Limits {
    Limits { time: Limits::MOST.time, ..Limits::default() }
}

pub fn answer(sql: &str, source: &Source) -> Result<QueryResult> {
    static QUERIES: LazyLock<Queries> = LazyLock::new(|| Queries::new(Resources::default()).expect("resources"));
    ask(&QUERIES, sql, source, patient())
}

/// The rows of an answer as JSON.
pub fn rows_of(sql: &str, source: &Source) -> Vec<serde_json::Value> {
    let result = answer(sql, source).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let json = result.to_json().expect("an answer in JSON");
    json["rows"].as_array().expect("rows").clone()
}
