//! Incremental functions of one key's rows, with state of their own.
//!
//! `reduce` hands its logic all rows of a key whenever one of them changes. For keys with thousands of
//! rows in time order (the panes of a sensor) that is a thousandfold waste: a check that looks back over
//! fifteen panes needs to see fifteen. `per_key` gives its logic the *changes* of a key instead and lets it
//! keep state as it sees fit.

use crate::{Diff, Rows, Ts};
use differential_dataflow::consolidation::consolidate;
use differential_dataflow::{AsCollection, Data, ExchangeData, Hashable};
use std::collections::BTreeMap;
use std::hash::Hash;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

/// What `per_key` keeps of one key.
pub trait KeyState: Default + 'static {
    /// Whether nothing is left to remember, so that the key can be forgotten. A forgotten key starts from
    /// `default()` when it comes back, so this must hold only when the state equals the default.
    fn is_idle(&self) -> bool;
}

/// The rows of a tick that is not complete, and the right to answer them.
type Pending<K, V> = (Capability<Ts>, Vec<((K, V), Diff)>);

/// Applies `step` to each key that changed in a tick, once the tick is complete.
///
/// `step(key, state, changes, out)` receives the tick's consolidated changes of that key, sorted by row, and
/// pushes the resulting changes of the output. **Contract:** after any sequence of steps the accumulated
/// output must be a function of the accumulated input alone, whatever the ticks in which it came; that is
/// what the oracle tests of each user check. `step` must use nothing but its arguments (no clock, no
/// randomness). Keys are visited in order within a worker; state lives on the worker that owns the key's hash.
pub fn per_key<'s, K, V, S, O>(
    input: Rows<'s, (K, V)>,
    name: &str,
    mut step: impl FnMut(&K, &mut S, &[(V, Diff)], &mut Vec<(O, Diff)>) + 'static,
) -> Rows<'s, O>
where
    K: ExchangeData + Hashable + Hash,
    V: ExchangeData,
    S: KeyState,
    O: Data,
{
    let exchange = Exchange::new(|((key, _), _, _): &((K, V), Ts, Diff)| key.hashed().into());
    input
        .inner
        .unary_frontier::<CapacityContainerBuilder<Vec<(O, Ts, Diff)>>, _, _, _>(exchange, name, move |_, _| {
            let mut pending: BTreeMap<Ts, Pending<K, V>> = BTreeMap::new();
            let mut states: BTreeMap<K, S> = BTreeMap::new();
            let mut changes: Vec<(V, Diff)> = Vec::new();
            let mut out: Vec<(O, Diff)> = Vec::new();
            move |(input, frontier), output| {
                input.for_each_stamp(|stamp, batches| {
                    for ((key, row), tick, diff) in batches.flat_map(|batch| batch.drain(..)) {
                        let (_, rows) = pending.entry(tick).or_insert_with(|| (stamp.delayed(&tick, 0), Vec::new()));
                        rows.push(((key, row), diff));
                    }
                });
                while let Some(entry) = pending.first_entry() {
                    if frontier.less_equal(entry.key()) {
                        break;
                    }
                    let (tick, (capability, mut rows)) = entry.remove_entry();
                    consolidate(&mut rows);
                    let mut session = output.session(&capability);
                    let mut rows = rows.into_iter().peekable();
                    while let Some(((key, row), diff)) = rows.next() {
                        changes.clear();
                        changes.push((row, diff));
                        while let Some(((_, row), diff)) = rows.next_if(|((next, _), _)| *next == key) {
                            changes.push((row, diff));
                        }
                        let idle = match states.get_mut(&key) {
                            Some(state) => {
                                step(&key, state, &changes, &mut out);
                                state.is_idle()
                            }
                            None => {
                                let mut state = S::default();
                                step(&key, &mut state, &changes, &mut out);
                                if !state.is_idle() {
                                    states.insert(key.clone(), state);
                                }
                                false
                            }
                        };
                        if idle {
                            states.remove(&key);
                        }
                        consolidate(&mut out);
                        for (row, diff) in out.drain(..) {
                            session.give((row, tick, diff));
                        }
                    }
                }
            }
        })
        .as_collection()
}
