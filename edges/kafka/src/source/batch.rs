//! What is handed on at once, and up to which offsets it goes.

use lehr_tags::Gathered;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// Messages of a batch. Two batches are held: one under way, one being gathered.
const MESSAGES_MOST: usize = 5000;
/// Readings of a batch, but for those of its last message.
const READINGS_MOST: usize = 50_000;
/// Payload of a batch, bytes, but for that of its last message.
const BYTES_MOST: usize = 8 << 20;

#[derive(Debug, Default)]
pub struct Batch {
    pub gathered: Gathered,
    pub offsets: Offsets,
    messages: usize,
    bytes: usize,
}

impl Batch {
    pub fn heard(&mut self, topic: &str, partition: i32, held: Held, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
        self.offsets.reach(topic, partition, held);
    }

    pub fn is_empty(&self) -> bool {
        self.messages == 0 && self.gathered.errors.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.messages >= MESSAGES_MOST || self.bytes >= BYTES_MOST || self.gathered.readings.len() >= READINGS_MOST
    }
}

/// How far a partition was read, while it was this member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which assignment of the partition it was.
    pub term: u64,
    /// The offset behind the last message.
    pub next: i64,
}

/// How far partitions were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets(BTreeMap<String, BTreeMap<i32, Held>>);

impl Offsets {
    pub fn reach(&mut self, topic: &str, partition: i32, held: Held) {
        match self.0.get_mut(topic) {
            Some(partitions) => partitions.insert(partition, held),
            None => self.0.entry(topic.to_owned()).or_default().insert(partition, held),
        };
    }

    /// Goes as far as another, which came later.
    pub fn extend(&mut self, later: &Offsets) {
        for (topic, partition, held) in later.iter() {
            self.reach(topic, partition, held);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, Held)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, held)| (topic.as_str(), *partition, *held))
        })
    }

    /// Keeps what is still held in the same term: another member may have gone on with the rest.
    pub fn retain(&mut self, term: impl Fn(&str, i32) -> Option<u64>) {
        for (topic, partitions) in &mut self.0 {
            partitions.retain(|partition, held| term(topic, *partition) == Some(held.term));
        }
        self.0.retain(|_, partitions| !partitions.is_empty());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn to_list(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, held) in self.iter() {
            list.add_partition_offset(topic, partition, Offset::Offset(held.next))?;
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_partitions_that_were_lost_or_came_back_are_not_committed() {
        let mut offsets = Offsets::default();
        for (partition, term) in [(0, 1), (1, 1), (2, 1)] {
            offsets.reach("t", partition, Held { term, next: 10 });
        }
        let mut later = Offsets::default();
        later.reach("t", 0, Held { term: 1, next: 20 });
        offsets.extend(&later);
        // 1 is another's now, and 2 came back in a later term.
        offsets.retain(|_, partition| [Some(1), None, Some(2)][partition as usize]);
        assert_eq!(offsets.iter().collect::<Vec<_>>(), [("t", 0, Held { term: 1, next: 20 })]);
        offsets.retain(|_, _| None);
        assert!(offsets.is_empty());
    }
}
