//! Files of history as Parquet's reader wants them.

use crate::journal::storage::Storage;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Storage whose files can be read at random while they are open, also when they are removed in the meantime.
pub trait Files: Storage {
    fn open(&self, name: &str) -> io::Result<Source>;
}

/// An open file. Clones read independently.
#[derive(Clone, Debug)]
pub enum Source {
    File(Arc<File>, u64),
    Memory(Bytes),
}

impl Source {
    pub(super) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Source::File(file, _) => file.read_at(buf, offset),
            Source::Memory(bytes) => {
                let have = bytes.get(offset as usize..).unwrap_or_default();
                let count = have.len().min(buf.len());
                buf[..count].copy_from_slice(&have[..count]);
                Ok(count)
            }
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Source::File(_, len) => *len,
            Source::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Source {
    type T = BufReader<ReadOn>;

    fn get_read(&self, start: u64) -> Result<BufReader<ReadOn>> {
        Ok(BufReader::new(ReadOn { source: self.clone(), offset: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} reach beyond the end")));
        }
        match self {
            Source::Memory(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
            Source::File(file, _) => {
                let mut buf = vec![0; length];
                file.read_exact_at(&mut buf, start)?;
                Ok(buf.into())
            }
        }
    }
}

/// Reads on from an offset.
#[derive(Debug)]
pub struct ReadOn {
    source: Source,
    offset: u64,
}

impl Read for ReadOn {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(buf, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
impl Files for crate::journal::simulated::SimDisk {
    fn open(&self, name: &str) -> io::Result<Source> {
        let mut bytes = vec![0; self.len(name)? as usize];
        self.read(name, 0, &mut bytes)?;
        Ok(Source::Memory(bytes.into()))
    }
}
