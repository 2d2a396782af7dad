//! What a written model says of itself, changed without its graph: every byte but those of the property stays.
//!
//! An ONNX file is a protobuf message. Its field 14 is repeated: a property each, with its key as field 1 and its value as
//! field 2. All other fields are copied as they are.

use std::path::Path;

use crate::error::NeuralError;

/// Field of a model's message that holds a property.
const PROPERTY: u64 = 14;
const KEY: u64 = 1;
const VALUE: u64 = 2;
/// The wire type of what has a length.
const BYTES: u64 = 2;

/// The file with another value of a property that it has. `path` names it where it is no model or lacks the property.
///
/// # Errors
/// Bytes that are no message of protobuf, or have no such property.
pub fn with_property(file: &[u8], key: &str, value: &str, path: &Path) -> Result<Vec<u8>, NeuralError> {
    let broken = |reason: &str| NeuralError::Property { path: path.to_owned(), reason: reason.to_owned() };
    let cut_off = || broken("it is cut off, or no ONNX file");
    let mut out = Vec::with_capacity(file.len() + value.len());
    let (mut rest, mut found) = (file, false);
    while !rest.is_empty() {
        let field = Field::read(rest).ok_or_else(cut_off)?;
        let (of_field, behind) = rest.split_at(field.length);
        let is_it = field.number == PROPERTY && has_key(field.value, key).ok_or_else(cut_off)?;
        if is_it {
            found = true;
            out.extend(property(key, value));
        } else {
            out.extend_from_slice(of_field);
        }
        rest = behind;
    }
    if found { Ok(out) } else { Err(broken(&format!("it has no property {key}"))) }
}

/// Whether a property has this key; none where it is no message.
fn has_key(mut property: &[u8], key: &str) -> Option<bool> {
    while !property.is_empty() {
        let field = Field::read(property)?;
        if field.number == KEY {
            return Some(field.value == key.as_bytes());
        }
        property = &property[field.length..];
    }
    Some(false)
}

fn property(key: &str, value: &str) -> Vec<u8> {
    let mut inner = Vec::new();
    write(&mut inner, KEY, key.as_bytes());
    write(&mut inner, VALUE, value.as_bytes());
    let mut outer = Vec::new();
    write(&mut outer, PROPERTY, &inner);
    outer
}

fn write(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    for mut integer in [number << 3 | BYTES, bytes.len() as u64] {
        while integer >= 0x80 {
            out.push(integer as u8 | 0x80);
            integer >>= 7;
        }
        out.push(integer as u8);
    }
    out.extend_from_slice(bytes);
}

/// The field at the beginning of a message.
struct Field<'b> {
    number: u64,
    /// Empty where it has no length of its own.
    value: &'b [u8],
    /// Bytes of all of it.
    length: usize,
}

impl<'b> Field<'b> {
    /// None where the message ends before it does, or has a type that there is not.
    fn read(message: &'b [u8]) -> Option<Self> {
        let (tag, head) = varint(message)?;
        let after = &message[head..];
        let (skipped, value): (usize, &[u8]) = match tag & 7 {
            0 => (varint(after)?.1, &[]),
            1 => (8, &[]),
            BYTES => {
                let (length, head) = varint(after)?;
                let end = head.checked_add(usize::try_from(length).ok()?)?;
                (end, after.get(head..end)?)
            }
            5 => (4, &[]),
            _ => return None,
        };
        let length = head + skipped;
        (length <= message.len()).then_some(Self { number: tag >> 3, value, length })
    }
}

/// A number and how many bytes it takes: seven bits a byte, the lowest first, ten bytes at most.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use lehr_onnx::{Element, Graph, Opset, Shape};

    use super::*;

    fn file(metrics: &str) -> Vec<u8> {
        let mut graph = Graph::new("nothing", Opset::V17);
        let input = graph.input("input", Element::F32, Shape::batched([3])).unwrap();
        let output = graph.abs("output", input).unwrap();
        graph.output("same", output).unwrap();
        graph.metadata("lehr.model", "forecaster");
        graph.metadata("lehr.metrics", metrics);
        graph.metadata("lehr.trained", "2026-01-31");
        graph.encode().unwrap()
    }

    fn changed(file: &[u8], key: &str, value: &str) -> Result<Vec<u8>, String> {
        with_property(file, key, value, Path::new("a.onnx")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_with_another_value_is_the_file_that_would_have_been_written_with_it() {
        for (before, after) in [("{}", r#"{"recall":0.9}"#), (r#"{"recall":0.9}"#, "{}")] {
            assert_eq!(changed(&file(before), "lehr.metrics", after), Ok(file(after)));
        }
        let long = "x".repeat(1000);
        assert_eq!(changed(&file("{}"), "lehr.metrics", &long), Ok(file(&long)));
    }

    #[test]
    fn what_is_no_model_and_what_it_does_not_say_is_refused() {
        let whole = file("{}");
        assert!(changed(&whole, "lehr.metric", "{}").unwrap_err().contains("no property lehr.metric"));
        for end in 1..whole.len() {
            // A cut between fields leaves a message that is whole, and may still have the property.
            if let Ok(same) = changed(&whole[..end], "lehr.metrics", "{}") {
                assert_eq!(same, &whole[..end]);
            }
        }
        assert!(changed(b"\x07", "lehr.metrics", "{}").unwrap_err().contains("no ONNX file"));
    }
}
