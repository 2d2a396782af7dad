//! Names: `spBv1.0/group/type/edge node/device`.

use std::fmt;
use std::str::FromStr;

pub const NAMESPACE: &str = "spBv1.0";

/// Kinds of messages between a host and edge nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    NodeBirth,
    NodeDeath,
    NodeData,
    NodeCommand,
    DeviceBirth,
    DeviceDeath,
    DeviceData,
    DeviceCommand,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::NodeBirth, "NBIRTH"),
    (Kind::NodeDeath, "NDEATH"),
    (Kind::NodeData, "NDATA"),
    (Kind::NodeCommand, "NCMD"),
    (Kind::DeviceBirth, "DBIRTH"),
    (Kind::DeviceDeath, "DDEATH"),
    (Kind::DeviceData, "DDATA"),
    (Kind::DeviceCommand, "DCMD"),
];

impl Kind {
    fn of_device(self) -> bool {
        matches!(self, Kind::DeviceBirth | Kind::DeviceDeath | Kind::DeviceData | Kind::DeviceCommand)
    }

    pub fn text(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, text)| text)
    }
}

/// Whether a name can be one of a group, edge node, device or host.
pub fn check_id(id: &str) -> Result<(), &'static str> {
    match id {
        "" => Err("it is empty"),
        id if id.contains(['/', '+', '#', '\0']) => Err("it must hold no / + #"),
        _ => Ok(()),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    pub group: String,
    pub node: String,
}

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.group, self.node)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub kind: Kind,
    pub node: NodeId,
    pub device: Option<String>,
}

impl Topic {
    pub fn of_node(kind: Kind, node: &NodeId) -> Topic {
        Topic { kind, node: node.clone(), device: None }
    }

    pub fn of_device(kind: Kind, node: &NodeId, device: &str) -> Topic {
        Topic { kind, node: node.clone(), device: Some(device.to_owned()) }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{NAMESPACE}/{}/{}/{}", self.node.group, self.kind.text(), self.node.node)?;
        self.device.as_ref().map_or(Ok(()), |device| write!(out, "/{device}"))
    }
}

impl FromStr for Topic {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Topic, &'static str> {
        let mut parts = text.split('/');
        let (Some(NAMESPACE), Some(group), Some(kind), Some(node)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("it is not spBv1.0/group/type/edge node");
        };
        let (device, None) = (parts.next(), parts.next()) else { return Err("it has too many parts") };
        let (kind, _) = KINDS.into_iter().find(|(_, name)| *name == kind).ok_or("its type is not known")?;
        for id in [Some(group), Some(node), device].into_iter().flatten() {
            check_id(id)?;
        }
        if kind.of_device() != device.is_some() {
            return Err(if kind.of_device() { "its type needs a device" } else { "its type has no device" });
        }
        let node = NodeId { group: group.to_owned(), node: node.to_owned() };
        Ok(Topic { kind, node, device: device.map(str::to_owned) })
    }
}

/// A metric as a configuration names it: `group/edge node/device/metric`. The metric's own name may hold slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricAddress {
    pub node: NodeId,
    /// `None` for a metric of the edge node itself.
    pub device: Option<String>,
    pub metric: String,
}

impl fmt::Display for MetricAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.node, self.device.as_deref().unwrap_or_default(), self.metric)
    }
}

impl FromStr for MetricAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<MetricAddress, String> {
        let mut parts = text.splitn(4, '/');
        let (Some(group), Some(node), Some(device), Some(metric)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let must = "it must be group/edge node/device/metric, or group/edge node//metric for the edge node's own";
            return Err(must.to_owned());
        };
        for (what, id) in [("group", group), ("edge node", node)] {
            check_id(id).map_err(|why| format!("{what}: {why}"))?;
        }
        if metric.is_empty() {
            return Err("metric: it is empty".to_owned());
        }
        let device = (!device.is_empty()).then(|| device.to_owned());
        let node = NodeId { group: group.to_owned(), node: node.to_owned() };
        Ok(MetricAddress { node, device, metric: metric.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn topics_are_read_and_written() {
        for text in ["spBv1.0/Plant/NBIRTH/Furnace", "spBv1.0/Plant/DDATA/Furnace/Crown"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for text in [
            "spAv1.0/Plant/NBIRTH/Furnace",
            "spBv1.0/Plant/NBIRTH/Furnace/Crown",
            "spBv1.0/Plant/DDATA/Furnace",
            "spBv1.0/Plant/NOISE/Furnace",
            "spBv1.0//NBIRTH/Furnace",
            "spBv1.0/STATE/lehr",
            "spBv1.0/Plant/DDATA/Furnace/Crown/more",
        ] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_metrics_may_hold_slashes_and_no_device() {
        let address: MetricAddress = "Plant/Furnace/Crown/Zone 1/Temperature".parse().unwrap();
        assert_eq!((address.device.as_deref(), address.metric.as_str()), (Some("Crown"), "Zone 1/Temperature"));
        let own: MetricAddress = "Plant/Furnace//Node Info/Load".parse().unwrap();
        assert_eq!((own.device.as_deref(), own.metric.as_str()), (None, "Node Info/Load"));
        assert_eq!(own.to_string(), "Plant/Furnace//Node Info/Load");
        assert!("Plant/Furnace/Temperature".parse::<MetricAddress>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_topic_or_none(text in ".{0,60}") {
            if let Ok(topic) = text.parse::<Topic>() {
                prop_assert_eq!(topic.to_string(), text);
            }
        }
    }
}
