//! A row a key, made of everything that is known under it: the life of an alert, of a recommendation.

use crate::operators::{KeyState, per_key};
use crate::{Diff, Rows};
use differential_dataflow::{Data, ExchangeData, Hashable};
use std::collections::BTreeMap;
use std::hash::Hash;

/// What is known under a key, and how often it was said.
pub struct Known<F>(BTreeMap<F, Diff>);

impl<F> Default for Known<F> {
    fn default() -> Self {
        Known(BTreeMap::new())
    }
}

impl<F: 'static> KeyState for Known<F> {
    fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

impl<F: Ord> Known<F> {
    pub fn facts(&self) -> impl Iterator<Item = &F> {
        self.0.keys()
    }
}

impl<F: Ord + Clone> Known<F> {
    /// Takes up changed facts, and takes the row back that they made for the one that they make now.
    pub fn restate<R>(
        &mut self,
        changes: &[(F, Diff)],
        row: impl Fn(&Known<F>) -> Option<R>,
        out: &mut Vec<(R, Diff)>,
    ) {
        out.extend(row(self).map(|row| (row, -1)));
        for (fact, diff) in changes {
            *self.0.entry(fact.clone()).or_default() += diff;
        }
        self.0.retain(|_, said| *said != 0);
        out.extend(row(self).map(|row| (row, 1)));
    }
}

/// Per key the row that `row` makes of its facts, sorted; none where it makes none. It must be a function of them alone.
/// For keys of few facts: each change looks at all of them. State: the facts of each key.
pub fn row_of_facts<'s, K, F, R>(
    facts: Rows<'s, (K, F)>,
    name: &str,
    row: impl Fn(&K, &Known<F>) -> Option<R> + 'static,
) -> Rows<'s, R>
where
    K: ExchangeData + Hashable + Hash,
    F: ExchangeData,
    R: Data,
{
    per_key(facts, name, move |key: &K, known: &mut Known<F>, changes: &[(F, Diff)], out| {
        known.restate(changes, |known| row(key, known), out);
    })
}
