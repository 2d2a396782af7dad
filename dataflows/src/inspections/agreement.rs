//! What the inspector finds on pictures held against what MIK-1 found on the same units, summed up.

use crate::sums::sums;
use lehr_domain::Ratio;
use lehr_domain::unit::{Defect, DefectType};
use serde::{Deserialize, Serialize};

/// What a camera sees, in the order of inspectors' classes: stress fractures are found by the stress model.
pub const SEEN: [DefectType; DefectType::COUNT - 1] = [
    DefectType::Crack,
    DefectType::Bubble,
    DefectType::Chip,
    DefectType::Cloudiness,
    DefectType::Deformation,
    DefectType::Stain,
];

/// Which types of defect are among some findings: a bit a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Types(u8);

impl Types {
    pub fn of(findings: &[Defect]) -> Types {
        Types(findings.iter().fold(0, |bits, finding| bits | 1 << finding.defect as u8))
    }

    pub fn has(self, defect: DefectType) -> bool {
        self.0 & 1 << defect as u8 != 0
    }
}

sums! {
    /// Pictures by who sees a type of defect on them. MIK-1's findings count as what is there.
    pub struct Agreement {
        pub both: i64,
        pub inspector_only: i64,
        pub mik1_only: i64,
        pub neither: i64,
    }
}

impl Agreement {
    /// Of one picture.
    pub fn on(defect: DefectType, inspector: Types, mik1: Types) -> Agreement {
        let mut one = Agreement::default();
        let cell = match (inspector.has(defect), mik1.has(defect)) {
            (true, true) => &mut one.both,
            (true, false) => &mut one.inspector_only,
            (false, true) => &mut one.mik1_only,
            (false, false) => &mut one.neither,
        };
        *cell = 1;
        one
    }

    /// Adds all pictures that another counted: the same as if each had been counted here.
    pub fn merge(&mut self, other: &Agreement) {
        differential_dataflow::difference::Semigroup::plus_equals(self, other);
    }

    pub fn pictures(&self) -> i64 {
        self.both + self.inspector_only + self.mik1_only + self.neither
    }

    pub fn accuracy(&self) -> Ratio {
        Ratio::new(self.both + self.neither, self.pictures())
    }

    pub fn precision(&self) -> Ratio {
        Ratio::new(self.both, self.both + self.inspector_only)
    }

    pub fn recall(&self) -> Ratio {
        Ratio::new(self.both, self.both + self.mik1_only)
    }

    pub fn f1(&self) -> Ratio {
        let twice = 2 * self.both;
        Ratio::new(twice, twice + self.inspector_only + self.mik1_only)
    }

    /// Share of pictures on which MIK-1 finds it.
    pub fn prevalence(&self) -> Ratio {
        Ratio::new(self.both + self.mik1_only, self.pictures())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::PerMille;

    fn types(defects: &[DefectType]) -> Types {
        let finding = |defect: &DefectType| Defect { defect: *defect, score: PerMille(900), bounds: [1, 2, 3, 4] };
        Types::of(&defects.iter().map(finding).collect::<Vec<_>>())
    }

    #[test]
    fn figures_of_four_pictures() {
        let (crack, none) = (types(&[DefectType::Crack, DefectType::Stain]), types(&[DefectType::StressFracture]));
        let mut sums = Agreement::default();
        for (inspector, mik1) in [(crack, crack), (crack, none), (none, none), (none, crack)] {
            sums.merge(&Agreement::on(DefectType::Crack, inspector, mik1));
        }
        assert_eq!(sums, Agreement { both: 1, inspector_only: 1, mik1_only: 1, neither: 1 });
        assert_eq!(sums.pictures(), 4);
        for ratio in [sums.accuracy(), sums.precision(), sums.recall(), sums.f1(), sums.prevalence()] {
            assert_eq!(ratio.to_f64(), Some(0.5));
        }
        assert_eq!(Agreement::on(DefectType::Bubble, crack, crack).neither, 1);
        assert_eq!(Agreement::default().recall().to_f64(), None);
    }

    #[test]
    fn a_camera_sees_all_but_stress_fractures() {
        let seen: Vec<DefectType> =
            DefectType::ALL.into_iter().filter(|defect| *defect != DefectType::StressFracture).collect();
        assert_eq!(SEEN.as_slice(), seen);
    }
}
