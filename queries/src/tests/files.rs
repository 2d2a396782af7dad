use super::fixture::{changes, names, snapshot};
use crate::QueryError;
use crate::arrow::{rows_to_batch, write_parquet};
use arrow::compute::concat_batches;
use lehr_dataflows::tables::PaneRow;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::{self, File};

#[test]
fn the_same_rows_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = 0;
    for view in snapshot().tables() {
        let paths = ["first", "second"].map(|run| folder.path().join(format!("{}.{run}.parquet", view.name())));
        for path in &paths {
            assert_eq!(view.write_parquet(path).unwrap(), view.rows(), "{}", view.name());
        }
        let [first, second] = paths.map(|path| fs::read(path).unwrap());
        assert!(first == second, "{}", view.name());
        written += view.rows();
    }
    assert_eq!(written, changes().len());
    let left = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "partial"));
    assert_eq!(left.count(), 0, "no half-written file stays");
}

#[test]
fn a_file_reads_back_as_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panes.parquet");
    // More rows than one row group holds, in an order of their own.
    let panes: Vec<PaneRow> = changes().panes.into_iter().rev().map(|(row, _)| row).collect();
    let rows: Vec<&PaneRow> = panes.iter().cycle().take(70_000).collect();
    assert_eq!(write_parquet(&path, rows.iter().copied(), &names()).unwrap(), 70_000);
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    assert_eq!(builder.metadata().num_row_groups(), 2);
    assert_eq!(builder.metadata().file_metadata().created_by(), Some("lehr"));
    let schema = builder.schema().clone();
    let batches: Vec<_> = builder.build().unwrap().map(|batch| batch.unwrap()).collect();
    let found = concat_batches(&schema, &batches).unwrap();
    let expected = rows_to_batch(rows.iter().copied(), &names()).unwrap();
    assert_eq!(found.columns(), expected.columns());
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let error = write_parquet::<PaneRow>("/nowhere/panes.parquet".as_ref(), [], &names()).unwrap_err();
    assert!(matches!(error, QueryError::File { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/panes.parquet"), "{error}");
}
