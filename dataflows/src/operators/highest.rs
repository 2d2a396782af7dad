//! The greatest value that a key ever had.

use crate::{Rows, operators::KeyState, operators::per_key};
use differential_dataflow::{ExchangeData, Hashable};
use std::hash::Hash;

struct Highest<V>(Option<V>);

impl<V> Default for Highest<V> {
    fn default() -> Self {
        Highest(None)
    }
}

impl<V: 'static> KeyState for Highest<V> {
    fn is_idle(&self) -> bool {
        self.0.is_none()
    }
}

/// Per key the greatest value that was ever inserted. Retractions are ignored: the result never falls, so
/// that it depends on the set of values that ever came and not on what has left by retention. State: one
/// value a key.
pub fn highest<'s, K, V>(input: Rows<'s, (K, V)>, name: &str) -> Rows<'s, (K, V)>
where
    K: ExchangeData + Hashable + Hash,
    V: ExchangeData,
{
    per_key(input, name, |key: &K, state: &mut Highest<V>, changes: &[(V, crate::Diff)], out| {
        let Some((greatest, _)) = changes.iter().rev().find(|(_, diff)| *diff > 0) else { return };
        if state.0.as_ref().is_some_and(|held| held >= greatest) {
            return;
        }
        if let Some(held) = state.0.replace(greatest.clone()) {
            out.push(((key.clone(), held), -1));
        }
        out.push(((key.clone(), greatest.clone()), 1));
    })
}
