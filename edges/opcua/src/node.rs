//! Names of nodes as users write them: OPC UA Part 6, 5.3.1.10.

use opcua::types::{NamespaceMap, NodeId};
use std::fmt;
use std::str::FromStr;

/// A node whose namespace may be given by its URI. Indices may change when a server is changed; URIs do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeName {
    Index(NodeId),
    /// The URI, and the node with index 0.
    Uri(String, NodeId),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    #[error("write it as ns=2;s=NAME, ns=2;i=NUMBER, or with a namespace's URI as nsu=URI;s=NAME")]
    Form,
    #[error("the server has no namespace {0}")]
    Namespace(String),
}

impl FromStr for NodeName {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<NodeName, NodeError> {
        match text.strip_prefix("nsu=") {
            None => text.parse().map(NodeName::Index).map_err(|_| NodeError::Form),
            Some(rest) => {
                let (uri, id) = rest.split_once(';').ok_or(NodeError::Form)?;
                let id: NodeId = id.parse().map_err(|_| NodeError::Form)?;
                if uri.is_empty() || id.namespace != 0 {
                    return Err(NodeError::Form);
                }
                Ok(NodeName::Uri(unescaped(uri), id))
            }
        }
    }
}

impl NodeName {
    pub(crate) fn resolve(&self, namespaces: &NamespaceMap) -> Result<NodeId, NodeError> {
        match self {
            NodeName::Index(id) => Ok(id.clone()),
            NodeName::Uri(uri, id) => {
                let namespace = namespaces.get_index(uri).ok_or_else(|| NodeError::Namespace(uri.clone()))?;
                Ok(NodeId { namespace, ..id.clone() })
            }
        }
    }
}

/// With the namespace's URI where it has one, so that it stays right when indices change.
pub(crate) fn written(id: &NodeId, namespaces: &NamespaceMap) -> String {
    let uri = namespaces.known_namespaces().iter().find(|(_, index)| **index == id.namespace);
    match uri {
        Some((uri, _)) if id.namespace != 0 => {
            format!("nsu={};{}", escaped(uri), NodeId { namespace: 0, ..id.clone() })
        }
        _ => id.to_string(),
    }
}

/// Part 6 escapes the two characters that would end the URI or begin an escape.
fn escaped(uri: &str) -> String {
    uri.replace('%', "%25").replace(';', "%3B")
}

fn unescaped(uri: &str) -> String {
    uri.replace("%3B", ";").replace("%3b", ";").replace("%25", "%")
}

impl fmt::Display for NodeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeName::Index(id) => id.fmt(out),
            NodeName::Uri(uri, id) => write!(out, "nsu={};{id}", escaped(uri)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn namespaces() -> NamespaceMap {
        let mut map = NamespaceMap::new();
        map.add_namespace("urn:server");
        map.add_namespace("http://plant;a%20b");
        map
    }

    #[test]
    fn all_forms_are_read() {
        for (text, expected) in [
            ("i=85", "i=85"),
            ("ns=2;s=Line_A.furnace", "ns=2;s=Line_A.furnace"),
            ("ns=3;s=\"DB\".\"zones\"[3];x", "ns=3;s=\"DB\".\"zones\"[3];x"),
            ("nsu=urn:server;i=7", "ns=1;i=7"),
            ("nsu=http://plant%3Ba%2520b;s=A", "ns=2;s=A"),
            ("ns=1;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63", "ns=1;g=72962b91-fa75-4ae6-8d28-b404dc7daf63"),
        ] {
            let node: NodeName = text.parse().unwrap();
            assert_eq!(node.resolve(&namespaces()).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "Line_A", "ns=2", "ns=70000;i=1", "i=x", "nsu=;i=1", "nsu=urn:a;ns=2;i=1", "nsu=urn:a"] {
            assert_eq!(text.parse::<NodeName>(), Err(NodeError::Form), "{text}");
        }
        let elsewhere: NodeName = "nsu=urn:other;i=1".parse().unwrap();
        assert_eq!(elsewhere.resolve(&namespaces()), Err(NodeError::Namespace("urn:other".into())));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for id in ["i=85", "ns=1;s=a;b=c", "ns=2;i=4", "ns=9;i=4"] {
            let id: NodeId = id.parse().unwrap();
            let again: NodeName = written(&id, &namespaces()).parse().unwrap();
            assert_eq!(again.resolve(&namespaces()), Ok(id));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", kind in "(nsu=|ns=)?[0-9a-z:%;]{0,8};?[isgb]=.{0,20}") {
            let _ = text.parse::<NodeName>();
            if let Ok(node) = kind.parse::<NodeName>() {
                let again = node.to_string().parse::<NodeName>();
                prop_assert_eq!(again, Ok(node));
            }
        }
    }
}
