use super::*;
use lehr_domain::catalogue::{self, Catalogue};

fn plant() -> Names {
    Catalogue::parse(catalogue::DEFAULT).unwrap().names().unwrap()
}

fn base() -> KnowledgeBase {
    KnowledgeBase::parse(DEFAULT, &plant()).expect("the shipped knowledge base is good")
}

fn edge(cause: &str, effect: Node, direction: Direction) -> Edge {
    let cause = Node::Parameter(plant().parameter_id(cause).unwrap());
    let found = base().edges.into_iter().find(|(_, e)| (e.cause, e.effect, e.direction) == (cause, effect, direction));
    found.expect("a known edge").1
}

#[test]
fn the_six_mechanisms_of_defects_are_known_with_threshold_and_confidence() {
    use Direction::{High, Low, Variation};
    for (cause, defect, direction, threshold, confidence) in [
        ("furnace_temperature", DefectType::Crack, High, 1600, 850),
        ("furnace_temperature", DefectType::Cloudiness, Low, 1450, 780),
        ("belt_speed", DefectType::Deformation, High, 180, 820),
        ("mold_temperature", DefectType::StressFracture, Low, 280, 750),
        ("forming_pressure", DefectType::Bubble, Variation, 15, 880),
        ("cooling_rate", DefectType::Crack, High, 7, 900),
    ] {
        let edge = edge(cause, Node::Defect(defect), direction);
        assert_eq!((edge.threshold, edge.confidence), (Some(Micro::units(threshold)), PerMille(confidence)), "{cause}");
    }
}

#[test]
fn a_defect_comes_as_late_as_the_transport_from_where_its_cause_is_measured() {
    let names = plant();
    for (id, edge) in base().edges {
        let (Node::Parameter(parameter), Node::Defect(_)) = (edge.cause, edge.effect) else { continue };
        let (_, sensor) = names.sensors().find(|(_, def)| def.parameter == parameter).unwrap();
        let stands = names.equipment_def(sensor.equipment).unwrap();
        assert_eq!((edge.lag_min, edge.lag_max), (stands.lag_min, stands.lag_max), "edge {}", id.0);
    }
}

#[test]
fn only_what_the_default_plant_does_not_measure_is_skipped() {
    let missing: Vec<String> =
        base().skipped.iter().map(|text| text.rsplit(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(missing, ["melt_viscosity", "melt_viscosity", "product_stress", "annealing_quality"]);
}

#[test]
fn a_plant_without_these_names_skips_everything_but_does_not_fail() {
    let base = KnowledgeBase::parse(DEFAULT, &Names::default()).expect("not fatal");
    assert_eq!((base.edges.len(), base.interventions.len(), base.limits.len()), (0, 0, 0));
    assert!(base.skipped.iter().any(|text| text.contains("the plant has no belt_speed")), "{:?}", base.skipped);
}

#[test]
fn skipping_does_not_renumber_the_other_edges() {
    let shorter = DEFAULT.replacen("furnace_temperature", "oven_temperature", 1);
    let base_with_gap = KnowledgeBase::parse(&shorter, &plant()).unwrap();
    assert_eq!(base_with_gap.edges[..], base().edges[1..]);
}

#[test]
fn mistakes_are_named_with_entry_and_field() {
    for (right, wrong, message) in [
        ("confidence = 0.85", "confidence = 1.85", "edge 0 (furnace_temperature → crack): confidence '1.85' must lie"),
        ("lag_max = \"75m\"", "lag_max = \"25h\"", "lag_max '90000000 ms' must be at most 24 h"),
        ("lag_min = \"40m\"", "lag_min = \"soon\"", "lag_min 'soon' 'soon' is not a span"),
        ("lag_min = \"40m\"", "lag_min = \"2h\"", "lag_min '7200000 ms' must lie between 0 and lag_max"),
        ("direction = \"high\"", "", "direction '' is needed"),
        ("cause = { parameter", "cause = { feeling", "not a knowledge base"),
    ] {
        let broken = DEFAULT.replacen(right, wrong, 1);
        assert_ne!(broken, DEFAULT, "{right}");
        let error = KnowledgeBase::parse(&broken, &plant()).unwrap_err().to_string();
        assert!(error.contains(message), "{wrong}: {error}");
    }
}

fn current(parameter: &str, value: f64) -> BTreeMap<ParameterId, Micro> {
    BTreeMap::from([(plant().parameter_id(parameter).unwrap(), Micro::from_f64(value).unwrap())])
}

#[test]
fn a_crack_asks_for_a_furnace_20_to_30_degrees_colder() {
    let proposals = base().interventions(DefectType::Crack, &current("furnace_temperature", 1610.0));
    assert_eq!(proposals.len(), 1);
    let proposal = &proposals[0];
    assert_eq!(proposal.new_values, (Micro::units(1590), Micro::units(1580)));
    assert_eq!(proposal.intervention.reduction, PerMille(400));
    assert_eq!(proposal.intervention.effect_max, SpanMs::minutes(40));
    assert!(!proposal.clipped && !proposal.needs_approval);
}

#[test]
fn a_deformation_asks_for_a_belt_15_percent_slower() {
    let proposals = base().interventions(DefectType::Deformation, &current("belt_speed", 160.0));
    assert_eq!(proposals[0].new_values, (Micro::units(136), Micro::units(136)));
}

#[test]
fn no_proposal_leaves_the_limits_of_control() {
    let proposals = base().interventions(DefectType::Deformation, &current("belt_speed", 55.0));
    assert_eq!(proposals[0].new_values, (Micro::units(50), Micro::units(50)));
    assert!(proposals[0].clipped);
    for too_slow in [50.0, 40.0] {
        assert_eq!(base().interventions(DefectType::Deformation, &current("belt_speed", too_slow)), [], "{too_slow}");
    }
}

#[test]
fn a_step_beyond_the_approval_limit_needs_a_person() {
    let bold = DEFAULT.replacen("by = [-20.0, -30.0]", "by = [-20.0, -130.0]", 1);
    let base = KnowledgeBase::parse(&bold, &plant()).unwrap();
    assert!(base.interventions(DefectType::Crack, &current("furnace_temperature", 1610.0))[0].needs_approval);
}

#[test]
fn a_parameter_without_a_present_value_gets_no_proposal() {
    assert_eq!(base().interventions(DefectType::Crack, &BTreeMap::new()), []);
}

#[test]
fn the_limits_of_interventions_are_those_of_control() {
    let names = plant();
    let (known, of_control) = (base().limits, lehr_domain::control::LIMITS);
    assert_eq!(known.len(), of_control.len());
    for limit in known {
        let name = names.parameter(limit.parameter);
        let control = lehr_domain::control::limit(name).unwrap_or_else(|| panic!("control does not limit {name}"));
        let told = (limit.low, limit.high, limit.approval_above);
        assert_eq!(told, (control.low, control.high, control.approval_above), "{name}");
    }
}
