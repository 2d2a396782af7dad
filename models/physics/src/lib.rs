//! The physics of a glass line: pure functions and small solvers, from the composition of the glass to the stress
//! that is left in the ware.
//!
//! | module | what |
//! |---|---|
//! | [`composition`], [`viscosity`] | oxides; viscosity as a function of temperature and of composition; fixed points |
//! | [`thermal`] | density, heat capacity, conductivity and radiation conductivity |
//! | [`conduction`] | transient heat conduction through a slab, and the exact solutions that it is held against |
//! | [`furnace`], [`residence`], [`seeds`] | energy balance, residence time, rise of bubbles |
//! | [`forming`], [`devitrification`] | gob, contact with the mould, the time in which glass can be formed |
//! | [`stress`] | structural relaxation, viscoelastic stress in plates, lehr, thermal shock, retardation |
//!
//! Invariants: no I/O, no clock, no randomness; the same arguments give the same bits. Viscosity is in Pa·s (1 Pa·s =
//! 10 poise), all else in SI units unless a name says otherwise; tension is positive. Every number and formula names
//! its source. What a function cannot answer it refuses with a [`PhysicsError`] that names the argument.

pub mod composition;
pub mod conduction;
pub mod devitrification;
mod error;
pub mod forming;
pub mod furnace;
pub mod residence;
pub mod seeds;
pub mod stress;
pub mod thermal;
mod units;
pub mod viscosity;

pub use error::PhysicsError;
pub use units::{Celsius, GAS_CONSTANT, GRAVITY, Kelvin, Log10Viscosity, PascalSeconds, STEFAN_BOLTZMANN};
