//! Quality codes of the protocols as one: OPC UA Part 8 A.3.2.3 names them, Sparkplug 3.0 chapter 6.4.11 has three.

use lehr_domain::Status;

/// How far a device trusts its own value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    #[default]
    Good,
    /// Usable, but not as it should be: sub-normal, not accurate, held, stale.
    Uncertain,
    /// Not a measurement.
    Bad,
}

impl Quality {
    /// Of an OPC UA status code: its two highest bits are the severity.
    pub fn of_opcua(code: u32) -> Quality {
        match code >> 30 {
            0 => Quality::Good,
            1 => Quality::Uncertain,
            _ => Quality::Bad,
        }
    }

    /// Of a Sparkplug metric's property "Quality": 192 good, 500 stale, 0 bad. What is none of these is not trusted.
    pub fn of_sparkplug(code: i32) -> Quality {
        match code {
            192 => Quality::Good,
            500 => Quality::Uncertain,
            _ => Quality::Bad,
        }
    }

    /// As readings have it: of a bad one the value is kept out of all statistics.
    pub fn status(self) -> Status {
        match self {
            Quality::Good => Status::Ok,
            Quality::Uncertain => Status::Warning,
            Quality::Bad => Status::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_of_opcua_are_told_by_their_highest_bits() {
        // Good, Good_LocalOverride, Uncertain_LastUsableValue, Bad_NotConnected.
        let codes = [0, 0x0096_0000, 0x4090_0000, 0x808A_0000];
        assert_eq!(codes.map(Quality::of_opcua), [Quality::Good, Quality::Good, Quality::Uncertain, Quality::Bad]);
    }

    #[test]
    fn what_sparkplug_does_not_define_is_not_trusted() {
        assert_eq!(
            [192, 500, 0, 7].map(Quality::of_sparkplug),
            [Quality::Good, Quality::Uncertain, Quality::Bad, Quality::Bad]
        );
    }
}
