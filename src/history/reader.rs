//! Rows of one file, without decoding pages in which none can be wanted.

use super::error::{HistoryError, io, parquet};
use super::manifest::FileEntry;
use super::source::{Files, Source};
use super::{Journalled, lock, rows};
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use ::parquet::file::page_index::column_index::ColumnIndexMetaData;
use ::parquet::file::statistics::Statistics;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Mutex;

/// Rows decoded at a time: a page.
const BATCH_ROWS: usize = rows::PAGE_ROWS;

/// Footers kept in memory: that of a file of thirty million rows has some three megabytes, of which the whole is read to
/// find one page.
const FOOTER_BYTES: usize = 64 << 20;

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

/// Footers of files read before, the latest used last.
#[derive(Debug, Default)]
pub struct Footers(Mutex<VecDeque<(String, ArrowReaderMetadata)>>);

impl Footers {
    fn of(&self, name: &str, source: &Source) -> Result<ArrowReaderMetadata, HistoryError> {
        let mut kept = lock(&self.0);
        if let Some(place) = kept.iter().position(|(kept, _)| kept == name) {
            let found = kept.remove(place).expect("its place was found");
            kept.push_back(found.clone());
            return Ok(found.1);
        }
        drop(kept);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let footer = ArrowReaderMetadata::load(source, options).map_err(parquet(name))?;
        let mut kept = lock(&self.0);
        kept.push_back((name.to_owned(), footer.clone()));
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
    let source = files.open(name).map_err(io("open", name))?;
    let footer = footers.of(name, &source)?;
    let (groups, selection) = select(footer.metadata(), wanted);
    let decoder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, footer)
        .with_batch_size(BATCH_ROWS)
        .with_row_groups(groups)
        .with_row_selection(selection)
        .build()
        .map_err(parquet(name))?;
    Ok(Rows { name: name.clone(), decoder, batch: Vec::new().into_iter() })
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
    let Some(index) = footer.offset_index() else { return vec![0..length] };
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
            ColumnIndexMetaData::INT32(index) => (i64::from(*index.min_value(page)?), i64::from(*index.max_value(page)?)),
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
            let batch = match self.decoder.next()?.map_err(parquet(&self.name)) {
                Ok(batch) => batch,
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
