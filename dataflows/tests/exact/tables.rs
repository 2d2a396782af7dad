//! Every output table as the set of its rows.

use lehr_dataflows::tables::*;
use lehr_dataflows::{Diff, for_all_tables};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Rows named in a failure, per table and direction: enough to see a pattern, few enough to read.
const SHOWN: usize = 3;

/// The table of what the detectors remember in their own way. It has no definition but that later tables are right
/// with it, also after a restart.
pub const MEMORY: &str = "carried";

macro_rules! declare {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// The rows of every table at one tick.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Tables { $( pub $field: BTreeSet<$row>, )* }

        impl Tables {
            /// Takes up what a tick changed. A row is there once or not at all.
            pub fn apply(&mut self, mut changes: Changes) {
                changes.consolidate();
                $( apply(stringify!($field), &mut self.$field, changes.$field); )*
            }

            /// What is in `self` and not in `expected`, and the other way round; empty when they are equal.
            pub fn differences(&self, expected: &Tables) -> String {
                let mut text = String::new();
                $( differences(stringify!($field), &self.$field, &expected.$field, &mut text); )*
                text
            }

            /// The same without [`MEMORY`].
            pub fn differences_but_memory(&self, expected: &Tables) -> String {
                let mut text = String::new();
                $( if stringify!($field) != MEMORY {
                    differences(stringify!($field), &self.$field, &expected.$field, &mut text);
                } )*
                text
            }

            /// Per table its name, its number of rows, and how many of the rows of `before` are gone.
            pub fn turnover(&self, before: &Tables) -> Vec<(&'static str, usize, usize)> {
                vec![ $( (stringify!($field), self.$field.len(), before.$field.difference(&self.$field).count()), )* ]
            }
        }
    };
}
for_all_tables!(declare);

fn apply<R: Ord + Debug>(table: &str, rows: &mut BTreeSet<R>, changes: Vec<(R, Diff)>) {
    // Retractions first: an insertion may put the same key's next row into its place.
    let (gone, new): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(_, diff)| *diff < 0);
    for (row, diff) in gone {
        assert!(diff == -1 && rows.remove(&row), "{table}: {diff} of a row that is not there: {row:?}");
    }
    for (row, diff) in new {
        assert_eq!(diff, 1, "{table}: a row is there once: {row:?}");
        let twice = format!("{table}: a row came twice: {row:?}");
        assert!(rows.insert(row), "{twice}");
    }
}

fn differences<R: Ord + Debug>(table: &str, actual: &BTreeSet<R>, expected: &BTreeSet<R>, text: &mut String) {
    let mut list = |what: &str, rows: Vec<&R>| {
        if !rows.is_empty() {
            *text += &format!("\n{table}: {} rows {what}, among them", rows.len());
            rows.iter().take(SHOWN).for_each(|row| *text += &format!("\n  {row:?}"));
        }
    };
    list("too many", actual.difference(expected).collect());
    list("missing", expected.difference(actual).collect());
}
