//! What benchmarks share. Micro benchmarks are in `benches/`; `src/bin/window.rs` is Lehr's side of the
//! comparison with other engines in `peers/`.
