//! Tables in a bucket and in a folder, whatever happens. One program, as each takes its time to be linked.

mod artefacts;
mod exact;
mod fails;
mod killed;
mod support;
