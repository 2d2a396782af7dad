//! What a row is found by: a hash of its key's cells.
//!
//! Key columns may be null, and texts may be longer than an index of PostgreSQL takes (2.7 KB), so the key itself makes
//! no primary key. Hashes are kept in the store: whoever changes how they are made changes [`crate::names::FORMAT`].

use lehr_domain::table::Cell;
use sha2::{Digest, Sha256};

/// The first half of a SHA-256: 10⁹ rows of a table share one with a probability of 10⁻²¹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowKey([u8; 16]);

impl RowKey {
    pub fn of(cells: &[Cell]) -> RowKey {
        let mut hash = Sha256::new();
        for cell in cells {
            match cell {
                Cell::Null => hash.update([0]),
                Cell::Bool(value) => hash.update([1, u8::from(*value)]),
                Cell::Int(value) => fixed(&mut hash, 2, value.to_le_bytes()),
                Cell::Float(value) => fixed(&mut hash, 3, one_of_equals(*value).to_le_bytes()),
                Cell::Text(value) => {
                    fixed(&mut hash, 4, (value.len() as u64).to_le_bytes());
                    hash.update(value.as_bytes());
                }
                Cell::Time(value) => fixed(&mut hash, 5, value.0.to_le_bytes()),
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        RowKey(key)
    }

    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

fn fixed(hash: &mut Sha256, kind: u8, bytes: [u8; 8]) {
    hash.update([kind]);
    hash.update(bytes);
}

/// Zero has two signs and NaN has many bit patterns.
fn one_of_equals(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }

    #[test]
    fn keys_differ_when_cells_do() {
        let different: [&[Cell]; 8] = [
            &[Cell::Null],
            &[Cell::Null, Cell::Null],
            &[text("ab"), text("c")],
            &[text("a"), text("bc")],
            &[text("abc")],
            &[Cell::Int(1)],
            &[Cell::Float(f64::from_bits(1))],
            &[text("a\0")],
        ];
        for (place, one) in different.iter().enumerate() {
            for other in &different[..place] {
                assert_ne!(RowKey::of(one), RowKey::of(other), "{one:?} {other:?}");
            }
        }
        assert_eq!(RowKey::of(&[Cell::Float(0.0)]), RowKey::of(&[Cell::Float(-0.0)]));
        assert_eq!(RowKey::of(&[Cell::Float(f64::NAN)]), RowKey::of(&[Cell::Float(-f64::NAN)]));
    }

    /// Stores in the field hold hashes that were made like this.
    #[test]
    fn keys_are_made_as_they_were() {
        let key = RowKey::of(&[text("Line_A"), Cell::Int(7), Cell::Null]);
        let text: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "75ea9c644564e770f78dcea4e868f7b4");
    }
}
