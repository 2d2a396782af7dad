//! Into how many steps of the unit a minute is split.

use crate::description::Steps;

const MINUTE_S: f64 = 60.0;
/// One a millisecond: a unit that needs more is no model of a furnace.
const STEPS_MOST: f64 = 60_000.0;
/// How exactly a step must divide what it has to: decimal fractions are not exact in binary.
const EXACT: f64 = 1e-6;

/// Steps of a minute and their length. Asked for, a length must divide the minute; the unit's own is shortened to one
/// that does where the unit takes any.
///
/// Error: why not, and what to do.
pub fn split(asked_s: Option<f64>, unit: &Steps) -> Result<(u32, f64), String> {
    let own_s = unit.default_s.or(unit.internal_s).filter(|step| *step <= MINUTE_S);
    let wanted = asked_s.or(own_s).unwrap_or(MINUTE_S);
    if !(wanted > 0.0 && wanted <= MINUTE_S) {
        return Err(format!("{wanted} s must lie above 0, up to a minute; give a length in there"));
    }
    let ratio = MINUTE_S / wanted;
    if ratio > STEPS_MOST {
        return Err(format!("{wanted} s makes more than {STEPS_MOST} steps a minute; give a longer step"));
    }
    let (down, up) = (ratio.floor(), ratio.ceil());
    let steps = if is_whole(ratio) {
        ratio.round()
    } else if asked_s.is_none() && unit.variable {
        up
    } else {
        let (shorter, longer) = (MINUTE_S / up, MINUTE_S / down);
        return Err(format!("{wanted} s does not divide a minute; give {shorter} or {longer}"));
    };
    let step_s = MINUTE_S / steps;
    match unit.internal_s {
        Some(internal_s) if !unit.variable && !is_whole(step_s / internal_s) => {
            Err(format!("{step_s} s is no multiple of the unit's own step of {internal_s} s; give one that is"))
        }
        _ => Ok((steps as u32, step_s)),
    }
}

fn is_whole(ratio: f64) -> bool {
    (ratio - ratio.round()).abs() < EXACT && ratio.round() >= 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Steps = Steps { variable: true, internal_s: None, default_s: None };

    #[test]
    fn a_minute_is_split_into_steps_that_fill_it() {
        assert_eq!(split(None, &ANY), Ok((1, 60.0)));
        assert_eq!(split(Some(0.1), &ANY), Ok((600, 0.1)));
        assert_eq!(split(None, &Steps { default_s: Some(7.0), ..ANY }), Ok((9, 60.0 / 9.0)));
        assert_eq!(split(None, &Steps { default_s: Some(3600.0), ..ANY }), Ok((1, 60.0)));
        assert_eq!(split(None, &Steps { internal_s: Some(0.1), ..ANY }), Ok((600, 0.1)));
        let fixed = Steps { variable: false, internal_s: Some(0.25), default_s: Some(0.5) };
        assert_eq!(split(None, &fixed), Ok((120, 0.5)));
    }

    #[test]
    fn what_does_not_fill_it_is_refused_with_what_would() {
        let told = |asked, unit: &Steps| split(asked, unit).expect_err("must be refused");
        assert!(told(Some(8.0), &ANY).contains("give 7.5 or 8.571428571428571"));
        assert!(told(Some(90.0), &ANY).contains("up to a minute"));
        assert!(told(Some(0.0), &ANY).contains("above 0"));
        assert!(told(Some(f64::NAN), &ANY).contains("above 0"));
        assert!(told(Some(0.0001), &ANY).contains("more than 60000 steps"));
        let fixed = Steps { variable: false, internal_s: Some(0.25), default_s: None };
        assert!(told(Some(0.1), &fixed).contains("no multiple"));
        assert!(told(None, &Steps { variable: false, default_s: Some(7.0), internal_s: None }).contains("divide"));
    }
}
