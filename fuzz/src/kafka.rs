//! `edges/kafka`: messages to samples.

#[allow(dead_code)]
#[path = "../../edges/kafka/src/source/config.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../edges/kafka/src/source/decode.rs"]
mod decode;
#[path = "../../edges/kafka/src/source/field.rs"]
mod field;

pub use config::Config;
pub use decode::{Decoded, Decoder, Record};
