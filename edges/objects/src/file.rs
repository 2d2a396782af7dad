//! Batches as Parquet.

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use lehr_targets::TargetError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Rows of a row group: some 16 MB of 30 columns while they are gathered.
const ROW_GROUP_ROWS: usize = 65_536;

/// Rows that are decoded at a time, of each object that is merged.
pub(crate) const BATCH_ROWS: usize = 4096;

const ZSTD_LEVEL: i32 = 3;

/// Whole files in memory, one after the other.
pub(crate) struct FileWriter {
    writer: ArrowWriter<Vec<u8>>,
    pub rows: usize,
}

impl FileWriter {
    pub fn begin(like: &RecordBatch) -> Result<FileWriter, TargetError> {
        let properties = || {
            let compression = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
            let properties = WriterProperties::builder().set_created_by("lehr".to_owned());
            let properties = properties.set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
            ArrowWriter::try_new(Vec::new(), like.schema(), Some(properties.set_compression(compression).build()))
        };
        Ok(FileWriter { writer: properties().map_err(unwritable)?, rows: 0 })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), TargetError> {
        self.rows += batch.num_rows();
        self.writer.write(batch).map_err(unwritable)
    }

    pub fn end(self) -> Result<Bytes, TargetError> {
        self.writer.into_inner().map(Bytes::from).map_err(unwritable)
    }
}

/// One batch as a file.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Bytes, TargetError> {
    let mut writer = FileWriter::begin(batch)?;
    writer.write(batch)?;
    writer.end()
}

fn unwritable(error: ParquetError) -> TargetError {
    TargetError::Refused(format!("rows cannot be written as Parquet: {error}: report this as a fault of Lehr"))
}

pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// What an object holds, decoded as it is asked for.
pub(crate) fn decode(object: &str, bytes: Bytes) -> Result<Batches, TargetError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes);
    let reader = reader.and_then(|reader| reader.with_batch_size(BATCH_ROWS).build());
    Ok(Box::new(reader.map_err(|error| unreadable(object, &error.to_string()))?))
}

pub(crate) fn unreadable(object: &str, why: &str) -> TargetError {
    TargetError::Refused(format!(
        "{object} is damaged: {why}; restore it, or let Lehr fill the store anew under another prefix"
    ))
}
