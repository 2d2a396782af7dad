//! What registers mean.

use crate::register::{Register, Table};
use serde::Deserialize;

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A coil or discrete input: 0 or 1.
    Bool,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// Which comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The most significant.
    #[default]
    Big,
    Little,
}

/// A value's place in a device, and its form there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub register: Register,
    pub kind: Kind,
    /// Of the registers of a value.
    pub word_order: Order,
    /// Of the two bytes of a register.
    pub byte_order: Order,
}

impl Kind {
    pub const REGISTERS: [Kind; 8] =
        [Kind::U16, Kind::I16, Kind::U32, Kind::I32, Kind::U64, Kind::I64, Kind::F32, Kind::F64];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::U16 => "u16",
            Kind::I16 => "i16",
            Kind::U32 => "u32",
            Kind::I32 => "i32",
            Kind::U64 => "u64",
            Kind::I64 => "i64",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
        }
    }

    /// Addresses that a value takes: bits of a table of bits, registers of 16 bits elsewhere.
    pub fn width(self) -> u16 {
        match self {
            Kind::Bool | Kind::U16 | Kind::I16 => 1,
            Kind::U32 | Kind::I32 | Kind::F32 => 2,
            Kind::U64 | Kind::I64 | Kind::F64 => 4,
        }
    }

    /// Whether values of this type stand in the table.
    pub fn fits(self, table: Table) -> bool {
        table.is_bits() == (self == Kind::Bool)
    }
}

impl Place {
    /// First address, and the one after the last.
    pub fn span(&self) -> (u32, u32) {
        let start = u32::from(self.register.address);
        (start, start + u32::from(self.kind.width()))
    }

    /// The value of as many registers as its type takes; none of another number. Integers beyond 2^53 lose their last
    /// digits, as every `f64` does.
    pub fn decode(&self, words: &[u16]) -> Option<f64> {
        if words.len() != usize::from(self.kind.width()) || self.kind == Kind::Bool {
            return None;
        }
        let pattern = self.in_order(words).fold(0_u64, |pattern, word| pattern << 16 | u64::from(word));
        Some(match self.kind {
            Kind::U16 | Kind::U32 | Kind::U64 => pattern as f64,
            Kind::I16 => f64::from(pattern as u16 as i16),
            Kind::I32 => f64::from(pattern as u32 as i32),
            Kind::I64 => pattern as i64 as f64,
            Kind::F32 => f64::from(f32::from_bits(pattern as u32)),
            Kind::F64 => f64::from_bits(pattern),
            Kind::Bool => return None,
        })
    }

    /// The registers of a value, which is rounded to what its type can hold; none where it lies beyond.
    pub fn encode(&self, value: f64) -> Option<Vec<u16>> {
        let whole = |low: f64, high: f64| {
            let value = value.round();
            (low <= value && value <= high).then_some(value)
        };
        let pattern = match self.kind {
            Kind::U16 => whole(0.0, f64::from(u16::MAX))? as u64,
            Kind::I16 => whole(f64::from(i16::MIN), f64::from(i16::MAX))? as i64 as u64,
            Kind::U32 => whole(0.0, f64::from(u32::MAX))? as u64,
            Kind::I32 => whole(f64::from(i32::MIN), f64::from(i32::MAX))? as i64 as u64,
            // As floats the greatest integers of 64 bits round to one beyond.
            Kind::U64 => whole(0.0, (u64::MAX as f64).next_down())? as u64,
            Kind::I64 => whole(i64::MIN as f64, (i64::MAX as f64).next_down())? as i64 as u64,
            Kind::F32 => {
                let narrow = value as f32;
                if narrow.is_infinite() && value.is_finite() {
                    return None;
                }
                u64::from(narrow.to_bits())
            }
            Kind::F64 => value.to_bits(),
            Kind::Bool => return None,
        };
        let width = self.kind.width();
        let words: Vec<u16> = (0..width).rev().map(|place| (pattern >> (16 * place)) as u16).collect();
        Some(self.in_order(&words).collect())
    }

    /// Words as they count, of words as they stand. Its own inverse.
    fn in_order<'w>(&self, words: &'w [u16]) -> impl Iterator<Item = u16> + use<'w> {
        let (word_order, byte_order) = (self.word_order, self.byte_order);
        (0..words.len()).map(move |place| {
            let word = match word_order {
                Order::Big => words[place],
                Order::Little => words[words.len() - 1 - place],
            };
            match byte_order {
                Order::Big => word,
                Order::Little => word.swap_bytes(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(kind: Kind, word_order: Order, byte_order: Order) -> Place {
        Place { register: Register { table: Table::Holding, address: 0 }, kind, word_order, byte_order }
    }

    /// Values that their types hold exactly.
    fn exact() -> impl Strategy<Value = (Kind, f64)> {
        prop_oneof![
            any::<u16>().prop_map(|value| (Kind::U16, f64::from(value))),
            any::<i16>().prop_map(|value| (Kind::I16, f64::from(value))),
            any::<u32>().prop_map(|value| (Kind::U32, f64::from(value))),
            any::<i32>().prop_map(|value| (Kind::I32, f64::from(value))),
            (0..1_u64 << 53).prop_map(|value| (Kind::U64, value as f64)),
            (-(1_i64 << 53)..1 << 53).prop_map(|value| (Kind::I64, value as f64)),
            any::<f32>().prop_map(|value| (Kind::F32, f64::from(value))),
            any::<f64>().prop_map(|value| (Kind::F64, value)),
        ]
    }

    fn order() -> impl Strategy<Value = Order> {
        prop_oneof![Just(Order::Big), Just(Order::Little)]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded((kind, value) in exact(), words in order(), bytes in order()) {
            let place = place(kind, words, bytes);
            let encoded = place.encode(value).expect("it fits");
            prop_assert_eq!(encoded.len(), usize::from(kind.width()));
            prop_assert_eq!(place.decode(&encoded), Some(value));
        }

        #[test]
        fn any_registers_are_a_value_or_none(
            kind in 0..8_usize, bytes in order(), words in order(), found: Vec<u16>,
        ) {
            let place = place(Kind::REGISTERS[kind], words, bytes);
            prop_assert_eq!(place.decode(&found).is_some(), found.len() == usize::from(place.kind.width()));
        }

        #[test]
        fn any_float_is_encoded_or_refused(kind in 0..8_usize, value: f64) {
            let place = place(Kind::REGISTERS[kind], Order::Big, Order::Big);
            if let Some(words) = place.encode(value).filter(|_| value.is_finite()) {
                let found = place.decode(&words).expect("as many registers as the type takes");
                let step = match place.kind {
                    Kind::F32 => (value.abs() * 1e-7).max(f64::from(f32::MIN_POSITIVE)),
                    Kind::F64 => 0.0,
                    _ => 0.5,
                };
                prop_assert!((found - value).abs() <= step, "{} became {}", value, found);
            }
        }
    }

    #[test]
    fn bytes_stand_as_the_four_orders_of_manuals_say() {
        // 123.456 as a float of 32 bits is 42 F6 E9 79.
        for (words, bytes, registers) in [
            (Order::Big, Order::Big, [0x42F6, 0xE979]),
            (Order::Little, Order::Big, [0xE979, 0x42F6]),
            (Order::Big, Order::Little, [0xF642, 0x79E9]),
            (Order::Little, Order::Little, [0x79E9, 0xF642]),
        ] {
            let place = place(Kind::F32, words, bytes);
            assert_eq!(place.encode(123.456), Some(registers.to_vec()));
            assert_eq!(place.decode(&registers), Some(f64::from(123.456_f32)));
        }
    }

    #[test]
    fn what_a_type_cannot_hold_is_refused() {
        for (kind, value) in [
            (Kind::U16, 65_536.0),
            (Kind::U16, -1.0),
            (Kind::I16, 32_768.0),
            (Kind::U64, 2_f64.powi(64)),
            (Kind::I64, 2_f64.powi(63)),
            (Kind::I32, f64::NAN),
            (Kind::F32, 1e39),
        ] {
            assert_eq!(place(kind, Order::Big, Order::Big).encode(value), None, "{kind:?} {value}");
        }
    }
}
