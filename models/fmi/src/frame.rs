//! Messages in a pipe: the length in four bytes, least first, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Error, ErrorKind, Read, Result, Write};

/// Of a request. Below what an empty pipe of Linux holds (64 KiB): as there is one request at a time, writing one
/// never waits for a unit that hangs. 3000 values of 16 bytes fit.
pub const REQUEST_MOST: usize = 60_000;
/// Of a reply: 3000 values and 64 log messages are 150 kB.
pub const REPLY_MOST: usize = 1 << 20;

/// Error: of the pipe, or `InvalidInput` for a message above `most`, of which nothing is written then.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T, most: usize) -> Result<()> {
    let body = postcard::to_stdvec(message).map_err(Error::other)?;
    if body.len() > most {
        return Err(Error::new(ErrorKind::InvalidInput, format!("{} bytes", body.len())));
    }
    let mut frame = (body.len() as u32).to_le_bytes().to_vec();
    frame.extend(body);
    to.write_all(&frame)?;
    to.flush()
}

/// Error: of the pipe, `UnexpectedEof` at its end, or `InvalidData`.
pub fn read<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(Error::new(ErrorKind::InvalidData, format!("a message of {length} bytes, {most} at most")));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(|error| Error::new(ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_was_and_none_beyond_its_bound() {
        let mut pipe = Vec::new();
        write(&mut pipe, &vec![1.5, f64::MAX], REPLY_MOST).expect("fits");
        assert_eq!(read::<Vec<f64>>(&mut pipe.as_slice(), REPLY_MOST).expect("whole"), [1.5, f64::MAX]);
        let refused = write(&mut Vec::new(), &vec![0u8; 100], 99).expect_err("too large to write");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        let refused = read::<Vec<f64>>(&mut pipe.as_slice(), 3).expect_err("too large to read");
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
        let cut = read::<Vec<f64>>(&mut &pipe[..pipe.len() - 1], REPLY_MOST).expect_err("cut");
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
        let lies = read::<Vec<f64>>(&mut [200, 200, 200, 200].as_slice(), REPLY_MOST).expect_err("no memory for lies");
        assert_eq!(lies.kind(), ErrorKind::InvalidData);
    }
}
