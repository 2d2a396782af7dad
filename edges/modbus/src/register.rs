//! Where a value stands in a device.

use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// The four tables of Modbus, each with addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Coil,
    Discrete,
    Input,
    Holding,
}

impl Table {
    pub const ALL: [Table; 4] = [Table::Coil, Table::Discrete, Table::Input, Table::Holding];

    pub fn name(self) -> &'static str {
        match self {
            Table::Coil => "coil",
            Table::Discrete => "discrete",
            Table::Input => "input",
            Table::Holding => "holding",
        }
    }

    /// Whether an address holds one bit, not a register of 16.
    pub fn is_bits(self) -> bool {
        matches!(self, Table::Coil | Table::Discrete)
    }
}

/// A table and an address as the protocol has it, from 0: `holding:100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Register {
    pub table: Table,
    pub address: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("register '{text}' must be coil:N, discrete:N, input:N or holding:N with N from 0 to 65535{hint}")]
pub struct NotARegister {
    text: String,
    hint: String,
}

impl FromStr for Register {
    type Err = NotARegister;

    fn from_str(text: &str) -> Result<Register, NotARegister> {
        let found = text.split_once(':').and_then(|(table, address)| {
            let table = Table::ALL.into_iter().find(|known| known.name() == table.trim())?;
            Some(Register { table, address: address.trim().parse().ok()? })
        });
        found.ok_or_else(|| NotARegister {
            text: text.to_owned(),
            hint: classic(text).map_or(String::new(), |register| format!("; {text} is {register}")),
        })
    }
}

/// The register that manuals write as 40001 or 400001: a digit for the table, and the address from 1.
fn classic(text: &str) -> Option<Register> {
    let (digit, number) = text.trim().split_at_checked(1)?;
    if !matches!(number.len(), 4 | 5) {
        return None;
    }
    let table = match digit {
        "0" => Table::Coil,
        "1" => Table::Discrete,
        "3" => Table::Input,
        "4" => Table::Holding,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    Some(Register { table, address: u16::try_from(number.checked_sub(1)?).ok()? })
}

impl TryFrom<String> for Register {
    type Error = NotARegister;

    fn try_from(text: String) -> Result<Register, NotARegister> {
        text.parse()
    }
}

impl fmt::Display for Register {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.table.name(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_register_reads_as_it_is_written(table in 0..4_usize, address: u16) {
            let register = Register { table: Table::ALL[table], address };
            prop_assert_eq!(register.to_string().parse(), Ok(register));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = text.parse::<Register>();
        }
    }

    #[test]
    fn numbers_of_manuals_are_explained() {
        for (text, meant) in
            [("40001", "; 40001 is holding:0"), ("300101", "; 300101 is input:100"), ("holding:70000", "")]
        {
            let error = text.parse::<Register>().unwrap_err().to_string();
            assert!(error.ends_with(&format!("from 0 to 65535{meant}")), "{error}");
        }
    }
}
