//! Batches as stores take them: tables as columns, rows as cells.

use super::Batch;
use lehr_dataflows::for_all_tables;
use lehr_dataflows::tables::*;
use lehr_targets::{Delta, Table, TableDelta};
use std::sync::Arc;

macro_rules! declare_tables {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Every table that stores are given, as each of them has to know it.
        #[derive(Clone, Debug)]
        pub struct Tables { $( $field: Arc<Table>, )* }

        impl Tables {
            pub fn new() -> Tables {
                Tables { $( $field: Arc::new(Table::of::<$row>($row::KEY)), )* }
            }

            /// Without those that only a restart of Lehr reads.
            pub fn list(&self) -> Vec<Arc<Table>> {
                let all = [ $( &self.$field, )* ];
                all.into_iter().filter(|table| table.key > 0).cloned().collect()
            }

            pub fn delta(&self, batch: &Batch) -> Delta {
                let mut tables = Vec::new();
                $( if $row::KEY > 0 {
                    tables.extend(TableDelta::of(&self.$field, &batch.changes.$field, &batch.names));
                } )*
                Delta { after: batch.after, tick: batch.tick, now: batch.now, tables }
            }
        }
    };
}
for_all_tables!(declare_tables);
