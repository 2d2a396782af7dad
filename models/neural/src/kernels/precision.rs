use std::fmt;

use serde::{Deserialize, Serialize};

use super::amx;

/// To what factors are rounded before they are multiplied; sums are of single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    Single,
    /// Eight significant bits, with which networks learn as well (Kalamkar et al., "A study of bfloat16 for deep learning
    /// training", 2019). By a processor's matrix unit; where there is none it is as [`Self::Single`].
    Bfloat16,
}

impl Precision {
    /// What this processor multiplies fastest.
    pub fn fastest() -> Self {
        if amx::available() { Self::Bfloat16 } else { Self::Single }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Bfloat16 => "bfloat16",
        })
    }
}
