//! Units of measurement of the same quantity, and how one becomes another. Factors are exact by definition (NIST SP 811)
//! unless noted.

/// Names of a unit, and value × factor + offset = value in the first unit of its quantity.
struct Unit {
    names: &'static [&'static str],
    factor: f64,
    offset: f64,
}

const fn unit(names: &'static [&'static str], factor: f64) -> Unit {
    Unit { names, factor, offset: 0.0 }
}

const QUANTITIES: &[&[Unit]] = &[
    &[
        unit(&["°C", "C", "degC", "Cel"], 1.0),
        Unit { names: &["K"], factor: 1.0, offset: -273.15 },
        Unit { names: &["°F", "F", "degF"], factor: 5.0 / 9.0, offset: -160.0 / 9.0 },
    ],
    &[
        unit(&["Pa"], 1.0),
        unit(&["hPa", "mbar"], 100.0),
        unit(&["kPa"], 1e3),
        unit(&["bar"], 1e5),
        unit(&["MPa", "N/mm²"], 1e6),
        unit(&["psi"], 6_894.757_293_168),
        unit(&["mmH2O", "mmH₂O"], 9.806_65),
    ],
    &[unit(&["m"], 1.0), unit(&["mm"], 1e-3), unit(&["cm"], 1e-2), unit(&["in"], 0.0254), unit(&["ft"], 0.3048)],
    &[unit(&["m/min"], 1.0), unit(&["m/s"], 60.0), unit(&["mm/s"], 0.06), unit(&["ft/min"], 0.3048)],
    &[
        Unit { names: &["°C/min", "K/min"], factor: 1.0, offset: 0.0 },
        unit(&["K/s", "°C/s"], 60.0),
        unit(&["K/h", "°C/h"], 1.0 / 60.0),
        unit(&["°F/min"], 5.0 / 9.0),
    ],
    &[unit(&["kW"], 1.0), unit(&["W"], 1e-3), unit(&["MW"], 1e3)],
    &[unit(&["A"], 1.0), unit(&["mA"], 1e-3)],
    &[unit(&["%"], 1.0), unit(&["1", "share"], 100.0), unit(&["‰"], 0.1), unit(&["ppm"], 1e-4)],
    // Of gases both are at 0 °C and 101.325 kPa.
    &[unit(&["Nm³/h", "m³/h", "Nm3/h", "m3/h"], 1.0), unit(&["Nm³/s", "m³/s", "m3/s"], 3600.0), unit(&["l/min"], 0.06)],
    &[unit(&["rpm", "1/min"], 1.0), unit(&["Hz", "1/s"], 60.0)],
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("unit {0} is not known; give scale and offset instead")]
    Unknown(String),
    #[error("{from} is no unit of the quantity that is measured in {to}")]
    OtherQuantity { from: String, to: String },
}

fn find(name: &str) -> Option<(usize, &'static Unit)> {
    QUANTITIES.iter().enumerate().find_map(|(quantity, units)| {
        let unit = units.iter().find(|unit| unit.names.contains(&name))?;
        Some((quantity, unit))
    })
}

/// Factor and offset by which a value in `from` becomes one in `to`.
pub fn conversion(from: &str, to: &str) -> Result<(f64, f64), UnitError> {
    let (from, to) = (from.trim(), to.trim());
    if from == to {
        return Ok((1.0, 0.0));
    }
    let known = |name: &str| find(name).ok_or_else(|| UnitError::Unknown(name.to_owned()));
    let ((quantity, unit), (other, target)) = (known(from)?, known(to)?);
    if quantity != other {
        return Err(UnitError::OtherQuantity { from: from.to_owned(), to: to.to_owned() });
    }
    Ok((unit.factor / target.factor, (unit.offset - target.offset) / target.factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(value: f64, from: &str, to: &str) -> f64 {
        let (factor, offset) = conversion(from, to).unwrap();
        value * factor + offset
    }

    #[test]
    fn values_are_those_of_tables() {
        for (value, from, to, expected) in [
            (2768.0, "°F", "°C", 1520.0),
            (1793.15, "K", "°C", 1520.0),
            (1520.0, "°C", "°F", 2768.0),
            (1.0, "bar", "kPa", 100.0),
            (14.503_773_773, "psi", "bar", 1.0),
            (2.5, "m/s", "m/min", 150.0),
            (1200.0, "mm", "m", 1.2),
            (0.02, "share", "%", 2.0),
        ] {
            let found = converted(value, from, to);
            assert!((found - expected).abs() < 1e-6, "{value} {from} = {found} {to}, not {expected}");
        }
    }

    #[test]
    fn there_and_back_is_where_one_was() {
        for units in QUANTITIES {
            for (one, other) in units.iter().flat_map(|one| units.iter().map(move |other| (one, other))) {
                let (one, other) = (one.names[0], other.names[0]);
                let back = converted(converted(123.4, one, other), other, one);
                assert!((back - 123.4).abs() < 1e-9, "{one} {other}: {back}");
            }
        }
    }

    #[test]
    fn no_name_stands_for_two_units() {
        let mut names: Vec<&str> =
            QUANTITIES.iter().flat_map(|units| units.iter().flat_map(|unit| unit.names)).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_cannot_be_converted_is_refused() {
        assert_eq!(conversion("furlong", "m"), Err(UnitError::Unknown("furlong".into())));
        assert!(matches!(conversion("bar", "°C"), Err(UnitError::OtherQuantity { .. })));
        assert_eq!(conversion("anything", "anything"), Ok((1.0, 0.0)), "what is not known need not be, unconverted");
    }
}
