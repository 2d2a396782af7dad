//! Bytes to the messages of an IPC stream: metadata, which is checked before it is looked at, and a body.
//! <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>

use arrow_ipc::{Message, root_as_message_with_opts};
use flatbuffers::VerifierOptions;

/// Stands before the length of metadata. Streams of before 2019 have the length alone.
const CONTINUATION: u32 = u32::MAX;
/// The first bytes of a file, which is no stream.
const FILE: &[u8] = b"ARROW1";
/// Metadata of the widest tables that make sense: a thousand columns of some hundred bytes. What is shared within it is
/// counted at each of its places, so that nothing is looked at for longer than its size makes believe.
const METADATA: VerifierOptions = VerifierOptions {
    max_depth: 32,
    max_tables: 10_000,
    max_apparent_size: 1 << 20,
    ignore_missing_null_terminator: true,
};

/// A message of a stream.
#[derive(Clone, Copy)]
pub struct Frame<'m> {
    pub message: Message<'m>,
    pub body: &'m [u8],
}

/// The messages of a stream, up to the first that cannot be read.
pub struct Frames<'m> {
    rest: &'m [u8],
    ended: bool,
}

impl<'m> Frames<'m> {
    pub fn new(stream: &'m [u8]) -> Frames<'m> {
        Frames { rest: stream, ended: false }
    }

    fn frame(&mut self) -> Result<Option<Frame<'m>>, String> {
        if self.rest.starts_with(FILE) {
            return Err("it is an Arrow file; write a stream".into());
        }
        // The mark of the end may be left out.
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut length = self.word()?;
        if length == CONTINUATION {
            length = self.word()?;
        }
        if length == 0 {
            return if self.rest.is_empty() { Ok(None) } else { Err("something follows the end of the stream".into()) };
        }
        let metadata = self.take(u64::from(length))?;
        let message =
            root_as_message_with_opts(&METADATA, metadata).map_err(|_| "its metadata is broken or too much")?;
        let length = u64::try_from(message.bodyLength()).map_err(|_| "a body has a length below 0")?;
        Ok(Some(Frame { message, body: self.take(length)? }))
    }

    fn word(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn take(&mut self, length: u64) -> Result<&'m [u8], String> {
        let taken = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) = taken.ok_or("it is cut off, or no Arrow IPC stream")?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'m> Iterator for Frames<'m> {
    type Item = Result<Frame<'m>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let frame = self.frame().transpose();
        self.ended = !matches!(frame, Some(Ok(_)));
        frame
    }
}
