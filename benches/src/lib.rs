//! What benchmarks share. Micro benchmarks are in `benches/`; [`window`] is Lehr's side of the comparison with
//! other engines in `peers/`, and `src/bin/window.rs` its command line.

pub mod window;
