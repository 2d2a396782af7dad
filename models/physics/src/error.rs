//! What the functions of this crate refuse.

use crate::composition::Oxide;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PhysicsError {
    #[error("{quantity} is {value}, but must be from {low} to {high}")]
    OutOfRange { quantity: &'static str, value: f64, low: f64, high: f64 },
    #[error("{quantity} has {got} values where {expected} are needed")]
    Length { quantity: &'static str, got: usize, expected: usize },
    #[error("{oxide} is given twice; add its shares up")]
    Twice { oxide: Oxide },
    #[error("{oxide} is {percent} %, but a share is from 0 to 100 %")]
    Share { oxide: Oxide, percent: f64 },
    #[error("the oxides add up to {0} % instead of 100 %; state the missing ones")]
    Total(f64),
    #[error("{oxide} is {percent} {unit}, but {model} was fitted to {low} to {high} {unit}")]
    Oxide { model: &'static str, oxide: Oxide, percent: f64, unit: &'static str, low: f64, high: f64 },
    #[error("{model} has no term for {oxide}, and {percent} {unit} of it and its like are too much to leave out")]
    NoTerm { model: &'static str, oxide: Oxide, percent: f64, unit: &'static str },
    #[error("{temperature} °C is not above {vogel} °C, where the viscosity equation ends")]
    BelowVogel { temperature: f64, vogel: f64 },
    #[error("a log10 viscosity of {log10} is not above {limit}, which the glass approaches when it is hottest")]
    TooThin { log10: f64, limit: f64 },
    #[error("the three points lie on no viscosity curve: it must fall and flatten as temperature rises")]
    NoCurve,
    #[error("{what} did not settle within {iterations} iterations; take shorter steps")]
    NotConverged { what: &'static str, iterations: usize },
}

/// `value` itself when it is in the range; NaN and infinities are not.
pub(crate) fn within(quantity: &'static str, value: f64, low: f64, high: f64) -> Result<f64, PhysicsError> {
    if value.is_finite() && value >= low && value <= high {
        return Ok(value);
    }
    Err(PhysicsError::OutOfRange { quantity, value, low, high })
}
