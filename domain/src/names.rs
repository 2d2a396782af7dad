//! The texts and definitions behind the ids.

use crate::event::{EquipmentDef, Event, SensorDef};
use crate::machine::Product;
use crate::{EdgeId, EquipmentId, LineId, ParameterId, ProductId, SensorId};
use std::collections::BTreeMap;

/// Every name that was registered so far. Ids are positions, given in order of registration; an id without
/// a name reads as its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    lines: Vec<String>,
    parameters: Vec<String>,
    equipment: Vec<Option<EquipmentDef>>,
    products: Vec<Option<Product>>,
    sensors: Vec<Option<SensorDef>>,
    sensor_ids: BTreeMap<String, SensorId>,
    /// Of causal edges, the number above all that were ever given.
    free_edge: EdgeId,
}

fn place<T: Clone + Default>(list: &mut Vec<T>, index: usize, value: T) {
    if list.len() <= index {
        list.resize(index + 1, T::default());
    }
    list[index] = value;
}

impl Names {
    /// Takes note of a registration; other events change nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Line(id, name) => place(&mut self.lines, id.index(), name.clone()),
            Event::Parameter(id, name) => place(&mut self.parameters, id.index(), name.clone()),
            Event::Equipment(id, def) => place(&mut self.equipment, id.index(), Some(def.clone())),
            Event::Product(id, def) => place(&mut self.products, id.index(), Some(def.clone())),
            Event::Sensor(id, def) => {
                self.sensor_ids.insert(def.name.clone(), *id);
                place(&mut self.sensors, id.index(), Some(def.clone()));
            }
            Event::Edge(id, _) => self.free_edge = self.free_edge.max(EdgeId(id.0.saturating_add(1))),
            _ => {}
        }
    }

    /// A number for a causal edge that none ever had: that of an edge that was removed stays its own.
    pub fn free_edge(&self) -> EdgeId {
        self.free_edge
    }

    pub fn line(&self, id: LineId) -> &str {
        if id == LineId::ALL {
            return "all";
        }
        self.lines.get(id.index()).map_or("?", String::as_str)
    }

    pub fn parameter(&self, id: ParameterId) -> &str {
        self.parameters.get(id.index()).map_or("?", String::as_str)
    }

    pub fn equipment(&self, id: EquipmentId) -> &str {
        self.equipment_def(id).map_or("?", |def| def.name.as_str())
    }

    pub fn equipment_def(&self, id: EquipmentId) -> Option<&EquipmentDef> {
        self.equipment.get(id.index())?.as_ref()
    }

    pub fn product(&self, id: ProductId) -> &str {
        if id == ProductId::ALL {
            return "all";
        }
        self.product_def(id).map_or("?", |def| def.name.as_str())
    }

    pub fn product_def(&self, id: ProductId) -> Option<&Product> {
        self.products.get(id.index())?.as_ref()
    }

    pub fn sensor(&self, id: SensorId) -> &str {
        self.sensor_def(id).map_or("?", |def| def.name.as_str())
    }

    pub fn sensor_def(&self, id: SensorId) -> Option<&SensorDef> {
        self.sensors.get(id.index())?.as_ref()
    }

    /// The unit in which a line's sensors measure a parameter; empty when none does.
    pub fn unit(&self, line: LineId, parameter: ParameterId) -> &str {
        let mut sensors = self.sensors();
        let sensor = sensors.find(|(_, def)| def.line == line && def.parameter == parameter);
        sensor.map_or("", |(_, def)| def.unit.as_str())
    }

    pub fn sensor_id(&self, name: &str) -> Option<SensorId> {
        self.sensor_ids.get(name).copied()
    }

    pub fn line_id(&self, name: &str) -> Option<LineId> {
        position(self.lines.iter().map(Some), name, String::as_str).map(|i| LineId(i as u16))
    }

    pub fn parameter_id(&self, name: &str) -> Option<ParameterId> {
        position(self.parameters.iter().map(Some), name, String::as_str).map(|i| ParameterId(i as u16))
    }

    pub fn equipment_id(&self, name: &str) -> Option<EquipmentId> {
        position(self.equipment.iter().map(Option::as_ref), name, |d| &d.name).map(|i| EquipmentId(i as u16))
    }

    pub fn product_id(&self, name: &str) -> Option<ProductId> {
        position(self.products.iter().map(Option::as_ref), name, |d| &d.name).map(|i| ProductId(i as u16))
    }

    pub fn lines(&self) -> impl Iterator<Item = (LineId, &str)> {
        self.lines.iter().enumerate().map(|(i, name)| (LineId(i as u16), name.as_str()))
    }

    pub fn parameters(&self) -> impl Iterator<Item = (ParameterId, &str)> {
        self.parameters.iter().enumerate().map(|(i, name)| (ParameterId(i as u16), name.as_str()))
    }

    pub fn equipments(&self) -> impl Iterator<Item = (EquipmentId, &EquipmentDef)> {
        self.equipment.iter().enumerate().filter_map(|(i, def)| Some((EquipmentId(i as u16), def.as_ref()?)))
    }

    pub fn products(&self) -> impl Iterator<Item = (ProductId, &Product)> {
        self.products.iter().enumerate().filter_map(|(i, def)| Some((ProductId(i as u16), def.as_ref()?)))
    }

    pub fn sensors(&self) -> impl Iterator<Item = (SensorId, &SensorDef)> {
        self.sensors.iter().enumerate().filter_map(|(i, def)| Some((SensorId(i as u32), def.as_ref()?)))
    }
}

fn position<'a, T: 'a>(
    list: impl Iterator<Item = Option<&'a T>>,
    name: &str,
    text: impl Fn(&T) -> &str,
) -> Option<usize> {
    list.enumerate().find(|(_, entry)| entry.is_some_and(|entry| text(entry) == name)).map(|(index, _)| index)
}
