//! Stress in glass: how it comes about when glass cools, and how it is measured.
//!
//! | module | what |
//! |---|---|
//! | [`relaxing`] | glasses with their spectra of relaxation, anchored to a curve of viscosity |
//! | [`structure`] | structural relaxation (Tool–Narayanaswamy–Moynihan): fictive temperature |
//! | [`plate`] | viscoelastic stress through the thickness of a plate whose temperature is known |
//! | [`cooling`] | conduction and stress together: tempering, or any other cooling of a plate |
//! | [`lehr`] | the fast form for annealing: a quasi-steady profile and three layers |
//! | [`adams_williamson`], [`shock`], [`retardation`] | closed forms |

pub mod adams_williamson;
pub mod cooling;
pub mod lehr;
pub mod plate;
mod prony;
pub mod relaxing;
pub mod retardation;
pub mod shock;
pub mod structure;

pub use prony::{Prony, TERMS};
