//! Names and texts in statements. Every name goes through [`name`], every text through [`text`].

use lehr_targets::Table;
use std::borrow::Cow;

/// How keys are hashed and tables laid out.
pub(crate) const FORMAT: i32 = 1;

/// The hash of the key. No column of Lehr begins like this.
pub(crate) const KEY: &str = "lehr_key";

/// Tables that a store keeps beside Lehr's own.
pub(crate) const POSITION: &str = "position";
pub(crate) const TABLES: &str = "tables";

/// An identifier as it is, whatever is in it.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn text(text: &str) -> String {
    format!("'{}'", without_nul(text).replace('\'', "''"))
}

/// PostgreSQL has no text with the character 0, and SQLite's functions stop at it. Its symbol stands for it.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{2400}").into() } else { text.into() }
}

/// The key as it is written down beside the table.
pub(crate) fn key_text(table: &Table) -> String {
    table.columns.iter().take(table.key).map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// Columns of a table and what replaces them in a row that is there: for an upsert.
pub(crate) fn columns_and_replacements(table: &Table) -> (String, String) {
    let names: Vec<String> = table.columns.iter().map(|column| name(column.name)).collect();
    let replaced: Vec<String> = names.iter().map(|name| format!("{name} = EXCLUDED.{name}")).collect();
    (names.join(", "), replaced.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_stay_what_they_are() {
        assert_eq!(name("a\"; DROP TABLE b"), "\"a\"\"; DROP TABLE b\"");
        assert_eq!(text("It's"), "'It''s'");
    }

    #[test]
    fn the_character_0_is_shown_as_its_symbol() {
        assert_eq!(without_nul("a\0b"), "a␀b");
        assert!(matches!(without_nul("ab"), Cow::Borrowed("ab")));
    }
}
