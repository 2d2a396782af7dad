//! Pictures of ware: whose they are, and which file holds what the camera saw.

use crate::names::Names;
use crate::table::{Cell, ColumnType, Publish};
use crate::{EventMs, LineId, UnitId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// SHA-256 of a picture's PNG file: its name wherever it is kept, and the proof that it is that file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(pub [u8; Content::BYTES]);

impl Content {
    pub const BYTES: usize = 32;
    /// Of its text.
    pub const DIGITS: usize = 2 * Content::BYTES;
}

impl fmt::Display for Content {
    /// Lower-case hexadecimal digits, two a byte.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Content({self})")
    }
}

/// Why a text names no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoContent(String);

impl std::error::Error for NoContent {}

impl fmt::Display for NoContent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, digits) = (&self.0, Content::DIGITS);
        write!(out, "'{text}' names no picture; write the {digits} lower-case hexadecimal digits of its file's SHA-256")
    }
}

impl FromStr for Content {
    type Err = NoContent;

    /// Takes what `Display` writes and nothing else, so that a picture has one name.
    fn from_str(text: &str) -> Result<Content, NoContent> {
        let no = || NoContent(text.chars().take(80).collect());
        let digits = text.as_bytes();
        if digits.len() != Content::DIGITS {
            return Err(no());
        }
        let mut bytes = [0; Content::BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return Err(no()) };
            *byte = high << 4 | low;
        }
        Ok(Content(bytes))
    }
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

impl Publish for Content {
    const KIND: ColumnType = ColumnType::Text;
    fn publish(&self, _names: &Names) -> Cell {
        Cell::Text(self.to_string())
    }
}

/// A camera's picture of a unit. A later revision of the same unit's picture replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Picture {
    pub unit: UnitId,
    pub line: LineId,
    /// When it was taken: as a rule, when the unit was inspected.
    pub at: EventMs,
    pub content: Content,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_has_one_text() {
        let content = Content(std::array::from_fn(|place| (place * 9) as u8));
        let text = content.to_string();
        assert_eq!(&text[..12], "0009121b242d");
        assert_eq!(text.parse(), Ok(content));
        for wrong in [String::new(), text[1..].into(), format!("{text}0"), text.to_uppercase(), text.replace('1', "g")]
        {
            assert!(wrong.parse::<Content>().is_err(), "{wrong}");
        }
        // Sixty-four bytes, and none of them a digit.
        assert!("ä".repeat(32).parse::<Content>().is_err());
    }
}
