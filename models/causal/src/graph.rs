//! The causal graph: a directed graph without cycles from equipment over parameters to defects.
//!
//! Invariants: every edge passed [`CausalGraph::check`]; a node is there exactly while an edge touches it.
//! Parallel edges between two nodes are normal: one a direction of deviation.

use crate::CausalError;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::names::Names;
use lehr_domain::unit::DefectType;
use lehr_domain::{EdgeId, PerMille};
use petgraph::Direction::Incoming;
use petgraph::algo::astar;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};
use std::collections::{BTreeMap, BTreeSet};

/// The text of a node.
pub fn label(node: Node, names: &Names) -> &str {
    match node {
        Node::Equipment(id) => names.equipment(id),
        Node::Parameter(id) => names.parameter(id),
        Node::Defect(defect) => defect.text(),
    }
}

#[derive(Clone, Debug, Default)]
pub struct CausalGraph {
    graph: StableDiGraph<Node, (EdgeId, Edge)>,
    nodes: BTreeMap<Node, NodeIndex>,
    edges: BTreeMap<EdgeId, EdgeIndex>,
}

/// What lies upstream of a node: nodes with their distance from it, nearest first, and the edges between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subgraph {
    pub nodes: Vec<(Node, usize)>,
    pub edges: Vec<(EdgeId, Edge)>,
}

impl CausalGraph {
    /// The most edges taken. A plant has hundreds; every check and answer walks at most all of them.
    pub const MAX_EDGES: usize = 10_000;
    /// The most paths that [`CausalGraph::paths`] gives: their number may grow exponentially with the edges.
    pub const MAX_PATHS: usize = 1_000;

    pub fn from_edges(
        names: &Names,
        edges: impl IntoIterator<Item = (EdgeId, Edge)>,
    ) -> Result<CausalGraph, CausalError> {
        let mut graph = CausalGraph::default();
        for (id, edge) in edges {
            graph.insert(names, id, edge)?;
        }
        Ok(graph)
    }

    pub fn insert(&mut self, names: &Names, id: EdgeId, edge: Edge) -> Result<(), CausalError> {
        if self.edges.contains_key(&id) {
            return Err(CausalError::Exists(id));
        }
        self.check(names, id, &edge)?;
        let (cause, effect) = (self.node(edge.cause), self.node(edge.effect));
        self.edges.insert(id, self.graph.add_edge(cause, effect, (id, edge)));
        Ok(())
    }

    /// Puts `edge` in place of the one with this number, which is given back. A refused edge leaves the old
    /// one in place.
    pub fn replace(&mut self, names: &Names, id: EdgeId, edge: Edge) -> Result<Edge, CausalError> {
        if !self.edges.contains_key(&id) {
            return Err(CausalError::Unknown(id));
        }
        self.check(names, id, &edge)?;
        let old = self.remove(id)?;
        self.insert(names, id, edge)?;
        Ok(old)
    }

    pub fn remove(&mut self, id: EdgeId) -> Result<Edge, CausalError> {
        let index = self.edges.remove(&id).ok_or(CausalError::Unknown(id))?;
        let (_, edge) = self.graph.remove_edge(index).expect("`edges` lists the edges of the graph");
        for node in [edge.cause, edge.effect] {
            let Some(&index) = self.nodes.get(&node) else { continue };
            if self.graph.neighbors_undirected(index).next().is_none() {
                self.graph.remove_node(index);
                self.nodes.remove(&node);
            }
        }
        Ok(edge)
    }

    pub fn get(&self, id: EdgeId) -> Option<&Edge> {
        self.graph.edge_weight(*self.edges.get(&id)?).map(|(_, edge)| edge)
    }

    /// All edges by number.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.edges.values().filter_map(|index| self.graph.edge_weight(*index)).map(|(id, edge)| (*id, edge))
    }

    /// Whether `edge` could be edge `id`, in place of the one that may be there now.
    pub fn check(&self, names: &Names, id: EdgeId, edge: &Edge) -> Result<(), CausalError> {
        let (cause, effect) = (label(edge.cause, names), label(edge.effect, names));
        let entry = format!("edge {} ({cause} → {effect})", id.0);
        if self.edges.len() >= Self::MAX_EDGES && !self.edges.contains_key(&id) {
            return Err(CausalError::Full(self.edges.len()));
        }
        if matches!(edge.cause, Node::Defect(_)) {
            return Err(CausalError::field(&entry, "cause", cause, "is a defect; name equipment or a parameter"));
        }
        if matches!(edge.effect, Node::Equipment(_)) {
            return Err(CausalError::field(&entry, "effect", effect, "is equipment; name a parameter or a defect"));
        }
        if !(PerMille(0)..=PerMille::ONE).contains(&edge.confidence) {
            return Err(CausalError::field(&entry, "confidence", edge.confidence.to_f64(), "must lie in 0 to 1"));
        }
        if edge.lag_min.0 < 0 || edge.lag_min > edge.lag_max {
            let lags = format!("{} ms", edge.lag_min.0);
            return Err(CausalError::field(&entry, "lag_min", lags, "must lie between 0 and lag_max"));
        }
        if edge.lag_max > Edge::MAX_LAG {
            let lags = format!("{} ms", edge.lag_max.0);
            let why = format!("must be at most {} h", Edge::MAX_LAG.0 / 3_600_000);
            return Err(CausalError::field(&entry, "lag_max", lags, why));
        }
        match self.way_back(id, edge) {
            Some(path) => {
                let texts: Vec<&str> = path.into_iter().map(|node| label(node, names)).collect();
                Err(CausalError::Cycle { entry, path: texts.join(" → ") })
            }
            None => Ok(()),
        }
    }

    /// The shortest cycle that `edge` would close, not counting the edge that it replaces.
    fn way_back(&self, id: EdgeId, edge: &Edge) -> Option<Vec<Node>> {
        if edge.cause == edge.effect {
            return Some(vec![edge.cause, edge.effect]);
        }
        let (start, goal) = (*self.nodes.get(&edge.effect)?, *self.nodes.get(&edge.cause)?);
        let others = petgraph::visit::EdgeFiltered::from_fn(&self.graph, |other| other.weight().0 != id);
        let (_, path) = astar(&others, start, |node| node == goal, |_| 1_usize, |_| 0)?;
        Some(std::iter::once(edge.cause).chain(path.into_iter().map(|index| self.graph[index])).collect())
    }

    fn node(&mut self, node: Node) -> NodeIndex {
        *self.nodes.entry(node).or_insert_with(|| self.graph.add_node(node))
    }

    fn causes_of(&self, node: Node) -> Vec<&(EdgeId, Edge)> {
        let Some(&index) = self.nodes.get(&node) else { return Vec::new() };
        let mut found: Vec<_> = self.graph.edges_directed(index, Incoming).map(|edge| edge.weight()).collect();
        found.sort_unstable_by_key(|(id, _)| *id);
        found
    }

    /// What leads to `node` over at most `max_depth` edges. Empty when no edge touches the node.
    pub fn subgraph(&self, node: Node, max_depth: usize) -> Subgraph {
        let mut found = Subgraph::default();
        if !self.nodes.contains_key(&node) {
            return found;
        }
        let mut seen = BTreeSet::from([node]);
        let mut ring = vec![node];
        found.nodes.push((node, 0));
        for depth in 1..=max_depth {
            let mut next = Vec::new();
            for (id, edge) in ring.iter().flat_map(|effect| self.causes_of(*effect)) {
                found.edges.push((*id, edge.clone()));
                if seen.insert(edge.cause) {
                    next.push(edge.cause);
                }
            }
            if next.is_empty() {
                break;
            }
            next.sort_unstable();
            found.nodes.extend(next.iter().map(|node| (*node, depth)));
            ring = next;
        }
        found.edges.sort_unstable();
        found
    }

    /// The ways from `from` to `to` over at most `max_edges` edges, as edge numbers from cause to effect,
    /// shortest first; at most [`CausalGraph::MAX_PATHS`].
    pub fn paths(&self, from: Node, to: Node, max_edges: usize) -> Vec<Vec<EdgeId>> {
        let mut found = Vec::new();
        // Backwards from the effect, breadth first: without cycles every partial way is simple.
        let mut ring: Vec<(Node, Vec<EdgeId>)> = vec![(to, Vec::new())];
        for _ in 0..max_edges {
            let mut next = Vec::new();
            for (node, way) in &ring {
                for (id, edge) in self.causes_of(*node) {
                    let longer: Vec<EdgeId> = std::iter::once(*id).chain(way.iter().copied()).collect();
                    if edge.cause == from {
                        found.push(longer);
                    } else if next.len() < Self::MAX_PATHS {
                        next.push((edge.cause, longer));
                    }
                }
            }
            if next.is_empty() || found.len() >= Self::MAX_PATHS {
                break;
            }
            ring = next;
        }
        found.truncate(Self::MAX_PATHS);
        found
    }

    /// What an engineer should look at: edges that can never be matched, and defects that nothing explains.
    /// None of it prevents use.
    pub fn validate(&self, names: &Names) -> Vec<String> {
        let mut remarks = Vec::new();
        for (id, edge) in self.edges() {
            let Node::Parameter(parameter) = edge.cause else { continue };
            let cause = names.parameter(parameter);
            let mut sensors = names.sensors().filter(|(_, def)| def.parameter == parameter).peekable();
            if sensors.peek().is_none() {
                remarks.push(format!("edge {}: no sensor measures {cause}", id.0));
            }
            for (sensor, def) in sensors {
                let (Some(threshold), Some(target)) = (edge.threshold, def.target) else { continue };
                let reached = match edge.direction {
                    Direction::High => target >= threshold,
                    Direction::Low => target <= threshold,
                    Direction::Variation => false,
                };
                if reached {
                    let sensor = names.sensor(sensor);
                    remarks.push(format!("edge {}: the set-point of {sensor}, {target}, is beyond {threshold}", id.0));
                }
            }
        }
        for defect in DefectType::ALL {
            if self.causes_of(Node::Defect(defect)).is_empty() {
                remarks.push(format!("no edge explains {}", defect.text()));
            }
        }
        remarks
    }
}

#[cfg(test)]
mod tests;
