//! Who looks at pictures as soon as they come.

use lehr_domain::picture::Content;
use std::fmt::Debug;
use std::time::Duration;

/// Is told of every picture as soon as it is durable, so that what is on it is known when an event names it.
///
/// **Contract:** nothing but time hangs on it. A picture that it passes over, or fails to look at, is looked at when that
/// is asked for.
pub trait Viewer: Send + Sync + Debug {
    /// A picture is there. Returns at once.
    fn expect(&self, content: Content);

    /// Whether it is still to be looked at, or is being looked at.
    fn is_pending(&self, content: Content) -> bool;

    /// Waits until it is pending no longer, or so long at most.
    fn settle(&self, content: Content, patience: Duration);

    fn looked(&self) -> Looked;
}

/// What became of pictures since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Were looked at ahead.
    pub ahead: u64,
    /// Were passed over, because too many waited.
    pub passed_over: u64,
}
