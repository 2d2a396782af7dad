//! The tree of a server, and the mapping proposed from it.

use crate::support::{Plant, config_of, free_port, names};
use lehr_opcua::{Bounds, Kind, browse, mapping};

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_has_types_units_and_paths_and_gives_a_mapping() {
    let plant = Plant::start(free_port().await, &["--counters", "2"]).await;
    let config = config_of(&format!("name = \"plc\"\nendpoint = \"{}\"", plant.endpoint()));
    let tree = browse(&config, None, Bounds::default()).await.unwrap();
    let variables = tree.variables();
    let found = |name: &str| {
        let (path, found) = variables.iter().find(|(path, _)| path.last() == Some(&name)).expect(name);
        (path.join("/"), found.node.clone(), found.kind.clone())
    };
    let variable = |data_type: &str, array, unit: Option<&str>| Kind::Variable {
        data_type: data_type.into(),
        array,
        unit: unit.map(str::to_owned),
    };
    assert_eq!(
        found("furnace_temperature"),
        (
            "/Line_A/furnace_temperature".into(),
            "nsu=urn:lehr:test;s=Line_A/furnace_temperature".into(),
            variable("Double", None, Some("°F"))
        )
    );
    assert_eq!(found("int"), ("/int".into(), "nsu=urn:lehr:test;s=int".into(), variable("Int32", None, None)));
    assert_eq!(found("bool").2, variable("Boolean", None, None));
    assert!(matches!(found("array").2, Kind::Variable { array: Some(_), .. }), "{:?}", found("array").2);
    assert_eq!(variables.len(), 14, "nine kinds, three of a line, two counters, and none of the server's own");

    let proposed = mapping(&tree, &names(2));
    println!("{proposed}");
    let source = format!(
        "name = \"plc\"\nendpoint = \"{}\"\n{}",
        plant.endpoint(),
        proposed.replace("[[opcua.tag]]", "[[tag]]")
    );
    let config = config_of(&source);
    config.check(&names(2)).unwrap();
    let mut mapped: Vec<(&str, Option<&str>)> =
        config.tags.iter().map(|tag| (tag.to.sensor.as_str(), tag.to.unit.as_deref())).collect();
    mapped.sort_unstable();
    assert_eq!(mapped, [("Line_A.belt_speed", Some("m/s")), ("Line_A.furnace_temperature", Some("°F"))]);
    assert!(proposed.contains("# nsu=urn:lehr:test;s=Line_A/nothing_we_know (Line_A/nothing_we_know): no sensor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsing_begins_where_it_is_told_and_is_bounded() {
    let plant = Plant::start(free_port().await, &[]).await;
    let config = config_of(&format!("name = \"plc\"\nendpoint = \"{}\"", plant.endpoint()));
    let line = browse(&config, Some("nsu=urn:lehr:test;s=folder"), Bounds::default()).await.unwrap();
    assert_eq!(line.variables().len(), 3);
    let few = browse(&config, None, Bounds { nodes: 5, ..Bounds::default() }).await.unwrap();
    assert!(few.variables().len() < 5);
    let shallow = browse(&config, None, Bounds { depth: 1, ..Bounds::default() }).await.unwrap();
    assert_eq!(shallow.variables().len(), 9, "what lies in folders is below");
    let error = browse(&config, Some("nsu=urn:nowhere;i=1"), Bounds::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "start: the server has no namespace urn:nowhere");
}
