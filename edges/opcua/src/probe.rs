//! What `lehr doctor` says of a server.

use crate::config::Config;
use crate::node::NodeName;
use crate::open::{PeerError, briefly};
use crate::plan::{ITEMS_A_CALL, items};
use crate::value::told;
use opcua::client::Session;
use opcua::types::{DataValue, NamespaceMap, NodeId, ReadValueId, TimestampsToReturn, VariableId, Variant};
use std::time::Duration;

/// Longest a probe asks, once connected.
const PROBE_MOST: Duration = Duration::from_secs(20);
/// Tags of which is said what is wrong.
const NAMED_MOST: usize = 20;

/// Reaches the server once: which it is, and which of the tags it has. The error says what to do.
pub async fn probe(config: &Config) -> Result<Vec<String>, PeerError> {
    config.check_peer().map_err(|error| PeerError::Said(error.to_string()))?;
    briefly(config, PROBE_MOST, async |session| {
        let failed = |error: opcua::types::Error| PeerError::Said(error.to_string());
        let namespaces = session.read_namespace_array().await.map_err(failed)?;
        let mut lines = vec![server(session).await.map_err(failed)?];
        lines.extend(tags(config, session, &namespaces).await.map_err(failed)?);
        Ok(lines)
    })
    .await
}

async fn server(session: &Session) -> Result<String, opcua::types::Error> {
    let asked = [
        VariableId::Server_ServerStatus_BuildInfo_ProductName,
        VariableId::Server_ServerStatus_BuildInfo_SoftwareVersion,
    ];
    let values = read(session, asked.map(NodeId::from).into()).await?;
    let text = |position: usize| match values.get(position).and_then(|value| value.value.as_ref()) {
        Some(Variant::String(text)) if !text.is_empty() => text.to_string(),
        _ => "?".to_owned(),
    };
    Ok(format!("server {}, version {}", text(0), text(1)))
}

async fn tags(
    config: &Config,
    session: &Session,
    namespaces: &NamespaceMap,
) -> Result<Vec<String>, opcua::types::Error> {
    let (mut nodes, mut wrong) = (Vec::new(), Vec::new());
    for item in items(&config.tags) {
        let named = item.node.parse::<NodeName>().and_then(|name| name.resolve(namespaces));
        match named {
            Ok(node) => nodes.push((node, item)),
            Err(error) => wrong.push(format!("tag {}: {error}", item.node)),
        }
    }
    let mut found = 0;
    for chunk in nodes.chunks(ITEMS_A_CALL) {
        let values = read(session, chunk.iter().map(|(node, _)| node.clone()).collect()).await?;
        for ((_, item), value) in chunk.iter().zip(values) {
            for (tag, element) in &item.tags {
                match (told(&value, *element), value.status) {
                    (_, Some(status)) if status.is_bad() => wrong.push(format!("tag {}: {status}", item.node)),
                    (Err(why), _) => wrong.push(format!("tag {}: {why}", config.tags[*tag].address())),
                    (Ok(_), _) => found += 1,
                }
            }
        }
    }
    let mut lines = vec![format!("{found} of {} tags have a value", config.tags.len())];
    let more = wrong.len().saturating_sub(NAMED_MOST);
    lines.extend(wrong.into_iter().take(NAMED_MOST));
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Ok(lines)
}

pub(crate) async fn read(session: &Session, nodes: Vec<NodeId>) -> Result<Vec<DataValue>, opcua::types::Error> {
    let nodes: Vec<ReadValueId> = nodes.into_iter().map(ReadValueId::from).collect();
    session.read(&nodes, TimestampsToReturn::Both, 0.0).await
}
