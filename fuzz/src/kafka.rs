//! `edges/kafka`: messages to samples.

#[allow(dead_code)]
#[path = "../../edges/kafka/src/source/arrow/mod.rs"]
mod arrow;
#[allow(dead_code)]
#[path = "../../edges/kafka/src/source/config.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../edges/kafka/src/source/decode.rs"]
mod decode;
#[path = "../../edges/kafka/src/source/fields.rs"]
mod fields;

pub use config::Config;
pub use decode::{Decoded, Decoder, Record};
