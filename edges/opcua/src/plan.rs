//! Which variables are monitored, in which subscriptions.

use crate::config::Tag;
use std::collections::BTreeMap;

/// Items of a subscription: one notification of all of them, some 30 bytes each, fits a chunk of 64 KiB.
pub(crate) const ITEMS_A_SUBSCRIPTION: usize = 1000;
/// Items of one call. Servers that take fewer say so.
pub(crate) const ITEMS_A_CALL: usize = 500;

/// One monitored variable. Several tags may be elements of the same array, which is then sent once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub node: String,
    pub sampling_ms: u32,
    pub queue: u32,
    /// Positions among the source's tags, and of which element each is.
    pub tags: Vec<(usize, Option<u32>)>,
}

/// Items in the order of their first tags. The item's position, counted from 1, is the handle by which the server tells
/// of it.
pub(crate) fn items(tags: &[Tag]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut known: BTreeMap<(&str, u32, u32), usize> = BTreeMap::new();
    for (position, tag) in tags.iter().enumerate() {
        let (node, sampling_ms, queue) = (tag.node.as_str(), tag.sampling_ms, tag.queue());
        let at = *known.entry((node, sampling_ms, queue)).or_insert_with(|| {
            items.push(Item { node: node.to_owned(), sampling_ms, queue, tags: Vec::new() });
            items.len() - 1
        });
        items[at].tags.push((position, tag.element));
    }
    items
}

pub(crate) fn handle(item: usize) -> u32 {
    u32::try_from(item + 1).expect("tags are bounded")
}

pub(crate) fn item_of(handle: u32) -> Option<usize> {
    usize::try_from(handle).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(node: &str, element: Option<u32>, sampling_ms: u32) -> Tag {
        let mut tag: Tag = toml::from_str("node = \"i=1\"\nto.sensor = \"a\"").unwrap();
        (tag.node, tag.element, tag.sampling_ms) = (node.to_owned(), element, sampling_ms);
        tag
    }

    #[test]
    fn elements_of_one_array_are_one_item() {
        let tags = [tag("a", Some(0), 100), tag("b", None, 100), tag("a", Some(1), 100), tag("a", Some(2), 200)];
        let found: Vec<(String, usize)> = items(&tags).into_iter().map(|item| (item.node, item.tags.len())).collect();
        assert_eq!(found, [("a".into(), 2), ("b".into(), 1), ("a".into(), 1)]);
    }

    proptest! {
        #[test]
        fn each_tag_is_in_one_item(picks in prop::collection::vec((0..5_u8, any::<Option<u32>>(), 10..13_u32), 0..40)) {
            let tags: Vec<Tag> = picks.iter().map(|(node, element, ms)| tag(&node.to_string(), *element, *ms)).collect();
            let items = items(&tags);
            let mut found: Vec<usize> = items.iter().flat_map(|item| item.tags.iter().map(|(tag, _)| *tag)).collect();
            found.sort_unstable();
            prop_assert_eq!(found, (0..tags.len()).collect::<Vec<_>>());
            for (position, item) in items.iter().enumerate() {
                prop_assert_eq!(item_of(handle(position)), Some(position));
                prop_assert!(item.tags.iter().all(|(tag, _)| tags[*tag].node == item.node));
            }
        }
    }
}
