//! A collection without rows.

use crate::{Rows, Ts};
use differential_dataflow::{AsCollection, Data};
use timely::dataflow::Scope;
use timely::dataflow::operators::generic::operator;

/// What a graph is wired with where nothing makes rows.
pub fn empty<'s, D: Data>(scope: Scope<'s, Ts>) -> Rows<'s, D> {
    operator::empty(scope).as_collection()
}
