//! Rows of one file, without decoding pages in which none can be wanted.

use super::error::{HistoryError, io, parquet};
use super::manifest::{FileEntry, Manifest};
use super::source::{Files, Source};
use super::{Journalled, lock, rows};
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use ::parquet::file::page_index::column_index::ColumnIndexMetaData;
use ::parquet::file::statistics::Statistics;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Rows decoded at a time: a page.
const BATCH_ROWS: usize = rows::PAGE_ROWS;

/// Footers kept in memory: that of a file of thirty million rows has some three megabytes, of which the whole is read to
/// find one page.
const FOOTER_BYTES: usize = 64 << 20;

/// The largest file whose checksum is taken when this process looks at it first: 50 ms. Larger ones are left to
/// `lehr verify`, and what is read of them for a replay to the digests of its ticks.
const CHECKED_BYTES: u64 = 256 << 20;
/// Bytes read at a time for a checksum.
const CHUNK_BYTES: usize = 1 << 20;

/// What rows can be in some place, ranges closed on both sides.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub sensors: (u32, u32),
    pub at: (i64, i64),
    pub ticks: (u64, u64),
}

impl From<&FileEntry> for Span {
    fn from(file: &FileEntry) -> Span {
        Span { sensors: file.sensors, at: file.at, ticks: file.ticks }
    }
}

/// Footers of files read before, the latest used last. A file is never changed, so that its checksum is taken once.
#[derive(Debug, Default)]
pub struct Footers {
    kept: Mutex<VecDeque<(Key, ArrowReaderMetadata)>>,
    /// Sound files; forgotten when files come and go for years.
    sound: Mutex<BTreeSet<Key>>,
}

/// Name and checksum: a name may be given again once its file is gone.
type Key = (String, u32);

fn key(file: &FileEntry) -> Key {
    (file.name.clone(), file.crc32)
}

/// Files remembered: 8 MB.
const SOUND_MOST: usize = 100_000;

impl Footers {
    fn check(&self, file: &FileEntry, source: &Source) -> Result<(), HistoryError> {
        if file.bytes > CHECKED_BYTES || lock(&self.sound).contains(&key(file)) {
            return Ok(());
        }
        if checksum(source).map_err(io("read", &file.name))? != (file.bytes, file.crc32) {
            let why = "its checksum is wrong".to_owned();
            return Err(HistoryError::Damaged { file: file.name.clone(), why });
        }
        let mut sound = lock(&self.sound);
        if sound.len() >= SOUND_MOST {
            sound.clear();
        }
        sound.insert(key(file));
        Ok(())
    }

    fn of(&self, file: &FileEntry, source: &Source) -> Result<ArrowReaderMetadata, HistoryError> {
        let key = key(file);
        let mut kept = lock(&self.kept);
        if let Some(place) = kept.iter().position(|(kept, _)| *kept == key) {
            let found = kept.remove(place).expect("its place was found");
            kept.push_back(found.clone());
            return Ok(found.1);
        }
        drop(kept);
        let options =
            ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Required);
        let footer = ArrowReaderMetadata::load(source, options).map_err(parquet(&file.name))?;
        let mut kept = lock(&self.kept);
        kept.push_back((key, footer.clone()));
        let mut bytes: usize = kept.iter().map(|(_, footer)| footer.metadata().memory_size()).sum();
        while bytes > FOOTER_BYTES && kept.len() > 1 {
            let (_, gone) = kept.pop_front().expect("there are two");
            bytes -= gone.metadata().memory_size();
        }
        Ok(footer)
    }
}

/// The rows of a file in their order, except those of pages of which `wanted` says no.
pub fn open<H: Files>(
    files: &H,
    footers: &Footers,
    file: &FileEntry,
    wanted: impl Fn(Span) -> bool,
) -> Result<Rows, HistoryError> {
    let name = &file.name;
    let source = source_of(files, file)?;
    footers.check(file, &source)?;
    let decoder = guarded(name, || {
        let footer = footers.of(file, &source)?;
        let (groups, selection) = select(footer.metadata(), wanted);
        ParquetRecordBatchReaderBuilder::new_with_metadata(source, footer)
            .with_batch_size(BATCH_ROWS)
            .with_row_groups(groups)
            .with_row_selection(selection)
            .build()
            .map_err(parquet(name))
    })?;
    Ok(Rows { name: name.clone(), decoder, batch: Vec::new().into_iter() })
}

/// A file of the manifest, opened. One that is not there was merged or moved by another process, unless the manifest
/// names it still, which is replaced before anything goes.
pub fn source_of<H: Files>(files: &H, file: &FileEntry) -> Result<Source, HistoryError> {
    let name = &file.name;
    match files.open(name).map_err(io("open", name)) {
        Err(HistoryError::Moved { .. }) if Manifest::load(files)?.files.contains(file) => {
            Err(HistoryError::Damaged { file: name.clone(), why: "it is missing".to_owned() })
        }
        opened => opened,
    }
}

/// Length and checksum of a whole file.
pub fn checksum(source: &Source) -> std::io::Result<(u64, u32)> {
    let (mut crc32, mut chunk, mut offset) = (crc32fast::Hasher::new(), vec![0; CHUNK_BYTES], 0);
    loop {
        let count = source.read_at(&mut chunk, offset)?;
        if count == 0 {
            return Ok((offset, crc32.finalize()));
        }
        crc32.update(&chunk[..count]);
        offset += count as u64;
    }
}

/// Runs a part of Parquet's decoder, which takes some damaged bytes for a fault in itself and panics.
fn guarded<T>(name: &str, decode: impl FnOnce() -> Result<T, HistoryError>) -> Result<T, HistoryError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(HistoryError::Damaged { file: name.to_owned(), why: "its pages do not decode".to_owned() })
    })
}

/// Row groups, and rows within all of these, that can be wanted.
fn select(footer: &ParquetMetaData, wanted: impl Fn(Span) -> bool) -> (Vec<usize>, RowSelection) {
    let (mut groups, mut ranges, mut before) = (Vec::new(), Vec::new(), 0);
    for (index, group) in footer.row_groups().iter().enumerate() {
        let whole = |column| bounds(group.column(column).statistics());
        let span = span(whole(rows::SENSOR), whole(rows::AT), whole(rows::TICK));
        if !wanted(span) {
            continue;
        }
        let length = group.num_rows() as usize;
        for page in pages(footer, index, length) {
            let over = |column| page_bounds(footer, index, column, &page);
            if wanted(self::span(over(rows::SENSOR), over(rows::AT), over(rows::TICK))) {
                ranges.push(before + page.start..before + page.end);
            }
        }
        groups.push(index);
        before += length;
    }
    (groups, RowSelection::from_consecutive_ranges(ranges.into_iter(), before))
}

/// The stretches of rows of the first column's pages.
fn pages(footer: &ParquetMetaData, group: usize, length: usize) -> Vec<Range<usize>> {
    let Some(index) = footer.offset_index() else { return std::iter::once(0..length).collect() };
    let starts: Vec<usize> =
        index[group][rows::SENSOR].page_locations().iter().map(|page| page.first_row_index as usize).collect();
    let ends = starts.iter().skip(1).copied().chain([length]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// Least and greatest value of a column over the pages that hold any of these rows. Pages of different columns need
/// not end together.
fn page_bounds(footer: &ParquetMetaData, group: usize, column: usize, over: &Range<usize>) -> Option<(i64, i64)> {
    let (values, places) = (&footer.column_index()?[group][column], &footer.offset_index()?[group][column]);
    let places = places.page_locations();
    let mut bounds: Option<(i64, i64)> = None;
    for (page, place) in places.iter().enumerate() {
        let end = places.get(page + 1).map_or(i64::MAX, |next| next.first_row_index);
        if end <= over.start as i64 || place.first_row_index >= over.end as i64 {
            continue;
        }
        let (least, greatest) = match values {
            ColumnIndexMetaData::INT32(index) => {
                (i64::from(*index.min_value(page)?), i64::from(*index.max_value(page)?))
            }
            ColumnIndexMetaData::INT64(index) => (*index.min_value(page)?, *index.max_value(page)?),
            _ => return None,
        };
        bounds = Some(bounds.map_or((least, greatest), |(min, max)| (min.min(least), max.max(greatest))));
    }
    bounds
}

fn bounds(statistics: Option<&Statistics>) -> Option<(i64, i64)> {
    match statistics? {
        Statistics::Int32(values) => Some((i64::from(*values.min_opt()?), i64::from(*values.max_opt()?))),
        Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}

/// Unsigned columns are kept as signed ones of the same bits. What is not known may be anything.
fn span(sensors: Option<(i64, i64)>, at: Option<(i64, i64)>, ticks: Option<(i64, i64)>) -> Span {
    Span {
        sensors: sensors.map_or((0, u32::MAX), |(min, max)| (min as i32 as u32, max as i32 as u32)),
        at: at.unwrap_or((i64::MIN, i64::MAX)),
        ticks: ticks.map_or((0, u64::MAX), |(min, max)| (min as u64, max as u64)),
    }
}

/// Rows of a file, in order. Holds the file open, so that it may be removed meanwhile. Ends after an error.
pub struct Rows {
    name: String,
    decoder: ParquetRecordBatchReader,
    batch: std::vec::IntoIter<Journalled>,
}

impl Iterator for Rows {
    type Item = Result<Journalled, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(Ok(row));
            }
            let decoder = &mut self.decoder;
            let batch = match guarded(&self.name, || decoder.next().transpose().map_err(parquet(&self.name))) {
                Ok(batch) => batch?,
                Err(error) => return Some(Err(error)),
            };
            let Some(rows) = rows::from_batch(&batch) else {
                let why = "its columns are not those of history".to_owned();
                return Some(Err(HistoryError::Damaged { file: self.name.clone(), why }));
            };
            self.batch = rows.into_iter();
        }
    }
}
