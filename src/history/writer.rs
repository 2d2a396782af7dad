//! One file, written as its rows come.

use super::error::{HistoryError, io, parquet};
use super::manifest::FileEntry;
use super::{Journalled, rows};
use crate::journal::storage::Storage;
use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;

/// Rows gathered before they are encoded.
const BATCH_ROWS: usize = 8_192;

/// Takes rows in their order. Memory: one row group as Parquet's writer gathers it, some megabytes.
pub struct FileWriter<'s, S> {
    files: &'s mut S,
    encoder: ArrowWriter<Vec<u8>>,
    gathered: Vec<Journalled>,
    crc32: crc32fast::Hasher,
    entry: FileEntry,
    last: Option<Journalled>,
}

impl<'s, S: Storage> FileWriter<'s, S> {
    pub fn create(files: &'s mut S, name: String, folded: bool) -> Result<FileWriter<'s, S>, HistoryError> {
        files.create(&name).map_err(io("create", &name))?;
        let encoder = rows::properties()
            .and_then(|properties| {
                // The columns' types are Parquet's own; Arrow's copy of the schema would only be one thing more to check.
                let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
                ArrowWriter::try_new_with_options(Vec::new(), rows::schema(), options)
            })
            .map_err(parquet(&name))?;
        let (ticks, at, sensors) = ((u64::MAX, 0), (i64::MAX, i64::MIN), (u32::MAX, 0));
        let entry = FileEntry { name, bytes: 0, crc32: 0, rows: 0, ticks, at, sensors, folded };
        let crc32 = crc32fast::Hasher::new();
        Ok(FileWriter { files, encoder, gathered: Vec::with_capacity(BATCH_ROWS), crc32, entry, last: None })
    }

    pub fn push(&mut self, row: Journalled) -> Result<(), HistoryError> {
        debug_assert!(self.last <= Some(row), "rows come in their order");
        self.last = Some(row);
        let (reading, entry) = (row.reading, &mut self.entry);
        entry.rows += 1;
        entry.ticks = (entry.ticks.0.min(row.tick.0), entry.ticks.1.max(row.tick.0));
        entry.at = (entry.at.0.min(reading.at.0), entry.at.1.max(reading.at.0));
        entry.sensors = (entry.sensors.0.min(reading.sensor.0), entry.sensors.1.max(reading.sensor.0));
        self.gathered.push(row);
        if self.gathered.len() == BATCH_ROWS {
            self.encode()?;
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<(), HistoryError> {
        let name = &self.entry.name;
        let batch = rows::to_batch(&self.gathered).map_err(parquet(name))?;
        self.encoder.write(&batch).map_err(parquet(name))?;
        self.gathered.clear();
        self.pass_on()
    }

    /// Writes what the encoder has finished.
    fn pass_on(&mut self) -> Result<(), HistoryError> {
        let bytes = std::mem::take(self.encoder.inner_mut());
        if bytes.is_empty() {
            return Ok(());
        }
        self.crc32.update(&bytes);
        self.entry.bytes += bytes.len() as u64;
        self.files.append(&self.entry.name, &bytes).map_err(io("write", &self.entry.name))
    }

    /// Makes the file durable; its name is when the folder is synced.
    pub fn finish(mut self) -> Result<FileEntry, HistoryError> {
        self.encode()?;
        self.encoder.finish().map_err(parquet(&self.entry.name))?;
        self.pass_on()?;
        self.files.sync(&self.entry.name).map_err(io("sync", &self.entry.name))?;
        self.entry.crc32 = self.crc32.finalize();
        Ok(self.entry)
    }
}
