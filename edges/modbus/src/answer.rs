//! What the device side answers: a request's bytes in, an answer's bytes out.
//!
//! Requests are taken apart here and not by the client's library, whose decoder trusts the counts in requests to write.

use crate::map::{Map, Point, Role};
use crate::plan::REGISTERS_MOST;
use crate::register::Table;
use std::sync::atomic::{AtomicU32, Ordering};

const READ_HOLDING: u8 = 3;
const READ_INPUT: u8 = 4;
const WRITE_ONE: u8 = 6;
const WRITE_MANY: u8 = 16;
const IDENTIFY: u8 = 43;
/// Of function 43, the kind that identifies a device.
const IDENTIFICATION: u8 = 14;
const BASIC: u8 = 1;
/// Most registers that one request writes.
const WRITTEN_MOST: u16 = 123;

/// Exception codes of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exception {
    Function = 1,
    Address = 2,
    Value = 3,
}

/// The values that a device shows, each the bits of an `f32`; NaN before it has one.
#[derive(Debug)]
pub struct Values {
    /// Behind the sensors the two halves of the clock.
    sensors: Vec<AtomicU32>,
    set_points: Vec<AtomicU32>,
}

impl Values {
    pub fn of(map: &Map) -> Values {
        let none = |points: &[Point]| points.iter().map(|_| AtomicU32::new(f32::NAN.to_bits())).collect::<Vec<_>>();
        let mut sensors = none(&map.sensors);
        sensors.extend([AtomicU32::new(0), AtomicU32::new(0)]);
        Values { sensors, set_points: none(&map.set_points) }
    }

    /// The time of what is shown, milliseconds since 1970. Its upper half changes every seven weeks.
    pub fn set_clock(&self, millis: u64) {
        if let [.., upper, lower] = self.sensors.as_slice() {
            upper.store((millis >> 32) as u32, Ordering::Relaxed);
            lower.store(millis as u32, Ordering::Relaxed);
        }
    }

    fn table(&self, table: Table) -> &[AtomicU32] {
        match table {
            Table::Input => &self.sensors,
            Table::Holding => &self.set_points,
            Table::Coil | Table::Discrete => &[],
        }
    }

    pub fn set(&self, table: Table, position: usize, value: f32) {
        if let Some(held) = self.table(table).get(position) {
            held.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Registers from an address on. A value is never half old and half new within an answer.
    fn registers(&self, table: Table, start: u16, count: u16) -> Option<Vec<u16>> {
        let (start, end) = (usize::from(start), usize::from(start) + usize::from(count));
        let held = self.table(table).get(start / 2..end.div_ceil(2))?;
        let words = held.iter().flat_map(|value| {
            let bits = value.load(Ordering::Relaxed);
            [(bits >> 16) as u16, bits as u16]
        });
        Some(words.skip(start % 2).take(end - start).collect())
    }
}

/// Takes a set-point's name and value; an error refuses it.
pub type WriteSetPoint = dyn Fn(&str, f64) -> Result<(), String> + Send + Sync;

/// The answer to any bytes. A value is written only where all of the request's are within their limits and `write` takes
/// them; where `write` refuses one, those before it are written.
pub fn answer(map: &Map, values: &Values, write: &WriteSetPoint, request: &[u8]) -> Vec<u8> {
    let function = request.first().copied().unwrap_or(0);
    respond(map, values, write, request).unwrap_or_else(|exception| vec![function | 0x80, exception as u8])
}

fn respond(map: &Map, values: &Values, write: &WriteSetPoint, request: &[u8]) -> Result<Vec<u8>, Exception> {
    let [function, body @ ..] = request else { return Err(Exception::Function) };
    match *function {
        READ_HOLDING => read(values, Table::Holding, *function, body),
        READ_INPUT => read(values, Table::Input, *function, body),
        // One register is half a value.
        WRITE_ONE => Err(Exception::Address),
        WRITE_MANY => {
            for (position, value) in to_write(map, body)? {
                let name = &map.set_points[position].name;
                write(name, f64::from(value)).map_err(|why| {
                    tracing::warn!(set_point = name, value, "refused: {why}");
                    Exception::Value
                })?;
                values.set(Table::Holding, position, value);
            }
            Ok([&[*function], &body[..4]].concat())
        }
        IDENTIFY => identify(body),
        _ => Err(Exception::Function),
    }
}

fn read(values: &Values, table: Table, function: u8, body: &[u8]) -> Result<Vec<u8>, Exception> {
    let &[a, b, c, d] = body else { return Err(Exception::Value) };
    let (start, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if !(1..=REGISTERS_MOST).contains(&count) {
        return Err(Exception::Value);
    }
    let words = values.registers(table, start, count).ok_or(Exception::Address)?;
    let mut answer = vec![function, (2 * count) as u8];
    answer.extend(words.into_iter().flat_map(u16::to_be_bytes));
    Ok(answer)
}

/// Set-points and the values they are to have: whole ones, within their limits.
fn to_write(map: &Map, body: &[u8]) -> Result<Vec<(usize, f32)>, Exception> {
    let &[a, b, c, d, bytes, ref data @ ..] = body else { return Err(Exception::Value) };
    let (start, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let consistent = usize::from(bytes) == 2 * usize::from(count) && data.len() == usize::from(bytes);
    if !(1..=WRITTEN_MOST).contains(&count) || !consistent {
        return Err(Exception::Value);
    }
    if start % 2 != 0 || count % 2 != 0 {
        return Err(Exception::Address);
    }
    let first = usize::from(start) / 2;
    let points = map.set_points.get(first..first + usize::from(count) / 2).ok_or(Exception::Address)?;
    let values = data.chunks_exact(4).map(|four| f32::from_be_bytes([four[0], four[1], four[2], four[3]]));
    let checked = points.iter().zip(values).enumerate().map(|(position, (point, value))| match point.role {
        Role::SetPoint { low, high } if (low..=high).contains(&f64::from(value)) => Ok((first + position, value)),
        _ => Err(Exception::Value),
    });
    checked.collect()
}

/// Vendor, product and version.
fn identify(body: &[u8]) -> Result<Vec<u8>, Exception> {
    let &[IDENTIFICATION, code, object] = body else { return Err(Exception::Function) };
    if code != BASIC {
        return Err(Exception::Value);
    }
    let texts = ["Lehr", "simulated plant", env!("CARGO_PKG_VERSION")];
    let objects: Vec<(u8, &str)> = (0..).zip(texts).filter(|&(id, _)| id >= object).collect();
    if objects.is_empty() {
        return Err(Exception::Address);
    }
    let mut answer = vec![IDENTIFY, IDENTIFICATION, BASIC, BASIC, 0, 0, objects.len() as u8];
    for (id, text) in objects {
        answer.extend([id, text.len() as u8]);
        answer.extend(text.as_bytes());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    fn map() -> Map {
        let point = |name: &str, role| Point { name: name.into(), unit: "°C".into(), role };
        let limits = Role::SetPoint { low: 1400.0, high: 1600.0 };
        Map::new([
            point("a", Role::Sensor),
            point("b", Role::Sensor),
            point("first set-point", limits),
            point("second set-point", limits),
        ])
        .unwrap()
    }

    fn written(values: &[f32]) -> Vec<u8> {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        [&[WRITE_MANY, 0, 0, 0, (data.len() / 2) as u8, data.len() as u8], data.as_slice()].concat()
    }

    proptest! {
        /// Any bytes get an answer of the same function, or an exception, and are never too long for a frame.
        #[test]
        fn any_request_is_answered(
            function in prop_oneof![Just(3_u8), Just(4), Just(6), Just(15), Just(16), Just(23), Just(43), any::<u8>()],
            body in prop::collection::vec(any::<u8>(), 0..260),
        ) {
            let (map, request) = (map(), [&[function], body.as_slice()].concat());
            let values = Values::of(&map);
            let answer = answer(&map, &values, &|_, value| {
                assert!((1400.0..=1600.0).contains(&value), "{value} is beyond the limits");
                Ok(())
            }, &request);
            prop_assert!(answer.len() >= 2 && answer.len() <= 253);
            prop_assert_eq!(answer[0] & 0x7F, function & 0x7F);
        }

        #[test]
        fn set_points_are_written_within_their_limits_alone(first in 1300.0..1700_f32, second in 1300.0..1700_f32) {
            let (map, taken) = (map(), Arc::new(Mutex::new(Vec::new())));
            let takes = taken.clone();
            let values = Values::of(&map);
            let take = move |_: &str, value: f64| { takes.lock().unwrap().push(value as f32); Ok(()) };
            let answer = answer(&map, &values, &take, &written(&[first, second]));
            let good = [first, second].iter().all(|value| (1400.0..=1600.0).contains(value));
            if good {
                prop_assert_eq!(&answer[..], &[WRITE_MANY, 0, 0, 0, 4][..]);
                prop_assert_eq!(&*taken.lock().unwrap(), &[first, second]);
            } else {
                prop_assert_eq!(&answer[..], &[WRITE_MANY | 0x80, Exception::Value as u8][..]);
                prop_assert!(taken.lock().unwrap().is_empty(), "all or none");
            }
        }
    }

    #[test]
    fn reads_may_begin_and_end_within_a_value() {
        let map = map();
        let values = Values::of(&map);
        values.set(Table::Input, 0, f32::from_bits(0x1111_2222));
        values.set(Table::Input, 1, f32::from_bits(0x3333_4444));
        let ask = |start: u8, count: u8| answer(&map, &values, &|_, _| Ok(()), &[READ_INPUT, 0, start, 0, count]);
        assert_eq!(ask(1, 2), [READ_INPUT, 4, 0x22, 0x22, 0x33, 0x33]);
        assert_eq!(ask(0, 4).len(), 10);
        values.set_clock(0x0000_0199_5555_6666);
        assert_eq!(ask(4, 4), [READ_INPUT, 8, 0, 0, 0x01, 0x99, 0x55, 0x55, 0x66, 0x66]);
        for (start, count, exception) in [(0, 9, 2), (8, 1, 2), (0, 0, 3), (0, 126, 3)] {
            assert_eq!(ask(start, count), [READ_INPUT | 0x80, exception], "{start} {count}");
        }
    }

    #[test]
    fn what_the_plant_refuses_is_not_shown() {
        let map = map();
        let values = Values::of(&map);
        let refuse = |name: &str, _| if name == "second set-point" { Err("interlocked".into()) } else { Ok(()) };
        let said = answer(&map, &values, &refuse, &written(&[1500.0, 1500.0]));
        assert_eq!(said, [WRITE_MANY | 0x80, Exception::Value as u8]);
        let shown = values.registers(Table::Holding, 0, 4).unwrap();
        assert_eq!(shown[..2], [0x44BB, 0x8000], "1500 was taken");
        assert!(f32::from_bits(u32::from(shown[2]) << 16 | u32::from(shown[3])).is_nan());
    }
}
