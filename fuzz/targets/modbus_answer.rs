//! Any answer of a device to any read: all values of the read, or a reason; and a read that is cut loses no tag.
#![no_main]

use lehr_fuzz::Bytes;
use lehr_modbus::fuzzing::{Limits, Outcome, judge, plan};
use lehr_modbus::{Kind, Order, Place, Register, Table};
use tokio_modbus::{ExceptionCode, Response, bytes};

fn place(table: Table, bytes: &mut Bytes) -> Option<Place> {
    let (address, form) = (bytes.word()?, bytes.byte()?);
    let kind = if table.is_bits() { Kind::Bool } else { Kind::REGISTERS[usize::from(form & 7)] };
    let order = |bit: u8| if form & bit == 0 { Order::Big } else { Order::Little };
    let place = Place { register: Register { table, address }, kind, word_order: order(8), byte_order: order(16) };
    // A configuration that goes beyond the table is refused before.
    (place.span().1 <= 65_536).then_some(place)
}

/// As the connection takes a message apart.
fn answer(data: &[u8]) -> Option<Result<Response, ExceptionCode>> {
    match data {
        [code, exception, ..] if *code >= 0x80 => Some(Err(ExceptionCode::new(*exception))),
        _ => Response::try_from(bytes::Bytes::copy_from_slice(data)).ok().map(Ok),
    }
}

fn run(data: &[u8]) -> Option<()> {
    let mut bytes = Bytes(data);
    let head = bytes.byte()?;
    let table = Table::ALL[usize::from(head & 3)];
    let places: Vec<Place> = (0..=head >> 4).map_while(|_| place(table, &mut bytes)).collect();
    let answer = answer(bytes.0)?;
    let pieces = plan(&places, Limits { registers: 125, bits: 2000, gap: u16::from(head >> 2 & 3) * 8 });
    assert_eq!(pieces.iter().map(|piece| piece.tags.len()).sum::<usize>(), places.len(), "each tag is in one read");
    for piece in pieces {
        match judge(&piece, &places, answer.clone()) {
            Outcome::Values(values) => assert_eq!(values.len(), piece.tags.len()),
            Outcome::Cut(halves) => {
                let both: Vec<usize> = halves.iter().flat_map(|half| half.tags.iter().copied()).collect();
                assert_eq!(both, piece.tags);
                assert!(halves.iter().all(|half| !half.tags.is_empty()));
            }
            Outcome::Refused(why) | Outcome::Silent(why) => assert!(!why.is_empty()),
        }
    }
    Some(())
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    run(data);
});
