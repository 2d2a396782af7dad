//! The greatest value that a key has.

use crate::operators::{KeyState, per_key};
use crate::{Diff, Rows};
use differential_dataflow::{ExchangeData, Hashable};
use std::collections::BTreeMap;
use std::hash::Hash;

struct Values<V>(BTreeMap<V, Diff>);

impl<V> Default for Values<V> {
    fn default() -> Self {
        Values(BTreeMap::new())
    }
}

impl<V: 'static> KeyState for Values<V> {
    fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

/// Per key the greatest value that is there; it falls when that one is retracted. A change costs the logarithm
/// of the key's values, not their number as `reduce` would. State: the values of each key.
pub fn greatest<'s, K, V>(input: Rows<'s, (K, V)>, name: &str) -> Rows<'s, (K, V)>
where
    K: ExchangeData + Hashable + Hash,
    V: ExchangeData,
{
    per_key(input, name, |key: &K, held: &mut Values<V>, changes: &[(V, Diff)], out| {
        let before = held.0.last_key_value().map(|(value, _)| value.clone());
        for (value, diff) in changes {
            let count = held.0.entry(value.clone()).or_default();
            *count += diff;
            if *count == 0 {
                held.0.remove(value);
            }
        }
        out.extend(before.map(|value| ((key.clone(), value), -1)));
        out.extend(held.0.last_key_value().map(|(value, _)| ((key.clone(), value.clone()), 1)));
    })
}
