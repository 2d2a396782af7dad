//! The base collections: of each key the row with the highest revision of all that came in time.

use lehr_domain::calendar::Calendar;
use lehr_domain::causal::Edge;
use lehr_domain::event::{Revised, SensorDef};
use lehr_domain::machine::{Product, Setpoint, StateChange};
use lehr_domain::operator::OperatorEvent;
use lehr_domain::rule::Rule;
use lehr_domain::unit::Unit;
use lehr_domain::{EdgeId, Event, EventKey, EventMs, Inputs, LineId, ProductId, RuleId, SensorId, SpanMs};
use std::collections::BTreeMap;

pub struct Base {
    retention: SpanMs,
    /// Rows older than this have left.
    low_water: EventMs,
    rows: BTreeMap<EventKey, Revised>,
    /// Time and line of every unit and state change that ever came.
    heard: Vec<(LineId, EventMs)>,
}

impl Base {
    pub fn new(retention: SpanMs) -> Base {
        Base { retention, low_water: EventMs::MIN, rows: BTreeMap::new(), heard: Vec::new() }
    }

    pub fn take(&mut self, inputs: &Inputs) {
        for new in &inputs.events {
            match &new.event {
                Event::Unit(unit) => self.heard.push((unit.line, unit.at)),
                Event::State(change) => self.heard.push((change.line, change.at)),
                _ => {}
            }
            let key = new.event.key();
            if self.rows.get(&key).is_none_or(|held| held < new) {
                self.rows.remove(&key);
                if self.is_in_time(new) {
                    self.rows.insert(key, new.clone());
                }
            }
        }
        self.low_water = self.low_water.max(inputs.low_water - self.retention);
        let low_water = self.low_water;
        self.rows.retain(|_, row| row.event.event_time().is_none_or(|at| at >= low_water));
    }

    fn is_in_time(&self, row: &Revised) -> bool {
        row.event.event_time().is_none_or(|at| at >= self.low_water)
    }

    /// The full hour before which units have left, if any have.
    pub fn left(&self) -> Option<EventMs> {
        let hour = 3_600_000;
        (self.low_water > EventMs(0)).then(|| EventMs((self.low_water.0 + hour - 1) / hour * hour))
    }

    pub fn facts(&self) -> impl Iterator<Item = &Revised> {
        self.rows.values()
    }

    pub fn rows(&self) -> impl Iterator<Item = &Event> {
        self.rows.values().map(|row| &row.event)
    }

    pub fn heard(&self) -> impl Iterator<Item = (LineId, EventMs)> {
        self.heard.iter().copied()
    }

    pub fn sensors(&self) -> BTreeMap<SensorId, &SensorDef> {
        self.rows().filter_map(|row| if let Event::Sensor(id, def) = row { Some((*id, def)) } else { None }).collect()
    }

    pub fn rules(&self) -> BTreeMap<RuleId, &Rule> {
        let rules =
            self.rows().filter_map(|row| if let Event::Rule(id, rule) = row { Some((*id, rule)) } else { None });
        rules.filter_map(|(id, rule)| Some((id, rule.as_ref()?))).collect()
    }

    pub fn edges(&self) -> BTreeMap<EdgeId, &Edge> {
        let edges =
            self.rows().filter_map(|row| if let Event::Edge(id, edge) = row { Some((*id, edge)) } else { None });
        edges.filter_map(|(id, edge)| Some((id, edge.as_ref()?))).collect()
    }

    pub fn products(&self) -> BTreeMap<ProductId, &Product> {
        self.rows().filter_map(|row| if let Event::Product(id, def) = row { Some((*id, def)) } else { None }).collect()
    }

    pub fn lines(&self) -> Vec<LineId> {
        self.rows().filter_map(|row| if let Event::Line(id, _) = row { Some(*id) } else { None }).collect()
    }

    pub fn calendar(&self) -> Option<&Calendar> {
        self.rows().find_map(|row| if let Event::Calendar(calendar) = row { Some(calendar) } else { None })
    }

    pub fn setpoints(&self) -> Vec<Setpoint> {
        self.rows().filter_map(|row| if let Event::Setpoint(row) = row { Some(*row) } else { None }).collect()
    }

    pub fn states(&self) -> Vec<&StateChange> {
        self.rows().filter_map(|row| if let Event::State(row) = row { Some(row) } else { None }).collect()
    }

    pub fn units(&self) -> Vec<&Unit> {
        self.rows().filter_map(|row| if let Event::Unit(row) = row { Some(row) } else { None }).collect()
    }

    pub fn operator(&self) -> Vec<&OperatorEvent> {
        self.rows().filter_map(|row| if let Event::Operator(row) = row { Some(row) } else { None }).collect()
    }
}
