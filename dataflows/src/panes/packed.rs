//! Readings of an old pane in few bytes: differences to the reading before, as variable-length integers. A
//! reading a second with a value that moves by a hundredth takes about five bytes instead of 24.

use super::pane::Sample;

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("packed by `pack`");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// Small differences of either sign to small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn pack(readings: &[Sample]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(readings.len() * 6);
    let mut last = Sample { offset: 0, status: 0, revision: 0, value: 0 };
    for sample in readings {
        // The lowest two bits hold the status, the next one whether the revision changed.
        let revised = sample.revision != last.revision;
        let head = u64::from(sample.offset - last.offset) << 3 | u64::from(revised) << 2 | u64::from(sample.status & 3);
        put(&mut bytes, head);
        put(&mut bytes, zigzag(sample.value.wrapping_sub(last.value)));
        if revised {
            put(&mut bytes, zigzag(sample.revision.wrapping_sub(last.revision) as i64));
        }
        last = *sample;
    }
    bytes.into_boxed_slice()
}

pub(super) fn unpack(mut bytes: &[u8]) -> Vec<Sample> {
    let mut readings = Vec::new();
    let mut last = Sample { offset: 0, status: 0, revision: 0, value: 0 };
    while !bytes.is_empty() {
        let head = take(&mut bytes);
        last.offset += (head >> 3) as u32;
        last.status = (head & 3) as u8;
        last.value = last.value.wrapping_add(unzigzag(take(&mut bytes)));
        if head & 4 != 0 {
            last.revision = last.revision.wrapping_add(unzigzag(take(&mut bytes)) as u64);
        }
        readings.push(last);
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let extremes = [0, 1, -1, i64::MAX, i64::MIN, 1_500_000_000];
        let mut readings = Vec::new();
        for (index, value) in extremes.into_iter().cycle().take(100).enumerate() {
            let revision = if index % 7 == 0 { u64::MAX - index as u64 } else { 42 };
            readings.push(Sample { offset: index as u32 * 601, status: index as u8 % 4, revision, value });
        }
        assert_eq!(unpack(&pack(&readings)), readings);
        assert_eq!(unpack(&pack(&[])), []);
    }

    #[test]
    fn a_steady_sensor_takes_few_bytes() {
        let reading =
            |i: u32| Sample { offset: i * 1000, status: 0, revision: 7, value: 1_500_000_000 + i64::from(i % 5) };
        let readings: Vec<Sample> = (0..60).map(reading).collect();
        assert!(pack(&readings).len() < 60 * 4, "{}", pack(&readings).len());
    }
}
