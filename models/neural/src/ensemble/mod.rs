//! The ensemble: one probability for each horizon from those of several models, by stacking.
//!
//! z = bias + Σ wₖ logit(pₖ), p = 1 / (1 + e⁻ᶻ) (Wolpert, "Stacked generalization", 1992), with weights fit to predictions
//! on a split that the models have not been trained on. The loss adds a price on models that err together, λ Σ wₖ wₗ ρₖₗ
//! with ρ the correlation of their errors (after Brown, Wyatt and Tiňo, "Managing diversity in regression ensembles",
//! 2005): of two that say the same, neither is counted twice.

mod card;
mod stack;

pub use card::{EnsembleReport, card};
pub use stack::{Ensemble, Example, Stack};
