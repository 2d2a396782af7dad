//! Sums as differences: what is added up travels in the place of a row's multiplicity, so that differential
//! dataflow keeps one running sum a key, and a retraction subtracts exactly what was added.

/// A field of a [`sums!`] struct.
pub trait Summand {
    fn is_nothing(&self) -> bool;
    fn add(&mut self, other: &Self);
    fn scale(&mut self, factor: i64);
}

impl Summand for i64 {
    fn is_nothing(&self) -> bool {
        *self == 0
    }
    fn add(&mut self, other: &i64) {
        *self += other;
    }
    fn scale(&mut self, factor: i64) {
        *self *= factor;
    }
}

impl<const N: usize> Summand for [i64; N] {
    fn is_nothing(&self) -> bool {
        self.iter().all(|sum| *sum == 0)
    }
    fn add(&mut self, other: &[i64; N]) {
        for (sum, more) in self.iter_mut().zip(other) {
            *sum += more;
        }
    }
    fn scale(&mut self, factor: i64) {
        for sum in self {
            *sum *= factor;
        }
    }
}

/// Declares a struct of sums that may stand in the place of a multiplicity. Fields are `i64` or arrays of
/// them: at one unit a second and plant, counts and milliseconds stay below 2^63 for longer than glass is made.
macro_rules! sums {
    ($(#[$attribute:meta])* pub struct $name:ident { $( $(#[$field_attribute:meta])* pub $field:ident : $type:ty, )* }) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub struct $name { $( $(#[$field_attribute])* pub $field: $type, )* }

        impl differential_dataflow::difference::IsZero for $name {
            fn is_zero(&self) -> bool {
                true $( && $crate::sums::Summand::is_nothing(&self.$field) )*
            }
        }

        impl differential_dataflow::difference::Semigroup for $name {
            fn plus_equals(&mut self, other: &Self) {
                $( $crate::sums::Summand::add(&mut self.$field, &other.$field); )*
            }
        }

        impl differential_dataflow::difference::Monoid for $name {
            fn zero() -> Self {
                Self::default()
            }
        }

        impl differential_dataflow::difference::Abelian for $name {
            fn negate(&mut self) {
                $( $crate::sums::Summand::scale(&mut self.$field, -1); )*
            }
        }

        impl differential_dataflow::difference::Multiply<$crate::Diff> for $name {
            type Output = Self;
            fn multiply(mut self, factor: &$crate::Diff) -> Self {
                $( $crate::sums::Summand::scale(&mut self.$field, *factor as i64); )*
                self
            }
        }
    };
}
pub(crate) use sums;
