//! The variables of a server, for whoever maps them to sensors.

use crate::config::Config;
use crate::node::{NodeError, NodeName, written};
use crate::open::{PeerError, briefly};
use opcua::client::Session;
use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, BrowseResult, BrowseResultMask, EUInformation, Error,
    NamespaceMap, NodeClass, NodeClassMask, NodeId, ObjectId, ReadValueId, ReferenceDescription, ReferenceTypeId,
    TimestampsToReturn, Variant,
};
use std::collections::HashSet;
use std::time::Duration;

const BROWSE_MOST: Duration = Duration::from_secs(60);
/// Nodes that are browsed in one call, and references of each that come at once.
const NODES_A_CALL: usize = 100;
const REFERENCES_AT_ONCE: u32 = 1000;

/// How much of a server is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Steps below the start.
    pub depth: usize,
    /// Nodes in all. What is beyond is left out.
    pub nodes: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { depth: 10, nodes: 20_000 }
    }
}

/// A node and what is below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// As a tag's `node` is written.
    pub node: String,
    pub name: String,
    pub kind: Kind,
    pub below: Vec<Found>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Folder,
    /// Its data type, the number of elements of an array (0: not known), and its unit where the server says one.
    Variable {
        data_type: String,
        array: Option<u32>,
        unit: Option<String>,
    },
}

/// What is below `start`, or below the server's objects. Servers' own nodes (namespace 0) are left out.
pub async fn browse(config: &Config, start: Option<&str>, bounds: Bounds) -> Result<Found, PeerError> {
    config.check_peer().map_err(|error| PeerError::Said(error.to_string()))?;
    let start = start.map(str::parse::<NodeName>).transpose().map_err(said)?;
    briefly(config, BROWSE_MOST, async |session| {
        let failed = |error: Error| PeerError::Said(format!("browsing failed: {error}"));
        let namespaces = session.read_namespace_array().await.map_err(failed)?;
        let start = match &start {
            Some(name) => name.resolve(&namespaces).map_err(said)?,
            None => ObjectId::ObjectsFolder.into(),
        };
        let mut nodes = walk(session, start, bounds).await.map_err(failed)?;
        describe(session, &mut nodes).await.map_err(failed)?;
        Ok(tree(&nodes, 0, &namespaces))
    })
    .await
}

fn said(error: NodeError) -> PeerError {
    PeerError::Said(format!("start: {error}"))
}

/// A node on the way, its parent before it in the list.
struct Node {
    id: NodeId,
    name: String,
    variable: bool,
    children: Vec<usize>,
    unit_at: Option<NodeId>,
    data_type: String,
    array: Option<u32>,
    unit: Option<String>,
}

impl Node {
    fn new(id: NodeId, name: String, variable: bool) -> Node {
        Node {
            id,
            name,
            variable,
            children: Vec::new(),
            unit_at: None,
            data_type: String::new(),
            array: None,
            unit: None,
        }
    }
}

/// Level by level, each node once however many ways lead to it.
async fn walk(session: &Session, start: NodeId, bounds: Bounds) -> Result<Vec<Node>, Error> {
    let mut seen: HashSet<NodeId> = HashSet::from([start.clone()]);
    let mut nodes = vec![Node::new(start, String::new(), false)];
    let mut level = vec![0];
    for _ in 0..bounds.depth {
        let mut next = Vec::new();
        for parents in level.chunks(NODES_A_CALL) {
            let ids: Vec<NodeId> = parents.iter().map(|parent| nodes[*parent].id.clone()).collect();
            for (parent, references) in parents.iter().copied().zip(references(session, &ids).await?) {
                for reference in references {
                    let id = reference.node_id.node_id.clone();
                    if reference.reference_type_id == ReferenceTypeId::HasProperty {
                        if reference.browse_name.name.as_ref() == "EngineeringUnits" {
                            nodes[parent].unit_at = Some(id);
                        }
                        continue;
                    }
                    if id.namespace == 0 || nodes.len() >= bounds.nodes || !seen.insert(id.clone()) {
                        continue;
                    }
                    let variable = reference.node_class == NodeClass::Variable;
                    nodes.push(Node::new(id, reference.browse_name.name.to_string(), variable));
                    let child = nodes.len() - 1;
                    nodes[parent].children.push(child);
                    next.push(child);
                }
            }
        }
        level = next;
    }
    Ok(nodes)
}

async fn references(session: &Session, ids: &[NodeId]) -> Result<Vec<Vec<ReferenceDescription>>, Error> {
    let descriptions: Vec<BrowseDescription> = ids
        .iter()
        .map(|id| BrowseDescription {
            node_id: id.clone(),
            browse_direction: BrowseDirection::Forward,
            reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
            include_subtypes: true,
            node_class_mask: (NodeClassMask::OBJECT | NodeClassMask::VARIABLE).bits(),
            result_mask: BrowseResultMask::All as u32,
        })
        .collect();
    let mut all: Vec<Vec<ReferenceDescription>> = Vec::with_capacity(ids.len());
    for result in session.browse(&descriptions, REFERENCES_AT_ONCE, None).await? {
        let mut found = result.references.unwrap_or_default();
        let mut more = result.continuation_point;
        while !more.is_null_or_empty() {
            let Some(BrowseResult { references, continuation_point, .. }) =
                session.browse_next(false, &[more]).await?.into_iter().next()
            else {
                break;
            };
            found.extend(references.unwrap_or_default());
            more = continuation_point;
        }
        all.push(found);
    }
    all.resize_with(ids.len(), Vec::new);
    Ok(all)
}

/// Data types, ranks and units of the variables.
async fn describe(session: &Session, nodes: &mut [Node]) -> Result<(), Error> {
    let variables: Vec<usize> = (0..nodes.len()).filter(|node| nodes[*node].variable).collect();
    for chunk in variables.chunks(NODES_A_CALL) {
        let mut asked = Vec::new();
        for node in chunk {
            for attribute in [AttributeId::DataType, AttributeId::ValueRank, AttributeId::ArrayDimensions] {
                asked.push(ReadValueId::new(nodes[*node].id.clone(), attribute));
            }
            let unit = nodes[*node].unit_at.clone().unwrap_or_default();
            asked.push(ReadValueId::new(unit, AttributeId::Value));
        }
        let mut values = session.read(&asked, TimestampsToReturn::Neither, 0.0).await?.into_iter();
        for node in chunk {
            let mut value = || values.next().and_then(|value| value.value);
            let (data_type, rank, dimensions, unit) = (value(), value(), value(), value());
            let node = &mut nodes[*node];
            node.data_type = match data_type {
                Some(Variant::NodeId(id)) => type_name(&id),
                _ => "?".to_owned(),
            };
            node.array = match (rank, dimensions) {
                (Some(Variant::Int32(-1)), _) => None,
                (_, Some(Variant::Array(sizes))) => Some(elements(&sizes.values)),
                (Some(Variant::Int32(rank)), _) if rank >= 0 => Some(0),
                _ => None,
            };
            node.unit = unit.as_ref().and_then(unit_name);
        }
    }
    Ok(())
}

fn elements(sizes: &[Variant]) -> u32 {
    let size = |value: &Variant| if let Variant::UInt32(size) = value { *size } else { 0 };
    sizes.iter().map(size).fold(1, u32::saturating_mul)
}

fn type_name(id: &NodeId) -> String {
    match id.as_data_type_id() {
        Ok(known) => format!("{known:?}"),
        Err(_) => id.to_string(),
    }
}

fn unit_name(value: &Variant) -> Option<String> {
    let Variant::ExtensionObject(object) = value else { return None };
    let unit = object.inner_as::<EUInformation>()?.display_name.text.to_string();
    (!unit.is_empty()).then_some(unit)
}

fn tree(nodes: &[Node], at: usize, namespaces: &NamespaceMap) -> Found {
    let node = &nodes[at];
    let kind = match node.variable {
        false => Kind::Folder,
        true => Kind::Variable { data_type: node.data_type.clone(), array: node.array, unit: node.unit.clone() },
    };
    let below = node.children.iter().map(|child| tree(nodes, *child, namespaces)).collect();
    Found { node: written(&node.id, namespaces), name: node.name.clone(), kind, below }
}

impl Found {
    /// All variables, each with the names on the way to it.
    pub fn variables(&self) -> Vec<(Vec<&str>, &Found)> {
        let mut found = Vec::new();
        self.gather(&mut Vec::new(), &mut found);
        found
    }

    fn gather<'f>(&'f self, path: &mut Vec<&'f str>, into: &mut Vec<(Vec<&'f str>, &'f Found)>) {
        path.push(&self.name);
        if let Kind::Variable { .. } = self.kind {
            into.push((path.clone(), self));
        }
        self.below.iter().for_each(|child| child.gather(path, into));
        path.pop();
    }
}
