//! What departed, what is to be explained, and by what.

use lehr_domain::causal::{Direction, Node};
use lehr_domain::ids::stable_hash;
use lehr_domain::{AlertId, EdgeId, EventMs, LineId, Micro, ParameterId, PerMille, SensorId, SpanMs, table};

table! {
    /// Panes of a sensor that departed from the set-point, summed up per five minutes of event time.
    pub struct DeviationRow in "deviations" {
        /// Production line.
        pub production_line: LineId,
        /// What is measured.
        pub parameter_name: ParameterId,
        /// high, low or variation.
        pub direction: Direction,
        /// Start of the five minutes.
        pub start: EventMs,
        /// Sensor.
        pub sensor_id: SensorId,
        /// Start of the first deviating pane.
        pub first: EventMs,
        /// End of the last deviating pane.
        pub last: EventMs,
        /// Deviating panes.
        pub panes: i64,
        /// The most extreme pane mean (for variation: the greatest variation).
        pub peak: Micro,
        /// The set-point at that pane (for variation: the normal variation).
        pub centre: Micro,
        /// Greatest deviation, in σ.
        pub sigmas: PerMille,
    }
}

table! {
    /// Defects and alerted parameters to be explained, per line and 15 minutes of event time.
    pub struct IncidentRow in "incidents" {
        /// Production line.
        pub production_line: LineId,
        /// Defect type or parameter.
        pub effect: Node,
        /// Start of the 15 minutes.
        pub start: EventMs,
        /// First occurrence.
        pub first: EventMs,
        /// Last occurrence.
        pub last: EventMs,
        /// Occurrences: defects found, or alerts raised.
        pub count: i64,
    }
}

table! {
    /// The top three likely causes of each incident.
    pub struct RootCauseRow in "root_causes" {
        /// Production line.
        pub production_line: LineId,
        /// Defect type or parameter that is explained.
        pub effect: Node,
        /// Start of the incident's 15 minutes.
        pub incident: EventMs,
        /// 1 is the likeliest.
        pub rank: u8,
        /// The causal edge that was followed.
        pub edge_id: EdgeId,
        /// Made from incident and edge; the same inputs give the same id.
        pub root_cause_id: AlertId,
        /// What deviated.
        pub cause: Node,
        /// In which way.
        pub direction: Direction,
        /// Confidence, 0 to 1.
        pub confidence: PerMille,
        /// Greatest deviation inside the lag window, in σ.
        pub deviation_sigmas: PerMille,
        /// Sensor that shows it.
        pub sensor_id: SensorId,
        /// First deviating pane inside the lag window.
        pub evidence_from: EventMs,
        /// End of the last deviating pane inside the lag window.
        pub evidence_to: EventMs,
        /// Deviating panes inside the lag window.
        pub evidence_panes: i64,
        /// The most extreme value among them.
        pub peak: Micro,
        /// What it should have been.
        pub centre: Micro,
        /// Occurrences explained.
        pub effects: i64,
        /// Why the one leads to the other.
        pub mechanism: String,
        /// What to do.
        pub recommended_action: String,
    }
}

impl RootCauseRow {
    /// The id of what is told of an incident and an edge.
    pub fn id_of(line: LineId, effect: Node, incident: EventMs, edge: EdgeId) -> AlertId {
        let (kind, number) = match effect {
            Node::Equipment(id) => (0, u64::from(id.0)),
            Node::Parameter(id) => (1, u64::from(id.0)),
            Node::Defect(defect) => (2, defect as u64),
        };
        AlertId(stable_hash(&[u64::from(line.0), kind, number, incident.0 as u64, u64::from(edge.0)]))
    }
}

table! {
    /// The causal graph's edges.
    pub struct EdgeRow in "edges" {
        /// Number.
        pub edge_id: EdgeId,
        /// What deviates.
        pub cause: Node,
        /// What it leads to.
        pub effect: Node,
        /// In which way the cause deviates.
        pub direction: Direction,
        /// Value at which the effect is established.
        pub threshold: Option<Micro>,
        /// How sure the knowledge base is, 0 to 1.
        pub confidence: PerMille,
        /// Least seconds from cause to effect.
        pub lag_min_s: SpanMs,
        /// Most seconds from cause to effect.
        pub lag_max_s: SpanMs,
        /// Why.
        pub mechanism: String,
        /// What to do.
        pub advice: String,
    }
}
