//! Simulated plants on disk: a file each, in a folder named after the recipe.
//!
//! A file: eight bytes of magic, the number of lines and of minutes (u32, little endian), for each line its id and first minute and
//! the columns one after the other, and a CRC-32 over all before it. A file that is there is whole: it is written beside its
//! place and moved there.

use super::{LineSeries, SENSORS};
use crate::DatasetError;
use lehr_domain::LineId;
use std::fs;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"LEHRSEQ1";

pub(super) fn file(folder: &Path, seed: u64) -> PathBuf {
    folder.join(format!("plant-{seed}.bin"))
}

/// The plant's series if they were made before.
pub(super) fn read(path: &Path) -> Result<Option<Vec<LineSeries>>, DatasetError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DatasetError::Folder { path: path.into(), source }),
    };
    let damaged = |why: &str| DatasetError::Damaged { path: path.into(), why: why.into() };
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("is empty"))?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(damaged("its checksum does not match"));
    }
    decode(body).map(Some).ok_or_else(|| damaged("is of another form"))
}

pub(super) fn write(path: &Path, lines: &[LineSeries]) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::Folder { path: path.into(), source };
    let mut bytes = encode(lines);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&beside, bytes).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

fn encode(lines: &[LineSeries]) -> Vec<u8> {
    let minutes = lines.first().map_or(0, |series| series.units.len());
    let mut bytes = Vec::with_capacity(32 + lines.len() * (16 + minutes * (4 * SENSORS + 4)));
    bytes.extend(MAGIC);
    bytes.extend((lines.len() as u32).to_le_bytes());
    bytes.extend((minutes as u32).to_le_bytes());
    for series in lines {
        bytes.extend(series.line.0.to_le_bytes());
        bytes.extend(series.first_minute.to_le_bytes());
        bytes.extend(series.means.iter().flat_map(|mean| mean.to_le_bytes()));
        for column in [&series.units, &series.defective, &series.reported, &series.cause] {
            bytes.extend_from_slice(column);
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<LineSeries>> {
    let mut rest = bytes.strip_prefix(&MAGIC)?;
    let lines = u32::from_le_bytes(take(&mut rest)?);
    let minutes = u32::from_le_bytes(take(&mut rest)?) as usize;
    let mut all = Vec::new();
    for _ in 0..lines {
        let line = LineId(u16::from_le_bytes(take(&mut rest)?));
        let first_minute = i64::from_le_bytes(take(&mut rest)?);
        let (means, after) = rest.split_at_checked(4 * minutes * SENSORS)?;
        rest = after;
        let mut column = || {
            let (column, after) = rest.split_at_checked(minutes)?;
            rest = after;
            Some(column.to_vec())
        };
        all.push(LineSeries {
            line,
            first_minute,
            units: column()?,
            defective: column()?,
            reported: column()?,
            cause: column()?,
            means: means.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        });
    }
    rest.is_empty().then_some(all)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<LineSeries> {
        let line = |id: u16| LineSeries {
            line: LineId(id),
            first_minute: 29_497_320,
            means: (0..3 * SENSORS).map(|i| i as f32 * 1.5 - 7.0).collect(),
            units: vec![15, 14, 0],
            defective: vec![1, 0, 0],
            reported: vec![0, 2, 0],
            cause: vec![3, 0, 0],
        };
        vec![line(0), line(2)]
    }

    #[test]
    fn what_is_written_is_read_and_damage_is_seen() {
        let folder = std::env::temp_dir().join(format!("lehr-sequences-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = file(&folder, 5);
        assert_eq!(read(&path).unwrap(), None);
        write(&path, &lines()).unwrap();
        assert_eq!(read(&path).unwrap(), Some(lines()));
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("checksum"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_cut_anywhere_is_not_taken() {
        let bytes = encode(&lines());
        assert!(decode(&bytes).is_some());
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
