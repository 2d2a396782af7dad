//! All live tables at one tick.

use crate::arrow::{schema_of, write_parquet};
use crate::error::{QueryError, Result};
use crate::live::LiveTable;
use ::arrow::datatypes::SchemaRef;
use ::arrow::record_batch::RecordBatch;
use lehr_dataflows::tables::*;
use lehr_dataflows::{Diff, for_all_tables};
use lehr_domain::names::Names;
use lehr_domain::table::{Column, Row};
use lehr_domain::{EventMs, Tick};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

/// A live table without its row type.
pub trait TableView: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn columns(&self) -> Vec<Column>;
    fn rows(&self) -> usize;
    /// Rows of each page, in order.
    fn page_rows(&self) -> Vec<usize>;
    /// The Arrow form of a page; see [`LiveTable::batch`].
    fn batch(&self, page: usize) -> Result<RecordBatch>;
    /// All rows as a reproducible file; see [`crate::arrow::write_parquet`].
    fn write_parquet(&self, path: &Path) -> Result<usize>;

    fn schema(&self) -> SchemaRef {
        schema_of(&self.columns())
    }
}

impl<R: Row> TableView for LiveTable<R> {
    fn name(&self) -> &'static str {
        R::TABLE
    }

    fn columns(&self) -> Vec<Column> {
        R::columns()
    }

    fn rows(&self) -> usize {
        self.len()
    }

    fn page_rows(&self) -> Vec<usize> {
        self.pages().iter().map(|page| page.rows()).collect()
    }

    fn batch(&self, page: usize) -> Result<RecordBatch> {
        LiveTable::batch(self, page)
    }

    fn write_parquet(&self, path: &Path) -> Result<usize> {
        write_parquet(path, self.iter(), self.names())
    }
}

/// What a table holds, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDoc {
    pub table: &'static str,
    pub doc: &'static str,
    pub columns: Vec<Column>,
}

macro_rules! declare_snapshot {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// What Lehr knew at one tick: every door shows the same. Immutable; the next tick's snapshot shares
        /// all pages that did not change.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Snapshot {
            pub tick: Tick,
            /// Plant time when the tick closed: what `now()` is in SQL.
            pub now: EventMs,
            /// Wall time when the tick closed.
            pub wall: EventMs,
            /// Low-water mark of event time when the tick closed.
            pub low_water: EventMs,
            pub names: Arc<Names>,
            $( pub $field: LiveTable<$row>, )*
        }

        impl Snapshot {
            /// The snapshot of `tick`, which must not be earlier than this one. Give the same `Arc` of names
            /// as long as nothing was registered: other names cost the Arrow forms of all pages.
            pub fn apply(
                &self,
                tick: Tick,
                now: EventMs,
                wall: EventMs,
                names: &Arc<Names>,
                changes: &Changes,
            ) -> Result<Snapshot> {
                if tick < self.tick {
                    return Err(QueryError::Backwards { at: self.tick.0, to: tick.0 });
                }
                let mut next = Snapshot { tick, now, wall, names: names.clone(), ..self.clone() };
                std::thread::scope(|scope| -> Result<()> {
                    $( let $field = apply_to(scope, &mut next.$field, names, &changes.$field); )*
                    $( $field()?; )*
                    Ok(())
                })?;
                Ok(next)
            }

            /// Every table, by the order of their declaration.
            pub fn tables(&self) -> Vec<Arc<dyn TableView>> {
                vec![$( Arc::new(self.$field.clone()) as Arc<dyn TableView>, )*]
            }

            /// Rows of all tables.
            pub fn rows(&self) -> usize {
                0 $( + self.$field.len() )*
            }
        }

        /// Every live table with its columns, by the order of their declaration.
        pub fn table_docs() -> Vec<TableDoc> {
            vec![$( TableDoc { table: $row::TABLE, doc: $row::DOC.trim(), columns: $row::columns() }, )*]
        }
    };
}
for_all_tables!(declare_snapshot);

/// So many changes of a table are worth a thread of their own: tens of milliseconds. Only what a start goes on from
/// and large corrections have as many.
const OWN_THREAD_CHANGES: usize = 50_000;

/// Applies the changes of one table, those of large ones beside the others; what is given back waits for the end.
fn apply_to<'scope, R: Row>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    table: &'scope mut LiveTable<R>,
    names: &'scope Arc<Names>,
    changes: &'scope [(R, Diff)],
) -> impl FnOnce() -> Result<()> + use<'scope, R> {
    let mut apply = move || -> Result<()> {
        *table = table.with_names(names).apply(changes)?;
        Ok(())
    };
    let (done, running) =
        if changes.len() < OWN_THREAD_CHANGES { (Some(apply()), None) } else { (None, Some(scope.spawn(apply))) };
    move || match running {
        Some(running) => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        None => done.expect("without a thread it is done at once"),
    }
}

impl Snapshot {
    /// The same snapshot, of a tick with this low-water mark.
    pub fn marked(mut self, low_water: EventMs) -> Snapshot {
        self.low_water = low_water;
        self
    }

    /// Before the first tick: no rows.
    pub fn empty() -> Snapshot {
        Snapshot::default()
    }
}
