//! Isokom temperatures of silicate glasses from their composition: A. Fluegel, "Glass viscosity calculation based on
//! a global statistical modelling approach", Glass Technol.: Eur. J. Glass Sci. Technol. A 48 (2007) 13–30.
//!
//! Tables 4 to 6: a temperature is a polynomial in the mol% of all oxides but SiO2, which is counted in the total and
//! has no term. Terms of oxides that [`Oxide`] does not know are left out. A transcription that circulates has lost
//! the minus of eight products in Table 4 (of B2O3 with alkalis; of Al2O3 with Na2O, Li2O, MgO and CaO; of MgO with
//! CaO), which their t-values still show; without them SRM 710A comes out at 1342 instead of 1314 °C.

use super::{ANNEALING, SOFTENING, Vft};
use crate::composition::{Calibration, MolPercent, Oxide, Oxide::*};
use crate::{Celsius, Log10Viscosity, PhysicsError};

/// A coefficient in °C and the oxides whose mol% are multiplied with it.
type Term = (f64, &'static [Oxide]);

/// Temperatures of equal viscosity. Standard errors are 9 to 17 K.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isokoms {
    /// 10^1.5 Pa·s.
    pub melt: Celsius,
    /// 10^6.6 Pa·s.
    pub softening: Celsius,
    /// 10¹² Pa·s.
    pub annealing: Celsius,
}

const MELT: Log10Viscosity = Log10Viscosity(1.5);

impl Isokoms {
    /// Error: the three temperatures lie on no curve.
    pub fn vft(&self) -> Result<Vft, PhysicsError> {
        Vft::through([(self.melt, MELT), (self.softening, SOFTENING), (self.annealing, ANNEALING)])
    }
}

/// Error: names the oxide outside what any of the three polynomials was fitted to.
pub fn isokoms(glass: &MolPercent) -> Result<Isokoms, PhysicsError> {
    CALIBRATION.check(|oxide| glass.of(oxide))?;
    Ok(Isokoms {
        melt: polynomial(1824.497, MELT_TERMS, glass),
        softening: polynomial(939.479, SOFTENING_TERMS, glass),
        annealing: polynomial(624.829, ANNEALING_TERMS, glass),
    })
}

fn polynomial(constant: f64, terms: &[Term], glass: &MolPercent) -> Celsius {
    let term = |&(coefficient, oxides): &Term| oxides.iter().fold(coefficient, |value, &oxide| value * glass.of(oxide));
    Celsius(constant + terms.iter().map(term).sum::<f64>())
}

/// Table 3; of the greatest shares at the three viscosities the smallest.
const CALIBRATION: Calibration = Calibration {
    model: "Fluegel 2007",
    unit: "mol%",
    ranges: &[
        (SiO2, 42.62, 87.1),
        (Al2O3, 0.0, 10.0),
        (B2O3, 0.0, 16.97),
        (Na2O, 0.0, 42.0),
        (K2O, 0.0, 30.0),
        (Li2O, 0.0, 33.3),
        (CaO, 0.0, 33.1),
        (MgO, 0.0, 16.61),
        (BaO, 0.0, 8.0),
        (SrO, 0.0, 7.37),
        (ZnO, 0.0, 2.81),
        (PbO, 0.0, 49.96),
        (Fe2O3, 0.0, 0.57),
        (TiO2, 0.0, 3.29),
        (SO3, 0.0, 0.32),
    ],
    rest: 1.0,
};

/// Table 4, 10^1.5 Pa·s.
#[allow(clippy::approx_constant, reason = "a coefficient that happens to be near 2π")]
const MELT_TERMS: &[Term] = &[
    (19.341, &[Al2O3]),
    (-22.347, &[B2O3]),
    (0.60376, &[B2O3, B2O3]),
    (-18.931, &[BaO]),
    (-17.453, &[CaO]),
    (0.12038, &[CaO, CaO]),
    (-13.611, &[Fe2O3]),
    (-31.907, &[K2O]),
    (0.61234, &[K2O, K2O]),
    (-0.006662, &[K2O, K2O, K2O]),
    (-30.336, &[Li2O]),
    (0.22499, &[Li2O, Li2O]),
    (-5.038, &[MgO]),
    (0.59449, &[K2O, MgO]),
    (-30.610, &[Na2O]),
    (0.27887, &[Na2O, Na2O]),
    (-21.349, &[PbO]),
    (-13.908, &[SO3]),
    (-17.292, &[SrO]),
    (-10.323, &[TiO2]),
    (-6.280, &[ZnO]),
    (-0.28237, &[B2O3, Na2O]),
    (-0.2789, &[B2O3, K2O]),
    (-0.16843, &[B2O3, Li2O]),
    (-0.23085, &[Al2O3, Na2O]),
    (-0.38421, &[Al2O3, Li2O]),
    (-0.44589, &[Al2O3, MgO]),
    (-0.93909, &[Al2O3, CaO]),
    (0.58773, &[Na2O, K2O]),
    (0.20691, &[Na2O, Li2O]),
    (0.19254, &[Na2O, CaO]),
    (0.24924, &[K2O, Li2O]),
    (0.29628, &[K2O, CaO]),
    (-0.17394, &[MgO, CaO]),
    (0.03362, &[Al2O3, Na2O, CaO]),
];

/// Table 5, 10^6.6 Pa·s.
const SOFTENING_TERMS: &[Term] = &[
    (5.812, &[Al2O3]),
    (-4.366, &[B2O3]),
    (-0.17367, &[B2O3, B2O3]),
    (-3.385, &[BaO]),
    (-1.791, &[CaO]),
    (-11.013, &[Fe2O3]),
    (-20.659, &[K2O]),
    (0.58116, &[K2O, K2O]),
    (-0.009370, &[K2O, K2O, K2O]),
    (-25.075, &[Li2O]),
    (0.46012, &[Li2O, Li2O]),
    (0.93, &[MgO]),
    (-19.051, &[Na2O]),
    (0.32209, &[Na2O, Na2O]),
    (-0.002080, &[Na2O, Na2O, Na2O]),
    (-8.871, &[PbO]),
    (-2.191, &[SrO]),
    (-2.862, &[TiO2]),
    (-1.065, &[ZnO]),
    (0.32005, &[B2O3, Na2O]),
    (0.42514, &[B2O3, K2O]),
    (0.39626, &[B2O3, Li2O]),
    (-0.24066, &[B2O3, CaO]),
    (0.08442, &[Al2O3, Na2O]),
    (0.48055, &[Al2O3, K2O]),
    (0.15519, &[Na2O, K2O]),
    (0.20781, &[Na2O, Li2O]),
    (0.09392, &[Na2O, CaO]),
    (0.46938, &[K2O, Li2O]),
    (0.26354, &[K2O, MgO]),
    (0.47564, &[K2O, CaO]),
    (-0.15553, &[MgO, CaO]),
    (-0.033573, &[B2O3, Al2O3, Na2O]),
    (-0.006780, &[Al2O3, Na2O, CaO]),
    (-0.012589, &[Na2O, MgO, CaO]),
];

/// Table 6, 10¹² Pa·s.
const ANNEALING_TERMS: &[Term] = &[
    (4.929, &[Al2O3]),
    (-1.121, &[B2O3]),
    (-1.110, &[BaO]),
    (6.84, &[CaO]),
    (-0.08269, &[CaO, CaO]),
    (-8.453, &[Fe2O3]),
    (-12.460, &[K2O]),
    (0.39706, &[K2O, K2O]),
    (-0.005382, &[K2O, K2O, K2O]),
    (-11.571, &[Li2O]),
    (0.27802, &[Li2O, Li2O]),
    (-0.002576, &[Li2O, Li2O, Li2O]),
    (1.141, &[MgO]),
    (-12.854, &[Na2O]),
    (0.35785, &[Na2O, Na2O]),
    (-0.004179, &[Na2O, Na2O, Na2O]),
    (-4.349, &[PbO]),
    (1.388, &[SrO]),
    (3.864, &[TiO2]),
    (0.38413, &[B2O3, Na2O]),
    (-0.20958, &[B2O3, CaO]),
    (-0.33380, &[B2O3, Al2O3]),
    (-0.13741, &[Al2O3, CaO]),
    (0.06169, &[Na2O, K2O]),
    (0.08558, &[Na2O, Li2O]),
    (-0.10283, &[Na2O, CaO]),
    (0.17538, &[K2O, Li2O]),
    (0.27425, &[K2O, MgO]),
    (0.2247, &[K2O, CaO]),
    (-0.21563, &[MgO, CaO]),
    (-0.88170, &[CaO, Li2O]),
    (0.013868, &[Al2O3, Na2O, CaO]),
];
