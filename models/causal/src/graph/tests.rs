use super::*;
use crate::KnowledgeBase;
use lehr_domain::SpanMs;
use lehr_domain::catalogue::{self, Catalogue};

fn plant() -> Names {
    Catalogue::parse(catalogue::DEFAULT).unwrap().names().unwrap()
}

fn shipped() -> CausalGraph {
    let base = KnowledgeBase::parse(crate::DEFAULT, &plant()).unwrap();
    CausalGraph::from_edges(&plant(), base.edges).unwrap()
}

fn parameter(name: &str) -> Node {
    Node::Parameter(plant().parameter_id(name).unwrap())
}

fn edge(cause: Node, effect: Node) -> Edge {
    Edge {
        cause,
        effect,
        direction: Direction::High,
        threshold: None,
        confidence: PerMille(500),
        lag_min: SpanMs(0),
        lag_max: SpanMs::minutes(5),
        mechanism: String::new(),
        advice: String::new(),
    }
}

fn labels(subgraph: &Subgraph) -> Vec<String> {
    subgraph.nodes.iter().map(|(node, depth)| format!("{depth} {}", label(*node, &plant()))).collect()
}

const CRACK: Node = Node::Defect(DefectType::Crack);

#[test]
fn upstream_of_a_crack_lie_its_parameters_then_their_actuators_then_the_equipment() {
    assert_eq!(labels(&shipped().subgraph(CRACK, 0)), ["0 crack"]);
    let near = shipped().subgraph(CRACK, 1);
    assert_eq!(labels(&near), ["0 crack", "1 furnace_temperature", "1 cooling_rate"]);
    assert_eq!(near.edges.len(), 2);
    let far = labels(&shipped().subgraph(CRACK, 3));
    for expected in ["2 fuel_flow", "2 cooling_fan_speed", "2 furnace_burner", "2 cooling_fan"] {
        assert!(far.contains(&expected.to_owned()), "{expected} in {far:?}");
    }
    assert_eq!(shipped().subgraph(Node::Defect(DefectType::Stain), 3), Subgraph::default());
}

#[test]
fn edges_of_a_subgraph_join_its_nodes_only() {
    for depth in 0..5 {
        let found = shipped().subgraph(CRACK, depth);
        for (id, edge) in &found.edges {
            for end in [edge.cause, edge.effect] {
                assert!(found.nodes.iter().any(|(node, _)| *node == end), "depth {depth}, edge {}", id.0);
            }
        }
    }
}

#[test]
fn an_edge_that_closes_a_cycle_is_refused_and_the_cycle_is_named() {
    let mut graph = shipped();
    let before = graph.subgraph(CRACK, 9);
    let back = edge(parameter("furnace_temperature"), parameter("fuel_flow"));
    let error = graph.insert(&plant(), EdgeId(1000), back).unwrap_err().to_string();
    assert!(error.contains("furnace_temperature → fuel_flow → furnace_temperature"), "{error}");
    let to_itself = edge(parameter("belt_speed"), parameter("belt_speed"));
    assert!(matches!(graph.insert(&plant(), EdgeId(1000), to_itself), Err(CausalError::Cycle { .. })));
    assert_eq!(graph.subgraph(CRACK, 9), before);
}

#[test]
fn an_edge_may_be_turned_round_when_it_was_the_only_one() {
    let (a, b) = (parameter("melt_level"), parameter("furnace_pressure"));
    let mut graph = CausalGraph::from_edges(&plant(), [(EdgeId(0), edge(a, b))]).unwrap();
    assert_eq!(graph.replace(&plant(), EdgeId(0), edge(b, a)).unwrap(), edge(a, b));
    assert_eq!(graph.paths(b, a, 1), [[EdgeId(0)]]);
}

#[test]
fn a_refused_replacement_leaves_the_old_edge() {
    let mut graph = shipped();
    let old = graph.get(EdgeId(0)).unwrap().clone();
    for wrong in [
        Edge { confidence: PerMille(1001), ..old.clone() },
        Edge { lag_min: SpanMs::hours(2), ..old.clone() },
        Edge { lag_min: SpanMs(-1), ..old.clone() },
        Edge { lag_max: SpanMs::hours(25), ..old.clone() },
        Edge { cause: CRACK, ..old.clone() },
        Edge { effect: Node::Equipment(lehr_domain::EquipmentId(0)), ..old.clone() },
    ] {
        assert!(matches!(graph.replace(&plant(), EdgeId(0), wrong), Err(CausalError::Field { .. })));
        assert_eq!(graph.get(EdgeId(0)), Some(&old));
    }
}

#[test]
fn edges_are_inserted_once_and_removed_once() {
    let mut graph = shipped();
    let old = graph.get(EdgeId(0)).unwrap().clone();
    assert_eq!(graph.insert(&plant(), EdgeId(0), old.clone()), Err(CausalError::Exists(EdgeId(0))));
    assert_eq!(graph.remove(EdgeId(0)), Ok(old.clone()));
    assert_eq!(graph.remove(EdgeId(0)), Err(CausalError::Unknown(EdgeId(0))));
    assert_eq!(graph.replace(&plant(), EdgeId(0), old), Err(CausalError::Unknown(EdgeId(0))));
    let ids: Vec<EdgeId> = graph.edges().map(|(id, _)| id).collect();
    for id in ids {
        graph.remove(id).unwrap();
    }
    assert_eq!(graph.subgraph(CRACK, 9), Subgraph::default(), "nodes leave with their last edge");
}

#[test]
fn ways_from_the_burner_to_a_crack_are_found_shortest_first() {
    let graph = shipped();
    let burner = Node::Equipment(plant().equipment_id("furnace_burner").unwrap());
    let ways = graph.paths(burner, CRACK, 9);
    assert_eq!(ways.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3, 3], "direct, and by fuel flow high or low");
    for way in &ways {
        let steps: Vec<&Edge> = way.iter().map(|id| graph.get(*id).unwrap()).collect();
        assert_eq!((steps[0].cause, steps[steps.len() - 1].effect), (burner, CRACK));
        assert!(steps.windows(2).all(|pair| pair[0].effect == pair[1].cause), "{way:?}");
    }
    assert_eq!(graph.paths(burner, CRACK, 2).len(), 1);
    assert_eq!(graph.paths(CRACK, burner, 9), Vec::<Vec<EdgeId>>::new());
}

#[test]
fn many_ways_are_cut_at_the_bound() {
    // A ladder of parallel edges: 4 ways a rung, 4^8 in all.
    let rungs: Vec<Node> = plant().parameters().take(9).map(|(id, _)| Node::Parameter(id)).collect();
    let edges = (0..32).map(|i| (EdgeId(i as u32), edge(rungs[i / 4], rungs[i / 4 + 1])));
    let graph = CausalGraph::from_edges(&plant(), edges).unwrap();
    let ways = graph.paths(rungs[0], rungs[8], 8);
    assert_eq!(ways.len(), CausalGraph::MAX_PATHS);
}

#[test]
fn defects_without_a_cause_and_thresholds_within_normal_are_remarked() {
    let names = plant();
    assert_eq!(shipped().validate(&names), ["no edge explains chip", "no edge explains stain"]);
    let mut graph = shipped();
    let old = graph.get(EdgeId(0)).unwrap().clone();
    graph.replace(&names, EdgeId(0), Edge { threshold: Some(lehr_domain::Micro::units(1500)), ..old }).unwrap();
    let remarks = graph.validate(&names);
    assert!(remarks[0].contains("the set-point of Line_A.furnace_temperature, 1520, is beyond 1500"), "{remarks:?}");
}
